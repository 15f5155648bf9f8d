/* Which texts came before: a set of digests, cut to 64 bits, of which among a hundred million texts two are
 * the same by chance once in four thousand times. 16 bytes a text at most. */
#ifndef INK_TRAIN_SEEN_H
#define INK_TRAIN_SEEN_H

#include "core/digest.h"
#include "core/status.h"

typedef struct ink__seen {
    uint64_t *slots; /* [mask + 1], 0: empty */
    size_t mask, used;
} ink__seen; /* starts as {0} */

/* *before: it was there already. */
ink_status ink__seen_add(bool *before, ink__seen *seen, ink__digest digest, ink_error *err);
void ink__seen_free(ink__seen *seen);

#endif
