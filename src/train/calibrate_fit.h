/* Fitting scores to what is true, from arrays: a temperature, and thresholds of several labels.
 *
 * The temperature T is the one number by which all logits are divided (Guo, Pleiss, Sun and Weinberger, "On
 * calibration of modern neural networks", 2017): that of the least log loss, which is convex in 1/T, so that
 * bisection of its derivative finds it wherever it is. */
#ifndef INK_TRAIN_CALIBRATE_FIT_H
#define INK_TRAIN_CALIBRATE_FIT_H

#include "core/status.h"

#include <inkling/calibrate.h>

/* Records with their truths; borrowed. */
typedef struct ink__fit_records {
    ink_activation kind; /* softmax or sigmoid */
    size_t n, C;
    const float *logits;   /* [n,C] */
    const int32_t *truth;  /* [n]   softmax */
    const uint8_t *truths; /* [n,C] sigmoid */
    const uint8_t *fold;   /* [n] or NULL */
    uint8_t without;       /* records of this fold are left out */
} ink__fit_records;

static inline bool ink__fit_counts(const ink__fit_records *r, size_t i)
{
    return !r->fold || r->fold[i] != r->without;
}

/* Within INK_TEMPERATURE_MIN and MAX. False where the records show none, as where all of them are right with
 * whatever T: *temperature is 1 then. */
bool ink__fit_temperature(float *temperature, const ink__fit_records *records);

/* What a threshold does on the records it was chosen on. */
typedef struct ink__fit_threshold {
    float threshold;
    uint64_t truths, given, right;
    bool reached; /* what was asked for */
} ink__fit_threshold;

/* One label's score with its truth. */
typedef struct ink__fit_score {
    float score;
    uint8_t truth;
} ink__fit_score;

/* Sorts the n scores and finds the threshold for the rule; of equally good ones the highest. A label that no
 * record has keeps 0.5, as all do with INK_THRESHOLDS_NONE. Where no threshold has the precision, that of the
 * highest precision is taken. Thresholds lie halfway between scores. */
void ink__fit_threshold_of(ink__fit_threshold *found, ink__fit_score *scores, size_t n, ink_thresholds rule,
                           double at_least);

#endif
