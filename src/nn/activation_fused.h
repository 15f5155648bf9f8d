/* Activations and gates, vectorised; included by src/tensor/fused_isa.c and passes_isa.c. */
#ifndef INK_NN_ACTIVATION_FUSED_H
#define INK_NN_ACTIVATION_FUSED_H

#include "nn/activation.h"
#include "tensor/simd.h"

#if INK_LANES == 16 && defined(__AVX512F__)
/* x/2 + |x| Q(|x|) with Q(t) = erf(t / sqrt 2) / 2, absolute error of Q below 2e-7: sixteen polynomials about
 * the multiples of 0.38, so that looking one up is a permutation of a register, and nothing is divided.
 * From 5.5 on Q is one half. */
static inline vf gelu_vector(vf x)
{
    static const float table[5][16] = {
        {0.0f, 0.148027286f, 0.276372701f, 0.372856855f, 0.435744524f, 0.471283436f, 0.488696158f,
         0.496092975f, 0.498817116f, 0.499686897f, 0.49992764f, 0.499985427f, 0.499997437f, 0.499999613f,
         0.49999994f, 0.5f},
        {0.151596531f, 0.141037449f, 0.113571554f, 0.0791577846f, 0.0477534533f, 0.0249344856f, 0.0112687871f,
         0.00440789433f, 0.00149230403f, 0.000437270268f, 0.000110892594f, 2.43392733e-05f, 4.62335038e-06f,
         7.60047442e-07f, 1.08130685e-07f, 0.0f},
        {0.0f, -0.0101825744f, -0.0163993277f, -0.0171452109f, -0.0137910508f, -0.00900138915f,
         -0.00488175871f, -0.00222786679f, -0.000862031011f, -0.000284176465f, -8.00799098e-05f,
         -1.93354008e-05f, -4.00710223e-06f, -7.13715053e-07f, -1.09364578e-07f, 0.0f},
        {-0.00362387975f, -0.00288775307f, -0.00115526328f, 0.000557472522f, 0.00149169762f, 0.00155858637f,
         0.00113788119f, 0.000647061272f, 0.000298692263f, 0.000114246432f, 3.66391614e-05f, 9.92655805e-06f,
         2.28359454e-06f, 4.47700046e-07f, 7.50020988e-08f, 0.0f},
        {0.0f, 0.00034642918f, 0.000474291825f, 0.000349217298f, 0.000115395196f, -6.42409941e-05f,
         -0.000127918451f, -0.000108935696f, -6.49182766e-05f, -2.9991148e-05f, -1.1187115e-05f,
         -3.44035084e-06f, -8.830973e-07f, -1.90727931e-07f, -3.48518938e-08f, 0.0f}};
    const vf magic = v_set(0x1.8p23f), t = (vf)((vu)x & 0x7FFFFFFFu);
    const vf u = v_min(t * (1 / 0.38f), v_set(15.25f)), sum = u + magic, r = u - (sum - magic);
#define TERM(i) (vf) _mm512_permutexvar_ps((__m512i)sum, (__m512)v_load(table[i]))
    vf q = TERM(4) * r + TERM(3);
    q = q * r + TERM(2);
    q = q * r + TERM(1);
    q = q * r + TERM(0);
#undef TERM
    return t * q + 0.5f * x;
}
#else
static inline vf gelu_vector(vf x)
{
    return 0.5f * x * (1.0f + v_erf(x * 0.707106781f));
}
#endif

static inline vf activate_vector(vf x, ink__activation kind)
{
    switch (kind) {
    case INK__GELU:
        return gelu_vector(x);
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
