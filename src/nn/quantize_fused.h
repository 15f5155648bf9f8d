/* Passes between products in 8 bits, vectorised; included by src/tensor/fused_isa.c. A row of sums becomes
 * floats where it stands, is worked on while it is in L1, and leaves as floats or as the next product's 8
 * bits. */
#ifndef INK_NN_QUANTIZE_FUSED_H
#define INK_NN_QUANTIZE_FUSED_H

#include "nn/activation_fused.h"
#include "nn/quantize.h"
#include "nn/rows_fused.h"

/* The least and greatest of a row so far, 0 among them; and a sum, which a NaN stays in. */
struct range {
    vf least, greatest, sum;
};

static inline void range_add(struct range *range, vf x)
{
    range->least = v_min(x, range->least);
    range->greatest = v_max(x, range->greatest);
    range->sum += x;
}

/* q [width], scale and zero of x [width], whose range is known. */
static inline void quantize_row(uint8_t *q, float *scale, float *zero, const float *x, size_t width,
                                const struct range *of)
{
    const float sum = v_sum(of->sum), nothing = sum - sum; /* 0, or NaN */
    const float least = v_least(of->least), range = v_greatest(of->greatest) - least;
    const float per = range < INK__LEAST_RANGE ? 0 : INK__STEPS / range;
    const vf magic = v_set(0x1.8p23f); /* brings a sum's nearest whole number into its lowest bits */
    *scale = (range < INK__LEAST_RANGE ? 0 : range * (1.0f / INK__STEPS)) + nothing;
    *zero = ceilf(-least * per);
    const vf from = v_set(*zero);
    size_t i = 0;
    for (; i + VL <= width; i += VL)
        v_store_bytes(q + i, (vu)(v_load(x + i) * per + from + magic));
    if (i < width) {
        const vf last = v_load_part(x + i, width - i);
        uint8_t bytes[VL];
        v_store_bytes(bytes, (vu)(last * per + from + magic));
        memcpy(q + i, bytes, width - i);
    }
}

static void fused_quantize(uint8_t *q, float *scale, float *zero, const float *x, size_t R, size_t width)
{
    for (size_t r = 0; r < R; ++r) {
        const float *x_r = x + r * width; /* [width] */
        struct range range = {{0}, {0}, {0}};
        size_t i = 0;
        for (; i + VL <= width; i += VL)
            range_add(&range, v_load(x_r + i));
        if (i < width)
            range_add(&range, v_load_part(x_r + i, width - i));
        quantize_row(q + r * width, scale + r, zero + r, x_r, width, &range);
    }
}

/* Row r's factors, spread over the lanes. */
struct dequantizing {
    const ink__dequantizer *d;
    float scale, offset;
};

static inline struct dequantizing dequantizing_row(const ink__dequantizer *d, size_t r)
{
    return (struct dequantizing){d, d->row_scale[r], -d->row_scale[r] * d->row_zero[r]};
}

/* VL sums of columns o on; in part the first n of them. */
static inline vf dequantize_at(const struct dequantizing *row, const int32_t *acc, size_t o)
{
    return v_load_integers(acc + o) * (row->scale * v_load(row->d->scale + o)) +
           (row->offset * v_load(row->d->shift + o) + v_load(row->d->b + o));
}

static inline vf dequantize_part(const struct dequantizing *row, const int32_t *acc, size_t o, size_t n)
{
    vi sums = {0};
    memcpy(&sums, acc + o, n * sizeof *acc);
    return __builtin_convertvector(sums, vf) * (row->scale * v_load_part(row->d->scale + o, n)) +
           (row->offset * v_load_part(row->d->shift + o, n) + v_load_part(row->d->b + o, n));
}

static void fused_dequantize(float *y, const int32_t *acc, const ink__dequantizer *d, size_t R, size_t out)
{
    for (size_t r = 0; r < R; ++r) {
        const struct dequantizing row = dequantizing_row(d, r);
        const int32_t *acc_r = acc + r * out; /* [out] */
        float *y_r = y + r * out;             /* [out] */
        size_t o = 0;
        for (; o + VL <= out; o += VL)
            v_store(y_r + o, dequantize_at(&row, acc_r, o));
        if (o < out)
            v_store_part(y_r + o, dequantize_part(&row, acc_r, o, out - o), out - o);
    }
}

static void fused_dequantize_add_layernorm(float *y, const int32_t *acc, const ink__dequantizer *d,
                                           const float *residual, const float *gamma, const float *beta,
                                           size_t R, size_t H, float eps)
{
    for (size_t r = 0; r < R; ++r) {
        const struct dequantizing row = dequantizing_row(d, r);
        const int32_t *acc_r = acc + r * H;    /* [H] */
        const float *res_r = residual + r * H; /* [H] */
        float *y_r = y + r * H;                /* [H] */
        vf sum = {0};
        size_t h = 0;
        for (; h + VL <= H; h += VL) {
            const vf a = dequantize_at(&row, acc_r, h) + v_load(res_r + h);
            v_store(y_r + h, a);
            sum += a;
        }
        if (h < H) {
            const vf a = dequantize_part(&row, acc_r, h, H - h) + v_load_part(res_r + h, H - h);
            v_store_part(y_r + h, a, H - h);
            sum += v_load_part(y_r + h, H - h);
        }
        if (gamma)
            finish_layernorm(y_r, sum, gamma, beta, H, eps);
    }
}

ONE_ACTIVATION dequantize_activate_all(uint8_t *q, float *scale, float *zero, int32_t *acc,
                                       const ink__dequantizer *d, size_t R, size_t F,
                                       const ink__activation kind)
{
    for (size_t r = 0; r < R; ++r) {
        const struct dequantizing row = dequantizing_row(d, r);
        int32_t *acc_r = acc + r * F;        /* [F] */
        float *y_r = (float *)(void *)acc_r; /* [F] over the sums that were read */
        struct range range = {{0}, {0}, {0}};
        size_t f = 0;
        for (; f + VL <= F; f += VL) {
            const vf y = activate_vector(dequantize_at(&row, acc_r, f), kind);
            v_store(y_r + f, y);
            range_add(&range, y);
        }
        if (f < F) {
            const vf y = activate_vector(dequantize_part(&row, acc_r, f, F - f), kind);
            v_store_part(y_r + f, y, F - f);
            range_add(&range, v_load_part(y_r + f, F - f));
        }
        quantize_row(q + r * F, scale + r, zero + r, y_r, F, &range);
    }
}

static void fused_dequantize_activate(uint8_t *q, float *scale, float *zero, int32_t *acc,
                                      const ink__dequantizer *d, ink__activation kind, size_t R, size_t F){
    FOR_ACTIVATION(kind, dequantize_activate_all, q, scale, zero, acc, d, R, F)}

/* acc [R,2F] holds u then g in each row. */
ONE_ACTIVATION dequantize_gate_all(uint8_t *q, float *scale, float *zero, int32_t *acc,
                                   const ink__dequantizer *d, size_t R, size_t F, const ink__activation kind)
{
    for (size_t r = 0; r < R; ++r) {
        const struct dequantizing row = dequantizing_row(d, r);
        int32_t *acc_r = acc + r * 2 * F;    /* [2F] */
        float *y_r = (float *)(void *)acc_r; /* [F] */
        struct range range = {{0}, {0}, {0}};
        size_t f = 0;
        for (; f + VL <= F; f += VL) {
            const vf y =
                activate_vector(dequantize_at(&row, acc_r, f), kind) * dequantize_at(&row, acc_r, F + f);
            v_store(y_r + f, y);
            range_add(&range, y);
        }
        if (f < F) {
            const vf y = activate_vector(dequantize_part(&row, acc_r, f, F - f), kind) *
                         dequantize_part(&row, acc_r, F + f, F - f);
            v_store_part(y_r + f, y, F - f);
            range_add(&range, v_load_part(y_r + f, F - f));
        }
        quantize_row(q + r * F, scale + r, zero + r, y_r, F, &range);
    }
}

static void fused_dequantize_gate(uint8_t *q, float *scale, float *zero, int32_t *acc,
                                  const ink__dequantizer *d, ink__activation kind, size_t R, size_t F)
{
    FOR_ACTIVATION(kind, dequantize_gate_all, q, scale, zero, acc, d, R, F)
}

#endif
