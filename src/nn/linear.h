/* The linear layer, as PyTorch stores it: y = x W^T + b. */
#ifndef INK_NN_LINEAR_H
#define INK_NN_LINEAR_H

#include <stddef.h>

void ink_linear_forward(float *y,                                       /* [R,out]               */
                        const float *x, const float *W, const float *b, /* [R,in] [out,in] [out] */
                        size_t R, size_t in, size_t out);

/* dx [R,in] = dy [R,out] W */
void ink_linear_backward(float *dx, const float *dy, const float *W, size_t R, size_t in, size_t out);

/* dW [out,in] += dy^T x */
void ink_linear_gradient(float *dW, const float *dy, const float *x, size_t R, size_t in, size_t out);

/* For columns [first,end) of `out`:  db += sum_R dy. The rest of the backward is two products. */
void ink_linear_bias_gradient(float *db, const float *dy, /* [out] [R,out] */
                              size_t R, size_t out, size_t first, size_t end);

#endif
