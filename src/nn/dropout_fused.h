/* Dropout, vectorised: Philox (core/random.h) over VL counters, and the masks of dropout.h bit for bit.
 * Included by src/tensor/passes_isa.c. */
#ifndef INK_NN_DROPOUT_FUSED_H
#define INK_NN_DROPOUT_FUSED_H

#include "nn/dropout.h"
#include "tensor/simd.h"

enum { DROPOUT_GROUP = 128 }; /* columns that share 16 counters */

/* The factors of one row, a group of columns at a time; the caller's, on the stack. */
struct dropout_row {
    const ink__dropout *drop;
    uint32_t row;
    size_t group; /* the one in factor; SIZE_MAX: none yet */
    float factor[DROPOUT_GROUP];
};

/* row counts from drop->row. */
static inline void dropout_row_start(struct dropout_row *r, const ink__dropout *drop, size_t row)
{
    r->drop = drop;
    r->row = (uint32_t)(drop->row + row);
    r->group = SIZE_MAX;
}

/* Fills factor with those of columns [128*group, 128*group + 128): the scale, or 0 for what is dropped.
 *
 * A multiplication of vectors yields 64-bit products of every other lane, so the counters are split into
 * even and odd ones, each in a 64-bit lane of which the lower half counts. A product then already is what
 * the next round wants: its lower half lies where it is needed, its upper half a shift away. */
static inline void dropout_group(struct dropout_row *r, size_t group)
{
    enum { PARTS = 16 / VL, CHAINS = 2 * PARTS };
    const vw multiplier_a = v_set_wide(0xD2511F53u), multiplier_c = v_set_wide(0xCD9E8D57u);
    const ink__dropout *drop = r->drop;
    vw a[CHAINS], b[CHAINS], c[CHAINS], d[CHAINS];
    for (uint32_t k = 0; k < CHAINS; ++k) {
        uint64_t counters[VL / 2];
        for (uint32_t i = 0; i < VL / 2; ++i)
            counters[i] = (uint32_t)group * 16 + k / 2 * VL + k % 2 + 2 * i;
        memcpy(&a[k], counters, sizeof a[k]);
        b[k] = v_set_wide(r->row), c[k] = v_set_wide(drop->site), d[k] = v_set_wide(drop->step);
    }
    uint32_t key0 = (uint32_t)drop->seed, key1 = (uint32_t)(drop->seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const vw keys0 = v_set_wide(key0), keys1 = v_set_wide(key1);
        for (int k = 0; k < CHAINS; ++k) {
            const vw p = v_multiply_wide(multiplier_a, a[k]), q = v_multiply_wide(multiplier_c, c[k]);
            a[k] = (q >> 32) ^ b[k] ^ keys0, b[k] = q;
            c[k] = (p >> 32) ^ d[k] ^ keys1, d[k] = p;
        }
        key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
    }
    const vf scale = v_set(ink__dropout_scale(drop));
    const vi threshold = (vi){0} + (int32_t)drop->threshold;
    for (int part = 0; part < PARTS; ++part) {
        const vw even[4] = {a[2 * part], b[2 * part], c[2 * part], d[2 * part]};
        const vw odd[4] = {a[2 * part + 1], b[2 * part + 1], c[2 * part + 1], d[2 * part + 1]};
        for (int word = 0; word < 4; ++word) {
            const vu bits = (vu)((even[word] & 0xFFFFFFFFu) | odd[word] << 32);
            const vi low = (vi)(bits & 0xFFFF) >= threshold, high = (vi)(bits >> 16) >= threshold;
            v_store(r->factor + 32 * word + VL * part, (vf)((vi)scale & low));
            v_store(r->factor + 32 * word + 16 + VL * part, (vf)((vi)scale & high));
        }
    }
    r->group = group;
}

/* The factors of columns [column, column + VL): column is a multiple of VL. Walk a row in order, and each
 * group is computed once. */
static inline vf dropout_factor(struct dropout_row *r, size_t column)
{
    if (column / DROPOUT_GROUP != r->group)
        dropout_group(r, column / DROPOUT_GROUP);
    return v_load(r->factor + column % DROPOUT_GROUP / VL * VL);
}

static void fused_add(float *y, const float *x, const float *residual, size_t n)
{
    size_t i = 0;
    if (!residual) {
        if (y != x)
            memcpy(y, x, n * sizeof *y);
        return;
    }
    for (; i + VL <= n; i += VL)
        v_store(y + i, v_load(x + i) + v_load(residual + i));
    if (i < n)
        v_store_part(y + i, v_load_part(x + i, n - i) + v_load_part(residual + i, n - i), n - i);
}

static void fused_dropout_add(float *y, const float *x, const float *residual, const ink__dropout *drop,
                              size_t R, size_t H)
{
    if (drop->threshold == 0) {
        fused_add(y, x, residual, R * H);
        return;
    }
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * H, *res_r = residual ? residual + r * H : NULL; /* [H] */
        float *y_r = y + r * H;                                                    /* [H] */
        struct dropout_row factors;
        dropout_row_start(&factors, drop, r);
        size_t h = 0;
        for (; h + VL <= H; h += VL) {
            const vf kept = v_load(x_r + h) * dropout_factor(&factors, h);
            v_store(y_r + h, res_r ? kept + v_load(res_r + h) : kept);
        }
        if (h < H) {
            const vf kept = v_load_part(x_r + h, H - h) * dropout_factor(&factors, h);
            v_store_part(y_r + h, res_r ? kept + v_load_part(res_r + h, H - h) : kept, H - h);
        }
    }
}

#endif
