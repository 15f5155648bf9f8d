/* Softmax: see softmax.h. */
#include "nn/softmax.h"

#include <math.h>

void ink_softmax_forward(float *p, const float *z, size_t R, size_t C)
{
    for (size_t r = 0; r < R; ++r) {
        const float *z_r = z + r * C; /* [C] */
        float *p_r = p + r * C;       /* [C] */
        float top = z_r[0];
        for (size_t c = 1; c < C; ++c)
            top = z_r[c] > top ? z_r[c] : top;
        double sum = 0;
        for (size_t c = 0; c < C; ++c)
            sum += exp((double)z_r[c] - top);
        for (size_t c = 0; c < C; ++c)
            p_r[c] = (float)(exp((double)z_r[c] - top) / sum);
    }
}

void ink_sigmoid_forward(float *p, const float *z, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        p[i] = (float)(1 / (1 + exp(-(double)z[i])));
}
