/* Activation functions, by Hugging Face's names for them. */
#ifndef INK_NN_ACTIVATION_H
#define INK_NN_ACTIVATION_H

#include <stddef.h>

typedef enum ink__activation {
    INK__GELU,      /* x/2 (1 + erf(x / sqrt 2)): "gelu" (Hendrycks and Gimpel, arXiv 1606.08415) */
    INK__GELU_TANH, /* its tanh form: "gelu_new", "gelu_pytorch_tanh", "gelu_fast" */
    INK__RELU,      /* max(x, 0), whose derivative at 0 is taken as 0 */
    INK__TANH
} ink__activation;

/* y [n] = f(u); y may be u. NaN stays NaN. */
void ink_activation_forward(float *y, const float *u, size_t n, ink__activation kind);
/* du [n] = dy * f'(u); du may be dy. */
void ink_activation_backward(float *du, const float *dy, const float *u, size_t n, ink__activation kind);

/* The gated linear unit (Shazeer, arXiv 2002.05202): y [R,F] = f(u) * g, where row r of x [R,2F] is u then g.
 * y is not x. */
void ink_gate_forward(float *y, const float *x, ink__activation kind, size_t R, size_t F);
/* dx [R,2F] from dy [R,F]: du = dy * g * f'(u), dg = dy * f(u). dx may be x. */
void ink_gate_backward(float *dx, const float *dy, const float *x, ink__activation kind, size_t R, size_t F);

#endif
