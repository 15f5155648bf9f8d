/* Dropout by its definition: see dropout.h. */
#include "nn/dropout.h"

#include "core/random.h"

bool ink__dropout_keeps(const ink__dropout *drop, size_t row, size_t column)
{
    const uint32_t counter = (uint32_t)(column / 128 * 16 + column % 16), piece = column % 128 / 16;
    uint32_t words[4];
    ink__random_u32x4(words, drop->seed, (uint64_t)drop->step << 32 | drop->site,
                      (uint64_t)(uint32_t)(drop->row + row) << 32 | counter);
    return (words[piece / 2] >> piece % 2 * 16 & 0xFFFF) >= drop->threshold;
}

/*   y = m*x + residual       dx = m*dy       m = 0 or 1 / (1 - threshold / 65536)   */
void ink_dropout_add(float *y, const float *x, const float *residual, const ink__dropout *drop, size_t R,
                     size_t H)
{
    const float scale = ink__dropout_scale(drop);
    for (size_t r = 0; r < R; ++r)
        for (size_t h = 0; h < H; ++h) {
            const float m = drop->threshold == 0 ? 1 : ink__dropout_keeps(drop, r, h) ? scale : 0;
            y[r * H + h] = m * x[r * H + h] + (residual ? residual[r * H + h] : 0);
        }
}
