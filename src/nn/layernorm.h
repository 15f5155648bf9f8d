/* Layer normalisation (Ba, Kiros and Hinton, arXiv 1607.06450) over the last axis. */
#ifndef INK_NN_LAYERNORM_H
#define INK_NN_LAYERNORM_H

#include <stddef.h>

/*   mu = mean_H(x)   rstd = 1/sqrt(mean_H((x-mu)^2) + eps)   y = gamma*(x-mu)*rstd + beta
 * y may be x. */
void ink_layernorm_forward(float *y,                                              /* [R,H]        */
                           const float *x, const float *gamma, const float *beta, /* [R,H] [H] [H] */
                           size_t R, size_t H, float eps);                        /* eps: BERT 1e-12 */

#endif
