/* Embedding sums, from tables of every format weights are stored in. */
#include "nn/embedding.h"
#include "support/numbers.h"

enum { H = 5, V = 7, P = 6, T = 2, R = 6 };

static const int32_t ids[R] = {6, 0, 3, 3, 1, 5}, types[R] = {0, 0, 1, 1, 0, 1};
static const size_t offsets[] = {0, 4, 5, 6}; /* sequences of 4, 1 and 1 */

/* Small whole numbers, so that every format holds them and every sum is exact. */
static float word_at(size_t i, size_t h)
{
    return (float)(i * 10 + h) - 30;
}

static float position_at(size_t i, size_t h)
{
    return (float)(i * H) * 0.5f - (float)h;
}

static float type_at(size_t i, size_t h)
{
    return i ? 64 : (float)h * 0.25f;
}

struct stored {
    unsigned char bytes[V * H * 4 + 1]; /* one more: tables lie at any byte */
    ink__table table;
};

static void store(struct stored *s, size_t n, ink__dtype dtype, size_t shift, float (*at)(size_t i, size_t h))
{
    float x[V * H];
    for (size_t i = 0; i < n; ++i)
        for (size_t h = 0; h < H; ++h)
            x[i * H + h] = at(i, h);
    ink__from_f32(s->bytes + shift, x, dtype, n * H);
    s->table = (ink__table){.data = s->bytes + shift, .dtype = dtype, .n = n};
}

/* y against the definition; a table that is absent counts nothing. */
static void expect_sums(const float *y, const int32_t *with_types, bool with_position, bool with_type,
                        size_t first_position, const char *what)
{
    for (size_t b = 0; b < 3; ++b)
        for (size_t r = offsets[b]; r < offsets[b + 1]; ++r)
            for (size_t h = 0; h < H; ++h) {
                float wanted = word_at((size_t)ids[r], h);
                if (with_position)
                    wanted += position_at(r - offsets[b] + first_position, h);
                if (with_type)
                    wanted += type_at(with_types ? (size_t)with_types[r] : 0, h);
                cr_expect(y[r * H + h] == wanted, "%s: [%zu,%zu] = %g, wanted %g", what, r, h, y[r * H + h],
                          wanted);
            }
}

Test(embedding, rows_are_sums_of_word_position_and_type_in_every_format)
{
    static const ink__dtype dtypes[] = {INK__F32, INK__F16, INK__BF16};
    for (size_t i = 0; i < 3; ++i)
        for (size_t k = 0; k < 3; ++k)
            for (size_t shift = 0; shift < 2; ++shift) { /* also formats that differ from table to table */
                struct stored word, position, type;
                float y[R * H], row[H];
                store(&word, V, dtypes[i], shift, word_at);
                store(&position, P, dtypes[k], shift, position_at);
                store(&type, T, dtypes[(i + k) % 3], shift, type_at);
                ink_embedding_forward(y, row, ids, types, offsets, 3, word.table, position.table, type.table,
                                      (ink__positions){0}, H);
                expect_sums(y, types, true, true, 0, ink__dtype_name(dtypes[i]));
            }
}

Test(embedding, without_types_every_token_is_of_type_zero)
{
    struct stored word, position, type;
    float y[R * H], row[H];
    store(&word, V, INK__F32, 0, word_at);
    store(&position, P, INK__F32, 0, position_at);
    store(&type, T, INK__F32, 0, type_at);
    ink_embedding_forward(y, row, ids, NULL, offsets, 3, word.table, position.table, type.table,
                          (ink__positions){.first = 0}, H);
    expect_sums(y, NULL, true, true, 0, "no types");
}

Test(embedding, without_a_type_table_types_count_nothing)
{
    struct stored word, position;
    float y[R * H], row[H];
    store(&word, V, INK__BF16, 1, word_at);
    store(&position, P, INK__BF16, 1, position_at);
    ink_embedding_forward(y, row, ids, types, offsets, 3, word.table, position.table, (ink__table){0},
                          (ink__positions){.first = 0}, H);
    expect_sums(y, types, true, false, 0, "no type table");
    ink_embedding_forward(y, row, ids, types, offsets, 3, word.table, (ink__table){0}, (ink__table){0},
                          (ink__positions){.first = 0}, H);
    expect_sums(y, types, false, false, 0, "words alone");
}

/* RoBERTa counts positions from 2. */
Test(embedding, positions_count_from_the_first_one_in_each_sequence)
{
    struct stored word, position, type;
    float y[R * H], row[H];
    store(&word, V, INK__F16, 0, word_at);
    store(&position, P, INK__F16, 0, position_at);
    store(&type, T, INK__F16, 0, type_at);
    ink_embedding_forward(y, row, ids, types, offsets, 3, word.table, position.table, type.table,
                          (ink__positions){.first = 2}, H);
    expect_sums(y, types, true, true, 2, "from 2");
}

/* Hugging Face adds word and type first. Here the order shows: 3 moves 2^25 to its next float, 1.5 does not.
 */
Test(embedding, word_and_type_are_added_before_the_position)
{
    const float word[] = {1.5f}, type[] = {1.5f}, position[] = {0x1p25f};
    const size_t one[] = {0, 1};
    const int32_t id = 0;
    float y, row;
    ink_embedding_forward(
        &y, &row, &id, NULL, one, 1, (ink__table){(const unsigned char *)word, INK__F32, 1, NULL},
        (ink__table){(const unsigned char *)position, INK__F32, 1, NULL},
        (ink__table){(const unsigned char *)type, INK__F32, 1, NULL}, (ink__positions){.first = 0}, 1);
    cr_expect(y == 0x1p25f + 4, "%.0f", y);
}
