/* The merges of WordPiece's training: the commonest pair of neighbouring tokens becomes a token, again and
 * again (Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", ACL 2016,
 * algorithm 1), as the tokenizers package trains WordPiece too. Schuster and Nakajima ("Japanese and Korean
 * voice search", ICASSP 2012) join the pair that raises the likelihood of the text most; the ratio
 * count(ab) / (count(a) count(b)) that is often given for it leaves out how often the pair comes, and so
 * spends the vocabulary on rare letters that always stand together.
 *
 * Pairs wait in a heap by their counts. A count that falls is noticed when its pair comes up, one that rises
 * puts the pair in again. A merge visits only the words that its pair is in, so the time is that of the
 * changes and not of the text. Of equal counts the pair of the lower ids comes first: nothing depends on the
 * order of the text. */
#include "core/memory.h"
#include "tokenizer/train.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_COUNT = 2, FIRST_SLOTS = 4096 }; /* what comes once teaches nothing about other text */

typedef struct pair {
    int32_t left, right;
    uint64_t count;  /* over all words, each as often as it comes */
    uint32_t *words; /* [n] where it is, or was; some twice */
    size_t n, capacity;
    bool raised; /* since the last merge */
} pair;

typedef struct waiting {
    uint64_t count; /* as it was when it was put in */
    size_t pair;
} waiting;

typedef struct merger {
    ink__vocab *vocab;
    ink__train_word *words;
    int32_t *tokens;
    pair *pairs; /* [n] */
    size_t n, capacity;
    size_t *slots; /* [mask + 1] open addressing; 0 is empty, else a place in pairs + 1 */
    size_t mask;
    waiting *heap; /* [n_heap] */
    size_t n_heap, heap_capacity;
    size_t *raised; /* [n_raised] */
    size_t n_raised, raised_capacity;
} merger;

/* ---- pairs by their tokens ---------------------------------------------------------------------------- */

static size_t hash_of(int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    return (size_t)(h ^ h >> 29);
}

static ink_status rehash(merger *m, ink_error *err)
{
    const size_t n = m->slots ? 2 * (m->mask + 1) : FIRST_SLOTS;
    size_t *slots;
    INK_TRY(ink__calloc(&slots, n, sizeof *slots, "the pairs", err));
    for (size_t i = 0; i < m->n; ++i) {
        size_t at = hash_of(m->pairs[i].left, m->pairs[i].right) & (n - 1);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = i + 1;
    }
    free(m->slots);
    m->slots = slots;
    m->mask = n - 1;
    return INK_OK;
}

static ink_status find(size_t *found, merger *m, int32_t left, int32_t right, ink_error *err)
{
    if (!m->slots || m->n >= (m->mask + 1) / 2)
        INK_TRY(rehash(m, err));
    size_t at = hash_of(left, right) & m->mask;
    for (; m->slots[at]; at = (at + 1) & m->mask) {
        *found = m->slots[at] - 1;
        if (m->pairs[*found].left == left && m->pairs[*found].right == right)
            return INK_OK;
    }
    INK_TRY(ink__grow(&m->pairs, &m->capacity, m->n + 1, sizeof *m->pairs, "the pairs", err));
    m->pairs[m->n] = (pair){.left = left, .right = right};
    *found = m->n++;
    m->slots[at] = m->n;
    return INK_OK;
}

static ink_status raise(merger *m, int32_t left, int32_t right, uint32_t word, ink_error *err)
{
    size_t at;
    INK_TRY(find(&at, m, left, right, err));
    pair *p = &m->pairs[at];
    p->count += m->words[word].count;
    if (p->n == 0 || p->words[p->n - 1] != word) {
        INK_TRY(ink__grow(&p->words, &p->capacity, p->n + 1, sizeof *p->words, "a pair's words", err));
        p->words[p->n++] = word;
    }
    if (p->raised)
        return INK_OK;
    INK_TRY(ink__grow(&m->raised, &m->raised_capacity, m->n_raised + 1, sizeof *m->raised, "pairs", err));
    m->raised[m->n_raised++] = at;
    p->raised = true;
    return INK_OK;
}

static ink_status lower(merger *m, int32_t left, int32_t right, uint32_t word, ink_error *err)
{
    size_t at;
    INK_TRY(find(&at, m, left, right, err));
    m->pairs[at].count -= m->words[word].count;
    return INK_OK;
}

/* ---- the heap ------------------------------------------------------------------------------------------ */

static bool before(const merger *m, const waiting *a, const waiting *b)
{
    const pair *p = &m->pairs[a->pair], *q = &m->pairs[b->pair];
    if (a->count != b->count)
        return a->count > b->count;
    return p->left != q->left ? p->left < q->left : p->right < q->right;
}

static ink_status push(merger *m, size_t at, ink_error *err)
{
    const waiting w = {m->pairs[at].count, at};
    if (w.count < LEAST_COUNT)
        return INK_OK;
    INK_TRY(ink__grow(&m->heap, &m->heap_capacity, m->n_heap + 1, sizeof *m->heap, "the pairs", err));
    size_t i = m->n_heap++;
    for (; i > 0 && before(m, &w, &m->heap[(i - 1) / 2]); i = (i - 1) / 2)
        m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = w;
    return INK_OK;
}

static waiting pop(merger *m)
{
    const waiting top = m->heap[0], last = m->heap[--m->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < m->n_heap; i = child) {
        if (child + 1 < m->n_heap && before(m, &m->heap[child + 1], &m->heap[child]))
            ++child;
        if (!before(m, &m->heap[child], &last))
            break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = last;
    return top;
}

static ink_status push_raised(merger *m, ink_error *err)
{
    for (size_t i = 0; i < m->n_raised; ++i) {
        m->pairs[m->raised[i]].raised = false;
        INK_TRY(push(m, m->raised[i], err));
    }
    m->n_raised = 0;
    return INK_OK;
}

/* ---- merging ------------------------------------------------------------------------------------------- */

/* Puts `joined` for each left and right in the word, from its beginning on. */
static ink_status merge_word(merger *m, uint32_t number, int32_t left, int32_t right, int32_t joined,
                             ink_error *err)
{
    ink__train_word *word = &m->words[number];
    int32_t *t = m->tokens + word->begin;
    uint32_t n = 0;
    for (uint32_t i = 0; i < word->len; ++n) {
        if (i + 1 == word->len || t[i] != left || t[i + 1] != right) {
            t[n] = t[i++];
            continue;
        }
        if (n > 0) {
            INK_TRY(lower(m, t[n - 1], left, number, err));
            INK_TRY(raise(m, t[n - 1], joined, number, err));
        }
        if (i + 2 < word->len) {
            INK_TRY(lower(m, right, t[i + 2], number, err));
            INK_TRY(raise(m, joined, t[i + 2], number, err));
        }
        t[n] = joined;
        i += 2;
    }
    word->len = n;
    return INK_OK;
}

/* The token that left and right make: "un" and "##able", "unable". Another pair may have made it before. */
static ink_status join(int32_t *joined, merger *m, int32_t left, int32_t right, ink_error *err)
{
    size_t left_len, right_len;
    const char *l = ink__vocab_token(m->vocab, left, &left_len);
    const char *r = ink__vocab_token(m->vocab, right, &right_len);
    char text[4 * INK__TRAIN_WORD_CHARS + 2]; /* a word, and "##" */
    int32_t was;
    r += 2, right_len -= 2;
    memcpy(text, l, left_len);
    memcpy(text + left_len, r, right_len);
    *joined = ink__vocab_find(m->vocab, text, left_len + right_len);
    if (*joined >= 0)
        return INK_OK;
    *joined = (int32_t)m->vocab->size;
    return ink__vocab_add(m->vocab, &was, *joined, text, left_len + right_len, "the vocabulary", err);
}

static ink_status merge(merger *m, size_t at, ink_error *err)
{
    const int32_t left = m->pairs[at].left, right = m->pairs[at].right;
    uint32_t *words = m->pairs[at].words;
    const size_t n = m->pairs[at].n;
    int32_t joined;
    ink_status st = join(&joined, m, left, right, err);
    /* The list is taken from the pair, which may move while others are added. */
    m->pairs[at].words = NULL;
    m->pairs[at].n = m->pairs[at].capacity = 0;
    for (size_t i = 0; i < n && st == INK_OK; ++i)
        st = merge_word(m, words[i], left, right, joined, err);
    free(words);
    m->pairs[at].count = 0; /* in "aaa" it was its own neighbour */
    return st == INK_OK ? push_raised(m, err) : st;
}

static ink_status count_pairs(merger *m, size_t n, ink_error *err)
{
    for (size_t i = 0; i < n; ++i) {
        const int32_t *t = m->tokens + m->words[i].begin;
        for (uint32_t k = 1; k < m->words[i].len; ++k)
            INK_TRY(raise(m, t[k - 1], t[k], (uint32_t)i, err));
    }
    return push_raised(m, err);
}

static void release(merger *m)
{
    for (size_t i = 0; i < m->n; ++i)
        free(m->pairs[i].words);
    free(m->pairs);
    free(m->slots);
    free(m->heap);
    free(m->raised);
}

ink_status ink__train_merge(ink__vocab *vocab, size_t size, ink__train_word *words, size_t n, int32_t *tokens,
                            ink__training *training, ink_error *err)
{
    merger m = {.vocab = vocab, .words = words, .tokens = tokens};
    ink_status st = count_pairs(&m, n, err);
    while (st == INK_OK && vocab->size < size && m.n_heap > 0) {
        const waiting top = pop(&m);
        if (top.count != m.pairs[top.pair].count) {
            if (top.count > m.pairs[top.pair].count)
                st = push(&m, top.pair, err);
            continue;
        }
        st = merge(&m, top.pair, err);
        training->progress.tokens = vocab->size;
        if (st == INK_OK)
            st = ink__training_tick(training, false, err);
    }
    release(&m);
    return st;
}
