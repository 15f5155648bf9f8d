/* Activation and residual layer norm, vectorised; included by src/tensor/fused_isa.c. */
#ifndef INK_NN_ROWS_FUSED_H
#define INK_NN_ROWS_FUSED_H

#include "nn/activation.h"
#include "tensor/simd.h"

#include <math.h>

static inline vf activate_vector(vf x, ink__activation kind)
{
    switch (kind) {
    case INK__GELU:
        return 0.5f * x * (1.0f + v_erf(x * 0.707106781f));
    case INK__GELU_TANH:
        return 0.5f * x * (1.0f + v_tanh(0.797884561f * (x + 0.044715f * x * x * x)));
    case INK__RELU:
        return v_select(x < (vf){0}, (vf){0}, x);
    case INK__TANH:
        return v_tanh(x);
    }
    return x;
}

/* One loop per function, so that the choice is made outside it. */
static inline __attribute__((always_inline)) void activate_all(float *x, size_t n, const ink__activation kind)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(x + i, activate_vector(v_load(x + i), kind));
    if (i < n)
        v_store_part(x + i, activate_vector(v_load_part(x + i, n - i), kind), n - i);
}

static void fused_activate(float *x, size_t n, ink__activation kind)
{
    switch (kind) {
    case INK__GELU:
        activate_all(x, n, INK__GELU);
        break;
    case INK__GELU_TANH:
        activate_all(x, n, INK__GELU_TANH);
        break;
    case INK__RELU:
        activate_all(x, n, INK__RELU);
        break;
    case INK__TANH:
        activate_all(x, n, INK__TANH);
        break;
    }
}

static inline __attribute__((always_inline)) void gate_all(float *y, const float *x,
                                                           const ink__activation kind, size_t R, size_t F)
{
    for (size_t r = 0; r < R; ++r) {
        const float *u = x + r * 2 * F, *g = u + F; /* [F] */
        float *y_r = y + r * F;                     /* [F] */
        size_t f = 0;
        for (; f + VL <= F; f += VL)
            v_store(y_r + f, activate_vector(v_load(u + f), kind) * v_load(g + f));
        if (f < F)
            v_store_part(y_r + f,
                         activate_vector(v_load_part(u + f, F - f), kind) * v_load_part(g + f, F - f), F - f);
    }
}

static void fused_gate(float *y, const float *x, ink__activation kind, size_t R, size_t F)
{
    switch (kind) {
    case INK__GELU:
        gate_all(y, x, INK__GELU, R, F);
        break;
    case INK__GELU_TANH:
        gate_all(y, x, INK__GELU_TANH, R, F);
        break;
    case INK__RELU:
        gate_all(y, x, INK__RELU, R, F);
        break;
    case INK__TANH:
        gate_all(y, x, INK__TANH, R, F);
        break;
    }
}

/* The row stays in L1 between the three walks: sum and add, squares about the mean, scale. */
static void fused_add_layernorm(float *y, const float *x, const float *residual, const float *gamma,
                                const float *beta, size_t R, size_t H, float eps)
{
    const size_t whole = H / VL * VL, part = H - whole;
    const float per_H = 1.0f / (float)H;
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
        const float mu = v_sum(sum0 + sum1) * per_H;

        vf square0 = {0}, square1 = {0};
        for (h = 0; h + 2 * VL <= whole; h += 2 * VL) {
            const vf a = v_load(y_r + h) - mu, b = v_load(y_r + h + VL) - mu;
            square0 += a * a, square1 += b * b;
        }
        for (; h < whole; h += VL) {
            const vf a = v_load(y_r + h) - mu;
            square0 += a * a;
        }
        float rest = 0;
        for (; h < H; ++h)
            rest += (y_r[h] - mu) * (y_r[h] - mu);
        const float rstd = 1.0f / sqrtf((v_sum(square0 + square1) + rest) * per_H + eps);

        for (h = 0; h < whole; h += VL)
            v_store(y_r + h, (v_load(y_r + h) - mu) * rstd * v_load(gamma + h) + v_load(beta + h));
        for (; h < H; ++h)
            y_r[h] = (y_r[h] - mu) * rstd * gamma[h] + beta[h];
    }
}

#endif
