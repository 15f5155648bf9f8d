/* Layer norm: by hand, and the fused residual one of every instruction set against the definition. */
#include "nn/layernorm.h"
#include "support/numbers.h"
#include "tensor/fused.h"

#include <math.h>

Test(layernorm, values_are_those_worked_by_hand)
{
    /* Row 0: mean 2, variance 1; row 1: mean -1, variance 9. */
    const float x[] = {1, 3, 2, -4}, gamma[] = {2, 3}, beta[] = {10, 20};
    static const float plain[] = {8, 23, 12, 17};       /* eps 0: -1, 1 and 1, -1 */
    static const float damped[] = {9, 21.5f, 11.5f, 0}; /* eps 3: rstd 1/2 in row 0 */
    float y[4];
    ink_layernorm_forward(y, x, gamma, beta, 2, 2, 0);
    for (size_t i = 0; i < 4; ++i)
        cr_expect(y[i] == plain[i], "y[%zu] = %g, wanted %g", i, y[i], plain[i]);
    ink_layernorm_forward(y, x, gamma, beta, 1, 2, 3);
    for (size_t i = 0; i < 2; ++i)
        cr_expect(y[i] == damped[i], "eps 3: y[%zu] = %g, wanted %g", i, y[i], damped[i]);
    for (size_t k = 0; ink__fused_at(k); ++k) {
        const float half[] = {0.5f, 1, 1, -2}, rest[] = {0.5f, 2, 1, -2};
        ink__fused_at(k)->add_layernorm(y, half, rest, gamma, beta, 2, 2, 0);
        for (size_t i = 0; i < 4; ++i)
            cr_expect(y[i] == plain[i], "%s: y[%zu] = %g, wanted %g", ink__fused_at(k)->isa, i, y[i],
                      plain[i]);
    }
}

Test(layernorm, the_definition_gives_rows_of_mean_zero_and_variance_one)
{
    enum { R = 5, H = 67 };
    float x[R * H], gamma[H], beta[H];
    fill_random(x, R * H, 100, 3);
    for (size_t h = 0; h < H; ++h)
        gamma[h] = 1, beta[h] = 0;
    ink_layernorm_forward(x, x, gamma, beta, R, H, 1e-12f); /* in place */
    for (size_t r = 0; r < R; ++r) {
        double sum = 0, squares = 0;
        for (size_t h = 0; h < H; ++h)
            sum += x[r * H + h], squares += (double)x[r * H + h] * x[r * H + h];
        /* Each of 67 numbers is rounded once. */
        cr_expect(fabs(sum / H) < 1e-7 && fabs(squares / H - 1) < 1e-6, "row %zu: %g, %g", r, sum / H,
                  squares / H);
    }
}

/* Largest error of a row, as a share of what is allowed: a float sum moves the mean by some units in its last
 * place, which the row's own spread then divides: (|mean| rstd) of them. 2e-6 is for the rest. Worst seen
 * 0.41. */
static double excess(const float *y, const float *wanted, const float *x, const float *gamma, size_t H,
                     float eps)
{
    double mean = 0, variance = 0, worst = 0;
    for (size_t h = 0; h < H; ++h)
        mean += (double)x[h] / (double)H;
    for (size_t h = 0; h < H; ++h)
        variance += (x[h] - mean) * (x[h] - mean) / (double)H;
    const double condition = fabs(mean) / sqrt(variance + eps);
    for (size_t h = 0; h < H; ++h) {
        const double allowed = (2e-6 + 1e-6 * condition) * fmax(1, fabs(gamma[h]));
        const double share = fabs((double)y[h] - wanted[h]) / allowed;
        if (!(share <= worst))
            worst = share;
    }
    return worst;
}

/* R rows of offset + normal numbers through every instruction set, elsewhere and in place. */
static void check(size_t H, float offset, float scale, bool with_residual)
{
    enum { R = 3 };
    const float eps = 1e-12f;
    float *x = random_floats(R * H, scale, 5), *residual = random_floats(R * H, scale, 6),
          *sum = new_floats(R * H);
    float *gamma = random_floats(H, 1, 7), *beta = random_floats(H, 1, 8);
    float *wanted = new_floats(R * H), *y = new_floats(R * H);
    for (size_t i = 0; i < R * H; ++i) {
        x[i] += offset;
        sum[i] = with_residual ? x[i] + residual[i] : x[i];
    }
    ink_layernorm_forward(wanted, sum, gamma, beta, R, H, eps);
    for (size_t k = 0; ink__fused_at(k); ++k) {
        const ink__fused *fused = ink__fused_at(k);
        const float *res = with_residual ? residual : NULL;
        fused->add_layernorm(y, x, res, gamma, beta, R, H, eps);
        for (size_t r = 0; r < R; ++r) {
            const double over = excess(y + r * H, wanted + r * H, sum + r * H, gamma, H, eps);
            cr_expect(over < 1, "%s, H = %zu, offset %g, row %zu: %g of the error allowed", fused->isa, H,
                      offset, r, over);
        }
        float *in_place = new_floats(R * H), *alone = new_floats(H);
        memcpy(in_place, x, R * H * sizeof *x);
        fused->add_layernorm(in_place, in_place, res, gamma, beta, R, H, eps);
        cr_expect(same_bits(in_place, y, R * H), "%s, H = %zu: differs in place", fused->isa, H);
        for (size_t r = 0; r < R; ++r) {
            fused->add_layernorm(alone, x + r * H, res ? res + r * H : NULL, gamma, beta, 1, H, eps);
            cr_expect(same_bits(alone, y + r * H, H), "%s, H = %zu: row %zu differs alone", fused->isa, H, r);
        }
        free(in_place), free(alone);
    }
    free(x), free(residual), free(sum), free(gamma), free(beta), free(wanted), free(y);
}

static void check_width(size_t H)
{
    check(H, 0, 1, false);
    check(H, 0, 1, true);
    check(H, 0.7f, 30, true);
}

Test(layernorm, every_instruction_set_agrees_at_every_width)
{
    for (size_t H = 1; H <= 70; ++H)
        check_width(H);
    check_width(384), check_width(768), check_width(769);
}

Test(layernorm, rows_far_from_zero_keep_what_float_can_keep)
{
    static const size_t widths[] = {5, 49, 70, 384, 768};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; ++i)
        for (float offset = 1; offset < 2e6f; offset *= 10) {
            check(widths[i], offset, 1, false);
            check(widths[i], -offset, 1, true);
        }
}

Test(layernorm, large_and_small_rows_neither_overflow_nor_vanish)
{
    check(53, 0, 1e15f, true); /* squares of 1e30 */
    check(53, 0, 1e-3f, true);
    check(53, 0, 1e-12f, true); /* below sqrt(eps): damped */
}

/* No spread at all: (x - mean) rstd is 0, and where float's mean is not the constant itself, off by the
 * condition above, which for eps = 1e-12 allows about 1 from a constant of 1 on. Powers of two sum exactly.
 */
Test(layernorm, constant_rows_become_beta)
{
    enum { H = 71 };
    static const float constants[] = {0, 1, -0.25f, 0x1p20f};
    float x[H], gamma[H], beta[H], y[H];
    fill_random(gamma, H, 1, 9);
    fill_random(beta, H, 1, 10);
    for (size_t i = 0; i < sizeof constants / sizeof *constants; ++i) {
        for (size_t h = 0; h < H; ++h)
            x[h] = constants[i];
        ink_layernorm_forward(y, x, gamma, beta, 1, H, 1e-12f);
        cr_expect(same_bits(y, beta, H), "ref, %g", constants[i]);
        for (size_t k = 0; ink__fused_at(k); ++k) {
            ink__fused_at(k)->add_layernorm(y, x, NULL, gamma, beta, 1, H, 1e-12f);
            cr_expect(same_bits(y, beta, H), "%s, %g", ink__fused_at(k)->isa, constants[i]);
        }
    }
    check(H, 0.1f, 0, false);
    check(H, 3.3f, 0, false);
}

Test(layernorm, a_nan_stays_in_its_row)
{
    enum { R = 3, H = 37 };
    float x[R * H], clean[R * H], y[R * H], gamma[H], beta[H];
    fill_random(x, R * H, 1, 13), fill_random(gamma, H, 1, 14), fill_random(beta, H, 1, 15);
    for (size_t k = 0; k == 0 || ink__fused_at(k - 1); ++k) {
        const char *isa = k ? ink__fused_at(k - 1)->isa : "ref";
        for (int pass = 0; pass < 2; ++pass) {
            float *to = pass ? y : clean;
            x[H + 5] = pass ? NAN : 1;
            if (k)
                ink__fused_at(k - 1)->add_layernorm(to, x, NULL, gamma, beta, R, H, 1e-12f);
            else
                ink_layernorm_forward(to, x, gamma, beta, R, H, 1e-12f);
        }
        cr_expect(same_bits(y, clean, H) && same_bits(y + 2 * H, clean + 2 * H, H), "%s", isa);
        for (size_t h = 0; h < H; ++h)
            cr_expect(isnan(y[H + h]), "%s: [%zu] is %g", isa, h, y[H + h]);
    }
}
