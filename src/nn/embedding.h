/* The embedding layer's sums: rows of tables as they lie in the file. */
#ifndef INK_NN_EMBEDDING_H
#define INK_NN_EMBEDDING_H

#include "tensor/convert.h"

/* A table [n,H] still in its stored format; data NULL where the architecture has no such table. */
typedef struct ink__table {
    const unsigned char *data;
    ink__dtype dtype;
    size_t n;
    const void *scale; /* of I8 rows, see io/safetensors.h */
} ink__table;

/* Which position a token has. */
typedef struct ink__positions {
    size_t first;    /* the first token's */
    bool skip;       /* tokens that are `padding` do not count, and all have position `padding` */
    int32_t padding; /* the padding token */
} ink__positions;

/* y [R,E] = word[ids[r]] + type[types[r]] + position[its position]. offsets [B+1] bound the sequences; types
 * may be NULL: all 0. row [E] is scratch. Indices were checked. */
void ink_embedding_forward(float *y, float *row, const int32_t *ids, const int32_t *types,
                           const size_t *offsets, size_t B, ink__table word, ink__table position,
                           ink__table type, ink__positions positions, size_t E);

/* Where the gradient of an embedding's tables goes: [V,E] [P,E] [T,E], NULL where there is no such table or
 * it is not wanted. */
typedef struct ink__table_gradients {
    float *word, *position, *type;
} ink__table_gradients;

/* For columns [first,end) of E: each table's row += dy's row, in the order of the rows, so that a column's
 * sums do not depend on how columns were shared out. What stands for padding learns nothing, as in PyTorch.
 */
void ink_embedding_backward(ink__table_gradients d, const float *dy, const int32_t *ids, const int32_t *types,
                            const size_t *offsets, size_t B, ink__positions positions, size_t E, size_t first,
                            size_t end);

#endif
