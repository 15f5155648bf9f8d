/* The linear layer, as PyTorch stores it: y = x W^T + b. */
#ifndef INK_NN_LINEAR_H
#define INK_NN_LINEAR_H

#include <stddef.h>

void ink_linear_forward(float *y,                                       /* [R,out]               */
                        const float *x, const float *W, const float *b, /* [R,in] [out,in] [out] */
                        size_t R, size_t in, size_t out);

#endif
