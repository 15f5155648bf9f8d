/* Optimizer steps: by hand, against PyTorch's, and every instruction set's against the definition. */
#include "support/gradient.h"
#include "support/numbers.h"
#include "support/training.h"

#include <float.h>
#include <math.h>

enum { ADAMW, ADAM, SGD, RULES };
static const char *const names[] = {"adamw", "adam", "sgd"};

static void take_step(const ink__passes *passes, int rule, float *p, float *m, float *v, const float *g,
                      size_t n, const ink__update *u)
{
    if (rule == SGD)
        passes->sgd(p, m, g, n, u);
    else
        (rule == ADAM ? passes->adam : passes->adamw)(p, m, v, g, n, u);
}

Test(optimizer, a_step_is_that_worked_by_hand)
{
    /* g' = 1/2 * 8 = 4. AdamW: p = 10 - 0.5*0.25*10 = 8.75; m = 2 + 1/2 (4-2) = 3; v = 3/4*4 + 1/4*16 = 7;
     * p -= 0.5 * 2*3 / (sqrt(7 * 7/4) + 1/2) = 3/4. Adam: g' = 4 + 0.25*10 = 6.5; m = 4.25; v = 13.5625;
     * p = 10 - 0.5 * 2*4.25 / (sqrt(13.5625 * 7/4) + 1/2). SGD: g' = 6.5; m = 3/4*2 + 6.5 = 8; p = 10 - 4. */
    const ink__update u = {.lr = 0.5f,
                           .decay = 0.25f,
                           .scale = 0.5f,
                           .beta1 = 0.5f,
                           .beta2 = 0.75f,
                           .eps = 0.5f,
                           .correct1 = 2,
                           .correct2 = 1.75f,
                           .momentum = 0.75f};
    static const double wanted[RULES][3] = {{8, 3, 7}, {9.2088304, 4.25, 13.5625}, {6, 8, 4}};
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (int rule = 0; rule < RULES; ++rule) {
            float p = 10, m = 2, v = 4;
            const float g = 8;
            take_step(passes_or_ref(k), rule, &p, &m, &v, &g, 1, &u);
            cr_expect(fabs(p - wanted[rule][0]) < 2e-6 && m == wanted[rule][1] && v == wanted[rule][2],
                      "%s, %s: %.9g %g %g", passes_or_ref(k)->isa, names[rule], p, m, v);
        }
}

enum { N = 37, STEPS = 6 };

/* Runs the steps of the golden, and compares the parameters after each. */
static void follow(const ink__passes *passes, int rule, ink__update u, const char *name)
{
    ink__tensors *file = training_open();
    const float *start = training_golden(file, "start", INK__F32, N);
    const float *gradients = training_golden(file, "gradients", INK__F32, STEPS * N);
    const float *wanted = training_golden(file, name, INK__F32, STEPS * N);
    float *p = new_floats(N), *m = new_floats(N), *v = new_floats(N), *g = new_floats(N);
    memcpy(p, start, N * sizeof *p);
    memset(m, 0, N * sizeof *m), memset(v, 0, N * sizeof *v);
    for (int t = 1; t <= STEPS; ++t) {
        u.correct1 = (float)(1 / (1 - pow(u.beta1, t))), u.correct2 = (float)(1 / (1 - pow(u.beta2, t)));
        for (int i = 0; i < N; ++i)
            g[i] = 4 * gradients[(t - 1) * N + i]; /* scaled back by u */
        take_step(passes, rule, p, m, v, g, N, &u);
        for (int i = 0; i < N; ++i) {
            const double error = fabs((double)p[i] - wanted[(t - 1) * N + i]);
            /* Roundings of six steps of 0.01 on numbers up to 3; worst seen 2.4e-7. */
            cr_expect(error < 1e-6, "%s, %s, step %d: p[%d] = %.9g, PyTorch's %.9g", passes->isa, name, t, i,
                      p[i], wanted[(t - 1) * N + i]);
        }
    }
    free(p), free(m), free(v), free(g);
    ink__tensors_free(file);
}

Test(optimizer, steps_are_those_of_pytorch)
{
    const ink__update adam = {.lr = 1e-2f,
                              .decay = 0.1f,
                              .scale = 0.25f,
                              .beta1 = 0.9f,
                              .beta2 = 0.98f,
                              .eps = 1e-6f,
                              .momentum = 0.9f};
    ink__update plain = adam;
    plain.decay = plain.momentum = 0;
    for (size_t k = 0; passes_or_ref(k); ++k) {
        follow(passes_or_ref(k), ADAMW, adam, "adamw");
        follow(passes_or_ref(k), ADAM, adam, "adam");
        follow(passes_or_ref(k), SGD, adam, "sgd");
        follow(passes_or_ref(k), SGD, plain, "sgd.plain");
    }
}

static const ink__update usual = {.lr = 1e-3f,
                                  .decay = 0.01f,
                                  .scale = 0.7f,
                                  .beta1 = 0.9f,
                                  .beta2 = 0.999f,
                                  .eps = 1e-8f,
                                  .correct1 = 5.3f,
                                  .correct2 = 500,
                                  .momentum = 0.9f};

Test(optimizer, every_length_and_place_gives_the_same_bits_and_agrees_with_the_definition)
{
    enum { M = 67 };
    float *p = random_floats(M, 1, 1), *m = random_floats(M, 1, 2), *v = random_floats(M, 1, 3);
    float *g = random_floats(M, 1, 4);
    for (int i = 0; i < M; ++i)
        v[i] *= v[i];
    for (int rule = 0; rule < RULES; ++rule) {
        float once[3][M], ref[3][M];
        memcpy(ref[0], p, sizeof ref[0]), memcpy(ref[1], m, sizeof ref[1]), memcpy(ref[2], v, sizeof ref[2]);
        take_step(&ink__passes_ref, rule, ref[0], ref[1], ref[2], g, M, &usual);
        for (size_t k = 0; passes_or_ref(k); ++k) {
            const ink__passes *passes = passes_or_ref(k);
            memcpy(once[0], p, sizeof *once), memcpy(once[1], m, sizeof *once),
                memcpy(once[2], v, sizeof *once);
            for (int i = 0; i < M; ++i) {
                take_step(passes, rule, &once[0][i], &once[1][i], &once[2][i], &g[i], 1, &usual);
                for (int j = 0; j < 3; ++j) /* a few roundings */
                    cr_expect(fabsf(once[j][i] - ref[j][i]) <= 4e-7f * fmaxf(1, fabsf(ref[j][i])),
                              "%s, %s: %d of [%d] is %.9g, wanted %.9g", passes->isa, names[rule], j, i,
                              once[j][i], ref[j][i]);
            }
            for (size_t n = 1; n <= M; ++n)
                for (size_t first = 0; first + n <= M; ++first) {
                    float now[3][M + 1];
                    memcpy(now[0], p + first, n * sizeof *p), memcpy(now[1], m + first, n * sizeof *m);
                    memcpy(now[2], v + first, n * sizeof *v);
                    now[0][n] = now[1][n] = now[2][n] = 5;
                    take_step(passes, rule, now[0], now[1], now[2], g + first, n, &usual);
                    for (int j = 0; j < 3; ++j)
                        cr_assert(same_bits(now[j], once[j] + first, n) && now[j][n] == 5,
                                  "%s, %s: %zu at %zu", passes->isa, names[rule], n, first);
                }
        }
    }
    free(p), free(m), free(v), free(g);
}

Test(optimizer, a_parameter_without_gradient_only_decays)
{
    const float g[3] = {0};
    for (size_t k = 0; passes_or_ref(k); ++k) {
        float p[] = {0, 1, -FLT_MIN}, m[3] = {0}, v[3] = {0};
        passes_or_ref(k)->adamw(p, m, v, g, 3, &usual);
        cr_expect(p[0] == 0 && fabsf(p[1] - 0.99999f) < 1e-7f && isfinite(p[2]), "%s: %g %g %g",
                  passes_or_ref(k)->isa, p[0], p[1], p[2]);
        cr_expect(m[1] == 0 && v[1] == 0);
    }
}

Test(optimizer, decay_alone_has_the_bits_of_adamw_without_gradient_and_moments)
{
    enum { M = 67 };
    float *p = random_floats(M, 1, 1);
    const float g[M] = {0};
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (size_t n = 1; n <= M; ++n) {
            float whole[M], alone[M + 1], m[M] = {0}, v[M] = {0};
            memcpy(whole, p, n * sizeof *p), memcpy(alone, p, n * sizeof *p);
            alone[n] = 5;
            passes_or_ref(k)->adamw(whole, m, v, g, n, &usual);
            passes_or_ref(k)->decay(alone, n, &usual);
            cr_expect(same_bits(whole, alone, n) && alone[n] == 5 && !same_bits(alone, p, n), "%s: %zu",
                      passes_or_ref(k)->isa, n);
            cr_expect(same_bits(m, g, M) && same_bits(v, g, M), "%s: the moments moved",
                      passes_or_ref(k)->isa);
        }
    free(p);
}

Test(optimizer, a_nan_gradient_is_not_hidden)
{
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (int rule = 0; rule < RULES; ++rule) {
            float p[35], m[35] = {0}, v[35] = {0}, g[35];
            for (int i = 0; i < 35; ++i)
                p[i] = 1, g[i] = i % 17 == 16 ? NAN : 1;
            take_step(passes_or_ref(k), rule, p, m, v, g, 35, &usual);
            for (int i = 0; i < 35; ++i)
                cr_expect(isnan(p[i]) == (i % 17 == 16), "%s, %s: [%d] is %g", passes_or_ref(k)->isa,
                          names[rule], i, p[i]);
        }
}

Test(optimizer, squares_are_summed_in_double_and_always_alike)
{
    for (size_t k = 0; passes_or_ref(k); ++k) {
        const ink__passes *passes = passes_or_ref(k);
        for (size_t n = 0; n < 200; ++n) {
            float *g = random_floats(n, 3, (unsigned)n + 1);
            double wanted = 0;
            for (size_t i = 0; i < n; ++i)
                wanted += (double)g[i] * g[i];
            const double sum = passes->sum_squares(g, n);
            cr_expect(fabs(sum - wanted) <= 1e-14 * wanted, "%s, %zu: %.17g, wanted %.17g", passes->isa, n,
                      sum, wanted);
            float *elsewhere = new_floats(n + 3);
            memcpy(elsewhere + 3, g, n * sizeof *g);
            cr_expect(passes->sum_squares(elsewhere + 3, n) == sum, "%s, %zu: elsewhere", passes->isa, n);
            free(g), free(elsewhere);
        }
        float large[40];
        for (int i = 0; i < 40; ++i)
            large[i] = i % 2 ? 1e30f : -1e-30f;
        cr_expect(fabs(passes->sum_squares(large, 40) / (20 * (double)1e30f * 1e30f) - 1) < 1e-14, "%s: %g",
                  passes->isa, passes->sum_squares(large, 40));
        for (int i = 0; i < 40; ++i) {
            large[i] = NAN;
            cr_expect(isnan(passes->sum_squares(large, 40)), "%s: NaN at %d", passes->isa, i);
            large[i] = 1;
        }
    }
}
