/* Evaluations from arrays: the seam that a trainer uses. */
#include "train/evaluation.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

enum { N = 50 };

static const char *const labels[] = {"no", "yes"};

/* Record i is right unless i < wrong; group 1 is the odd ones. */
static int32_t truth[N];
static float scores[2 * N];
static uint32_t groups[N];

static ink__evaluation_input input(int wrong)
{
    for (int i = 0; i < N; ++i) {
        truth[i] = i % 2;
        const bool right = i >= wrong;
        scores[2 * i + (right ? truth[i] : 1 - truth[i])] = 0.6f + 0.005f * (float)i;
        scores[2 * i + (right ? 1 - truth[i] : truth[i])] = 0.4f - 0.005f * (float)i;
        groups[i] = (uint32_t)i % 2;
    }
    return (ink__evaluation_input){
        .judged = {INK_ACTIVATION_SOFTMAX, N, 2, truth, NULL, NULL, scores, NULL, NULL},
        .labels = labels,
        .draws = {.resamples = 200, .seed = 1}};
}

static bool warns(const ink_evaluation *f, const char *of)
{
    for (size_t i = 0; i < f->n_warnings; ++i)
        if (strstr(f->warnings[i], of))
            return true;
    return false;
}

Test(evaluation, tells_metrics_labels_confusions_and_mistakes)
{
    const ink__evaluation_input in = input(4);
    ink__evaluation *e;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    const ink_evaluation *f = &e->found;
    const ink_metric *accuracy = ink_evaluation_metric(f, "accuracy");
    cr_assert(accuracy && !ink_evaluation_metric(f, "acuracy"));
    cr_expect(fabs(accuracy->estimate.value - 0.92) < 1e-12);
    cr_expect(accuracy->estimate.low < 0.92 && accuracy->estimate.high > 0.92);
    cr_expect(f->records == N && f->n_labels == 2 && f->baseline == 0.5);
    cr_expect(f->confusion[0] == 23 && f->confusion[1] == 2 && f->confusion[2] == 2 && f->confusion[3] == 23);
    cr_expect(strcmp(f->labels[1].label, "yes") == 0 && f->labels[1].records == 25 &&
              f->labels[1].right == 23);
    cr_expect(e->n_mistakes == 4 && e->mistakes[0] == 3 && e->mistakes[3] == 0, "the surest first");
    cr_expect(warns(f, "Only 50 records") && f->n_warnings == 1);
    ink_evaluation_free(&e->found);
}

Test(evaluation, warns_of_what_makes_numbers_worthless)
{
    ink__evaluation_input in = input(0);
    ink__evaluation *e;
    for (int i = 0; i < N; ++i)
        scores[2 * i] = 0.9f, scores[2 * i + 1] = 0.1f;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    cr_expect(warns(&e->found, "collapsed to one label") && warns(&e->found, "not surely above the 0.500"));
    ink_evaluation_free(&e->found);
    in = input(0);
    for (int i = 1; i < N - 4; i += 2)
        truth[i] = 0;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    cr_expect(warns(&e->found, "1 label has fewer than 20 records") && warns(&e->found, "yes: 2"));
    ink_evaluation_free(&e->found);
    ink_evaluation_free(NULL);
}

Test(evaluation, without_a_mistake_says_what_that_is_worth)
{
    const ink__evaluation_input in = input(0);
    ink__evaluation *e;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    /* 0.942^50 = 0.05: a model right on 94.2 of 100 makes no mistake on 50 one time in twenty. */
    cr_expect(warns(&e->found, "at least 0.942 is 95% sure"));
    ink_evaluation_free(&e->found);
}

Test(evaluation, groups_and_their_gap)
{
    static const char *const names[] = {"even", "odd"};
    ink__evaluation_input in = input(0);
    ink__evaluation *e;
    for (int i = 1; i < 21; i += 2) { /* ten of the 25 odd ones are wrong */
        const float swap = scores[2 * i];
        scores[2 * i] = scores[2 * i + 1], scores[2 * i + 1] = swap;
    }
    in.slice = "parity", in.groups = groups, in.group_names = names, in.n_groups = 2;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    const ink_evaluation *f = &e->found;
    cr_assert(f->n_groups == 2 && f->groups[0].records == 25);
    cr_expect(f->groups[0].metrics[0].value == 1 && fabs(f->groups[1].metrics[0].value - 0.6) < 1e-12);
    const ink_gap *gap = &f->gaps[INK__SINGLE_ACCURACY], *loss = &f->gaps[INK__SINGLE_LOG_LOSS];
    cr_expect(strcmp(gap->best, "even") == 0 && strcmp(gap->worst, "odd") == 0);
    cr_expect(fabs(gap->gap.value - 0.4) < 1e-12 && gap->gap.low > 0.1 && gap->gap.high < 0.7);
    cr_expect(strcmp(loss->best, "even") == 0 && loss->gap.value > 0, "less is better");
    ink_evaluation_free(&e->found);
}

Test(evaluation, small_groups_make_no_gap)
{
    static const char *const names[] = {"many", "few"};
    ink__evaluation_input in = input(5);
    ink__evaluation *e;
    for (int i = 0; i < N; ++i)
        groups[i] = i < INK_GROUP_RECORDS - 1;
    in.slice = "size", in.groups = groups, in.group_names = names, in.n_groups = 2;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    cr_expect(!e->found.gaps[0].best && isnan(e->found.gaps[0].gap.value));
    cr_expect(!isnan(e->found.groups[0].metrics[0].low) && isnan(e->found.groups[1].metrics[0].low));
    cr_expect(!isnan(e->found.groups[1].metrics[0].value));
    ink_evaluation_free(&e->found);
}

Test(evaluation, a_better_model_is_seen_to_be_better)
{
    static float other[2 * N];
    ink__evaluation_input in = input(0);
    ink__evaluation *e;
    memcpy(other, scores, sizeof other);
    in = input(20);
    in.compared = other;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    const ink_difference *d = &e->found.differences[INK__SINGLE_ACCURACY];
    cr_expect(fabs(d->value - 0.4) < 1e-12 && d->low > 0.2 && d->p < 0.02);
    cr_expect(e->found.only_first == 0 && e->found.only_second == 20 && e->found.mcnemar_exact);
    cr_expect(e->found.mcnemar_p < 1e-5);
    ink_evaluation_free(&e->found);
}

Test(evaluation, without_resamples_there_are_no_intervals)
{
    ink__evaluation_input in = input(4);
    ink__evaluation *e;
    in.draws.resamples = 0;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    cr_expect(e->found.metrics[0].estimate.value == 0.92 && isnan(e->found.metrics[0].estimate.low));
    ink_evaluation_free(&e->found);
}

Test(evaluation, callers_mistakes_are_refused)
{
    const ink__evaluation_input in = input(4);
    ink__evaluation *e;
    ink_evaluation *found = (ink_evaluation *)&in;
    ink_error err;
    cr_assert(ink__evaluation_create(&e, &in, NULL) == INK_OK);
    cr_expect(ink_evaluation_write_mistakes(&e->found, "/tmp/x", &err) == INK_E_ARG &&
              strstr(err.text, "keep_mistakes"));
    cr_expect(ink_evaluation_write_json(NULL, NULL, &err) == INK_E_ARG);
    cr_expect(ink_evaluation_write_mistakes(NULL, NULL, &err) == INK_E_ARG);
    cr_expect(ink_evaluation_write_report(&e->found, NULL, NULL, &err) == INK_E_ARG);
    cr_expect(ink_evaluation_write_report(NULL, NULL, "", &err) == INK_E_ARG);
    cr_expect(ink_evaluate(&found, NULL, NULL, &err) == INK_E_ARG &&
              ink_evaluate(NULL, NULL, NULL, NULL) == INK_E_ARG);
    ink_evaluation_free(&e->found);
}
