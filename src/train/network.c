/* Forward in training: see network.h, and model/encoder.c for the formulas. */
#include "train/network.h"
#include "core/memory.h"
#include "model/encoder.h"

#include <omp.h>
#include <string.h>

/* Longest sequence a piece may have. */
static size_t longest(const ink__network *n)
{
    return n->max_rows < n->config->P ? n->max_rows : n->config->P;
}

static void carve_layer(ink__kept *k, ink_arena *a, const ink__network *n, size_t R)
{
    const ink__config *c = n->config;
    const size_t H = c->H, row = sizeof(float);
    k->in = ink_arena_bytes(a, R, H * row);
    k->qkv = ink_arena_bytes(a, R, 3 * H * row);
    k->ctx = ink_arena_bytes(a, R, H * row);
    k->lse = ink_arena_bytes(a, R, c->N * row);
    k->xh1 = ink_arena_bytes(a, R, H * row);
    k->rstd1 = ink_arena_bytes(a, R, row);
    k->mid = ink_arena_bytes(a, R, H * row);
    k->inner = ink_arena_bytes(a, R, (c->arch->gated ? 2 : 1) * c->F * row);
    k->xh2 = ink_arena_bytes(a, R, H * row);
    k->rstd2 = ink_arena_bytes(a, R, row);
}

static size_t widest(const ink__config *c)
{
    size_t most = 3 * c->H > 2 * c->F ? 3 * c->H : 2 * c->F;
    return most > c->E ? most : c->E;
}

static void carve(ink_arena *a, void *buffers, const void *dims)
{
    ink__network *n = buffers;
    const ink__config *c = n->config;
    const size_t R = ink__round_rows(n->max_rows), B = ink__round_rows(n->max_sequences), H = c->H;
    const size_t row = sizeof(float), wide = widest(c);
    (void)dims;
    n->layers = ink_arena_bytes(a, c->n_steps, sizeof *n->layers);
    for (size_t s = 0; s < c->n_steps; ++s) {
        ink__kept unplaced;
        carve_layer(n->layers ? &n->layers[s] : &unplaced, a, n, R);
    }
    n->embed_xh = ink_arena_bytes(a, R, c->E * row);
    n->embed_rstd = ink_arena_bytes(a, R, row);
    n->embedded = ink_arena_bytes(a, R, c->E * row);
    n->x = ink_arena_bytes(a, R, H * row);
    n->final_xh = ink_arena_bytes(a, R, H * row);
    n->final_rstd = ink_arena_bytes(a, R, row);
    n->branch = ink_arena_bytes(a, R, H * row);
    n->wide = ink_arena_bytes(a, R, wide * row);
    n->wide2 = ink_arena_bytes(a, R, wide * row);
    n->row = ink_arena_f32(a, c->E);
    n->zeros = ink_arena_f32(a, wide);
    n->sink = ink_arena_f32(a, wide);
    n->scratch = ink_arena_bytes(a, n->threads, n->scratch_floats * row);
    ink__ropes_carve(n->ropes, a, c);
    if (ink__store_find(n->store, INK__RELATIVE, 0)) {
        n->bias = ink_arena_bytes(a, c->N * (2 * c->P - 1) + INK__BIAS_SLACK, row);
        n->dbias = ink_arena_bytes(a, c->N * (2 * c->P - 1), row);
    }
    n->pooled = ink_arena_bytes(a, B, H * row);
    n->dense = ink_arena_bytes(a, B, H * row);
    n->dense2 = ink_arena_bytes(a, B, H * row);
    n->head_xh = ink_arena_bytes(a, B, H * row);
    n->head_rstd = ink_arena_bytes(a, B, row);
    n->head = ink_arena_bytes(a, B, H * row);
    n->dhead = ink_arena_bytes(a, B, H * row);
    n->logits = ink_arena_bytes(a, B, c->C * row);
}

static ink_status make_products(ink__network *n, ink_error *err)
{
    INK_TRY(ink__onednn_create(&n->engine, err));
    for (ink__shape shape = 0; shape < INK__SHAPES; ++shape) {
        size_t in, out;
        ink__shape_size(&in, &out, shape, n->config);
        if (out > 0)
            INK_TRY(ink__trained_linear_create(&n->products[shape], n->engine, in, out, n->threads, err));
    }
    return INK_OK;
}

static ink_status create(ink__network *n, ink_backend backend, ink_error *err)
{
    const ink__config *c = n->config;
    const ink__backend *chosen;
    INK_TRY(ink__backend_choose(&chosen, backend, err));
    n->passes = chosen->id == INK_BACKEND_FUSED ? ink__passes_best() : &ink__passes_ref;
    if (c->drops[INK__DROP_FF_IN] > 0)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "training with dropout %g inside the feed-forward layer; Inkling wants 0 there",
                        c->drops[INK__DROP_FF_IN]);
    n->scratch_floats = (n->passes->attend_scratch(longest(n), c->H / c->N) + 15) / 16 * 16;
    INK_TRY(ink_arena_plan(&n->arena, carve, n, NULL, err));
    ink__ropes_fill(n->ropes, c);
    return chosen->plain ? INK_OK : make_products(n, err);
}

ink_status ink__network_create(ink__network *network, const ink__config *config, const ink__store *store,
                               ink_backend backend, size_t max_rows, size_t max_sequences, size_t threads,
                               ink_error *err)
{
    *network = (ink__network){.config = config,
                              .store = store,
                              .max_rows = max_rows,
                              .max_sequences = max_sequences,
                              .threads = threads};
    const ink_status st = create(network, backend, err);
    if (st != INK_OK)
        ink__network_free(network);
    return st;
}

void ink__network_free(ink__network *network)
{
    for (ink__shape shape = 0; shape < INK__SHAPES; ++shape)
        ink__trained_linear_free(network->products[shape]);
    ink__onednn_free(network->engine);
    ink_arena_free(&network->arena);
    *network = (ink__network){0};
}

/* Sites are numbered layer by layer, attention's heads first, then those that the model has once. */
ink__dropout ink__network_site(const ink__network *n, const ink__dropping *drop, ink__drop where, size_t step,
                               size_t head)
{
    const ink__config *c = n->config;
    if (!drop || !(c->drops[where] > 0))
        return (ink__dropout){0};
    const bool inside =
        where == INK__DROP_ATTENTION || where == INK__DROP_ATTN_OUT || where == INK__DROP_FF_OUT;
    const bool of_head = where == INK__DROP_HEAD || where == INK__DROP_HEAD_IN;
    const size_t per_step = c->N + INK__DROPS;
    const size_t place = where == INK__DROP_ATTENTION ? head : c->N + where;
    return (ink__dropout){.seed = drop->seed,
                          .step = drop->step,
                          .site = (uint32_t)((inside ? step : c->n_steps) * per_step + place),
                          .row = of_head ? drop->first_sequence : drop->first_row,
                          .threshold = ink__dropout_threshold(c->drops[where])};
}

static ink__table table_of(const ink__network *n, ink__slot slot)
{
    const ink__parameter *p = ink__store_find(n->store, slot, 0);
    return p ? (ink__table){(const unsigned char *)(n->store->values + p->at), INK__F32, p->shape[0], NULL}
             : (ink__table){0};
}

static ink_status embed(float *x, ink__network *n, const ink_batch *batch, const ink__dropping *drop,
                        ink_error *err)
{
    const ink__config *c = n->config;
    const size_t R = batch->offsets[batch->B];
    const ink__dropout site = ink__network_site(n, drop, INK__DROP_EMBED, 0, 0);
    float *rows = c->projected ? n->embedded : x; /* [R,E] */
    ink_embedding_forward(n->embed_xh, n->row, batch->ids, batch->types, batch->offsets, batch->B,
                          table_of(n, INK__WORD), table_of(n, INK__POSITION), table_of(n, INK__TYPE),
                          ink__config_positions(c), c->E);
    ink__rows_norm(rows, n->embed_xh, n->embed_rstd, n, n->embed_xh, INK__EMBED_GAMMA, 0, R, c->E);
    ink__rows_dropout_add(rows, n, rows, NULL, &site, R, c->E);
    if (!c->projected)
        return INK_OK;
    const ink__affine project = ink__network_affine(n, INK__SHAPE_PROJECT, INK__PROJECT_W, 0);
    return ink__affine_forward(x, n, &project, rows, R, err);
}

static void attend(ink__network *n, const ink__kept *k, const ink__step *step, size_t s,
                   const ink_batch *batch, const ink__dropping *drop)
{
    const ink__config *c = n->config;
    const size_t N = c->N, D = c->H / N, H = c->H;
    const ink__attending how = {.N = N, .D = D, .window = step->window, .bias = n->bias, .reach = c->P};
#pragma omp parallel for schedule(dynamic) num_threads(n->threads) if (n->threads > 1)
    for (size_t task = 0; task < batch->B * N; ++task) {
        const size_t b = task / N, head = task % N, first = batch->offsets[b];
        float *scratch = n->scratch + (size_t)omp_get_thread_num() * n->scratch_floats;
        ink__dropout site = ink__network_site(n, drop, INK__DROP_ATTENTION, s, head);
        site.row += (uint32_t)first;
        n->passes->attend(k->ctx + first * H + head * D, k->lse + first * N + head, scratch,
                          k->qkv + first * 3 * H + head * D, batch->offsets[b + 1] - first, &how, head,
                          &site);
    }
}

/* n->branch = the layer's attention of k->in. */
static ink_status run_attention(ink__network *n, ink__kept *k, size_t s, const ink_batch *batch,
                                const ink__dropping *drop, ink_error *err)
{
    const ink__config *c = n->config;
    const ink__step *step = &c->steps[s];
    const size_t R = batch->offsets[batch->B];
    const ink__affine qkv = ink__network_affine(n, INK__SHAPE_QKV, INK__QKV_W, step->layer);
    const ink__affine out = ink__network_affine(n, INK__SHAPE_SQUARE, INK__ATTN_OUT_W, step->layer);
    INK_TRY(ink__affine_forward(k->qkv, n, &qkv, k->in, R, err));
    if (step->theta != 0) {
        const ink__rope *rope = ink__rope_of(n->ropes, step->theta);
        ink_rope_forward(k->qkv, rope->cosines, rope->sines, batch->offsets, batch->B, c->N, c->H / c->N);
    }
    attend(n, k, step, s, batch, drop);
    return ink__affine_forward(n->branch, n, &out, k->ctx, R, err);
}

/* n->branch = the layer's feed-forward part of k->mid. */
static ink_status run_feed(ink__network *n, ink__kept *k, size_t layer, size_t R, ink_error *err)
{
    const ink__config *c = n->config;
    const ink__affine in = ink__network_affine(n, INK__SHAPE_FF_IN, INK__FF_IN_W, layer);
    const ink__affine out = ink__network_affine(n, INK__SHAPE_FF_OUT, INK__FF_OUT_W, layer);
    INK_TRY(ink__affine_forward(k->inner, n, &in, k->mid, R, err));
    if (c->arch->gated)
        ink__rows_gate(n->wide, n, k->inner, c->activation, R);
    else
        ink__rows_activate(n->wide, n, k->inner, c->activation, R, c->F);
    return ink__affine_forward(n->branch, n, &out, n->wide, R, err);
}

/* Norms after: the stream x lives in each layer's `in` and `mid`. */
static ink_status layer_post(ink__network *n, size_t s, const ink_batch *batch, const ink__dropping *drop,
                             ink_error *err)
{
    const ink__config *c = n->config;
    const size_t R = batch->offsets[batch->B], l = c->steps[s].layer;
    ink__kept *k = &n->layers[s];
    const ink__dropout a = ink__network_site(n, drop, INK__DROP_ATTN_OUT, s, 0);
    const ink__dropout f = ink__network_site(n, drop, INK__DROP_FF_OUT, s, 0);
    float *out = s + 1 < c->n_steps ? n->layers[s + 1].in : n->x;
    INK_TRY(run_attention(n, k, s, batch, drop, err));
    ink__rows_dropout_add(k->xh1, n, n->branch, k->in, &a, R, c->H);
    ink__rows_norm(k->mid, k->xh1, k->rstd1, n, k->xh1, INK__ATTN_GAMMA, l, R, c->H);
    INK_TRY(run_feed(n, k, l, R, err));
    ink__rows_dropout_add(k->xh2, n, n->branch, k->mid, &f, R, c->H);
    ink__rows_norm(out, k->xh2, k->rstd2, n, k->xh2, INK__FF_GAMMA, l, R, c->H);
    return INK_OK;
}

/* Norms before: the stream is n->x. */
static ink_status layer_pre(ink__network *n, size_t s, const ink_batch *batch, const ink__dropping *drop,
                            ink_error *err)
{
    const ink__config *c = n->config;
    const size_t R = batch->offsets[batch->B], l = c->steps[s].layer;
    ink__kept *k = &n->layers[s];
    const ink__dropout a = ink__network_site(n, drop, INK__DROP_ATTN_OUT, s, 0);
    const ink__dropout f = ink__network_site(n, drop, INK__DROP_FF_OUT, s, 0);
    if (ink__store_find(n->store, INK__ATTN_GAMMA, l))
        ink__rows_norm(k->in, k->xh1, k->rstd1, n, n->x, INK__ATTN_GAMMA, l, R, c->H);
    else
        memcpy(k->in, n->x, R * c->H * sizeof *k->in);
    INK_TRY(run_attention(n, k, s, batch, drop, err));
    ink__rows_dropout_add(n->x, n, n->branch, n->x, &a, R, c->H);
    ink__rows_norm(k->mid, k->xh2, k->rstd2, n, n->x, INK__FF_GAMMA, l, R, c->H);
    INK_TRY(run_feed(n, k, l, R, err));
    ink__rows_dropout_add(n->x, n, n->branch, n->x, &f, R, c->H);
    return INK_OK;
}

ink_status ink__network_encode(ink__network *n, const ink_batch *batch, const ink__dropping *drop,
                               ink_error *err)
{
    const ink__config *c = n->config;
    const size_t R = batch->offsets[batch->B];
    const bool before = c->arch->pre_norm;
    const ink__parameter *relative = ink__store_find(n->store, INK__RELATIVE, 0);
    if (R > n->max_rows || batch->B > n->max_sequences)
        return ink_fail(err, INK_E_SHAPE, "%zu rows in %zu sequences, planned for %zu in %zu", R, batch->B,
                        n->max_rows, n->max_sequences);
    if (relative)
        ink_relative_bias(n->bias, n->store->values + relative->at, c->N, c->P);
    INK_TRY(embed(before ? n->x : n->layers[0].in, n, batch, drop, err));
    for (size_t s = 0; s < c->n_steps; ++s)
        INK_TRY(before ? layer_pre(n, s, batch, drop, err) : layer_post(n, s, batch, drop, err));
    if (ink__store_find(n->store, INK__FINAL_GAMMA, 0)) {
        ink__rows_norm(n->branch, n->final_xh, n->final_rstd, n, n->x, INK__FINAL_GAMMA, 0, R, c->H);
        memcpy(n->x, n->branch, R * c->H * sizeof *n->x);
    }
    return INK_OK;
}

ink_status ink__network_forward(ink__network *n, const ink_batch *batch, const ink__dropping *drop,
                                ink_error *err)
{
    INK_TRY(ink__network_encode(n, batch, drop, err));
    return ink__head_train(n, batch, drop, err);
}
