/* WordPiece's vocabulary (Wu et al. 2016, section 4.1; Devlin et al. 2018): the special tokens, the
 * characters that words begin with and, behind "##", those that continue one, and then the pieces that
 * merging makes (train_merge.c). A word with a character that gets no token is unknown as a whole when it is
 * tokenized, so nothing is learned from it. */
#include "core/memory.h"
#include "core/utf8.h"
#include "tokenizer/train.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_POINTS = 0x110000 };

/* What is known of each character. */
typedef struct letters {
    uint64_t *counts;       /* [CODE_POINTS] */
    unsigned char *behind;  /* [CODE_POINTS] it continues some word */
    unsigned char *covered; /* [CODE_POINTS] it gets a token */
    uint32_t *order;        /* [n] those that come, the commonest first, and of equals the lower one */
    size_t n;
} letters;

static int compare(const void *a, const void *b, void *counts)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const uint64_t *count = counts;
    if (count[x] != count[y])
        return count[x] > count[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void count_letters(letters *l, const ink__words *words)
{
    for (size_t i = 0; i < words->n; ++i) {
        const ink__counted *word = &words->all[i];
        const unsigned char *begin = (const unsigned char *)words->text + word->begin, *p = begin;
        for (uint32_t cp; p < begin + word->len;) {
            const bool first = p == begin;
            p += ink__utf8_decode(&cp, p, begin + word->len);
            l->counts[cp] += word->count;
            l->behind[cp] |= !first;
        }
    }
}

/* Covers the commonest characters until the share of the text that is asked for has been reached. */
static ink_status cover(letters *l, double share, ink_error *err)
{
    uint64_t all = 0, so_far = 0;
    for (size_t cp = 0; cp < CODE_POINTS; ++cp)
        l->n += l->counts[cp] > 0, all += l->counts[cp];
    INK_TRY(ink__calloc(&l->order, l->n, sizeof *l->order, "the characters", err));
    size_t n = 0;
    for (uint32_t cp = 0; cp < CODE_POINTS; ++cp)
        if (l->counts[cp] > 0)
            l->order[n++] = cp;
    qsort_r(l->order, n, sizeof *l->order, compare, l->counts);
    for (size_t i = 0; i < n && (double)so_far < share * (double)all; ++i) {
        so_far += l->counts[l->order[i]];
        l->covered[l->order[i]] = 1;
    }
    return INK_OK;
}

static ink_status add(ink__vocab *vocab, const char *text, size_t len, ink_error *err)
{
    int32_t before;
    return ink__vocab_add(vocab, &before, (int32_t)vocab->size, text, len, "the vocabulary", err);
}

/* First the characters as they begin a word, then as they continue one, both by code point. */
static ink_status add_letters(ink__vocab *vocab, const letters *l, ink_error *err)
{
    for (int behind = 0; behind < 2; ++behind)
        for (uint32_t cp = 0; cp < CODE_POINTS; ++cp) {
            char text[8] = "##";
            if (!l->covered[cp] || (behind && !l->behind[cp]))
                continue;
            const size_t skip = behind ? 2 : 0;
            INK_TRY(add(vocab, text, skip + ink__utf8_encode(text + skip, cp), err));
        }
    return INK_OK;
}

/* The word as tokens of one character; false if one of them has none. */
static bool spell(int32_t *tokens, uint32_t *len, const ink__vocab *vocab, const letters *l, const char *word,
                  size_t bytes)
{
    const unsigned char *p = (const unsigned char *)word, *end = p + bytes;
    char text[8] = "##";
    *len = 0;
    for (uint32_t cp; p < end; ++*len) {
        p += ink__utf8_decode(&cp, p, end);
        if (!l->covered[cp])
            return false;
        const size_t n = ink__utf8_encode(text + 2, cp);
        tokens[*len] = *len == 0 ? ink__vocab_find(vocab, text + 2, n) : ink__vocab_find(vocab, text, n + 2);
    }
    return true;
}

static ink_status learn(ink__vocab *vocab, ink__training *training, const letters *l, const ink__words *words,
                        ink_error *err)
{
    ink_status st = INK_OK;
    ink__train_word *rows = NULL;
    int32_t *tokens = NULL;
    size_t n = 0, used = 0;
    INK_TRY_GOTO(ink__calloc(&rows, words->n, sizeof *rows, "the words", err));
    INK_TRY_GOTO(ink__calloc(&tokens, words->text_len, sizeof *tokens, "the words", err));
    for (size_t i = 0; i < words->n; ++i) {
        const ink__counted *word = &words->all[i];
        ink__train_word *row = &rows[n];
        *row = (ink__train_word){.begin = used, .count = word->count};
        if (!spell(tokens + used, &row->len, vocab, l, words->text + word->begin, word->len))
            continue;
        used += row->len;
        ++n;
    }
    st = ink__train_merge(vocab, training->options.vocab_size, rows, n, tokens, training, err);
done:
    free(rows);
    free(tokens);
    return st;
}

static ink_status make(ink__vocab *vocab, ink__training *training, letters *l, const ink__words *words,
                       ink_error *err)
{
    const size_t wanted = training->options.vocab_size;
    INK_TRY(ink__calloc(&l->counts, CODE_POINTS, sizeof *l->counts, "the characters", err));
    INK_TRY(ink__calloc(&l->behind, CODE_POINTS, 1, "the characters", err));
    INK_TRY(ink__calloc(&l->covered, CODE_POINTS, 1, "the characters", err));
    count_letters(l, words);
    INK_TRY(cover(l, training->options.character_coverage, err));
    for (int i = 0; i < INK__TRAIN_SPECIALS; ++i)
        INK_TRY(add(vocab, ink__train_specials[i], strlen(ink__train_specials[i]), err));
    INK_TRY(add_letters(vocab, l, err));
    if (vocab->size > wanted)
        return ink_fail(
            err, INK_E_ARG,
            "a vocabulary of %zu tokens is too small: the special tokens and the text's characters "
            "take %zu; ask for more tokens, or for a lower character coverage",
            wanted, vocab->size);
    INK_TRY(learn(vocab, training, l, words, err));
    if (vocab->size < wanted)
        return ink_fail(
            err, INK_E_ARG,
            "a vocabulary of %zu tokens is too large for this text: nothing in it comes twice that "
            "is not a token already when there are %zu; ask for so many, or give more text",
            wanted, vocab->size);
    return INK_OK;
}

ink_status ink__train_wordpiece(ink__vocab *vocab, ink__training *training, const ink__words *words,
                                ink_error *err)
{
    letters l = {0};
    const ink_status st = make(vocab, training, &l, words, err);
    free(l.counts);
    free(l.behind);
    free(l.covered);
    free(l.order);
    return st;
}
