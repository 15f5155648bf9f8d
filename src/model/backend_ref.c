/* The ref backend: every layer by its definition, on one thread. */
#include "attention/attention.h"
#include "model/encoder.h"
#include "nn/layernorm.h"
#include "nn/linear.h"
#include "nn/quantize.h"

#include <stdlib.h>

struct state {
    float *scores; /* [longest sequence] */
    uint8_t *q;    /* [the widest layer's in] */
};

static ink_status prepare(ink__lane *lane, ink_error *err)
{
    const ink__config *c = lane->e->config;
    struct state *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "session", err));
    lane->state = s;
    INK_TRY(ink__calloc(&s->q, c->H > c->F ? c->H : c->F, 1, "session", err));
    return ink__calloc(&s->scores, lane->e->max_tokens, sizeof *s->scores, "scores", err);
}

static void release(ink__lane *lane)
{
    struct state *s = lane->state;
    if (!s)
        return;
    free(s->scores);
    free(s->q);
    free(s);
}

static ink_status linear(float *y, ink__lane *lane, const ink__linear *linear, const float *x, size_t R,
                         ink_error *err)
{
    const struct state *s = lane->state;
    if (linear->Q)
        ink_linear_int8_forward(y, s->q, x, linear->Q, linear->scale, linear->shift, linear->b, R, linear->in,
                                linear->out);
    else
        ink_linear_forward(y, x, linear->W, linear->b, R, linear->in, linear->out);
    return INK_OK;
}

static ink_status linear_activate(float *y, ink__lane *lane, const ink__linear *l, const float *x,
                                  ink__activation f, size_t R, ink_error *err)
{
    INK_TRY(linear(y, lane, l, x, R, err));
    ink_activation_forward(y, y, R * l->out, f);
    return INK_OK;
}

static ink_status linear_gate(float *y, float *both, ink__lane *lane, const ink__linear *l, const float *x,
                              ink__activation f, size_t R, ink_error *err)
{
    INK_TRY(linear(both, lane, l, x, R, err));
    ink_gate_forward(y, both, f, R, l->out / 2);
    return INK_OK;
}

static ink_status norm(float *y, ink__lane *lane, const ink__norm *n, const float *x, size_t R, size_t width,
                       ink_error *err)
{
    ink_layernorm_forward(y, x, n->gamma, n->beta, R, width, lane->e->config->norm_eps);
    return INK_OK;
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
    ink_attention_forward(ctx, s->scores, qkv, offsets, B, how);
    return INK_OK;
}

const ink__backend ink__backend_ref = {
    .name = "ref",
    .id = INK_BACKEND_REF,
    .plain = true,
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
