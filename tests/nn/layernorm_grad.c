/* Layer norm in training, and sums of columns: by hand, numerically, and every instruction set's against the
 * definition. */
#include "support/gradient.h"
#include "support/numbers.h"

#include <float.h>
#include <math.h>

static const size_t widths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 64, 67, 384, 385};
enum { WIDTHS = sizeof widths / sizeof *widths };

Test(layernorm_grad, values_are_those_worked_by_hand)
{
    /* Mean 2, variance 1, eps 3: rstd 1/2, xh -1/2 and 1/2. g = gamma*dy = 2, 6 has mean 4, g*xh mean 1:
     * dx = 1/2 (2 - 4 + 1/2) and 1/2 (6 - 4 - 1/2). */
    const float x[] = {1, 3}, gamma[] = {2, 3}, beta[] = {10, 20}, dy[] = {1, 2};
    for (size_t k = 0; passes_or_ref(k); ++k) {
        const ink__passes *passes = passes_or_ref(k);
        float y[2], xh[2], rstd, dx[2], dgamma[] = {100, 100}, dbeta[] = {-1, -1};
        passes->norm(y, xh, &rstd, x, gamma, beta, 1, 2, 3);
        cr_expect(y[0] == 9 && y[1] == 21.5f, "%s: y %g %g", passes->isa, y[0], y[1]);
        cr_expect(xh[0] == -0.5f && xh[1] == 0.5f && rstd == 0.5f, "%s: %g %g, %g", passes->isa, xh[0], xh[1],
                  rstd);
        passes->norm_backward(dx, dy, xh, &rstd, gamma, 1, 2);
        cr_expect(dx[0] == -0.75f && dx[1] == 0.75f, "%s: dx %g %g", passes->isa, dx[0], dx[1]);
        passes->norm_gradients(dgamma, dbeta, dy, xh, 1, 2, 0, 2);
        cr_expect(dgamma[0] == 99.5f && dgamma[1] == 101, "%s: adds, %g %g", passes->isa, dgamma[0],
                  dgamma[1]);
        cr_expect(dbeta[0] == 0 && dbeta[1] == 1, "%s: adds, %g %g", passes->isa, dbeta[0], dbeta[1]);
        passes->column_sums(dbeta, x, 1, 2, 1, 2);
        cr_expect(dbeta[0] == 0 && dbeta[1] == 4, "%s: the second column alone", passes->isa);
    }
}

enum { R = 3, H_MAX = 33 };

struct normed {
    const ink__passes *passes;
    size_t H;
    float eps;
    float *x, *gamma, *beta;
    const float *w;
};

static double normed_loss(void *with)
{
    const struct normed *n = with;
    float y[R * H_MAX], xh[R * H_MAX], rstd[R];
    n->passes->norm(y, xh, rstd, n->x, n->gamma, n->beta, R, n->H, n->eps);
    return weighted_sum(n->w, y, R * n->H);
}

Test(layernorm_grad, gradients_are_the_numeric_ones)
{
    static const size_t sizes[] = {2, 7, 16, 17, H_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
        for (size_t k = 0; passes_or_ref(k); ++k) {
            const size_t H = sizes[s];
            const ink__passes *passes = passes_or_ref(k);
            float *x = random_floats(R * H, 2, 1), *gamma = random_floats(H, 1, 2),
                  *beta = random_floats(H, 1, 3);
            float *w = random_floats(R * H, 1, 4), y[R * H_MAX], xh[R * H_MAX], dx[R * H_MAX], rstd[R];
            float dgamma[H_MAX] = {0}, dbeta[H_MAX] = {0};
            struct normed n = {passes, H, 0.5f, x, gamma, beta, w};
            passes->norm(y, xh, rstd, x, gamma, beta, R, H, n.eps);
            passes->norm_backward(dx, w, xh, rstd, gamma, R, H);
            passes->norm_gradients(dgamma, dbeta, w, xh, R, H, 0, H);
            for (size_t i = 0; i < R * H + 2 * H; ++i) {
                float *at = i < R * H ? &x[i] : i < R * H + H ? &gamma[i - R * H] : &beta[i - R * H - H];
                const float analytic = i < R * H       ? dx[i]
                                       : i < R * H + H ? dgamma[i - R * H]
                                                       : dbeta[i - R * H - H];
                const double numeric = numeric_slope(at, 0x1p-5f, normed_loss, &n);
                /* Roundings of a hundred outputs over the step; worst seen 4.9e-5. */
                cr_expect(fabs(analytic - numeric) < 2e-4, "%s, H = %zu: [%zu] = %g, numeric %g", passes->isa,
                          H, i, analytic, numeric);
            }
            free(x), free(gamma), free(beta), free(w);
        }
}

/* Largest |a - b| as a share of the largest |b|. */
static double relative(const float *a, const float *b, size_t n)
{
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; ++i) {
        const double d = fabs((double)a[i] - b[i]);
        if (!(d <= worst))
            worst = d;
        if (fabs((double)b[i]) > size)
            size = fabs((double)b[i]);
    }
    return worst == 0 ? 0 : worst / size;
}

static void compare(const ink__passes *passes, size_t H, float offset, float scale, float eps)
{
    const size_t n = R * H;
    float *x = random_floats(n, scale, 5), *gamma = random_floats(H, 1, 7), *beta = random_floats(H, 1, 8);
    float *dy = random_floats(n, 1, 9), *y = new_floats(n), *xh = new_floats(n), *dx = new_floats(n);
    float *wanted = new_floats(n), *wanted_xh = new_floats(n), *wanted_dx = new_floats(n);
    float rstd[R], wanted_rstd[R];
    for (size_t i = 0; i < n; ++i)
        x[i] += offset;
    ink__passes_ref.norm(wanted, wanted_xh, wanted_rstd, x, gamma, beta, R, H, eps);
    passes->norm(y, xh, rstd, x, gamma, beta, R, H, eps);
    /* The mean is x's own rounding at best, which 1/deviation enlarges. */
    const double allowed = 2e-6 + 1.2e-7 * fabs(offset) * wanted_rstd[0];
    for (size_t i = 0; i < n; ++i) {
        cr_expect(fabs((double)xh[i] - wanted_xh[i]) <= allowed * fmax(1, fabs((double)wanted_xh[i])),
                  "%s, H = %zu, offset %g, scale %g: xh[%zu] = %g, wanted %g", passes->isa, H, offset, scale,
                  i, xh[i], wanted_xh[i]);
        cr_expect(fabs((double)y[i] - wanted[i]) <= allowed * 10, "%s, H = %zu: y[%zu] = %g, wanted %g",
                  passes->isa, H, i, y[i], wanted[i]);
    }
    for (size_t r = 0; r < R; ++r)
        cr_expect(fabs(rstd[r] / wanted_rstd[r] - 1) < 2e-6,
                  "%s, H = %zu, offset %g, scale %g: rstd %g, wanted %g", passes->isa, H, offset, scale,
                  rstd[r], wanted_rstd[r]);

    ink__passes_ref.norm_backward(wanted_dx, dy, wanted_xh, wanted_rstd, gamma, R, H);
    passes->norm_backward(dx, dy, wanted_xh, wanted_rstd, gamma, R, H);
    for (size_t i = 0; i < n; ++i) /* sums of up to 385 numbers up to 10, times rstd; worst seen 6.1e-7 */
        cr_expect(fabs((double)dx[i] - wanted_dx[i]) <= 3e-6 * wanted_rstd[i / H],
                  "%s, H = %zu, scale %g: dx[%zu] = %g, wanted %g", passes->isa, H, scale, i, dx[i],
                  wanted_dx[i]);

    /* In place, and a row alone. */
    float *in_place = new_floats(n), *alone = new_floats(H), *alone_xh = new_floats(H), alone_rstd;
    memcpy(in_place, x, n * sizeof *x);
    passes->norm(wanted, in_place, rstd, in_place, gamma, beta, R, H, eps);
    cr_expect(same_bits(in_place, xh, n) && same_bits(wanted, y, n), "%s, H = %zu: xh over x", passes->isa,
              H);
    memcpy(in_place, dy, n * sizeof *dy);
    passes->norm_backward(in_place, in_place, wanted_xh, wanted_rstd, gamma, R, H);
    cr_expect(same_bits(in_place, dx, n), "%s, H = %zu: dx over dy", passes->isa, H);
    passes->norm(alone, alone_xh, &alone_rstd, x + 2 * H, gamma, beta, 1, H, eps);
    cr_expect(same_bits(alone, y + 2 * H, H) && same_bits(alone_xh, xh + 2 * H, H) && alone_rstd == rstd[2],
              "%s, H = %zu: a row alone", passes->isa, H);
    passes->norm_backward(alone, dy + 2 * H, wanted_xh + 2 * H, wanted_rstd + 2, gamma, 1, H);
    cr_expect(same_bits(alone, dx + 2 * H, H), "%s, H = %zu: a row's gradient alone", passes->isa, H);
    free(x), free(gamma), free(beta), free(dy), free(y), free(xh), free(dx);
    free(wanted), free(wanted_xh), free(wanted_dx), free(in_place), free(alone), free(alone_xh);
}

Test(layernorm_grad, every_instruction_set_agrees_at_every_width)
{
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (size_t w = 0; w < WIDTHS; ++w) {
            if (widths[w] > 1) /* one number has no deviation */
                compare(passes_or_ref(k), widths[w], 0, 1, 1e-12f);
            compare(passes_or_ref(k), widths[w], 0, 1, 1e-5f);
        }
}

Test(layernorm_grad, every_instruction_set_agrees_on_extreme_rows)
{
    static const size_t some[] = {7, 33, 384};
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (size_t i = 0; i < sizeof some / sizeof *some; ++i) {
            compare(passes_or_ref(k), some[i], 30, 1, 1e-12f);
            compare(passes_or_ref(k), some[i], 0, 1e4f, 1e-12f);
            compare(passes_or_ref(k), some[i], 1e4f, 1, 1e-12f);
            compare(passes_or_ref(k), some[i], -1e4f, 0, 1e-12f); /* all alike */
            compare(passes_or_ref(k), some[i], 30.1f, 0, 1e-12f);
            compare(passes_or_ref(k), some[i], 0, 0, 1e-12f);
            compare(passes_or_ref(k), some[i], 0, 1e-40f, 1e-12f);
        }
}

Test(layernorm_grad, a_nan_spoils_its_row_alone)
{
    enum { H = 37 };
    float *x = random_floats(R * H, 1, 1), *gamma = random_floats(H, 1, 2), y[R * H], xh[R * H], dx[R * H],
          rstd[R];
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (size_t at = H; at < 2 * H; ++at) {
            const float kept = x[at];
            x[at] = NAN;
            passes_or_ref(k)->norm(y, xh, rstd, x, gamma, gamma, R, H, 1e-5f);
            passes_or_ref(k)->norm_backward(dx, y, xh, rstd, gamma, R, H);
            for (size_t i = 0; i < R * H; ++i)
                cr_expect(isnan(y[i]) == (i / H == 1) && isnan(xh[i]) == (i / H == 1) &&
                              isnan(dx[i]) == (i / H == 1),
                          "%s: NaN at %zu, [%zu] is %g", passes_or_ref(k)->isa, at, i, y[i]);
            x[at] = kept;
        }
    free(x), free(gamma);
}

Test(layernorm_grad, sums_over_rows_agree_and_do_not_depend_on_the_split_of_columns)
{
    static const size_t rows[] = {0, 1, 7, 8, 9, 16, 100};
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (size_t w = 0; w < WIDTHS; ++w)
            for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
                const ink__passes *passes = passes_or_ref(k);
                const size_t H = widths[w], rows_i = rows[i];
                float *dy = random_floats(rows_i * H, 1, 1), *xh = random_floats(rows_i * H, 1, 2);
                float *start = random_floats(H, 1, 3), *wanted[3], *whole[3], *parts[3];
                for (int j = 0; j < 3; ++j) {
                    wanted[j] = new_floats(H), whole[j] = new_floats(H), parts[j] = new_floats(H);
                    memcpy(wanted[j], start, H * sizeof *start), memcpy(whole[j], start, H * sizeof *start);
                    memcpy(parts[j], start, H * sizeof *start);
                }
                ink__passes_ref.norm_gradients(wanted[0], wanted[1], dy, xh, rows_i, H, 0, H);
                ink__passes_ref.column_sums(wanted[2], dy, rows_i, H, 0, H);
                passes->norm_gradients(whole[0], whole[1], dy, xh, rows_i, H, 0, H);
                passes->column_sums(whole[2], dy, rows_i, H, 0, H);
                for (size_t first = 0; first < H; first += 16) {
                    const size_t end = first + 16 < H ? first + 16 : H;
                    passes->norm_gradients(parts[0], parts[1], dy, xh, rows_i, H, first, end);
                    passes->column_sums(parts[2], dy, rows_i, H, first, end);
                }
                for (int j = 0; j < 3; ++j) {
                    /* A hundred float additions; worst seen 2.5e-7. */
                    cr_expect(relative(whole[j], wanted[j], H) < 1e-6, "%s, H = %zu, %zu rows, %d: off by %g",
                              passes->isa, H, rows_i, j, relative(whole[j], wanted[j], H));
                    cr_expect(same_bits(parts[j], whole[j], H), "%s, H = %zu, %zu rows, %d: split",
                              passes->isa, H, rows_i, j);
                    free(wanted[j]), free(whole[j]), free(parts[j]);
                }
                free(dy), free(xh), free(start);
            }
}

Test(layernorm_grad, a_range_of_columns_leaves_the_others_alone)
{
    enum { H = 85, ROWS = 11 };
    float *dy = random_floats(ROWS * H, 1, 1), a[H], b[H], c[H];
    for (size_t k = 0; passes_or_ref(k); ++k) {
        for (size_t h = 0; h < H; ++h)
            a[h] = b[h] = c[h] = 0;
        passes_or_ref(k)->norm_gradients(a, b, dy, dy, ROWS, H, 32, 80);
        passes_or_ref(k)->column_sums(c, dy, ROWS, H, 16, 80);
        for (size_t h = 0; h < H; ++h)
            cr_expect((a[h] != 0) == (h >= 32 && h < 80) && (b[h] != 0) == (h >= 32 && h < 80) &&
                          (c[h] != 0) == (h >= 16 && h < 80),
                      "%s: %zu", passes_or_ref(k)->isa, h);
    }
    free(dy);
}
