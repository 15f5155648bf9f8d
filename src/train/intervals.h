/* How sure a number is: percentile intervals and paired differences by the bootstrap (Efron and Tibshirani,
 * "An introduction to the bootstrap", 1993, chapters 13 and 16), and McNemar's test (1947).
 *
 * A resample draws n of the n records with replacement, which here means how often each counts; every metric
 * is computed from the same counts, so the numbers of one resample belong together. Draws come from Philox:
 * the same seed gives the same bytes on every machine. */
#ifndef INK_TRAIN_INTERVALS_H
#define INK_TRAIN_INTERVALS_H

#include "train/metrics.h"

#include <inkling/evaluate.h>

/* How resamples are drawn. */
typedef struct ink__draws {
    size_t resamples;
    uint64_t seed;
    size_t threads; /* 0: 1. Each takes its own resamples: no bit depends on their number */
} ink__draws;

/* samples [resamples,metrics->width]: every metric of every resample. stream keeps independent draws apart;
 * the same stream and number of records draw the same, which is what pairs two models. Takes 4 bytes a record
 * and thread, and 20 of a regression. */
ink_status ink__bootstrap(double *samples, const ink__metrics *metrics, const ink__draws *draws,
                          uint64_t stream, ink_error *err);

/* The 2.5th and 97.5th percentile of x [n], a column of samples `stride` apart, by linear interpolation
 * between order statistics; what is NaN (a resample in which the metric is undefined) is left out. NaN where
 * nothing is left. `sorted` [n] is working memory. */
void ink__interval(double *low, double *high, double *sorted, const double *x, size_t n, size_t stride);

/* The interval of a metric whose value is known. ECE is a sum of absolute deviations, which the repetitions
 * in a resample raise, so that all resamples may lie above the value: its interval is moved by the difference
 * of the value and the resamples' mean, and ends at 0. */
void ink__interval_around(ink_estimate *estimate, const ink__metric *metric, double *sorted, const double *x,
                          size_t n, size_t stride);

/* Estimates [metrics->width] of every metric. measures is filled with the metrics of the records themselves.
 * resamples 0: low and high are NaN. */
ink_status ink__estimate(ink_estimate *estimates, ink__measures *measures, const ink__metrics *metrics,
                         const ink__draws *draws, uint64_t stream, ink_error *err);

/* differences [count]: b - a of every metric of the list, with its interval over paired resamples, and the
 * two-sided share of resamples on the other side of 0, (k+1)/(resamples+1) doubled, at most 1. a and b judge
 * the same records. */
ink_status ink__compare(ink_difference *differences, const ink__metrics *a, const ink__metrics *b,
                        const ink__draws *draws, ink_error *err);

/* McNemar's two-sided p-value for b records that only one of two is right on and c that only the other is:
 * the exact binomial test where b + c < 25, else chi-square with continuity correction. *exact says which. */
double ink__mcnemar(bool *exact, uint64_t b, uint64_t c);

#endif
