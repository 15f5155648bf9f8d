/* The fused backend's passes, compiled once per instruction set. Each agrees with its x_ref.c within
 * rounding; one row's or query's result never depends on what else is in the call. */
#ifndef INK_TENSOR_FUSED_H
#define INK_TENSOR_FUSED_H

#include "attention/attention.h"
#include "nn/activation.h"
#include "nn/quantize.h"

typedef struct ink__fused {
    const char *isa; /* "avx512vnni", "avx512", "avx2", "generic" */

    /* x [n] becomes f(x [n]). */
    void (*activate)(float *x, size_t n, ink__activation kind);

    /* y [R,F] = f(u) * g, where row r of x [R,2F] is u then g. y is not x. */
    void (*gate)(float *y, const float *x, ink__activation kind, size_t R, size_t F);

    /* y [R,H] = layer norm of x + residual; residual NULL: of x alone. y may be x. */
    void (*add_layernorm)(float *y, const float *x, const float *residual, const float *gamma,
                          const float *beta, size_t R, size_t H, float eps);

    /* The same in 8 bits (nn/quantize.h): rows into them, ... */
    void (*quantize)(uint8_t *q, float *scale, float *zero, const float *x, size_t R, size_t width);
    /* ... and from sums acc [R,out] of a product of them: as y [R,out]; */
    void (*dequantize)(float *y, const int32_t *acc, const ink__dequantizer *d, size_t R, size_t out);
    /* as y [R,H] = layer norm of y + residual, gamma NULL: without a norm, y may be the residual; */
    void (*dequantize_add_layernorm)(float *y, const int32_t *acc, const ink__dequantizer *d,
                                     const float *residual, const float *gamma, const float *beta, size_t R,
                                     size_t H, float eps);
    /* as q [R,F] of f(y), or of f(u) * g where acc is [R,2F], of u and g. acc is spent. */
    void (*dequantize_activate)(uint8_t *q, float *scale, float *zero, int32_t *acc,
                                const ink__dequantizer *d, ink__activation kind, size_t R, size_t F);
    void (*dequantize_gate)(uint8_t *q, float *scale, float *zero, int32_t *acc, const ink__dequantizer *d,
                            ink__activation kind, size_t R, size_t F);

    /* Head n of one sequence of S rows: ctx points at the head's columns of its rows [S] of H floats, qkv
     * likewise of 3H floats. */
    void (*attend)(float *ctx, float *scratch, const float *qkv, size_t S, const ink__attending *how,
                   size_t n);
    size_t (*attend_scratch)(size_t max_S, size_t D); /* floats */

    /* The same in integers; NULL where that is not faster. */
    void (*attend_int8)(float *ctx, float *scratch, const float *qkv, size_t S, const ink__attending *how,
                        size_t n);
    size_t (*attend_int8_scratch)(size_t max_S, size_t D);
} ink__fused;

/* The best this processor runs; environment-independent, the same for the life of the process. */
const ink__fused *ink__fused_best(void);

/* The i-th that this processor runs, best first; NULL past the last. */
const ink__fused *ink__fused_at(size_t i);

#endif
