/* Vectors of INK_LANES floats in GNU C's portable vector extension, and the few functions on them that the
 * fused passes need. Files that include this are compiled once per instruction set (src/CMakeLists.txt) with
 * INK_LANES 16, 8 or 4, and the best is chosen at run time (tensor/fused.h). */
#ifndef INK_TENSOR_SIMD_H
#define INK_TENSOR_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

enum { VL = INK_LANES };

typedef float vf __attribute__((vector_size(4 * INK_LANES)));
typedef int32_t vi __attribute__((vector_size(4 * INK_LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * INK_LANES)));
typedef uint64_t vw __attribute__((vector_size(4 * INK_LANES))); /* VL/2 lanes of twice the width */
typedef double vd __attribute__((vector_size(4 * INK_LANES)));   /* likewise */
typedef float vh_loose __attribute__((vector_size(2 * INK_LANES), aligned(4), may_alias));
typedef float vf_loose __attribute__((vector_size(4 * INK_LANES), aligned(4), may_alias));

static inline vf v_load(const float *p)
{
    return *(const vf_loose *)p;
}

static inline void v_store(float *p, vf x)
{
    *(vf_loose *)p = x;
}

/* VL/2 floats as doubles. */
static inline vd v_load_wide(const float *p)
{
    return __builtin_convertvector(*(const vh_loose *)p, vd);
}

/* The first n < VL lanes; the rest are zero, or stay untouched. */
static inline vf v_load_part(const float *p, size_t n)
{
    vf x = {0};
    memcpy(&x, p, n * sizeof *p);
    return x;
}

static inline void v_store_part(float *p, vf x, size_t n)
{
    memcpy(p, &x, n * sizeof *p);
}

static inline vf v_set(float x)
{
    return x - (vf){0};
}

/* a where the mask lane is all ones, else b. */
static inline vf v_select(vi mask, vf a, vf b)
{
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

/* b where either is NaN. gcc does not find the instructions by itself. */
static inline vf v_max(vf a, vf b)
{
#if INK_LANES == 16 && defined(__AVX512F__)
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif INK_LANES == 8 && defined(__AVX__)
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif INK_LANES == 4 && defined(__SSE2__)
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
#else
    return v_select(a > b, a, b);
#endif
}

static inline vf v_min(vf a, vf b)
{
#if INK_LANES == 16 && defined(__AVX512F__)
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif INK_LANES == 8 && defined(__AVX__)
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif INK_LANES == 4 && defined(__SSE2__)
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
#else
    return v_select(a < b, a, b);
#endif
}

static inline vw v_set_wide(uint64_t x)
{
    return (vw){0} + x;
}

/* Products of the lower halves of 64-bit lanes. gcc does not find the instruction by itself. */
static inline vw v_multiply_wide(vw a, vw b)
{
#if INK_LANES == 16 && defined(__AVX512F__)
    return (vw)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif INK_LANES == 8 && defined(__AVX2__)
    return (vw)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif INK_LANES == 4 && defined(__SSE2__)
    return (vw)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

static inline vf v_sqrt(vf x)
{
#if INK_LANES == 16 && defined(__AVX512F__)
    return (vf)_mm512_sqrt_ps((__m512)x);
#elif INK_LANES == 8 && defined(__AVX__)
    return (vf)_mm256_sqrt_ps((__m256)x);
#elif INK_LANES == 4 && defined(__SSE2__)
    return (vf)_mm_sqrt_ps((__m128)x);
#else
    for (int i = 0; i < INK_LANES; ++i)
        x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

/* Sum of the lanes by halves: always in the same order. */
static inline float v_sum(vf x)
{
#if INK_LANES == 16 && defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)x);
#endif
    float lane[INK_LANES];
    memcpy(lane, &x, sizeof lane);
    for (int n = INK_LANES / 2; n > 0; n /= 2)
        for (int i = 0; i < n; ++i)
            lane[i] += lane[i + n];
    return lane[0];
}

/* The lanes' least and greatest. */
static inline float v_least(vf x)
{
#if INK_LANES == 16 && defined(__AVX512F__)
    return _mm512_reduce_min_ps((__m512)x);
#endif
    float least = x[0];
    for (int i = 1; i < INK_LANES; ++i)
        least = x[i] < least ? x[i] : least;
    return least;
}

static inline float v_greatest(vf x)
{
    return -v_least(-x);
}

/* The lowest byte of every lane. */
static inline void v_store_bytes(uint8_t *p, vu x)
{
#if INK_LANES == 16 && defined(__AVX512F__)
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8((__m512i)x));
#elif INK_LANES == 8 && defined(__AVX2__)
    const __m256i low = _mm256_shuffle_epi8((__m256i)x, _mm256_set1_epi32(0x0C080400));
    const __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    _mm_storel_epi64((__m128i *)(void *)p, both);
#else
    for (int i = 0; i < INK_LANES; ++i)
        p[i] = (uint8_t)x[i];
#endif
}

/* VL integers as floats. */
static inline vf v_load_integers(const int32_t *p)
{
    typedef int32_t vi_loose __attribute__((vector_size(4 * INK_LANES), aligned(4), may_alias));
    return __builtin_convertvector(*(const vi_loose *)p, vf);
}

/* 2^x, relative error below 2e-7 for x in [-126, 127]; below -126 it is 0. NaN stays NaN. */
static inline vf v_exp2(vf x)
{
    const vi none = x < v_set(-126.0f);
    /* Adding 1.5 * 2^23 leaves the nearest whole number n in the low bits of the sum; 127 more makes them the
     * exponent field of 2^n. */
    const vf magic = v_set(0x1.8p23f + 127), sum = x + magic, r = x - (sum - magic);
    /* 2^r for r in [-1/2, 1/2], fitted for least relative error (1.9e-9 before rounding). */
    vf p = r * 1.5345812e-4f + 1.33999316e-3f;
    p = p * r + 9.61848896e-3f;
    p = p * r + 5.55032878e-2f;
    p = p * r + 2.40226469e-1f;
    p = p * r + 6.93147206e-1f;
    p = p * r + 1.0f;
    p *= (vf)((vu)sum << 23); /* a product, so that a NaN in p stays one whatever its bits */
    return (vf)((vi)p & ~none);
}

/* erf(z), absolute error below 4e-7: an odd rational fit on |z| < 3.92, past which erf rounds to +-1. */
static inline vf v_erf(vf z)
{
    z = v_select(z > v_set(3.92f), v_set(3.92f), v_select(z < v_set(-3.92f), v_set(-3.92f), z));
    const vf u = z * z;
    vf p = u * 2.0347245e-6f + 2.87478848e-4f;
    p = p * u + 3.8683333e-3f;
    p = p * u + 5.30604981e-2f;
    p = p * u + 1.92764297e-1f;
    p = p * u + 1.12837899f;
    vf q = u * 3.80705023e-5f + 1.18811533e-3f;
    q = q * u + 1.51723083e-2f;
    q = q * u + 1.15084708e-1f;
    q = q * u + 5.04164577e-1f;
    q = q * u + 1.0f;
    return z * p / q;
}

/* tanh(z), absolute error below 3e-7. */
static inline vf v_tanh(vf z)
{
    z = v_select(z > v_set(10.0f), v_set(10.0f), v_select(z < v_set(-10.0f), v_set(-10.0f), z));
    return 1.0f - 2.0f / (v_exp2(z * 2.88539008f) + 1.0f); /* 2 log2(e) */
}

/* Lanes of a and b taken alternately, from their lower and from their upper halves. */
#if INK_LANES == 16
#define V_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define V_HIGH(a, b)                                                                                         \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif INK_LANES == 8
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/* row [VL] of VL lanes each, transposed in place: log2(VL) perfect shuffles. */
static inline __attribute__((always_inline)) void v_transpose(vf row[INK_LANES])
{
#pragma GCC unroll 4
    for (int stage = 1; stage < INK_LANES; stage *= 2) { /* unrolled, so that rows stay in registers */
        vf next[INK_LANES];
#pragma GCC unroll 8
        for (int i = 0; i < INK_LANES / 2; ++i) {
            next[2 * i] = V_LOW(row[i], row[i + INK_LANES / 2]);
            next[2 * i + 1] = V_HIGH(row[i], row[i + INK_LANES / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < INK_LANES; ++i)
            row[i] = next[i];
    }
}

#endif
