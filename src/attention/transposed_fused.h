/* Rows of one head transposed, so that they lie in the lanes; for the fused passes of attention. */
#ifndef INK_ATTENTION_TRANSPOSED_FUSED_H
#define INK_ATTENTION_TRANSPOSED_FUSED_H

#include "tensor/simd.h"

enum { LANES2 = 2 * VL };

/* Rows past D in the transposed blocks make whole VL x VL tiles. */
static inline size_t whole_tiles(size_t D)
{
    return (D + VL - 1) / VL * VL;
}

/* One VL x VL tile: columns d on of n rows of src, the rest zero, go to dst, LANES2 apart. */
static inline __attribute__((always_inline)) void load_tile(float *dst, const float *src, size_t stride,
                                                            size_t n, vf scale)
{
    static const float none[INK_LANES] = {0};
    vf tile[INK_LANES];
#pragma GCC unroll 16
    for (size_t i = 0; i < VL; ++i)
        tile[i] = v_load(i < n ? src + i * stride : none);
    v_transpose(tile);
#pragma GCC unroll 16
    for (size_t i = 0; i < VL; ++i)
        v_store(dst + i * LANES2, tile[i] * scale);
}

/* dst [whole_tiles(D)][LANES2] = scale * the n <= 2VL rows of src, transposed; absent rows are zero. */
static inline void load_transposed(float *dst, const float *src, size_t stride, size_t n, size_t D,
                                   float scale)
{
    const vf factor = v_set(scale);
    for (size_t first = 0; first < n; first += VL) {
        size_t d = 0;
        for (; d + VL <= D; d += VL)
            load_tile(dst + d * LANES2 + first, src + first * stride + d, stride, n - first, factor);
        if (d < D) { /* columns past D may be past the end of all rows */
            float part[INK_LANES * INK_LANES] = {0};
            for (size_t i = 0; i < VL && first + i < n; ++i)
                memcpy(part + i * VL, src + (first + i) * stride + d, (D - d) * sizeof *part);
            load_tile(dst + d * LANES2 + first, part, VL, VL, factor);
        }
    }
}

#endif
