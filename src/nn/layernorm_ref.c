/* Layer normalisation by its definition: see layernorm.h. Sums in double, so that this is the yardstick. */
#include "nn/layernorm.h"

#include <math.h>

void ink_layernorm_forward(float *y, const float *x, const float *gamma, const float *beta, size_t R,
                           size_t H, float eps)
{
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * H; /* [H] */
        float *y_r = y + r * H;       /* [H] */
        double mu = 0, variance = 0;
        for (size_t h = 0; h < H; ++h)
            mu += x_r[h];
        mu /= (double)H;
        for (size_t h = 0; h < H; ++h)
            variance += (x_r[h] - mu) * (x_r[h] - mu);
        variance /= (double)H;
        const double rstd = 1 / sqrt(variance + eps);
        for (size_t h = 0; h < H; ++h)
            y_r[h] = (float)((x_r[h] - mu) * rstd) * gamma[h] + beta[h];
    }
}
