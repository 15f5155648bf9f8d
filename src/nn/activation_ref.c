/* Activation functions by their definitions: see activation.h. */
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

void ink_activation_forward(float *x, size_t n, ink__activation kind)
{
    for (size_t i = 0; i < n; ++i)
        x[i] = activate(x[i], kind);
}

void ink_gate_forward(float *y, const float *x, ink__activation kind, size_t R, size_t F)
{
    for (size_t r = 0; r < R; ++r)
        for (size_t f = 0; f < F; ++f)
            y[r * F + f] = activate(x[r * 2 * F + f], kind) * x[r * 2 * F + F + f];
}
