/* What the fused backend's two forms share: floats, and 8 bits. */
#ifndef INK_MODEL_BACKEND_FUSED_H
#define INK_MODEL_BACKEND_FUSED_H

#include "model/products.h"
#include "tensor/fused.h"

/* A lane's state; the form in 8 bits keeps more behind it. */
typedef struct ink__fused_lane {
    ink__products products;
    const ink__fused *fused;
    float *scratch; /* for attention on one thread */
} ink__fused_lane;

/* Rows per work item: enough to outweigh handing it out, few enough to share a small batch. */
enum { INK__GRAIN = 8 };

/* lane->state = `size` zeroed bytes that start with an ink__fused_lane, made ready. */
ink_status ink__fused_prepare(ink__lane *lane, size_t size, ink_error *err);
void ink__fused_release(ink__lane *lane);

/* See ink__backend. */
ink_status ink__fused_linear(float *y, ink__lane *lane, const ink__linear *linear, const float *x, size_t R,
                             ink_error *err);
ink_status ink__fused_linear_activate(float *y, ink__lane *lane, const ink__linear *linear, const float *x,
                                      ink__activation f, size_t R, ink_error *err);
ink_status ink__fused_norm(float *y, ink__lane *lane, const ink__norm *norm, const float *x, size_t R,
                           size_t width, ink_error *err);
ink_status ink__fused_attention(float *ctx, ink__lane *lane, const float *qkv, const size_t *offsets,
                                size_t B, const ink__attending *how, ink_error *err);

#endif
