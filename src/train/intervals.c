/* Intervals: see intervals.h. */
#include "train/intervals.h"
#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* counts [n]: how often each record comes up in n draws. */
static void resample(uint32_t *counts, size_t n, uint64_t seed, uint64_t stream, size_t number)
{
    /* A million resamples of a stream before the next begins. */
    ink__random random = ink__random_start(seed, stream << 20 | number);
    memset(counts, 0, n * sizeof *counts);
    for (size_t i = 0; i < n; ++i)
        ++counts[ink__random_below(&random, (uint32_t)n)];
}

static size_t between(size_t least, size_t x, size_t most)
{
    x = x < most ? x : most;
    return x > least ? x : least;
}

ink_status ink__bootstrap(double *samples, const ink__metrics *m, const ink__draws *draws, uint64_t stream,
                          ink_error *err)
{
    const size_t n = m->judged.n, resamples = draws->resamples;
    const size_t T = between(1, draws->threads, resamples);
    uint32_t *counts = NULL;        /* [T,n] */
    ink__measures *measures = NULL; /* [T] */
    ink_status st;
    if (resamples > 1 << 20)
        return ink_fail(err, INK_E_ARG, "%zu resamples, at most %d", resamples, 1 << 20);
    INK_TRY_GOTO(ink__calloc(&counts, n, T * sizeof *counts, "resamples", err));
    INK_TRY_GOTO(ink__calloc(&measures, T, sizeof *measures, "resamples", err));
    for (size_t t = 0; t < T; ++t)
        INK_TRY_GOTO(ink__measures_create(&measures[t], m, err));
#pragma omp parallel for num_threads((int)T) schedule(static)
    for (size_t k = 0; k < resamples; ++k) {
        const size_t t = (size_t)omp_get_thread_num();
        resample(counts + t * n, n, draws->seed, stream, k);
        ink__measure(&measures[t], m, counts + t * n);
        memcpy(samples + k * m->width, measures[t].values, m->width * sizeof *samples);
    }
done:
    for (size_t t = 0; measures && t < T; ++t)
        ink__measures_free(&measures[t]);
    free(measures);
    free(counts);
    return st;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const double *sorted, size_t n, double share)
{
    const double at = share * (double)(n - 1);
    const size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

void ink__interval(double *low, double *high, double *sorted, const double *x, size_t n, size_t stride)
{
    size_t known = 0;
    for (size_t k = 0; k < n; ++k)
        if (!isnan(x[k * stride]))
            sorted[known++] = x[k * stride];
    *low = *high = NAN;
    if (known == 0)
        return;
    qsort(sorted, known, sizeof *sorted, ascending);
    *low = percentile(sorted, known, 0.025);
    *high = percentile(sorted, known, 0.975);
}

void ink__interval_around(ink_estimate *e, const ink__metric *metric, double *sorted, const double *x,
                          size_t n, size_t stride)
{
    double mean = 0;
    size_t known = 0;
    ink__interval(&e->low, &e->high, sorted, x, n, stride);
    if (!metric->raised_by_resampling || isnan(e->low))
        return;
    for (size_t k = 0; k < n; ++k)
        if (!isnan(x[k * stride]))
            mean += x[k * stride], ++known;
    mean /= (double)known;
    e->low = fmax(0, e->low + e->value - mean);
    e->high = fmax(0, e->high + e->value - mean);
}

/* Room for resamples of width numbers, and one column of them behind. */
static ink_status samples_create(double **samples, size_t resamples, size_t width, ink_error *err)
{
    size_t n;
    if (!ink__mul(&n, resamples, width + 1))
        return ink_fail(err, INK_E_MEMORY, "no memory for %zu resamples of %zu numbers", resamples, width);
    return ink__calloc(samples, n, sizeof **samples, "resamples", err);
}

ink_status ink__estimate(ink_estimate *estimates, ink__measures *measures, const ink__metrics *m,
                         const ink__draws *draws, uint64_t stream, ink_error *err)
{
    const size_t resamples = draws->resamples;
    double *samples;
    ink__measure(measures, m, NULL);
    for (size_t k = 0; k < m->width; ++k)
        estimates[k] = (ink_estimate){measures->values[k], NAN, NAN};
    if (resamples == 0)
        return INK_OK;
    INK_TRY(samples_create(&samples, resamples, m->width, err));
    const ink_status st = ink__bootstrap(samples, m, draws, stream, err);
    for (size_t k = 0; st == INK_OK && k < m->width; ++k) {
        double *sorted = samples + resamples * m->width;
        if (k < m->count && !isnan(estimates[k].value))
            ink__interval_around(&estimates[k], &m->list[k], sorted, samples + k, resamples, m->width);
        else if (!isnan(estimates[k].value)) /* a label's F1 */
            ink__interval(&estimates[k].low, &estimates[k].high, sorted, samples + k, resamples, m->width);
    }
    free(samples);
    return st;
}

/* The smaller tail of the differences at 0, twice. */
static double two_sided(const double *differences, size_t n, size_t stride)
{
    size_t known = 0, up = 0, down = 0;
    for (size_t k = 0; k < n; ++k) {
        const double d = differences[k * stride];
        known += !isnan(d), up += d >= 0, down += d <= 0;
    }
    if (known == 0)
        return NAN;
    return fmin(1, 2 * ((double)(up < down ? up : down) + 1) / ((double)known + 1));
}

ink_status ink__compare(ink_difference *differences, const ink__metrics *a, const ink__metrics *b,
                        const ink__draws *draws, ink_error *err)
{
    const size_t resamples = draws->resamples;
    double *of_a = NULL, *of_b = NULL;
    ink__measures measures = {0};
    ink_status st;
    INK_TRY_GOTO(ink__measures_create(&measures, a, err));
    ink__measure(&measures, a, NULL);
    for (size_t k = 0; k < a->count; ++k)
        differences[k] = (ink_difference){.first = measures.values[k], .low = NAN, .high = NAN, .p = NAN};
    ink__measure(&measures, b, NULL);
    for (size_t k = 0; k < a->count; ++k) {
        differences[k].second = measures.values[k];
        differences[k].value = differences[k].second - differences[k].first;
    }
    if (resamples == 0)
        goto done;
    INK_TRY_GOTO(samples_create(&of_a, resamples, a->width, err));
    INK_TRY_GOTO(samples_create(&of_b, resamples, a->width, err));
    INK_TRY_GOTO(ink__bootstrap(of_a, a, draws, 0, err));
    INK_TRY_GOTO(ink__bootstrap(of_b, b, draws, 0, err));
    for (size_t i = 0; i < resamples * a->width; ++i)
        of_b[i] -= of_a[i];
    for (size_t k = 0; k < a->count; ++k) {
        ink_difference *d = &differences[k];
        if (isnan(d->value))
            continue;
        ink__interval(&d->low, &d->high, of_a, of_b + k, resamples, a->width);
        d->p = two_sided(of_b + k, resamples, a->width);
    }
done:
    ink__measures_free(&measures);
    free(of_a);
    free(of_b);
    return st;
}

double ink__mcnemar(bool *exact, uint64_t b, uint64_t c)
{
    const uint64_t n = b + c, fewer = b < c ? b : c, more = n - fewer;
    *exact = n < 25;
    if (!*exact) {
        const double d = more > fewer ? (double)(more - fewer) - 1 : 0;
        return erfc(sqrt(d * d / (double)n / 2)); /* the upper tail of chi-square with one degree */
    }
    /* Twice the tail of n fair coins; the sums of binomial coefficients of 24 are exact. */
    double term = 1, tail = 0;
    for (uint64_t k = 0; k <= fewer; ++k) {
        tail += term;
        term = term * (double)(n - k) / (double)(k + 1);
    }
    return fmin(1, 2 * tail / (double)(1u << n));
}
