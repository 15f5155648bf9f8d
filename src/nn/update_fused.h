/* Optimizer steps, vectorised; the formulas are in optimizer.h. Included by src/tensor/passes_isa.c. */
#ifndef INK_NN_UPDATE_FUSED_H
#define INK_NN_UPDATE_FUSED_H

#include "nn/update.h"
#include "tensor/simd.h"

#include <stdbool.h>

/* AdamW, or with L2 Adam. */
static inline __attribute__((always_inline)) vf adam_vector(vf p, vf *m, vf *v, vf g, const ink__update *u,
                                                            const bool L2)
{
    g = L2 ? u->scale * g + u->decay * p : u->scale * g;
    *m += (1 - u->beta1) * (g - *m);
    *v = u->beta2 * *v + (1 - u->beta2) * g * g;
    const vf decayed = L2 ? p : p - u->lr * u->decay * p;
    return decayed - u->lr * u->correct1 * *m / (v_sqrt(*v * u->correct2) + u->eps);
}

static inline __attribute__((always_inline)) void adam_all(float *p, float *m, float *v, const float *g,
                                                           size_t n, const ink__update *u, const bool L2)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf m_i = v_load(m + i), v_i = v_load(v + i);
        v_store(p + i, adam_vector(v_load(p + i), &m_i, &v_i, v_load(g + i), u, L2));
        v_store(m + i, m_i), v_store(v + i, v_i);
    }
    if (i < n) {
        const size_t part = n - i;
        vf m_i = v_load_part(m + i, part), v_i = v_load_part(v + i, part);
        v_store_part(
            p + i, adam_vector(v_load_part(p + i, part), &m_i, &v_i, v_load_part(g + i, part), u, L2), part);
        v_store_part(m + i, m_i, part), v_store_part(v + i, v_i, part);
    }
}

/* The numbers are copied: for all the compiler knows, a store to a parameter might change them. */
static void fused_adamw(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u)
{
    const ink__update numbers = *u;
    adam_all(p, m, v, g, n, &numbers, false);
}

static void fused_adam(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u)
{
    const ink__update numbers = *u;
    adam_all(p, m, v, g, n, &numbers, true);
}

/* The first line of AdamW, with its bits. */
static void fused_decay(float *p, size_t n, const ink__update *to)
{
    const ink__update u = *to;
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(p + i, v_load(p + i) - u.lr * u.decay * v_load(p + i));
    if (i < n) {
        const vf p_i = v_load_part(p + i, n - i);
        v_store_part(p + i, p_i - u.lr * u.decay * p_i, n - i);
    }
}

static inline vf sgd_vector(vf *m, vf p, vf g, const ink__update *u)
{
    *m = u->momentum * *m + (u->scale * g + u->decay * p);
    return p - u->lr * *m;
}

static void fused_sgd(float *p, float *m, const float *g, size_t n, const ink__update *to)
{
    const ink__update u = *to;
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf m_i = v_load(m + i);
        v_store(p + i, sgd_vector(&m_i, v_load(p + i), v_load(g + i), &u));
        v_store(m + i, m_i);
    }
    if (i < n) {
        vf m_i = v_load_part(m + i, n - i);
        v_store_part(p + i, sgd_vector(&m_i, v_load_part(p + i, n - i), v_load_part(g + i, n - i), &u),
                     n - i);
        v_store_part(m + i, m_i, n - i);
    }
}

static double fused_sum_squares(const float *g, size_t n)
{
    enum { HALF = VL / 2, SUMS = 4 };
    vd sum[SUMS] = {{0}};
    size_t i = 0;
    for (; i + SUMS * HALF <= n; i += SUMS * HALF)
        for (int k = 0; k < SUMS; ++k) {
            const vd x = v_load_wide(g + i + k * HALF);
            sum[k] += x * x;
        }
    double rest = 0, lanes[HALF];
    for (; i < n; ++i)
        rest += (double)g[i] * g[i];
    const vd all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    memcpy(lanes, &all, sizeof lanes);
    for (int k = 0; k < HALF; ++k)
        rest += lanes[k];
    return rest;
}

#endif
