/* The fused backend: oneDNN's products, and between them our own vectorised passes over rows that are still
 * in cache. Work is split over threads by whole rows, and by sequence and head in attention, so results do
 * not depend on how many there are. */
#include "model/backend_fused.h"

#include <stdlib.h>

ink_status ink__fused_prepare(ink__lane *lane, size_t size, ink_error *err)
{
    const ink__encoder *e = lane->e;
    const ink__config *c = e->config;
    INK_TRY(ink__calloc(&lane->state, 1, size, "session", err));
    ink__fused_lane *s = lane->state;
    s->fused = ink__fused_best();
    const size_t longest = e->max_tokens < c->P ? e->max_tokens : c->P;
    const size_t floats = s->fused->attend_scratch(longest, c->H / c->N);
    INK_TRY(ink__aligned_alloc(&s->scratch, floats * sizeof *s->scratch, "attention", err));
    return ink__products_create(&s->products, lane, err);
}

void ink__fused_release(ink__lane *lane)
{
    ink__fused_lane *s = lane->state;
    if (!s)
        return;
    ink__products_free(&s->products);
    ink__aligned_free(s->scratch);
    free(s);
    lane->state = NULL;
}

static ink_status prepare(ink__lane *lane, ink_error *err)
{
    return ink__fused_prepare(lane, sizeof(ink__fused_lane), err);
}

/* What an epilogue needs to know; unused parts stay zero. */
struct pass {
    const ink__lane *lane;
    const ink__fused *fused;
    size_t width;
    ink__activation f;
    const float *residual;
    const ink__norm *norm;
    float *gated; /* [R,width/2] */
};

static ink_status activate_rows(float *y, size_t first, size_t n, void *context, ink_error *err)
{
    const struct pass *p = context;
    const size_t width = p->width;
#pragma omp parallel for schedule(static) num_threads(p->lane->threads) if (p->lane->threads > 1)
    for (size_t r = 0; r < n; r += INK__GRAIN)
        p->fused->activate(y + r * width, (n - r < INK__GRAIN ? n - r : INK__GRAIN) * width, p->f);
    return INK_OK;
}

static ink_status gate_rows(float *both, size_t first, size_t n, void *context, ink_error *err)
{
    const struct pass *p = context;
    const size_t F = p->width / 2;
    float *y = p->gated + first * F; /* [n,F] */
#pragma omp parallel for schedule(static) num_threads(p->lane->threads) if (p->lane->threads > 1)
    for (size_t r = 0; r < n; r += INK__GRAIN)
        p->fused->gate(y + r * F, both + r * 2 * F, p->f, n - r < INK__GRAIN ? n - r : INK__GRAIN, F);
    return INK_OK;
}

/* y [n,width] = norm(x + the residual's rows), of which any part may be absent. */
static void add_norm_rows(float *y, const float *x, const float *residual, const struct pass *p, size_t n)
{
    const size_t width = p->width;
    if (!p->norm) {
        for (size_t i = 0; i < n * width; ++i)
            y[i] = x[i] + residual[i];
        return;
    }
    p->fused->add_layernorm(y, x, residual, p->norm->gamma, p->norm->beta, n, width,
                            p->lane->e->config->norm_eps);
}

static ink_status norm_rows(float *y, size_t first, size_t n, void *context, ink_error *err)
{
    const struct pass *p = context;
    const size_t width = p->width;
    const float *residual = p->residual ? p->residual + first * width : NULL;
#pragma omp parallel for schedule(static) num_threads(p->lane->threads) if (p->lane->threads > 1)
    for (size_t r = 0; r < n; r += INK__GRAIN)
        add_norm_rows(y + r * width, y + r * width, residual ? residual + r * width : NULL, p,
                      n - r < INK__GRAIN ? n - r : INK__GRAIN);
    return INK_OK;
}

ink_status ink__fused_linear(float *y, ink__lane *lane, const ink__linear *linear, const float *x, size_t R,
                             ink_error *err)
{
    const ink__fused_lane *s = lane->state;
    return ink__products_run(y, &s->products, linear, x, R, NULL, NULL, err);
}

ink_status ink__fused_linear_activate(float *y, ink__lane *lane, const ink__linear *linear, const float *x,
                                      ink__activation f, size_t R, ink_error *err)
{
    const ink__fused_lane *s = lane->state;
    struct pass pass = {.lane = lane, .fused = s->fused, .width = linear->out, .f = f};
    return ink__products_run(y, &s->products, linear, x, R, activate_rows, &pass, err);
}

static ink_status linear_add_norm(float *y, ink__lane *lane, const ink__linear *linear, const float *x,
                                  const float *residual, const ink__norm *norm, size_t R, ink_error *err)
{
    const ink__fused_lane *s = lane->state;
    struct pass pass = {
        .lane = lane, .fused = s->fused, .width = linear->out, .residual = residual, .norm = norm};
    return ink__products_run(y, &s->products, linear, x, R, norm_rows, &pass, err);
}

static ink_status linear_gate(float *y, float *both, ink__lane *lane, const ink__linear *linear,
                              const float *x, ink__activation f, size_t R, ink_error *err)
{
    const ink__fused_lane *s = lane->state;
    struct pass pass = {.lane = lane, .fused = s->fused, .width = linear->out, .f = f, .gated = y};
    return ink__products_run(both, &s->products, linear, x, R, gate_rows, &pass, err);
}

ink_status ink__fused_norm(float *y, ink__lane *lane, const ink__norm *norm, const float *x, size_t R,
                           size_t width, ink_error *err)
{
    const ink__fused_lane *s = lane->state;
    const struct pass pass = {.lane = lane, .fused = s->fused, .width = width, .norm = norm};
#pragma omp parallel for schedule(static) num_threads(lane->threads) if (lane->threads > 1)
    for (size_t r = 0; r < R; r += INK__GRAIN)
        add_norm_rows(y + r * width, x + r * width, NULL, &pass, R - r < INK__GRAIN ? R - r : INK__GRAIN);
    return INK_OK;
}

ink_status ink__fused_attention(float *ctx, ink__lane *lane, const float *qkv, const size_t *offsets,
                                size_t B, const ink__attending *how, ink_error *err)
{
    const size_t N = how->N, D = how->D, H = N * D;
#pragma omp parallel for schedule(dynamic) num_threads(lane->threads) if (lane->threads > 1)
    for (size_t task = 0; task < B * N; ++task) {
        const ink__fused_lane *s = ink__lane_alone(lane)->state;
        const size_t b = task / N, n = task % N, first = offsets[b];
        s->fused->attend(ctx + first * H + n * D, s->scratch, qkv + first * 3 * H + n * D,
                         offsets[b + 1] - first, how, n);
    }
    return INK_OK;
}

const ink__backend ink__backend_fused = {
    .name = "fused",
    .id = INK_BACKEND_FUSED,
    .int8 = &ink__backend_fused_int8,
    .prepare = prepare,
    .release = ink__fused_release,
    .linear = ink__fused_linear,
    .linear_activate = ink__fused_linear_activate,
    .linear_gate = linear_gate,
    .linear_add_norm = linear_add_norm,
    .norm = ink__fused_norm,
    .feed = ink__feed_by_parts,
    .attention = ink__fused_attention,
};
