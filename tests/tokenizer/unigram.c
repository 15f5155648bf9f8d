/* The unigram model by itself: its trie, the best path against all paths there are, what it refuses. */
#include "support.h"
#include "tokenizer/unigram.h"
#include "core/memory.h"

#include <math.h>

static ink__vocab vocab;
static ink__unigram model;
static ink__spm_scratch memory;

static void start(void)
{
    vocab = (ink__vocab){0}, model = (ink__unigram){0}, memory = (ink__spm_scratch){0};
}

static void finish(void)
{
    ink__unigram_release(&model);
    ink__vocab_free(&vocab);
    ink__spm_scratch_free(&memory);
}

TestSuite(unigram, .init = start, .fini = finish);

static const bool none_hidden[64];

/* Token 0 is "<unk>" with a score of 0. */
static ink_status make(const char *const *tokens, const double *scores, size_t n, const bool *hidden)
{
    double all[64] = {0};
    int32_t before;
    assert_ok(ink__vocab_add(&vocab, &before, 0, "<unk>", 5, "v", &err), err);
    for (size_t i = 0; i < n; ++i) {
        all[i + 1] = scores[i];
        assert_ok(ink__vocab_add(&vocab, &before, (int32_t)i + 1, tokens[i], strlen(tokens[i]), "v", &err),
                  err);
    }
    return ink__unigram_init(&model, &vocab, all, hidden, n + 1, 0, "v", &err);
}

/* "a|bc|?3": the parts of a text, an unknown one by its bytes. */
static const char *cut(const char *text)
{
    static char out[1000];
    const size_t len = strlen(text);
    size_t end = 0;
    memory.word_len = 0;
    assert_ok(ink__grow(&memory.word, &memory.word_capacity, len + 1, 1, "a word", &err), err);
    memcpy(memory.word, text, len);
    memory.word_len = len;
    assert_ok(ink__unigram_encode(&memory, &model, &err), err);
    out[0] = '\0';
    for (size_t i = 0; i < memory.n_parts; ++i) {
        const ink__spm_part *p = &memory.parts[i];
        cr_assert(p->begin == end && p->end > p->begin, "part %zu begins at %zu, not %zu", i, p->begin, end);
        end = p->end;
        if (p->id == 0)
            sprintf(out + strlen(out), "%s?%zu", i ? "|" : "", p->end - p->begin);
        else
            sprintf(out + strlen(out), "%s%s", i ? "|" : "", ink__vocab_token(&vocab, p->id, NULL));
    }
    cr_assert(end == len, "the parts end at %zu of %zu", end, len);
    return out;
}

static void expect_cut(const char *text, const char *wanted)
{
    const char *got = cut(text);
    cr_expect(strcmp(got, wanted) == 0, "`%s` became %s, wanted %s", text, got, wanted);
}

Test(unigram, a_token_is_found_by_its_whole_text)
{
    static const char *const tokens[] = {"a", "abc", "abd", "b", "\xE5\xAD\x97"};
    static const double scores[] = {-1, -2, -3, -4, -5};
    assert_ok(make(tokens, scores, 5, none_hidden), err);
    for (size_t i = 0; i < 5; ++i)
        cr_expect(ink__unigram_find(&model, tokens[i], strlen(tokens[i])) == (int32_t)i + 1, "%s", tokens[i]);
    static const char *const others[] = {"", "ab", "abcd", "c", "\xE5", "\xE5\xAD", "x"};
    for (size_t i = 0; i < 7; ++i)
        cr_expect(ink__unigram_find(&model, others[i], strlen(others[i])) < 0, "`%s`", others[i]);
}

Test(unigram, the_highest_sum_wins)
{
    static const char *const tokens[] = {"a", "b", "ab", "abc", "c", "bc"};
    static const double scores[] = {-1, -1, -2.5, -2.5, -3, -1.25};
    assert_ok(make(tokens, scores, 6, none_hidden), err);
    expect_cut("", "");
    expect_cut("ab", "a|b");
    expect_cut("abc", "a|bc");
    expect_cut("abcabc", "a|bc|a|bc");
}

Test(unigram, an_unknown_character_costs_ten_more_than_the_lowest_score_and_runs_are_one_part)
{
    static const char *const tokens[] = {"a", "b", "xb"};
    static const double scores[] = {-1, -2, -13.25}; /* unknown: -23.25 */
    assert_ok(make(tokens, scores, 3, none_hidden), err);
    expect_cut("axb", "a|xb");
    expect_cut("axxa", "a|?2|a");
    expect_cut("\xC3\xA9\xE5\xAD\x97\xF0\x9F\x98\x80"
               "a",
               "?9|a");
    cr_expect(model.unknown_score == -23.25, "%g", model.unknown_score);
    expect_cut("<unk>a", "?5|a"); /* its own text is the unknown token's, too */
}

Test(unigram, the_lowest_score_counts_that_of_a_hidden_token_which_no_text_holds)
{
    static const char *const tokens[] = {"a", "<s>"};
    static const double scores[] = {-1, -50};
    static const bool hidden[] = {false, false, true};
    assert_ok(make(tokens, scores, 2, hidden), err);
    cr_expect(model.unknown_score == -60, "%g", model.unknown_score);
    expect_cut("a<s>a", "a|?3|a");
    cr_expect(ink__unigram_find(&model, "<s>", 3) < 0);
}

/* --- Against all paths --- */

/* The highest sum over all ways to cut text[at, len), scores being multiples of 1/4, so that sums are exact.
 */
static double best_sum(const char *text, size_t at, size_t len)
{
    double best = -INFINITY;
    if (at == len)
        return 0;
    for (size_t n = 1; at + n <= len; ++n) {
        const int32_t id = ink__unigram_find(&model, text + at, n);
        const double score = id >= 0 ? model.scores[id] : n == 1 ? model.unknown_score : -INFINITY;
        if (isfinite(score))
            best = fmax(best, score + best_sum(text, at + n, len));
    }
    return best;
}

static double sum_of_parts(void)
{
    double sum = 0;
    for (size_t i = 0; i < memory.n_parts; ++i) {
        const ink__spm_part *p = &memory.parts[i];
        sum += p->id == 0 ? (double)(p->end - p->begin) * model.unknown_score : model.scores[p->id];
    }
    return sum;
}

Test(unigram, no_path_has_a_higher_sum_than_the_one_taken)
{
    uint32_t seed = 1;
    for (int round = 0; round < 200; ++round) {
        static const char *const all[] = {"a",  "b",   "c",   "ab",  "ba",   "bb",   "aa",  "abc",
                                          "ca", "aab", "bab", "cab", "abab", "bbcc", "aaaa"};
        const char *tokens[15];
        double scores[15];
        size_t n = 0;
        for (size_t i = 0; i < 15; ++i) {
            seed = seed * 1664525u + 1013904223u;
            if (seed >> 30 == 0 && i > 0)
                continue;
            tokens[n] = all[i];
            scores[n++] = -0.25 * (double)(seed >> 8 & 63);
        }
        start();
        assert_ok(make(tokens, scores, n, none_hidden), err);
        for (int k = 0; k < 20; ++k) {
            char text[11] = "";
            for (size_t i = 0; i < 10; ++i) {
                seed = seed * 1664525u + 1013904223u;
                text[i] = "abcd"[(seed >> 20) % (k % 2 ? 4 : 3)];
            }
            cut(text);
            const double sum = sum_of_parts(), best = best_sum(text, 0, 10);
            cr_expect(sum == best, "round %d, `%s`: %g, but there is %g", round, text, sum, best);
        }
        finish();
    }
    start();
}

Test(unigram, a_word_of_a_megabyte_is_cut)
{
    static const char *const tokens[] = {"a", "aa", "aaa"};
    static const double scores[] = {-3, -3, -3};
    enum { LEN = 1 << 20 };
    assert_ok(make(tokens, scores, 3, none_hidden), err);
    assert_ok(ink__grow(&memory.word, &memory.word_capacity, LEN, 1, "a word", &err), err);
    memset(memory.word, 'a', LEN);
    memory.word_len = LEN;
    assert_ok(ink__unigram_encode(&memory, &model, &err), err);
    cr_expect(memory.n_parts == (LEN + 2) / 3, "%zu parts", memory.n_parts);
}

/* --- What is refused --- */

Test(unigram, what_is_wrong_with_a_token_is_said)
{
    static char longest[4098];
    memset(longest, 'x', 4097);
    const struct {
        const char *token;
        double score;
        const char *sentence;
    } cases[] = {
        {"", 0, "v: piece 1 is empty"},
        {longest, 0, "v: piece 1 has 4097 bytes, at most 4096 are taken"},
        {"a", NAN, "v: the score of piece 1, \"a\", is"},
        {"a", -INFINITY, "v: the score of piece 1, \"a\", is -inf"},
        {"a", 1e39, "v: the score of piece 1, \"a\", is 1e+39"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        start();
        expect_failure(make(&cases[i].token, &cases[i].score, 1, none_hidden), err, INK_E_FORMAT,
                       cases[i].sentence);
        finish();
    }
    start();
}
