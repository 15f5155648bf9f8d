/* Groups of records, each measured by itself, and the gaps between them. See evaluation.h. */
#include "train/evaluation.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The rows of one group, copied together. */
struct rows {
    ink__judged judged;
    int32_t *truth;
    uint8_t *truths;
    double *targets;
    float *scores;
};

static void rows_free(struct rows *r)
{
    free(r->truth);
    free(r->truths);
    free(r->targets);
    free(r->scores);
}

static ink_status rows_create(struct rows *r, const ink__evaluation_input *in, size_t group, ink_error *err)
{
    const ink__judged *j = &in->judged;
    const size_t C = j->C;
    size_t n = 0, at = 0;
    for (size_t i = 0; i < j->n; ++i)
        n += in->groups[i] == group;
    *r = (struct rows){.judged = *j};
    INK_TRY(ink__calloc(&r->scores, n, C * sizeof *r->scores, "a group", err));
    if (j->kind == INK_ACTIVATION_SOFTMAX)
        INK_TRY(ink__calloc(&r->truth, n, sizeof *r->truth, "a group", err));
    else if (j->kind == INK_ACTIVATION_SIGMOID)
        INK_TRY(ink__calloc(&r->truths, n, C, "a group", err));
    else
        INK_TRY(ink__calloc(&r->targets, n, sizeof *r->targets, "a group", err));
    for (size_t i = 0; i < j->n; ++i) {
        if (in->groups[i] != group)
            continue;
        memcpy(r->scores + at * C, j->scores + i * C, C * sizeof *r->scores);
        if (r->truth)
            r->truth[at] = j->truth[i];
        else if (r->truths)
            memcpy(r->truths + at * C, j->truths + i * C, C);
        else
            r->targets[at] = j->targets[i];
        ++at;
    }
    r->judged.n = n;
    r->judged.truth = r->truth, r->judged.truths = r->truths, r->judged.targets = r->targets;
    r->judged.scores = r->scores;
    return INK_OK;
}

/* One group: its estimates, and samples [resamples,count] for the gaps. */
static ink_status measure_group(ink_group *group, double *samples, const ink__evaluation *e, size_t g,
                                ink_error *err)
{
    const size_t resamples = e->input.draws.resamples, count = e->metrics->count;
    struct rows rows;
    ink__metrics *m = NULL;
    ink__measures measures = {0};
    ink_estimate *estimates = NULL;
    double *all = NULL, *sorted = NULL;
    ink_status st;
    INK_TRY_GOTO(rows_create(&rows, &e->input, g, err));
    INK_TRY_GOTO(ink__metrics_create(&m, &rows.judged, err));
    INK_TRY_GOTO(ink__measures_create(&measures, m, err));
    INK_TRY_GOTO(ink__calloc(&estimates, count, sizeof *estimates, "a group", err));
    INK_TRY_GOTO(ink__calloc(&all, resamples, m->width * sizeof *all, "resamples", err));
    INK_TRY_GOTO(ink__calloc(&sorted, resamples, sizeof *sorted, "resamples", err));
    ink__measure(&measures, m, NULL);
    /* Groups share no record, so each draws from a stream of its own. */
    INK_TRY_GOTO(ink__bootstrap(all, m, &e->input.draws, g + 1, err));
    for (size_t k = 0; k < count; ++k) {
        estimates[k] = (ink_estimate){measures.values[k], NAN, NAN};
        if (!isnan(measures.values[k]) && rows.judged.n >= INK_GROUP_RECORDS)
            ink__interval_around(&estimates[k], &m->list[k], sorted, all + k, resamples, m->width);
        for (size_t s = 0; s < resamples; ++s)
            samples[s * count + k] = all[s * m->width + k];
    }
    *group = (ink_group){e->input.group_names[g], rows.judged.n, estimates};
    estimates = NULL;
done:
    free(sorted);
    free(all);
    free(estimates);
    ink__measures_free(&measures);
    ink__metrics_free(m);
    rows_free(&rows);
    return st;
}

/* The gap in metric k. samples [G,resamples,count]; sorted [2,resamples] is working memory. */
static ink_gap find_gap(const ink__evaluation *e, size_t k, const double *samples, double *sorted)
{
    const size_t resamples = e->input.draws.resamples, count = e->metrics->count;
    const double sign = e->metrics->list[k].less_is_better ? -1 : 1;
    size_t best = SIZE_MAX, worst = SIZE_MAX;
    ink_gap gap = {NULL, NULL, {NAN, NAN, NAN}};
    for (size_t g = 0; g < e->found.n_groups; ++g) {
        const double v = sign * e->found.groups[g].metrics[k].value;
        if (e->found.groups[g].records < INK_GROUP_RECORDS || isnan(v))
            continue;
        if (best == SIZE_MAX || v > sign * e->found.groups[best].metrics[k].value)
            best = g;
        if (worst == SIZE_MAX || v < sign * e->found.groups[worst].metrics[k].value)
            worst = g;
    }
    if (best == worst)
        return gap;
    gap.best = e->found.groups[best].name, gap.worst = e->found.groups[worst].name;
    gap.gap.value = sign * (e->found.groups[best].metrics[k].value - e->found.groups[worst].metrics[k].value);
    const double *of_best = samples + best * resamples * count,
                 *of_worst = samples + worst * resamples * count;
    for (size_t s = 0; s < resamples; ++s)
        sorted[resamples + s] = sign * (of_best[s * count + k] - of_worst[s * count + k]);
    ink__interval(&gap.gap.low, &gap.gap.high, sorted, sorted + resamples, resamples, 1);
    return gap;
}

ink_status ink__evaluation_groups(ink__evaluation *e, ink_error *err)
{
    const size_t G = e->input.n_groups, resamples = e->input.draws.resamples, count = e->metrics->count;
    double *samples = NULL, *sorted = NULL;
    ink_group *groups;
    ink_gap *gaps;
    ink_status st;
    if (G > INK__GROUPS_MAX)
        return ink_fail(err, INK_E_ARG, "%zu groups, at most %d", G, INK__GROUPS_MAX);
    INK_TRY(ink__calloc(&groups, G, sizeof *groups, "groups", err));
    e->found.groups = groups;
    INK_TRY(ink__calloc(&gaps, count, sizeof *gaps, "gaps", err));
    e->found.gaps = gaps;
    INK_TRY_GOTO(ink__calloc(&samples, G * resamples, count * sizeof *samples, "resamples", err));
    INK_TRY_GOTO(ink__calloc(&sorted, resamples, 2 * sizeof *sorted, "resamples", err));
    for (size_t g = 0; g < G; ++g) {
        INK_TRY_GOTO(measure_group(&groups[g], samples + g * resamples * count, e, g, err));
        e->found.n_groups = g + 1;
    }
    for (size_t k = 0; k < count; ++k)
        gaps[k] = find_gap(e, k, samples, sorted);
done:
    free(samples);
    free(sorted);
    return st;
}
