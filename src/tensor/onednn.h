/* oneDNN behind one door: only the onednn*.c files include dnnl.h, and versions 2.6 and 3.x differ only in
 * onednn_exec.c. Every operation is made once, for fixed shapes, and run many times without allocating.
 *
 * A product's rows are cut into blocks of fixed sizes (rungs): a run-time row count would silently select
 * the reference kernel, and a primitive for every count would cost 0.3 ms each. The last block is rounded up
 * to INK__ROWS rows, so inputs and outputs have room for ink__round_rows(R) rows.
 *
 * Whatever is created with `threads` is run by a caller whose OpenMP thread count is that (core/threads.h).
 */
#ifndef INK_TENSOR_ONEDNN_H
#define INK_TENSOR_ONEDNN_H

#include "core/status.h"

enum { INK__ROWS = 16 };

static inline size_t ink__round_rows(size_t R)
{
    return (R + INK__ROWS - 1) / INK__ROWS * INK__ROWS;
}

/* The engine; shared by threads. */
typedef struct ink__onednn ink__onednn;

ink_status ink__onednn_create(ink__onednn **engine, ink_error *err);
void ink__onednn_free(ink__onednn *engine);
void ink__onednn_version(char *text, size_t size); /* "2.6.3": of the library that is running */

/* y [R,out] = x [R,in] * W^T + b, for one pair (in, out) and any W [out,in] packed for it. A product is used
 * by one thread at a time and itself runs on `threads` threads, or on one where oneDNN's kernel would give
 * other bits on more. */
typedef struct ink__product ink__product;

ink_status ink__product_create(ink__product **product, ink__onednn *engine, size_t in, size_t out,
                               size_t threads, ink_error *err);
void ink__product_free(ink__product *product);

/* The same in integers: y [R,out] = x [R,in] * W^T, x of 8 bits without sign, W of 8 bits with one. */
ink_status ink__product_create_int8(ink__product **product, ink__onednn *engine, size_t in, size_t out,
                                    size_t threads, ink_error *err);

/* *exact: integer products are, on this processor. Without VNNI pairs of products meet in 16 bits and large
 * ones are cut off there. */
ink_status ink__int8_is_exact(bool *exact, ink__onednn *engine, ink_error *err);

/* What a packed W takes; the layout is the same for every product of (in, out) on this machine. */
size_t ink__product_packed_bytes(const ink__product *product);

/* packed [packed_bytes], aligned to 64 bytes = W [out,in], of floats or int8_t as the product is, in oneDNN's
 * layout. */
ink_status ink__product_pack(void *packed, ink__product *product, const void *W, ink_error *err);

/* Rows the next block takes when R >= 1 are left: a rung, at most R rounded up. */
size_t ink__product_block(const ink__product *product, size_t R);

/* One block: y [block,out] = x [block,in] * W^T + b [out]; block is what ink__product_block gave. */
ink_status ink__product_run(float *y, ink__product *product, const float *x, const float *packed,
                            const float *b, size_t block, ink_error *err);
ink_status ink__product_run_int8(int32_t *y, ink__product *product, const uint8_t *x, const int8_t *packed,
                                 size_t block, ink_error *err);

/* Name of the kernel behind rung i ("brg:avx512_core"), NULL past the last: a test looks for "ref". */
const char *ink__product_kernel(const ink__product *product, size_t i);

/* The three products of a linear layer that is being trained, for one pair (in, out). W [out,in] is plain, as
 * it changes with every step: packing it costs what the kernels win by it, or more. Rows are taken in large
 * blocks, the last rounded up: x, dx have room for ink__round_rows(R) rows of `in` and y, dy likewise of
 * `out`, and whatever stands in the rows past R is set to zero before it could count. */
typedef struct ink__trained_linear ink__trained_linear;

/* A product for a number of rows that was not met before is made then, in less than a millisecond. */
ink_status ink__trained_linear_create(ink__trained_linear **linear, ink__onednn *engine, size_t in,
                                      size_t out, size_t threads, ink_error *err);
void ink__trained_linear_free(ink__trained_linear *linear);

/* y [R,out] = x [R,in] W^T + b [out] */
ink_status ink__trained_linear_forward(float *y, ink__trained_linear *linear, const float *x, const float *W,
                                       const float *b, size_t R, ink_error *err);
/* dx [R,in] = dy [R,out] W */
ink_status ink__trained_linear_backward(float *dx, ink__trained_linear *linear, const float *dy,
                                        const float *W, size_t R, ink_error *err);
/* dW [out,in] = dy^T x, or that much more. The rows of dy and x past R become zero. */
ink_status ink__trained_linear_gradient(float *dW, ink__trained_linear *linear, float *dy, float *x, size_t R,
                                        bool add, ink_error *err);

/* An operation on each row by itself: what the dnnl backend uses oneDNN for besides products. It too runs in
 * blocks of whole rungs. */
typedef enum ink__rowwise_kind {
    INK__ROWWISE_GELU_ERF,
    INK__ROWWISE_GELU_TANH,
    INK__ROWWISE_RELU,
    INK__ROWWISE_TANH,
    INK__ROWWISE_LAYERNORM,
    INK__ROWWISE_SOFTMAX
} ink__rowwise_kind;

typedef struct ink__rowwise ink__rowwise;

ink_status ink__rowwise_create(ink__rowwise **op, ink__onednn *engine, ink__rowwise_kind kind, size_t width,
                               float eps, size_t threads, ink_error *err);
void ink__rowwise_free(ink__rowwise *op);

/* y [R,width] = f(x [R,width]); gamma and beta [width] for layer norm, else NULL. y may be x. */
ink_status ink__rowwise_run(float *y, ink__rowwise *op, const float *x, const float *gamma, const float *beta,
                            size_t R, ink_error *err);

/* C [M,N] = A [M,K] * op(B), all dense; B is [N,K] when transposed, else [K,N]. For the attention of the dnnl
 * backend. */
typedef struct ink__matmul ink__matmul;

ink_status ink__matmul_create(ink__matmul **op, ink__onednn *engine, size_t M, size_t N, size_t K,
                              bool transposed, size_t threads, ink_error *err);
void ink__matmul_free(ink__matmul *op);
ink_status ink__matmul_run(float *C, ink__matmul *op, const float *A, const float *B, ink_error *err);

#endif
