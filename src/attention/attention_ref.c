/* Attention by its definition: see attention.h. */
#include "attention/attention.h"

#include <math.h>

static float dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += (double)a[i] * b[i];
    return (float)sum;
}

/* ctx_i [D] for one query against the S keys and values of its sequence, `stride` apart. */
static void attend(float *ctx_i, float *scores, const float *q_i, const float *k, const float *v,
                   size_t stride, size_t S, size_t D)
{
    const float scale = 1.0f / sqrtf((float)D);
    float top = -INFINITY;
    for (size_t j = 0; j < S; ++j) {
        scores[j] = dot(q_i, k + j * stride, D) * scale;
        top = scores[j] > top ? scores[j] : top;
    }
    double sum = 0;
    for (size_t j = 0; j < S; ++j) {
        scores[j] = expf(scores[j] - top);
        sum += scores[j];
    }
    for (size_t d = 0; d < D; ++d) {
        double value = 0;
        for (size_t j = 0; j < S; ++j)
            value += (double)scores[j] * v[j * stride + d];
        ctx_i[d] = (float)(value / sum);
    }
}

void ink_attention_forward(float *ctx, float *scores, const float *qkv, const size_t *offsets, size_t B,
                           size_t N, size_t D)
{
    const size_t H = N * D, stride = 3 * H;
    for (size_t b = 0; b < B; ++b) {
        const size_t S = offsets[b + 1] - offsets[b];
        const float *rows = qkv + offsets[b] * stride; /* [S,3H] */
        for (size_t n = 0; n < N; ++n)
            for (size_t i = 0; i < S; ++i)
                attend(ctx + (offsets[b] + i) * H + n * D, scores, rows + i * stride + n * D,
                       rows + H + n * D, rows + 2 * H + n * D, stride, S, D);
    }
}
