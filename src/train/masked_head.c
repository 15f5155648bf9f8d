/* Guessing masked tokens: see masked_head.h. */
#include "train/masked_head.h"
#include "core/random.h"
#include "nn/draw.h"
#include "train/streams.h"

#include <string.h>

/* Bytes of logits at once. */
enum { LOGITS_BYTES = 64 << 20 };

static size_t choose_block(const ink__network *n)
{
    const size_t rows = LOGITS_BYTES / sizeof(float) / n->config->V / INK__ROWS * INK__ROWS;
    const size_t most = ink__round_rows(n->max_rows);
    return rows < INK__ROWS ? INK__ROWS : rows < most ? rows : most;
}

static void carve(ink_arena *arena, void *buffers, const void *dims)
{
    ink__masked_head *h = buffers;
    const ink__config *c = h->network->config;
    const size_t M = ink__round_rows(h->network->max_rows), row = sizeof(float);
    (void)dims;
    h->x = ink_arena_bytes(arena, M, c->H * row);
    h->dx = ink_arena_bytes(arena, M, c->H * row);
    h->u = ink_arena_bytes(arena, M, c->E * row);
    h->xh = ink_arena_bytes(arena, M, c->E * row);
    h->rstd = ink_arena_bytes(arena, M, row);
    h->a = ink_arena_bytes(arena, M, c->E * row);
    h->da = ink_arena_bytes(arena, M, c->E * row);
    h->logits = ink_arena_bytes(arena, h->block, c->V * row);
    h->losses = ink_arena_bytes(arena, h->block, sizeof *h->losses);
    h->right = ink_arena_bytes(arena, h->block, sizeof *h->right);
}

ink_status ink__masked_head_create(ink__masked_head *head, ink__network *network, ink_error *err)
{
    const ink__config *c = network->config;
    ink_status st;
    *head = (ink__masked_head){.network = network, .block = choose_block(network)};
    INK_TRY_GOTO(ink_arena_plan(&head->arena, carve, head, NULL, err));
    if (network->engine) {
        INK_TRY_GOTO(
            ink__trained_linear_create(&head->dense, network->engine, c->H, c->E, network->threads, err));
        st = ink__trained_linear_create(&head->decode, network->engine, c->E, c->V, network->threads, err);
    }
done:
    if (st != INK_OK)
        ink__masked_head_free(head);
    return st;
}

void ink__masked_head_free(ink__masked_head *head)
{
    ink__trained_linear_free(head->dense);
    ink__trained_linear_free(head->decode);
    ink_arena_free(&head->arena);
    *head = (ink__masked_head){0};
}

static ink__affine dense_of(const ink__masked_head *h)
{
    const ink__config *c = h->network->config;
    return ink__network_linear(h->network, h->dense, c->H, c->E, INK__MASKED_DENSE_W, INK__MASKED_DENSE_B, 0);
}

static ink__affine decode_of(const ink__masked_head *h)
{
    const ink__config *c = h->network->config;
    return ink__network_linear(h->network, h->decode, c->E, c->V, INK__WORD, INK__MASKED_OUT_B, 0);
}

static ink__activation activation_of(const ink__config *c)
{
    return c->arch->masked_gelu ? INK__GELU : c->activation;
}

/* Rows [n] of the list that are worked on at once, from `first` on. */
struct part {
    const uint32_t *rows;
    const int32_t *labels;
    size_t first, n;
    double divisor;
    const ink__draw *draw;
};

static float unit(const ink__draw *draw, uint32_t row)
{
    uint32_t words[4];
    ink__random_u32x4(words, draw->seed, ink__stream(INK__DRAW_TOKEN, draw->update), draw->first_row + row);
    return ink__random_unit(words[0]);
}

/* h->logits [n,V] become their gradient. That is scale * (softmax - [label]): what is drawn from, too. */
static void score(ink__guesses *guesses, ink__masked_head *h, const struct part *part)
{
    const ink__network *net = h->network;
    const size_t V = net->config->V, n = part->n;
    const float scale = (float)(1 / part->divisor);
    const ink__draw *draw = part->draw;
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t i = 0; i < n; ++i) {
        const size_t k = part->first + i, label = (size_t)part->labels[k];
        float *z = h->logits + i * V; /* [V] */
        h->losses[i] = net->passes->cross_entropy_row(z, &h->right[i], label, scale, V);
        if (!draw)
            continue;
        const float kept = z[label];
        z[label] += scale;
        draw->tokens[k] = (int32_t)ink_draw(z, unit(draw, part->rows[k]), V);
        z[label] = kept;
    }
    for (size_t i = 0; i < n; ++i)
        guesses->loss += h->losses[i] / part->divisor, guesses->right += h->right[i];
}

/* Loss, and h->da [n,E] where it is wanted, a block of rows after the other. */
static ink_status decode(ink__guesses *guesses, ink__masked_head *h, struct part part, bool learn,
                         ink_error *err)
{
    ink__network *net = h->network;
    const ink__affine out = decode_of(h);
    const size_t E = net->config->E, end = part.n;
    for (; part.first < end; part.first += h->block) {
        const size_t at = part.first * E;
        part.n = end - part.first < h->block ? end - part.first : h->block;
        INK_TRY(ink__affine_forward(h->logits, net, &out, h->a + at, part.n, err));
        score(guesses, h, &part);
        if (learn)
            INK_TRY(ink__affine_backward(h->da + at, net, &out, h->logits, h->a + at, part.n, err));
    }
    return INK_OK;
}

ink_status ink__masked_head_run(ink__guesses *guesses, ink__masked_head *h, const uint32_t *rows,
                                const int32_t *labels, size_t n, size_t R, double divisor, bool learn,
                                const ink__draw *draw, ink_error *err)
{
    ink__network *net = h->network;
    const ink__config *c = net->config;
    const ink__affine dense = dense_of(h);
    const size_t H = c->H, E = c->E;
    *guesses = (ink__guesses){0};
    for (size_t i = 0; i < n; ++i)
        memcpy(h->x + i * H, net->x + rows[i] * H, H * sizeof *h->x);
    if (learn)
        memset(net->x, 0, R * H * sizeof *net->x);
    if (n == 0)
        return INK_OK;
    INK_TRY(ink__affine_forward(h->u, net, &dense, h->x, n, err));
    ink__rows_activate(h->da, net, h->u, activation_of(c), n, E);
    ink__rows_norm(h->a, h->xh, h->rstd, net, h->da, INK__MASKED_GAMMA, 0, n, E);
    const struct part all = {rows, labels, 0, n, divisor, draw};
    INK_TRY(decode(guesses, h, all, learn, err));
    if (!learn)
        return INK_OK;
    memset(net->store->written, true, net->store->written_n); /* every word's embedding was in a product */
    ink__rows_norm_backward(h->da, net, h->da, h->xh, h->rstd, INK__MASKED_GAMMA, 0, n, E);
    ink__rows_activate_backward(h->da, net, h->da, h->u, activation_of(c), n, E);
    INK_TRY(ink__affine_backward(h->dx, net, &dense, h->da, h->x, n, err));
    for (size_t i = 0; i < n; ++i)
        memcpy(net->x + rows[i] * H, h->dx + i * H, H * sizeof *h->dx);
    return INK_OK;
}
