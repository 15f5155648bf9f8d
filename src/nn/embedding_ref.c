/* Embedding sums: see embedding.h. The same code serves every backend: it is a walk over memory. */
#include "nn/embedding.h"

/* y [H] += table[index] */
static void add_row(float *y, float *row, ink__table table, size_t index, size_t H)
{
    ink__to_f32(row, table.data + index * H * ink__dtype_size(table.dtype), table.dtype, H);
    for (size_t h = 0; h < H; ++h)
        y[h] += row[h];
}

void ink_embedding_forward(float *y, float *row, const int32_t *ids, const int32_t *types,
                           const size_t *offsets, size_t B, ink__table word, ink__table position,
                           ink__table type, size_t first_position, size_t H)
{
    const size_t word_bytes = H * ink__dtype_size(word.dtype);
    for (size_t b = 0; b < B; ++b)
        for (size_t r = offsets[b]; r < offsets[b + 1]; ++r) {
            float *y_r = y + r * H; /* [H] */
            ink__to_f32(y_r, word.data + (size_t)ids[r] * word_bytes, word.dtype, H);
            /* The order of the sums is Hugging Face's. */
            if (type.data)
                add_row(y_r, row, type, types ? (size_t)types[r] : 0, H);
            if (position.data)
                add_row(y_r, row, position, r - offsets[b] + first_position, H);
        }
}
