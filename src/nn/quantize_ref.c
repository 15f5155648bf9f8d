/* Linear layers in 8 bits by their definition: see quantize.h. */
#include "nn/quantize.h"

#include <math.h>

void ink_quantize_weights(int8_t *Q, float *scale, const float *W, size_t out, size_t in)
{
    for (size_t o = 0; o < out; ++o) {
        const float *w = W + o * in; /* [in] */
        float top = 0;
        for (size_t i = 0; i < in; ++i)
            top = fabsf(w[i]) > top ? fabsf(w[i]) : top;
        scale[o] = top < INK__LEAST_RANGE ? 0 : top / 127;
        const float per = top < INK__LEAST_RANGE ? 0 : 127 / top;
        for (size_t i = 0; i < in; ++i)
            Q[o * in + i] = (int8_t)rintf(w[i] * per);
    }
}

void ink_quantize_shift(float *shift, const int8_t *Q, const float *scale, size_t out, size_t in)
{
    for (size_t o = 0; o < out; ++o) {
        int64_t sum = 0;
        for (size_t i = 0; i < in; ++i)
            sum += Q[o * in + i];
        shift[o] = scale[o] * (float)sum;
    }
}

void ink_quantize_rows(uint8_t *q, float *scale, float *zero, const float *x, size_t R, size_t width)
{
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * width; /* [width] */
        float least = 0, greatest = 0, sum = 0;
        for (size_t i = 0; i < width; ++i) {
            least = x_r[i] < least ? x_r[i] : least;
            greatest = x_r[i] > greatest ? x_r[i] : greatest;
            sum += x_r[i];
        }
        const float range = greatest - least;
        const float per = range < INK__LEAST_RANGE ? 0 : INK__STEPS / range;
        scale[r] = (range < INK__LEAST_RANGE ? 0 : range / INK__STEPS) + (sum - sum); /* 0, or NaN */
        zero[r] = ceilf(-least * per);
        for (size_t i = 0; i < width; ++i) {
            const float nearest = rintf(x_r[i] * per + zero[r]);
            q[r * width + i] = nearest >= 0 && nearest <= 255 ? (uint8_t)nearest : 0; /* NaN, infinity */
        }
    }
}

void ink_dequantize(float *y, const int32_t *acc, const ink__dequantizer *d, size_t R, size_t out)
{
    for (size_t r = 0; r < R; ++r)
        for (size_t o = 0; o < out; ++o)
            y[r * out + o] =
                d->row_scale[r] * (d->scale[o] * (float)acc[r * out + o] - d->row_zero[r] * d->shift[o]) +
                d->b[o];
}

void ink_linear_int8_forward(float *y, uint8_t *q, const float *x, const int8_t *Q, const float *scale,
                             const float *shift, const float *b, size_t R, size_t in, size_t out)
{
    for (size_t r = 0; r < R; ++r) {
        float row_scale, row_zero;
        ink_quantize_rows(q, &row_scale, &row_zero, x + r * in, 1, in);
        for (size_t o = 0; o < out; ++o) {
            int32_t acc = 0;
            for (size_t i = 0; i < in; ++i)
                acc += q[i] * Q[o * in + i];
            const ink__dequantizer d = {&row_scale, &row_zero, scale + o, shift + o, b + o};
            ink_dequantize(&y[r * out + o], &acc, &d, 1, 1);
        }
    }
}
