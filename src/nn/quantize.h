/* Linear layers in 8 bits (Jacob et al., arXiv 1712.05877, section 2).
 *
 * Weights, once: row o of W [out,in] is scale[o] * Q[o], Q from -127 to 127. Activations, as they come: row r
 * of x [R,in] is scale[r] * (q[r] - zero[r]), q from 0 to 255 in 254 steps, by the row's own least and
 * greatest value, between which 0 is counted and then exact. Then, with acc = q Q^T summed in integers,
 *
 *   y[r][o]  = scale[r] * (scale[o] * acc[r][o] - zero[r] * shift[o]) + b[o]
 *   shift[o] = scale[o] * sum_i Q[o][i]
 */
#ifndef INK_NN_QUANTIZE_H
#define INK_NN_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

/* With zero rounded up, 254 steps stay within a byte wherever the range begins: nothing has to be cut off. */
#define INK__STEPS 254

/* Ranges below this are taken as nothing but zeros: their reciprocals are not finite. */
#define INK__LEAST_RANGE 1e-30f

/* What turns integer sums into y. */
typedef struct ink__dequantizer {
    const float *row_scale, *row_zero; /* [R] of the activations */
    const float *scale, *shift, *b;    /* [out] of the weights, and the bias */
} ink__dequantizer;

/* Q [out,in] and scale [out] of W [out,in]. */
void ink_quantize_weights(int8_t *Q, float *scale, const float *W, size_t out, size_t in);

/* shift [out] of Q [out,in]. */
void ink_quantize_shift(float *shift, const int8_t *Q, const float *scale, size_t out, size_t in);

/* q [R,width], scale [R] and zero [R] of x [R,width]. A number that is not finite makes its row's scale NaN,
 * so that nothing but NaN comes of the row. */
void ink_quantize_rows(uint8_t *q, float *scale, float *zero, const float *x, size_t R, size_t width);

/* y [R,out] of acc [R,out]. */
void ink_dequantize(float *y, const int32_t *acc, const ink__dequantizer *d, size_t R, size_t out);

/* The whole layer by its definition: y [R,out] = x W^T + b for x [R,in]. q [in] is scratch. */
void ink_linear_int8_forward(float *y, uint8_t *q, const float *x, const int8_t *Q, const float *scale,
                             const float *shift, const float *b, size_t R, size_t in, size_t out);

#endif
