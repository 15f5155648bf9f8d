/* Dropout (Srivastava et al., JMLR 15, 2014) whose mask is a function of seed, step and position: nothing is
 * stored, backward makes the same mask again, and threads cannot change it.
 *
 * Element (row, column) of site `site` is dropped when its 16-bit number is below `threshold`. The numbers
 * come from Philox4x32-10 (Salmon et al., SC 2011) with key (seed low, seed high) and counter
 * (c, row, site, step), where c = column / 128 * 16 + column % 16; of the 128 bits, piece (column % 128) / 16
 * counts: word piece / 2, its low half if the piece is even. So 16 neighbours are 16 counters, which suits
 * vectors of 4, 8 or 16 lanes alike. */
#ifndef INK_NN_DROPOUT_H
#define INK_NN_DROPOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ink__dropout {
    uint64_t seed;
    uint32_t step;
    uint32_t site;      /* which of the network's dropouts */
    uint32_t row;       /* of the first row of what is given, within the step's batch */
    uint32_t threshold; /* of 65536; 0: nothing is dropped */
} ink__dropout;

/* What an element that stays is multiplied by: 1 / (1 - threshold / 65536). With threshold 65536 none does.
 */
static inline float ink__dropout_scale(const ink__dropout *drop)
{
    return 65536.0f / (float)(65536 - drop->threshold);
}

/* p in [0,1) to the nearest threshold. */
static inline uint32_t ink__dropout_threshold(double p)
{
    return (uint32_t)(p * 65536 + 0.5);
}

/* The definition: does the element stay? row counts from drop->row. */
bool ink__dropout_keeps(const ink__dropout *drop, size_t row, size_t column);

/* y [R,H] = m*x + residual, where m is the scale for elements that stay and 0 for the others, so that a NaN
 * stays one; residual NULL: without it. y may be x or residual. With threshold 0 it only adds. The backward
 * is the same with dy for x. */
void ink_dropout_add(float *y, const float *x, const float *residual, const ink__dropout *drop, size_t R,
                     size_t H);

#endif
