/* A model as it is trained: the forward pass of model/encoder.c over packed rows that keeps what backward
 * needs, and backward. Between the products work the passes of nn/passes.h.
 *
 * A batch may come in several pieces whose gradients add up. Nothing here depends on the number of threads.
 */
#ifndef INK_TRAIN_NETWORK_H
#define INK_TRAIN_NETWORK_H

#include "model/weights.h"
#include "nn/passes.h"
#include "train/store.h"

#include <inkling/session.h>

/* What one layer keeps. Norms before (mid is norm2's output, in norm1's) and after (they are the residual
 * stream itself) alike. */
typedef struct ink__kept {
    float *in;          /* [R,H] what queries, keys and values are made from */
    float *qkv, *ctx;   /* [R,3H] [R,H] */
    float *lse;         /* [R,N] */
    float *xh1, *rstd1; /* [R,H] [R] attention's norm */
    float *mid;         /* [R,H] what the feed-forward layer sees */
    float *inner;       /* [R,F] before the activation; gated [R,2F] */
    float *xh2, *rstd2; /* [R,H] [R] the feed-forward layer's norm */
} ink__kept;

/* Which of the step's dropout masks count for this piece of the batch. */
typedef struct ink__dropping {
    uint64_t seed;
    uint32_t step;
    uint32_t first_row, first_sequence; /* of the piece, in the step's batch */
} ink__dropping;

typedef struct ink__network {
    const ink__config *config;
    const ink__store *store;
    const ink__passes *passes;
    size_t max_rows, max_sequences, threads;
    ink__onednn *engine; /* NULL: plain products */
    ink__trained_linear *products[INK__SHAPES];
    ink_arena arena;
    ink__kept *layers;            /* [n_steps] */
    float *embed_xh, *embed_rstd; /* [R,E] [R] */
    float *embedded;              /* [R,E] after the norm, where it is projected */
    float *x;                     /* [R,H] the residual stream, in the end the hidden states */
    float *final_xh, *final_rstd;
    float *branch;             /* [R,H] what is added to the stream */
    float *wide, *wide2;       /* [R, 3H or 2F or E] each */
    float *row, *zeros, *sink; /* [E]; a bias where there is none, and where its gradient goes */
    float *scratch;            /* [threads][scratch_floats] for attention */
    size_t scratch_floats;
    ink__rope ropes[INK__ROPES];
    float *bias, *dbias;        /* [N][2P-1] */
    float *pooled;              /* [B,H] what the head looks at */
    float *dense, *dense2;      /* [B,H] its dense layer before and after the activation */
    float *head_xh, *head_rstd; /* [B,H] [B] */
    float *head, *dhead;        /* [B,H] what the last layer sees, and its gradient */
    float *logits;              /* [B,C] */
} ink__network;

/* passes ref goes with plain products, others with oneDNN's. INK_E_UNSUPPORTED: the model drops elements
 * where Inkling does not. */
ink_status ink__network_create(ink__network *network, const ink__config *config, const ink__store *store,
                               ink_backend backend, size_t max_rows, size_t max_sequences, size_t threads,
                               ink_error *err);
void ink__network_free(ink__network *network);

/* network->logits [B,C] of a batch that was checked. drop NULL: without dropout. */
ink_status ink__network_forward(ink__network *network, const ink_batch *batch, const ink__dropping *drop,
                                ink_error *err);

/* Adds to store->gradients, from dlogits [B,C] and what forward kept of the same batch and drop. Layers of
 * frozen parameters at the bottom are not walked. */
ink_status ink__network_backward(ink__network *network, const ink_batch *batch, const float *dlogits,
                                 const ink__dropping *drop, ink_error *err);

/* The same without the head: network->x [R,H] holds the hidden states, and then, for backward, their
 * gradient. */
ink_status ink__network_encode(ink__network *network, const ink_batch *batch, const ink__dropping *drop,
                               ink_error *err);
ink_status ink__network_encode_backward(ink__network *network, const ink_batch *batch,
                                        const ink__dropping *drop, ink_error *err);

/* ---- shared by the files of the network, and by heads ---- */

/* One linear layer: where its parameters and gradients are. */
typedef struct ink__affine {
    ink__trained_linear *product; /* NULL: the plain one */
    ink__slot slot;               /* of W */
    size_t layer;
    size_t in, out;
    const float *W, *b;
    float *dW, *db; /* NULL: frozen, or there is none */
} ink__affine;

/* b: the slot of the bias; a layer without one gets none, if it is not wider than the network's own. */
ink__affine ink__network_linear(const ink__network *network, ink__trained_linear *product, size_t in,
                                size_t out, ink__slot W, ink__slot b, size_t layer);
ink__affine ink__network_affine(const ink__network *network, ink__shape shape, ink__slot W, size_t layer);

/* The dropout of one place: threshold 0 where drop is NULL or nothing is dropped there. */
enum { INK__MODEL_SITES = INK__DROPS };
ink__dropout ink__network_site(const ink__network *network, const ink__dropping *drop, ink__drop where,
                               size_t step, size_t head);

ink_status ink__affine_forward(float *y, ink__network *n, const ink__affine *a, const float *x, size_t R,
                               ink_error *err);
/* dx NULL: not wanted; it may be x or, of a square layer, dy. The rows of dy and x past R become zero. */
ink_status ink__affine_backward(float *dx, ink__network *n, const ink__affine *a, float *dy, float *x,
                                size_t R, ink_error *err);

void ink__rows_activate(float *y, const ink__network *n, const float *u, ink__activation f, size_t R,
                        size_t width);
void ink__rows_activate_backward(float *du, const ink__network *n, const float *dy, const float *u,
                                 ink__activation f, size_t R, size_t width);
void ink__rows_gate(float *y, const ink__network *n, const float *both, ink__activation f, size_t R);
void ink__rows_gate_backward(float *dboth, const ink__network *n, const float *dy, const float *both,
                             ink__activation f, size_t R);
void ink__rows_norm(float *y, float *xh, float *rstd, const ink__network *n, const float *x, ink__slot gamma,
                    size_t layer, size_t R, size_t width);
/* dx may be dy; gradients of gamma and beta add. */
void ink__rows_norm_backward(float *dx, const ink__network *n, const float *dy, const float *xh,
                             const float *rstd, ink__slot gamma, size_t layer, size_t R, size_t width);
void ink__rows_dropout_add(float *y, const ink__network *n, const float *x, const float *residual,
                           const ink__dropout *drop, size_t R, size_t width);

/* The head: logits from x, and dx [R,H] from dlogits. */
ink_status ink__head_train(ink__network *n, const ink_batch *batch, const ink__dropping *drop,
                           ink_error *err);
ink_status ink__head_backward(float *dx, ink__network *n, const ink_batch *batch, const float *dlogits,
                              const ink__dropping *drop, ink_error *err);

#endif
