/* One head of one sequence, vectorised; included by src/tensor/fused_isa.c.
 *
 * Queries lie in the lanes: a block of up to 2*VL queries is held transposed [D][2VL], and every key and
 * value is a scalar broadcast to all of them, so that nothing is ever reduced across lanes. Keys are taken in
 * blocks with the online softmax of Milakov and Gimelshein (arXiv 1805.02867): a running maximum and sum per
 * query, and a rescaling of what was accumulated when the maximum moves. Scores are in units of log 2, so
 * that exp is exp2. A sequence of one key block, the common case, is never rescaled. */
#ifndef INK_ATTENTION_ATTENTION_FUSED_H
#define INK_ATTENTION_ATTENTION_FUSED_H

#include "attention/attention.h"
#include "attention/transposed_fused.h"

#include <float.h>
#include <math.h>

enum { KEYS = 128 };

static size_t fused_attend_scratch(size_t max_S, size_t D)
{
    return 2 * max_S * D                         /* keys, values */
           + 2 * whole_tiles(D) * LANES2         /* queries, context */
           + (size_t)KEYS * LANES2 + 2 * LANES2; /* scores; maximum and sum */
}

/* The n rows of dst [.,D], `stride` apart = src [whole_tiles(D)][LANES2] transposed, each lane times its own
 * factor [LANES2]. */
static inline void store_context(float *dst, const float *src, const float *factor, size_t stride, size_t n,
                                 size_t D)
{
    for (size_t first = 0; first < n; first += VL) {
        const vf factors = v_load(factor + first);
        for (size_t d = 0; d < D; d += VL) {
            vf tile[INK_LANES];
#pragma GCC unroll 16
            for (size_t i = 0; i < VL; ++i)
                tile[i] = v_load(src + (d + i) * LANES2 + first) * factors;
            v_transpose(tile);
            float *to = dst + first * stride + d;
            if (D - d < VL) {
                for (size_t i = 0; i < VL && first + i < n; ++i)
                    v_store_part(to + i * stride, tile[i], D - d);
                continue;
            }
#pragma GCC unroll 16
            for (size_t i = 0; i < VL; ++i)
                if (first + i < n)
                    v_store(to + i * stride, tile[i]);
        }
    }
}

/* What one block of queries attends to: keys [first, end) of the sequence. */
struct reach {
    size_t query; /* the block's first */
    size_t first, end;
    size_t window;
    const float *bias; /* at distance 0, or NULL */
};

/* Adds the bias to, and takes what is out of the window from, scores [keys][LANES2] of keys from `key` on. */
static void finish_scores(float *scores, const struct reach *reach, size_t key, size_t keys, int V)
{
    vi lane;
    for (int x = 0; x < VL; ++x)
        lane[x] = x;
    const int32_t window = reach->window < INT32_MAX ? (int32_t)reach->window : INT32_MAX;
    for (size_t j = 0; j < keys; ++j)
        for (int x = 0; x < V; ++x) {
            float *s = scores + j * LANES2 + x * VL;
            const ptrdiff_t distance = (ptrdiff_t)(reach->query + (size_t)(x * VL)) - (ptrdiff_t)(key + j);
            const vi apart = lane + (int32_t)distance;
            vf score = v_load(s);
            if (reach->bias) /* idle lanes read on into the table's slack */
                score += 1.44269504f * v_load(reach->bias + distance);
            v_store(s, v_select((apart > window) | (apart < -window), v_set(-INFINITY), score));
        }
}

/* s [count][LANES2] = scores of `count` keys, V vectors of queries wide. */
static inline __attribute__((always_inline)) void score_tile(float *s, const float *q, const float *k,
                                                             size_t D, const int count, const int V)
{
    vf sum[8][2];
    for (int j = 0; j < count; ++j)
        for (int v = 0; v < V; ++v)
            sum[j][v] = (vf){0};
    for (size_t d = 0; d < D; ++d)
        for (int v = 0; v < V; ++v) {
            const vf q_d = v_load(q + d * LANES2 + v * VL);
            for (int j = 0; j < count; ++j)
                sum[j][v] += q_d * k[(size_t)j * D + d];
        }
    for (int j = 0; j < count; ++j)
        for (int v = 0; v < V; ++v)
            v_store(s + j * LANES2 + v * VL, sum[j][v]);
}

/* ctx [count][LANES2] += p [keys][LANES2] times the values' columns d to d + count. */
static inline __attribute__((always_inline)) void
value_tile(float *ctx, const float *p, const float *v_d, size_t keys, size_t D, const int count, const int V)
{
    vf sum[8][2];
    for (int d = 0; d < count; ++d)
        for (int v = 0; v < V; ++v)
            sum[d][v] = v_load(ctx + d * LANES2 + v * VL);
    for (size_t j = 0; j < keys; ++j)
        for (int v = 0; v < V; ++v) {
            const vf p_j = v_load(p + j * LANES2 + v * VL);
            for (int d = 0; d < count; ++d)
                sum[d][v] += p_j * v_d[j * D + (size_t)d];
        }
    for (int d = 0; d < count; ++d)
        for (int v = 0; v < V; ++v)
            v_store(ctx + d * LANES2 + v * VL, sum[d][v]);
}

/* One block of queries against the keys it reaches. ctx [D][LANES2], top and total [LANES2] are accumulated.
 */
static inline __attribute__((always_inline)) void attend_block(float *ctx, float *top, float *total,
                                                               float *scores, const float *q, const float *k,
                                                               const float *v, const struct reach *reach,
                                                               size_t D, const int V)
{
    enum { TILE = VL == 16 ? 8 : 4 }; /* sums of a tile fit the registers: 32 with AVX-512, else 16 */
    for (size_t first = reach->first; first < reach->end; first += KEYS) {
        const size_t keys = reach->end - first < KEYS ? reach->end - first : KEYS;
        const float *k_block = k + first * D, *v_block = v + first * D; /* [keys,D] */
        size_t j = 0;
        for (; j + TILE <= keys; j += TILE)
            score_tile(scores + j * LANES2, q, k_block + j * D, D, TILE, V);
        for (; j < keys; ++j)
            score_tile(scores + j * LANES2, q, k_block + j * D, D, 1, V);
        if (reach->bias || reach->window != SIZE_MAX)
            finish_scores(scores, reach, first, keys, V);

        for (int x = 0; x < V; ++x) {
            const vf before = v_load(top + x * VL);
            vf highest = before, sum = {0};
            for (j = 0; j < keys; ++j)
                highest = v_max(v_load(scores + j * LANES2 + x * VL), highest);
            for (j = 0; j < keys; ++j) {
                const vf p = v_exp2(v_load(scores + j * LANES2 + x * VL) - highest);
                v_store(scores + j * LANES2 + x * VL, p);
                sum += p;
            }
            if (first > reach->first) {
                const vf shrink = v_exp2(before - highest);
                sum += v_load(total + x * VL) * shrink;
                for (size_t d = 0; d < D; ++d)
                    v_store(ctx + d * LANES2 + x * VL, v_load(ctx + d * LANES2 + x * VL) * shrink);
            }
            v_store(top + x * VL, highest);
            v_store(total + x * VL, sum);
        }

        size_t d = 0;
        for (; d + TILE <= D; d += TILE)
            value_tile(ctx + d * LANES2, scores, v_block + d, keys, D, TILE, V);
        for (; d < D; ++d)
            value_tile(ctx + d * LANES2, scores, v_block + d, keys, D, 1, V);
    }
}

/* dst [S,D] = rows that are `stride` apart: too short each for memcpy to be quick. */
static inline void copy_rows(float *dst, const float *src, size_t stride, size_t S, size_t D)
{
    for (size_t j = 0; j < S; ++j) {
        size_t d = 0;
        for (; d + VL <= D; d += VL)
            v_store(dst + j * D + d, v_load(src + j * stride + d));
        for (; d < D; ++d)
            dst[j * D + d] = src[j * stride + d];
    }
}

static void fused_attend(float *ctx, float *scratch, const float *qkv, size_t S, const ink__attending *how,
                         size_t head)
{
    const size_t D = how->D, H = how->N * D, stride = 3 * H, tiles = whole_tiles(D);
    float *q = scratch, *sum = q + tiles * LANES2;              /* [tiles][LANES2] each */
    float *scores = sum + tiles * LANES2;                       /* [KEYS][LANES2] */
    float *top = scores + KEYS * LANES2, *total = top + LANES2; /* [LANES2] each */
    float *k = total + LANES2, *v = k + S * D;                  /* [S,D] each */
    copy_rows(k, qkv + H, stride, S, D);
    copy_rows(v, qkv + 2 * H, stride, S, D);
    const float scale = 1.44269504f / sqrtf((float)D); /* log2(e) / sqrt(D) */
    for (size_t first = 0; first < S; first += LANES2) {
        const size_t n = S - first < LANES2 ? S - first : LANES2;
        struct reach reach = {.query = first, .window = how->window, .bias = ink__attending_bias(how, head)};
        size_t ignored;
        ink__attending_keys(&reach.first, &ignored, how, first, S);
        ink__attending_keys(&ignored, &reach.end, how, first + n - 1, S);
        load_transposed(q, qkv + first * stride, stride, n, D, scale);
        memset(sum, 0, tiles * LANES2 * sizeof *sum);
        for (size_t i = 0; i < LANES2; ++i)
            top[i] = -FLT_MAX; /* finite, for a block may hold no key that a query sees */
        if (n > VL)
            attend_block(sum, top, total, scores, q, k, v, &reach, D, 2);
        else
            attend_block(sum, top, total, scores, q, k, v, &reach, D, 1);
        for (size_t i = 0; i < n; ++i)
            total[i] = 1.0f / total[i];
        store_context(ctx + first * H, sum, total, H, n, D);
    }
}

#endif
