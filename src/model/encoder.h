/* The encoder: token ids in packed rows to hidden states, and the head on top. */
#ifndef INK_MODEL_ENCODER_H
#define INK_MODEL_ENCODER_H

#include "attention/attention.h"
#include "model/profile.h"
#include "model/weights.h"

#include <inkling/session.h>

typedef struct ink__backend ink__backend;
typedef struct ink__encoder ink__encoder;

/* A block's rows at most: what attention leaves of a layer is done block by block, all of it while the block
 * is in cache. */
enum { INK__BLOCK = 256 };

/* Rows of some sequences on their way through the layers; each has room for ink__round_rows(R) rows. */
typedef struct ink__states {
    float *x;   /* [R,H] the hidden states, layer after layer */
    float *qkv; /* [R,3H] queries, keys, values */
    float *ctx; /* [R,H] what attention made of them; before that [R,E] embeddings */
} ink__states;

/* What a block of rows is computed with: by one of several threads that each take blocks, or by all of them
 * together. */
typedef struct ink__lane {
    const ink__encoder *e;
    size_t threads;
    float *row;        /* [E] */
    float *y;          /* [BLOCK,H] between attention and feed-forward */
    float *z;          /* [BLOCK,H] what a norm gave, where norms come first */
    float *ff;         /* [BLOCK,F], gated [BLOCK,2F] and [BLOCK,F] */
    ink__states group; /* where groups are made, one group's */
    size_t *offsets;   /* [B+1] of its sequences, from 0 */
    void *state;       /* the backend's */
    ink__profile profile;
} ink__lane;

/* What one encoder works in: sizes, buffers planned for max_tokens rows, and its lanes. Used by one thread at
 * a time; computes on `threads`. */
struct ink__encoder {
    const ink__config *config;
    const ink__weights *weights;
    const ink__backend *backend;
    size_t max_tokens, threads;
    ink_arena arena;
    ink__states all;  /* of the batch; in the head qkv is [B,H] its dense layer, ctx [B,H] pooled rows */
    size_t group;     /* rows a group has room for (model/groups.h); 0: none are made */
    size_t *groups;   /* [groups+1] each one's first sequence */
    size_t *busy;     /* [threads] scratch in making them */
    ink__lane *lanes; /* [1 + threads]: the first has all threads, the others one; [1] with one thread */
};

/* Lane of the calling thread in a parallel region over all threads; over the threads of a lane. */
ink__lane *ink__encoder_lane(const ink__encoder *e);
ink__lane *ink__lane_alone(ink__lane *lane);

/* How a backend computes. Functions that take a lane do their R rows on its threads; R is at most INK__BLOCK
 * there but in the head and in norm. Outputs have room for ink__round_rows(R) rows, and rows past R may be
 * overwritten. */
struct ink__backend {
    const char *name;
    ink_backend id;
    bool plain;               /* wants linear layers unpacked */
    bool groups;              /* gains where threads take groups of sequences (model/groups.h) */
    const ink__backend *int8; /* the same for layers in 8 bits; NULL: there is none, or itself if plain */
    ink_status (*prepare)(ink__lane *lane, ink_error *err);
    void (*release)(ink__lane *lane);
    /* y [R,out] = x [R,in] W^T + b */
    ink_status (*linear)(float *y, ink__lane *lane, const ink__linear *linear, const float *x, size_t R,
                         ink_error *err);
    /* y = f(x W^T + b) */
    ink_status (*linear_activate)(float *y, ink__lane *lane, const ink__linear *linear, const float *x,
                                  ink__activation f, size_t R, ink_error *err);
    /* y [R,F] = f(u) * g, where [u,g] [R,2F] = x W^T + b goes to `both` */
    ink_status (*linear_gate)(float *y, float *both, ink__lane *lane, const ink__linear *linear,
                              const float *x, ink__activation f, size_t R, ink_error *err);
    /* y = norm(x W^T + b + residual [R,out]); norm NULL: without */
    ink_status (*linear_add_norm)(float *y, ink__lane *lane, const ink__linear *linear, const float *x,
                                  const float *residual, const ink__norm *norm, size_t R, ink_error *err);
    /* y [R,width] = norm(x); y may be x */
    ink_status (*norm)(float *y, ink__lane *lane, const ink__norm *norm, const float *x, size_t R,
                       size_t width, ink_error *err);
    /* y [R,H] = norm(f(x W_in) W_out + residual), the layer's feed-forward half; norm NULL: without. Tells
     * the profile its two operations. */
    ink_status (*feed)(float *y, ink__lane *lane, const ink__layer *layer, const float *x,
                       const float *residual, const ink__norm *norm, size_t R, ink_error *err);
    /* ctx [R,H] from qkv [R,3H], the sequences on the lane's threads */
    ink_status (*attention)(float *ctx, ink__lane *lane, const float *qkv, const size_t *offsets, size_t B,
                            const ink__attending *how, ink_error *err);
};

/* feed through linear_activate or linear_gate and linear_add_norm. */
ink_status ink__feed_by_parts(float *y, ink__lane *lane, const ink__layer *layer, const float *x,
                              const float *residual, const ink__norm *norm, size_t R, ink_error *err);

extern const ink__backend ink__backend_ref, ink__backend_dnnl, ink__backend_fused, ink__backend_fused_int8;

/* AUTO resolves by the environment variable INK_BACKEND, then to fused. INK_E_ARG names a bad value. */
ink_status ink__backend_choose(const ink__backend **backend, ink_backend wanted, ink_error *err);

ink_status ink__encoder_create(ink__encoder *e, const ink__config *config, const ink__weights *weights,
                               const ink__backend *backend, size_t max_tokens, size_t threads,
                               ink_error *err);
void ink__encoder_free(ink__encoder *e);

/* From now on every operation is told to callback; NULL: to nobody. */
void ink__encoder_watch(ink__encoder *e, ink_profile_callback *callback, void *user);

/* e->all.x [R,H] = hidden states of a batch that was checked. */
ink_status ink__encoder_forward(ink__encoder *e, const ink_batch *batch, ink_error *err);

/* mean [H] of S >= 1 rows x [S,H]. */
void ink__mean_rows(float *mean, const float *x, size_t S, size_t H);

/* logits [B,C] from e->all.x, through the head. */
ink_status ink__head_forward(float *logits, ink__encoder *e, const ink_batch *batch, ink_error *err);

#endif
