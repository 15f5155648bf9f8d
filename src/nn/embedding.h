/* The embedding layer's sums: rows of tables as they lie in the file. */
#ifndef INK_NN_EMBEDDING_H
#define INK_NN_EMBEDDING_H

#include "tensor/convert.h"

/* A table [n,H] still in its stored format; data NULL where the architecture has no such table. */
typedef struct ink__table {
    const unsigned char *data;
    ink__dtype dtype;
    size_t n;
} ink__table;

/* y [R,H] = word[ids[r]] + position[position of r in its sequence + first_position] + type[types[r]].
 * offsets [B+1] bound the sequences; types may be NULL: all 0. row [H] is scratch. Indices were checked. */
void ink_embedding_forward(float *y, float *row, const int32_t *ids, const int32_t *types,
                           const size_t *offsets, size_t B, ink__table word, ink__table position,
                           ink__table type, size_t first_position, size_t H);

#endif
