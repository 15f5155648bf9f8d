/* Rotary positions and bias by distance: see attention.h. */
#include "attention/attention.h"

#include <math.h>

/* In single precision step by step, as Hugging Face's classes compute it: at position 8,000 the rounding of
 * the angle shows in the fourth digit, and the models were trained with it. */
void ink_rope_table(float *cosines, float *sines, size_t P, size_t D, double theta)
{
    for (size_t d = 0; d < D / 2; ++d) {
        const float frequency = 1.0f / powf((float)theta, (float)(2 * d) / (float)D);
        for (size_t p = 0; p < P; ++p) {
            const float angle = (float)p * frequency;
            cosines[p * (D / 2) + d] = cosf(angle);
            sines[p * (D / 2) + d] = sinf(angle);
        }
    }
}

/* Each pair by its angle, or by minus that with `sign` -1. */
static inline void rotate(float *x, const float *cosines, const float *sines, const float sign, size_t half)
{
    for (size_t d = 0; d < half; ++d) {
        const float a = x[d], b = x[d + half], sine = sign * sines[d];
        x[d] = a * cosines[d] - b * sine;
        x[d + half] = b * cosines[d] + a * sine;
    }
}

static inline void rotate_all(float *qkv, const float *cosines, const float *sines, const float sign,
                              const size_t *offsets, size_t B, size_t N, size_t D)
{
    for (size_t b = 0; b < B; ++b)
        for (size_t r = offsets[b]; r < offsets[b + 1]; ++r) {
            const size_t at = (r - offsets[b]) * (D / 2);
            for (size_t n = 0; n < 2 * N; ++n) /* queries, then keys */
                rotate(qkv + r * 3 * N * D + n * D, cosines + at, sines + at, sign, D / 2);
        }
}

void ink_rope_forward(float *qkv, const float *cosines, const float *sines, const size_t *offsets, size_t B,
                      size_t N, size_t D)
{
    rotate_all(qkv, cosines, sines, 1, offsets, B, N, D);
}

void ink_rope_backward(float *dqkv, const float *cosines, const float *sines, const size_t *offsets, size_t B,
                       size_t N, size_t D)
{
    rotate_all(dqkv, cosines, sines, -1, offsets, B, N, D);
}

static size_t bucket_of(ptrdiff_t distance)
{
    const size_t half = INK__BUCKETS / 2, exact = half / 2;
    const size_t n = (size_t)(distance < 0 ? -distance : distance), side = distance < 0 ? half : 0;
    if (n < exact)
        return side + n;
    const float scaled =
        logf((float)n / (float)exact) / (float)log(128.0 / (double)exact) * (float)(half - exact);
    const size_t far = exact + (size_t)scaled;
    return side + (far < half ? far : half - 1);
}

void ink_relative_bias(float *bias, const float *table, size_t N, size_t reach)
{
    for (size_t n = 0; n < N; ++n)
        for (size_t x = 0; x < 2 * reach - 1; ++x)
            bias[n * (2 * reach - 1) + x] = table[bucket_of((ptrdiff_t)x - (ptrdiff_t)(reach - 1)) * N + n];
}

void ink_relative_bias_backward(float *dtable, const float *dbias, size_t N, size_t reach)
{
    for (size_t n = 0; n < N; ++n) {
        double sum[INK__BUCKETS] = {0}; /* hundreds of distances share the last bucket */
        for (size_t x = 0; x < 2 * reach - 1; ++x)
            sum[bucket_of((ptrdiff_t)x - (ptrdiff_t)(reach - 1))] += dbias[n * (2 * reach - 1) + x];
        for (size_t bucket = 0; bucket < INK__BUCKETS; ++bucket)
            dtable[bucket * N + n] += (float)sum[bucket];
    }
}
