/* Linear layers in 8 bits: by hand, and the passes of every instruction set against the definition, on widths
 * with and without tails, on rows of zeros, of one sign, huge, tiny and broken. */
#include "nn/quantize.h"
#include "nn/layernorm.h"
#include "support/numbers.h"
#include "tensor/fused.h"

#include <float.h>
#include <math.h>

enum { WIDEST = 70, KINDS = 9 };

/* Rows [R,width] of every kind, kind r in row r. */
static void fill_rows(float *x, size_t R, size_t width, unsigned seed)
{
    static const float scales[KINDS] = {1, 0, 3, 3, 1e30f, 1e-20f, 1e-33f, 0.01f, 2};
    for (size_t r = 0; r < R; ++r) {
        float *x_r = x + r * width; /* [width] */
        fill_random(x_r, width, scales[r % KINDS], seed + (unsigned)r);
        for (size_t i = 0; i < width; ++i) {
            if (r % KINDS == 2)
                x_r[i] = fabsf(x_r[i]) + 1; /* 0 is counted in, though it is not there */
            if (r % KINDS == 3)
                x_r[i] = -fabsf(x_r[i]) - 1;
            if (r % KINDS == 7 && i == width / 2)
                x_r[i] = -50; /* one stands out */
            if (r % KINDS == 8)
                x_r[i] = x_r[0];
        }
    }
}

/* What a quantized number stands for. */
static double restored(uint8_t q, float scale, float zero)
{
    return (double)scale * ((double)q - zero);
}

Test(quantize, weights_are_those_worked_by_hand)
{
    const float W[] = {127, -127, 63.4f, 0, -2, 1, 0.49f, -0.6f, 0, 0, -0.0f, 0, 1e-36f, -1e-36f, 0, 0};
    static const int8_t wanted[] = {127, -127, 63, 0, -127, 64, 31, -38, 0, 0, 0, 0, 0, 0, 0, 0};
    int8_t Q[16];
    float scale[4], shift[4];
    ink_quantize_weights(Q, scale, W, 4, 4);
    ink_quantize_shift(shift, Q, scale, 4, 4);
    for (size_t i = 0; i < 16; ++i)
        cr_expect(Q[i] == wanted[i], "Q[%zu] is %d, wanted %d", i, Q[i], wanted[i]);
    cr_expect(scale[0] == 1 && scale[1] == 2.0f / 127 && scale[2] == 0 && scale[3] == 0, "%g %g %g %g",
              scale[0], scale[1], scale[2], scale[3]);
    cr_expect(shift[0] == 63 && shift[1] == scale[1] * -70 && shift[2] == 0 && shift[3] == 0, "%g %g %g %g",
              shift[0], shift[1], shift[2], shift[3]);
}

Test(quantize, rows_are_those_worked_by_hand)
{
    /* From -51 to 203 a step is 1 and zero is 51; positive numbers alone count from 0, negative ones to 0; a
     * zero between two steps is the one above. */
    const float x[] = {-51,  203, 0,       1.6f, 254,    51,     102, 51.4f,
                       -254, -1,  -127.6f, -253, -50.5f, 203.5f, 0,   -50};
    static const uint8_t wanted[] = {0, 254, 51, 53, 254, 51, 102, 51, 0, 253, 126, 1, 0, 254, 51, 1};
    static const float zeros[] = {51, 0, 254, 51};
    enum { R = 4, WIDTH = 4 };
    uint8_t q[R * WIDTH];
    float scale[R], zero[R];
    for (size_t k = 0; k == 0 || ink__fused_at(k - 1); ++k) {
        const char *isa = k ? ink__fused_at(k - 1)->isa : "ref";
        if (k == 0)
            ink_quantize_rows(q, scale, zero, x, R, WIDTH);
        else
            ink__fused_at(k - 1)->quantize(q, scale, zero, x, R, WIDTH);
        for (size_t i = 0; i < R * WIDTH; ++i)
            cr_expect(q[i] == wanted[i], "%s: q[%zu] is %d, wanted %d", isa, i, q[i], wanted[i]);
        for (size_t r = 0; r < R; ++r)
            cr_expect(scale[r] == 1 && zero[r] == zeros[r], "%s: row %zu: %g, %g", isa, r, scale[r], zero[r]);
    }
}

/* Within half a step each, as rounding allows; zero comes back exactly. */
static void check_restored(const char *isa, const uint8_t *q, const float *scale, const float *zero,
                           const float *x, size_t R, size_t width)
{
    for (size_t r = 0; r < R; ++r) {
        cr_expect(zero[r] >= 0 && zero[r] <= 255 && zero[r] == floorf(zero[r]), "%s: row %zu: zero is %g",
                  isa, r, zero[r]);
        for (size_t i = 0; i < width; ++i) {
            const double step = scale[r] > 0 ? scale[r] : INK__LEAST_RANGE;
            const double error = fabs(restored(q[r * width + i], scale[r], zero[r]) - x[r * width + i]);
            /* The ends of the range move by zero's own rounding, half a step at most, and are cut off there:
             * a number at an end may be off by both. Products and sums round, 255 steps by 6e-8 each. */
            const bool end = q[r * width + i] == 0 || q[r * width + i] == 255;
            cr_expect(error <= step * (end ? 1.0001 : 0.5001),
                      "%s: width %zu, row %zu: %g is off by %g steps", isa, width, r, x[r * width + i],
                      error / step);
        }
    }
}

Test(quantize, rows_come_back_within_half_a_step_on_every_instruction_set)
{
    enum { R = 2 * KINDS };
    for (size_t width = 1; width <= WIDEST; ++width) {
        float *x = new_floats(R * width), scale[R], zero[R], own_scale[R + 1], own_zero[R + 1];
        uint8_t *q = malloc(R * width), *own = malloc(R * width);
        fill_rows(x, R, width, (unsigned)width);
        ink_quantize_rows(q, scale, zero, x, R, width);
        check_restored("ref", q, scale, zero, x, R, width);
        for (size_t k = 0; ink__fused_at(k); ++k) {
            own_scale[R] = own_zero[R] = 7;
            for (size_t i = 0; i < R * width; ++i)
                own[i] = (uint8_t)(q[i] ^ 128); /* what is not written shows */
            ink__fused_at(k)->quantize(own, own_scale, own_zero, x, R, width);
            check_restored(ink__fused_at(k)->isa, own, own_scale, own_zero, x, R, width);
            cr_expect(own_scale[R] == 7 && own_zero[R] == 7);
            for (size_t i = 0; i < R * width; ++i)
                cr_expect(abs(own[i] - q[i]) <= 1, "%s: width %zu: q[%zu] is %d, wanted %d",
                          ink__fused_at(k)->isa, width, i, own[i], q[i]);
            for (size_t r = 0; r < R; ++r)
                cr_expect(fabsf(own_scale[r] - scale[r]) <= 2e-7f * scale[r] &&
                              fabsf(own_zero[r] - zero[r]) <= 1,
                          "%s: width %zu, row %zu: %g, %g", ink__fused_at(k)->isa, width, r, own_scale[r],
                          own_zero[r]);
        }
        free(x), free(q), free(own);
    }
}

/* The sum of squares is what quantizing costs; the ends must not be the rule. */
Test(quantize, a_row_without_outliers_loses_a_twelfth_of_a_step_squared)
{
    enum { N = 4096 };
    float *x = new_floats(N), scale, zero;
    uint8_t q[N];
    unsigned state = 3;
    for (size_t i = 0; i < N; ++i)
        x[i] = (float)(random_next(&state) >> 8) / 0x1p24f - 0.3f;
    for (size_t k = 0; ink__fused_at(k); ++k) {
        ink__fused_at(k)->quantize(q, &scale, &zero, x, 1, N);
        double squares = 0;
        for (size_t i = 0; i < N; ++i)
            squares += pow((restored(q[i], scale, zero) - x[i]) / scale, 2) / N;
        /* A mean of 4,096 squares that are uniform up to 1/4 scatters by 0.0012. */
        cr_expect(fabs(squares - 1.0 / 12) < 0.006, "%s: %g", ink__fused_at(k)->isa, squares);
    }
    free(x);
}

/* What is not finite leaves nothing but NaN of its row. Rows beside it stay what they are. */
Test(quantize, broken_numbers_stay_in_their_row)
{
    enum { R = 3, WIDTH = 37 };
    static const float broken[] = {INFINITY, -INFINITY, NAN, FLT_MAX};
    float x[R * WIDTH], scale[R], zero[R], plain_scale[R], plain_zero[R];
    uint8_t q[R * WIDTH], plain[R * WIDTH];
    for (size_t k = 0; k == 0 || ink__fused_at(k - 1); ++k)
        for (size_t b = 0; b < sizeof broken / sizeof *broken; ++b)
            for (size_t at = 0; at < WIDTH; at += 6) {
                const char *isa = k ? ink__fused_at(k - 1)->isa : "ref";
                fill_random(x, R * WIDTH, 1, 4);
                for (size_t pass = 0; pass < 2; ++pass) {
                    uint8_t *to = pass ? q : plain;
                    float *to_scale = pass ? scale : plain_scale, *to_zero = pass ? zero : plain_zero;
                    if (pass)
                        x[WIDTH + at] = broken[b];
                    if (k == 0)
                        ink_quantize_rows(to, to_scale, to_zero, x, R, WIDTH);
                    else
                        ink__fused_at(k - 1)->quantize(to, to_scale, to_zero, x, R, WIDTH);
                }
                for (size_t r = 0; r < R; r += 2)
                    cr_expect(memcmp(q + r * WIDTH, plain + r * WIDTH, WIDTH) == 0 &&
                                  scale[r] == plain_scale[r] && zero[r] == plain_zero[r],
                              "%s: row %zu beside %g at %zu", isa, r, broken[b], at);
                const double first = restored(q[WIDTH], scale[1], zero[1]);
                cr_expect(isfinite(broken[b]) ? isfinite(first) : isnan(first), "%s: %g at %zu leaves %g",
                          isa, broken[b], at, first);
            }
}

/* ---- from sums ------------------------------------------------------------------------------------- */

enum { R_SUMS = 4 };

struct sums {
    int32_t *acc, *spent; /* [R,out] and room for it */
    float *row_scale, *row_zero, *scale, *shift, *b;
    ink__dequantizer d;
};

/* Sums as products of `in` numbers give them: y is of order 1. */
static void sums_make(struct sums *s, size_t out, unsigned seed)
{
    float *noise = random_floats(R_SUMS * out, 20000, seed);
    s->acc = malloc(R_SUMS * out * sizeof *s->acc);
    s->spent = malloc(R_SUMS * out * sizeof *s->spent);
    for (size_t i = 0; i < R_SUMS * out; ++i)
        s->acc[i] = (int32_t)noise[i];
    free(noise);
    s->row_scale = random_floats(R_SUMS, 0.01f, seed + 1), s->row_zero = new_floats(R_SUMS);
    s->scale = random_floats(out, 0.005f, seed + 2), s->shift = random_floats(out, 0.5f, seed + 3);
    s->b = random_floats(out, 0.3f, seed + 4);
    for (size_t r = 0; r < R_SUMS; ++r)
        s->row_scale[r] = fabsf(s->row_scale[r]) + 0.001f, s->row_zero[r] = (float)(85 * r);
    for (size_t o = 0; o < out; ++o)
        s->scale[o] = o % 11 == 3 ? 0 : fabsf(s->scale[o]);
    s->d = (ink__dequantizer){s->row_scale, s->row_zero, s->scale, s->shift, s->b};
}

static void sums_free(struct sums *s)
{
    free(s->acc), free(s->spent), free(s->row_scale), free(s->row_zero);
    free(s->scale), free(s->shift), free(s->b);
}

Test(quantize, sums_become_floats_as_by_the_definition)
{
    for (size_t out = 1; out <= WIDEST; ++out) {
        struct sums s;
        sums_make(&s, out, (unsigned)out);
        float *wanted = new_floats(R_SUMS * out), *y = new_floats(R_SUMS * out);
        ink_dequantize(wanted, s.acc, &s.d, R_SUMS, out);
        for (size_t k = 0; ink__fused_at(k); ++k) {
            ink__fused_at(k)->dequantize(y, s.acc, &s.d, R_SUMS, out);
            for (size_t i = 0; i < R_SUMS * out; ++i) /* four roundings of numbers up to 10 */
                cr_expect(fabsf(y[i] - wanted[i]) <= 4e-6f, "%s: %zu wide: y[%zu] is %g, wanted %g",
                          ink__fused_at(k)->isa, out, i, y[i], wanted[i]);
        }
        free(wanted), free(y), sums_free(&s);
    }
}

Test(quantize, sums_are_added_and_normed_as_by_the_definition)
{
    for (size_t H = 1; H <= WIDEST; ++H) {
        struct sums s;
        sums_make(&s, H, 100 + (unsigned)H);
        const size_t n = R_SUMS * H;
        float *residual = random_floats(n, 1, 5), *gamma = random_floats(H, 1, 6);
        float *beta = random_floats(H, 1, 7), *added = new_floats(n), *normed = new_floats(n);
        float *y = new_floats(n);
        ink_dequantize(added, s.acc, &s.d, R_SUMS, H);
        for (size_t i = 0; i < n; ++i)
            added[i] += residual[i];
        /* An eps that counts, so that rows of one number, all rounding error, are not blown up. */
        ink_layernorm_forward(normed, added, gamma, beta, R_SUMS, H, 0.01f);
        for (size_t k = 0; ink__fused_at(k); ++k) {
            const ink__fused *f = ink__fused_at(k);
            f->dequantize_add_layernorm(y, s.acc, &s.d, residual, gamma, beta, R_SUMS, H, 0.01f);
            for (size_t i = 0; i < n; ++i)
                cr_expect(fabsf(y[i] - normed[i]) <= 4e-5f, "%s: %zu wide: y[%zu] is %g, wanted %g", f->isa,
                          H, i, y[i], normed[i]);
            memcpy(y, residual, n * sizeof *y); /* in place, without a norm */
            f->dequantize_add_layernorm(y, s.acc, &s.d, y, NULL, NULL, R_SUMS, H, 0.01f);
            for (size_t i = 0; i < n; ++i)
                cr_expect(fabsf(y[i] - added[i]) <= 4e-6f, "%s: %zu wide: sum %zu is %g, wanted %g", f->isa,
                          H, i, y[i], added[i]);
        }
        free(residual), free(gamma), free(beta), free(added), free(normed), free(y), sums_free(&s);
    }
}

/* q of f(y), or of f(u) * g, against the definitions one after the other. */
static void check_activated(const ink__fused *f, ink__activation kind, size_t F, bool gated)
{
    struct sums s;
    const size_t out = gated ? 2 * F : F, n = R_SUMS * F;
    sums_make(&s, out, 200 + (unsigned)F);
    float *y = new_floats(R_SUMS * out), *x = new_floats(n), scale[R_SUMS], zero[R_SUMS];
    float own_scale[R_SUMS], own_zero[R_SUMS];
    uint8_t *q = malloc(n), *own = malloc(n);
    ink_dequantize(y, s.acc, &s.d, R_SUMS, out);
    if (gated)
        ink_gate_forward(x, y, kind, R_SUMS, F);
    else
        ink_activation_forward(x, y, n, kind);
    ink_quantize_rows(q, scale, zero, x, R_SUMS, F);
    memcpy(s.spent, s.acc, R_SUMS * out * sizeof *s.acc);
    for (size_t i = 0; i < n; ++i)
        own[i] = (uint8_t)(q[i] ^ 128);
    if (gated)
        f->dequantize_gate(own, own_scale, own_zero, s.spent, &s.d, kind, R_SUMS, F);
    else
        f->dequantize_activate(own, own_scale, own_zero, s.spent, &s.d, kind, R_SUMS, F);
    for (size_t i = 0; i < n; ++i) {
        const size_t r = i / F;
        cr_expect(abs(own[i] - q[i]) <= 1, "%s: kind %d, %zu wide: q[%zu] is %d, wanted %d", f->isa,
                  (int)kind, F, i, own[i], q[i]);
        const double error = fabs(restored(own[i], own_scale[r], own_zero[r]) - x[i]);
        /* Half a step, a whole one at an end; and what the activations' fits differ by, numbers up to 100. */
        const bool end = own[i] == 0 || own[i] == 255;
        cr_expect(error <= own_scale[r] * (end ? 1.001 : 0.501) + 6e-5,
                  "%s: kind %d, %zu wide: %g is off by %g", f->isa, (int)kind, F, x[i], error);
    }
    free(y), free(x), free(q), free(own), sums_free(&s);
}

Test(quantize, sums_are_activated_and_quantized_as_by_the_definition)
{
    for (size_t k = 0; ink__fused_at(k); ++k)
        for (ink__activation kind = 0; kind <= INK__TANH; ++kind)
            for (size_t F = 1; F <= WIDEST; ++F) {
                check_activated(ink__fused_at(k), kind, F, false);
                check_activated(ink__fused_at(k), kind, F, true);
            }
}

/* A row does not know which rows it is computed with, nor its columns where the row ends. */
Test(quantize, a_row_has_the_same_bits_alone)
{
    enum { R = 5, WIDTH = 53 };
    float *x = random_floats(R * WIDTH, 1, 9), scale[R], zero[R], one_scale, one_zero;
    uint8_t q[R * WIDTH], one[WIDTH];
    for (size_t k = 0; ink__fused_at(k); ++k) {
        ink__fused_at(k)->quantize(q, scale, zero, x, R, WIDTH);
        for (size_t r = 0; r < R; ++r) {
            float *alone = new_floats(WIDTH); /* its end is the end of its memory */
            memcpy(alone, x + r * WIDTH, WIDTH * sizeof *x);
            ink__fused_at(k)->quantize(one, &one_scale, &one_zero, alone, 1, WIDTH);
            cr_expect(memcmp(one, q + r * WIDTH, WIDTH) == 0 && one_scale == scale[r] && one_zero == zero[r],
                      "%s: row %zu", ink__fused_at(k)->isa, r);
            free(alone);
        }
    }
    free(x);
}

Test(quantize, a_layer_by_its_definition_is_near_the_one_in_floats)
{
    enum { R = 3, IN = 65, OUT = 7 };
    float *x = random_floats(R * IN, 1, 11), *W = random_floats(OUT * IN, 0.1f, 12);
    float *b = random_floats(OUT, 1, 13), scale[OUT], shift[OUT], y[R * OUT];
    int8_t Q[OUT * IN];
    uint8_t q[IN];
    ink_quantize_weights(Q, scale, W, OUT, IN);
    ink_quantize_shift(shift, Q, scale, OUT, IN);
    ink_linear_int8_forward(y, q, x, Q, scale, shift, b, R, IN, OUT);
    for (size_t r = 0; r < R; ++r)
        for (size_t o = 0; o < OUT; ++o) {
            double wanted = b[o];
            for (size_t i = 0; i < IN; ++i)
                wanted += (double)x[r * IN + i] * W[o * IN + i];
            /* Steps of 0.02 and 0.002 over 65 products: an error of about 0.006; worst seen 0.012. */
            cr_expect(fabs(y[r * OUT + o] - wanted) < 0.03, "y[%zu,%zu] is %g, wanted %g", r, o,
                      y[r * OUT + o], wanted);
        }
    free(x), free(W), free(b);
}
