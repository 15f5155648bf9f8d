/* Fitting the abstain rule: see abstain.h. */
#include "train/abstain.h"

#include <math.h>
#include <stdlib.h>

#define FIRST_PART 0.8 /* of the level, for the strictest candidate */

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

/* The least number of records, at most n + 1, among which so many mistakes reject at the level. */
static size_t needed(uint64_t mistakes, double max_error, double level, size_t n)
{
    size_t low = 0, high = n + 1; /* low does not */
    while (high - low > 1) {
        const size_t m = low + (high - low) / 2;
        *(ink__binomial_at_most(mistakes, m, max_error) > level ? &low : &high) = m;
    }
    return high;
}

/* How many records the strictest candidate decides: as many as bear two mistakes, if that is no more than
 * half of them, else one or none. n + 1: there are too few for that. */
static size_t strictest(double max_error, size_t n)
{
    for (uint64_t mistakes = 2; mistakes > 0; --mistakes) {
        const size_t m = needed(mistakes, max_error, FIRST_PART * INK__ABSTAIN_LEVEL, n);
        if (m <= n / 2)
            return m;
    }
    return needed(0, max_error, FIRST_PART * INK__ABSTAIN_LEVEL, n);
}

/* The share of the level that the j-th candidate brings, and the ratio above which it decides: evenly spaced
 * from the strictest to that which decides everything. */
static double candidate(float *ratio, const ink__confident *records, size_t n, size_t first, size_t j)
{
    const size_t last = INK__CUTOFFS_MAX - 1;
    const size_t rank = first + (size_t)((double)(n - first) * (double)j / (double)last);
    *ratio = j < last && rank < n ? records[rank].ratio : 0;
    return j == 0 ? FIRST_PART : (1 - FIRST_PART) / (double)last;
}

/* Of sorted records. */
static void fit(ink__abstain *rule, const ink__confident *records, size_t n, double max_error)
{
    const size_t first = strictest(max_error, n);
    double level = 0;
    uint64_t decided = 0, wrong = 0;
    *rule = (ink__abstain){0};
    for (size_t j = 0; j < INK__CUTOFFS_MAX; ++j) {
        float ratio = 0;
        level += INK__ABSTAIN_LEVEL * (first > n ? 1 : candidate(&ratio, records, n, first, j));
        for (; decided < n && records[decided].ratio > ratio; ++decided)
            wrong += records[decided].wrong;
        if (decided == 0) /* the first are equals: there is nothing to test yet */
            continue;
        if (ink__binomial_at_most(wrong, decided, max_error) <= level)
            *rule = (ink__abstain){true, ratio, decided, wrong, ink__binomial_high(wrong, decided, level)};
        else
            level = 0;
        if (first > n) /* all or nothing, once */
            return;
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
