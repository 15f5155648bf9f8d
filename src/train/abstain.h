/* The abstain rule: which records a model decides, such that the error on those stays below what was asked
 * for, with 95% confidence.
 *
 * A record is decided where its best score is more than `ratio` times its second best. That order of the
 * records does not depend on a temperature, so that one may be fitted to the same records.
 *
 * Each candidate ratio is a hypothesis, "the error above it is more than max_error", and rejecting it is an
 * exact binomial test: with n records above it, k of them wrong, P(X <= k) for X ~ Bin(n, max_error), which
 * is the test that inverts to the bound of Clopper and Pearson ("The use of confidence or fiducial limits",
 * Biometrika 1934). Taking the best of many such ratios would let the most flattered one win, so the
 * confidence is shared out among them, as in Angelopoulos, Bates, Candes, Jordan and Lei, "Learn then test"
 * (2021), by the fallback procedure of Wiens, "A fixed sequence Bonferroni procedure" (2003): candidates are
 * tested from the strictest on, which has four fifths of the 5%, each with a part of its own; one that is
 * rejected hands its level on to the next, one that is not loses it. The rule is the loosest that was
 * rejected. Where all goes well that is a fixed sequence at nearly the full 5%, but a few surely wrong
 * records, which would end that one, cost this one only what the first was given.
 *
 * Candidates are ranks of the records, chosen by their number and max_error alone; at a rank those strictly
 * above its ratio are counted, which, that ratio given, are independent draws from all that is above it. The
 * 5% holds whatever the distribution, where the error, once above max_error, stays there as the ratio falls.
 * It holds for records drawn as those of the fit were. */
#ifndef INK_TRAIN_ABSTAIN_H
#define INK_TRAIN_ABSTAIN_H

#include "core/status.h"

/* P(X <= k) for X ~ Bin(n, p). */
double ink__binomial_at_most(uint64_t k, uint64_t n, double p);

/* One-sided bounds of Clopper and Pearson for k of n: the share is above low, or below high, with confidence
 * 1 - level. n at least 1. */
double ink__binomial_low(uint64_t k, uint64_t n, double level);
double ink__binomial_high(uint64_t k, uint64_t n, double level);

typedef struct ink__confident {
    float ratio;
    bool wrong;
} ink__confident;

enum { INK__CUTOFFS_MAX = 20 }; /* candidates: steps of 5% or so of what is decided */
#define INK__ABSTAIN_LEVEL 0.05 /* of being wrong about the error */

typedef struct ink__abstain {
    bool found;
    float ratio; /* 0: every record is decided */
    uint64_t decided, wrong;
    double bound; /* of the error, at the level at which the ratio was tested: at most max_error */
} ink__abstain;

/* Sorts the n records and fits the rule for one max_error, above 0 and below 1. n at least 1. */
void ink__abstain_fit(ink__abstain *rule, ink__confident *records, size_t n, double max_error);

/* The least max_error, in steps of 0.001, for which there is a rule; 1 where there is none. Sorts, too. */
double ink__abstain_least(ink__confident *records, size_t n);

#endif
