/* The optimizer over a whole model: every parameter is updated by nn/optimizer's definition, at its own share
 * of the learning rate, by clipped gradients, with the same bits on any number of threads. */
#include "train/optimizer.h"
#include "model/model.h"
#include "nn/update.h"
#include "support/numbers.h"

#include <math.h>

enum { STEPS = 3 };
static const ink__optimizer_kind kinds[] = {INK__ADAMW, INK__ADAM, INK__SGD};
static const char *const names[] = {"adamw", "adam", "sgd"};
static const double decay = 0.1, rate = 0.01;

static ink_error err;
static ink__config config;
static ink__json json;
static ink__store store;
static ink__optimizer optimizer;

/* A model of one layer whose word embeddings are several stretches of work. */
static void open_store(void)
{
    static const char source[] =
        "{\"model_type\":\"bert\",\"vocab_size\":3000,\"max_position_embeddings\":16,\"hidden_size\":16,"
        "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate_size\":24,"
        "\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"}}";
    const ink__store_options options = {.deviation = 0.5, .seed = 3};
    cr_assert(ink__json_parse(&json, source, strlen(source), "config.json", &err) == INK_OK, "%s", err.text);
    cr_assert(ink__config_read(&config, &json, &err) == INK_OK, "%s", err.text);
    cr_assert(ink__store_create(&store, &config, &options, &err) == INK_OK, "%s", err.text);
}

static void close_store(void)
{
    ink__optimizer_free(&optimizer);
    ink__store_free(&store);
    ink__config_free(&config);
    ink__json_close(&json);
}

TestSuite(trained, .init = open_store, .fini = close_store);

static void make(ink__optimizer_kind kind, const ink__passes *passes, size_t threads)
{
    ink__optimizer_free(&optimizer);
    cr_assert(ink__optimizer_create(&optimizer, kind, &store, passes, threads, &err) == INK_OK, "%s",
              err.text);
    optimizer.decay = decay;
}

/* Gradients of a step: the gaps between parameters stay zero. */
static void fill_gradients(unsigned seed)
{
    for (size_t i = 0; i < store.count; ++i)
        fill_random(store.gradients + store.list[i].at, store.list[i].n, 0.1f, seed * 1000 + (unsigned)i);
    memset(store.old, 0, store.count * sizeof *store.old);
    memset(store.written, true, store.written_n * sizeof *store.written);
}

static double length_of_gradients(bool frozen_too)
{
    double squares = 0;
    for (size_t i = 0; i < store.count; ++i)
        for (size_t e = 0; e < store.list[i].n && (frozen_too || store.list[i].lr_part > 0); ++e)
            squares += (double)store.gradients[store.list[i].at + e] * store.gradients[store.list[i].at + e];
    return sqrt(squares);
}

static void step(double *norm)
{
    cr_assert(ink__optimizer_step(norm, &optimizer, rate, &err) == INK_OK, "%s", err.text);
}

/* What the definition makes of one parameter. */
static void define(ink__optimizer_kind kind, const ink__parameter *p, float *value, float *first,
                   float *second, const float *gradient, double scale, int t)
{
    const ink__update u = {.lr = (float)rate * p->lr_part,
                           .decay = p->rank > 1 ? (float)decay : 0,
                           .scale = (float)scale,
                           .beta1 = 0.9f,
                           .beta2 = 0.999f,
                           .eps = 1e-8f,
                           .correct1 = (float)(1 / (1 - pow(0.9, t))),
                           .correct2 = (float)(1 / (1 - pow(0.999, t))),
                           .momentum = 0.9f};
    if (p->lr_part == 0)
        return;
    if (kind == INK__SGD)
        ink_sgd(value, first, gradient, p->n, &u);
    else
        (kind == INK__ADAM ? ink_adam : ink_adamw)(value, first, second, gradient, p->n, &u);
}

/* A third of the parameters have the whole rate, a third a part of it, a third none. */
static void share_rates(void)
{
    static const float parts[] = {1, 0.5f, 0};
    for (size_t i = 0; i < store.count; ++i)
        store.list[i].lr_part = parts[i % 3];
}

static void follow(ink__optimizer_kind kind, const char *name, double most)
{
    float *value = new_floats(store.floats), *first = new_floats(store.floats);
    float *second = new_floats(store.floats), *gradient = new_floats(store.floats);
    make(kind, &ink__passes_ref, 1);
    optimizer.max_grad_norm = most;
    memcpy(value, store.values, store.floats * sizeof *value);
    memset(first, 0, store.floats * sizeof *first), memset(second, 0, store.floats * sizeof *second);
    for (int t = 1; t <= STEPS; ++t) {
        double norm;
        fill_gradients((unsigned)t);
        memcpy(gradient, store.gradients, store.floats * sizeof *gradient);
        const double length = length_of_gradients(false), clip = most > 0 ? most / (length + 1e-6) : 1;
        step(&norm);
        cr_expect(fabs(norm - length) < 1e-9 * length, "%s: norm %.12g, wanted %.12g", name, norm, length);
        for (size_t i = 0; i < store.count; ++i) {
            const ink__parameter *p = &store.list[i];
            const size_t at = p->at;
            define(kind, p, value + at, first + at, second + at, gradient + at, clip < 1 ? clip : 1, t);
            cr_expect(same_bits(value + at, store.values + at, p->n), "%s: step %d of %s", name, t, p->name);
        }
    }
    for (size_t i = 0; i < store.count; ++i)
        for (size_t e = 0; e < store.list[i].n && !store.old[i]; ++e)
            cr_assert(store.gradients[store.list[i].at + e] == 0, "%s: gradient %zu of %s is not cleared",
                      name, e, store.list[i].name);
    free(value), free(first), free(second), free(gradient);
}

/* Few rows of the word embeddings are in a batch, others were in one before, most were in none: all move as
 * if each gradient had been read. Between the updates the moments come back from elsewhere. */
static void follow_rows(ink__optimizer_kind kind, const char *name, double lambda)
{
    enum { UPDATES = 5 };
    const ink__parameter *word = ink__store_find(&store, INK__WORD, 0);
    const size_t E = word->shape[1];
    float *value = new_floats(word->n), *first = new_floats(word->n), *second = new_floats(word->n);
    float *gradient = new_floats(word->n), *at = store.gradients + word->at;
    make(kind, &ink__passes_ref, 2);
    optimizer.decay = lambda;
    memcpy(value, store.values + word->at, word->n * sizeof *value);
    memset(first, 0, word->n * sizeof *first), memset(second, 0, word->n * sizeof *second);
    for (int t = 1; t <= UPDATES; ++t) {
        double norm;
        ink__store_clear(&store);
        for (size_t row = (size_t)t; row < word->shape[0]; row += 100 * (size_t)t) {
            fill_random(at + row * E, E, 0.1f, (unsigned)(row + 7000 * (size_t)t));
            store.written[row] = true;
        }
        memcpy(gradient, at, word->n * sizeof *gradient);
        const double length = length_of_gradients(false);
        step(&norm);
        cr_expect(fabs(norm - length) < 1e-9 * length, "%s: norm %.12g, wanted %.12g", name, norm, length);
        ink__update u = {.lr = (float)rate,
                         .decay = (float)lambda,
                         .scale = 1,
                         .beta1 = 0.9f,
                         .beta2 = 0.999f,
                         .eps = 1e-8f,
                         .correct1 = (float)(1 / (1 - pow(0.9, t))),
                         .correct2 = (float)(1 / (1 - pow(0.999, t))),
                         .momentum = 0.9f};
        if (kind == INK__SGD)
            ink_sgd(value, first, gradient, word->n, &u);
        else
            (kind == INK__ADAM ? ink_adam : ink_adamw)(value, first, second, gradient, word->n, &u);
        cr_expect(same_bits(value, store.values + word->at, word->n), "%s: update %d", name, t);
        cr_expect(same_bits(first, optimizer.moments[0] + word->at, word->n), "%s: moments, %d", name, t);
        for (size_t e = 0; e < word->n; ++e)
            cr_assert(at[e] == 0, "%s: gradient %zu is not cleared", name, e);
        for (size_t row = 0; row < store.written_n; ++row)
            cr_assert(!store.written[row], "%s: row %zu", name, row);
        memset(optimizer.moved, t % 2, store.written_n * sizeof *optimizer.moved);
        ink__optimizer_restored(&optimizer);
    }
    free(value), free(first), free(second), free(gradient);
}

Test(trained, rows_of_embeddings_that_are_in_no_batch_move_by_the_definition)
{
    for (size_t k = 0; k < 3; ++k) {
        follow_rows(kinds[k], names[k], decay);
        follow_rows(kinds[k], names[k], 0);
    }
}

/* What no product overwrote since the last update is no gradient of this one. */
Test(trained, an_old_gradient_counts_as_zero)
{
    double norm;
    make(INK__SGD, &ink__passes_ref, 1);
    optimizer.decay = 0;
    fill_gradients(1);
    step(&norm);
    cr_expect(norm > 0);
    memset(optimizer.moments[0], 0, store.floats * sizeof(float));
    float *before = new_floats(store.floats);
    memcpy(before, store.values, store.floats * sizeof *before);
    step(&norm);
    cr_expect(norm == 0, "norm %g", norm);
    cr_expect(same_bits(before, store.values, store.floats));
    free(before);
}

Test(trained, every_parameter_is_updated_by_the_definition_at_its_share_of_the_rate)
{
    share_rates();
    for (size_t k = 0; k < 3; ++k)
        follow(kinds[k], names[k], 0);
}

Test(trained, long_gradients_are_cut_to_the_norm_and_short_ones_are_not)
{
    share_rates();
    for (size_t k = 0; k < 3; ++k)
        follow(kinds[k], names[k], 0.25);
    follow(INK__ADAMW, "adamw, never cut", 1e6);
}

/* A frozen parameter neither moves nor counts in the norm. */
Test(trained, frozen_parameters_keep_their_bits)
{
    double norm;
    float *before = new_floats(store.floats);
    share_rates();
    make(INK__ADAMW, ink__passes_best(), 1);
    memcpy(before, store.values, store.floats * sizeof *before);
    fill_gradients(1);
    const double all = length_of_gradients(true);
    step(&norm);
    cr_expect(norm < 0.99 * all, "norm %g of %g", norm, all);
    for (size_t i = 0; i < store.count; ++i) {
        const ink__parameter *p = &store.list[i];
        cr_expect(same_bits(before + p->at, store.values + p->at, p->n) == (p->lr_part == 0), "%s", p->name);
    }
    free(before);
}

Test(trained, biases_and_norms_do_not_decay)
{
    double norm;
    float *before = new_floats(store.floats);
    make(INK__ADAMW, ink__passes_best(), 1);
    for (size_t e = 0; e < store.floats; ++e)
        store.values[e] = 1;
    memcpy(before, store.values, store.floats * sizeof *before);
    step(&norm); /* gradients are zero: only decay moves anything */
    for (size_t i = 0; i < store.count; ++i) {
        const ink__parameter *p = &store.list[i];
        cr_expect(same_bits(before + p->at, store.values + p->at, p->n) == (p->rank == 1), "%s", p->name);
    }
    free(before);
}

Test(trained, bits_do_not_depend_on_threads)
{
    float *start = new_floats(store.floats), *one = new_floats(store.floats);
    double norms[4] = {0};
    memcpy(start, store.values, store.floats * sizeof *start);
    for (size_t k = 0; k < 3; ++k)
        for (size_t threads = 1; threads <= 3; ++threads) {
            memcpy(store.values, start, store.floats * sizeof *start);
            make(kinds[k], ink__passes_best(), threads);
            optimizer.max_grad_norm = 0.5;
            for (unsigned t = 1; t <= STEPS; ++t) {
                fill_gradients(t);
                step(&norms[threads]);
            }
            if (threads == 1)
                memcpy(one, store.values, store.floats * sizeof *one);
            cr_expect(same_bits(one, store.values, store.floats), "%s on %zu threads", names[k], threads);
            cr_expect(norms[threads] == norms[1], "%s: the norm on %zu threads", names[k], threads);
        }
    cr_expect(optimizer.n_stretches > store.count, "no parameter is longer than a stretch");
    free(start), free(one);
}

Test(trained, a_gradient_that_is_not_finite_changes_nothing)
{
    static const float bad[] = {NAN, INFINITY, 3e38f};
    double norm;
    float *before = new_floats(store.floats), *moments = new_floats(store.floats);
    make(INK__ADAMW, ink__passes_best(), 2);
    fill_gradients(1);
    step(&norm);
    memcpy(before, store.values, store.floats * sizeof *before);
    memcpy(moments, optimizer.moments[0], store.floats * sizeof *moments);
    for (size_t i = 0; i < 3; ++i) {
        fill_gradients(2);
        store.gradients[store.list[4].at] = bad[i];
        const ink_status st = ink__optimizer_step(&norm, &optimizer, rate, &err);
        /* 3e38 squared is a number in double: such a gradient is only cut. */
        cr_expect((st == INK_E_NUMERIC) == (i < 2), "%g: %s", bad[i], ink_status_name(st));
        if (st == INK_OK)
            break;
        cr_expect(strstr(err.text, "update 2 "), "%s", err.text);
        cr_expect(optimizer.updates == 1);
        cr_expect(same_bits(before, store.values, store.floats));
        cr_expect(same_bits(moments, optimizer.moments[0], store.floats));
    }
    free(before), free(moments);
}

Test(optimizer, names_are_those_of_hugging_face)
{
    ink__optimizer_kind kind;
    for (size_t k = 0; k < 3; ++k)
        cr_expect(ink__optimizer_find(&kind, names[k], &err) == INK_OK && kind == kinds[k], "%s", names[k]);
    cr_expect(ink__optimizer_find(&kind, "lion", &err) == INK_E_ARG);
    cr_expect(strstr(err.text, "\"lion\", wanted adamw, adam or sgd"), "%s", err.text);
}
