/* Layer normalisation (Ba, Kiros and Hinton, arXiv 1607.06450) over the last axis. */
#ifndef INK_NN_LAYERNORM_H
#define INK_NN_LAYERNORM_H

#include <stddef.h>

/*   mu = mean_H(x)   rstd = 1/sqrt(mean_H((x-mu)^2) + eps)   xh = (x-mu)*rstd   y = gamma*xh + beta
 * y may be x. */
void ink_layernorm_forward(float *y,                                              /* [R,H]        */
                           const float *x, const float *gamma, const float *beta, /* [R,H] [H] [H] */
                           size_t R, size_t H, float eps);                        /* eps: BERT 1e-12 */

/* The same, keeping xh and rstd for the backward. xh may be x; y may be neither. */
void ink_layernorm_train(float *y, float *xh, float *rstd,                      /* [R,H] [R,H] [R] */
                         const float *x, const float *gamma, const float *beta, /* [R,H] [H] [H]   */
                         size_t R, size_t H, float eps);

/* With g = gamma*dy:  dx = rstd * (g - mean_H(g) - xh*mean_H(g*xh)). dx may be dy. */
void ink_layernorm_backward(float *dx,                                           /* [R,H] */
                            const float *dy, const float *xh, const float *rstd, /* [R,H] [R,H] [R] */
                            const float *gamma, size_t R, size_t H);             /* [H] */

/* For columns [first,end) of H:  dgamma += sum_R dy*xh     dbeta += sum_R dy */
void ink_layernorm_gradients(float *dgamma, float *dbeta, const float *dy, const float *xh, size_t R,
                             size_t H, size_t first, size_t end);

#endif
