/* The trie of a unigram model and the best path through it: see unigram.h. */
#include "tokenizer/unigram.h"
#include "core/memory.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A token may have so many bytes; a path looks that far ahead. */
enum { TOKEN_LEN_MAX = 1 << 12 };

/* What a character that is no token has less than the worst token. */
static const double unknown_penalty = 10;

/* --- The trie ------------------------------------------------------------------------------------------- */

typedef struct entry {
    const char *text;
    uint32_t len;
    int32_t id;
} entry;

static int by_text(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static ink_status check_token(const entry *e, double score, const char *where, ink_error *err)
{
    const int shown = (int)(e->len < 80 ? e->len : 80);
    if (e->len == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: piece %d is empty", where, (int)e->id);
    if (e->len > TOKEN_LEN_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: piece %d has %u bytes, at most %d are taken", where,
                        (int)e->id, (unsigned)e->len, (int)TOKEN_LEN_MAX);
    if (!(fabs(score) <= FLT_MAX))
        return ink_fail(err, INK_E_FORMAT, "%s: the score of piece %d, \"%.*s\", is %g, which no float holds",
                        where, (int)e->id, shown, e->text, score);
    return INK_OK;
}

/* *entries [*n_entries] = what a text may hold, sorted; *n_nodes = how many nodes they need at most. */
static ink_status sort_tokens(entry **entries, size_t *n_entries, size_t *n_nodes, const ink__vocab *vocab,
                              const double *scores, const bool *hidden, size_t n, const char *where,
                              ink_error *err)
{
    *n_entries = 0, *n_nodes = 1;
    INK_TRY(ink__calloc(entries, n, sizeof **entries, "the tokens", err));
    for (size_t i = 0; i < n; ++i) {
        size_t len = 0;
        entry *e = &(*entries)[*n_entries];
        e->text = ink__vocab_token(vocab, (int32_t)i, &len);
        e->len = (uint32_t)len;
        e->id = (int32_t)i;
        INK_TRY(check_token(e, scores[i], where, err));
        if (hidden[i])
            continue;
        *n_nodes += len;
        ++*n_entries;
    }
    if (*n_nodes >= UINT32_MAX)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: tokens of %zu bytes in all", where, *n_nodes);
    if (*n_entries > 0)
        qsort(*entries, *n_entries, sizeof **entries, by_text);
    return INK_OK;
}

/* Fills in node after node: those that share a path are a range of the sorted tokens. */
static void grow_trie(ink__unigram *m, const entry *entries, size_t n_entries, uint32_t *low, uint32_t *high)
{
    size_t n = 1, level_end = 1;
    uint32_t depth = 0;
    low[0] = 0, high[0] = (uint32_t)n_entries;
    for (size_t i = 0; i < n; ++i) {
        if (i == level_end) {
            level_end = n;
            ++depth;
        }
        uint32_t at = low[i];
        m->first[i] = (uint32_t)n;
        m->id[i] = -1;
        if (at < high[i] && entries[at].len == depth)
            m->id[i] = entries[at++].id;
        while (at < high[i]) {
            low[n] = at;
            m->label[n] = (uint8_t)entries[at].text[depth];
            while (at < high[i] && (uint8_t)entries[at].text[depth] == m->label[n])
                ++at;
            high[n++] = at;
        }
    }
    m->first[n] = (uint32_t)n;
    m->n_nodes = n;
}

/* The arrays were measured for tokens that share nothing. */
static void give_back(void *array, size_t bytes)
{
    void **p = array, *smaller = realloc(*p, bytes);
    if (smaller)
        *p = smaller;
}

static ink_status make_trie(ink__unigram *m, const entry *entries, size_t n_entries, size_t n_nodes,
                            ink_error *err)
{
    uint32_t *low = NULL, *high = NULL;
    ink_status st = INK_OK;
    INK_TRY_GOTO(ink__calloc(&low, n_nodes, sizeof *low, "the tokens", err));
    INK_TRY_GOTO(ink__calloc(&high, n_nodes, sizeof *high, "the tokens", err));
    INK_TRY_GOTO(ink__calloc(&m->first, n_nodes + 1, sizeof *m->first, "the tokens", err));
    INK_TRY_GOTO(ink__calloc(&m->label, n_nodes, sizeof *m->label, "the tokens", err));
    INK_TRY_GOTO(ink__calloc(&m->id, n_nodes, sizeof *m->id, "the tokens", err));
    grow_trie(m, entries, n_entries, low, high);
    give_back(&m->first, (m->n_nodes + 1) * sizeof *m->first);
    give_back(&m->label, m->n_nodes * sizeof *m->label);
    give_back(&m->id, m->n_nodes * sizeof *m->id);
done:
    free(low);
    free(high);
    return st;
}

ink_status ink__unigram_init(ink__unigram *m, const ink__vocab *vocab, const double *scores,
                             const bool *hidden, size_t n, int32_t unk, const char *where, ink_error *err)
{
    ink_status st = INK_OK;
    entry *entries = NULL;
    size_t n_entries, n_nodes;
    *m = (ink__unigram){.n_scores = n, .unk = unk};
    INK_TRY_GOTO(sort_tokens(&entries, &n_entries, &n_nodes, vocab, scores, hidden, n, where, err));
    INK_TRY_GOTO(ink__calloc(&m->scores, n, sizeof *m->scores, "the scores", err));
    memcpy(m->scores, scores, n * sizeof *scores);
    m->unknown_score = INFINITY;
    for (size_t i = 0; i < n; ++i)
        m->unknown_score = fmin(m->unknown_score, scores[i]);
    m->unknown_score -= unknown_penalty;
    st = make_trie(m, entries, n_entries, n_nodes, err);
done:
    free(entries);
    if (st != INK_OK)
        ink__unigram_release(m);
    return st;
}

void ink__unigram_release(ink__unigram *m)
{
    free(m->first);
    free(m->label);
    free(m->id);
    free(m->scores);
    *m = (ink__unigram){0};
}

/* The child of a node by its byte, or 0. */
static inline size_t child_of(const ink__unigram *m, size_t node, uint8_t byte)
{
    const size_t first = m->first[node], n = m->first[node + 1] - first;
    const uint8_t *at = n > 0 ? memchr(m->label + first, byte, n) : NULL;
    return at ? (size_t)(at - m->label) : 0;
}

int32_t ink__unigram_find(const ink__unigram *m, const char *text, size_t len)
{
    size_t node = 0;
    for (size_t i = 0; i < len; ++i) {
        node = child_of(m, node, (uint8_t)text[i]);
        if (node == 0)
            return -1;
    }
    return m->id[node];
}

/* --- The best path -------------------------------------------------------------------------------------- */

/* The token text[end - len, end) with this id ends the best way to cut text[0, end), if nothing better does.
 */
static inline void offer(ink__unigram_end *end, double score, int32_t id, size_t len)
{
    if (end->len > 0 && score <= end->score)
        return;
    *end = (ink__unigram_end){score, id, (uint32_t)len};
}

static size_t char_len(const char *text)
{
    const unsigned char lead = (unsigned char)*text;
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

static void find_ends(ink__unigram_end *ends, const ink__unigram *m, const char *text, size_t text_len)
{
    memset(ends, 0, (text_len + 1) * sizeof *ends);
    for (size_t begin = 0, n_char; begin < text_len; begin += n_char) {
        const double so_far = ends[begin].score;
        bool is_token = false;
        size_t node = 0;
        n_char = char_len(text + begin);
        for (size_t at = begin; at < text_len;) {
            node = child_of(m, node, (uint8_t)text[at++]);
            if (node == 0)
                break;
            const int32_t id = m->id[node];
            if (id < 0)
                continue;
            offer(&ends[at], so_far + m->scores[id], id, at - begin);
            is_token |= at - begin == n_char;
        }
        if (!is_token)
            offer(&ends[begin + n_char], so_far + m->unknown_score, m->unk, n_char);
    }
}

ink_status ink__unigram_encode(ink__spm_scratch *s, const ink__unigram *m, ink_error *err)
{
    size_t n = 0;
    INK_TRY(ink__grow(&s->ends, &s->ends_capacity, s->word_len + 1, sizeof *s->ends, "a word", err));
    find_ends(s->ends, m, s->word, s->word_len);
    for (size_t end = s->word_len, begin; end > 0; end = begin) { /* from the last part to the first */
        const int32_t id = s->ends[end].id;
        begin = end - s->ends[end].len;
        if (n > 0 && id == m->unk && s->parts[n - 1].id == m->unk) {
            s->parts[n - 1].begin = begin;
            continue;
        }
        INK_TRY(ink__grow(&s->parts, &s->parts_capacity, n + 1, sizeof *s->parts, "a word", err));
        s->parts[n++] = (ink__spm_part){id, begin, end};
    }
    s->n_parts = n;
    for (size_t i = 0; i < n / 2; ++i) {
        const ink__spm_part part = s->parts[i];
        s->parts[i] = s->parts[n - 1 - i];
        s->parts[n - 1 - i] = part;
    }
    return INK_OK;
}
