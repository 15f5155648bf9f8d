/* The fused backend with the layers' products in 8 bits (nn/quantize.h). A few rows at a time go the whole
 * way, so that sums and hidden rows stay in cache: rows are quantized, multiplied, and what is between two
 * products is done on sums that have just become floats. Attention, norms, the embeddings' projection and the
 * head are floats. */
#include "model/backend_fused.h"

#include <stdlib.h>

/* Rows that go together: as many as let products reach nearly their full rate. */
enum { ROWS = 128 };

struct state {
    ink__fused_lane floats;
    float *attention; /* scratch on one thread, where attention is in integers */
    ink_arena arena;
    uint8_t *q, *hidden; /* [ROWS,H] and [ROWS,F] in 8 bits */
    float *scale, *zero; /* [ROWS] of them */
    int32_t *acc;        /* [ROWS,3H] or [ROWS,F], gated [ROWS,2F]: a product's sums */
};

static void carve(ink_arena *a, void *buffers, const void *dims)
{
    struct state *s = buffers;
    const ink__config *c = dims;
    const size_t F = c->arch->gated ? 2 * c->F : c->F;
    s->q = ink_arena_bytes(a, ROWS, c->H);
    s->hidden = ink_arena_bytes(a, ROWS, c->F);
    s->scale = ink_arena_f32(a, ROWS);
    s->zero = ink_arena_f32(a, ROWS);
    s->acc = ink_arena_bytes(a, ROWS, (F > 3 * c->H ? F : 3 * c->H) * sizeof *s->acc);
}

static ink_status prepare(ink__lane *lane, ink_error *err)
{
    INK_TRY(ink__fused_prepare(lane, sizeof(struct state), err));
    struct state *s = lane->state;
    const ink__config *c = lane->e->config;
    const size_t longest = lane->e->max_tokens < c->P ? lane->e->max_tokens : c->P;
    if (s->floats.fused->attend_int8)
        INK_TRY(ink__aligned_alloc(&s->attention,
                                   s->floats.fused->attend_int8_scratch(longest, c->H / c->N) * sizeof(float),
                                   "attention", err));
    return ink_arena_plan(&s->arena, carve, s, lane->e->config, err);
}

static void release(ink__lane *lane)
{
    struct state *s = lane->state;
    if (s) {
        ink_arena_free(&s->arena);
        ink__aligned_free(s->attention);
    }
    ink__fused_release(lane);
}

/* s->acc [n,out] = q [n,in] Q^T */
static ink_status multiply(const struct state *s, const ink__linear *linear, const uint8_t *q, size_t n,
                           ink_error *err)
{
    ink__product *product = s->floats.products.int8[linear->shape];
    for (size_t first = 0, block; first < n; first += block) {
        block = ink__product_block(product, n - first);
        INK_TRY(ink__product_run_int8(s->acc + first * linear->out, product, q + first * linear->in,
                                      linear->Q, block, err));
    }
    return INK_OK;
}

static ink__dequantizer dequantizer(const struct state *s, const ink__linear *linear, size_t row)
{
    return (ink__dequantizer){s->scale + row, s->zero + row, linear->scale, linear->shift, linear->b};
}

/* s->q [n,H], s->scale and s->zero [n] of x [n,H] */
static void quantize(const struct state *s, const ink__lane *lane, const float *x, size_t n)
{
    const size_t H = lane->e->config->H;
#pragma omp parallel for schedule(static) num_threads(lane->threads) if (lane->threads > 1)
    for (size_t r = 0; r < n; r += INK__GRAIN)
        s->floats.fused->quantize(s->q + r * H, s->scale + r, s->zero + r, x + r * H,
                                  n - r < INK__GRAIN ? n - r : INK__GRAIN, H);
}

static size_t fewer(size_t R)
{
    return R < ROWS ? R : ROWS;
}

static ink_status linear(float *y, ink__lane *lane, const ink__linear *linear, const float *x, size_t R,
                         ink_error *err)
{
    const struct state *s = lane->state;
    const size_t in = linear->in, out = linear->out;
    if (!linear->Q)
        return ink__fused_linear(y, lane, linear, x, R, err);
    for (size_t first = 0, n; first < R; first += n) {
        n = fewer(R - first);
        float *y_n = y + first * out; /* [n,out] */
        quantize(s, lane, x + first * in, n);
        INK_TRY(multiply(s, linear, s->q, n, err));
#pragma omp parallel for schedule(static) num_threads(lane->threads) if (lane->threads > 1)
        for (size_t r = 0; r < n; r += INK__GRAIN) {
            const ink__dequantizer d = dequantizer(s, linear, r);
            s->floats.fused->dequantize(y_n + r * out, s->acc + r * out, &d,
                                        n - r < INK__GRAIN ? n - r : INK__GRAIN, out);
        }
    }
    return INK_OK;
}

/* y [n,H] = norm(the layer's sums + residual [n,H]); norm NULL: without. */
static void finish(float *y, const struct state *s, const ink__lane *lane, const ink__linear *linear,
                   const float *residual, const ink__norm *norm, size_t n)
{
    const size_t H = linear->out;
#pragma omp parallel for schedule(static) num_threads(lane->threads) if (lane->threads > 1)
    for (size_t r = 0; r < n; r += INK__GRAIN) {
        const ink__dequantizer d = dequantizer(s, linear, r);
        s->floats.fused->dequantize_add_layernorm(
            y + r * H, s->acc + r * H, &d, residual + r * H, norm ? norm->gamma : NULL,
            norm ? norm->beta : NULL, n - r < INK__GRAIN ? n - r : INK__GRAIN, H, lane->e->config->norm_eps);
    }
}

static ink_status linear_add_norm(float *y, ink__lane *lane, const ink__linear *linear, const float *x,
                                  const float *residual, const ink__norm *norm, size_t R, ink_error *err)
{
    const struct state *s = lane->state;
    const size_t H = linear->out;
    for (size_t first = 0, n; first < R; first += n) {
        n = fewer(R - first);
        quantize(s, lane, x + first * H, n);
        INK_TRY(multiply(s, linear, s->q, n, err));
        finish(y + first * H, s, lane, linear, residual + first * H, norm, n);
    }
    return INK_OK;
}

/* s->hidden [n,F], s->scale and s->zero [n]: the activation of sums in s->acc, quantized. */
static void activate(const struct state *s, const ink__lane *lane, const ink__linear *ff_in, size_t n)
{
    const ink__config *c = lane->e->config;
    const size_t F = c->F;
#pragma omp parallel for schedule(static) num_threads(lane->threads) if (lane->threads > 1)
    for (size_t r = 0; r < n; r += INK__GRAIN) {
        const ink__dequantizer d = dequantizer(s, ff_in, r);
        (c->arch->gated ? s->floats.fused->dequantize_gate : s->floats.fused->dequantize_activate)(
            s->hidden + r * F, s->scale + r, s->zero + r, s->acc + r * ff_in->out, &d, c->activation,
            n - r < INK__GRAIN ? n - r : INK__GRAIN, F);
    }
}

static ink_status feed(float *y, ink__lane *lane, const ink__layer *layer, const float *x,
                       const float *residual, const ink__norm *norm, size_t R, ink_error *err)
{
    const struct state *s = lane->state;
    const size_t H = lane->e->config->H;
    for (size_t first = 0, n; first < R; first += n) {
        n = fewer(R - first);
        quantize(s, lane, x + first * H, n);
        INK_TRY(multiply(s, &layer->ff_in, s->q, n, err));
        activate(s, lane, &layer->ff_in, n);
        ink__profile_lap(&lane->profile, INK_OPERATION_FF_IN, n, H, layer->ff_in.out);
        INK_TRY(multiply(s, &layer->ff_out, s->hidden, n, err));
        finish(y + first * H, s, lane, &layer->ff_out, residual + first * H, norm, n);
        ink__profile_lap(&lane->profile, INK_OPERATION_FF_OUT, n, layer->ff_out.in, H);
    }
    return INK_OK;
}

static ink_status attention(float *ctx, ink__lane *lane, const float *qkv, const size_t *offsets, size_t B,
                            const ink__attending *how, ink_error *err)
{
    const size_t N = how->N, D = how->D, H = N * D;
    const ink__fused *fused = ((const struct state *)lane->state)->floats.fused;
    if (!fused->attend_int8)
        return ink__fused_attention(ctx, lane, qkv, offsets, B, how, err);
#pragma omp parallel for schedule(dynamic) num_threads(lane->threads) if (lane->threads > 1)
    for (size_t task = 0; task < B * N; ++task) {
        const struct state *s = ink__lane_alone(lane)->state;
        const size_t b = task / N, n = task % N, first = offsets[b];
        fused->attend_int8(ctx + first * H + n * D, s->attention, qkv + first * 3 * H + n * D,
                           offsets[b + 1] - first, how, n);
    }
    return INK_OK;
}

const ink__backend ink__backend_fused_int8 = {
    .name = "fused",
    .id = INK_BACKEND_FUSED,
    .groups = true,
    .prepare = prepare,
    .release = release,
    .linear = linear,
    .linear_activate = ink__fused_linear_activate,
    .linear_add_norm = linear_add_norm,
    .norm = ink__fused_norm,
    .feed = feed,
    .attention = attention,
};
