/* Activation functions by their definitions: see activation.h. Derivatives in double, the yardstick. */
#include "nn/activation.h"

#include <math.h>

static float activate(float x, ink__activation kind)
{
    switch (kind) {
    case INK__GELU:
        return 0.5f * x * (1.0f + erff(x * 0.707106781f));
    case INK__GELU_TANH:
        return 0.5f * x * (1.0f + tanhf(0.797884561f * (x + 0.044715f * x * x * x))); /* sqrt(2/pi) */
    case INK__RELU:
        return x < 0 ? 0 : x;
    case INK__TANH:
        return tanhf(x);
    }
    return x;
}

/*   gelu   f = x P(x)                         f' = P(x) + x p(x)        P, p: the normal distribution, its
 * density tanh form   f = x/2 (1 + t)               f' = (1 + t)/2 + x/2 (1 - t^2) z' t = tanh z    z =
 * sqrt(2/pi) (x + 0.044715 x^3)    z' = sqrt(2/pi) (1 + 3 * 0.044715 x^2) relu   f = max(x, 0) f' = [x > 0]
 *   tanh   f = tanh x                         f' = 1 - f^2   */
static double slope(double x, ink__activation kind)
{
    switch (kind) {
    case INK__GELU:
        return 0.5 * erfc(-x * M_SQRT1_2) + x * exp(-0.5 * x * x) * 0.5 * M_2_SQRTPI * M_SQRT1_2;
    case INK__GELU_TANH: {
        const double a = M_2_SQRTPI * M_SQRT1_2, t = tanh(a * (x + 0.044715 * x * x * x));
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * a * (1 + 3 * 0.044715 * x * x);
    }
    case INK__RELU:
        return x > 0 ? 1 : x <= 0 ? 0 : x; /* NaN stays NaN */
    case INK__TANH:
        return 1 - tanh(x) * tanh(x);
    }
    return 1;
}

void ink_activation_forward(float *y, const float *u, size_t n, ink__activation kind)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = activate(u[i], kind);
}

void ink_activation_backward(float *du, const float *dy, const float *u, size_t n, ink__activation kind)
{
    for (size_t i = 0; i < n; ++i)
        du[i] = (float)(dy[i] * slope(u[i], kind));
}

void ink_gate_forward(float *y, const float *x, ink__activation kind, size_t R, size_t F)
{
    for (size_t r = 0; r < R; ++r)
        for (size_t f = 0; f < F; ++f)
            y[r * F + f] = activate(x[r * 2 * F + f], kind) * x[r * 2 * F + F + f];
}

void ink_gate_backward(float *dx, const float *dy, const float *x, ink__activation kind, size_t R, size_t F)
{
    for (size_t r = 0; r < R; ++r)
        for (size_t f = 0; f < F; ++f) {
            const float u = x[r * 2 * F + f], g = x[r * 2 * F + F + f], dy_f = dy[r * F + f];
            dx[r * 2 * F + f] = (float)((double)dy_f * g * slope(u, kind));
            dx[r * 2 * F + F + f] = dy_f * activate(u, kind);
        }
}
