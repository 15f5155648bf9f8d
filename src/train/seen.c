/* A set of digests: see seen.h. Open addressing with linear steps, at most half full. */
#include "train/seen.h"
#include "core/memory.h"

#include <stdlib.h>

static size_t place(const uint64_t *slots, size_t mask, uint64_t key)
{
    size_t at = (size_t)key & mask;
    while (slots[at] != 0 && slots[at] != key)
        at = (at + 1) & mask;
    return at;
}

static ink_status grow(ink__seen *s, ink_error *err)
{
    enum { FIRST = 1024 };
    const size_t size = s->slots ? 2 * (s->mask + 1) : FIRST;
    uint64_t *slots;
    INK_TRY(ink__calloc(&slots, size, sizeof *slots, "digests of texts", err));
    for (size_t i = 0; s->slots && i <= s->mask; ++i)
        if (s->slots[i] != 0)
            slots[place(slots, size - 1, s->slots[i])] = s->slots[i];
    free(s->slots);
    s->slots = slots, s->mask = size - 1;
    return INK_OK;
}

ink_status ink__seen_add(bool *before, ink__seen *s, ink__digest digest, ink_error *err)
{
    const uint64_t key = digest.low ? digest.low : 1;
    if (!s->slots || 2 * (s->used + 1) > s->mask + 1)
        INK_TRY(grow(s, err));
    uint64_t *slot = &s->slots[place(s->slots, s->mask, key)];
    *before = *slot == key;
    s->used += !*before;
    *slot = key;
    return INK_OK;
}

void ink__seen_free(ink__seen *s)
{
    free(s->slots);
    *s = (ink__seen){0};
}
