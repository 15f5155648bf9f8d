/* A product per shape of linear layer: what the dnnl and the fused backend both run on. */
#ifndef INK_MODEL_PRODUCTS_H
#define INK_MODEL_PRODUCTS_H

#include "model/encoder.h"

typedef struct ink__products {
    ink__product *of[INK__SHAPES];   /* in floats */
    ink__product *int8[INK__SHAPES]; /* in 8 bits, where layers are */
} ink__products;

ink_status ink__products_create(ink__products *products, const ink__lane *lane, ink_error *err);
void ink__products_free(ink__products *products);

/* What to do with a block of finished rows: y points at the first of n rows, which are rows `first` on. */
typedef ink_status ink__epilogue(float *y, size_t first, size_t n, void *context, ink_error *err);

/* y [R,out] = x W^T + b, block by block; after each block, while it is in cache, epilogue (may be NULL) with
 * the rows of it that are below R. */
ink_status ink__products_run(float *y, const ink__products *products, const ink__linear *linear,
                             const float *x, size_t R, ink__epilogue *epilogue, void *context,
                             ink_error *err);

#endif
