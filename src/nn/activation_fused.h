/* Activations and gates, vectorised; included by src/tensor/fused_isa.c and passes_isa.c. */
#ifndef INK_NN_ACTIVATION_FUSED_H
#define INK_NN_ACTIVATION_FUSED_H

#include "nn/activation.h"
#include "tensor/simd.h"

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

/* Calls one of four copies of an inlined function, so that the choice is made outside its loop. */
#define FOR_ACTIVATION(kind, function, ...)                                                                  \
    switch (kind) {                                                                                          \
    case INK__GELU:                                                                                          \
        function(__VA_ARGS__, INK__GELU);                                                                    \
        break;                                                                                               \
    case INK__GELU_TANH:                                                                                     \
        function(__VA_ARGS__, INK__GELU_TANH);                                                               \
        break;                                                                                               \
    case INK__RELU:                                                                                          \
        function(__VA_ARGS__, INK__RELU);                                                                    \
        break;                                                                                               \
    case INK__TANH:                                                                                          \
        function(__VA_ARGS__, INK__TANH);                                                                    \
        break;                                                                                               \
    }
#define ONE_ACTIVATION static inline __attribute__((always_inline)) void

ONE_ACTIVATION activate_all(float *y, const float *u, size_t n, const ink__activation kind)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(y + i, activate_vector(v_load(u + i), kind));
    if (i < n)
        v_store_part(y + i, activate_vector(v_load_part(u + i, n - i), kind), n - i);
}

ONE_ACTIVATION gate_all(float *y, const float *x, size_t R, size_t F, const ink__activation kind)
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
    FOR_ACTIVATION(kind, gate_all, y, x, R, F)
}

#endif
