/* Names of labels: see label_set.h. */
#include "train/label_set.h"
#include "core/digest.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void ink__label_set_free(ink__label_set *set)
{
    for (size_t i = 0; i < set->n; ++i)
        free(set->names[i]);
    free(set->names);
    free(set->slots);
    *set = (ink__label_set){0};
}

/* The slot that holds the name, or the empty one where it would go. n_slots is a power of two, and there is
 * always an empty one. */
static uint32_t *slot_of(const ink__label_set *set, const char *name, size_t len)
{
    size_t at = (size_t)ink__digest_of((ink__digest){0}, name, len).low;
    for (;; ++at) {
        uint32_t *slot = &set->slots[at & (set->n_slots - 1)];
        if (*slot == 0)
            return slot;
        const char *known = set->names[*slot - 1];
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return slot;
    }
}

static ink_status set_slots(ink__label_set *set, size_t n_slots, ink_error *err)
{
    uint32_t *slots;
    INK_TRY(ink__calloc(&slots, n_slots, sizeof *slots, "labels", err));
    free(set->slots);
    set->slots = slots, set->n_slots = n_slots;
    for (size_t i = 0; i < set->n; ++i)
        *slot_of(set, set->names[i], strlen(set->names[i])) = (uint32_t)i + 1;
    return INK_OK;
}

uint32_t ink__label_set_find(const ink__label_set *set, const char *name, size_t len)
{
    return set->n_slots ? *slot_of(set, name, len) - 1 : UINT32_MAX;
}

ink_status ink__label_set_add(uint32_t *label, ink__label_set *set, const char *name, size_t len,
                              ink_error *err)
{
    *label = ink__label_set_find(set, name, len);
    if (*label != UINT32_MAX)
        return INK_OK;
    if (set->n == UINT32_MAX - 1)
        return ink_fail(err, INK_E_MEMORY, "more than %zu different labels", set->n);
    INK_TRY(ink__grow(&set->names, &set->capacity, set->n + 1, sizeof *set->names, "labels", err));
    if (2 * (set->n + 1) > set->n_slots)
        INK_TRY(set_slots(set, set->n_slots ? 2 * set->n_slots : 64, err));
    INK_TRY(ink__strndup(&set->names[set->n], name, len, err));
    *label = (uint32_t)set->n++;
    *slot_of(set, name, len) = *label + 1;
    return INK_OK;
}

struct numbered {
    char *name;
    uint32_t label;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const struct numbered *)a)->name, ((const struct numbered *)b)->name);
}

ink_status ink__label_set_sort(uint32_t *moved, ink__label_set *set, ink_error *err)
{
    struct numbered *order;
    INK_TRY(ink__calloc(&order, set->n, sizeof *order, "labels", err));
    for (size_t i = 0; i < set->n; ++i)
        order[i] = (struct numbered){set->names[i], (uint32_t)i};
    qsort(order, set->n, sizeof *order, by_bytes);
    for (size_t i = 0; i < set->n; ++i) {
        set->names[i] = order[i].name;
        moved[order[i].label] = (uint32_t)i;
    }
    free(order);
    return set->n ? set_slots(set, set->n_slots, err) : INK_OK;
}
