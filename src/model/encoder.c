/* The encoder: transformer layers (Vaswani et al., arXiv 1706.03762) over packed rows. x starts as
 * norm(word + type + position), projected to H where embeddings are narrower; then, layer by layer,
 *
 *   norms after:   y = norm(x + attention(x W_qkv) W_o)              x = norm(y + f(y W_in) W_out)
 *   norms before:  y = x + attention(norm(x) W_qkv) W_o              x = y + f(norm(y) W_in) W_out
 *
 * with one more norm at the end in the second form, and f(u) * g for f where the feed-forward layer is gated.
 * Only attention needs more than its own row, and only its own sequence. So there are two ways through: all
 * rows layer by layer, where from one attention to the next blocks of rows go their way alone; and groups of
 * sequences that go the whole way alone. See encoder.h. */
#include "model/encoder.h"
#include "core/threads.h"
#include "model/groups.h"
#include "nn/linear.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct dims {
    const ink__config *config;
    size_t max_tokens, threads, group;
};

static size_t lanes_of(size_t threads)
{
    return threads == 1 ? 1 : 1 + threads;
}

static void states_carve(ink__states *states, ink_arena *a, size_t R, const ink__config *c)
{
    const size_t H = c->H, E = c->E;
    states->x = ink_arena_bytes(a, R, H * sizeof(float));
    states->qkv = ink_arena_bytes(a, R, 3 * H * sizeof(float));
    states->ctx = ink_arena_bytes(a, R, (H > E ? H : E) * sizeof(float));
}

static void carve(ink_arena *a, void *buffers, const void *dims)
{
    ink__encoder *e = buffers;
    const struct dims *d = dims;
    const ink__config *c = d->config;
    const size_t R = ink__round_rows(d->max_tokens), H = c->H, E = c->E;
    const size_t block = R < INK__BLOCK ? R : INK__BLOCK;
    /* R is the caller's wish: its products are checked by the arena. */
    states_carve(&e->all, a, R, c);
    e->lanes = ink_arena_bytes(a, lanes_of(d->threads), sizeof *e->lanes);
    for (size_t i = 0; i < lanes_of(d->threads); ++i) {
        ink__lane unplaced, *lane = e->lanes ? &e->lanes[i] : &unplaced; /* the measuring pass has none */
        lane->row = ink_arena_f32(a, E);
        lane->y = ink_arena_f32(a, block * H);
        if (c->arch->pre_norm)
            lane->z = ink_arena_f32(a, block * H);
        lane->ff = ink_arena_f32(a, block * (c->arch->gated ? 3 * c->F : c->F));
        if (d->group > 0 && (i > 0 || d->threads == 1)) {
            states_carve(&lane->group, a, ink__round_rows(d->group), c);
            lane->offsets = ink_arena_bytes(a, d->group + 1, sizeof *lane->offsets);
        }
    }
    e->groups = ink_arena_bytes(a, d->group ? d->max_tokens + 1 : 0, sizeof *e->groups);
    e->busy = ink_arena_bytes(a, d->threads, sizeof *e->busy);
}

/* Rows a group has room for; 0: there is no more than one. */
static size_t group_room(size_t max_tokens, size_t threads)
{
    if (max_tokens > INK__GROUP)
        return INK__GROUP;
    return threads == 1 ? 0 : max_tokens;
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
    e->group = backend->groups ? group_room(max_tokens, threads) : 0;
    const struct dims dims = {config, max_tokens, threads, e->group};
    ink_status st;
    INK_TRY_GOTO(ink_arena_plan(&e->arena, carve, e, &dims, err));
    for (size_t i = 0; i < lanes_of(threads); ++i) {
        e->lanes[i].e = e;
        e->lanes[i].threads = i == 0 ? threads : 1;
        e->lanes[i].profile = (ink__profile){.backend = backend->name, .threads = e->lanes[i].threads};
        INK_TRY_GOTO(backend->prepare(&e->lanes[i], err));
    }
    st = INK_OK;
done:
    if (st != INK_OK)
        ink__encoder_free(e);
    return st;
}

void ink__encoder_free(ink__encoder *e)
{
    for (size_t i = 0; e->lanes && i < lanes_of(e->threads); ++i)
        e->backend->release(&e->lanes[i]);
    ink_arena_free(&e->arena);
    *e = (ink__encoder){0};
}

void ink__encoder_watch(ink__encoder *e, ink_profile_callback *callback, void *user)
{
    for (size_t i = 0; i < lanes_of(e->threads); ++i)
        e->lanes[i].profile.callback = callback, e->lanes[i].profile.user = user;
}

ink__lane *ink__encoder_lane(const ink__encoder *e)
{
    return e->threads == 1 ? e->lanes : &e->lanes[1 + omp_get_thread_num()];
}

ink__lane *ink__lane_alone(ink__lane *lane)
{
    return lane->threads == 1 ? lane : ink__encoder_lane(lane->e);
}

/* ---- a block of rows from one attention to the next -------------------------------------------------- */

/* What layer step s does before attention, for rows first to first + n: their queries, keys and values. */
static ink_status before_attention(ink__lane *lane, const ink__states *rows, size_t s, size_t first, size_t n,
                                   ink_error *err)
{
    const ink__encoder *e = lane->e;
    const ink__config *c = e->config;
    const ink__layer *layer = &e->weights->layers[c->steps[s].layer];
    const float *in = rows->x + first * c->H; /* [n,H] */
    if (c->arch->pre_norm && layer->attn_norm.gamma) {
        INK_TRY(e->backend->norm(lane->z, lane, &layer->attn_norm, in, n, c->H, err));
        in = lane->z;
    }
    INK_TRY(e->backend->linear(rows->qkv + first * 3 * c->H, lane, &layer->qkv, in, n, err));
    lane->profile.layer = s;
    ink__profile_lap(&lane->profile, INK_OPERATION_QKV, n, c->H, 3 * c->H);
    return INK_OK;
}

/* x [R,H] of the embeddings, and on to the first attention. */
static ink_status embedded(ink__lane *lane, const ink__states *rows, size_t unused, size_t first, size_t n,
                           ink_error *err)
{
    const ink__encoder *e = lane->e;
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    float *x = rows->x + first * c->H;                               /* [n,H] */
    float *embeddings = c->projected ? rows->ctx + first * c->E : x; /* [n,E] */
    ink__profile_start(&lane->profile, 0);
    INK_TRY(e->backend->norm(embeddings, lane, &w->embed_norm, embeddings, n, c->E, err));
    if (c->projected)
        INK_TRY(e->backend->linear(x, lane, &w->project, embeddings, n, err));
    ink__profile_lap(&lane->profile, INK_OPERATION_EMBEDDING, n, c->E, c->H);
    return before_attention(lane, rows, 0, first, n, err);
}

/* What layer step s makes of the context, and on to the next attention or the end. */
static ink_status after_attention(ink__lane *lane, const ink__states *rows, size_t s, size_t first, size_t n,
                                  ink_error *err)
{
    const ink__encoder *e = lane->e;
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    const ink__backend *with = e->backend;
    const ink__layer *layer = &w->layers[c->steps[s].layer];
    const bool before = c->arch->pre_norm;
    float *x = rows->x + first * c->H, *in = lane->y; /* [n,H]; of the feed-forward layer */
    ink__profile_start(&lane->profile, s);
    INK_TRY(with->linear_add_norm(lane->y, lane, &layer->attn_out, rows->ctx + first * c->H, x,
                                  before ? NULL : &layer->attn_norm, n, err));
    ink__profile_lap(&lane->profile, INK_OPERATION_ATTN_OUT, n, c->H, c->H);
    if (before) {
        INK_TRY(with->norm(lane->z, lane, &layer->ff_norm, lane->y, n, c->H, err));
        in = lane->z;
    }
    INK_TRY(with->feed(x, lane, layer, in, lane->y, before ? NULL : &layer->ff_norm, n, err));
    if (s + 1 < c->n_steps)
        return before_attention(lane, rows, s + 1, first, n, err);
    if (!w->final_norm.gamma)
        return INK_OK;
    INK_TRY(with->norm(x, lane, &w->final_norm, x, n, c->H, err));
    ink__profile_lap(&lane->profile, INK_OPERATION_HEAD, n, c->H, c->H);
    return INK_OK;
}

ink_status ink__feed_by_parts(float *y, ink__lane *lane, const ink__layer *layer, const float *x,
                              const float *residual, const ink__norm *norm, size_t R, ink_error *err)
{
    const ink__config *c = lane->e->config;
    const ink__backend *with = lane->e->backend;
    float *ff = lane->ff; /* [R,F] */
    if (c->arch->gated) {
        ff += ink__round_rows(R) * 2 * c->F;
        INK_TRY(with->linear_gate(ff, lane->ff, lane, &layer->ff_in, x, c->activation, R, err));
    } else {
        INK_TRY(with->linear_activate(ff, lane, &layer->ff_in, x, c->activation, R, err));
    }
    ink__profile_lap(&lane->profile, INK_OPERATION_FF_IN, R, c->H, layer->ff_in.out);
    INK_TRY(with->linear_add_norm(y, lane, &layer->ff_out, ff, residual, norm, R, err));
    ink__profile_lap(&lane->profile, INK_OPERATION_FF_OUT, R, c->F, c->H);
    return INK_OK;
}

/* ---- all rows ---------------------------------------------------------------------------------------- */

typedef ink_status block_stage(ink__lane *lane, const ink__states *rows, size_t step, size_t first, size_t n,
                               ink_error *err);

/* Rows a thread should have at least before blocks are handed out: below that all threads share each
 * product. */
enum { ROWS_PER_THREAD = 32 };

static bool by_blocks(const ink__encoder *e, size_t R)
{
    return e->threads > 1 && R >= ROWS_PER_THREAD * e->threads;
}

/* One after the other. A parallel region of one thread around it would make regions within it nested ones,
 * for which libgomp starts new threads every time. */
static ink_status in_turn(ink__lane *lane, const ink__states *rows, block_stage *stage, size_t step, size_t R,
                          ink_error *err)
{
    for (size_t first = 0; first < R; first += INK__BLOCK)
        INK_TRY(stage(lane, rows, step, first, R - first < INK__BLOCK ? R - first : INK__BLOCK, err));
    return INK_OK;
}

/* Rows of a block that lets threads end together: products lose a few percent of their rate with every
 * halving, which an idle thread at the end can cost more. */
static size_t block_rows(size_t R, size_t threads)
{
    size_t best = 0;
    double least = 0;
    for (size_t rows = INK__BLOCK, i = 0; rows >= INK__BLOCK / 8; rows /= 2, ++i) {
        static const double rate[] = {1, 0.96, 0.92, 0.88};
        const size_t whole = R / rows, busiest = (whole + threads - 1) / threads;
        const double time = (double)(busiest * rows + (whole % threads == 0 ? R % rows : 0)) / rate[i];
        if (best == 0 || time < least)
            best = rows, least = time;
    }
    return best;
}

/* Does all R rows of a stage, block by block. */
static ink_status in_blocks(ink__encoder *e, block_stage *stage, size_t step, size_t R, ink_error *err)
{
    if (!by_blocks(e, R))
        return in_turn(e->lanes, &e->all, stage, step, R, err);
    const size_t rows = block_rows(R, e->threads);
    ink_status st = INK_OK;
#pragma omp parallel for schedule(dynamic) num_threads(e->threads)
    for (size_t first = 0; first < R; first += rows) {
        ink_error mine = {0};
        ink_status my =
            stage(ink__encoder_lane(e), &e->all, step, first, R - first < rows ? R - first : rows, &mine);
        if (my != INK_OK)
#pragma omp critical
            if (st == INK_OK) {
                st = my;
                if (err)
                    *err = mine;
            }
    }
    return st;
}

/* ctx [R,H] of qkv [R,3H] */
static ink_status attend(ink__lane *lane, const ink__states *rows, const ink__step *step,
                         const size_t *offsets, size_t B, ink_error *err)
{
    const ink__encoder *e = lane->e;
    const ink__config *c = e->config;
    const ink__weights *w = e->weights;
    const ink__attending how = {
        .N = c->N, .D = c->H / c->N, .window = step->window, .bias = w->bias, .reach = c->P};
    if (step->theta != 0) {
        const ink__rope *rope = ink__rope_of(w->ropes, step->theta);
#pragma omp parallel for schedule(dynamic) num_threads(lane->threads) if (lane->threads > 1)
        for (size_t b = 0; b < B; ++b) {
            const size_t S = offsets[b + 1] - offsets[b];
            ink_rope_forward(rows->qkv + offsets[b] * 3 * c->H, rope->cosines, rope->sines, (size_t[]){0, S},
                             1, how.N, how.D);
        }
    }
    return e->backend->attention(rows->ctx, lane, rows->qkv, offsets, B, &how, err);
}

/* One sequence, looked up to where the embeddings' norm takes it; offsets [2] are its rows. */
static void look_up(ink__lane *lane, const ink__states *rows, const int32_t *ids, const int32_t *types,
                    const size_t *offsets)
{
    const ink__config *c = lane->e->config;
    const ink__weights *w = lane->e->weights;
    ink_embedding_forward(c->projected ? rows->ctx : rows->x, lane->row, ids, types, offsets, 1, w->word,
                          w->position, w->type, ink__config_positions(c), c->E);
}

static ink_status by_layers(ink__encoder *e, const ink_batch *batch, ink_error *err)
{
    const ink__config *c = e->config;
    const size_t R = batch->offsets[batch->B];
    ink__profile *profile = &e->lanes->profile; /* of what all threads do */
    ink__profile_start(profile, 0);
#pragma omp parallel for schedule(dynamic) num_threads(e->threads) if (by_blocks(e, R))
    for (size_t b = 0; b < batch->B; ++b)
        look_up(ink__encoder_lane(e), &e->all, batch->ids, batch->types, batch->offsets + b);
    ink__profile_lap(profile, INK_OPERATION_EMBEDDING, R, c->E, c->E);
    INK_TRY(in_blocks(e, embedded, 0, R, err));
    for (size_t s = 0; s < c->n_steps; ++s) {
        ink__profile_start(profile, s);
        INK_TRY(attend(e->lanes, &e->all, &c->steps[s], batch->offsets, batch->B, err));
        ink__profile_lap(profile, INK_OPERATION_ATTENTION, R, 3 * c->H, c->H);
        INK_TRY(in_blocks(e, after_attention, s, R, err));
    }
    return INK_OK;
}

/* Sequences [b,end) the whole way, on a lane of one thread. */
static ink_status one_group(ink__lane *lane, const ink_batch *batch, size_t b, size_t end, ink_error *err)
{
    const ink__config *c = lane->e->config;
    const ink__states *rows = &lane->group;
    const size_t first = batch->offsets[b], R = batch->offsets[end] - first, B = end - b;
    ink__profile_start(&lane->profile, 0);
    for (size_t i = 0; i <= B; ++i)
        lane->offsets[i] = batch->offsets[b + i] - first;
    for (size_t i = 0; i < B; ++i)
        look_up(lane, rows, batch->ids + first, batch->types ? batch->types + first : NULL,
                lane->offsets + i);
    ink__profile_lap(&lane->profile, INK_OPERATION_EMBEDDING, R, c->E, c->E);
    INK_TRY(in_turn(lane, rows, embedded, 0, R, err));
    for (size_t s = 0; s < c->n_steps; ++s) {
        ink__profile_start(&lane->profile, s);
        INK_TRY(attend(lane, rows, &c->steps[s], lane->offsets, B, err));
        ink__profile_lap(&lane->profile, INK_OPERATION_ATTENTION, R, 3 * c->H, c->H);
        INK_TRY(in_turn(lane, rows, after_attention, s, R, err));
    }
    memcpy(lane->e->all.x + first * c->H, rows->x, R * c->H * sizeof *rows->x);
    return INK_OK;
}

static ink_status by_groups(ink__encoder *e, const ink_batch *batch, size_t groups, ink_error *err)
{
    if (e->threads == 1) {
        for (size_t g = 0; g < groups; ++g)
            INK_TRY(one_group(e->lanes, batch, e->groups[g], e->groups[g + 1], err));
        return INK_OK;
    }
    ink_status st = INK_OK;
#pragma omp parallel for schedule(dynamic) num_threads(e->threads)
    for (size_t g = 0; g < groups; ++g) {
        ink_error mine = {0};
        const ink_status my = one_group(ink__encoder_lane(e), batch, e->groups[g], e->groups[g + 1], &mine);
        if (my != INK_OK)
#pragma omp critical
            if (st == INK_OK) {
                st = my;
                if (err)
                    *err = mine;
            }
    }
    return st;
}

ink_status ink__encoder_forward(ink__encoder *e, const ink_batch *batch, ink_error *err)
{
    size_t n = 0;
    if (e->group > 0 && (e->threads == 1 || by_blocks(e, batch->offsets[batch->B])))
        n = ink__groups_make(e->groups, e->busy, batch->offsets, batch->B, e->threads, e->group);
    return n > 0 ? by_groups(e, batch, n, err) : by_layers(e, batch, err);
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
    float *pooled = e->all.ctx, *dense = e->all.qkv; /* [B,H] each */
    ink__profile_start(&e->lanes->profile, 0);
    for (size_t b = 0; b < B; ++b) {
        const size_t first = batch->offsets[b], S = c->head_mean ? batch->offsets[b + 1] - first : 1;
        ink__mean_rows(pooled + b * H, e->all.x + first * H, S, H);
    }
    INK_TRY(e->backend->linear_activate(dense, e->lanes, &w->head_dense, pooled, c->head_activation, B, err));
    if (w->head_norm.gamma)
        INK_TRY(e->backend->norm(dense, e->lanes, &w->head_norm, dense, B, H, err));
    ink_linear_forward(logits, dense, w->head_W, w->head_b, B, H, c->C);
    ink__profile_lap(&e->lanes->profile, INK_OPERATION_HEAD, B, H, c->C);
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
