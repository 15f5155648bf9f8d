/* The loss of one row over many classes, vectorised; included by src/tensor/passes_isa.c. */
#ifndef INK_NN_LOSS_FUSED_H
#define INK_NN_LOSS_FUSED_H

#include "tensor/simd.h"

#include <math.h>
#include <stdbool.h>

#define LOG2_E 1.44269504f

/* Three walks over a row that mostly stays in cache: the greatest, exponentials and their sum, scaling. */
static double fused_cross_entropy_row(float *z, bool *first, size_t y, float scale, size_t V)
{
    vf most = v_set(z[y]), sum0 = {0}, sum1 = {0};
    float top = z[y], rest = 0;
    const float of_y = z[y];
    size_t v = 0;
    for (; v + VL <= V; v += VL)
        most = v_max(most, v_load(z + v));
    for (; v < V; ++v)
        top = z[v] > top ? z[v] : top;
    const float highest = v_greatest(most);
    top = highest > top ? highest : top;
    *first = of_y >= top;

    for (v = 0; v + 2 * VL <= V; v += 2 * VL) {
        const vf a = v_exp2((v_load(z + v) - top) * LOG2_E), b = v_exp2((v_load(z + v + VL) - top) * LOG2_E);
        v_store(z + v, a), v_store(z + v + VL, b);
        sum0 += a, sum1 += b;
    }
    for (; v < V; ++v) {
        z[v] = expf(z[v] - top);
        rest += z[v];
    }
    const float sum = v_sum(sum0 + sum1) + rest, share = scale / sum;
    for (v = 0; v + VL <= V; v += VL)
        v_store(z + v, v_load(z + v) * share);
    for (; v < V; ++v)
        z[v] *= share;
    z[y] -= scale;
    return log((double)sum) - ((double)of_y - top);
}

#endif
