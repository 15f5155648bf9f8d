/* Softmax and the logistic function. */
#include "nn/softmax.h"
#include "support/numbers.h"

#include <float.h>
#include <math.h>

Test(softmax, values_are_those_worked_by_hand)
{
    const float z[] = {0, 1.0986122887f, -5, -5, 2, 2}; /* ln 3: one to three */
    static const float wanted[] = {0.25f, 0.75f, 0.5f, 0.5f, 0.5f, 0.5f};
    float p[6];
    ink_softmax_forward(p, z, 3, 2);
    for (size_t i = 0; i < 6; ++i)
        cr_expect(fabsf(p[i] - wanted[i]) < 1e-7f, "p[%zu] = %g, wanted %g", i, p[i],
                  wanted[i]); /* ln 3 is rounded */
}

Test(softmax, rows_sum_to_one_and_keep_their_order)
{
    enum { R = 3 };
    for (size_t C = 1; C <= 67; C += 3) {
        float *z = random_floats(R * C, 4, (unsigned)C), *p = new_floats(R * C);
        ink_softmax_forward(p, z, R, C);
        for (size_t r = 0; r < R; ++r) {
            const float *z_r = z + r * C, *p_r = p + r * C; /* [C] */
            double sum = 0;
            for (size_t c = 0; c < C; ++c) {
                sum += p_r[c];
                for (size_t k = 0; k < C; ++k)
                    cr_assert(z_r[k] >= z_r[c] || p_r[k] <= p_r[c], "C = %zu, row %zu: %zu and %zu", C, r, k,
                              c);
            }
            /* Each is rounded by at most half a unit in its last place, 2^-24 of it: 6e-8 of the sum. */
            cr_expect(fabs(sum - 1) < 6e-8, "C = %zu, row %zu: %.9f", C, r, sum);
        }
        free(z), free(p);
    }
}

Test(softmax, one_class_is_certain)
{
    static const float logits[] = {0, -7, 1e30f, -FLT_MAX, FLT_MAX};
    for (size_t i = 0; i < sizeof logits / sizeof *logits; ++i) {
        float p;
        ink_softmax_forward(&p, &logits[i], 1, 1);
        cr_expect(p == 1, "%g: %g", logits[i], p);
    }
}

Test(softmax, huge_logits_neither_overflow_nor_lose_the_winner)
{
    const float z[] = {1e30f, 1e30f, -1e30f, FLT_MAX, -FLT_MAX, 0, -1000, -1001, -FLT_MAX, -INFINITY, 5, 5};
    static const float wanted[] = {0.5f, 0.5f, 0, 1, 0, 0, 0.7310585786f, 0.2689414214f, 0, 0, 0.5f, 0.5f};
    float p[12];
    ink_softmax_forward(p, z, 4, 3);
    for (size_t i = 0; i < 12; ++i)
        cr_expect(fabsf(p[i] - wanted[i]) < 6e-8f, "p[%zu] = %g, wanted %g", i, p[i],
                  wanted[i]); /* one rounding */
}

Test(softmax, p_may_be_z)
{
    float z[21], p[21];
    fill_random(z, 21, 3, 9);
    ink_softmax_forward(p, z, 3, 7);
    ink_softmax_forward(z, z, 3, 7);
    cr_expect(same_bits(p, z, 21));
}

Test(softmax, a_rows_bits_are_its_own)
{
    float z[21], p[21], alone[7];
    fill_random(z, 21, 3, 9);
    ink_softmax_forward(p, z, 3, 7);
    for (size_t r = 0; r < 3; ++r) {
        ink_softmax_forward(alone, z + r * 7, 1, 7);
        cr_expect(same_bits(p + r * 7, alone, 7), "row %zu", r);
    }
}

Test(softmax, sigmoid_is_the_logistic_function)
{
    const float z[] = {0, 1.0986122887f, -1.0986122887f, 1000, -1000, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY};
    static const float wanted[] = {0.5f, 0.75f, 0.25f, 1, 0, 1, 0, 1, 0};
    float p[9];
    ink_sigmoid_forward(p, z, 9);
    for (size_t i = 0; i < 9; ++i)
        cr_expect(fabsf(p[i] - wanted[i]) < 6e-8f, "sigmoid(%g) = %g, wanted %g", z[i], p[i], wanted[i]);
    for (float x = -20; x <= 20; x += 0.37f) {
        float both[2] = {x, -x};
        ink_sigmoid_forward(both, both, 2); /* in place */
        cr_expect(fabs((double)both[0] + both[1] - 1) < 1e-7, "sigmoid(%g) + sigmoid(-%g) = %g", x, x,
                  (double)both[0] + both[1]);
    }
    float nan = NAN;
    ink_sigmoid_forward(&nan, &nan, 1);
    cr_expect(isnan(nan));
}
