/* Evaluating a model on files: see inkling/evaluate.h. */
#include "train/labelled.h"
#include "core/memory.h"
#include "infer/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b, void *names)
{
    char *const *n = names;
    return strcmp(n[*(const uint32_t *)a], n[*(const uint32_t *)b]);
}

/* Groups came in the order of the records; they go in byte order of their names. */
static ink_status sort_groups(ink__labelled *l, ink_error *err)
{
    uint32_t order[INK__GROUPS_MAX], place[INK__GROUPS_MAX];
    char **names;
    INK_TRY(ink__calloc(&names, INK__GROUPS_MAX, sizeof *names, "groups", err));
    for (uint32_t g = 0; g < l->n_groups; ++g)
        order[g] = g;
    qsort_r(order, l->n_groups, sizeof *order, by_name, l->group_names);
    for (uint32_t g = 0; g < l->n_groups; ++g)
        names[g] = l->group_names[order[g]], place[order[g]] = g;
    for (size_t i = 0; i < l->n; ++i)
        l->groups[i] = place[l->groups[i]];
    free(l->group_names);
    l->group_names = names;
    return INK_OK;
}

ink_status ink__labelled_name(ink__labelled *l, const ink_model *model, ink_error *err)
{
    size_t bytes = 0;
    for (size_t c = 0; c < l->C; ++c)
        bytes += strlen(ink_model_label(model, c)) + 1;
    /* One block: the names stand behind their addresses. */
    INK_TRY(ink__calloc(&l->labels, 1, l->C * sizeof *l->labels + bytes, "labels", err));
    char *at = (char *)(l->labels + l->C);
    for (size_t c = 0; c < l->C; ++c) {
        const size_t len = strlen(ink_model_label(model, c)) + 1;
        memcpy(at, ink_model_label(model, c), len);
        l->labels[c] = at;
        at += len;
    }
    return INK_OK;
}

ink_status ink__evaluation_report(ink__evaluation *e, const ink_job_report *report, ink_error *err)
{
    ink_evaluation *f = &e->found;
    f->left_out = report->failed, f->truncated = report->truncated;
    f->tokens = report->tokens, f->bad_bytes = report->bad_bytes, f->seconds = report->seconds;
    snprintf(f->first_error, sizeof f->first_error, "%s", report->first_error);
    f->unread = report->unread;
    memcpy(f->notes, report->notes, sizeof f->notes);
    if (f->left_out)
        INK_TRY(ink__evaluation_warn(e, err,
                                     "%llu of %llu records could not be used and %s left out. The "
                                     "first: %s",
                                     (unsigned long long)f->left_out, (unsigned long long)report->records,
                                     f->left_out == 1 ? "was" : "were", f->first_error));
    if (f->unread)
        INK_TRY(ink__evaluation_warn(e, err, "%llu of the inputs could not be read to their ends.",
                                     (unsigned long long)f->unread));
    if (f->truncated)
        INK_TRY(ink__evaluation_warn(e, err,
                                     "%llu of %llu texts %s longer than the model reads: only "
                                     "part of each was used.",
                                     (unsigned long long)f->truncated, (unsigned long long)f->records,
                                     f->truncated == 1 ? "is" : "are"));
    return INK_OK;
}

/* Thresholds of the model it is compared with, in this model's order of labels. */
static ink_status place_thresholds(ink__labelled *l, const ink_model *compare, ink_error *err)
{
    const float *theirs = ink__thresholds(compare);
    if (!theirs)
        return INK_OK;
    INK_TRY(ink__calloc(&l->compared_thresholds, l->C, sizeof *l->compared_thresholds, "labels", err));
    for (size_t c = 0; c < l->C; ++c)
        for (size_t k = 0; k < l->C; ++k)
            if (strcmp(l->labels[c], ink_model_label(compare, k)) == 0)
                l->compared_thresholds[c] = theirs[k];
    return INK_OK;
}

static ink_status evaluate(ink__evaluation **e, ink__labelled *l, const ink_model *model,
                           const ink_evaluate_options *options, ink_error *err)
{
    INK_TRY(ink__labelled_name(l, model, err));
    if (options->slice)
        INK_TRY(sort_groups(l, err));
    if (options->compare)
        INK_TRY(place_thresholds(l, options->compare, err));
    if (model->calibration)
        ink__scores_of_logits(l->logits, l->n, l->C, l->kind, 1);
    const ink__evaluation_input input = {
        .judged = {.kind = l->kind,
                   .n = l->n,
                   .C = l->C,
                   .truth = l->truth,
                   .truths = l->truths,
                   .targets = l->targets,
                   .scores = l->scores,
                   .thresholds = ink__thresholds(model)},
        .labels = l->labels,
        .compared = l->compared,
        .compared_thresholds = l->compared_thresholds,
        .calibration = model->calibration,
        .uncalibrated = l->logits,
        .slice = l->slice,
        .groups = l->groups,
        .group_names = (const char *const *)l->group_names,
        .n_groups = l->n_groups,
        .shown = l->shown,
        .draws = {.resamples = INK__RESAMPLES,
                  .seed = options->seed,
                  .threads = options->threads ? options->threads : ink_threads_default(NULL)},
    };
    return ink__evaluation_create(e, &input, err);
}

ink_status ink_evaluate(ink_evaluation **evaluation, const ink_model *model,
                        const ink_evaluate_options *options, ink_error *err)
{
    ink_job_report report = {0};
    ink__labelled *l = NULL;
    ink__evaluation *e = NULL;
    ink_status st;
    if (!evaluation || !model || !options)
        return ink_fail(err, INK_E_ARG, "evaluation, model and options may not be NULL");
    *evaluation = NULL;
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_evaluate_options has version %u, wanted 1", options->version);
    INK_TRY(ink__head_check(model, err));
    if (options->compare)
        INK_TRY(ink__head_check(options->compare, err));
    INK_TRY(ink__labelled_create(&l, &report, model, options, model->calibration != NULL, err));
    if (options->slice)
        INK_TRY_GOTO(ink__strndup(&l->slice, options->slice, strlen(options->slice), err));
    INK_TRY_GOTO(evaluate(&e, l, model, options, err));
    e->owned = l, e->release = ink__labelled_free;
    l = NULL;
    st = ink__evaluation_report(e, &report, err);
done:
    ink__labelled_free(l);
    if (st == INK_OK)
        *evaluation = &e->found;
    else if (e)
        ink_evaluation_free(&e->found);
    return st;
}
