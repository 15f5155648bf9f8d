/* Optimizer steps by their definitions: see update.h. */
#include "nn/update.h"

#include <math.h>

/* What AdamW and Adam share: the moments, and the step they give. */
static float adam_step(float *m, float *v, float g, const ink__update *u)
{
    *m += (1 - u->beta1) * (g - *m);
    *v = u->beta2 * *v + (1 - u->beta2) * g * g;
    return u->lr * u->correct1 * *m / (sqrtf(*v * u->correct2) + u->eps);
}

void ink_adamw(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u)
{
    for (size_t i = 0; i < n; ++i) {
        const float decayed = p[i] - u->lr * u->decay * p[i];
        p[i] = decayed - adam_step(&m[i], &v[i], u->scale * g[i], u);
    }
}

void ink_decay(float *p, size_t n, const ink__update *u)
{
    for (size_t i = 0; i < n; ++i)
        p[i] = p[i] - u->lr * u->decay * p[i];
}

void ink_adam(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u)
{
    for (size_t i = 0; i < n; ++i)
        p[i] -= adam_step(&m[i], &v[i], u->scale * g[i] + u->decay * p[i], u);
}

void ink_sgd(float *p, float *m, const float *g, size_t n, const ink__update *u)
{
    for (size_t i = 0; i < n; ++i) {
        m[i] = u->momentum * m[i] + (u->scale * g[i] + u->decay * p[i]);
        p[i] -= u->lr * m[i];
    }
}

double ink_sum_squares(const float *g, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += (double)g[i] * g[i];
    return sum;
}
