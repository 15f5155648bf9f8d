/* Masking: its statistics, whole words under every kind of tokenizer, and that nothing but seed, update and
 * row counts. */
#include "train/masking.h"
#include "train/data.h"

#include <inkling/train_tokenizer.h>

#include <math.h>

TestSuite(masking, .init = make_scratch, .fini = remove_scratch);

enum { R = 400000 };

static int32_t ids[R], shown[R], labels[R];
static uint32_t rows[R];

/* R ids of bert-tiny-cls, 100 a sequence, [CLS] first and [SEP] last. */
static size_t make_ids(size_t *offsets, size_t V)
{
    const size_t B = R / 100;
    unsigned state = 7;
    for (size_t r = 0; r < R; ++r) {
        state = state * 1103515245u + 12345u;
        ids[r] = (int32_t)(5 + (state >> 8) % (V - 5));
        if (r % 100 == 0 || r % 100 == 99)
            ids[r] = r % 100 ? 3 : 2;
    }
    for (size_t b = 0; b <= B; ++b)
        offsets[b] = b * 100;
    memcpy(shown, ids, sizeof ids);
    return B;
}

static ink__masking open_masking(const char *dir, double rate)
{
    ink__masking m;
    assert_ok(ink_tokenizer_open(&tokenizer, dir, &err), err);
    assert_ok(ink__masking_create(&m, tokenizer, rate, 11, &err), err);
    return m;
}

static const char tiny[] = INK_TEST_DATA "/golden/bert-tiny-cls";
static size_t offsets[R / 100 + 1];

/* 398,000 tokens: three standard deviations of a share are below 0.002. */
Test(masking, the_rate_and_80_10_10_hold_within_a_hundredth)
{
    static const double rates[] = {0.15, 0.3};
    for (int i = 0; i < 2; ++i) {
        ink__masking m = open_masking(tiny, rates[i]);
        const size_t B = make_ids(offsets, m.V);
        const size_t n = ink__masking_apply(shown, rows, labels, &m, offsets, B, 5, 0);
        size_t masked = 0, kept = 0, specials = 0;
        for (size_t k = 0; k < n; ++k) {
            cr_assert(labels[k] == ids[rows[k]] && (k == 0 || rows[k] > rows[k - 1]));
            masked += shown[rows[k]] == m.mask, kept += shown[rows[k]] == labels[k];
            specials += labels[k] < 5;
        }
        for (size_t r = 0, k = 0; r < R; ++r)
            if (k < n && rows[k] == r)
                ++k;
            else
                cr_assert(shown[r] == ids[r], "row %zu", r);
        const double of = (double)n, other = 1 - (double)(masked + kept) / of;
        cr_expect(specials == 0 && fabs(of / (R / 100 * 98) - rates[i]) < 0.01, "%zu of %d", n, R);
        cr_expect(fabs((double)masked / of - 0.8) < 0.01, "%g are [MASK]", (double)masked / of);
        cr_expect(fabs((double)kept / of - 0.1) < 0.01, "%g are kept", (double)kept / of);
        cr_expect(fabs(other - 0.1) < 0.01, "%g are random", other);
        ink__masking_free(&m);
        ink_tokenizer_free(tokenizer);
    }
}

Test(masking, random_tokens_are_any_of_the_vocabulary)
{
    ink__masking m = open_masking(tiny, 1);
    size_t *counts = calloc(m.V, sizeof *counts), random = 0, least = R, most = 0;
    const size_t B = make_ids(offsets, m.V);
    const size_t n = ink__masking_apply(shown, rows, labels, &m, offsets, B, 0, 0);
    for (size_t k = 0; k < n; ++k)
        if (shown[rows[k]] != labels[k] && shown[rows[k]] != m.mask)
            ++counts[shown[rows[k]]], ++random;
    for (size_t v = 0; v < m.V; ++v)
        if ((int32_t)v != m.mask) {
            least = counts[v] < least ? counts[v] : least;
            most = counts[v] > most ? counts[v] : most;
        }
    const double mean = (double)random / (double)m.V;
    cr_expect((double)least > mean / 2 && (double)most < 2 * mean, "%zu to %zu of %g", least, most, mean);
    free(counts);
    ink__masking_free(&m);
    ink_tokenizer_free(tokenizer);
}

/* Bits do not depend on how a batch comes in pieces, and differ by update and seed. */
Test(masking, is_a_function_of_seed_update_and_row)
{
    ink__masking m = open_masking(tiny, 0.15);
    int32_t *again = malloc(sizeof ids), *some_labels = malloc(sizeof ids);
    uint32_t *some = malloc(sizeof rows);
    cr_assert(again && some_labels && some);
    const size_t B = make_ids(offsets, m.V);
    const size_t n = ink__masking_apply(shown, rows, labels, &m, offsets, B, 3, 0);
    memcpy(again, ids, sizeof ids);
    size_t found = 0, counted = 0;
    for (size_t b = 0; b < B; ++b) {
        const size_t one[2] = {0, 100};
        counted += ink__masking_count(&m, ids + b * 100, 100, 3, (uint32_t)(b * 100));
        found += ink__masking_apply(again + b * 100, some, some_labels, &m, one, 1, 3, (uint32_t)(b * 100));
    }
    cr_expect(found == n && counted == n && memcmp(again, shown, sizeof ids) == 0);
    for (int other = 0; other < 2; ++other) {
        memcpy(again, ids, sizeof ids);
        m.seed += (uint64_t)other;
        ink__masking_apply(again, some, some_labels, &m, offsets, B, other ? 3 : 4, 0);
        cr_expect(memcmp(again, shown, sizeof ids) != 0, "%d", other);
    }
    free(again), free(some), free(some_labels);
    ink__masking_free(&m);
    ink_tokenizer_free(tokenizer);
}

/* "a##b c": tokens by word, as chosen together. */
static void expect_words(const ink__masking *m, const char *text, const char *wanted)
{
    char found[512] = "";
    ink_encoding e = {0};
    bool together[64][64];
    memset(together, true, sizeof together);
    assert_ok(ink_tokenizer_encode(&e, tokenizer, text, strlen(text), NULL, 0, NULL, &err), err);
    cr_assert(e.length < 64);
    const size_t all[2] = {0, e.length};
    for (uint32_t update = 0; update < 200; ++update) {
        int32_t copy[64];
        bool chosen[64] = {false};
        memcpy(copy, e.ids, e.length * sizeof *copy);
        const size_t n = ink__masking_apply(copy, rows, labels, m, all, 1, update, 0);
        for (size_t k = 0; k < n; ++k)
            chosen[rows[k]] = true;
        for (size_t i = 0; i < e.length; ++i)
            for (size_t j = 0; j < e.length; ++j)
                together[i][j] &= chosen[i] == chosen[j];
    }
    for (size_t i = 1; i + 1 < e.length; ++i) {
        strcat(found, i == 1 ? "" : together[i - 1][i] ? "+" : " ");
        strcat(found, ink_tokenizer_token(tokenizer, e.ids[i]));
    }
    cr_expect(strcmp(found, wanted) == 0, "\"%s\", wanted \"%s\"", found, wanted);
    ink_encoding_free(&e);
}

static void train(const char *type, size_t size, const char *text)
{
    ink_train_tokenizer_options o = INK_TRAIN_TOKENIZER_OPTIONS_INIT;
    ink_train_tokenizer_report report;
    const char *input = scratch_text("corpus.txt", text);
    o.out = scratch_path("tokenizer"), o.type = type, o.vocab_size = size;
    o.inputs = &input, o.n_inputs = 1, o.character_coverage = 1;
    assert_ok(ink_train_tokenizer(&report, &o, &err), err);
}

#define WO    "\xE6\x88\x91" /* ideographs */
#define AI    "\xE7\x88\xB1"
#define CHA   "\xE8\x8C\xB6"
#define SPACE "\xE2\x96\x81"

Test(masking, a_word_of_wordpieces_is_chosen_as_a_whole)
{
    train("wordpiece", 25, "the cats catch the bat\n" WO AI CHA "\n");
    ink__masking m = open_masking(scratch_path("tokenizer"), 0.5);
    expect_words(&m, "eat the " WO AI "bet", "e+##at the " WO " " AI " b+##e+##t");
    ink__masking_free(&m);
    ink_tokenizer_free(tokenizer);
}

Test(masking, a_word_of_sentencepieces_ends_at_the_next_and_ideographs_are_words)
{
    train("unigram", 20, "cab bac acb abc\nbca cba bb aa cc\n" WO AI CHA "\n" AI CHA WO "\n");
    ink__masking m = open_masking(scratch_path("tokenizer"), 0.5);
    expect_words(&m, "abcab cab" WO AI "ab", SPACE "a+bc+ab " SPACE "c+ab " WO " " AI " ab");
    ink__masking_free(&m);
    ink_tokenizer_free(tokenizer);
}

Test(masking, what_a_token_is_in_byte_level_bpe_is_told_by_its_first_byte)
{
    assert_ok(ink_tokenizer_open(&tokenizer, INK_TEST_DATA "/tokenizer/golden/bpe", &err), err);
    size_t begins = 0, inside = 0, specials = 0;
    for (int32_t id = 0; (size_t)id < ink_tokenizer_vocab_size(tokenizer); ++id) {
        const char *text = ink_tokenizer_token(tokenizer, id);
        const int kind = ink__token_kind(tokenizer, id);
        const bool space = text && strncmp(text, "\xC4\xA0", 2) == 0;
        if (space)
            cr_expect(kind == INK__BEGINS_WORD, "%s", text);
        else if (text && text[0] >= 'a' && text[0] <= 'z')
            cr_expect(kind == 0, "%s", text);
        begins += space, inside += kind == 0;
        specials += kind == INK__SPECIAL;
    }
    cr_expect(begins > 0 && inside > 0 && specials > 0, "%zu, %zu, %zu", begins, inside, specials);
    ink_tokenizer_free(tokenizer);
}

Test(masking, the_floor_is_the_entropy_of_the_tokens_that_are_ever_chosen)
{
    uint8_t kinds[6] = {INK__SPECIAL, INK__BEGINS_WORD, 0, INK__BEGINS_WORD, INK__BEGINS_WORD, 0};
    const ink__masking m = {.kinds = kinds, .V = 6};
    const int32_t tokens[] = {0, 1, 1, 1, 1, 0, 2, 2, 3, 4, 0};
    double nats;
    assert_ok(ink__masking_floor(&nats, &m, tokens, 11, &err), err);
    cr_expect(fabs(nats - (0.5 * log(2) + 0.25 * log(4) + 2 * 0.125 * log(8))) < 1e-12, "%g", nats);
    assert_ok(ink__masking_floor(&nats, &m, tokens, 1, &err), err);
    cr_expect(nats == 0);
}

Test(masking, what_cannot_be_is_refused)
{
    ink__masking m;
    assert_ok(ink_tokenizer_open(&tokenizer, tiny, &err), err);
    static const double rates[] = {0, -1, 1.01, NAN};
    for (int i = 0; i < 4; ++i)
        cr_expect(ink__masking_create(&m, tokenizer, rates[i], 1, &err) == INK_E_ARG, "%g", rates[i]);
    ink_tokenizer_free(tokenizer);
    mkdir(scratch_path("bare"), 0777);
    scratch_text("bare/vocab.txt", "[UNK]\n[CLS]\n[SEP]\n[PAD]\na\n");
    assert_ok(ink_tokenizer_open(&tokenizer, scratch_path("bare"), &err), err);
    cr_expect(ink__masking_create(&m, tokenizer, 0.15, 1, &err) == INK_E_ARG);
    cr_expect(strstr(err.text, "[MASK]"), "%s", err.text);
    ink_tokenizer_free(tokenizer);
}
