/* Byte-pair encoding: see bpe.h. */
#include "tokenizer/bpe.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Bytes as characters ----------------------------------------------------------------------------------
 */

static bool is_printable(unsigned byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

static uint32_t char_of_byte(unsigned byte)
{
    uint32_t others = 0x100; /* those before this byte, counted from here */
    if (is_printable(byte))
        return byte;
    for (unsigned b = 0; b < byte; ++b)
        others += !is_printable(b);
    return others;
}

size_t ink__byte_char(char utf8[4], unsigned char byte)
{
    return ink__utf8_encode(utf8, char_of_byte(byte));
}

/* bytes[*n] = what the token's characters stand for; false if one of them stands for no byte. */
static bool token_bytes(unsigned char *bytes, size_t *n, const int16_t byte_of[0x144], const char *text,
                        size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    for (*n = 0; p < end; ++*n) {
        uint32_t cp;
        p += ink__utf8_decode(&cp, p, end);
        if (cp >= 0x144 || byte_of[cp] < 0)
            return false;
        bytes[*n] = (unsigned char)byte_of[cp];
    }
    return true;
}

/* --- Merges ------------------------------------------------------------------------------------------------
 */

static inline size_t pair_slot(const ink__bpe *m, int32_t left, int32_t right)
{
    const uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    const uint64_t h = (key ^ key >> 29) * 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 32) & m->merge_mask;
}

/* The slot of the pair, or the empty one where it belongs. */
static inline ink__merge *find_merge(const ink__bpe *m, int32_t left, int32_t right)
{
    for (size_t i = pair_slot(m, left, right);; i = (i + 1) & m->merge_mask) {
        ink__merge *merge = &m->merges[i];
        if (merge->left < 0 || (merge->left == left && merge->right == right))
            return merge;
    }
}

ink_status ink__bpe_init(ink__bpe *m, const ink__vocab *vocab, size_t n, ink_error *err)
{
    size_t size = 16;
    *m = (ink__bpe){.vocab = vocab, .unk = -1};
    if (n >= UINT32_MAX / 4)
        return ink_fail(err, INK_E_UNSUPPORTED, "%zu merges, which is more than there can be", n);
    while (size < 2 * n)
        size *= 2;
    INK_TRY(ink__calloc(&m->merges, size, sizeof *m->merges, "the merges", err));
    m->merge_mask = size - 1;
    for (size_t i = 0; i < size; ++i)
        m->merges[i].left = -1;
    return INK_OK;
}

static ink_status need_token(int32_t *id, const ink__bpe *m, const char *text, size_t len, const char *where,
                             ink_error *err)
{
    *id = ink__vocab_find(m->vocab, text, len);
    if (*id < 0)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: merge %zu needs the token \"%.*s\", which is not in the vocabulary", where,
                        m->n_merges + 1, (int)(len < 80 ? len : 80), text);
    return INK_OK;
}

ink_status ink__bpe_merge(ink__bpe *m, const char *left, size_t left_len, const char *right, size_t right_len,
                          const char *where, ink_error *err)
{
    ink__merge merge = {.rank = (uint32_t)m->n_merges};
    char *both;
    INK_TRY(need_token(&merge.left, m, left, left_len, where, err));
    INK_TRY(need_token(&merge.right, m, right, right_len, where, err));
    INK_TRY(ink__calloc(&both, left_len + right_len + 1, 1, "a merge", err));
    memcpy(both, left, left_len);
    memcpy(both + left_len, right, right_len);
    const ink_status st = need_token(&merge.id, m, both, left_len + right_len, where, err);
    free(both);
    INK_TRY(st);
    ink__merge *slot = find_merge(m, merge.left, merge.right);
    if (slot->left >= 0)
        return ink_fail(err, INK_E_FORMAT, "%s: merges %zu and %zu are the same pair \"%.60s\" and \"%.60s\"",
                        where, (size_t)slot->rank + 1, m->n_merges + 1, left, right);
    *slot = merge;
    ++m->n_merges;
    return INK_OK;
}

void ink__bpe_release(ink__bpe *m)
{
    free(m->merges);
    ink__vocab_free(&m->whole);
    *m = (ink__bpe){0};
}

void ink__bpe_scratch_free(ink__bpe_scratch *scratch)
{
    free(scratch->symbols);
    free(scratch->heap);
    *scratch = (ink__bpe_scratch){0};
}

/* --- A short word: the ranks of all pairs in a row ---------------------------------------------------------
 */

/* Up to so many bytes, looking through all ranks for the lowest beats a heap. */
enum { SHORT = 32 };

static inline void look_up(uint32_t *rank, int32_t *id, const ink__bpe *m, int32_t left, int32_t right)
{
    const ink__merge *merge = find_merge(m, left, right);
    *rank = merge->left < 0 ? UINT32_MAX : merge->rank;
    *id = merge->id;
}

/* Merges ids[n] in place, where ends holds the end of each; returns how many are left. */
static size_t merge_short(int32_t ids[SHORT], uint32_t ends[SHORT], size_t n, const ink__bpe *m)
{
    uint32_t ranks[SHORT]; /* of the pair that begins at each symbol, and what it becomes */
    int32_t becomes[SHORT];
    for (size_t i = 0; i + 1 < n; ++i)
        look_up(&ranks[i], &becomes[i], m, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; ++i)
            if (ranks[i] < ranks[best])
                best = i;
        if (ranks[best] == UINT32_MAX)
            break;
        ids[best] = becomes[best];
        ends[best] = ends[best + 1];
        --n;
        for (size_t i = best + 1; i < n; ++i) {
            ids[i] = ids[i + 1], ends[i] = ends[i + 1];
            ranks[i] = ranks[i + 1], becomes[i] = becomes[i + 1];
        }
        if (best + 1 < n)
            look_up(&ranks[best], &becomes[best], m, ids[best], ids[best + 1]);
        if (best > 0)
            look_up(&ranks[best - 1], &becomes[best - 1], m, ids[best - 1], ids[best]);
    }
    return n;
}

/* --- A long word: a linked list and a heap of candidates ---------------------------------------------------
 */

static void heap_push(struct ink__candidate *heap, size_t *n, struct ink__candidate candidate)
{
    size_t at = (*n)++;
    for (size_t up; at > 0 && candidate.key < heap[up = (at - 1) / 2].key; at = up)
        heap[at] = heap[up];
    heap[at] = candidate;
}

static struct ink__candidate heap_pop(struct ink__candidate *heap, size_t *n)
{
    const struct ink__candidate top = heap[0], last = heap[--*n];
    size_t at = 0;
    for (size_t down; (down = 2 * at + 1) < *n; at = down) {
        down += down + 1 < *n && heap[down + 1].key < heap[down].key;
        if (last.key <= heap[down].key)
            break;
        heap[at] = heap[down];
    }
    heap[at] = last;
    return top;
}

static void consider(ink__bpe_scratch *s, size_t *n_heap, const ink__bpe *m, uint32_t left)
{
    const ink__symbol *symbol = &s->symbols[left];
    const ink__merge *merge = find_merge(m, symbol->id, s->symbols[symbol->next].id);
    if (merge->left >= 0)
        heap_push(s->heap, n_heap, (struct ink__candidate){(uint64_t)merge->rank << 32 | left, merge->id});
}

/* Merges the n linked symbols. What has been merged away has end 0. A candidate is out of date unless the
 * pair at its place still becomes the same token. */
static void merge_long(ink__bpe_scratch *s, size_t n, const ink__bpe *m)
{
    size_t n_heap = 0;
    ink__symbol *symbols = s->symbols;
    for (size_t i = 0; i + 1 < n; ++i)
        consider(s, &n_heap, m, (uint32_t)i);
    while (n_heap > 0) {
        const struct ink__candidate top = heap_pop(s->heap, &n_heap);
        const uint32_t at = (uint32_t)top.key;
        ink__symbol *left = &symbols[at];
        if (left->end == 0 || left->next == UINT32_MAX)
            continue;
        ink__symbol *right = &symbols[left->next];
        const ink__merge *merge = find_merge(m, left->id, right->id);
        if (merge->left < 0 || merge->id != top.id)
            continue;
        left->id = top.id;
        left->end = right->end;
        left->next = right->next;
        right->end = 0;
        if (left->next != UINT32_MAX) {
            symbols[left->next].prev = at;
            consider(s, &n_heap, m, at);
        }
        if (left->prev != UINT32_MAX)
            consider(s, &n_heap, m, left->prev);
    }
}

/* --- Words -------------------------------------------------------------------------------------------------
 */

/* Symbols are put one after the other; unknown ones may be joined. */
static size_t put_symbol(ink__symbol *symbols, size_t n, const ink__bpe *m, int32_t id, size_t end)
{
    if (id == m->unk && n > 0 && symbols[n - 1].id == id && m->fuse_unk) {
        symbols[n - 1].end = (uint32_t)end;
        return n;
    }
    symbols[n] = (ink__symbol){id, (uint32_t)end, n > 0 ? (uint32_t)n - 1 : UINT32_MAX, (uint32_t)n + 1};
    return n + 1;
}

static size_t start_chars(ink__symbol *symbols, const ink__bpe *m, const unsigned char *bytes, size_t len)
{
    size_t n = 0;
    for (size_t at = 0, end; at < len; at = end) {
        uint32_t cp;
        end = at + ink__utf8_decode(&cp, bytes + at, bytes + len);
        const int32_t id = ink__vocab_find(m->vocab, (const char *)bytes + at, end - at);
        if (id < 0 && m->bytes[bytes[at]] != m->unk)
            for (; at < end; ++at)
                n = put_symbol(symbols, n, m, m->bytes[bytes[at]], at + 1);
        else
            n = put_symbol(symbols, n, m, id < 0 ? m->unk : id, end);
    }
    return n;
}

/* The symbols of a word before any merge, of which there are no more than bytes. */
static size_t start_symbols(ink__symbol *symbols, const ink__bpe *m, const unsigned char *bytes, size_t len)
{
    size_t n = 0;
    if (m->chars)
        n = start_chars(symbols, m, bytes, len);
    else
        for (size_t i = 0; i < len; ++i)
            n = put_symbol(symbols, n, m, m->bytes[bytes[i]], i + 1);
    if (n > 0)
        symbols[n - 1].next = UINT32_MAX;
    return n;
}

static ink_status encode_long(ink__sink *sink, ink__bpe_scratch *s, const ink__bpe *m,
                              const ink__bpe_word *word, ink__bpe_push *push, const void *context,
                              ink_error *err)
{
    size_t tokens = 0, begin = 0;
    if (word->len >= UINT32_MAX)
        return ink_fail(err, INK_E_MEMORY, "no memory for a word of %zu bytes", word->len);
    INK_TRY(ink__grow(&s->symbols, &s->symbol_capacity, word->len, sizeof *s->symbols, "a word", err));
    /* Each symbol begins with one candidate, and each merge takes one away and adds two at most. */
    INK_TRY(ink__grow(&s->heap, &s->heap_capacity, 2 * word->len, sizeof *s->heap, "a word", err));
    const size_t n = start_symbols(s->symbols, m, word->bytes, word->len);
    merge_long(s, n, m);
    for (size_t i = 0; i < n; ++i)
        tokens += s->symbols[i].end > 0;
    INK_TRY(ink__sink_reserve(sink, tokens, err));
    for (size_t i = 0; i < n; ++i) {
        if (s->symbols[i].end == 0)
            continue;
        push(sink, context, s->symbols[i].id, word, begin, s->symbols[i].end);
        begin = s->symbols[i].end;
    }
    return INK_OK;
}

static ink_status encode_short(ink__sink *sink, const ink__bpe *m, const ink__bpe_word *word,
                               ink__bpe_push *push, const void *context, ink_error *err)
{
    ink__symbol symbols[SHORT];
    int32_t ids[SHORT];
    uint32_t ends[SHORT], begin = 0;
    size_t n = start_symbols(symbols, m, word->bytes, word->len);
    for (size_t i = 0; i < n; ++i)
        ids[i] = symbols[i].id, ends[i] = symbols[i].end;
    n = merge_short(ids, ends, n, m);
    INK_TRY(ink__sink_reserve(sink, n, err));
    for (size_t i = 0; i < n; begin = ends[i++])
        push(sink, context, ids[i], word, begin, ends[i]);
    return INK_OK;
}

ink_status ink__bpe_encode(ink__sink *sink, ink__bpe_scratch *scratch, const ink__bpe *m,
                           const ink__bpe_word *word, ink__bpe_push *push, const void *context,
                           ink_error *err)
{
    const int32_t id = ink__vocab_find(&m->whole, (const char *)word->bytes, word->len);
    if (id >= 0) {
        INK_TRY(ink__sink_reserve(sink, 1, err));
        push(sink, context, id, word, 0, word->len);
        return INK_OK;
    }
    return word->len <= SHORT ? encode_short(sink, m, word, push, context, err)
                              : encode_long(sink, scratch, m, word, push, context, err);
}

/* --- The last step of making a model -----------------------------------------------------------------------
 */

typedef struct tally {
    size_t tokens;
    int32_t id;
} tally;

static void count_token(ink__sink *sink, const void *context, int32_t id, const ink__bpe_word *word,
                        size_t begin, size_t end)
{
    (void)context, (void)word, (void)begin, (void)end;
    sink->at = (size_t)id;
    ++sink->total;
}

/* *is = the merges lead from the bytes to this one token. */
static ink_status is_whole(bool *is, ink__bpe_scratch *scratch, const ink__bpe *m, int32_t id,
                           const unsigned char *bytes, size_t len, ink_error *err)
{
    ink_encoding none = {.capacity = SIZE_MAX}; /* nothing is stored, only counted */
    ink__sink sink = {.encoding = &none};
    const ink__bpe_word word = {bytes, len, 0, NULL};
    INK_TRY(len <= SHORT ? encode_short(&sink, m, &word, count_token, NULL, err)
                         : encode_long(&sink, scratch, m, &word, count_token, NULL, err));
    *is = sink.total == 1 && sink.at == (size_t)id;
    return INK_OK;
}

ink_status ink__bpe_seal(ink__bpe *m, int32_t unk, bool fuse_unk, bool ignore_merges, const char *where,
                         ink_error *err)
{
    ink_status st = INK_OK;
    ink__bpe_scratch scratch = {0};
    int16_t byte_of[0x144];
    unsigned char *bytes = NULL;
    size_t longest = 0, len, n;
    m->unk = unk, m->fuse_unk = fuse_unk;
    memset(byte_of, 0xFF, sizeof byte_of);
    for (unsigned b = 0; b < 256; ++b) {
        char utf8[4];
        byte_of[char_of_byte(b)] = (int16_t)b;
        m->bytes[b] = ink__vocab_find(m->vocab, utf8, ink__byte_char(utf8, (unsigned char)b));
        if (m->bytes[b] < 0 && unk < 0)
            return ink_fail(err, INK_E_FORMAT, "%s: the vocabulary has no token for byte 0x%02X (U+%04X)",
                            where, b, (unsigned)char_of_byte(b));
        if (m->bytes[b] < 0)
            m->bytes[b] = unk;
    }
    for (size_t id = 0; id < m->vocab->size; ++id)
        if (ink__vocab_token(m->vocab, (int32_t)id, &len) && len > longest)
            longest = len;
    INK_TRY_GOTO(ink__calloc(&bytes, longest, 1, "the longest token", err));
    for (size_t id = 0; id < m->vocab->size; ++id) {
        const char *text = ink__vocab_token(m->vocab, (int32_t)id, &len);
        bool whole = ignore_merges;
        int32_t before;
        if (!text || !token_bytes(bytes, &n, byte_of, text, len) || n == 0)
            continue;
        if (!whole)
            INK_TRY_GOTO(is_whole(&whole, &scratch, m, (int32_t)id, bytes, n, err));
        if (whole)
            INK_TRY_GOTO(ink__vocab_add(&m->whole, &before, (int32_t)id, (const char *)bytes, n, where, err));
    }
done:
    ink__bpe_scratch_free(&scratch);
    free(bytes);
    return st;
}

ink_status ink__bpe_seal_chars(ink__bpe *m, int32_t unk, bool fuse_unk, bool byte_fallback, const char *where,
                               ink_error *err)
{
    m->chars = true;
    m->unk = unk, m->fuse_unk = fuse_unk;
    for (unsigned b = 0; b < 256; ++b) {
        char text[8];
        m->bytes[b] = unk;
        if (!byte_fallback)
            continue;
        snprintf(text, sizeof text, "<0x%02X>", b);
        m->bytes[b] = ink__vocab_find(m->vocab, text, 6);
        if (m->bytes[b] < 0)
            return ink_fail(err, INK_E_FORMAT, "%s: byte_fallback is true, but there is no token \"%s\"",
                            where, text);
    }
    return INK_OK;
}

void ink__bpe_hide(ink__bpe *m, const bool *hidden, size_t n)
{
    for (size_t i = 0; i <= m->merge_mask; ++i)
        if (m->merges[i].left >= 0 && (size_t)m->merges[i].id < n && hidden[m->merges[i].id])
            m->merges[i].left = INT32_MAX; /* no token's id, and the slot stays taken */
}
