/* Numeric derivatives, and the tables of passes with their definition first. */
#ifndef INK_TESTS_GRADIENT_H
#define INK_TESTS_GRADIENT_H

#include "nn/passes.h"

/* The definition, then every instruction set's; NULL past the last. */
static inline const ink__passes *passes_or_ref(size_t k)
{
    return k == 0 ? &ink__passes_ref : ink__passes_at(k - 1);
}

/* The derivative of loss(with) by *x, from its values at x -+ h and x -+ 2h: the error is h^4/30 times the
 * fifth derivative, and what the loss's own rounding, divided by h, makes of it. */
static inline double numeric_slope(float *x, float h, double (*loss)(void *), void *with)
{
    static const int steps[] = {-2, -1, 1, 2};
    const float at = *x;
    double f[4];
    for (int i = 0; i < 4; ++i) {
        *x = at + (float)steps[i] * h;
        f[i] = loss(with);
    }
    *x = at;
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * (double)h);
}

/* sum w_i y_i: a loss whose gradient by y is w. */
static inline double weighted_sum(const float *w, const float *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += (double)w[i] * y[i];
    return sum;
}

#endif
