/* Evaluations from arrays: see evaluation.h. */
#include "train/evaluation.h"
#include "core/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fewer records of a label than this, and its numbers say little: an F1 of 0.9 is then known to +-0.13 at
 * best. */
enum { FEW = 20, FEW_IN_ALL = 100 };

ink_status ink__evaluation_warn(ink__evaluation *e, ink_error *err, const char *format, ...)
{
    char sentence[1024], *copy;
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    char **list = (char **)(uintptr_t)e->found.warnings;
    INK_TRY(ink__grow(&list, &e->warnings_capacity, e->found.n_warnings + 1, sizeof *list, "warnings", err));
    e->found.warnings = (const char *const *)list;
    INK_TRY(ink__strndup(&copy, sentence, strlen(sentence), err));
    list[e->found.n_warnings++] = copy;
    return INK_OK;
}

/* ---- warnings -------------------------------------------------------------------------------------- */

/* Label names with their records, as far as they fit. */
static void name_labels(char *names, size_t size, const ink_evaluation *f, uint64_t below, bool absent)
{
    size_t used = 0, more = 0;
    names[0] = '\0';
    for (size_t c = 0; c < f->n_labels; ++c) {
        const ink_label_result *l = &f->labels[c];
        if (l->records >= below || (l->records == 0) != absent)
            continue;
        char one[96];
        const int n = absent ? snprintf(one, sizeof one, "%s%.60s", used ? ", " : "", l->label)
                             : snprintf(one, sizeof one, "%s%.60s: %llu", used ? ", " : "", l->label,
                                        (unsigned long long)l->records);
        if (more || used + (size_t)n + 24 > size || used > 200)
            ++more;
        else
            used += (size_t)snprintf(names + used, size - used, "%s", one);
    }
    if (more)
        snprintf(names + used, size - used, " and %zu more", more);
}

static ink_status warn_of_labels(ink__evaluation *e, ink_error *err)
{
    const ink_evaluation *f = &e->found;
    size_t absent = 0, few = 0, in_truth = 0, all = SIZE_MAX;
    uint64_t given = 0;
    char names[512];
    for (size_t c = 0; c < f->n_labels; ++c) {
        absent += f->labels[c].records == 0;
        few += f->labels[c].records > 0 && f->labels[c].records < FEW;
        in_truth += f->labels[c].records > 0;
        given += f->labels[c].given;
        if (f->labels[c].given == f->records)
            all = c;
    }
    if (absent) {
        name_labels(names, sizeof names, f, 1, true);
        INK_TRY(ink__evaluation_warn(e, err, "%zu of %zu labels have no records: %s.", absent, f->n_labels,
                                     names));
    }
    if (few) {
        name_labels(names, sizeof names, f, FEW, false);
        INK_TRY(ink__evaluation_warn(e, err,
                                     "%zu label%s fewer than %d records, and what is said of %s is "
                                     "mostly chance (%s).",
                                     few, few == 1 ? " has" : "s have", FEW, few == 1 ? "it" : "them",
                                     names));
    }
    if (f->kind == INK_ACTIVATION_SOFTMAX && all != SIZE_MAX && in_truth > 1)
        INK_TRY(ink__evaluation_warn(e, err,
                                     "Every record was labelled \"%.100s\": the model has collapsed "
                                     "to one label.",
                                     f->labels[all].label));
    if (f->kind == INK_ACTIVATION_SIGMOID && given == 0)
        INK_TRY(ink__evaluation_warn(e, err,
                                     "No record was given any label: every score is below its "
                                     "threshold."));
    if (e->metrics->n_rankings == 0)
        INK_TRY(ink__evaluation_warn(e, err,
                                     "There are too many records and labels to resample AUC and "
                                     "average precision: they come without intervals."));
    return INK_OK;
}

static ink_status warn(ink__evaluation *e, ink_error *err)
{
    const ink_evaluation *f = &e->found;
    if (f->records < FEW_IN_ALL)
        INK_TRY(ink__evaluation_warn(e, err,
                                     "Only %llu record%s: the intervals are wide, and may be too "
                                     "narrow still.",
                                     (unsigned long long)f->records, f->records == 1 ? "" : "s"));
    const ink_estimate *a = &f->metrics[0].estimate;
    if (f->kind == INK_ACTIVATION_SOFTMAX && f->n_labels > 1 && a->low <= f->baseline)
        INK_TRY(ink__evaluation_warn(e, err,
                                     "The accuracy is not surely above the %.3f of always saying "
                                     "\"%.100s\".",
                                     f->baseline, f->baseline_label));
    if (f->kind == INK_ACTIVATION_SOFTMAX && a->value == 1 && f->n_labels > 1) /* 0.05 = share^records */
        INK_TRY(ink__evaluation_warn(e, err,
                                     "Every record was labelled rightly, so resamples show no spread: "
                                     "that the accuracy is at least %.3f is 95%% sure.",
                                     pow(0.05, 1 / (double)f->records)));
    if (f->kind == INK_ACTIVATION_NONE) {
        if (f->baseline > 0 && a->high >= f->baseline)
            INK_TRY(ink__evaluation_warn(e, err,
                                         "The MSE is not surely below the %.4g of always saying the "
                                         "mean.",
                                         f->baseline));
        return INK_OK;
    }
    return warn_of_labels(e, err);
}

/* ---- what was found -------------------------------------------------------------------------------- */

static ink_status measure(ink__evaluation *e, ink_error *err)
{
    const ink__metrics *m = e->metrics;
    const size_t C = m->judged.kind == INK_ACTIVATION_NONE ? 0 : m->judged.C;
    ink_evaluation *f = &e->found;
    ink_estimate *estimates;
    ink_metric *metrics;
    ink_label_result *labels;
    INK_TRY(ink__calloc(&metrics, m->count, sizeof *metrics, "metrics", err));
    f->metrics = metrics, f->n_metrics = m->count;
    INK_TRY(ink__calloc(&labels, C, sizeof *labels, "labels", err));
    f->labels = labels, f->n_labels = C;
    INK_TRY(ink__measures_create(&e->measures, m, err));
    INK_TRY(ink__calloc(&estimates, m->width, sizeof *estimates, "metrics", err));
    const ink_status st = ink__estimate(estimates, &e->measures, m, &e->input.draws, 0, err);
    for (size_t k = 0; k < m->count; ++k)
        metrics[k] = (ink_metric){m->list[k].key, m->list[k].title, m->list[k].less_is_better, estimates[k]};
    for (size_t c = 0; c < C; ++c) {
        const ink__class_measures *k = &e->measures.classes[c];
        labels[c] = (ink_label_result){e->input.labels[c],
                                       k->truths,
                                       k->given,
                                       k->right,
                                       k->precision,
                                       k->recall,
                                       estimates[m->count + c],
                                       k->auc,
                                       k->average_precision};
    }
    free(estimates);
    return st;
}

static ink_status baseline(ink__evaluation *e, ink_error *err)
{
    const ink__judged *j = &e->input.judged;
    ink_evaluation *f = &e->found;
    f->baseline = NAN;
    if (j->kind == INK_ACTIVATION_SOFTMAX) {
        size_t most = 0;
        uint64_t *confusion;
        for (size_t c = 1; c < j->C; ++c)
            most = f->labels[c].records > f->labels[most].records ? c : most;
        f->baseline = (double)f->labels[most].records / (double)j->n;
        f->baseline_label = f->labels[most].label;
        INK_TRY(ink__calloc(&confusion, j->C, j->C * sizeof *confusion, "a confusion matrix", err));
        f->confusion = confusion;
        for (size_t i = 0; i < j->n; ++i)
            ++confusion[(size_t)j->truth[i] * j->C + (size_t)e->metrics->predicted[i]];
    } else if (j->kind == INK_ACTIVATION_NONE) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < j->n; ++i)
            mean += j->targets[i] / (double)j->n;
        for (size_t i = 0; i < j->n; ++i)
            squares += (j->targets[i] - mean) * (j->targets[i] - mean);
        f->baseline = squares / (double)j->n;
    }
    return INK_OK;
}

struct blamed {
    double loss;
    uint32_t record;
};

static int worst_first(const void *a, const void *b)
{
    const struct blamed *x = a, *y = b;
    if (x->loss != y->loss)
        return x->loss > y->loss ? -1 : 1;
    return x->record < y->record ? -1 : 1;
}

static ink_status find_mistakes(ink__evaluation *e, ink_error *err)
{
    const ink__judged *j = &e->input.judged;
    struct blamed *blamed;
    INK_TRY(ink__calloc(&blamed, j->n, sizeof *blamed, "mistakes", err));
    for (size_t i = 0; i < j->n; ++i) {
        if (j->kind == INK_ACTIVATION_NONE)
            blamed[e->n_mistakes++] =
                (struct blamed){fabs((double)j->scores[i] - j->targets[i]), (uint32_t)i};
        else if (!e->metrics->exact[i])
            blamed[e->n_mistakes++] = (struct blamed){e->metrics->loss[i], (uint32_t)i};
    }
    qsort(blamed, e->n_mistakes, sizeof *blamed, worst_first);
    const ink_status st = ink__calloc(&e->mistakes, e->n_mistakes, sizeof *e->mistakes, "mistakes", err);
    for (size_t k = 0; st == INK_OK && k < e->n_mistakes; ++k)
        e->mistakes[k] = blamed[k].record;
    free(blamed);
    return st;
}

static ink_status compare(ink__evaluation *e, ink_error *err)
{
    ink_evaluation *f = &e->found;
    ink__judged other = e->input.judged;
    ink__metrics *metrics;
    ink_difference *differences;
    INK_TRY(ink__calloc(&differences, f->n_metrics, sizeof *differences, "differences", err));
    f->differences = differences;
    other.scores = e->input.compared;
    other.thresholds = e->input.compared_thresholds, other.given = e->input.compared_given;
    INK_TRY(ink__metrics_create(&metrics, &other, err));
    const ink_status st = ink__compare(differences, e->metrics, metrics, &e->input.draws, err);
    f->mcnemar_p = NAN;
    if (other.kind != INK_ACTIVATION_NONE) {
        for (size_t i = 0; i < other.n; ++i) {
            f->only_first += e->metrics->exact[i] && !metrics->exact[i];
            f->only_second += !e->metrics->exact[i] && metrics->exact[i];
        }
        f->mcnemar_p = ink__mcnemar(&f->mcnemar_exact, f->only_first, f->only_second);
    }
    ink__metrics_free(metrics);
    return st;
}

ink_status ink__evaluation_create(ink__evaluation **evaluation, const ink__evaluation_input *input,
                                  ink_error *err)
{
    ink__evaluation *e;
    ink_status st;
    *evaluation = NULL;
    INK_TRY(ink__calloc(&e, 1, sizeof *e, "an evaluation", err));
    e->input = *input;
    e->found.records = input->judged.n;
    e->found.kind = input->judged.kind;
    e->found.slice = input->slice;
    e->found.mcnemar_p = NAN;
    INK_TRY_GOTO(ink__metrics_create(&e->metrics, &input->judged, err));
    INK_TRY_GOTO(measure(e, err));
    INK_TRY_GOTO(baseline(e, err));
    INK_TRY_GOTO(find_mistakes(e, err));
    if (input->groups)
        INK_TRY_GOTO(ink__evaluation_groups(e, err));
    if (input->compared)
        INK_TRY_GOTO(compare(e, err));
    if (input->calibration)
        INK_TRY_GOTO(ink__evaluation_calibration(e, err));
    st = warn(e, err);
done:
    if (st == INK_OK)
        *evaluation = e;
    else
        ink_evaluation_free(&e->found);
    return st;
}

/* The library made what is const to the caller. */
static void release(const void *p)
{
    free((void *)(uintptr_t)p);
}

void ink_evaluation_free(ink_evaluation *evaluation)
{
    if (!evaluation)
        return;
    ink__evaluation *e = (ink__evaluation *)evaluation;
    for (size_t i = 0; i < evaluation->n_warnings; ++i)
        release(evaluation->warnings[i]);
    for (size_t g = 0; g < evaluation->n_groups; ++g)
        release(evaluation->groups[g].metrics);
    release(evaluation->warnings);
    release(evaluation->groups);
    release(evaluation->gaps);
    release(evaluation->differences);
    release(evaluation->confusion);
    release(evaluation->labels);
    release(evaluation->metrics);
    ink__measures_free(&e->measures);
    ink__metrics_free(e->metrics);
    free(e->mistakes);
    if (e->release)
        e->release(e->owned);
    free(e);
}

const ink_metric *ink_evaluation_metric(const ink_evaluation *evaluation, const char *key)
{
    for (size_t k = 0; evaluation && key && k < evaluation->n_metrics; ++k)
        if (strcmp(evaluation->metrics[k].key, key) == 0)
            return &evaluation->metrics[k];
    return NULL;
}
