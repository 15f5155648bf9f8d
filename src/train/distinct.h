/* Different texts, numbered in the order in which they come; a text is known by its digest (core/digest.h).
 * 24 to 32 bytes a text. seen.h only tells whether one came before, in less memory. */
#ifndef INK_TRAIN_DISTINCT_H
#define INK_TRAIN_DISTINCT_H

#include "core/digest.h"
#include "core/status.h"

typedef struct ink__distinct {
    ink__digest *digests; /* [n] */
    size_t n, capacity;
    uint32_t *slots; /* [n_slots] a hash table: 1 + the number of a text, or 0 */
    size_t n_slots;
} ink__distinct; /* starts as {0} */

/* *number = that of the text, which is new where it is the n before the call. */
ink_status ink__distinct_add(uint32_t *number, ink__distinct *texts, ink__digest digest, ink_error *err);

/* UINT32_MAX: it is not among them. */
uint32_t ink__distinct_find(const ink__distinct *texts, ink__digest digest);

void ink__distinct_free(ink__distinct *texts);

#endif
