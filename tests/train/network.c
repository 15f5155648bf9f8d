/* The network in training: its logits and every parameter's gradient against PyTorch's on the golden models,
 * and against central differences with dropout on; the same bits in pieces' sums and with any number of
 * threads. */
#include "io/file.h"
#include "model/model.h"
#include "support/golden.h"
#include "support/numbers.h"
#include "train/network.h"

#include <math.h>
#include <unistd.h>

static const ink_backend backends[] = {INK_BACKEND_REF, INK_BACKEND_DNNL, INK_BACKEND_FUSED};
static const char *const backend_names[] = {"ref", "dnnl", "fused"};

/* A golden model ready to train. */
struct fixture {
    struct golden golden;
    ink_model *model;
    ink__store store;
    ink__network net;
    ink_error err;
};

static void open_fixture(struct fixture *f, const char *name)
{
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    golden_open(&f->golden, name);
    cr_assert(ink_model_open(&f->model, f->golden.dir, &plain, &f->err) == INK_OK, "%s", f->err.text);
    const ink__store_options options = {.from = &f->model->params, .keep_head = true};
    cr_assert(ink__store_create(&f->store, &f->model->config, &options, &f->err) == INK_OK, "%s",
              f->err.text);
}

static void close_fixture(struct fixture *f)
{
    ink__store_free(&f->store);
    ink_model_free(f->model);
    golden_close(&f->golden);
}

static void make_network(struct fixture *f, ink_backend backend, size_t threads)
{
    cr_assert(ink__network_create(&f->net, &f->model->config, &f->store, backend, f->golden.R, f->golden.B,
                                  threads, &f->err) == INK_OK,
              "%s", f->err.text);
    memset(f->store.gradients, 0, f->store.floats * sizeof(float));
}

/* make_gradients.py's loss of sequences [first,first+B) of all, and its gradient. */
static double loss_of(float *dlogits, const float *logits, size_t first, size_t B, size_t C, size_t all)
{
    double loss = 0;
    for (size_t b = 0; b < B; ++b) {
        const float *z = logits + b * C;
        float *d = dlogits + b * C;
        if (C == 1) {
            d[0] = 2 * (z[0] - 0.5f) / (float)all;
            loss += (z[0] - 0.5) * (z[0] - 0.5) / (double)all;
            continue;
        }
        double sum = 0;
        for (size_t c = 0; c < C; ++c)
            sum += exp((double)z[c]);
        for (size_t c = 0; c < C; ++c)
            d[c] = (float)((exp((double)z[c]) / sum - (c == (first + b) % C)) / (double)all);
        loss -= (z[(first + b) % C] - log(sum)) / (double)all;
    }
    return loss;
}

/* Sequences [first,first+B) of the golden's batch; offsets [B+1] is the caller's. */
static ink_batch piece(const struct golden *g, size_t first, size_t B, size_t *offsets)
{
    for (size_t b = 0; b <= B; ++b)
        offsets[b] = g->offsets[first + b] - g->offsets[first];
    return (ink_batch){g->ids + g->offsets[first], g->types ? g->types + g->offsets[first] : NULL, offsets,
                       B};
}

/* Loss and, unless forward alone is asked for, gradients of the whole batch in pieces of `size` sequences. */
static double run(struct fixture *f, size_t size, const ink__dropping *drop, bool forward_only)
{
    const struct golden *g = &f->golden;
    const size_t C = f->model->config.C;
    float *dlogits = new_floats(g->B * C);
    size_t *offsets = calloc(g->B + 1, sizeof *offsets);
    double loss = 0;
    for (size_t b = 0; b < g->B; b += size) {
        const size_t n = g->B - b < size ? g->B - b : size;
        const ink_batch batch = piece(g, b, n, offsets);
        ink__dropping here = drop ? *drop : (ink__dropping){0};
        here.first_row = (uint32_t)g->offsets[b], here.first_sequence = (uint32_t)b;
        const ink__dropping *given = drop ? &here : NULL;
        cr_assert(ink__network_forward(&f->net, &batch, given, &f->err) == INK_OK, "%s", f->err.text);
        loss += loss_of(dlogits, f->net.logits, b, n, C, g->B);
        if (!forward_only)
            cr_assert(ink__network_backward(&f->net, &batch, dlogits, given, &f->err) == INK_OK, "%s",
                      f->err.text);
    }
    free(dlogits), free(offsets);
    return loss;
}

static double largest(const float *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; ++i)
        most = fabs((double)x[i]) > most ? fabs((double)x[i]) : most;
    return most;
}

/* A key's bias moves every score of a query alike, so that its gradient is zero but for rounding. */
static bool is_zero_by_nature(const ink__parameter *p)
{
    return p->slot == INK__KEY_B;
}

/* max|a-b| / max|b| per tensor within 1e-4, or thrice what PyTorch's own float32 is off where that is more:
 * some gradients are sums that nearly vanish. Those that are zero are measured against the model's largest.
 */
static void check_gradients(struct fixture *f, const ink__tensors *golden, const char *label)
{
    double all = 0;
    for (size_t i = 0; i < ink__tensors_count(golden); ++i) {
        const ink__tensor *t = ink__tensors_at(golden, i);
        if (strncmp(t->name, "own:", 4) != 0)
            all = fmax(all, largest(t->data, t->bytes / sizeof(float)));
    }
    for (size_t i = 0; i < f->store.count; ++i) {
        const ink__parameter *p = &f->store.list[i];
        char own_name[300];
        snprintf(own_name, sizeof own_name, "own:%s", p->name);
        const ink__tensor *t = ink__tensors_find(golden, p->name), *own = ink__tensors_find(golden, own_name);
        cr_assert(t && own && t->bytes == p->n * sizeof(float), "%s: %s", label, p->name);
        const double scale = is_zero_by_nature(p) ? all : largest(t->data, p->n);
        const double bound = is_zero_by_nature(p) ? 1e-4 : fmax(1e-4, 3 * *(const float *)own->data);
        const double worst = max_difference(f->store.gradients + p->at, t->data, p->n) / scale;
        cr_expect(worst < bound, "%s: %s differs by %g of %g, wanted %g", label, p->name, worst, scale,
                  bound);
        cr_expect(bound < 3e-3, "%s: %s has no golden: PyTorch rounds by %g", label, p->name, bound / 3);
    }
    cr_expect(2 * f->store.count + 1 == ink__tensors_count(golden), "%s: %zu of %zu tensors", label,
              2 * f->store.count, ink__tensors_count(golden));
}

static bool has_gradients(char path[600], const char *name)
{
    snprintf(path, 600, "%s/golden/%s/gradients.safetensors", INK_TEST_DATA, name);
    return access(path, F_OK) == 0;
}

Test(network, gradients_are_pytorchs_on_every_golden_model_and_backend)
{
    char names[GOLDEN_NAMES_MAX][64], path[600], label[128];
    const size_t n = golden_names(names);
    size_t models = 0;
    for (size_t i = 0; i < n; ++i) {
        if (!has_gradients(path, names[i]))
            continue;
        struct fixture f;
        ink__tensors *golden;
        open_fixture(&f, names[i]);
        cr_assert(ink__tensors_open(&golden, path, &f.err) == INK_OK, "%s", f.err.text);
        const float expected = *(const float *)ink__tensors_find(golden, "loss")->data;
        for (size_t b = 0; b < sizeof backends / sizeof *backends; ++b) {
            snprintf(label, sizeof label, "%s on %s", names[i], backend_names[b]);
            make_network(&f, backends[b], 1);
            const double loss = run(&f, 3, NULL, false);
            cr_expect(fabs(loss - expected) < 2e-5, "%s: loss %.7f, PyTorch's %.7f", label, loss, expected);
            check_gradients(&f, golden, label);
            ink__network_free(&f.net);
        }
        ink__tensors_free(golden);
        close_fixture(&f);
        ++models;
    }
    cr_expect(models >= 16, "%zu models have gradients", models);
}

/* (loss(p + h way) - loss(p - h way)) / 2h */
static double difference(struct fixture *f, const ink__parameter *p, const float *way, double h,
                         const ink__dropping *drop)
{
    float *value = f->store.values + p->at, *before = new_floats(p->n);
    double losses[2];
    memcpy(before, value, p->n * sizeof *value);
    for (int side = 0; side < 2; ++side) {
        for (size_t e = 0; e < p->n; ++e)
            value[e] = before[e] + (float)(side ? -h : h) * way[e];
        losses[side] = run(f, f->golden.B, drop, true);
    }
    memcpy(value, before, p->n * sizeof *value);
    free(before);
    return (losses[0] - losses[1]) / (2 * h);
}

/* Along a random direction; a shorter step where the longer one crosses a kink. */
static void check_slope(struct fixture *f, const ink__parameter *p, const ink__dropping *drop)
{
    float *way = random_floats(p->n, 1, 5);
    const double step = 2e-3 / sqrt((double)p->n) * fmax(1, largest(f->store.values + p->at, p->n));
    double slope = 0, numeric = 0;
    bool agrees = false;
    for (size_t e = 0; e < p->n; ++e)
        slope += (double)f->store.gradients[p->at + e] * way[e];
    for (int i = 0; i < 3 && !agrees; ++i) {
        const double h = ldexp(step, -2 * i);
        numeric = difference(f, p, way, h, drop);
        /* Logits round at 1e-6 of the loss, divided by the step; and the step's square. */
        agrees = fabs(numeric - slope) < 2e-6 / h + 0.02 * fabs(slope);
    }
    cr_expect(agrees, "%s %s: numeric %g, gradient %g", f->golden.dir, p->name, numeric, slope);
    free(way);
}

/* Every dropout is on. */
Test(network, gradients_with_dropout_are_central_differences)
{
    static const char *const names[] = {"bert-odd",          "distilbert-tiny-cls", "roberta-cls",
                                        "electra-projected", "albert-groups",       "modernbert-cls",
                                        "mpnet-odd"};
    const ink__dropping drop = {.seed = 7, .step = 3};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        struct fixture f;
        char path[600];
        if (!has_gradients(path, names[i]))
            continue;
        open_fixture(&f, names[i]);
        f.golden.B = f.golden.B < 4 ? f.golden.B : 4;
        for (ink__drop d = 0; d < INK__DROPS; ++d)
            f.model->config.drops[d] = d == INK__DROP_FF_IN ? 0 : 0.1;
        make_network(&f, INK_BACKEND_REF, 1);
        run(&f, f.golden.B, &drop, false);
        for (size_t k = 0; k < f.store.count; ++k)
            check_slope(&f, &f.store.list[k], &drop);
        ink__network_free(&f.net);
        close_fixture(&f);
    }
}

Test(network, bits_do_not_depend_on_threads)
{
    static const char *const names[] = {"bert-d32", "mpnet-cls", "modernbert-cls", "albert-groups"};
    const ink__dropping drop = {.seed = 1, .step = 2};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        for (size_t b = 1; b < 3; ++b) {
            struct fixture f;
            open_fixture(&f, names[i]);
            float *one = new_floats(f.store.floats);
            double losses[3];
            for (size_t threads = 1; threads <= 3; ++threads) {
                make_network(&f, backends[b], threads);
                losses[threads - 1] = run(&f, 5, &drop, false);
                if (threads == 1)
                    memcpy(one, f.store.gradients, f.store.floats * sizeof *one);
                cr_expect(losses[threads - 1] == losses[0], "%s: loss on %zu threads", names[i], threads);
                cr_expect(same_bits(one, f.store.gradients, f.store.floats), "%s on %s with %zu threads",
                          names[i], backend_names[b], threads);
                ink__network_free(&f.net);
            }
            free(one);
            close_fixture(&f);
        }
}

/* Masks are those of the step's batch, whatever pieces it comes in. */
Test(network, pieces_add_up_to_the_whole)
{
    const ink__dropping drop = {.seed = 9, .step = 1};
    struct fixture f;
    open_fixture(&f, "bert-d32");
    make_network(&f, INK_BACKEND_FUSED, 1);
    run(&f, f.golden.B, &drop, false);
    float *whole = new_floats(f.store.floats);
    memcpy(whole, f.store.gradients, f.store.floats * sizeof *whole);
    memset(f.store.gradients, 0, f.store.floats * sizeof(float));
    run(&f, 1, &drop, false);
    const double most = largest(whole, f.store.floats);
    cr_expect(max_difference(whole, f.store.gradients, f.store.floats) < 1e-5 * most, "differ by %g of %g",
              max_difference(whole, f.store.gradients, f.store.floats), most);
    free(whole);
    ink__network_free(&f.net);
    close_fixture(&f);
}

/* With the lowest layers frozen, what is above has the gradients it has otherwise. */
/* By name, as transformers' Trainer.get_decay_parameter_names has it for these models. */
Test(network, biases_and_norms_do_not_decay)
{
    static const char *const models[] = {"bert-tiny-cls", "mpnet-cls"};
    for (size_t m = 0; m < sizeof models / sizeof *models; ++m) {
        struct fixture f = {0};
        open_fixture(&f, models[m]);
        for (size_t i = 0; i < f.store.count; ++i) {
            const ink__parameter *p = &f.store.list[i];
            const bool decays = !strstr(p->name, "bias") && !strstr(p->name, "LayerNorm");
            cr_expect(p->decays == decays, "%s: %s %s", models[m], p->name,
                      p->decays ? "decays" : "does not decay");
        }
        close_fixture(&f);
    }
}

Test(network, frozen_layers_at_the_bottom_are_not_walked)
{
    struct fixture f;
    open_fixture(&f, "bert-tiny-cls");
    make_network(&f, INK_BACKEND_FUSED, 1);
    run(&f, f.golden.B, NULL, false);
    float *all = new_floats(f.store.floats);
    memcpy(all, f.store.gradients, f.store.floats * sizeof *all);
    for (size_t i = 0; i < f.store.count; ++i)
        f.store.list[i].lr_part =
            f.store.list[i].slot <= INK__RELATIVE ||
                    (f.store.list[i].slot >= INK__MODEL_SLOTS && f.store.list[i].layer == 0)
                ? 0
                : 1;
    memset(f.store.gradients, 0, f.store.floats * sizeof(float));
    run(&f, f.golden.B, NULL, false);
    for (size_t i = 0; i < f.store.count; ++i) {
        const ink__parameter *p = &f.store.list[i];
        if (p->lr_part > 0)
            cr_expect(same_bits(all + p->at, f.store.gradients + p->at, p->n), "%s", p->name);
        else
            cr_expect(largest(f.store.gradients + p->at, p->n) == 0, "%s is not zero", p->name);
    }
    free(all);
    ink__network_free(&f.net);
    close_fixture(&f);
}
