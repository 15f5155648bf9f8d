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
        for (size_t at = 0; at < p->n; at += STRETCH, ++count)
            if (stretches)
                stretches[count] = (struct ink__stretch){
                    .parameter = i, .at = p->at + at, .n = p->n - at < STRETCH ? p->n - at : STRETCH};
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
    *optimizer = (ink__optimizer){0};
}

/* The length of all gradients that count. */
static double gradient_norm(ink__optimizer *o)
{
    double squares = 0;
#pragma omp parallel for schedule(static) num_threads(o->threads) if (o->threads > 1)
    for (size_t i = 0; i < o->n_stretches; ++i) {
        struct ink__stretch *s = &o->stretches[i];
        const bool frozen = !(o->store->list[s->parameter].lr_part > 0);
        s->squares = frozen ? 0 : o->passes->sum_squares(o->store->gradients + s->at, s->n);
    }
    for (size_t i = 0; i < o->n_stretches; ++i)
        squares += o->stretches[i].squares;
    return sqrt(squares);
}

static void update(const ink__optimizer *o, const struct ink__stretch *s, ink__update how)
{
    const ink__parameter *p = &o->store->list[s->parameter];
    float *value = o->store->values + s->at, *gradient = o->store->gradients + s->at;
    float *first = o->moments[0] + s->at, *second = o->moments[1] ? o->moments[1] + s->at : NULL;
    how.lr *= p->lr_part;
    how.decay = p->decays ? how.decay : 0;
    if (p->lr_part > 0)
        switch (o->kind) {
        case INK__ADAMW:
            o->passes->adamw(value, first, second, gradient, s->n, &how);
            break;
        case INK__ADAM:
            o->passes->adam(value, first, second, gradient, s->n, &how);
            break;
        case INK__SGD:
            o->passes->sgd(value, first, gradient, s->n, &how);
            break;
        }
    memset(gradient, 0, s->n * sizeof *gradient);
}

ink_status ink__optimizer_step(double *norm, ink__optimizer *o, double lr, ink_error *err)
{
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
        update(o, &o->stretches[i], how);
    return INK_OK;
}
