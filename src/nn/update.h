/* One optimizer step over a run of n parameters, element by element, as torch.optim orders it. With
 * g' = scale * g throughout, and every buffer starting at zero:
 *
 *   AdamW, decoupled decay (Loshchilov and Hutter, arXiv 1711.05101):
 *     p -= lr * decay * p
 *     m += (1 - beta1) * (g' - m)     v = beta2 * v + (1 - beta2) * g'^2
 *     p -= lr * correct1 * m / (sqrt(v * correct2) + eps)
 *   Adam (Kingma and Ba, arXiv 1412.6980), decay as an L2 penalty:
 *     g' += decay * p                 then as above without the first line
 *   SGD with momentum (Polyak's), L2, no dampening, not Nesterov's:
 *     g' += decay * p     m = momentum * m + g'     p -= lr * m */
#ifndef INK_NN_UPDATE_H
#define INK_NN_UPDATE_H

#include <stddef.h>

typedef struct ink__update {
    float lr;    /* of this step and these parameters */
    float decay; /* lambda; 0 for biases and norms */
    float scale; /* gradients are multiplied by this first: accumulation and clipping */
    float beta1, beta2, eps;
    float correct1, correct2; /* 1 / (1 - beta1^t), 1 / (1 - beta2^t) for step t from 1; 1: no correction */
    float momentum;
} ink__update;

void ink_adamw(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u);
/* What AdamW leaves of parameters whose gradient and moments are zero: p -= lr * decay * p. */
void ink_decay(float *p, size_t n, const ink__update *u);
void ink_adam(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u);
void ink_sgd(float *p, float *m, const float *g, size_t n, const ink__update *u);

/* Sum of the squares of g [n], in double, always in the same order: the norm that clipping looks at. */
double ink_sum_squares(const float *g, size_t n);

#endif
