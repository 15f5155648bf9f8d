/* Fitting the abstain rule: see abstain.h. */
#include "train/abstain.h"

#include <math.h>
#include <stdlib.h>

/* ---- the binomial distribution --------------------------------------------------------------------- */

/* P(X = k), by logarithms. */
static double binomial_exactly(uint64_t k, uint64_t n, double p)
{
    const double N = (double)n, K = (double)k;
    return exp(lgamma(N + 1) - lgamma(K + 1) - lgamma(N - K + 1) + K * log(p) + (N - K) * log1p(-p));
}

double ink__binomial_at_most(uint64_t k, uint64_t n, double p)
{
    if (k >= n || p <= 0)
        return 1;
    if (p >= 1)
        return 0;
    /* The tail away from the mean, where terms shrink from the first on. */
    const bool below = (double)k < (double)(n + 1) * p;
    const double odds = p / (1 - p);
    double sum = 0;
    if (below) {
        double term = binomial_exactly(k, n, p);
        for (uint64_t i = k; term > sum * 1e-17; --i) {
            sum += term;
            if (i == 0)
                break;
            term *= (double)i / ((double)(n - i + 1) * odds);
        }
        return fmin(1, sum);
    }
    double term = binomial_exactly(k + 1, n, p);
    for (uint64_t i = k + 1; i <= n && term > sum * 1e-17; ++i) {
        sum += term;
        term *= (double)(n - i) / (double)(i + 1) * odds;
    }
    return fmax(0, 1 - sum);
}

double ink__binomial_high(uint64_t k, uint64_t n, double level)
{
    double low = 0, high = 1;
    if (k >= n)
        return 1;
    for (int i = 0; i < 60; ++i) {
        const double p = (low + high) / 2;
        *(ink__binomial_at_most(k, n, p) > level ? &low : &high) = p;
    }
    return high;
}

double ink__binomial_low(uint64_t k, uint64_t n, double level)
{
    return k == 0 ? 0 : 1 - ink__binomial_high(n - k, n, level);
}

/* ---- the rule -------------------------------------------------------------------------------------- */

static int surest_first(const void *a, const void *b)
{
    const float x = ((const ink__confident *)a)->ratio, y = ((const ink__confident *)b)->ratio;
    return x > y ? -1 : x < y;
}

/* How many records without a mistake it takes to reject at the level. */
static double needed(double max_error, double level)
{
    return ceil(log(level) / log1p(-max_error));
}

/* How many candidates n records carry: as many as leave the strictest one, at its own part of the level, half
 * of the records at most. */
static size_t count_candidates(size_t n, double max_error)
{
    size_t G = INK__CUTOFFS_MAX;
    while (G > 2 && 2 * needed(max_error, INK__ABSTAIN_LEVEL / (double)G) > (double)n)
        --G;
    return G == 2 && needed(max_error, INK__ABSTAIN_LEVEL / 2) > (double)n ? 1 : G;
}

/* The ratio such that the j-th candidate of G decides what is above it. The last decides everything. */
static float candidate(const ink__confident *records, size_t n, double max_error, size_t j, size_t G)
{
    if (j + 1 == G)
        return 0;
    const double first = needed(max_error, INK__ABSTAIN_LEVEL / (double)G);
    const double rank = first + ((double)n - first) * (double)j / (double)(G - 1);
    return rank < (double)n ? records[(size_t)rank].ratio : 0;
}

/* Of sorted records. */
static void fit(ink__abstain *rule, const ink__confident *records, size_t n, double max_error)
{
    const size_t G = count_candidates(n, max_error);
    const double part = INK__ABSTAIN_LEVEL / (double)G;
    double level = 0;
    uint64_t decided = 0, wrong = 0;
    *rule = (ink__abstain){0};
    for (size_t j = 0; j < G; ++j) {
        const float ratio = candidate(records, n, max_error, j, G);
        for (; decided < n && records[decided].ratio > ratio; ++decided)
            wrong += records[decided].wrong;
        level += part;
        if (decided == 0 || ink__binomial_at_most(wrong, decided, max_error) > level) {
            level = 0;
            continue;
        }
        *rule = (ink__abstain){true, ratio, decided, wrong, ink__binomial_high(wrong, decided, level)};
    }
}

void ink__abstain_fit(ink__abstain *rule, ink__confident *records, size_t n, double max_error)
{
    qsort(records, n, sizeof *records, surest_first);
    fit(rule, records, n, max_error);
}

double ink__abstain_least(ink__confident *records, size_t n)
{
    ink__abstain rule;
    qsort(records, n, sizeof *records, surest_first);
    for (int thousandths = 1; thousandths < 1000; ++thousandths) {
        fit(&rule, records, n, thousandths / 1000.0);
        if (rule.found)
            return thousandths / 1000.0;
    }
    return 1;
}
