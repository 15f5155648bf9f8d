/* The linear layer by its definition: see linear.h. Also what small heads run on. */
#include "nn/linear.h"

void ink_linear_forward(float *y, const float *x, const float *W, const float *b, size_t R, size_t in,
                        size_t out)
{
    for (size_t r = 0; r < R; ++r)
        for (size_t o = 0; o < out; ++o) {
            const float *x_r = x + r * in, *W_o = W + o * in; /* [in] */
            double sum = b[o];
            for (size_t i = 0; i < in; ++i)
                sum += (double)x_r[i] * W_o[i];
            y[r * out + o] = (float)sum;
        }
}

void ink_linear_backward(float *dx, const float *dy, const float *W, size_t R, size_t in, size_t out)
{
    for (size_t r = 0; r < R; ++r)
        for (size_t i = 0; i < in; ++i) {
            double sum = 0;
            for (size_t o = 0; o < out; ++o)
                sum += (double)dy[r * out + o] * W[o * in + i];
            dx[r * in + i] = (float)sum;
        }
}

void ink_linear_gradient(float *dW, const float *dy, const float *x, size_t R, size_t in, size_t out)
{
    for (size_t o = 0; o < out; ++o)
        for (size_t i = 0; i < in; ++i) {
            double sum = 0;
            for (size_t r = 0; r < R; ++r)
                sum += (double)dy[r * out + o] * x[r * in + i];
            dW[o * in + i] += (float)sum;
        }
}

void ink_linear_bias_gradient(float *db, const float *dy, size_t R, size_t out, size_t first, size_t end)
{
    for (size_t o = first; o < end; ++o) {
        double sum = db[o];
        for (size_t r = 0; r < R; ++r)
            sum += dy[r * out + o];
        db[o] = (float)sum;
    }
}
