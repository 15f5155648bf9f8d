/* The dnnl backend: oneDNN's products, softmax, activations and layer norm, one after the other. */
#include "attention/attention.h"
#include "model/products.h"

#include <stdlib.h>
#include <string.h>

struct state {
    ink__products products;
    ink__rowwise *activation;      /* of width F */
    ink__rowwise *head_activation; /* of width H */
    ink__rowwise *norm;            /* of width H */
    ink__rowwise *embed_norm;      /* of width E */
    ink__attention_dnnl *attention;
};

static ink__rowwise_kind kind_of(ink__activation f)
{
    switch (f) {
    case INK__GELU:
        return INK__ROWWISE_GELU_ERF;
    case INK__GELU_TANH:
        return INK__ROWWISE_GELU_TANH;
    case INK__RELU:
        return INK__ROWWISE_RELU;
    case INK__TANH:
        return INK__ROWWISE_TANH;
    }
    return INK__ROWWISE_RELU;
}

static ink_status prepare(ink__lane *lane, ink_error *err)
{
    const ink__encoder *e = lane->e;
    const ink__config *c = e->config;
    ink__onednn *engine = e->weights->engine;
    struct state *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "session", err));
    lane->state = s;
    INK_TRY(ink__products_create(&s->products, lane, err));
    INK_TRY(ink__rowwise_create(&s->activation, engine, kind_of(c->activation), c->F, 0, lane->threads, err));
    INK_TRY(ink__rowwise_create(&s->head_activation, engine, kind_of(c->head_activation), c->H, 0,
                                lane->threads, err));
    INK_TRY(
        ink__rowwise_create(&s->norm, engine, INK__ROWWISE_LAYERNORM, c->H, c->norm_eps, lane->threads, err));
    INK_TRY(ink__rowwise_create(&s->embed_norm, engine, INK__ROWWISE_LAYERNORM, c->E, c->norm_eps,
                                lane->threads, err));
    const size_t longest = e->max_tokens < c->P ? e->max_tokens : c->P;
    return ink__attention_dnnl_create(&s->attention, engine, longest, c->H / c->N, lane->threads, err);
}

static void release(ink__lane *lane)
{
    struct state *s = lane->state;
    if (!s)
        return;
    ink__products_free(&s->products);
    ink__rowwise_free(s->activation);
    ink__rowwise_free(s->head_activation);
    ink__rowwise_free(s->norm);
    ink__rowwise_free(s->embed_norm);
    ink__attention_dnnl_free(s->attention);
    free(s);
}

static ink_status linear(float *y, ink__lane *lane, const ink__linear *linear, const float *x, size_t R,
                         ink_error *err)
{
    const struct state *s = lane->state;
    return ink__products_run(y, &s->products, linear, x, R, NULL, NULL, err);
}

static ink_status linear_activate(float *y, ink__lane *lane, const ink__linear *l, const float *x,
                                  ink__activation f, size_t R, ink_error *err)
{
    const struct state *s = lane->state;
    INK_TRY(linear(y, lane, l, x, R, err));
    return ink__rowwise_run(y, l->shape == INK__SHAPE_FF_IN ? s->activation : s->head_activation, y, NULL,
                            NULL, R, err);
}

/* oneDNN activates whole rows, so u is copied out first. */
static ink_status linear_gate(float *y, float *both, ink__lane *lane, const ink__linear *l, const float *x,
                              ink__activation f, size_t R, ink_error *err)
{
    const struct state *s = lane->state;
    const size_t F = l->out / 2;
    INK_TRY(linear(both, lane, l, x, R, err));
    for (size_t r = 0; r < R; ++r)
        memcpy(y + r * F, both + r * 2 * F, F * sizeof *y);
    INK_TRY(ink__rowwise_run(y, s->activation, y, NULL, NULL, R, err));
    for (size_t r = 0; r < R; ++r)
        for (size_t i = 0; i < F; ++i)
            y[r * F + i] *= both[r * 2 * F + F + i];
    return INK_OK;
}

static ink_status norm(float *y, ink__lane *lane, const ink__norm *n, const float *x, size_t R, size_t width,
                       ink_error *err)
{
    const struct state *s = lane->state;
    return ink__rowwise_run(y, width == lane->e->config->H ? s->norm : s->embed_norm, x, n->gamma, n->beta, R,
                            err);
}

static ink_status linear_add_norm(float *y, ink__lane *lane, const ink__linear *l, const float *x,
                                  const float *residual, const ink__norm *n, size_t R, ink_error *err)
{
    INK_TRY(linear(y, lane, l, x, R, err));
    for (size_t i = 0; i < R * l->out; ++i)
        y[i] += residual[i];
    return n ? norm(y, lane, n, y, R, l->out, err) : INK_OK;
}

static ink_status attention(float *ctx, ink__lane *lane, const float *qkv, const size_t *offsets, size_t B,
                            const ink__attending *how, ink_error *err)
{
    const struct state *s = lane->state;
    return ink__attention_dnnl_forward(ctx, s->attention, qkv, offsets, B, how, err);
}

const ink__backend ink__backend_dnnl = {
    .name = "dnnl",
    .id = INK_BACKEND_DNNL,
    .prepare = prepare,
    .release = release,
    .linear = linear,
    .linear_activate = linear_activate,
    .linear_gate = linear_gate,
    .linear_add_norm = linear_add_norm,
    .norm = norm,
    .feed = ink__feed_by_parts,
    .attention = attention,
};
