/* Parameters made ready to compute with: linear layers packed for the backend, vectors as float, tables left
 * as they lie in the file. */
#ifndef INK_MODEL_WEIGHTS_H
#define INK_MODEL_WEIGHTS_H

#include "core/memory.h"
#include "model/params.h"
#include "nn/embedding.h"
#include "tensor/onednn.h"

/* The shapes that linear layers come in; each has one product. */
typedef enum ink__shape {
    INK__SHAPE_QKV,     /* [3H,H]: query, key and value at once */
    INK__SHAPE_SQUARE,  /* [H,H]: attention's output, the head's dense layer */
    INK__SHAPE_FF_IN,   /* [F,H], gated [2F,H] */
    INK__SHAPE_FF_OUT,  /* [H,F] */
    INK__SHAPE_PROJECT, /* [H,E] from embeddings, where the model does that */
    INK__SHAPES
} ink__shape;

typedef struct ink__linear {
    ink__shape shape;
    size_t in, out;
    /* One of the two; packed by oneDNN, or plain [out,in] for the ref backend. */
    float *W;
    int8_t *Q; /* with scale and shift [out] of nn/quantize.h */
    float *scale, *shift;
    float *b; /* [out] */
} ink__linear;

/* Without a bias in the file, beta is zero; without a norm, gamma is NULL. */
typedef struct ink__norm {
    float *gamma, *beta;
} ink__norm;

typedef struct ink__layer {
    ink__linear qkv, attn_out, ff_in, ff_out;
    ink__norm attn_norm, ff_norm;
} ink__layer;

/* Rotary positions for one base. */
typedef struct ink__rope {
    double theta;
    float *cosines, *sines; /* [P,D/2] */
} ink__rope;

enum { INK__ROPES = 2 };

/* One for each base that the config's steps name, ropes [INK__ROPES] having started as zero: room for the
 * tables, and what they hold. */
void ink__ropes_carve(ink__rope *ropes, ink_arena *arena, const ink__config *config);
void ink__ropes_fill(const ink__rope *ropes, const ink__config *config);
const ink__rope *ink__rope_of(const ink__rope *ropes, double theta); /* of one that is there */

typedef struct ink__weights {
    ink__table word, position, type; /* [V,E] [P,E] [T,E], mapped */
    ink__norm embed_norm;            /* of width E */
    ink__linear project;             /* W NULL: E is H */
    ink__layer *layers;              /* [L] */
    ink__norm final_norm;
    ink__rope ropes[INK__ROPES];
    float *bias;            /* [N][2P-1] attention bias by distance, NULL: none */
    ink__linear head_dense; /* W NULL: there is none */
    ink__norm head_norm;
    float *head_W, *head_b; /* [C,H] [C], plain; NULL: no head */
    bool int8;              /* the layers are in 8 bits */
    ink__onednn *engine;    /* NULL for the ref backend */
    ink_arena arena;
} ink__weights;

/* in and out of a shape; out is 0 where the model has no such layer. */
void ink__shape_size(size_t *in, size_t *out, ink__shape shape, const ink__config *config);

/* How linear layers are kept. */
typedef struct ink__packing {
    bool plain; /* [out,in], and no engine is made */
    bool int8;  /* those of the layers in 8 bits */
} ink__packing;

/* Packs everything once. The tensors behind params must stay mapped.
 *
 * INK_E_NUMERIC  a weight that is not finite cannot be had in 8 bits */
ink_status ink__weights_create(ink__weights *weights, const ink__config *config, const ink__params *params,
                               ink__packing packing, ink_error *err);
void ink__weights_free(ink__weights *weights);

/* Whether layers of a shape are there in floats, and in 8 bits. */
void ink__weights_shapes(bool *floats, bool *int8, const ink__weights *weights, ink__shape shape);

#endif
