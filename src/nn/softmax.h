/* Softmax and the logistic function, as heads use them. */
#ifndef INK_NN_SOFTMAX_H
#define INK_NN_SOFTMAX_H

#include <stddef.h>

/* C >= 1. p [R,C]: p_c = exp(z_c - max z) / sum_k exp(z_k - max z), in double, so that rows sum to 1 within
 * rounding. p may be z. */
void ink_softmax_forward(float *p, const float *z, size_t R, size_t C);

/* p [n] = 1 / (1 + exp(-z)). p may be z. */
void ink_sigmoid_forward(float *p, const float *z, size_t n);

#endif
