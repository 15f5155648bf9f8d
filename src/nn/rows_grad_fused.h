/* The passes of training over rows, vectorised: activations and gates with their derivatives, layer norm and
 * its gradients, sums of columns. Included by src/tensor/passes_isa.c. */
#ifndef INK_NN_ROWS_GRAD_FUSED_H
#define INK_NN_ROWS_GRAD_FUSED_H

#include "nn/activation_fused.h"

#include <math.h>

/* f(u), and f'(u) into *slope; the formulas are those of activation_ref.c. */
static inline vf activate_with_slope(vf *slope, vf u, ink__activation kind)
{
    const vf zero = {0};
    switch (kind) {
    case INK__GELU: {
        const vf below = 0.5f * (1.0f + v_erf(u * 0.707106781f));
        *slope = below + u * (0.398942280f * v_exp2(u * u * -0.721347520f)); /* exp(-u^2/2) / sqrt(2 pi) */
        return u * below;
    }
    case INK__GELU_TANH: {
        /* With e = exp(2z): (1 + t)/2 = e/(e+1) and 1 - t^2 = 4e/(e+1)^2, so that nothing cancels. Past 8 the
         * slope is 0 or 1 within 1e-19, and z would overflow. */
        const vf x = v_select(u > 8.0f, zero + 8.0f, v_select(u < -8.0f, zero - 8.0f, u));
        const vf cubic = 0.044715f * x * x;
        const vf e = v_exp2(2.30220820f * x * (1.0f + cubic)); /* 2 sqrt(2/pi) log2(e) */
        const vf rest = 1.0f / (e + 1.0f), share = e * rest;
        *slope = share + 1.59576912f * x * share * rest * (1.0f + 3.0f * cubic); /* 2 sqrt(2/pi) */
        return u * share;
    }
    case INK__RELU:
        *slope = v_select(u > zero, zero + 1.0f, v_select(u <= zero, zero, u));
        return v_select(u < zero, zero, u);
    case INK__TANH: {
        const vf t = v_tanh(u);
        *slope = 1.0f - t * t;
        return t;
    }
    }
    return u;
}

static void fused_activate_to(float *y, const float *u, size_t n,
                              ink__activation kind){FOR_ACTIVATION(kind, activate_all, y, u, n)}

ONE_ACTIVATION
    activate_backward_all(float *du, const float *dy, const float *u, size_t n, const ink__activation kind)
{
    vf slope;
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        activate_with_slope(&slope, v_load(u + i), kind);
        v_store(du + i, v_load(dy + i) * slope);
    }
    if (i < n) {
        activate_with_slope(&slope, v_load_part(u + i, n - i), kind);
        v_store_part(du + i, v_load_part(dy + i, n - i) * slope, n - i);
    }
}

static void fused_activate_backward(float *du, const float *dy, const float *u, size_t n,
                                    ink__activation kind){
    FOR_ACTIVATION(kind, activate_backward_all, du, dy, u, n)}

ONE_ACTIVATION gate_backward_all(float *dboth, const float *dy, const float *both, size_t R, size_t F,
                                 const ink__activation kind)
{
    for (size_t r = 0; r < R; ++r) {
        const float *dy_r = dy + r * F, *u = both + r * 2 * F, *g = u + F; /* [F] */
        float *du = dboth + r * 2 * F, *dg = du + F;                       /* [F] */
        vf slope;
        size_t f = 0;
        for (; f + VL <= F; f += VL) {
            const vf value = activate_with_slope(&slope, v_load(u + f), kind), up = v_load(dy_r + f);
            v_store(du + f, up * v_load(g + f) * slope);
            v_store(dg + f, up * value);
        }
        if (f < F) {
            const size_t part = F - f;
            const vf value = activate_with_slope(&slope, v_load_part(u + f, part), kind);
            const vf up = v_load_part(dy_r + f, part);
            v_store_part(du + f, up * v_load_part(g + f, part) * slope, part);
            v_store_part(dg + f, up * value, part);
        }
    }
}

static void fused_gate_backward(float *dboth, const float *dy, const float *both, ink__activation kind,
                                size_t R, size_t F)
{
    FOR_ACTIVATION(kind, gate_backward_all, dboth, dy, both, R, F)
}

/* The row stays in L1 between the three walks: sum, deviations and their squares, scale. The first mean is
 * off by a rounding; that of the deviations corrects it, so that rows far from zero, or all alike, come out.
 */
static void fused_norm(float *y, float *xh, float *rstd, const float *x, const float *gamma,
                       const float *beta, size_t R, size_t H, float eps)
{
    const float per_H = 1.0f / (float)H;
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * H;               /* [H] */
        float *y_r = y + r * H, *xh_r = xh + r * H; /* [H] */
        vf sum0 = {0}, sum1 = {0};
        float rest = 0;
        size_t h = 0;
        for (; h + 2 * VL <= H; h += 2 * VL)
            sum0 += v_load(x_r + h), sum1 += v_load(x_r + h + VL);
        for (; h + VL <= H; h += VL)
            sum0 += v_load(x_r + h);
        for (; h < H; ++h)
            rest += x_r[h];
        const float near = (v_sum(sum0 + sum1) + rest) * per_H;

        vf square0 = {0}, square1 = {0};
        float rest_square = 0;
        sum0 = sum1 = (vf){0}, rest = 0;
        for (h = 0; h + 2 * VL <= H; h += 2 * VL) {
            const vf a = v_load(x_r + h) - near, b = v_load(x_r + h + VL) - near;
            sum0 += a, square0 += a * a;
            sum1 += b, square1 += b * b;
        }
        for (; h + VL <= H; h += VL) {
            const vf a = v_load(x_r + h) - near;
            sum0 += a, square0 += a * a;
        }
        for (; h < H; ++h) {
            const float a = x_r[h] - near;
            rest += a, rest_square += a * a;
        }
        const float off = (v_sum(sum0 + sum1) + rest) * per_H, mu = near + off;
        const float variance = (v_sum(square0 + square1) + rest_square) * per_H - off * off;
        const float s = 1.0f / sqrtf((variance < 0 ? 0 : variance) + eps);
        rstd[r] = s;

        for (h = 0; h + VL <= H; h += VL) {
            const vf a = (v_load(x_r + h) - mu) * s;
            v_store(xh_r + h, a);
            v_store(y_r + h, a * v_load(gamma + h) + v_load(beta + h));
        }
        for (; h < H; ++h) {
            xh_r[h] = (x_r[h] - mu) * s;
            y_r[h] = xh_r[h] * gamma[h] + beta[h];
        }
    }
}

static void fused_norm_backward(float *dx, const float *dy, const float *xh, const float *rstd,
                                const float *gamma, size_t R, size_t H)
{
    const float per_H = 1.0f / (float)H;
    for (size_t r = 0; r < R; ++r) {
        const float *dy_r = dy + r * H, *xh_r = xh + r * H; /* [H] */
        float *dx_r = dx + r * H;                           /* [H] */
        vf g0 = {0}, g1 = {0}, gxh0 = {0}, gxh1 = {0};
        float rest_g = 0, rest_gxh = 0;
        size_t h = 0;
        for (; h + 2 * VL <= H; h += 2 * VL) {
            const vf a = v_load(gamma + h) * v_load(dy_r + h);
            const vf b = v_load(gamma + h + VL) * v_load(dy_r + h + VL);
            g0 += a, gxh0 += a * v_load(xh_r + h);
            g1 += b, gxh1 += b * v_load(xh_r + h + VL);
        }
        for (; h + VL <= H; h += VL) {
            const vf a = v_load(gamma + h) * v_load(dy_r + h);
            g0 += a, gxh0 += a * v_load(xh_r + h);
        }
        for (; h < H; ++h) {
            const float a = gamma[h] * dy_r[h];
            rest_g += a, rest_gxh += a * xh_r[h];
        }
        const float mean_g = (v_sum(g0 + g1) + rest_g) * per_H;
        const float mean_gxh = (v_sum(gxh0 + gxh1) + rest_gxh) * per_H;
        const float s = rstd[r];
        for (h = 0; h + VL <= H; h += VL)
            v_store(dx_r + h,
                    s * (v_load(gamma + h) * v_load(dy_r + h) - mean_g - v_load(xh_r + h) * mean_gxh));
        for (; h < H; ++h)
            dx_r[h] = s * (gamma[h] * dy_r[h] - mean_g - xh_r[h] * mean_gxh);
    }
}

/* Sums of columns go eight rows at a time: their share is added up in registers and joins the sum once, so
 * that memory is read along rows, and a long sum is one of short ones. */
enum { ROWS_AT_ONCE = 8 };

static inline __attribute__((always_inline)) void norm_gradients_of(float *dgamma, float *dbeta,
                                                                    const float *dy, const float *xh,
                                                                    const size_t rows, size_t H, size_t first,
                                                                    size_t end)
{
    size_t h = first;
    for (; h + VL <= end; h += VL) {
        vf sum_gamma = {0}, sum_beta = {0};
        for (size_t r = 0; r < rows; ++r) {
            const vf up = v_load(dy + r * H + h);
            sum_gamma += up * v_load(xh + r * H + h), sum_beta += up;
        }
        v_store(dgamma + h, v_load(dgamma + h) + sum_gamma);
        v_store(dbeta + h, v_load(dbeta + h) + sum_beta);
    }
    for (; h < end; ++h) {
        float sum_gamma = 0, sum_beta = 0;
        for (size_t r = 0; r < rows; ++r)
            sum_gamma += dy[r * H + h] * xh[r * H + h], sum_beta += dy[r * H + h];
        dgamma[h] += sum_gamma, dbeta[h] += sum_beta;
    }
}

static void fused_norm_gradients(float *dgamma, float *dbeta, const float *dy, const float *xh, size_t R,
                                 size_t H, size_t first, size_t end)
{
    size_t r = 0;
    for (; r + ROWS_AT_ONCE <= R; r += ROWS_AT_ONCE)
        norm_gradients_of(dgamma, dbeta, dy + r * H, xh + r * H, ROWS_AT_ONCE, H, first, end);
    norm_gradients_of(dgamma, dbeta, dy + r * H, xh + r * H, R - r, H, first, end);
}

static inline __attribute__((always_inline)) void
column_sums_of(float *db, const float *dy, const size_t rows, size_t out, size_t first, size_t end)
{
    size_t o = first;
    for (; o + VL <= end; o += VL) {
        vf sum = {0};
        for (size_t r = 0; r < rows; ++r)
            sum += v_load(dy + r * out + o);
        v_store(db + o, v_load(db + o) + sum);
    }
    for (; o < end; ++o) {
        float sum = 0;
        for (size_t r = 0; r < rows; ++r)
            sum += dy[r * out + o];
        db[o] += sum;
    }
}

static void fused_column_sums(float *db, const float *dy, size_t R, size_t out, size_t first, size_t end)
{
    size_t r = 0;
    for (; r + ROWS_AT_ONCE <= R; r += ROWS_AT_ONCE)
        column_sums_of(db, dy + r * out, ROWS_AT_ONCE, out, first, end);
    column_sums_of(db, dy + r * out, R - r, out, first, end);
}

#endif
