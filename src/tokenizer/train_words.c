/* A table of words and counts: see train_words.h. */
#include "tokenizer/train_words.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1024 };

/* FNV-1a, 64 bits folded to 32 (Fowler, Noll and Vo). A text made to collide costs time and nothing else. */
static uint32_t hash_of(const char *bytes, size_t len)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < len; ++i)
        h = (h ^ (unsigned char)bytes[i]) * 0x100000001B3u;
    return (uint32_t)(h ^ h >> 32);
}

static ink_status rehash(ink__words *words, ink_error *err)
{
    const size_t n = words->slots ? 2 * (words->mask + 1) : FIRST_SLOTS;
    uint32_t *slots;
    INK_TRY(ink__calloc(&slots, n, sizeof *slots, "the words", err));
    for (size_t i = 0; i < words->n; ++i) {
        size_t at = words->all[i].hash & (n - 1);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)(i + 1);
    }
    free(words->slots);
    words->slots = slots;
    words->mask = n - 1;
    return INK_OK;
}

ink_status ink__words_add(ink__words *words, const char *bytes, size_t len, ink_error *err)
{
    const uint32_t hash = hash_of(bytes, len);
    if (!words->slots || words->n >= (words->mask + 1) / 2)
        INK_TRY(rehash(words, err));
    size_t at = hash & words->mask;
    for (; words->slots[at]; at = (at + 1) & words->mask) {
        ink__counted *word = &words->all[words->slots[at] - 1];
        if (word->hash == hash && word->len == len && memcmp(words->text + word->begin, bytes, len) == 0) {
            ++word->count;
            return INK_OK;
        }
    }
    if (words->n == UINT32_MAX - 1)
        return ink_fail(err, INK_E_UNSUPPORTED, "more than %u different words", UINT32_MAX - 1);
    INK_TRY(ink__grow(&words->text, &words->text_capacity, words->text_len + len, 1, "the words", err));
    INK_TRY(ink__grow(&words->all, &words->capacity, words->n + 1, sizeof *words->all, "the words", err));
    memcpy(words->text + words->text_len, bytes, len);
    words->all[words->n++] = (ink__counted){words->text_len, (uint32_t)len, hash, 1};
    words->text_len += len;
    words->slots[at] = (uint32_t)words->n;
    return INK_OK;
}

void ink__words_free(ink__words *words)
{
    free(words->text);
    free(words->all);
    free(words->slots);
    *words = (ink__words){0};
}
