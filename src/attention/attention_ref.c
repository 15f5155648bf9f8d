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

/* ctx_i [D] for query i against the keys [first, end) of its sequence; keys and values are `stride` apart. */
static void attend(float *ctx_i, float *scores, const float *q_i, const float *k, const float *v,
                   size_t stride, size_t i, size_t first, size_t end, const float *bias, size_t D)
{
    const float scale = 1.0f / sqrtf((float)D);
    float top = -INFINITY;
    for (size_t j = first; j < end; ++j) {
        scores[j] = dot(q_i, k + j * stride, D) * scale;
        if (bias)
            scores[j] += bias[(ptrdiff_t)i - (ptrdiff_t)j];
        top = scores[j] > top ? scores[j] : top;
    }
    double sum = 0;
    for (size_t j = first; j < end; ++j) {
        scores[j] = expf(scores[j] - top);
        sum += scores[j];
    }
    for (size_t d = 0; d < D; ++d) {
        double value = 0;
        for (size_t j = first; j < end; ++j)
            value += (double)scores[j] * v[j * stride + d];
        ctx_i[d] = (float)(value / sum);
    }
}

void ink_attention_forward(float *ctx, float *scores, const float *qkv, const size_t *offsets, size_t B,
                           const ink__attending *how)
{
    const size_t N = how->N, D = how->D, H = N * D, stride = 3 * H;
    for (size_t b = 0; b < B; ++b) {
        const size_t S = offsets[b + 1] - offsets[b];
        const float *rows = qkv + offsets[b] * stride; /* [S,3H] */
        for (size_t n = 0; n < N; ++n)
            for (size_t i = 0; i < S; ++i) {
                size_t first, end;
                ink__attending_keys(&first, &end, how, i, S);
                attend(ctx + (offsets[b] + i) * H + n * D, scores, rows + i * stride + n * D,
                       rows + H + n * D, rows + 2 * H + n * D, stride, i, first, end,
                       ink__attending_bias(how, n), D);
            }
    }
}
