/* Names of labels, each once, with a number. */
#ifndef INK_TRAIN_LABEL_SET_H
#define INK_TRAIN_LABEL_SET_H

#include "core/status.h"

/* Starts as {0}. */
typedef struct ink__label_set {
    char **names; /* [n] terminated, without a NUL inside */
    size_t n, capacity;
    uint32_t *slots; /* [n_slots] a hash table: 1 + the number of a name, or 0 */
    size_t n_slots;
} ink__label_set;

void ink__label_set_free(ink__label_set *set);

/* The number of a name, or UINT32_MAX where it is not in the set. */
uint32_t ink__label_set_find(const ink__label_set *set, const char *name, size_t len);

/* *label = the number of a name, which is put at the end if it is new. */
ink_status ink__label_set_add(uint32_t *label, ink__label_set *set, const char *name, size_t len,
                              ink_error *err);

/* Puts the names in byte order; moved [n] says where each went. */
ink_status ink__label_set_sort(uint32_t *moved, ink__label_set *set, ink_error *err);

#endif
