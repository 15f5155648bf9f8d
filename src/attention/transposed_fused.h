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

/* dst [whole_tiles(D)][LANES2] = scale * the n <= 2VL rows of src, transposed; absent rows are zero. */
static inline void load_transposed(float *dst, const float *src, size_t stride, size_t n, size_t D,
                                   float scale)
{
    for (size_t first = 0; first < LANES2 && first < (n + VL - 1) / VL * VL; first += VL)
        for (size_t d = 0; d < D; d += VL) {
            vf tile[INK_LANES];
            for (size_t i = 0; i < VL; ++i) {
                const float *row = src + (first + i) * stride + d;
                if (first + i >= n)
                    tile[i] = (vf){0};
                else
                    tile[i] = D - d >= VL ? v_load(row) : v_load_part(row, D - d);
            }
            v_transpose(tile);
            for (size_t i = 0; i < VL; ++i)
                v_store(dst + (d + i) * LANES2 + first, tile[i] * scale);
        }
}

#endif
