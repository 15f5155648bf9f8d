/* Tokens by id and by text: see vocab.h. */
#include "tokenizer/vocab.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- The index ------------------------------------------------------------------------------------------ */

static inline uint64_t load8(const unsigned char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

static inline uint64_t load4(const unsigned char *p)
{
    uint32_t x;
    memcpy(&x, p, 4);
    return x;
}

static inline uint64_t mix(uint64_t h)
{
    h *= 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

/* Reads nothing outside key[0, len): the ends overlap instead. */
static inline uint32_t hash_of(const unsigned char *key, size_t len)
{
    uint64_t h = len * 0xD6E8FEB86659FD93u;
    if (len >= 8) {
        for (size_t i = 0; i + 8 < len; i += 8)
            h = mix(h ^ load8(key + i));
        h = mix(h ^ load8(key + len - 8));
    } else if (len >= 4) {
        h = mix(h ^ load4(key) ^ load4(key + len - 4) << 32);
    } else if (len > 0) {
        h = mix(h ^ key[0] ^ (uint64_t)key[len / 2] << 8 ^ (uint64_t)key[len - 1] << 16);
    }
    return (uint32_t)mix(h);
}

static inline bool same_key(const ink__index *index, const ink__vocab *vocab, int32_t id, const void *key,
                            size_t len)
{
    const ink__token *token = &vocab->tokens[id];
    return token->len - index->skip == len && memcmp(vocab->text + token->begin + index->skip, key, len) == 0;
}

/* The slot that holds the key, or the empty one where it belongs. There is always an empty one. */
static inline ink__slot *find_slot(const ink__index *index, const ink__vocab *vocab, const void *key,
                                   size_t len, uint32_t hash)
{
    for (size_t i = hash & index->mask;; i = (i + 1) & index->mask) {
        ink__slot *slot = &index->slots[i];
        if (slot->id < 0 || (slot->hash == hash && same_key(index, vocab, slot->id, key, len)))
            return slot;
    }
}

/* Makes the table one of at least n keys, half empty. */
static ink_status resize(ink__index *index, size_t n, ink_error *err)
{
    size_t size = 16, want;
    ink__index next = *index;
    if (!ink__mul(&want, n, 2))
        return ink_fail(err, INK_E_MEMORY, "no memory for an index of %zu tokens", n);
    while (size < want)
        if (!ink__mul(&size, size, 2))
            return ink_fail(err, INK_E_MEMORY, "no memory for an index of %zu tokens", n);
    INK_TRY(ink__calloc(&next.slots, size, sizeof *next.slots, "the token index", err));
    next.mask = size - 1;
    for (size_t i = 0; i < size; ++i)
        next.slots[i].id = -1;
    for (size_t i = 0; index->slots && i <= index->mask; ++i) {
        if (index->slots[i].id < 0)
            continue;
        size_t at = index->slots[i].hash & next.mask;
        while (next.slots[at].id >= 0)
            at = (at + 1) & next.mask;
        next.slots[at] = index->slots[i];
    }
    free(index->slots);
    *index = next;
    return INK_OK;
}

static ink_status make_room(ink__index *index, ink_error *err)
{
    return index->slots && index->used * 2 <= index->mask ? INK_OK : resize(index, index->used * 2 + 8, err);
}

static const unsigned char *key_of(const ink__index *index, const ink__vocab *vocab, int32_t id, size_t *len)
{
    *len = vocab->tokens[id].len - index->skip;
    return (const unsigned char *)vocab->text + vocab->tokens[id].begin + index->skip;
}

ink_status ink__index_put(ink__index *index, const ink__vocab *vocab, int32_t id, ink_error *err)
{
    size_t len;
    INK_TRY(make_room(index, err));
    const unsigned char *key = key_of(index, vocab, id, &len);
    const uint32_t hash = hash_of(key, len);
    ink__slot *slot = find_slot(index, vocab, key, len, hash);
    if (slot->id < 0) {
        *slot = (ink__slot){hash, id};
        ++index->used;
    }
    return INK_OK;
}

int32_t ink__index_find(const ink__index *index, const ink__vocab *vocab, const unsigned char *key,
                        size_t len)
{
    return index->slots ? find_slot(index, vocab, key, len, hash_of(key, len))->id : -1;
}

void ink__index_free(ink__index *index)
{
    free(index->slots);
    *index = (ink__index){0};
}

/* --- The vocabulary ------------------------------------------------------------------------------------- */

ink_status ink__vocab_reserve(ink__vocab *v, size_t n, size_t text_len, ink_error *err)
{
    INK_TRY(ink__grow(&v->tokens, &v->capacity, n, sizeof *v->tokens, "tokens", err));
    INK_TRY(ink__grow(&v->text, &v->text_capacity, text_len + n, 1, "the tokens' text", err));
    return resize(&v->index, n, err);
}

ink_status ink__vocab_add(ink__vocab *v, int32_t *before, int32_t id, const char *text, size_t len,
                          const char *where, ink_error *err)
{
    const size_t at = (size_t)id;
    *before = -1;
    if (id < 0 || id == INT32_MAX || len > UINT32_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: token \"%.*s\" has id %" PRId32 ", out of range", where,
                        (int)(len < 80 ? len : 80), text, id);
    if (at < v->size && v->tokens[at].exists)
        return ink_fail(err, INK_E_FORMAT, "%s: the tokens \"%.80s\" and \"%.*s\" both have id %" PRId32,
                        where, v->text + v->tokens[at].begin, (int)(len < 80 ? len : 80), text, id);
    INK_TRY(ink__grow(&v->tokens, &v->capacity, at + 1, sizeof *v->tokens, "tokens", err));
    INK_TRY(ink__grow(&v->text, &v->text_capacity, v->text_len + len + 1, 1, "the tokens' text", err));
    INK_TRY(make_room(&v->index, err));
    for (; v->size <= at; ++v->size)
        v->tokens[v->size] = (ink__token){0};
    memcpy(v->text + v->text_len, text, len);
    v->text[v->text_len + len] = '\0';
    v->tokens[at] = (ink__token){v->text_len, (uint32_t)len, true};
    v->text_len += len + 1;

    const uint32_t hash = hash_of((const unsigned char *)text, len);
    ink__slot *slot = find_slot(&v->index, v, text, len, hash);
    if (slot->id < 0) {
        ++v->index.used;
    } else {
        *before = slot->id;
        v->tokens[slot->id].exists = false;
    }
    *slot = (ink__slot){hash, id};
    return INK_OK;
}

void ink__vocab_free(ink__vocab *v)
{
    free(v->text);
    free(v->tokens);
    ink__index_free(&v->index);
    *v = (ink__vocab){0};
}

int32_t ink__vocab_find(const ink__vocab *v, const char *text, size_t len)
{
    return ink__index_find(&v->index, v, (const unsigned char *)text, len);
}

const char *ink__vocab_token(const ink__vocab *v, int32_t id, size_t *len)
{
    if (id < 0 || (size_t)id >= v->size || !v->tokens[id].exists)
        return NULL;
    if (len)
        *len = v->tokens[id].len;
    return v->text + v->tokens[id].begin;
}
