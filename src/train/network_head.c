/* The head in training: from hidden states to labels and back. See network.h.
 *
 *   pooled = dropout(x of the first token, or their mean)      a = f(pooled W^T + b), normed where it is so
 *   logits = dropout(a) W_out^T + b_out */
#include "model/encoder.h"
#include "nn/linear.h"
#include "train/network.h"

#include <string.h>

/* Rows of a sequence that the head looks at. */
static size_t looks_at(const ink__network *n, const ink_batch *batch, size_t b)
{
    return n->config->head_mean ? batch->offsets[b + 1] - batch->offsets[b] : 1;
}

ink_status ink__head_train(ink__network *n, const ink_batch *batch, const ink__dropping *drop, ink_error *err)
{
    const ink__config *c = n->config;
    const size_t B = batch->B, H = c->H;
    const ink__affine dense = ink__network_affine(n, INK__SHAPE_SQUARE, INK__HEAD_DENSE_W, 0);
    const ink__dropout before = ink__network_site(n, drop, INK__DROP_HEAD_IN, 0, 0);
    const ink__dropout after = ink__network_site(n, drop, INK__DROP_HEAD, 0, 0);
    for (size_t b = 0; b < B; ++b)
        ink__mean_rows(n->pooled + b * H, n->x + batch->offsets[b] * H, looks_at(n, batch, b), H);
    ink__rows_dropout_add(n->pooled, n, n->pooled, NULL, &before, B, H);
    const float *last = n->pooled;
    if (dense.W) {
        INK_TRY(ink__affine_forward(n->dense, n, &dense, n->pooled, B, err));
        ink__rows_activate(n->dense2, n, n->dense, c->head_activation, B, H);
        last = n->dense2;
    }
    if (ink__store_find(n->store, INK__HEAD_GAMMA, 0)) {
        ink__rows_norm(n->head, n->head_xh, n->head_rstd, n, last, INK__HEAD_GAMMA, 0, B, H);
        last = n->head;
    }
    ink__rows_dropout_add(n->head, n, last, NULL, &after, B, H);
    ink_linear_forward(n->logits, n->head, ink__store_value(n->store, INK__HEAD_OUT_W, 0),
                       ink__store_value(n->store, INK__HEAD_OUT_B, 0), B, H, c->C);
    return INK_OK;
}

ink_status ink__head_backward(float *dx, ink__network *n, const ink_batch *batch, const float *dlogits,
                              const ink__dropping *drop, ink_error *err)
{
    const ink__config *c = n->config;
    const size_t B = batch->B, H = c->H;
    const ink__affine dense = ink__network_affine(n, INK__SHAPE_SQUARE, INK__HEAD_DENSE_W, 0);
    const ink__dropout before = ink__network_site(n, drop, INK__DROP_HEAD_IN, 0, 0);
    const ink__dropout after = ink__network_site(n, drop, INK__DROP_HEAD, 0, 0);
    float *d = n->dhead; /* [B,H] */
    float *db = ink__store_gradient(n->store, INK__HEAD_OUT_B, 0);
    ink_linear_gradient(ink__store_gradient(n->store, INK__HEAD_OUT_W, 0), dlogits, n->head, B, H, c->C);
    n->passes->column_sums(db, dlogits, B, c->C, 0, c->C);
    ink_linear_backward(d, dlogits, ink__store_value(n->store, INK__HEAD_OUT_W, 0), B, H, c->C);
    ink__rows_dropout_add(d, n, d, NULL, &after, B, H);
    if (ink__store_find(n->store, INK__HEAD_GAMMA, 0))
        ink__rows_norm_backward(d, n, d, n->head_xh, n->head_rstd, INK__HEAD_GAMMA, 0, B, H);
    if (dense.W) {
        ink__rows_activate_backward(d, n, d, n->dense, c->head_activation, B, H);
        INK_TRY(ink__affine_backward(n->dense, n, &dense, d, n->pooled, B, err));
        d = n->dense;
    }
    ink__rows_dropout_add(d, n, d, NULL, &before, B, H);
    memset(dx, 0, batch->offsets[B] * H * sizeof *dx);
    for (size_t b = 0; b < B; ++b) {
        const size_t rows = looks_at(n, batch, b);
        float *dx_b = dx + batch->offsets[b] * H; /* [rows,H] */
        for (size_t i = 0; i < rows * H; ++i)
            dx_b[i] = d[b * H + i % H] / (float)rows;
    }
    return INK_OK;
}
