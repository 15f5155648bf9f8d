/* Drawing by weight: each index as often as its weight says, whatever the number of weights; where u is the
 * least and the greatest it can be; weights that are 0, or below it by rounding. */
#include "nn/draw.h"
#include "core/random.h"
#include "support/numbers.h"

#include <math.h>

/* Chi-square with df degrees of freedom has this mean and deviation; 5 of these are never seen. */
static double too_much(double df)
{
    return df + 5 * sqrt(2 * df);
}

Test(draw, each_comes_as_often_as_its_weight_says)
{
    static const size_t sizes[] = {1, 2, 7, 16, 40, 255, 256, 257, 700};
    enum { DRAWS = 40000 };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; ++k) {
        const size_t n = sizes[k];
        float *w = random_floats(n, 1, (unsigned)n);
        size_t *count = calloc(n, sizeof *count);
        double sum = 0, chi = 0, df = -1;
        for (size_t i = 0; i < n; ++i)
            w[i] = i % 5 == 3 ? 0 : w[i] * w[i] * 1e-3f, sum += w[i];
        for (uint64_t d = 0; d < DRAWS; ++d) {
            uint32_t words[4];
            ink__random_u32x4(words, 7, n, d);
            const size_t found = ink_draw(w, ink__random_unit(words[0]), n);
            cr_assert(found < n && w[found] > 0, "%zu of %zu", found, n);
            ++count[found];
        }
        for (size_t i = 0; i < n; ++i) {
            const double expected = DRAWS * w[i] / sum;
            if (expected < 5)
                continue;
            chi += (count[i] - expected) * (count[i] - expected) / expected, ++df;
        }
        cr_expect(df < 1 || chi < too_much(df), "%zu weights: chi-square %g of %g", n, chi, df);
        free(count);
        free(w);
    }
}

Test(draw, the_ends_and_what_has_no_weight)
{
    float w[600] = {0};
    const float greatest = 1 - 0x1p-24f;
    w[3] = 1, w[259] = -1e-9f, w[260] = 2, w[401] = 1;
    cr_expect(ink_draw(w, 0, 600) == 3);
    cr_expect(ink_draw(w, 0.2499f, 600) == 3 && ink_draw(w, 0.2501f, 600) == 260);
    cr_expect(ink_draw(w, 0.7499f, 600) == 260 && ink_draw(w, 0.7501f, 600) == 401);
    cr_expect(ink_draw(w, greatest, 600) == 401);
    cr_expect(ink_draw(w + 3, greatest, 1) == 0 && ink_draw(w + 3, 0, 1) == 0);
    w[5] = NAN;
    cr_expect(ink_draw(w, 0.5f, 600) < 600);
}
