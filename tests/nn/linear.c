/* The linear layer: by hand, and at odd sizes. */
#include "nn/linear.h"
#include "support/numbers.h"

#include <math.h>

Test(linear, values_are_those_worked_by_hand)
{
    const float x[] = {1, 2, 3, -1, 0, 4};       /* [2,3] */
    const float W[] = {1, 0, -1, 2, 3, 5};       /* [2,3]: as PyTorch stores it, a row for each output */
    const float b[] = {10, -20};                 /* [2] */
    static const float wanted[] = {8, 3, 5, -2}; /* 10+1-3, -20+2+6+15; 10-1-4, -20-2+20 */
    float y[4];
    ink_linear_forward(y, x, W, b, 2, 3, 2);
    for (size_t i = 0; i < 4; ++i)
        cr_expect(y[i] == wanted[i], "y[%zu] = %g, wanted %g", i, y[i], wanted[i]);
}

Test(linear, a_sum_that_cancels_is_rounded_once)
{
    const float x[] = {1e8f, 1, -1e8f}, W[] = {1, 1, 1}, b[] = {0.25f};
    float y;
    ink_linear_forward(&y, x, W, b, 1, 3, 1);
    cr_expect(y == 1.25f, "%g: float would have lost the 1", y);
}

Test(linear, every_output_is_its_own_sum_at_odd_sizes)
{
    enum { R = 5, IN = 37, OUT = 11 };
    float *x = random_floats(R * IN, 1, 3), *W = random_floats(OUT * IN, 1, 4), *b = random_floats(OUT, 1, 5);
    float *y = new_floats(R * OUT);
    ink_linear_forward(y, x, W, b, R, IN, OUT);
    for (size_t r = 0; r < R; ++r)
        for (size_t o = 0; o < OUT; ++o) {
            double sum = 0;
            for (size_t i = IN; i-- > 0;) /* backwards, on purpose */
                sum += (double)W[o * IN + i] * x[r * IN + i];
            sum += b[o];
            /* Half a unit in the last place of y. */
            cr_expect(fabs(y[r * OUT + o] - sum) <=
                          0.5001 * (nextafterf(fabsf(y[r * OUT + o]), INFINITY) - fabsf(y[r * OUT + o])),
                      "[%zu,%zu]", r, o);
        }
    free(x), free(W), free(b), free(y);
}

Test(linear, no_rows_are_no_work)
{
    float y = 7;
    const float W[] = {1}, b[] = {2};
    ink_linear_forward(&y, NULL, W, b, 0, 1, 1);
    cr_expect(y == 7);
}
