/* Activation and residual layer norm, vectorised; included by src/tensor/fused_isa.c. */
#ifndef INK_NN_ROWS_FUSED_H
#define INK_NN_ROWS_FUSED_H

#include "nn/activation_fused.h"

#include <math.h>

static void fused_activate(float *x, size_t n, ink__activation kind)
{
    FOR_ACTIVATION(kind, activate_all, x, x, n)
}

/* y [H] = layer norm of itself; sum holds its lanes' sums. */
static inline void finish_layernorm(float *y, vf sum, const float *gamma, const float *beta, size_t H,
                                    float eps)
{
    const size_t whole = H / VL * VL;
    const float per_H = 1.0f / (float)H, mu = v_sum(sum) * per_H;
    vf square0 = {0}, square1 = {0};
    size_t h = 0;
    for (; h + 2 * VL <= whole; h += 2 * VL) {
        const vf a = v_load(y + h) - mu, b = v_load(y + h + VL) - mu;
        square0 += a * a, square1 += b * b;
    }
    for (; h < whole; h += VL) {
        const vf a = v_load(y + h) - mu;
        square0 += a * a;
    }
    float rest = 0;
    for (; h < H; ++h)
        rest += (y[h] - mu) * (y[h] - mu);
    const float rstd = 1.0f / sqrtf((v_sum(square0 + square1) + rest) * per_H + eps);

    for (h = 0; h < whole; h += VL)
        v_store(y + h, (v_load(y + h) - mu) * rstd * v_load(gamma + h) + v_load(beta + h));
    for (; h < H; ++h)
        y[h] = (y[h] - mu) * rstd * gamma[h] + beta[h];
}

/* The row stays in L1 between the three walks: sum and add, squares about the mean, scale. */
static void fused_add_layernorm(float *y, const float *x, const float *residual, const float *gamma,
                                const float *beta, size_t R, size_t H, float eps)
{
    const size_t whole = H / VL * VL, part = H - whole;
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * H, *res_r = residual ? residual + r * H : NULL; /* [H] */
        float *y_r = y + r * H;                                                    /* [H] */
        vf sum0 = {0}, sum1 = {0};
        size_t h = 0;
        for (; h + 2 * VL <= whole; h += 2 * VL) {
            vf a = v_load(x_r + h), b = v_load(x_r + h + VL);
            if (res_r)
                a += v_load(res_r + h), b += v_load(res_r + h + VL);
            v_store(y_r + h, a), v_store(y_r + h + VL, b);
            sum0 += a, sum1 += b;
        }
        for (; h < whole; h += VL) {
            vf a = v_load(x_r + h);
            if (res_r)
                a += v_load(res_r + h);
            v_store(y_r + h, a);
            sum0 += a;
        }
        if (part) {
            vf a = v_load_part(x_r + h, part);
            if (res_r)
                a += v_load_part(res_r + h, part);
            v_store_part(y_r + h, a, part);
            sum1 += a;
        }
        finish_layernorm(y_r, sum0 + sum1, gamma, beta, H, eps);
    }
}

#endif
