/* The token cache: sequences as they are cut, repetitions counted and dropped, the same file with any number
 * of threads, used again, made anew, and distrusted. */
#include "train/corpus.h"
#include "train/seen.h"
#include "train/data.h"

#include <fcntl.h>

TestSuite(corpus, .init = open_tokenizer, .fini = close_tokenizer);

static const char tokenizer_dir[] = INK_TEST_DATA "/golden/bert-tiny-cls";
static const char *inputs[4];
static ink__corpus corpus;
static bool made;

static ink__corpus_options options_of(size_t n)
{
    return (ink__corpus_options){.records = {.inputs = inputs, .n_inputs = n},
                                 .tokenizer = tokenizer,
                                 .tokenizer_dir = tokenizer_dir,
                                 .max_length = 6,
                                 .threads = 1};
}

static void open_corpus(const ink__corpus_options *o)
{
    assert_ok(ink__corpus_open(&corpus, &made, scratch_path("tokens"), o, &err), err);
}

/* Every sequence's tokens, "[CLS] a [SEP]|...". */
static const char *sequences(void)
{
    static char text[8192];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < corpus.counts.sequences; ++i)
        for (uint64_t t = corpus.offsets[i]; t < corpus.offsets[i + 1]; ++t)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                     ink_tokenizer_token(tokenizer, corpus.ids[t]),
                                     t + 1 < corpus.offsets[i + 1] ? " " : "|");
    return text;
}

Test(corpus, documents_are_cut_into_full_sequences_and_blank_ones_left_out)
{
    inputs[0] = scratch_text("a.txt", "the hotel\n\n  \nyou and it and is the food\n");
    inputs[1] = scratch_text("b.jsonl", "{\"text\":\"good\"}\n");
    const ink__corpus_options o = options_of(2);
    open_corpus(&o);
    expect_text(sequences(), "[CLS] the hotel [SEP]|[CLS] you and it and [SEP]|[CLS] is the food [SEP]|"
                             "[CLS] good [SEP]|");
    cr_expect(made && corpus.counts.documents == 3 && corpus.counts.lines == 3);
    cr_expect(corpus.counts.tokens == 18 && corpus.counts.repeated == 0);
    ink__corpus_close(&corpus);
}

Test(corpus, what_repeats_is_counted_and_dropped_if_that_is_asked_for)
{
    mkdir(scratch_path("docs"), 0777);
    scratch_text("docs/1", "the hotel\ngood food\n\nyou\n");
    scratch_text("docs/2", "good food\nslow staff\nyou\nyou\n");
    scratch_text("docs/3", "the hotel\ngood food\n\nyou\n");
    inputs[0] = scratch_path("docs");
    ink__corpus_options o = options_of(1);
    o.max_length = 32;
    open_corpus(&o);
    cr_expect(corpus.counts.documents == 3 && corpus.counts.repeated == 1 && corpus.counts.lines == 7 &&
                  corpus.counts.repeated_lines == 3 && corpus.counts.sequences == 3,
              "%d %d %d %d", (int)corpus.counts.documents, (int)corpus.counts.repeated,
              (int)corpus.counts.lines, (int)corpus.counts.repeated_lines);
    ink__corpus_close(&corpus);
    o.drop_duplicates = true;
    open_corpus(&o);
    expect_text(sequences(), "[CLS] the hotel good food you [SEP]|[CLS] slow staff [SEP]|");
    cr_expect(made && corpus.counts.repeated == 1 && corpus.counts.repeated_lines == 3);
    ink__corpus_close(&corpus);
}

static char *many_lines(size_t n)
{
    static const char *const words[] = {"the", "hotel", "was", "good", "and", "slow", "food", "never", "you"};
    char *text = calloc(n, 80);
    unsigned seed = 5;
    for (size_t i = 0, used = 0; i < n; ++i) {
        for (size_t w = 0; w < 1 + i % 9; ++w, seed = seed * 1103515245u + 12345u)
            used += (size_t)sprintf(text + used, "%s ", words[(seed >> 16) % 9]);
        used += (size_t)sprintf(text + used, "\n");
    }
    return text;
}

Test(corpus, the_file_does_not_know_the_threads_and_is_used_again)
{
    char *text = many_lines(9000), *files[2];
    size_t lens[2];
    inputs[0] = scratch_text("many.txt", text);
    ink__corpus_options o = options_of(1);
    for (size_t turn = 0; turn < 2; ++turn) {
        o.threads = 1 + 2 * turn;
        open_corpus(&o);
        cr_expect(made);
        ink__corpus_close(&corpus);
        files[turn] = read_back(&lens[turn], scratch_path("tokens"));
        open_corpus(&o);
        cr_expect(!made && corpus.counts.sequences > 9000);
        ink__corpus_close(&corpus);
        unlink(scratch_path("tokens"));
    }
    cr_expect(lens[0] == lens[1] && memcmp(files[0], files[1], lens[0]) == 0);
    free(files[0]), free(files[1]), free(text);
}

Test(corpus, other_text_and_other_settings_make_it_anew)
{
    inputs[0] = scratch_text("a.txt", "the hotel\n");
    ink__corpus_options o = options_of(1);
    open_corpus(&o);
    ink__corpus_close(&corpus);
    o.max_length = 5;
    open_corpus(&o);
    cr_expect(made);
    ink__corpus_close(&corpus);
    scratch_text("a.txt", "the hotel was good\n");
    open_corpus(&o);
    cr_expect(made);
    expect_text(sequences(), "[CLS] the hotel was [SEP]|[CLS] good [SEP]|");
    ink__corpus_close(&corpus);
}

/* Cut off and changed anywhere, it is made again, to the same bytes. */
Test(corpus, a_damaged_file_is_made_anew)
{
    char *input = strdup(scratch_text("a.txt", "the hotel was good\nyou and it\n"));
    const ink__corpus_options o = options_of(1);
    size_t len;
    inputs[0] = input;
    open_corpus(&o);
    ink__corpus_close(&corpus);
    char *good = read_back(&len, scratch_path("tokens"));
    for (size_t at = 8; at < len; at += 3)
        for (int cut = 0; cut < 2; ++cut) {
            char *bad = malloc(len);
            memcpy(bad, good, len);
            bad[at] ^= 0x41;
            scratch_bytes("tokens", bad, cut ? at : len);
            const ink_status st = ink__corpus_open(&corpus, &made, scratch_path("tokens"), &o, &err);
            if (st != INK_OK) /* too short to be told from another file */
                cr_expect(st == INK_E_ARG && cut && at < INK__CORPUS_HEADER, "%zu: %s", at, err.text);
            else
                cr_expect(made && corpus.counts.sequences == 2, "%zu", at);
            ink__corpus_close(&corpus);
            free(bad);
        }
    free(good), free(input);
}

Test(corpus, what_cannot_be_used_is_refused_with_a_sentence)
{
    ink__corpus_options o = options_of(1);
    const char *path = scratch_path("tokens");
    inputs[0] = "-";
    expect_failure(ink__corpus_open(&corpus, &made, path, &o, &err), err, INK_E_ARG, "standard input");
    inputs[0] = scratch_path("missing");
    expect_failure(ink__corpus_open(&corpus, &made, path, &o, &err), err, INK_E_IO, "missing");
    inputs[0] = scratch_text("blank.txt", "\n \n");
    expect_failure(ink__corpus_open(&corpus, &made, path, &o, &err), err, INK_E_FORMAT, "no text");
    inputs[0] = scratch_text("bad.jsonl", "{\"text\":\"good\"}\n{\"text\":\n");
    expect_failure(ink__corpus_open(&corpus, &made, path, &o, &err), err, INK_E_FORMAT, "bad.jsonl");
    char first[512];
    o.skip_bad = true, o.first_error = first;
    open_corpus(&o);
    cr_expect(corpus.counts.left_out == 1 && strstr(first, "bad.jsonl: line 2"), "%s", first);
    ink__corpus_close(&corpus);
    o.max_length = 2;
    expect_failure(ink__corpus_open(&corpus, &made, path, &o, &err), err, INK_E_ARG, "special");
    scratch_text("tokens", "precious");
    o.max_length = 6;
    expect_failure(ink__corpus_open(&corpus, &made, path, &o, &err), err, INK_E_ARG, "no token cache");
}

Test(seen, tells_what_came_before)
{
    ink__seen seen = {0};
    for (int turn = 0; turn < 2; ++turn)
        for (uint64_t i = 0; i < 5000; ++i) {
            bool before;
            assert_ok(ink__seen_add(&before, &seen, ink__digest_of((ink__digest){0}, &i, sizeof i), &err),
                      err);
            cr_assert(before == (turn > 0), "%d", (int)i);
        }
    ink__seen_free(&seen);
}
