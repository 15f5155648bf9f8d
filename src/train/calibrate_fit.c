/* Fitting a temperature and thresholds: see calibrate_fit.h. */
#include "train/calibrate_fit.h"

#include <math.h>
#include <stdlib.h>

/* ---- the temperature ------------------------------------------------------------------------------- */

/* sum_c p_c z_c - z_truth, where p = softmax(b z): a record's part of d loss / d b. */
static double softmax_slope(const float *z, size_t C, size_t truth, double b)
{
    double most = (double)z[0], sum = 0, mean = 0;
    for (size_t c = 1; c < C; ++c)
        most = fmax(most, (double)z[c]);
    for (size_t c = 0; c < C; ++c) {
        const double e = exp(b * ((double)z[c] - most));
        sum += e, mean += e * ((double)z[c] - most);
    }
    return mean / sum - ((double)z[truth] - most);
}

/* d loss / d b over all records at b = 1/T; it grows with b. */
static double slope(const ink__fit_records *r, double b)
{
    double total = 0;
    for (size_t i = 0; i < r->n; ++i) {
        const float *z = r->logits + i * r->C; /* [C] */
        if (!ink__fit_counts(r, i))
            continue;
        if (r->kind == INK_ACTIVATION_SOFTMAX) {
            total += softmax_slope(z, r->C, (size_t)r->truth[i], b);
            continue;
        }
        for (size_t c = 0; c < r->C; ++c)
            total += (double)z[c] * (1 / (1 + exp(-b * (double)z[c])) - r->truths[i * r->C + c]);
    }
    return total;
}

bool ink__fit_temperature(float *temperature, const ink__fit_records *records)
{
    double low = 1 / INK_TEMPERATURE_MAX, high = 1 / INK_TEMPERATURE_MIN;
    *temperature = 1;
    if (slope(records, high) <= 0)
        return false;
    if (slope(records, low) >= 0) {
        *temperature = (float)INK_TEMPERATURE_MAX;
        return true;
    }
    for (int i = 0; i < 32; ++i) { /* 9.2 e-folds to 2e-9 of one */
        const double b = sqrt(low * high);
        *(slope(records, b) < 0 ? &low : &high) = b;
    }
    *temperature = (float)(1 / sqrt(low * high));
    return true;
}

/* ---- thresholds ------------------------------------------------------------------------------------ */

static int highest_first(const void *a, const void *b)
{
    const float x = ((const ink__fit_score *)a)->score, y = ((const ink__fit_score *)b)->score;
    return x > y ? -1 : x < y;
}

/* Halfway to the next lower score, but above it. */
static float between(float score, float next)
{
    const float middle = next + (score - next) / 2;
    return middle > next ? middle : score;
}

/* Whether b is to be preferred to a, which has the higher threshold. */
static bool is_better(const ink__fit_threshold *b, const ink__fit_threshold *a, ink_thresholds rule)
{
    const double truths = (double)a->truths, right_a = (double)a->right, right_b = (double)b->right;
    const double given_a = (double)a->given, given_b = (double)b->given;
    switch (rule) {
    case INK_THRESHOLDS_F1:
        return right_b * (truths + given_a) > right_a * (truths + given_b);
    case INK_THRESHOLDS_PRECISION: /* the most that are found */
        return b->reached && (!a->reached || b->right > a->right);
    case INK_THRESHOLDS_RECALL:
        return b->reached && !a->reached;
    case INK_THRESHOLDS_NONE:
        break;
    }
    return false;
}

static bool is_reached(const ink__fit_threshold *t, ink_thresholds rule, double at_least)
{
    if (rule == INK_THRESHOLDS_PRECISION)
        return (double)t->right >= at_least * (double)t->given;
    return rule != INK_THRESHOLDS_RECALL || (double)t->right >= at_least * (double)t->truths;
}

void ink__fit_threshold_of(ink__fit_threshold *found, ink__fit_score *scores, size_t n, ink_thresholds rule,
                           double at_least)
{
    ink__fit_threshold at = {.threshold = 0.5f, .reached = true}, best = {0};
    uint64_t given = 0, right = 0;
    qsort(scores, n, sizeof *scores, highest_first);
    for (size_t i = 0; i < n; ++i) {
        at.truths += scores[i].truth;
        given += scores[i].score >= 0.5f;
        right += scores[i].score >= 0.5f && scores[i].truth;
    }
    *found = at;
    found->given = given, found->right = right;
    if (rule == INK_THRESHOLDS_NONE || at.truths == 0)
        return;
    for (size_t i = 0; i < n; ++i) {
        ++at.given, at.right += scores[i].truth;
        if (i + 1 < n && scores[i + 1].score == scores[i].score)
            continue;
        at.threshold = i + 1 < n ? between(scores[i].score, scores[i + 1].score) : scores[i].score;
        at.reached = is_reached(&at, rule, at_least);
        if (best.given == 0 || is_better(&at, &best, rule))
            best = at;
    }
    *found = best;
    if (rule == INK_THRESHOLDS_PRECISION &&
        !best.reached) /* a looser one would give what was not asked for */
        found->threshold = 1, found->given = found->right = 0;
}
