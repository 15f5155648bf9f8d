/* Backward: see network.h. dx is the gradient of the residual stream; each layer's two branches take their
 * share from it and give theirs back:
 *
 *   norms after:   dx through the norm, then the branch, then dx += the branch's input gradient
 *   norms before:  the branch, its input gradient through the norm, then dx += that */
#include "train/network.h"

#include <omp.h>
#include <string.h>

/* Which layers are walked: steps from here on, and the embeddings only if this is 0. */
static bool trains(const ink__store *store, bool (*of)(const ink__parameter *p, size_t layer), size_t layer)
{
    for (size_t i = 0; i < store->count; ++i)
        if (store->list[i].lr_part > 0 && of(&store->list[i], layer))
            return true;
    return false;
}

static bool below_layers(const ink__parameter *p, size_t layer)
{
    (void)layer;
    return p->slot <= INK__RELATIVE;
}

static bool in_layer(const ink__parameter *p, size_t layer)
{
    return p->slot >= INK__MODEL_SLOTS && p->layer == layer;
}

/* The lowest step that has something to learn; n_steps: none has. */
static size_t lowest(const ink__network *n, bool *embeddings)
{
    *embeddings = trains(n->store, below_layers, 0);
    size_t s = 0;
    while (!*embeddings && s < n->config->n_steps && !trains(n->store, in_layer, n->config->steps[s].layer))
        ++s;
    return s;
}

static void attend_backward_one(ink__network *n, const ink__kept *k, const float *dctx, float *dqkv,
                                const ink__attending *how, size_t s, size_t b, size_t head,
                                const ink_batch *batch, const ink__dropping *drop)
{
    const size_t N = how->N, D = how->D, H = N * D, first = batch->offsets[b];
    float *scratch = n->scratch + (size_t)omp_get_thread_num() * n->scratch_floats;
    ink__dropout site = ink__network_site(n, drop, INK__DROP_ATTENTION, s, head);
    site.row += (uint32_t)first;
    n->passes->attend_backward(
        dqkv + first * 3 * H + head * D, n->dbias ? n->dbias + head * (2 * how->reach - 1) : NULL, scratch,
        dctx + first * H + head * D, k->ctx + first * H + head * D, k->lse + first * N + head,
        k->qkv + first * 3 * H + head * D, batch->offsets[b + 1] - first, how, head, &site);
}

/* Heads in parallel; sequences too, unless they add to one bias. */
static void attend_backward(ink__network *n, const ink__kept *k, const float *dctx, float *dqkv, size_t s,
                            const ink_batch *batch, const ink__dropping *drop)
{
    const ink__config *c = n->config;
    const ink__attending how = {
        .N = c->N, .D = c->H / c->N, .window = c->steps[s].window, .bias = n->bias, .reach = c->P};
    const size_t together = n->dbias ? batch->B : 1; /* sequences of one task */
#pragma omp parallel for schedule(dynamic) num_threads(n->threads) if (n->threads > 1)
    for (size_t task = 0; task < batch->B / together * c->N; ++task)
        for (size_t i = 0; i < together; ++i)
            attend_backward_one(n, k, dctx, dqkv, &how, s, task / c->N * together + i, task % c->N, batch,
                                drop);
}

/* dx [R,H] of k->in from dy [R,H], the gradient of attention's output. dx may be dy. */
static ink_status attention_backward(float *dx, ink__network *n, float *dy, size_t s, const ink_batch *batch,
                                     const ink__dropping *drop, ink_error *err)
{
    const ink__config *c = n->config;
    const ink__step *step = &c->steps[s];
    const size_t R = batch->offsets[batch->B];
    ink__kept *k = &n->layers[s];
    const ink__affine qkv = ink__network_affine(n, INK__SHAPE_QKV, INK__QKV_W, step->layer);
    const ink__affine out = ink__network_affine(n, INK__SHAPE_SQUARE, INK__ATTN_OUT_W, step->layer);
    float *dctx = n->wide2, *dqkv = n->wide; /* [R,H] [R,3H] */
    INK_TRY(ink__affine_backward(dctx, n, &out, dy, k->ctx, R, err));
    attend_backward(n, k, dctx, dqkv, s, batch, drop);
    if (step->theta != 0) {
        const ink__rope *rope = ink__rope_of(n->ropes, step->theta);
        ink_rope_backward(dqkv, rope->cosines, rope->sines, batch->offsets, batch->B, c->N, c->H / c->N);
    }
    return ink__affine_backward(dx, n, &qkv, dqkv, k->in, R, err);
}

/* dx [R,H] of k->mid from dy [R,H], the gradient of the feed-forward layer's output. dx may be dy. */
static ink_status feed_backward(float *dx, ink__network *n, float *dy, size_t s, size_t R, ink_error *err)
{
    const ink__config *c = n->config;
    ink__kept *k = &n->layers[s];
    const size_t l = c->steps[s].layer;
    const ink__affine in = ink__network_affine(n, INK__SHAPE_FF_IN, INK__FF_IN_W, l);
    const ink__affine out = ink__network_affine(n, INK__SHAPE_FF_OUT, INK__FF_OUT_W, l);
    float *inner = n->wide, *d = n->wide2; /* [R,F] what W_out saw; its gradient */
    if (c->arch->gated)
        ink__rows_gate(inner, n, k->inner, c->activation, R);
    else
        ink__rows_activate(inner, n, k->inner, c->activation, R, c->F);
    INK_TRY(ink__affine_backward(d, n, &out, dy, inner, R, err));
    if (!c->arch->gated) {
        ink__rows_activate_backward(d, n, d, k->inner, c->activation, R, c->F);
        return ink__affine_backward(dx, n, &in, d, k->mid, R, err);
    }
    ink__rows_gate_backward(n->wide, n, d, k->inner, c->activation, R);
    return ink__affine_backward(dx, n, &in, n->wide, k->mid, R, err);
}

static ink_status layer_backward(float *dx, ink__network *n, size_t s, const ink_batch *batch,
                                 const ink__dropping *drop, ink_error *err)
{
    const ink__config *c = n->config;
    const bool before = c->arch->pre_norm;
    const size_t R = batch->offsets[batch->B], H = c->H, l = c->steps[s].layer;
    const ink__kept *k = &n->layers[s];
    const ink__dropout none = {0};
    const ink__dropout a = ink__network_site(n, drop, INK__DROP_ATTN_OUT, s, 0);
    const ink__dropout f = ink__network_site(n, drop, INK__DROP_FF_OUT, s, 0);
    float *d = n->branch;
    if (!before)
        ink__rows_norm_backward(dx, n, dx, k->xh2, k->rstd2, INK__FF_GAMMA, l, R, H);
    ink__rows_dropout_add(d, n, dx, NULL, &f, R, H);
    INK_TRY(feed_backward(d, n, d, s, R, err));
    if (before)
        ink__rows_norm_backward(d, n, d, k->xh2, k->rstd2, INK__FF_GAMMA, l, R, H);
    ink__rows_dropout_add(dx, n, d, dx, &none, R, H);

    if (!before)
        ink__rows_norm_backward(dx, n, dx, k->xh1, k->rstd1, INK__ATTN_GAMMA, l, R, H);
    ink__rows_dropout_add(d, n, dx, NULL, &a, R, H);
    INK_TRY(attention_backward(d, n, d, s, batch, drop, err));
    if (before && ink__store_find(n->store, INK__ATTN_GAMMA, l))
        ink__rows_norm_backward(d, n, d, k->xh1, k->rstd1, INK__ATTN_GAMMA, l, R, H);
    ink__rows_dropout_add(dx, n, d, dx, &none, R, H);
    return INK_OK;
}

static ink_status embed_backward(float *dx, ink__network *n, const ink_batch *batch,
                                 const ink__dropping *drop, ink_error *err)
{
    const ink__config *c = n->config;
    const size_t R = batch->offsets[batch->B], E = c->E;
    const ink__dropout site = ink__network_site(n, drop, INK__DROP_EMBED, 0, 0);
    const ink__table_gradients tables = {.word = ink__store_gradient(n->store, INK__WORD, 0),
                                         .position = ink__store_gradient(n->store, INK__POSITION, 0),
                                         .type = ink__store_gradient(n->store, INK__TYPE, 0)};
    enum { COLUMNS = 64 };
    float *d = dx; /* [R,E] */
    if (c->projected) {
        const ink__affine project = ink__network_affine(n, INK__SHAPE_PROJECT, INK__PROJECT_W, 0);
        INK_TRY(ink__affine_backward(n->wide, n, &project, dx, n->embedded, R, err));
        d = n->wide;
    }
    ink__rows_dropout_add(d, n, d, NULL, &site, R, E);
    ink__rows_norm_backward(d, n, d, n->embed_xh, n->embed_rstd, INK__EMBED_GAMMA, 0, R, E);
    for (size_t r = 0; r < R; ++r)
        n->store->written[batch->ids[r]] = true;
#pragma omp parallel for schedule(static) num_threads(n->threads) if (n->threads > 1)
    for (size_t e = 0; e < E; e += COLUMNS)
        ink_embedding_backward(tables, d, batch->ids, batch->types, batch->offsets, batch->B,
                               ink__config_positions(c), E, e, e + COLUMNS < E ? e + COLUMNS : E);
    return INK_OK;
}

ink_status ink__network_backward(ink__network *n, const ink_batch *batch, const float *dlogits,
                                 const ink__dropping *drop, ink_error *err)
{
    INK_TRY(ink__head_backward(n->x, n, batch, dlogits, drop, err));
    return ink__network_encode_backward(n, batch, drop, err);
}

ink_status ink__network_encode_backward(ink__network *n, const ink_batch *batch, const ink__dropping *drop,
                                        ink_error *err)
{
    const ink__config *c = n->config;
    const size_t R = batch->offsets[batch->B];
    float *dx = n->x, *dtable = ink__store_gradient(n->store, INK__RELATIVE, 0);
    bool embeddings;
    const size_t first = lowest(n, &embeddings);
    if (ink__store_find(n->store, INK__FINAL_GAMMA, 0))
        ink__rows_norm_backward(dx, n, dx, n->final_xh, n->final_rstd, INK__FINAL_GAMMA, 0, R, c->H);
    if (n->dbias)
        memset(n->dbias, 0, c->N * (2 * c->P - 1) * sizeof *n->dbias);
    for (size_t s = c->n_steps; s > first; --s)
        INK_TRY(layer_backward(dx, n, s - 1, batch, drop, err));
    if (n->dbias)
        ink_relative_bias_backward(dtable, n->dbias, c->N, c->P);
    return embeddings ? embed_backward(dx, n, batch, drop, err) : INK_OK;
}
