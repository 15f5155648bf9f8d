/* Embedding sums: see embedding.h. The same code serves every backend: it is a walk over memory. */
#include "nn/embedding.h"

#include <stdint.h>

static void read_row(float *row, ink__table table, size_t index, size_t E)
{
    const unsigned char *bytes = table.data + index * E * ink__dtype_size(table.dtype);
    if (table.scale)
        ink__row_to_f32(row, bytes, table.scale, index, E);
    else
        ink__to_f32(row, bytes, table.dtype, E);
}

/* y [E] += table[index] */
static void add_row(float *y, float *row, ink__table table, size_t index, size_t E)
{
    const unsigned char *bytes = table.data + index * E * ink__dtype_size(table.dtype);
    if (table.dtype == INK__F32 && (uintptr_t)bytes % _Alignof(float) == 0) /* as is nearly every file's */
        row = (float *)(uintptr_t)bytes;
    else
        read_row(row, table, index, E);
    for (size_t e = 0; e < E; ++e)
        y[e] += row[e];
}

void ink_embedding_forward(float *y, float *row, const int32_t *ids, const int32_t *types,
                           const size_t *offsets, size_t B, ink__table word, ink__table position,
                           ink__table type, ink__positions positions, size_t E)
{
    for (size_t b = 0; b < B; ++b) {
        size_t next = positions.first;
        for (size_t r = offsets[b]; r < offsets[b + 1]; ++r) {
            const bool padding = positions.skip && ids[r] == positions.padding;
            const size_t at = padding ? (size_t)positions.padding : next++;
            float *y_r = y + r * E; /* [E] */
            read_row(y_r, word, (size_t)ids[r], E);
            /* The order of the sums is Hugging Face's. */
            if (type.data)
                add_row(y_r, row, type, types ? (size_t)types[r] : 0, E);
            if (position.data)
                add_row(y_r, row, position, at, E);
        }
    }
}

static void add_gradient(float *table, size_t index, const float *dy_r, size_t E, size_t first, size_t end)
{
    float *row = table ? table + index * E : NULL; /* [E] */
    for (size_t e = first; row && e < end; ++e)
        row[e] += dy_r[e];
}

void ink_embedding_backward(ink__table_gradients d, const float *dy, const int32_t *ids, const int32_t *types,
                            const size_t *offsets, size_t B, ink__positions positions, size_t E, size_t first,
                            size_t end)
{
    for (size_t b = 0; b < B; ++b) {
        size_t next = positions.first;
        for (size_t r = offsets[b]; r < offsets[b + 1]; ++r) {
            const bool padding = positions.skip && ids[r] == positions.padding;
            const size_t at = padding ? (size_t)positions.padding : next++;
            const float *dy_r = dy + r * E; /* [E] */
            add_gradient(d.type, types ? (size_t)types[r] : 0, dy_r, E, first, end);
            if (ids[r] != positions.padding)
                add_gradient(d.word, (size_t)ids[r], dy_r, E, first, end);
            if (!padding)
                add_gradient(d.position, at, dy_r, E, first, end);
        }
    }
}
