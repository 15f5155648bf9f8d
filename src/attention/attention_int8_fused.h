/* One head of one sequence in integers, for processors with VNNI; included by src/tensor/fused_isa.c.
 *
 * As attention_fused.h goes: queries in the lanes, keys in blocks with the online softmax. Queries and keys
 * are quantized to 8 bits by their own largest magnitude, so that scores are exact sums of theirs;
 * probabilities and values to 12 bits, values by the largest magnitude in the sequence and head. A block's
 * sums fit 32 bits: KEYS times 2^12 times 2^11 is 2^30. */
#ifndef INK_ATTENTION_ATTENTION_INT8_FUSED_H
#define INK_ATTENTION_ATTENTION_INT8_FUSED_H

#include "attention/attention_fused.h"
#include "nn/quantize.h"

#if INK_LANES == 16 && defined(__AVX512VNNI__)
#define INK_HAVE_ATTEND_INT8

typedef uint32_t vu_loose __attribute__((vector_size(4 * INK_LANES), aligned(4), may_alias));

/* Four bytes without sign times four with one, in each lane, added up; two words likewise. */
static inline vi v_dot_bytes(vi sum, vu a, uint32_t b)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, _mm512_set1_epi32((int)b));
}

static inline vi v_dot_words(vi sum, vu a, uint32_t b)
{
    return (vi)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, _mm512_set1_epi32((int)b));
}

static inline vf v_abs(vf x)
{
    return (vf)((vu)x & 0x7FFFFFFFu);
}

/* quads [tiles/4][LANES2]: four columns of a row each, column d + i in byte i, of block [tiles][LANES2],
 * where rows lie in the lanes; scale [LANES2] of the rows. Bytes are `zero` more than the number, which is at
 * most 127 in magnitude. */
static inline __attribute__((always_inline)) void
quantize_lanes(uint32_t *quads, float *scale, const float *block, size_t tiles, const int V, const int zero)
{
    const vf magic = v_set(0x1.8p23f + (float)zero);
    for (int x = 0; x < V; ++x) {
        const float *lanes = block + x * VL;
        vf top = v_set(INK__LEAST_RANGE);
        for (size_t d = 0; d < tiles; ++d)
            top = v_max(v_abs(v_load(lanes + d * LANES2)), top);
        const vf per = 127.0f / top;
        for (size_t d = 0; d < tiles; d += 4) {
            vu bits[4];
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; ++i)
                bits[i] = (vu)(v_load(lanes + (d + i) * LANES2) * per + magic);
            *(vu_loose *)(quads + d / 4 * LANES2 + x * VL) =
                (bits[0] & 0xFFu) | (bits[1] << 8 & 0xFF00u) | (bits[2] << 16 & 0xFF0000u) | bits[3] << 24;
        }
        v_store(scale + x * VL, top * (1.0f / 127));
    }
}

/* What the sequence's keys and values become. */
struct int8_head {
    uint32_t *keys;     /* [blocks of LANES2 keys][tiles/4][LANES2] */
    float *key_scale;   /* [S] */
    int32_t *key_start; /* [S] what a sum begins at: -128 times the sum of the key's bytes, for queries carry
                           +128 */
    uint32_t *values;   /* [S/2][D]: two keys' values in a word each */
    float value_scale;
};

static void quantize_keys(struct int8_head *h, float *block, const float *k, size_t stride, size_t S,
                          size_t D)
{
    const size_t tiles = whole_tiles(D);
    for (size_t j = 0; j < S; j += LANES2) {
        const size_t n = S - j < LANES2 ? S - j : LANES2;
        uint32_t *quads = h->keys + j * (tiles / 4); /* [tiles/4][LANES2] */
        load_transposed(block, k + j * stride, stride, n, D, 1);
        quantize_lanes(quads, h->key_scale + j, block, tiles, n > VL ? 2 : 1, 0);
        for (size_t x = 0; x < n; x += VL) {
            vi sum = {0};
            for (size_t d = 0; d < tiles / 4; ++d) /* 128 in every byte of the first factor */
                sum = (vi)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi8((char)128),
                                              (__m512i) * (const vu_loose *)(quads + d * LANES2 + x));
            *(vu_loose *)(h->key_start + j + x) = (vu)-sum;
        }
    }
}

static inline vu values_at(const float *v, size_t n, vf per)
{
    const vf magic = v_set(0x1.8p23f);
    const vf x = n >= VL ? v_load(v) : v_load_part(v, n);
    return (vu)(x * per + magic) & 0xFFFFu;
}

static void quantize_values(struct int8_head *h, const float *v, size_t stride, size_t S, size_t D)
{
    vf tops = v_set(INK__LEAST_RANGE), sums = {0};
    for (size_t j = 0; j < S; ++j)
        for (size_t d = 0; d < D; d += VL) {
            const float *at = v + j * stride + d;
            const vf x = D - d >= VL ? v_load(at) : v_load_part(at, D - d);
            tops = v_max(v_abs(x), tops);
            sums += x;
        }
    const float sum = v_sum(sums),
                nothing = sum - sum; /* 0; or NaN, which then is all that comes of the head */
    const float top = v_greatest(tops);
    const vf per = v_set(2047.0f / top);
    for (size_t j = 0; j < S; j += 2)
        for (size_t d = 0; d < D; d += VL) {
            const size_t n = D - d;
            vu pair = values_at(v + j * stride + d, n, per);
            if (j + 1 < S)
                pair |= values_at(v + (j + 1) * stride + d, n, per) << 16;
            uint32_t *to = h->values + j / 2 * D + d;
            if (n >= VL)
                *(vu_loose *)to = pair;
            else
                memcpy(to, &pair, n * sizeof *to);
        }
    h->value_scale = top * (1.0f / 2047) + nothing;
}

/* s [count][LANES2] = scores of `count` keys, V vectors of queries wide. */
static inline __attribute__((always_inline)) void
score_tile_int8(float *s, const uint32_t *q, const vf *q_scale, const uint32_t *keys, const float *key_scale,
                const int32_t *key_start, size_t quads, const int count, const int V)
{
    vi sum[8][2];
    for (int j = 0; j < count; ++j)
        for (int x = 0; x < V; ++x)
            sum[j][x] = (vi){0} + key_start[j];
    for (size_t d = 0; d < quads; ++d)
        for (int x = 0; x < V; ++x) {
            const vu q_d = *(const vu_loose *)(q + d * LANES2 + x * VL);
            for (int j = 0; j < count; ++j)
                sum[j][x] = v_dot_bytes(sum[j][x], q_d, keys[d * LANES2 + (size_t)j]);
        }
    for (int j = 0; j < count; ++j)
        for (int x = 0; x < V; ++x)
            v_store(s + j * LANES2 + x * VL,
                    __builtin_convertvector(sum[j][x], vf) * (q_scale[x] * key_scale[j]));
}

/* ctx [count][LANES2] = or, if it is not fresh, += p [pairs][LANES2] times the values' columns, in units of
 * both. */
static inline __attribute__((always_inline)) void value_tile_int8(float *ctx, const uint32_t *p,
                                                                  const uint32_t *values, size_t pairs,
                                                                  size_t D, bool fresh, const int count,
                                                                  const int V)
{
    vi sum[8][2];
    for (int d = 0; d < count; ++d)
        for (int x = 0; x < V; ++x)
            sum[d][x] = (vi){0};
    for (size_t j = 0; j < pairs; ++j)
        for (int x = 0; x < V; ++x) {
            const vu p_j = *(const vu_loose *)(p + j * LANES2 + x * VL);
            for (int d = 0; d < count; ++d)
                sum[d][x] = v_dot_words(sum[d][x], p_j, values[j * D + (size_t)d]);
        }
    for (int d = 0; d < count; ++d)
        for (int x = 0; x < V; ++x) {
            float *to = ctx + d * LANES2 + x * VL;
            const vf more = __builtin_convertvector(sum[d][x], vf);
            v_store(to, fresh ? more : v_load(to) + more);
        }
}

/* 4095 times 2^x for x <= 0, to the nearest whole number. */
static inline vu v_probability(vf x)
{
    x = v_max(x, v_set(-20.0f));
    const vf magic = v_set(0x1.8p23f + 127), sum = x + magic, r = x - (sum - magic);
    /* 2^r for r in [-1/2, 1/2], fitted for least relative error (3e-6); 4095 of it. */
    vf p = r * (4095 * 9.58285e-3f) + 4095 * 5.590643e-2f;
    p = p * r + 4095 * 2.4024099e-1f;
    p = p * r + 4095 * 6.9312419e-1f;
    p = p * r + 4095.0f;
    p *= (vf)((vu)sum << 23);
    return (vu)(p + v_set(0x1.8p23f)) & 0xFFFFu;
}

static inline __attribute__((always_inline)) void
attend_block_int8(float *ctx, float *top, float *total, float *scores, uint32_t *p, const uint32_t *q,
                  const vf *q_scale, const struct int8_head *h, const struct reach *reach, size_t D,
                  const int V)
{
    enum { TILE = 8 };
    const size_t quads = whole_tiles(D) / 4;
    for (size_t first = reach->first; first < reach->end; first += KEYS) {
        const size_t keys = reach->end - first < KEYS ? reach->end - first : KEYS;
        const bool fresh = first == reach->first;
        for (size_t j = 0, n; j < keys; j += n) { /* a tile lies within one block of keys */
            const size_t key = first + j;
            const uint32_t *at = h->keys + key / LANES2 * LANES2 * quads + key % LANES2;
            n = keys - j >= TILE && key % LANES2 + TILE <= LANES2 ? TILE : 1;
            if (n == TILE)
                score_tile_int8(scores + j * LANES2, q, q_scale, at, h->key_scale + key, h->key_start + key,
                                quads, TILE, V);
            else
                score_tile_int8(scores + j * LANES2, q, q_scale, at, h->key_scale + key, h->key_start + key,
                                quads, 1, V);
        }
        if (reach->bias || reach->window != SIZE_MAX)
            finish_scores(scores, reach, first, keys, V);

        for (int x = 0; x < V; ++x) {
            const vf before = v_load(top + x * VL);
            vf highest = before;
            for (size_t j = 0; j < keys; ++j)
                highest = v_max(v_load(scores + j * LANES2 + x * VL), highest);
            vu sum = {0};
            for (size_t j = 0; j < keys; j += 2) {
                const vu a = v_probability(v_load(scores + j * LANES2 + x * VL) - highest);
                vu b = {0};
                if (j + 1 < keys)
                    b = v_probability(v_load(scores + (j + 1) * LANES2 + x * VL) - highest);
                sum += a + b;
                *(vu_loose *)(p + j / 2 * LANES2 + x * VL) = a | b << 16;
            }
            vf sums = __builtin_convertvector((vi)sum, vf);
            if (!fresh) {
                const vf shrink = v_exp2(before - highest);
                sums += v_load(total + x * VL) * shrink;
                for (size_t d = 0; d < D; ++d)
                    v_store(ctx + d * LANES2 + x * VL, v_load(ctx + d * LANES2 + x * VL) * shrink);
            }
            v_store(top + x * VL, highest);
            v_store(total + x * VL, sums);
        }

        /* Keys go in pairs from the block's first on: windows begin at even keys for that. */
        const uint32_t *values = h->values + first / 2 * D;
        const size_t pairs = (keys + 1) / 2;
        size_t d = 0;
        for (; d + TILE <= D; d += TILE)
            value_tile_int8(ctx + d * LANES2, p, values + d, pairs, D, fresh, TILE, V);
        for (; d < D; ++d)
            value_tile_int8(ctx + d * LANES2, p, values + d, pairs, D, fresh, 1, V);
    }
}

static size_t fused_attend_int8_scratch(size_t max_S, size_t D)
{
    const size_t tiles = whole_tiles(D), S = (max_S + LANES2 - 1) / LANES2 * LANES2;
    return 2 * tiles * LANES2 + tiles / 4 * LANES2      /* queries or keys, context; queries in bytes */
           + (size_t)KEYS * LANES2 * 3 / 2 + 2 * LANES2 /* scores, probabilities; maximum and sum */
           + LANES2                                     /* scales of queries */
           + S * (tiles / 4 + 2) + (S / 2) * D;         /* keys with scales and starts, values */
}

static void fused_attend_int8(float *ctx, float *scratch, const float *qkv, size_t S,
                              const ink__attending *how, size_t head)
{
    const size_t D = how->D, H = how->N * D, stride = 3 * H, tiles = whole_tiles(D);
    const size_t S_whole = (S + LANES2 - 1) / LANES2 * LANES2;
    float *block = scratch, *sum = block + tiles * LANES2;      /* [tiles][LANES2] each */
    float *scores = sum + tiles * LANES2;                       /* [KEYS][LANES2] */
    float *top = scores + KEYS * LANES2, *total = top + LANES2; /* [LANES2] each */
    float *query_scale = total + LANES2;                        /* [LANES2] */
    uint32_t *p = (uint32_t *)(void *)(query_scale + LANES2);   /* [KEYS/2][LANES2] */
    uint32_t *q = p + KEYS / 2 * LANES2;                        /* [tiles/4][LANES2] */
    struct int8_head h = {.keys = q + tiles / 4 * LANES2};
    h.key_scale = (float *)(void *)(h.keys + tiles / 4 * S_whole);
    h.key_start = (int32_t *)(void *)(h.key_scale + S_whole);
    h.values = (uint32_t *)(void *)(h.key_start + S_whole);
    quantize_keys(&h, block, qkv + H, stride, S, D);
    quantize_values(&h, qkv + 2 * H, stride, S, D);
    const float scale = 1.44269504f / sqrtf((float)D); /* log2(e) / sqrt(D) */
    for (size_t first = 0; first < S; first += LANES2) {
        const size_t n = S - first < LANES2 ? S - first : LANES2;
        const int V = n > VL ? 2 : 1;
        struct reach reach = {.query = first, .window = how->window, .bias = ink__attending_bias(how, head)};
        size_t ignored;
        ink__attending_keys(&reach.first, &ignored, how, first, S);
        ink__attending_keys(&ignored, &reach.end, how, first + n - 1, S);
        reach.first -= reach.first % 2;
        load_transposed(block, qkv + first * stride, stride, n, D, scale);
        if (V == 2)
            quantize_lanes(q, query_scale, block, tiles, 2, 128);
        else
            quantize_lanes(q, query_scale, block, tiles, 1, 128);
        const vf q_scale[2] = {v_load(query_scale), v_load(query_scale + VL)};
        for (size_t i = 0; i < LANES2; ++i)
            top[i] = -FLT_MAX; /* finite, for a block may hold no key that a query sees */
        if (V == 2)
            attend_block_int8(sum, top, total, scores, p, q, q_scale, &h, &reach, D, 2);
        else
            attend_block_int8(sum, top, total, scores, p, q, q_scale, &h, &reach, D, 1);
        for (size_t i = 0; i < n; ++i)
            total[i] = h.value_scale / total[i];
        store_context(ctx + first * H, sum, total, H, n, D);
    }
}
#endif

#endif
