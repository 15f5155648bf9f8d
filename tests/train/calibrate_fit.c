/* Fitting a temperature that is known, and thresholds that can be counted out. */
#include "train/calibrate_fit.h"
#include "core/random.h"
#include "model/calibration.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20000, C = 3 };

static float logits[N * C];
static int32_t truth[N];
static uint8_t truths[N * C];

/* Logits T times too large for the labels that were drawn from them. */
static void draw(double T, ink_activation kind)
{
    ink__random random = ink__random_start(3, 0);
    for (size_t i = 0; i < N; ++i) {
        float p[C], u = ink__random_unit(ink__random_next(&random));
        for (size_t c = 0; c < C; ++c)
            p[c] = 4 * ink__random_unit(ink__random_next(&random)) - 2;
        for (size_t c = 0; c < C; ++c)
            logits[i * C + c] = (float)T * p[c];
        ink__scores_of_logits(p, 1, C, kind, 1);
        for (size_t c = 0; c < C; ++c)
            truths[i * C + c] = ink__random_unit(ink__random_next(&random)) < p[c];
        truth[i] = 0;
        for (size_t c = 0; c + 1 < C && u >= p[c]; ++c)
            u -= p[c], truth[i] = (int32_t)c + 1;
    }
}

Test(calibrate_fit, recovers_a_known_temperature)
{
    static const double known[] = {0.2, 1, 2.5, 30};
    for (size_t k = 0; k < sizeof known / sizeof *known; ++k)
        for (int multi = 0; multi < 2; ++multi) {
            const ink_activation kind = multi ? INK_ACTIVATION_SIGMOID : INK_ACTIVATION_SOFTMAX;
            const ink__fit_records records = {kind, N, C, logits, truth, truths, NULL, 0};
            float T;
            draw(known[k], kind);
            cr_expect(ink__fit_temperature(&T, &records));
            /* the standard error is about 0.011 of T; the worst seen is 0.012 */
            cr_expect(fabs((double)T / known[k] - 1) < 0.03, "%g of %g, kind %d", (double)T, known[k], kind);
        }
}

/* Three of four right at a gap of 2: exp(2/T) = 3. */
Test(calibrate_fit, is_the_temperature_worked_by_hand)
{
    const float z[] = {2, 0, 2, 0, 2, 0, 2, 0}, single[] = {2, 2, 2, 2};
    const int32_t t[] = {0, 0, 1, 0};
    const uint8_t s[] = {1, 1, 0, 1}, fold[] = {0, 1, 0, 1};
    ink__fit_records records = {INK_ACTIVATION_SOFTMAX, 4, 2, z, t, NULL, NULL, 0};
    float T;
    cr_expect(ink__fit_temperature(&T, &records) && fabs((double)T - 2 / log(3)) < 1e-5, "%g", (double)T);
    records = (ink__fit_records){INK_ACTIVATION_SIGMOID, 4, 1, single, NULL, s, NULL, 0};
    cr_expect(ink__fit_temperature(&T, &records) && fabs((double)T - 2 / log(3)) < 1e-5, "%g", (double)T);
    records = (ink__fit_records){INK_ACTIVATION_SOFTMAX, 4, 2, z, t, NULL, fold, 0};
    cr_expect(!ink__fit_temperature(&T, &records) && T == 1, "all that count are right: %g", (double)T);
    records.without = 1;
    cr_expect(ink__fit_temperature(&T, &records) && T == (float)INK_TEMPERATURE_MAX, "one of two: %g",
              (double)T);
}

Test(calibrate_fit, extremes_end_at_a_temperature_all_the_same)
{
    const float huge[] = {3e38f, -3e38f, 3e38f, -3e38f}, none[] = {0, 0, 0, 0};
    const int32_t right[] = {0, 0}, wrong[] = {1, 1};
    float T;
    ink__fit_records records = {INK_ACTIVATION_SOFTMAX, 2, 2, huge, right, NULL, NULL, 0};
    cr_expect(!ink__fit_temperature(&T, &records) && T == 1);
    records.truth = wrong;
    cr_expect(ink__fit_temperature(&T, &records) && T == (float)INK_TEMPERATURE_MAX);
    records.logits = none;
    cr_expect(!ink__fit_temperature(&T, &records) && T == 1);
}

/* ---- thresholds ------------------------------------------------------------------------------------ */

static ink__fit_threshold threshold_of(const ink__fit_score *scores, size_t n, ink_thresholds rule,
                                       double at_least)
{
    ink__fit_score copy[16];
    ink__fit_threshold found;
    memcpy(copy, scores, n * sizeof *copy);
    ink__fit_threshold_of(&found, copy, n, rule, at_least);
    size_t given = 0, right = 0;
    for (size_t i = 0; i < n; ++i)
        if (scores[i].score >= found.threshold)
            ++given, right += scores[i].truth;
    cr_expect(found.given == given && found.right == right, "%g gives %zu, %zu right",
              (double)found.threshold, given, right);
    return found;
}

/* From the top: 1 1 0 1 0 0. F1 after each: 1/2, 4/5, 2/3, 6/7, 3/4, 2/3. */
static const ink__fit_score six[] = {{0.25f, 0},  {0.75f, 1},  {0.5f, 1},
                                     {0.625f, 0}, {0.875f, 1}, {0.125f, 0}};

Test(calibrate_fit, thresholds_do_what_they_are_chosen_for)
{
    ink__fit_threshold t = threshold_of(six, 6, INK_THRESHOLDS_F1, 0);
    cr_expect(t.given == 4 && t.right == 3 && t.threshold == 0.375f, "%g", (double)t.threshold);
    t = threshold_of(six, 6, INK_THRESHOLDS_PRECISION, 0.9);
    cr_expect(t.reached && t.given == 2 && t.threshold == 0.6875f);
    t = threshold_of(six, 6, INK_THRESHOLDS_PRECISION, 0.7);
    cr_expect(t.reached && t.given == 4, "the most found, not the most precise");
    t = threshold_of(six, 6, INK_THRESHOLDS_RECALL, 0.6);
    cr_expect(t.reached && t.given == 2, "two of three are found by the two on top");
    t = threshold_of(six, 6, INK_THRESHOLDS_RECALL, 1);
    cr_expect(t.reached && t.given == 4);
    t = threshold_of(six, 6, INK_THRESHOLDS_NONE, 0);
    cr_expect(t.reached && t.threshold == 0.5f && t.given == 4);
}

Test(calibrate_fit, thresholds_of_awkward_labels)
{
    const ink__fit_score upside_down[] = {{0.9f, 0}, {0.8f, 0}, {0.1f, 1}}, equal[] = {{0.5f, 1}, {0.5f, 0}};
    const ink__fit_score neighbours[] = {{0.5f, 1}, {nextafterf(0.5f, 0), 0}};
    ink__fit_threshold t = threshold_of(upside_down, 3, INK_THRESHOLDS_PRECISION, 0.5);
    cr_expect(!t.reached && t.given == 0 && t.threshold == 1, "what was not asked for is not given");
    t = threshold_of(equal, 2, INK_THRESHOLDS_F1, 0);
    cr_expect(t.threshold == 0.5f && t.given == 2);
    t = threshold_of(neighbours, 2, INK_THRESHOLDS_F1, 0);
    cr_expect(t.threshold == 0.5f && t.given == 1, "nothing lies between them");
    t = threshold_of(upside_down, 2, INK_THRESHOLDS_F1, 0);
    cr_expect(t.threshold == 0.5f && t.truths == 0, "no record has it");
    t = threshold_of(six, 0, INK_THRESHOLDS_F1, 0);
    cr_expect(t.threshold == 0.5f);
}
