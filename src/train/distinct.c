/* Texts and their numbers: see distinct.h. Open addressing with linear steps, at most half full. */
#include "train/distinct.h"
#include "core/memory.h"

#include <stdlib.h>

/* Where the text stands in the table, or the free slot where it would. */
static size_t place(const ink__distinct *t, ink__digest d)
{
    size_t at = (size_t)d.low & (t->n_slots - 1);
    while (t->slots[at] != 0 &&
           (t->digests[t->slots[at] - 1].low != d.low || t->digests[t->slots[at] - 1].high != d.high))
        at = (at + 1) & (t->n_slots - 1);
    return at;
}

static ink_status grow(ink__distinct *t, ink_error *err)
{
    enum { FIRST = 1024 };
    const size_t n_slots = t->n_slots ? 2 * t->n_slots : FIRST;
    uint32_t *slots;
    INK_TRY(ink__calloc(&slots, n_slots, sizeof *slots, "digests of texts", err));
    free(t->slots);
    t->slots = slots, t->n_slots = n_slots;
    for (size_t i = 0; i < t->n; ++i)
        t->slots[place(t, t->digests[i])] = (uint32_t)i + 1;
    return INK_OK;
}

ink_status ink__distinct_add(uint32_t *number, ink__distinct *t, ink__digest digest, ink_error *err)
{
    if (2 * (t->n + 1) > t->n_slots)
        INK_TRY(grow(t, err));
    const size_t at = place(t, digest);
    if (t->slots[at] == 0) {
        if (t->n == UINT32_MAX - 1)
            return ink_fail(err, INK_E_FORMAT, "more than %u texts", UINT32_MAX - 1);
        INK_TRY(ink__grow(&t->digests, &t->capacity, t->n + 1, sizeof *t->digests, "digests of texts", err));
        t->digests[t->n++] = digest;
        t->slots[at] = (uint32_t)t->n;
    }
    *number = t->slots[at] - 1;
    return INK_OK;
}

uint32_t ink__distinct_find(const ink__distinct *t, ink__digest digest)
{
    if (t->n_slots == 0)
        return UINT32_MAX;
    const uint32_t slot = t->slots[place(t, digest)];
    return slot == 0 ? UINT32_MAX : slot - 1;
}

void ink__distinct_free(ink__distinct *texts)
{
    free(texts->digests);
    free(texts->slots);
    *texts = (ink__distinct){0};
}
