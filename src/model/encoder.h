/* The encoder: token ids in packed rows to hidden states, and the head on top. */
#ifndef INK_MODEL_ENCODER_H
#define INK_MODEL_ENCODER_H

#include "attention/attention.h"
#include "model/profile.h"
#include "model/weights.h"

#include <inkling/session.h>

typedef struct ink__backend ink__backend;

/* What one encoder works in: sizes, buffers planned for max_tokens rows, and the backend's own things. Used
 * by one thread at a time; computes on `threads`. */
typedef struct ink__encoder {
    const ink__config *config;
    const ink__weights *weights;
    const ink__backend *backend;
    size_t max_tokens, threads;
    ink_arena arena;
    /* Rows are rounded up to INK__ROWS. */
    float *x;    /* [R,H] the hidden states, layer after layer */
    float *y;    /* [R,H] between attention and feed-forward; pooled rows */
    float *z;    /* [R,H] what a norm gave, where norms come first */
    float *wide; /* [R,3H] and [R,H] queries, keys, values, context; or [R,F], gated [R,2F] and [R,F]; or the
                  * embeddings [R,E] */
    float *row;  /* [E] */
    void *state; /* the backend's */
    ink__profile profile;
} ink__encoder;

/* How a backend computes; every function does the whole of its rows on encoder->threads threads. Outputs have
 * room for ink__round_rows(R) rows, and rows past R may be overwritten. */
struct ink__backend {
    const char *name;
    ink_backend id;
    bool plain; /* wants linear layers unpacked */
    ink_status (*prepare)(ink__encoder *e, ink_error *err);
    void (*release)(ink__encoder *e);
    /* y [R,out] = x [R,in] W^T + b */
    ink_status (*linear)(float *y, ink__encoder *e, const ink__linear *linear, const float *x, size_t R,
                         ink_error *err);
    /* y = f(x W^T + b) */
    ink_status (*linear_activate)(float *y, ink__encoder *e, const ink__linear *linear, const float *x,
                                  ink__activation f, size_t R, ink_error *err);
    /* y [R,F] = f(u) * g, where [u,g] [R,2F] = x W^T + b goes to `both` */
    ink_status (*linear_gate)(float *y, float *both, ink__encoder *e, const ink__linear *linear,
                              const float *x, ink__activation f, size_t R, ink_error *err);
    /* y = norm(x W^T + b + residual [R,out]); norm NULL: without */
    ink_status (*linear_add_norm)(float *y, ink__encoder *e, const ink__linear *linear, const float *x,
                                  const float *residual, const ink__norm *norm, size_t R, ink_error *err);
    /* y [R,width] = norm(x); y may be x */
    ink_status (*norm)(float *y, ink__encoder *e, const ink__norm *norm, const float *x, size_t R,
                       size_t width, ink_error *err);
    /* ctx [R,H] from qkv [R,3H] */
    ink_status (*attention)(float *ctx, ink__encoder *e, const float *qkv, const size_t *offsets, size_t B,
                            const ink__attending *how, ink_error *err);
};

extern const ink__backend ink__backend_ref, ink__backend_dnnl, ink__backend_fused;

/* AUTO resolves by the environment variable INK_BACKEND, then to fused. INK_E_ARG names a bad value. */
ink_status ink__backend_choose(const ink__backend **backend, ink_backend wanted, ink_error *err);

ink_status ink__encoder_create(ink__encoder *e, const ink__config *config, const ink__weights *weights,
                               const ink__backend *backend, size_t max_tokens, size_t threads,
                               ink_error *err);
void ink__encoder_free(ink__encoder *e);

/* e->x [R,H] = hidden states of a batch that was checked. */
ink_status ink__encoder_forward(ink__encoder *e, const ink_batch *batch, ink_error *err);

/* mean [H] of S >= 1 rows x [S,H]. */
void ink__mean_rows(float *mean, const float *x, size_t S, size_t H);

/* logits [B,C] from e->x, through the head. */
ink_status ink__head_forward(float *logits, ink__encoder *e, const ink_batch *batch, ink_error *err);

#endif
