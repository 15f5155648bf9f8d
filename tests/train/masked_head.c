/* Guessing masked tokens: loss and every parameter's gradient against PyTorch's, and against central
 * differences with dropout on; the same bits with any number of threads, whatever the blocks. */
#include "train/masked_head.h"
#include "model/model.h"
#include "support/golden.h"
#include "support/numbers.h"

#include <math.h>

static const ink_backend backends[] = {INK_BACKEND_REF, INK_BACKEND_DNNL, INK_BACKEND_FUSED};
static const char *const models[] = {"bert-odd",          "roberta-cls",   "distilbert-odd",
                                     "electra-projected", "albert-groups", "modernbert-narrow",
                                     "mpnet-odd"};

/* A golden model with its masked.safetensors; see make_masked.py. */
struct fixture {
    struct golden golden;
    ink__tensors *masked;
    ink_model *model;
    ink__store store;
    ink__network net;
    ink__masked_head head;
    const int32_t *ids, *labels;
    const uint32_t *rows;
    size_t n;
    ink_error err;
};

static const ink__tensor *find(const struct fixture *f, const char *prefix, const char *name)
{
    char full[300];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return ink__tensors_find(f->masked, full);
}

static void open_fixture(struct fixture *f, const char *name)
{
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    char path[600];
    golden_open(&f->golden, name);
    snprintf(path, sizeof path, "%s/masked.safetensors", f->golden.dir);
    cr_assert(ink__tensors_open(&f->masked, path, &f->err) == INK_OK, "%s", f->err.text);
    cr_assert(ink_model_open(&f->model, f->golden.dir, &plain, &f->err) == INK_OK, "%s", f->err.text);
    const ink__store_options options = {.from = &f->model->params,
                                        .head = f->model->config.arch->pretraining[INK__GUESSES].params,
                                        .deviation = 0.02};
    cr_assert(ink__store_create(&f->store, &f->model->config, &options, &f->err) == INK_OK, "%s",
              f->err.text);
    for (size_t i = 0; i < f->store.count; ++i) {
        const ink__parameter *p = &f->store.list[i];
        const ink__tensor *t = find(f, "head:", p->name);
        if (t && t->bytes == p->n * sizeof(float))
            memcpy(f->store.values + p->at, t->data, t->bytes);
    }
    f->ids = find(f, "", "ids")->data, f->labels = find(f, "", "labels")->data;
    f->rows = find(f, "", "rows")->data, f->n = find(f, "", "rows")->bytes / sizeof *f->rows;
}

static void make(struct fixture *f, ink_backend backend, size_t threads)
{
    cr_assert(ink__network_create(&f->net, &f->model->config, &f->store, backend, f->golden.R, f->golden.B,
                                  threads, &f->err) == INK_OK,
              "%s", f->err.text);
    cr_assert(ink__masked_head_create(&f->head, &f->net, &f->err) == INK_OK, "%s", f->err.text);
    ink__store_clear(&f->store);
}

static void unmake(struct fixture *f)
{
    ink__masked_head_free(&f->head);
    ink__network_free(&f->net);
}

static void close_fixture(struct fixture *f)
{
    ink__store_free(&f->store);
    ink_model_free(f->model);
    ink__tensors_free(f->masked);
    golden_close(&f->golden);
}

static ink__guesses run(struct fixture *f, const ink__dropping *drop, bool learn)
{
    const struct golden *g = &f->golden;
    const ink_batch batch = {f->ids, g->types, g->offsets, g->B};
    ink__guesses guesses;
    cr_assert(ink__network_encode(&f->net, &batch, drop, &f->err) == INK_OK, "%s", f->err.text);
    cr_assert(ink__masked_head_run(&guesses, &f->head, f->rows, f->labels, f->n, g->R, (double)f->n, learn,
                                   NULL, &f->err) == INK_OK,
              "%s", f->err.text);
    if (learn)
        cr_assert(ink__network_encode_backward(&f->net, &batch, drop, &f->err) == INK_OK, "%s", f->err.text);
    return guesses;
}

static double largest(const float *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; ++i)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

/* As in network.c: 1e-4, or thrice PyTorch's own rounding; a key's bias has no gradient but for rounding. */
static void check_gradients(struct fixture *f, const char *label)
{
    double all = 0;
    size_t found = 0;
    for (size_t i = 0; i < f->store.count; ++i) {
        const ink__tensor *t = find(f, "", f->store.list[i].name);
        cr_assert(t && t->bytes == f->store.list[i].n * sizeof(float), "%s: %s", label,
                  f->store.list[i].name);
        all = fmax(all, largest(t->data, f->store.list[i].n));
    }
    for (size_t i = 0; i < f->store.count; ++i, ++found) {
        const ink__parameter *p = &f->store.list[i];
        const ink__tensor *t = find(f, "", p->name), *own = find(f, "own:", p->name);
        const bool nothing = p->slot == INK__KEY_B;
        const double scale = nothing ? all : largest(t->data, p->n);
        const double bound = nothing ? 1e-4 : fmax(1e-4, 3 * *(const float *)own->data);
        const double worst = max_difference(f->store.gradients + p->at, t->data, p->n) / scale;
        cr_expect(worst < bound && bound < 3e-3, "%s: %s differs by %g of %g, wanted %g", label, p->name,
                  worst, scale, bound);
    }
    cr_expect(found > 20, "%s: %zu", label, found);
}

Test(masked_head, loss_and_gradients_are_pytorchs_for_every_family_and_backend)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; ++i) {
        struct fixture f;
        open_fixture(&f, models[i]);
        const float expected = *(const float *)find(&f, "", "loss")->data;
        const int32_t right = *(const int32_t *)find(&f, "", "right")->data;
        for (size_t b = 0; b < 3; ++b) {
            make(&f, backends[b], 1);
            const ink__guesses found = run(&f, NULL, true);
            cr_expect(fabs(found.loss - expected) < 2e-6 * expected + 2e-5, "%s: loss %.7f, PyTorch's %.7f",
                      models[i], found.loss, expected);
            cr_expect(found.right == (uint64_t)right, "%s: %d right, wanted %d", models[i], (int)found.right,
                      (int)right);
            check_gradients(&f, models[i]);
            unmake(&f);
        }
        close_fixture(&f);
    }
}

/* Along a random direction of every parameter; the step's square and the loss's rounding are allowed for. */
Test(masked_head, gradients_with_dropout_are_central_differences)
{
    static const char *const some[] = {"bert-odd", "electra-projected"};
    const ink__dropping drop = {.seed = 7, .step = 3};
    for (size_t i = 0; i < 2; ++i) {
        struct fixture f;
        open_fixture(&f, some[i]);
        for (ink__drop d = 0; d < INK__DROPS; ++d)
            f.model->config.drops[d] = d == INK__DROP_FF_IN ? 0 : 0.1;
        make(&f, INK_BACKEND_REF, 1);
        run(&f, &drop, true);
        for (size_t k = 0; k < f.store.count; ++k) {
            const ink__parameter *p = &f.store.list[k];
            float *value = f.store.values + p->at, *way = random_floats(p->n, 1, 5);
            float *before = new_floats(p->n);
            memcpy(before, value, p->n * sizeof *value);
            double slope = 0, numeric = 0;
            bool agrees = false;
            for (size_t e = 0; e < p->n; ++e)
                slope += (double)f.store.gradients[p->at + e] * way[e];
            for (int turn = 0; turn < 3 && !agrees; ++turn) {
                const double h = ldexp(2e-3 / sqrt((double)p->n) * fmax(1, largest(before, p->n)), -2 * turn);
                double losses[2];
                for (int side = 0; side < 2; ++side) {
                    for (size_t e = 0; e < p->n; ++e)
                        value[e] = before[e] + (float)(side ? -h : h) * way[e];
                    losses[side] = run(&f, &drop, false).loss;
                }
                numeric = (losses[0] - losses[1]) / (2 * h);
                agrees = fabs(numeric - slope) < 1e-5 / h + 0.02 * fabs(slope);
            }
            memcpy(value, before, p->n * sizeof *value);
            cr_expect(agrees, "%s %s: numeric %g, gradient %g", some[i], p->name, numeric, slope);
            free(way), free(before);
        }
        unmake(&f);
        close_fixture(&f);
    }
}

Test(masked_head, neither_threads_nor_blocks_move_much)
{
    for (size_t b = 1; b < 3; ++b) {
        struct fixture f;
        open_fixture(&f, "bert-odd");
        float *one = new_floats(f.store.floats);
        for (size_t turn = 0; turn < 4; ++turn) {
            make(&f, backends[b], turn == 3 ? 1 : turn + 1);
            if (turn == 3)
                f.head.block = 16;
            cr_assert(f.n > 32, "%zu rows are no three blocks", f.n);
            run(&f, NULL, true);
            if (turn == 0)
                memcpy(one, f.store.gradients, f.store.floats * sizeof *one);
            else if (turn < 3)
                cr_expect(same_bits(one, f.store.gradients, f.store.floats), "%zu threads", turn + 1);
            else
                cr_expect(max_difference(one, f.store.gradients, f.store.floats) <
                          1e-5 * largest(one, f.store.floats));
            unmake(&f);
        }
        free(one);
        close_fixture(&f);
    }
}

Test(masked_head, without_a_masked_row_nothing_is_learned)
{
    struct fixture f;
    open_fixture(&f, "bert-odd");
    make(&f, INK_BACKEND_FUSED, 1);
    f.n = 0;
    const ink_batch batch = {f.ids, f.golden.types, f.golden.offsets, f.golden.B};
    ink__guesses guesses;
    cr_assert(ink__network_encode(&f.net, &batch, NULL, &f.err) == INK_OK);
    cr_assert(ink__masked_head_run(&guesses, &f.head, f.rows, f.labels, 0, f.golden.R, 1, true, NULL,
                                   &f.err) == INK_OK);
    cr_assert(ink__network_encode_backward(&f.net, &batch, NULL, &f.err) == INK_OK);
    cr_expect(guesses.loss == 0 && guesses.right == 0);
    for (size_t i = 0; i < f.store.count; ++i)
        if (!f.store.old[i])
            cr_expect(largest(f.store.gradients + f.store.list[i].at, f.store.list[i].n) == 0, "%s",
                      f.store.list[i].name);
    unmake(&f);
    close_fixture(&f);
}
