/* Who draws from which stream of the counter-based generator (core/random.h) in training. Dropout has the
 * streams whose low word is the number of one of its sites (nn/dropout.h); the others count down from the top
 * of that word, so that no two purposes share a number. */
#ifndef INK_TRAIN_STREAMS_H
#define INK_TRAIN_STREAMS_H

#include <stdint.h>

typedef enum ink__purpose {
    INK__DRAW_ORDER,    /* of the records in an epoch */
    INK__DRAW_HELD_OUT, /* which records become the dev set */
    INK__DRAW_INIT,     /* weights that start at random; `which` numbers the tensor */
    INK__DRAW_MASK,     /* what a model in pretraining has to guess; `which` is the update */
    INK__DRAW_TOKEN     /* what a generator puts there; likewise */
} ink__purpose;

/* The stream of a purpose: `which` is the epoch, the class, the tensor. */
static inline uint64_t ink__stream(ink__purpose purpose, uint32_t which)
{
    return (uint64_t)which << 32 | (UINT32_MAX - (uint32_t)purpose);
}

#endif
