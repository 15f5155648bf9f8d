/* Losses: by hand, against PyTorch's, numerically, in chunks, and on logits that are far out. */
#include "nn/loss.h"
#include "support/gradient.h"
#include "support/numbers.h"
#include "support/training.h"

#include <math.h>
#include <stdio.h>

enum { B = 9, C = 5 };

enum { CROSS_ENTROPY, BINARY, SQUARED, ABSOLUTE, DISTILLATION, BINARY_DISTILLATION };

struct problem {
    const char *name;
    int loss;
    bool weighted;
    double smoothing, T;
};

static const struct problem problems[] = {
    {"cross_entropy", CROSS_ENTROPY, false, 0, 0},
    {"cross_entropy.smooth", CROSS_ENTROPY, false, 0.1, 0},
    {"cross_entropy.weighted", CROSS_ENTROPY, true, 0, 0},
    {"cross_entropy.both", CROSS_ENTROPY, true, 0.3, 0},
    {"binary", BINARY, false, 0, 0},
    {"binary.weighted", BINARY, true, 0, 0},
    {"squared", SQUARED, false, 0, 0},
    {"absolute", ABSOLUTE, false, 0, 0},
    {"distillation.1", DISTILLATION, false, 0, 1},
    {"distillation.2", DISTILLATION, false, 0, 2},
    {"distillation.5", DISTILLATION, false, 0, 5},
    {"distillation.binary.1", BINARY_DISTILLATION, false, 0, 1},
    {"distillation.binary.2", BINARY_DISTILLATION, false, 0, 2},
    {"distillation.binary.5", BINARY_DISTILLATION, false, 0, 5},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

struct data {
    ink__tensors *file;
    const float *teacher, *targets, *weights, *positive;
    int32_t labels[B];
    float z[B * C];
    const struct problem *problem;
    double norm;
};

static void open_data(struct data *d, const struct problem *problem)
{
    d->file = training_open(), d->problem = problem;
    d->teacher = training_golden(d->file, "teacher", INK__F32, B * C);
    d->targets = training_golden(d->file, "targets", INK__F32, B * C);
    d->weights = problem->weighted ? training_golden(d->file, "weights", INK__F32, C) : NULL;
    d->positive = problem->weighted ? training_golden(d->file, "positive", INK__F32, C) : NULL;
    memcpy(d->z, training_golden(d->file, "logits", INK__F32, B * C), sizeof d->z);
    const int64_t *labels = training_golden(d->file, "labels", INK__I64, B);
    for (int b = 0; b < B; ++b)
        d->labels[b] = (int32_t)labels[b];
    d->norm = problem->loss == CROSS_ENTROPY  ? ink_label_weight(d->labels, d->weights, B)
              : problem->loss == DISTILLATION ? B
                                              : B * C;
}

/* Of rows [first, first + rows). */
static double rows_loss(float *dz, const struct data *d, const float *z, size_t first, size_t rows)
{
    const size_t at = first * C;
    switch (d->problem->loss) {
    case CROSS_ENTROPY:
        return ink_cross_entropy(dz, z + at, d->labels + first, d->weights, d->problem->smoothing, d->norm,
                                 rows, C);
    case BINARY:
        return ink_binary_cross_entropy(dz, z + at, d->targets + at, d->positive, d->norm, rows, C);
    case SQUARED:
        return ink_squared_error(dz, z + at, d->teacher + at, d->norm, rows * C);
    case ABSOLUTE:
        return ink_absolute_error(dz, z + at, d->teacher + at, d->norm, rows * C);
    case BINARY_DISTILLATION:
        return ink_binary_distillation(dz, z + at, d->teacher + at, d->problem->T, d->norm, rows, C);
    }
    return ink_distillation(dz, z + at, d->teacher + at, d->problem->T, d->norm, rows, C);
}

Test(loss, values_and_gradients_are_those_of_pytorch)
{
    for (int i = 0; i < PROBLEMS; ++i) {
        struct data d;
        float dz[B * C];
        char name[64];
        open_data(&d, &problems[i]);
        snprintf(name, sizeof name, "%s.grad", problems[i].name);
        const double *wanted = training_golden(d.file, problems[i].name, INK__F64, 1);
        const double *gradient = training_golden(d.file, name, INK__F64, B * C);
        const double loss = rows_loss(dz, &d, d.z, 0, B);
        cr_expect(fabs(loss - *wanted) < 1e-12, "%s is %.15g, PyTorch's %.15g", problems[i].name, loss,
                  *wanted);
        for (int k = 0; k < B * C; ++k) /* rounded to float once */
            cr_expect(fabs(dz[k] - gradient[k]) <= 6e-8 * fabs(gradient[k]) + 1e-15,
                      "%s: dz[%d] is %.9g, wanted %.9g", problems[i].name, k, dz[k], gradient[k]);
        ink__tensors_free(d.file);
    }
}

static double all_rows(void *with)
{
    struct data *d = with;
    float dz[B * C];
    return rows_loss(dz, d, d->z, 0, B);
}

Test(loss, gradients_are_the_numeric_ones)
{
    for (int i = 0; i < PROBLEMS; ++i) {
        struct data d;
        float dz[B * C];
        open_data(&d, &problems[i]);
        rows_loss(dz, &d, d.z, 0, B);
        for (int k = 0; k < B * C; ++k) {
            const double numeric = numeric_slope(&d.z[k], 0x1p-7f, all_rows, &d);
            /* Logits move by exact steps, and dz is rounded to float; worst seen 1.5e-8. */
            cr_expect(fabs(dz[k] - numeric) < 6e-8, "%s: dz[%d] = %g, numeric %g", problems[i].name, k, dz[k],
                      numeric);
        }
        ink__tensors_free(d.file);
    }
}

Test(loss, chunks_of_an_update_add_up_to_it)
{
    for (int i = 0; i < PROBLEMS; ++i)
        for (size_t step = 1; step <= B; ++step) {
            struct data d;
            float whole[B * C], parts[B * C];
            open_data(&d, &problems[i]);
            const double loss = rows_loss(whole, &d, d.z, 0, B);
            double sum = 0;
            memcpy(parts, d.z, sizeof parts); /* in place */
            for (size_t first = 0; first < B; first += step)
                sum += rows_loss(parts + first * C, &d, parts, first, first + step < B ? step : B - first);
            cr_expect(fabs(sum - loss) < 1e-12, "%s by %zu: %.15g, %.15g", problems[i].name, step, sum, loss);
            cr_expect(same_bits(parts, whole, B * C), "%s by %zu", problems[i].name, step);
            ink__tensors_free(d.file);
        }
}

Test(loss, values_are_those_worked_by_hand)
{
    const float equal[] = {7, 7, 7, 7}, target[] = {1, 0, 1, 0}, weights[] = {1, 2, 3, 10};
    const int32_t label = 1, none = -100;
    float dz[4];
    double loss = ink_cross_entropy(dz, equal, &label, NULL, 0, 1, 1, 4);
    cr_expect(fabs(loss - log(4)) < 1e-15 && dz[0] == 0.25f && dz[1] == -0.75f, "%g: %g %g", loss, dz[0],
              dz[1]);
    /* (1 - 0.2) 2 log 4 + 0.2/4 (1+2+3+10) log 4, over a norm of 2. */
    loss = ink_cross_entropy(dz, equal, &label, weights, 0.2, 2, 1, 4);
    cr_expect(fabs(loss - 1.2 * log(4)) < 1e-15, "%g", loss);
    /* (2.4/4 - 0.05 * 10) / 2 */
    cr_expect(fabs(dz[3] - 0.05) < 1e-8, "%g", dz[3]);
    cr_expect(ink_cross_entropy(dz, equal, &none, weights, 0.2, 2, 1, 4) == 0 && dz[1] == 0 && dz[3] == 0);
    const int32_t labels[] = {1, -100, 3, 0};
    cr_expect(ink_label_weight(labels, weights, 4) == 13 && ink_label_weight(labels, NULL, 4) == 3);

    const float zero[4] = {0};
    loss = ink_binary_cross_entropy(dz, zero, target, NULL, 4, 1, 4);
    cr_expect(fabs(loss - log(2)) < 1e-15 && dz[0] == -0.125f && dz[1] == 0.125f, "%g: %g %g", loss, dz[0],
              dz[1]);
    loss = ink_binary_cross_entropy(dz, zero, target, weights, 4, 2, 2); /* positives of weight 1 and 2 */
    cr_expect(fabs(loss - log(2)) < 1e-15 && dz[2] == -0.125f, "the first label's in both rows: %g %g", loss,
              dz[2]);
    cr_expect(ink_squared_error(dz, equal, target, 2, 2) == (36 + 49) / 2.0 && dz[0] == 6 && dz[1] == 7);
    cr_expect(ink_absolute_error(dz, target, zero, 2, 2) == 0.5 && dz[0] == 0.5f && dz[1] == 0);
    cr_expect(fabs(ink_distillation(dz, equal, zero, 3, 1, 1, 4)) < 1e-14 && fabsf(dz[2]) < 1e-15f,
              "no difference");
    cr_expect(fabs(ink_binary_distillation(dz, equal, equal, 3, 1, 1, 4)) < 1e-14 && dz[2] == 0,
              "none either");
}

Test(loss, logits_far_out_give_numbers)
{
    static const float far[] = {88, 1e3f, 1e4f, 1e30f};
    const int32_t wrong = 1;
    const float yes = 1, no = 0;
    const float forty = 40;
    float dz[3];
    cr_expect(fabs(ink_binary_cross_entropy(dz, &forty, &yes, NULL, 1, 1, 1) / exp(-40) - 1) < 1e-12,
              "no 1 is lost");
    for (int i = 0; i < 4; ++i) {
        const float x = far[i], z[] = {x, -x, 0};
        double loss = ink_cross_entropy(dz, z, &wrong, NULL, 0, 1, 1, 3);
        cr_expect(fabs(loss / (2 * (double)x) - 1) < 1e-12 && dz[0] == 1 && dz[1] == -1 && dz[2] < 1e-30f,
                  "%g: %g", x, loss);
        loss = ink_cross_entropy(dz, z, &wrong, NULL, 0.5, 1, 1, 3);
        cr_expect(isfinite(loss) && isfinite(dz[0]) && isfinite(dz[1]));
        cr_expect(ink_binary_cross_entropy(dz, &x, &yes, NULL, 1, 1, 1) < 1e-37 && fabsf(dz[0]) < 1e-37f);
        cr_expect(ink_binary_cross_entropy(dz, &x, &no, NULL, 1, 1, 1) == x && dz[0] == 1);
        cr_expect(ink_binary_cross_entropy(dz, z + 1, &yes, NULL, 1, 1, 1) == x && dz[0] == -1);
        const float mirrored[] = {-x, x, 0};
        loss = ink_distillation(dz, z, mirrored, 2, 1, 1, 3);
        cr_expect(fabs(loss / (4 * (double)x) - 1) < 1e-12 && dz[0] == 2 && dz[1] == -2, "%g: %g", x, loss);
        /* Two labels, each off by x / T at T 2: 4 (x + x) / 2. */
        loss = ink_binary_distillation(dz, z, mirrored, 2, 1, 1, 3);
        cr_expect(fabs(loss / (4 * (double)x) - 1) < 1e-12 && dz[0] == 2 && dz[1] == -2, "%g: %g", x, loss);
    }
}

Test(loss, a_nan_is_never_hidden)
{
    for (int i = 0; i < PROBLEMS; ++i)
        for (int at = 0; at < C; ++at) {
            struct data d;
            float dz[B * C];
            open_data(&d, &problems[i]);
            d.z[2 * C + at] = NAN;
            cr_expect(isnan(rows_loss(dz, &d, d.z, 0, B)), "%s", problems[i].name);
            cr_expect(isnan(dz[2 * C + at]) && !isnan(dz[C + at]) && !isnan(dz[3 * C + at]), "%s",
                      problems[i].name);
            ink__tensors_free(d.file);
        }
}

/* One row of many classes, on every instruction set, beside the double definition above. */
Test(loss, a_row_over_many_classes_is_cross_entropy_on_every_instruction_set)
{
    static const size_t sizes[] = {1, 2, 7, 16, 33, 257, 5000};
    for (size_t k = 0; k == 0 || ink__passes_at(k - 1); ++k) {
        const ink__passes *p = passes_or_ref(k);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
            const size_t V = sizes[i];
            float *z = random_floats(V, 4, 3), *dz = new_floats(V);
            size_t top = 0;
            for (size_t v = 1; v < V; ++v)
                top = z[v] > z[top] ? v : top;
            for (int turn = 0; turn < 2; ++turn) {
                const int32_t y = (int32_t)(turn ? top : V / 2);
                bool first;
                const double wanted = ink_cross_entropy(dz, z, &y, NULL, 0, 4, 1, V) * 4;
                float *row = new_floats(V);
                memcpy(row, z, V * sizeof *z);
                const double loss = p->cross_entropy_row(row, &first, (size_t)y, 0.25f, V);
                cr_expect(fabs(loss - wanted) < 1e-5, "%s, %zu: %g, wanted %g", p->isa, V, loss, wanted);
                cr_expect(first == ((size_t)y == top), "%s, %zu", p->isa, V);
                for (size_t v = 0; v < V; ++v) /* 0.25 times float's rounding of a sum */
                    cr_assert(fabs((double)row[v] - dz[v]) < 5e-7, "%s, %zu: dz[%zu] = %g, wanted %g", p->isa,
                              V, v, (double)row[v], (double)dz[v]);
                row[V / 3] = NAN;
                cr_expect(isnan(p->cross_entropy_row(row, &first, (size_t)y, 1, V)), "%s, %zu", p->isa, V);
                free(row);
            }
            free(z), free(dz);
        }
    }
}
