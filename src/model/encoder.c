/* The encoder: transformer layers (Vaswani et al., arXiv 1706.03762) over packed rows. x starts as
 * norm(word + type + position), projected to H where embeddings are narrower; then, layer by layer,
 *
 *   norms after:   y = norm(x + attention(x W_qkv) W_o)              x = norm(y + f(y W_in) W_out)
 *   norms before:  y = x + attention(norm(x) W_qkv) W_o              x = y + f(norm(y) W_in) W_out
 *
 * with one more norm at the end in the second form, and f(u) * g for f where the feed-forward layer is gated.
 * See encoder.h. */
#include "model/encoder.h"
#include "core/threads.h"
#include "nn/linear.h"

#include <stdlib.h>
#include <string.h>

static void carve(ink_arena *a, void *buffers, const void *dims)
{
    ink__encoder *e = buffers;
    const ink__config *c = dims;
    const size_t R = ink__round_rows(e->max_tokens), H = c->H, E = c->E;
    size_t wide = 4 * H, ff = c->arch->gated ? 3 * c->F : c->F;
    wide = wide > ff ? wide : ff;
    /* R is the caller's wish: its products are checked by the arena. */
    e->x = ink_arena_bytes(a, R, H * sizeof(float));
    e->y = ink_arena_bytes(a, R, H * sizeof(float));
    if (c->arch->pre_norm)
        e->z = ink_arena_bytes(a, R, H * sizeof(float));
    e->wide = ink_arena_bytes(a, R, (wide > E ? wide : E) * sizeof(float));
    e->row = ink_arena_f32(a, E);
}

ink_status ink__encoder_create(ink__encoder *e, const ink__config *config, const ink__weights *weights,
                               const ink__backend *backend, size_t max_tokens, size_t threads, ink_error *err)
{
    *e = (ink__encoder){.config = config,
                        .weights = weights,
                        .backend = backend,
                        .max_tokens = max_tokens,
                        .threads = threads,
                        .profile = {.backend = backend->name, .threads = threads}};
    if (max_tokens == 0 || max_tokens > (size_t)1 << 30)
        return ink_fail(err, INK_E_SHAPE, "a session for %zu tokens, wanted 1 to %d", max_tokens, 1 << 30);
    ink_status st;
    INK_TRY_GOTO(ink_arena_plan(&e->arena, carve, e, config, err));
    st = backend->prepare(e, err);
done:
    if (st != INK_OK)
        ink__encoder_free(e);
    return st;
}

void ink__encoder_free(ink__encoder *e)
{
    if (e->backend)
        e->backend->release(e);
    ink_arena_free(&e->arena);
    *e = (ink__encoder){0};
}

static ink_status embed(ink__encoder *e, const ink_batch *batch, ink_error *err)
{
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    const size_t R = batch->offsets[batch->B];
    float *rows = c->projected ? e->wide : e->x; /* [R,E] */
    ink_embedding_forward(rows, e->row, batch->ids, batch->types, batch->offsets, batch->B, w->word,
                          w->position, w->type, ink__config_positions(c), c->E);
    INK_TRY(e->backend->norm(rows, e, &w->embed_norm, rows, R, c->E, err));
    return c->projected ? e->backend->linear(e->x, e, &w->project, rows, R, err) : INK_OK;
}

/* ctx [R,H] = what the step's attention makes of x [R,H]. */
static ink_status attend(float *ctx, float *qkv, ink__encoder *e, const ink__step *step, const float *x,
                         const ink_batch *batch, ink_error *err)
{
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    const ink__attending how = {
        .N = c->N, .D = c->H / c->N, .window = step->window, .bias = w->bias, .reach = c->P};
    const size_t R = batch->offsets[batch->B], at = (size_t)(step - c->steps);
    INK_TRY(e->backend->linear(qkv, e, &w->layers[step->layer].qkv, x, R, err));
    ink__profile_lap(&e->profile, INK_OPERATION_QKV, at, R, c->H, 3 * c->H);
    if (step->theta != 0) {
        const ink__rope *rope = ink__rope_of(w->ropes, step->theta);
        ink_rope_forward(qkv, rope->cosines, rope->sines, batch->offsets, batch->B, how.N, how.D);
    }
    INK_TRY(e->backend->attention(ctx, e, qkv, batch->offsets, batch->B, &how, err));
    ink__profile_lap(&e->profile, INK_OPERATION_ATTENTION, at, R, 3 * c->H, c->H);
    return INK_OK;
}

/* *ff [R,F] = the inner feed-forward layer of x [R,H]. */
static ink_status feed(float **ff, ink__encoder *e, const ink__layer *layer, const float *x, size_t R,
                       ink_error *err)
{
    const ink__config *c = e->config;
    if (!c->arch->gated) {
        *ff = e->wide;
        return e->backend->linear_activate(*ff, e, &layer->ff_in, x, c->activation, R, err);
    }
    *ff = e->wide + ink__round_rows(R) * 2 * c->F;
    return e->backend->linear_gate(*ff, e->wide, e, &layer->ff_in, x, c->activation, R, err);
}

ink_status ink__encoder_forward(ink__encoder *e, const ink_batch *batch, ink_error *err)
{
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    const ink__backend *with = e->backend;
    const size_t R = batch->offsets[batch->B];
    const bool before = c->arch->pre_norm;
    float *qkv = e->wide, *ctx = e->wide + ink__round_rows(R) * 3 * c->H, *ff;
    ink__profile_start(&e->profile);
    INK_TRY(embed(e, batch, err));
    ink__profile_lap(&e->profile, INK_OPERATION_EMBEDDING, 0, R, c->E, c->H);
    for (size_t s = 0; s < c->n_steps; ++s) {
        const ink__layer *layer = &w->layers[c->steps[s].layer];
        const float *in = e->x; /* of attention, then of the feed-forward layer */
        if (before && layer->attn_norm.gamma) {
            INK_TRY(with->norm(e->z, e, &layer->attn_norm, e->x, R, c->H, err));
            in = e->z;
        }
        INK_TRY(attend(ctx, qkv, e, &c->steps[s], in, batch, err));
        INK_TRY(with->linear_add_norm(e->y, e, &layer->attn_out, ctx, e->x, before ? NULL : &layer->attn_norm,
                                      R, err));
        ink__profile_lap(&e->profile, INK_OPERATION_ATTN_OUT, s, R, c->H, c->H);
        in = e->y;
        if (before) {
            INK_TRY(with->norm(e->z, e, &layer->ff_norm, e->y, R, c->H, err));
            in = e->z;
        }
        INK_TRY(feed(&ff, e, layer, in, R, err));
        ink__profile_lap(&e->profile, INK_OPERATION_FF_IN, s, R, c->H, layer->ff_in.out);
        INK_TRY(with->linear_add_norm(e->x, e, &layer->ff_out, ff, e->y, before ? NULL : &layer->ff_norm, R,
                                      err));
        ink__profile_lap(&e->profile, INK_OPERATION_FF_OUT, s, R, c->F, c->H);
    }
    if (!w->final_norm.gamma)
        return INK_OK;
    INK_TRY(with->norm(e->x, e, &w->final_norm, e->x, R, c->H, err));
    ink__profile_lap(&e->profile, INK_OPERATION_HEAD, 0, R, c->H, c->H);
    return INK_OK;
}

void ink__mean_rows(float *mean, const float *x, size_t S, size_t H)
{
    memcpy(mean, x, H * sizeof *mean);
    for (size_t r = 1; r < S; ++r)
        for (size_t h = 0; h < H; ++h)
            mean[h] += x[r * H + h];
    for (size_t h = 0; h < H; ++h)
        mean[h] /= (float)S;
}

ink_status ink__head_forward(float *logits, ink__encoder *e, const ink_batch *batch, ink_error *err)
{
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    const size_t B = batch->B, H = c->H;
    float *pooled = e->y, *dense = e->wide; /* [B,H] each */
    for (size_t b = 0; b < B; ++b) {
        const size_t first = batch->offsets[b], S = c->head_mean ? batch->offsets[b + 1] - first : 1;
        ink__mean_rows(pooled + b * H, e->x + first * H, S, H);
    }
    INK_TRY(e->backend->linear_activate(dense, e, &w->head_dense, pooled, c->head_activation, B, err));
    if (w->head_norm.gamma)
        INK_TRY(e->backend->norm(dense, e, &w->head_norm, dense, B, H, err));
    ink_linear_forward(logits, dense, w->head_W, w->head_b, B, H, c->C);
    ink__profile_lap(&e->profile, INK_OPERATION_HEAD, 0, B, H, c->C);
    return INK_OK;
}

ink_status ink__backend_choose(const ink__backend **backend, ink_backend wanted, ink_error *err)
{
    static const ink__backend *const all[] = {&ink__backend_ref, &ink__backend_dnnl, &ink__backend_fused};
    const char *name = wanted == INK_BACKEND_AUTO ? getenv("INK_BACKEND") : NULL;
    if (wanted == INK_BACKEND_AUTO && !name)
        wanted = INK_BACKEND_FUSED;
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        if (name ? strcmp(name, all[i]->name) == 0 : wanted == all[i]->id) {
            *backend = all[i];
            return INK_OK;
        }
    if (name)
        return ink_fail(err, INK_E_ARG, "INK_BACKEND is \"%s\", wanted ref, dnnl or fused", name);
    return ink_fail(err, INK_E_ARG, "no backend %d", (int)wanted);
}
