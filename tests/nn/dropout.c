/* Dropout: the mask by its definition, and the vectorised ones bit for bit. */
#include "core/random.h"
#include "support/gradient.h"
#include "support/numbers.h"

#include <math.h>

static const size_t widths[] = {1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 127, 128, 129, 200, 255, 384, 385};
enum { WIDTHS = sizeof widths / sizeof *widths };

static const ink__dropout tenth = {0x123456789abcdef0u, 41, 7, 3, 6554};

Test(dropout, a_mask_is_the_word_of_its_counter)
{
    /* Column 200 is the 72nd of the second 128: piece 4, so word 2's low half; column 128 + 8 of 16: counter
     * 16 + 8. Column 31: piece 1, word 0's high half, counter 15. */
    for (uint32_t row = 0; row < 50; ++row) {
        uint32_t words[4];
        const uint64_t stream = (uint64_t)tenth.step << 32 | tenth.site;
        ink__random_u32x4(words, tenth.seed, stream, (uint64_t)(tenth.row + row) << 32 | 24);
        cr_expect(ink__dropout_keeps(&tenth, row, 200) == ((words[2] & 0xFFFF) >= tenth.threshold));
        ink__random_u32x4(words, tenth.seed, stream, (uint64_t)(tenth.row + row) << 32 | 15);
        cr_expect(ink__dropout_keeps(&tenth, row, 31) == (words[0] >> 16 >= tenth.threshold));
    }
}

Test(dropout, every_table_drops_what_the_definition_drops)
{
    enum { R = 20 };
    for (size_t w = 0; w < WIDTHS; ++w)
        for (int threshold = 1; threshold <= 65536; threshold *= 4) {
            const size_t H = widths[w];
            ink__dropout drop = tenth;
            drop.threshold = (uint32_t)threshold;
            float *ones = new_floats(R * H), *y = new_floats(R * H);
            for (size_t i = 0; i < R * H; ++i)
                ones[i] = 1;
            for (size_t k = 0; passes_or_ref(k); ++k) {
                passes_or_ref(k)->dropout_add(y, ones, NULL, &drop, R, H);
                for (size_t i = 0; i < R * H; ++i) {
                    const float m = ink__dropout_keeps(&drop, i / H, i % H) ? ink__dropout_scale(&drop) : 0;
                    cr_assert(y[i] == m, "%s, H = %zu, threshold %d: [%zu] is %g, wanted %g",
                              passes_or_ref(k)->isa, H, threshold, i, y[i], m);
                }
            }
            free(ones), free(y);
        }
}

Test(dropout, what_stays_is_scaled_and_added_wherever_the_result_goes)
{
    enum { R = 5 };
    for (size_t w = 0; w < WIDTHS; ++w)
        for (size_t k = 0; passes_or_ref(k); ++k)
            for (int dropping = 0; dropping <= 1; ++dropping) {
                const size_t H = widths[w], n = R * H;
                const ink__passes *passes = passes_or_ref(k);
                ink__dropout drop = tenth;
                drop.threshold = dropping ? 20000 : 0;
                float *x = random_floats(n, 2, 1), *residual = random_floats(n, 2, 2), *y = new_floats(n);
                passes->dropout_add(y, x, residual, &drop, R, H);
                for (size_t i = 0; i < n; ++i) {
                    const double m = dropping ? ink__dropout_keeps(&drop, i / H, i % H) *
                                                    (double)ink__dropout_scale(&drop)
                                              : 1,
                                 wanted = m * x[i] + residual[i];
                    /* Two roundings of numbers of that size. */
                    cr_expect(fabs(y[i] - wanted) <= 1.2e-7 * (fabs(m * x[i]) + fabs(wanted)),
                              "%s, H = %zu: [%zu] is %.9g, wanted %.9g", passes->isa, H, i, y[i], wanted);
                }
                float *over_x = new_floats(n);
                memcpy(over_x, x, n * sizeof *x);
                passes->dropout_add(over_x, over_x, residual, &drop, R, H);
                cr_expect(same_bits(over_x, y, n), "%s, H = %zu: over x", passes->isa, H);
                passes->dropout_add(residual, x, residual, &drop, R, H);
                cr_expect(same_bits(residual, y, n), "%s, H = %zu: over the residual", passes->isa, H);
                memcpy(over_x, x, n * sizeof *x);
                passes->dropout_add(y, x, NULL, &drop, R, H);
                passes->dropout_add(over_x, over_x, NULL, &drop, R, H);
                cr_expect(same_bits(over_x, y, n), "%s, H = %zu: over x, alone", passes->isa, H);
                if (!dropping)
                    cr_expect(same_bits(x, y, n), "%s: with threshold 0 nothing changes", passes->isa);
                free(x), free(residual), free(y), free(over_x);
            }
}

Test(dropout, rows_are_the_same_however_they_are_split)
{
    enum { R = 12, H = 145 };
    float *x = random_floats(R * H, 1, 1), *residual = random_floats(R * H, 1, 2);
    float whole[R * H], parts[R * H];
    for (size_t k = 0; passes_or_ref(k); ++k) {
        passes_or_ref(k)->dropout_add(whole, x, residual, &tenth, R, H);
        for (size_t step = 1; step < R; ++step) {
            for (size_t r = 0; r < R; r += step) {
                ink__dropout drop = tenth;
                drop.row += (uint32_t)r;
                passes_or_ref(k)->dropout_add(parts + r * H, x + r * H, residual + r * H, &drop,
                                              r + step < R ? step : R - r, H);
            }
            cr_expect(same_bits(parts, whole, R * H), "%s: %zu rows at a time", passes_or_ref(k)->isa, step);
        }
    }
    free(x), free(residual);
}

/* Elements of R rows of H where both, or one of both, masks keep. */
static double share(const ink__dropout *a, const ink__dropout *b)
{
    enum { R = 1000, H = 384 };
    size_t kept = 0;
    for (size_t r = 0; r < R; ++r)
        for (size_t h = 0; h < H; ++h)
            kept += ink__dropout_keeps(a, r, h) && ink__dropout_keeps(b, r, h);
    return (double)kept / (R * H);
}

Test(dropout, the_rate_is_what_was_asked_and_other_masks_are_independent)
{
    static const double rates[] = {0.1, 0.25, 0.5};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; ++i) {
        ink__dropout drop = tenth;
        drop.threshold = ink__dropout_threshold(rates[i]);
        /* The standard deviation of 384,000 draws is at most 0.0008; the draws are fixed. */
        const double keep = 1 - rates[i];
        cr_expect(fabs(share(&drop, &drop) - keep) < 0.01 * rates[i], "%g", share(&drop, &drop));
        cr_expect(fabs(keep * ink__dropout_scale(&drop) - 1) < 2e-5, "the mean is kept");
        ink__dropout others[] = {drop, drop, drop, drop};
        ++others[0].seed, ++others[1].step, ++others[2].site, others[3].row += 1;
        for (int k = 0; k < 4; ++k)
            cr_expect(fabs(share(&drop, &others[k]) - keep * keep) < 0.003, "%d of rate %g: %g", k, rates[i],
                      share(&drop, &others[k]));
    }
}

Test(dropout, probabilities_are_taken_to_the_nearest_threshold)
{
    cr_expect(ink__dropout_threshold(0) == 0 && ink__dropout_threshold(0.1) == 6554);
    cr_expect(ink__dropout_threshold(0.5) == 32768);
    const ink__dropout half = {.threshold = 32768}, none = {.threshold = 0};
    cr_expect(ink__dropout_scale(&half) == 2 && ink__dropout_scale(&none) == 1);
}

Test(dropout, a_nan_is_never_hidden)
{
    enum { H = 67 };
    float x[H], y[H];
    ink__dropout drop = tenth;
    drop.threshold = 60000;
    for (size_t k = 0; passes_or_ref(k); ++k)
        for (size_t at = 0; at < H; ++at) {
            for (size_t h = 0; h < H; ++h)
                x[h] = h == at ? NAN : 1;
            passes_or_ref(k)->dropout_add(y, x, NULL, &drop, 1, H);
            for (size_t h = 0; h < H; ++h)
                cr_expect(isnan(y[h]) == (h == at), "%s: [%zu] is %g", passes_or_ref(k)->isa, h, y[h]);
        }
}

Test(dropout, the_gradient_is_dropout_of_the_gradient)
{
    enum { R = 3, H = 7 };
    float *x = random_floats(R * H, 1, 1), *w = random_floats(R * H, 1, 2), high[R * H], low[R * H],
          dx[R * H];
    ink__dropout drop = tenth;
    drop.threshold = 20000;
    for (size_t k = 0; passes_or_ref(k); ++k) {
        const ink__passes *passes = passes_or_ref(k);
        passes->dropout_add(dx, w, NULL, &drop, R, H);
        for (size_t i = 0; i < R * H; ++i) {
            const float at = x[i];
            x[i] = at + 0.5f, passes->dropout_add(high, x, NULL, &drop, R, H);
            x[i] = at - 0.5f, passes->dropout_add(low, x, NULL, &drop, R, H);
            x[i] = at;
            const double numeric = weighted_sum(w, high, R * H) - weighted_sum(w, low, R * H);
            /* Linear: only x and y are rounded. */
            cr_expect(fabs(dx[i] - numeric) < 2e-6, "%s: dx[%zu] = %g, numeric %g", passes->isa, i, dx[i],
                      numeric);
        }
    }
    free(x), free(w);
}
