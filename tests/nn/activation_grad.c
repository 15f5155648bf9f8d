/* Derivatives of activations and gates: by hand, numerically, and every instruction set's against the
 * definition. */
#include "support/gradient.h"
#include "support/numbers.h"

#include <float.h>
#include <math.h>

static const char *const names[] = {"gelu", "gelu_tanh", "relu", "tanh"};

/* gelu' = P + x p, with P(1) = 0.8413447461, p(1) = 0.2419707245, P(2) = 0.9772498681, p(2) = 0.0539909665;
 * the tanh form worked in double. */
static const struct {
    ink__activation kind;
    double u, slope;
} values[] = {
    {INK__GELU, 0, 0.5},
    {INK__GELU, 1, 1.0833154706},
    {INK__GELU, -1, -0.0833154706},
    {INK__GELU, 2, 1.0852318011},
    {INK__GELU_TANH, 0, 0.5},
    {INK__GELU_TANH, 1, 1.0829640838},
    {INK__GELU_TANH, -1, -0.0829640838},
    {INK__GELU_TANH, 2, 1.0860992566},
    {INK__RELU, -3, 0},
    {INK__RELU, 0, 0},
    {INK__RELU, 3, 1},
    {INK__TANH, 0, 1},
    {INK__TANH, 0.5, 0.7864477330},
    {INK__TANH, -0.5, 0.7864477330},
};

Test(activation_grad, slopes_are_those_worked_by_hand)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i)
        for (size_t k = 0; passes_or_ref(k); ++k) {
            const float u = (float)values[i].u, dy = -2;
            float du;
            passes_or_ref(k)->activate_backward(&du, &dy, &u, 1, values[i].kind);
            /* As in the sweep below, twice. */
            cr_expect(fabs(du + 2 * values[i].slope) < 2e-6, "%s, %s'(%g) = %.9g, wanted %.10g",
                      passes_or_ref(k)->isa, names[values[i].kind], values[i].u, du / -2, values[i].slope);
        }
}

struct one {
    const ink__passes *passes;
    ink__activation kind;
    float u;
};

static double value_of(void *with)
{
    const struct one *o = with;
    float y;
    o->passes->activate(&y, &o->u, 1, o->kind);
    return y;
}

Test(activation_grad, slopes_are_the_numeric_ones)
{
    const float one = 1;
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (ink__activation kind = 0; kind <= INK__TANH; ++kind)
            for (int i = -40; i <= 40; ++i) {
                struct one o = {passes_or_ref(k), kind, 0.125f * (float)i + 0.0625f};
                float du;
                o.passes->activate_backward(&du, &one, &o.u, 1, kind);
                const double numeric = numeric_slope(&o.u, 0x1p-5f, value_of, &o);
                /* The vectorised functions' errors of 4e-7 |u|/2, over the step; worst seen 2.1e-5. */
                cr_expect(fabs(du - numeric) < 8e-5, "%s, %s'(%g) = %g, numeric %g", o.passes->isa,
                          names[kind], o.u, du, numeric);
            }
}

Test(activation_grad, every_instruction_set_agrees_over_a_dense_sweep)
{
    enum { N = 200003 };
    float *u = new_floats(N), *dy = new_floats(N), *wanted = new_floats(N), *du = new_floats(N);
    for (size_t i = 0; i < N; ++i)
        u[i] = 14.0f * (2.0f * (float)i / (N - 1) - 1.0f), dy[i] = 1;
    for (ink__activation kind = 0; kind <= INK__TANH; ++kind) {
        ink__passes_ref.activate_backward(wanted, dy, u, N, kind);
        for (size_t k = 0; ink__passes_at(k); ++k) {
            ink__passes_at(k)->activate_backward(du, dy, u, N, kind);
            double worst = 0;
            size_t at = 0;
            for (size_t i = 0; i < N; ++i) {
                const double error = fabs((double)du[i] - wanted[i]);
                if (!(error <= worst))
                    worst = error, at = i;
            }
            /* Half of erf's 4e-7, twice tanh's 3e-7, and roundings of numbers near 1; worst seen 3.7e-7. */
            cr_expect(worst <= (kind == INK__RELU ? 0 : 8e-7), "%s, %s: off by %g at %g", names[kind],
                      ink__passes_at(k)->isa, worst, u[at]);
        }
    }
    free(u), free(dy), free(wanted), free(du);
}

Test(activation_grad, far_out_slopes_are_finite_and_those_of_the_definition)
{
    static const float far[] = {0,  FLT_TRUE_MIN, FLT_MIN, 1e-20f, 1e-8f, 8,      12,
                                15, 30,           100,     1e4f,   1e20f, FLT_MAX};
    const float dy = 3;
    for (ink__activation kind = 0; kind <= INK__TANH; ++kind)
        for (size_t i = 0; i < 2 * sizeof far / sizeof *far; ++i) {
            const float u = i % 2 ? -far[i / 2] : far[i / 2];
            float wanted, du;
            ink__passes_ref.activate_backward(&wanted, &dy, &u, 1, kind);
            cr_expect(isfinite(wanted) && fabsf(wanted) <= 3.5f, "%s'(%g) = %g", names[kind], u, wanted / 3);
            for (size_t k = 0; ink__passes_at(k); ++k) {
                ink__passes_at(k)->activate_backward(&du, &dy, &u, 1, kind);
                cr_expect(fabsf(du - wanted) < 4e-7f, "%s, %s'(%g) = %g, wanted %g", names[kind],
                          ink__passes_at(k)->isa, u, du / 3, wanted / 3);
            }
        }
}

Test(activation_grad, a_nan_stays_one_and_its_neighbours_stay_numbers)
{
    enum { N = 37 };
    for (ink__activation kind = 0; kind <= INK__TANH; ++kind)
        for (size_t k = 0; passes_or_ref(k); ++k) {
            float u[N], dy[N], du[N];
            for (size_t i = 0; i < N; ++i) {
                u[i] = i % 5 == 2 ? NAN : (float)i - 18;
                dy[i] = i % 7 == 3 ? NAN : 1;
            }
            passes_or_ref(k)->activate_backward(du, dy, u, N, kind);
            for (size_t i = 0; i < N; ++i)
                cr_expect(!isnan(du[i]) == (i % 5 != 2 && i % 7 != 3), "%s, %s: [%zu] is %g", names[kind],
                          passes_or_ref(k)->isa, i, du[i]);
        }
}

Test(activation_grad, every_length_and_place_gives_the_same_bits)
{
    enum { N = 67 };
    float *u = random_floats(N, 2, 7), *dy = random_floats(N, 1, 8), once[N], value[N], du[N + 1];
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (ink__activation kind = 0; kind <= INK__TANH; ++kind) {
            const ink__passes *passes = passes_or_ref(k);
            for (size_t i = 0; i < N; ++i) {
                passes->activate_backward(&once[i], &dy[i], &u[i], 1, kind);
                passes->activate(&value[i], &u[i], 1, kind);
            }
            for (size_t n = 1; n <= N; ++n)
                for (size_t first = 0; first + n <= N; ++first) {
                    memcpy(du, dy + first, n * sizeof *dy); /* in place */
                    du[n] = 5;
                    passes->activate_backward(du, du, u + first, n, kind);
                    cr_assert(same_bits(du, once + first, n) && du[n] == 5, "%s, %s: %zu at %zu", passes->isa,
                              names[kind], n, first);
                    passes->activate(du, u + first, n, kind);
                    cr_assert(same_bits(du, value + first, n) && du[n] == 5, "%s, %s: %zu at %zu, forward",
                              passes->isa, names[kind], n, first);
                }
        }
    free(u), free(dy);
}

enum { R = 3, F_MAX = 65 };

struct gated {
    const ink__passes *passes;
    ink__activation kind;
    size_t F;
    const float *w; /* [R,F] */
    float *both;    /* [R,2F] */
};

static double gated_loss(void *with)
{
    const struct gated *g = with;
    float y[R * F_MAX];
    g->passes->gate(y, g->both, g->kind, R, g->F);
    return weighted_sum(g->w, y, R * g->F);
}

Test(activation_grad, gate_gradients_are_the_numeric_ones)
{
    enum { F = 7 };
    float *both = random_floats(R * 2 * F, 1, 3), *w = random_floats(R * F, 1, 4), dboth[R * 2 * F];
    for (size_t i = 0; i < R * 2 * F; ++i) /* relu has no derivative at 0 */
        both[i] += both[i] > 0 ? 0.1f : -0.1f;
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (ink__activation kind = 0; kind <= INK__TANH; ++kind) {
            struct gated g = {passes_or_ref(k), kind, F, w, both};
            g.passes->gate_backward(dboth, w, both, kind, R, F);
            for (size_t i = 0; i < R * 2 * F; ++i) {
                const double numeric = numeric_slope(&both[i], 0x1p-5f, gated_loss, &g);
                /* As for the slopes alone, times g and dy; worst seen 5.6e-6. */
                cr_expect(fabs(dboth[i] - numeric) < 3e-5, "%s, %s: [%zu] = %g, numeric %g", g.passes->isa,
                          names[kind], i, dboth[i], numeric);
            }
        }
    free(both), free(w);
}

Test(activation_grad, gates_agree_with_the_definition_at_every_width_and_in_place)
{
    static const size_t widths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, F_MAX};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; ++i)
        for (ink__activation kind = 0; kind <= INK__TANH; ++kind)
            for (size_t k = 0; ink__passes_at(k); ++k) {
                const size_t F = widths[i], n = R * 2 * F;
                const ink__passes *passes = ink__passes_at(k);
                float *both = random_floats(n, 2, 5), *dy = random_floats(R * F, 1, 6);
                float *wanted = new_floats(n), *dboth = new_floats(n), *y = new_floats(R * F);
                ink__passes_ref.gate(wanted, both, kind, R, F);
                passes->gate(y, both, kind, R, F);
                for (size_t j = 0; j < R * F; ++j) /* |u|/2 g of erf's error, u and g up to 8 */
                    cr_expect(fabsf(y[j] - wanted[j]) < 1e-5f, "%s, %s, F = %zu: y[%zu] = %g, wanted %g",
                              names[kind], passes->isa, F, j, y[j], wanted[j]);
                ink__passes_ref.gate_backward(wanted, dy, both, kind, R, F);
                passes->gate_backward(dboth, dy, both, kind, R, F);
                for (size_t j = 0; j < n; ++j)
                    cr_expect(fabsf(dboth[j] - wanted[j]) < 1e-5f, "%s, %s, F = %zu: [%zu] = %g, wanted %g",
                              names[kind], passes->isa, F, j, dboth[j], wanted[j]);
                passes->gate_backward(both, dy, both, kind, R, F);
                cr_expect(same_bits(both, dboth, n), "%s, %s, F = %zu in place", names[kind], passes->isa, F);
                free(both), free(dy), free(wanted), free(dboth), free(y);
            }
}
