/* The encoder: post-norm transformer layers (Vaswani et al., arXiv 1706.03762) over packed rows.
 *
 *   x = norm(word + type + position)
 *   L times:  y = norm(x + attention(x W_qkv) W_o)    x = norm(y + f(y W_in) W_out)
 *
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
    const size_t R = ink__round_rows(e->max_tokens), H = c->H, F = c->F;
    /* R is the caller's wish: its products are checked by the arena. */
    e->x = ink_arena_bytes(a, R, H * sizeof(float));
    e->y = ink_arena_bytes(a, R, H * sizeof(float));
    e->wide = ink_arena_bytes(a, R, (F > 4 * H ? F : 4 * H) * sizeof(float));
    e->row = ink_arena_f32(a, H);
}

ink_status ink__encoder_create(ink__encoder *e, const ink__config *config, const ink__weights *weights,
                               const ink__backend *backend, size_t max_tokens, size_t threads, ink_error *err)
{
    *e = (ink__encoder){.config = config,
                        .weights = weights,
                        .backend = backend,
                        .max_tokens = max_tokens,
                        .threads = threads};
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

ink_status ink__encoder_forward(ink__encoder *e, const ink_batch *batch, ink_error *err)
{
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    const ink__backend *with = e->backend;
    const size_t B = batch->B, R = batch->offsets[B];
    float *qkv = e->wide, *ctx = e->wide + ink__round_rows(R) * 3 * c->H, *ff = e->wide;

    ink_embedding_forward(e->x, e->row, batch->ids, batch->types, batch->offsets, B, w->word, w->position,
                          w->type, 0, c->H);
    INK_TRY(with->norm(e->x, e, &w->embed_norm, R, err));
    for (size_t l = 0; l < c->L; ++l) {
        const ink__layer *layer = &w->layers[l];
        INK_TRY(with->linear(qkv, e, &layer->qkv, e->x, R, err));
        INK_TRY(with->attention(ctx, e, qkv, batch->offsets, B, err));
        INK_TRY(with->linear_add_norm(e->y, e, &layer->attn_out, ctx, e->x, &layer->attn_norm, R, err));
        INK_TRY(with->linear_activate(ff, e, &layer->ff_in, e->y, c->activation, R, err));
        INK_TRY(with->linear_add_norm(e->x, e, &layer->ff_out, ff, e->y, &layer->ff_norm, R, err));
    }
    return INK_OK;
}

ink_status ink__head_forward(float *logits, ink__encoder *e, const ink_batch *batch, ink_error *err)
{
    const ink__weights *w = e->weights;
    const size_t B = batch->B, H = e->config->H;
    float *first = e->y, *dense = e->wide; /* [B,H] each */
    for (size_t b = 0; b < B; ++b)
        memcpy(first + b * H, e->x + batch->offsets[b] * H, H * sizeof *first);
    INK_TRY(e->backend->linear_activate(dense, e, &w->head_dense, first, e->config->arch->head_activation, B,
                                        err));
    ink_linear_forward(logits, dense, w->head_W, w->head_b, B, H, e->config->C);
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
