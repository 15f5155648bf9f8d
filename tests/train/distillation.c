/* What a student learns from its teacher's logits: loss and gradients against PyTorch's on golden models, of
 * records with labels and without; a teacher that does not count; class weights of any scale. */
#include "io/safetensors.h"
#include "model/model.h"
#include "support/golden.h"
#include "support/numbers.h"
#include "train/trainer.h"

#include <math.h>

struct problem {
    const char *name, *model;
    ink__task task;
    bool weighted;
};

static const struct problem problems[] = {{"single", "bert-tiny-cls", INK__TASK_SINGLE, false},
                                          {"single.weighted", "bert-tiny-cls", INK__TASK_SINGLE, true},
                                          {"multi", "bert-tiny-cls", INK__TASK_MULTI, false},
                                          {"multi.weighted", "bert-tiny-cls", INK__TASK_MULTI, true},
                                          {"value", "bert-wide-head", INK__TASK_REGRESSION, false}};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* A golden batch as a data set, half of it with the labels that make_distillation.py gives. */
struct fixture {
    const struct problem *problem;
    struct golden golden;
    ink__tensors *file;
    ink_model *model;
    ink__config config; /* the model's, without dropout */
    ink__store store;
    ink__trainer trainer;
    ink__dataset data;
    size_t C;
    uint32_t *texts; /* record i has the teacher's answer n - 1 - i ... */
    float *logits;   /* ... in [n,C], which is the golden teacher from the end */
    ink__soft soft;
    ink_error err;
};

static const float *floats(const struct fixture *f, const char *part, size_t n)
{
    char name[200];
    snprintf(name, sizeof name, "%s%s", f->problem->name, part);
    const ink__tensor *t = ink__tensors_find(f->file, name);
    cr_assert(t && t->bytes == n * sizeof(float), "%s", name);
    return t->data;
}

static void make_data(struct fixture *f)
{
    const struct golden *g = &f->golden;
    ink__dataset *d = &f->data;
    d->task = f->problem->task, d->n = g->B;
    d->offsets = g->offsets, d->ids = g->ids, d->types = g->types;
    d->label_offsets = calloc(d->n + 1, sizeof *d->label_offsets);
    d->labels = calloc(d->n * f->C, sizeof *d->labels);
    d->values = d->task == INK__TASK_REGRESSION ? calloc(d->n, sizeof *d->values) : NULL;
    for (size_t b = 0; b < d->n; ++b) {
        size_t n = d->label_offsets[b];
        if (b < d->n / 2 && d->task == INK__TASK_SINGLE)
            d->labels[n++] = (uint32_t)(b % f->C);
        for (size_t c = 0; b < d->n / 2 && d->task == INK__TASK_MULTI && c < f->C; ++c)
            if ((b + c) % 3 == 0)
                d->labels[n++] = (uint32_t)c;
        if (d->values)
            d->values[b] = (float)b / 2 - 1;
        d->label_offsets[b + 1] = n;
    }
}

static void make_teacher(struct fixture *f)
{
    const size_t n = f->data.n, C = f->C;
    const float *teacher = floats(f, ".teacher", n * C);
    f->texts = calloc(n, sizeof *f->texts), f->logits = new_floats(n * C);
    for (size_t i = 0; i < n; ++i) {
        f->texts[i] = (uint32_t)(n - 1 - i);
        memcpy(f->logits + f->texts[i] * C, teacher + i * C, C * sizeof *teacher);
    }
    f->soft = (ink__soft){.logits = f->logits,
                          .texts = f->texts,
                          .labelled = n / 2,
                          .temperature = 2,
                          .weight = 0.7,
                          .mean_weight = 1};
}

static void open_fixture(struct fixture *f, const struct problem *problem)
{
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    *f = (struct fixture){.problem = problem};
    golden_open(&f->golden, problem->model);
    cr_assert(ink__tensors_open(&f->file, INK_TEST_DATA "/golden/distillation.safetensors", &f->err) ==
                  INK_OK,
              "%s", f->err.text);
    cr_assert(ink_model_open(&f->model, f->golden.dir, &plain, &f->err) == INK_OK, "%s", f->err.text);
    f->config = f->model->config, f->C = f->config.C;
    for (ink__drop d = 0; d < INK__DROPS; ++d)
        f->config.drops[d] = 0;
    const ink__store_options start = {.from = &f->model->params, .keep_head = true};
    cr_assert(ink__store_create(&f->store, &f->config, &start, &f->err) == INK_OK, "%s", f->err.text);
    make_data(f);
    make_teacher(f);
}

static void make_trainer(struct fixture *f, ink__trainer_options options)
{
    options.task = f->problem->task, options.threads = 1, options.longest = f->golden.R;
    cr_assert(ink__trainer_create(&f->trainer, &f->config, &f->store, &options, &f->err) == INK_OK, "%s",
              f->err.text);
    ink__store_clear(&f->store);
}

static void close_fixture(struct fixture *f)
{
    ink__store_free(&f->store);
    ink_model_free(f->model);
    ink__tensors_free(f->file);
    golden_close(&f->golden);
    free(f->data.label_offsets), free(f->data.labels), free(f->data.values);
    free(f->texts), free(f->logits);
}

/* The loss of n records, in an order that mixes those with labels and those without. */
static double learn(struct fixture *f, size_t n)
{
    uint32_t records[64];
    double loss;
    cr_assert(n <= 64);
    for (size_t i = 0; i < n; ++i)
        records[i] = (uint32_t)(i * 5 % n);
    const double divisor = ink__trainer_divisor(&f->trainer, &f->data, records, n);
    cr_assert(ink__trainer_learn(&loss, &f->trainer, &f->data, records, n, divisor, &f->err) == INK_OK, "%s",
              f->err.text);
    return loss;
}

static void compare(struct fixture *f, const char *parameter)
{
    for (size_t i = 0; i < f->store.count; ++i) {
        const ink__parameter *p = &f->store.list[i];
        char part[200];
        if (strcmp(p->name, parameter) != 0)
            continue;
        snprintf(part, sizeof part, ":%s", parameter);
        const float *wanted = floats(f, part, p->n);
        double largest = 0;
        for (size_t k = 0; k < p->n; ++k)
            largest = fmax(largest, fabs((double)wanted[k]));
        const double worst = max_difference(f->store.gradients + p->at, wanted, p->n) / largest;
        cr_expect(worst < 1e-4, "%s: %s differs by %g", f->problem->name, parameter, worst);
        return;
    }
    cr_expect(false, "no parameter %s", parameter);
}

Test(distillation, loss_and_gradients_are_those_of_pytorch)
{
    static const size_t pieces[] = {1024, 20};
    for (size_t k = 0; k < 2 * PROBLEMS; ++k) {
        struct fixture f;
        open_fixture(&f, &problems[k / 2]);
        ink__trainer_options options = {.piece_tokens = pieces[k % 2], .soft = &f.soft};
        if (f.problem->weighted)
            options.class_weights = floats(&f, ".weights", f.C);
        if (f.problem->task == INK__TASK_SINGLE)
            options.label_smoothing = 0.1;
        if (f.problem->task == INK__TASK_SINGLE && f.problem->weighted) {
            double sum = 0;
            for (size_t b = 0; b < f.soft.labelled; ++b)
                sum += options.class_weights[b % f.C];
            f.soft.mean_weight = sum / (double)f.soft.labelled;
        }
        make_trainer(&f, options);
        const double loss = learn(&f, f.data.n), wanted = floats(&f, ".loss", 1)[0];
        cr_expect(fabs(loss - wanted) < 1e-5 * wanted, "%s: loss %.8g, wanted %.8g", f.problem->name, loss,
                  wanted);
        compare(&f, "classifier.weight");
        compare(&f, "classifier.bias");
        compare(&f, "bert.encoder.layer.0.attention.self.query.weight");
        ink__trainer_free(&f.trainer);
        close_fixture(&f);
    }
}

/* Weight 0, and no record without labels: the bits of a run that has no teacher. */
Test(distillation, a_teacher_that_does_not_count_changes_no_bit)
{
    for (size_t k = 0; k < PROBLEMS; ++k) {
        struct fixture f;
        open_fixture(&f, &problems[k]);
        const float *weights = f.problem->weighted ? floats(&f, ".weights", f.C) : NULL;
        make_trainer(&f, (ink__trainer_options){.piece_tokens = 30, .class_weights = weights});
        learn(&f, f.soft.labelled);
        float *alone = new_floats(f.store.floats);
        memcpy(alone, f.store.gradients, f.store.floats * sizeof *alone);
        ink__trainer_free(&f.trainer);
        f.soft.weight = 0;
        make_trainer(&f,
                     (ink__trainer_options){.piece_tokens = 30, .class_weights = weights, .soft = &f.soft});
        learn(&f, f.soft.labelled);
        for (size_t i = 0; i < f.store.floats; ++i)
            cr_assert(alone[i] == f.store.gradients[i], "%s: gradient %zu is %g, alone %g", f.problem->name,
                      i, f.store.gradients[i], alone[i]);
        free(alone);
        ink__trainer_free(&f.trainer);
        close_fixture(&f);
    }
}

Test(distillation, the_scale_of_class_weights_does_not_matter)
{
    double losses[2];
    for (int k = 0; k < 2; ++k) {
        struct fixture f;
        const float weights[] = {k ? 10 : 1, k ? 10 : 1, k ? 10 : 1};
        open_fixture(&f, &problems[0]);
        f.soft.mean_weight = weights[0];
        make_trainer(&f,
                     (ink__trainer_options){.piece_tokens = 64, .class_weights = weights, .soft = &f.soft});
        losses[k] = learn(&f, f.data.n);
        ink__trainer_free(&f.trainer);
        close_fixture(&f);
    }
    cr_expect(fabs(losses[0] - losses[1]) < 1e-9, "%.12g and %.12g", losses[0], losses[1]);
}
