/* Layer normalisation by its definition: see layernorm.h. Sums in double, so that this is the yardstick. */
#include "nn/layernorm.h"

#include <math.h>

/* x [H] becomes mean and 1 / sqrt(variance + eps). */
static void moments(double *mu, double *rstd, const float *x, size_t H, float eps)
{
    double sum = 0, squares = 0;
    for (size_t h = 0; h < H; ++h)
        sum += x[h];
    *mu = sum / (double)H;
    for (size_t h = 0; h < H; ++h)
        squares += (x[h] - *mu) * (x[h] - *mu);
    *rstd = 1 / sqrt(squares / (double)H + eps);
}

void ink_layernorm_forward(float *y, const float *x, const float *gamma, const float *beta, size_t R,
                           size_t H, float eps)
{
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * H; /* [H] */
        float *y_r = y + r * H;       /* [H] */
        double mu, rstd;
        moments(&mu, &rstd, x_r, H, eps);
        for (size_t h = 0; h < H; ++h)
            y_r[h] = (float)((x_r[h] - mu) * rstd) * gamma[h] + beta[h];
    }
}

void ink_layernorm_train(float *y, float *xh, float *rstd, const float *x, const float *gamma,
                         const float *beta, size_t R, size_t H, float eps)
{
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * H;               /* [H] */
        float *y_r = y + r * H, *xh_r = xh + r * H; /* [H] */
        double mu, s;
        moments(&mu, &s, x_r, H, eps);
        rstd[r] = (float)s;
        for (size_t h = 0; h < H; ++h) {
            xh_r[h] = (float)((x_r[h] - mu) * s);
            y_r[h] = xh_r[h] * gamma[h] + beta[h];
        }
    }
}

void ink_layernorm_backward(float *dx, const float *dy, const float *xh, const float *rstd,
                            const float *gamma, size_t R, size_t H)
{
    for (size_t r = 0; r < R; ++r) {
        const float *dy_r = dy + r * H, *xh_r = xh + r * H; /* [H] */
        float *dx_r = dx + r * H;                           /* [H] */
        double mean_g = 0, mean_gxh = 0;
        for (size_t h = 0; h < H; ++h) {
            const double g = (double)gamma[h] * dy_r[h];
            mean_g += g, mean_gxh += g * xh_r[h];
        }
        mean_g /= (double)H, mean_gxh /= (double)H;
        for (size_t h = 0; h < H; ++h)
            dx_r[h] = (float)(rstd[r] * ((double)gamma[h] * dy_r[h] - mean_g - xh_r[h] * mean_gxh));
    }
}

void ink_layernorm_gradients(float *dgamma, float *dbeta, const float *dy, const float *xh, size_t R,
                             size_t H, size_t first, size_t end)
{
    for (size_t h = first; h < end; ++h) {
        double dgamma_h = dgamma[h], dbeta_h = dbeta[h];
        for (size_t r = 0; r < R; ++r) {
            dgamma_h += (double)dy[r * H + h] * xh[r * H + h];
            dbeta_h += dy[r * H + h];
        }
        dgamma[h] = (float)dgamma_h, dbeta[h] = (float)dbeta_h;
    }
}
