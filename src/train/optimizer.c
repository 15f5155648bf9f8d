/* The optimizer's pass: see optimizer.h. Work is shared out in stretches of fixed size, whose sums of squares
 * are added in their order, so that no bit depends on the number of threads. */
#include "train/optimizer.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCH = 1 << 14 };

static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, momentum = 0.9;

struct ink__stretch {
    size_t parameter, at, n; /* at: in the store's arrays */
    size_t row, width;       /* of word embeddings: whole rows, from `row` on; width 0: any other parameter */
    double squares;
};

ink_status ink__optimizer_find(ink__optimizer_kind *kind, const char *name, ink_error *err)
{
    static const char *const names[] = {"adamw", "adam", "sgd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(name, names[i]) == 0) {
            *kind = (ink__optimizer_kind)i;
            return INK_OK;
        }
    return ink_fail(err, INK_E_ARG, "no optimizer \"%s\", wanted adamw, adam or sgd", name);
}

static size_t lay_out(struct ink__stretch *stretches, const ink__store *store)
{
    size_t count = 0;
    for (size_t i = 0; i < store->count; ++i) {
        const ink__parameter *p = &store->list[i];
        const size_t width = p->slot == INK__WORD ? p->shape[1] : 0;
        const size_t most = width == 0 ? STRETCH : width < STRETCH ? STRETCH / width * width : width;
        for (size_t at = 0; at < p->n; at += most, ++count)
            if (stretches)
                stretches[count] = (struct ink__stretch){.parameter = i,
                                                         .at = p->at + at,
                                                         .n = p->n - at < most ? p->n - at : most,
                                                         .row = width ? at / width : 0,
                                                         .width = width};
    }
    return count;
}

ink_status ink__optimizer_create(ink__optimizer *optimizer, ink__optimizer_kind kind, ink__store *store,
                                 const ink__passes *passes, size_t threads, ink_error *err)
{
    *optimizer = (ink__optimizer){.kind = kind, .store = store, .passes = passes, .threads = threads};
    const size_t bytes = store->floats * sizeof(float);
    ink_status st;
    optimizer->n_stretches = lay_out(NULL, store);
    INK_TRY_GOTO(ink__calloc(&optimizer->stretches, optimizer->n_stretches, sizeof *optimizer->stretches,
                             "optimizer", err));
    lay_out(optimizer->stretches, store);
    INK_TRY_GOTO(
        ink__calloc(&optimizer->moved, store->written_n, sizeof *optimizer->moved, "optimizer", err));
    INK_TRY_GOTO(ink__calloc(&optimizer->zeros, ink__store_find(store, INK__WORD, 0)->shape[1],
                             sizeof *optimizer->zeros, "optimizer", err));
    for (int i = 0; i < (kind == INK__SGD ? 1 : 2); ++i) {
        INK_TRY_GOTO(ink__aligned_alloc(&optimizer->moments[i], bytes, "optimizer", err));
        memset(optimizer->moments[i], 0, bytes);
    }
    st = INK_OK;
done:
    if (st != INK_OK)
        ink__optimizer_free(optimizer);
    return st;
}

void ink__optimizer_free(ink__optimizer *optimizer)
{
    for (int i = 0; i < 2; ++i)
        ink__aligned_free(optimizer->moments[i]);
    free(optimizer->stretches);
    free(optimizer->moved);
    free(optimizer->zeros);
    *optimizer = (ink__optimizer){0};
}

static bool all_zero(const float *x, size_t n)
{
    uint32_t bits = 0, one;
    for (size_t i = 0; i < n; ++i) {
        memcpy(&one, x + i, sizeof one);
        bits |= one;
    }
    return bits == 0;
}

void ink__optimizer_restored(ink__optimizer *o)
{
    const ink__parameter *word = ink__store_find(o->store, INK__WORD, 0);
    const size_t E = word->shape[1];
    for (size_t row = 0; row < o->store->written_n; ++row) {
        o->moved[row] = false;
        for (int i = 0; i < 2; ++i)
            o->moved[row] |= o->moments[i] && !all_zero(o->moments[i] + word->at + row * E, E);
    }
}

/* A product that was not made since the last update leaves no gradient. */
static void clear_old(ink__store *store)
{
    for (size_t i = 0; i < store->count; ++i)
        if (store->old[i] && store->list[i].lr_part > 0) {
            memset(store->gradients + store->list[i].at, 0, store->list[i].n * sizeof(float));
            store->old[i] = false;
        }
}

static double squares_of(const ink__optimizer *o, const struct ink__stretch *s)
{
    const float *gradient = o->store->gradients + s->at;
    double squares = 0;
    if (!(o->store->list[s->parameter].lr_part > 0))
        return 0;
    if (s->width == 0)
        return o->passes->sum_squares(gradient, s->n);
    for (size_t i = 0; i < s->n; i += s->width)
        if (o->store->written[s->row + i / s->width])
            squares += o->passes->sum_squares(gradient + i, s->width);
    return squares;
}

/* The length of all gradients that count. */
static double gradient_norm(ink__optimizer *o)
{
    double squares = 0;
#pragma omp parallel for schedule(static) num_threads(o->threads) if (o->threads > 1)
    for (size_t i = 0; i < o->n_stretches; ++i)
        o->stretches[i].squares = squares_of(o, &o->stretches[i]);
    for (size_t i = 0; i < o->n_stretches; ++i)
        squares += o->stretches[i].squares;
    return sqrt(squares);
}

/* Parameters [n] from `at` in the store's arrays. */
static void update(const ink__optimizer *o, size_t at, const float *gradient, size_t n,
                   const ink__update *how)
{
    float *value = o->store->values + at, *first = o->moments[0] + at;
    switch (o->kind) {
    case INK__ADAMW:
        o->passes->adamw(value, first, o->moments[1] + at, gradient, n, how);
        break;
    case INK__ADAM:
        o->passes->adam(value, first, o->moments[1] + at, gradient, n, how);
        break;
    case INK__SGD:
        o->passes->sgd(value, first, gradient, n, how);
        break;
    }
}

/* A row without gradient and moments stays as it is but for decay; where that is a part of the gradient,
 * there is no such row. */
static void update_row(const ink__optimizer *o, size_t at, size_t row, size_t E, const ink__update *how)
{
    const bool written = o->store->written[row];
    o->moved[row] |= written || (how->decay != 0 && o->kind != INK__ADAMW);
    if (o->moved[row])
        update(o, at, written ? o->store->gradients + at : o->zeros, E, how);
    else if (how->decay != 0)
        o->passes->decay(o->store->values + at, E, how);
}

static void update_stretch(const ink__optimizer *o, const struct ink__stretch *s, ink__update how)
{
    const ink__parameter *p = &o->store->list[s->parameter];
    float *gradients = o->store->gradients;
    const bool moves = p->lr_part > 0;
    how.lr *= p->lr_part;
    how.decay = p->decays ? how.decay : 0;
    for (size_t i = 0; i < s->n && s->width > 0; i += s->width) {
        const size_t row = s->row + i / s->width, at = s->at + i;
        if (moves)
            update_row(o, at, row, s->width, &how);
        if (o->store->written[row])
            memset(gradients + at, 0, s->width * sizeof *gradients);
        o->store->written[row] = false;
    }
    if (s->width > 0)
        return;
    if (moves)
        update(o, s->at, gradients + s->at, s->n, &how);
    if (!p->product)
        memset(gradients + s->at, 0, s->n * sizeof *gradients);
}

ink_status ink__optimizer_step(double *norm, ink__optimizer *o, double lr, ink_error *err)
{
    clear_old(o->store);
    *norm = gradient_norm(o);
    if (!isfinite(*norm))
        return ink_fail(err, INK_E_NUMERIC, "the gradient of update %llu is not finite",
                        (unsigned long long)o->updates + 1);
    /* PyTorch's clip_grad_norm_ adds 1e-6. */
    const double clip = o->max_grad_norm > 0 ? o->max_grad_norm / (*norm + 1e-6) : 1;
    const double t = (double)++o->updates;
    const ink__update how = {
        .lr = (float)lr,
        .decay = (float)o->decay,
        .scale = (float)(clip < 1 ? clip : 1),
        .beta1 = (float)beta1,
        .beta2 = (float)beta2,
        .eps = (float)epsilon,
        .correct1 = (float)(1 / (1 - pow(beta1, t))),
        .correct2 = (float)(1 / (1 - pow(beta2, t))),
        .momentum = (float)momentum,
    };
#pragma omp parallel for schedule(static) num_threads(o->threads) if (o->threads > 1)
    for (size_t i = 0; i < o->n_stretches; ++i)
        update_stretch(o, &o->stretches[i], how);
    for (size_t i = 0; i < o->store->count; ++i)
        o->store->old[i] = o->store->list[i].product;
    return INK_OK;
}
