/* Activations: by hand, and the vectorised ones of every instruction set against the definition. */
#include "nn/activation.h"
#include "support/numbers.h"
#include "tensor/fused.h"

#include <float.h>
#include <math.h>

static const char *const names[] = {"gelu", "gelu_tanh", "relu", "tanh"};

/* From tables: Phi(1) = 0.8413447461, Phi(2) = 0.9772498681, so gelu(1), gelu(2) = 2 Phi(2); the tanh form is
 * worked with sqrt(2/pi) (x + 0.044715 x^3) = 0.8335631, 1.8811880. */
static const struct {
    ink__activation kind;
    double x, y;
} values[] = {
    {INK__GELU, 0, 0},
    {INK__GELU, 1, 0.8413447461},
    {INK__GELU, -1, -0.1586552539},
    {INK__GELU, 2, 1.9544997361},
    {INK__GELU, -2, -0.0455002639},
    {INK__GELU_TANH, 0, 0},
    {INK__GELU_TANH, 1, 0.8411919906},
    {INK__GELU_TANH, -1, -0.1588080094},
    {INK__GELU_TANH, 2, 1.9545976865},
    {INK__RELU, -3, 0},
    {INK__RELU, 0, 0},
    {INK__RELU, 3, 3},
    {INK__TANH, 0, 0},
    {INK__TANH, 0.5, 0.4621171573},
    {INK__TANH, -0.5, -0.4621171573},
};

Test(activation, values_are_those_worked_by_hand)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i) {
        float y = (float)values[i].x;
        ink_activation_forward(&y, &y, 1, values[i].kind);
        /* One or two roundings of numbers up to 2. */
        cr_expect(fabs(y - values[i].y) < 2.5e-7, "%s(%g) = %.9g, wanted %.10g", names[values[i].kind],
                  values[i].x, y, values[i].y);
        for (size_t k = 0; ink__fused_at(k); ++k) {
            y = (float)values[i].x;
            ink__fused_at(k)->activate(&y, 1, values[i].kind);
            /* The bounds of tensor/simd.h, times |x|/2 for GELU. */
            cr_expect(fabs(y - values[i].y) < 6e-7, "%s: %s(%g) = %.9g", ink__fused_at(k)->isa,
                      names[values[i].kind], values[i].x, y);
        }
    }
}

Test(activation, every_instruction_set_agrees_over_a_dense_sweep)
{
    enum { N = 200003 };
    float *x = new_floats(N), *wanted = new_floats(N), *y = new_floats(N);
    for (size_t i = 0; i < N; ++i)
        x[i] = 14.0f * (2.0f * (float)i / (N - 1) - 1.0f);
    for (ink__activation kind = 0; kind <= INK__TANH; ++kind) {
        memcpy(wanted, x, N * sizeof *x);
        ink_activation_forward(wanted, wanted, N, kind);
        for (size_t k = 0; ink__fused_at(k); ++k) {
            memcpy(y, x, N * sizeof *x);
            ink__fused_at(k)->activate(y, N, kind);
            double worst = 0;
            size_t at = 0;
            for (size_t i = 0; i < N; ++i) {
                /* GELU multiplies erf's or tanh's error by |x|/2. */
                const double error = fabs((double)y[i] - wanted[i]) / fmax(1, fabs((double)x[i]) / 2);
                if (!(error <= worst))
                    worst = error, at = i;
            }
            /* erf within 4e-7, tanh within 3e-7 (tensor/simd.h) and their sum with 1 rounded; worst
             * seen 4.7e-7. */
            cr_expect(worst <= (kind == INK__RELU ? 0 : 6e-7), "%s, %s: off by %g at %g", names[kind],
                      ink__fused_at(k)->isa, worst, x[at]);
        }
    }
    free(x), free(wanted), free(y);
}

Test(activation, far_out_numbers_come_out_as_by_the_definition)
{
    static const float far[] = {0.0f, FLT_TRUE_MIN, FLT_MIN, 1e-20f,  1e-8f,   15,
                                100,  4e12f,        1e20f,   FLT_MAX, INFINITY};
    for (ink__activation kind = 0; kind <= INK__TANH; ++kind)
        for (size_t i = 0; i < 2 * sizeof far / sizeof *far; ++i) {
            const float x = i % 2 ? -far[i / 2] : far[i / 2];
            float wanted = x;
            ink_activation_forward(&wanted, &wanted, 1, kind);
            for (size_t k = 0; ink__fused_at(k); ++k) {
                float y = x;
                ink__fused_at(k)->activate(&y, 1, kind);
                /* Below 1 an absolute bound, as in the sweep; beyond it equality. */
                cr_expect(isnan(wanted)  ? isnan(y)
                          : fabsf(x) < 1 ? fabsf(y - wanted) < 3e-7f
                                         : y == wanted,
                          "%s, %s: %g becomes %g, wanted %g", names[kind], ink__fused_at(k)->isa, x, y,
                          wanted);
            }
        }
}

Test(activation, a_nan_stays_one_whatever_its_bits_and_its_neighbours_stay_numbers)
{
    enum { N = 37 };
    static const uint32_t nans[] = {0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FC00001, 0x7FFFFFFF, 0xFFC001FF};
    for (ink__activation kind = 0; kind <= INK__TANH; ++kind)
        for (size_t i = 0; i < sizeof nans / sizeof *nans; ++i)
            for (size_t k = 0; k == 0 || ink__fused_at(k - 1); ++k) {
                float x[N];
                for (size_t n = 0; n < N; ++n)
                    x[n] = n % 5 == 2 ? float_from(nans[i]) : (float)n - 18;
                if (k == 0)
                    ink_activation_forward(x, x, N, kind);
                else
                    ink__fused_at(k - 1)->activate(x, N, kind);
                for (size_t n = 0; n < N; ++n)
                    cr_expect(!isnan(x[n]) == (n % 5 != 2), "%s, %s, %08X: [%zu] is %g", names[kind],
                              k ? ink__fused_at(k - 1)->isa : "ref", nans[i], n, x[n]);
            }
}

/* A number's bits do not depend on where it stands or how many there are; nothing past the end changes. */
Test(activation, every_length_and_place_gives_the_same_bits)
{
    enum { N = 67 };
    float x[N], once[N], y[N + 1];
    fill_random(x, N, 2, 7);
    for (size_t k = 0; ink__fused_at(k); ++k)
        for (ink__activation kind = 0; kind <= INK__TANH; ++kind) {
            for (size_t i = 0; i < N; ++i) {
                once[i] = x[i];
                ink__fused_at(k)->activate(&once[i], 1, kind);
            }
            for (size_t n = 1; n <= N; ++n)
                for (size_t first = 0; first + n <= N; ++first) {
                    memcpy(y, x + first, n * sizeof *x);
                    y[n] = 5;
                    ink__fused_at(k)->activate(y, n, kind);
                    cr_assert(same_bits(y, once + first, n) && y[n] == 5, "%s, %s: %zu at %zu",
                              ink__fused_at(k)->isa, names[kind], n, first);
                }
        }
}
