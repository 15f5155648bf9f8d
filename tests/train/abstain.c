/* The abstain rule: the binomial distribution beside SciPy's, and its promise on draws from worlds whose true
 * error is known. */
#include "train/abstain.h"
#include "core/random.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

Test(abstain, the_binomial_distribution_equals_scipys)
{
    static const struct {
        uint64_t k, n;
        double p, at_most;
    } cases[] = {{0, 10, .05, 0.5987369392383789},
                 {3, 10, .3, 0.6496107184000002},
                 {9, 10, .3, 0.9999940951},
                 {21, 633, .05, 0.02674789016319816},
                 {5000, 10000, .5, 0.5039893230696917},
                 {40, 100, .2, 0.9999987078157568},
                 {1, 1000000, 1e-6, 0.7357588823429155},
                 {10, 10, .3, 1},
                 {12, 10, .3, 1},
                 {3, 10, 0, 1},
                 {3, 10, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const double found = ink__binomial_at_most(cases[i].k, cases[i].n, cases[i].p);
        /* lgamma of a million is good to 1e-9 */
        cr_expect(fabs(found - cases[i].at_most) < 1e-8, "case %zu: %.16g", i, found);
    }
}

Test(abstain, bounds_equal_the_quantiles_of_the_beta_distribution)
{
    static const struct {
        uint64_t k, n;
        double high95, low, high;
    } cases[] = {{0, 59, 0.04950760988822693, 0, 0.060608900950339835},
                 {0, 1, 0.95, 0, 0.975},
                 {3, 100, 0.07571079374983004, 0.006229971538306395, 0.08517605297428002},
                 {21, 633, 0.04742350611328997, 0.020651053112012402, 0.05026649638743129},
                 {500, 1000, 0.5264822687643087, 0.46854917297179194, 0.531450827028208},
                 {7, 7, 1, 0.5903836027749966, 1},
                 {12345, 100000, 0.12517411629872194, 0.12141710670798131, 0.12550476084867196}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const uint64_t k = cases[i].k, n = cases[i].n;
        cr_expect(fabs(ink__binomial_high(k, n, 0.05) - cases[i].high95) < 1e-9, "case %zu", i);
        cr_expect(fabs(ink__binomial_low(k, n, 0.025) - cases[i].low) < 1e-9, "case %zu", i);
        cr_expect(fabs(ink__binomial_high(k, n, 0.025) - cases[i].high) < 1e-9, "case %zu", i);
    }
}

/* n records of falling ratio, those from `first_wrong` on wrong. */
static void fill(ink__confident *records, size_t n, size_t first_wrong)
{
    for (size_t i = 0; i < n; ++i)
        records[(i * 7) % n] = (ink__confident){(float)(n - i) + 1, i >= first_wrong}; /* n is no multiple */
}

Test(abstain, few_records_can_show_little)
{
    ink__confident records[500];
    ink__abstain rule;
    fill(records, 58, 58); /* 0.95^58 = 0.051 */
    ink__abstain_fit(&rule, records, 58, 0.05);
    cr_expect(!rule.found);
    /* 1 - 0.05^(1/58) = 0.0503 */
    cr_expect(ink__abstain_least(records, 58) == 0.051, "%g", ink__abstain_least(records, 58));
    ink__abstain_fit(&rule, records, 58, 0.051);
    cr_expect(rule.found && rule.decided == 58 && rule.wrong == 0 && rule.ratio == 0);
    fill(records, 59, 59); /* 0.95^59 = 0.0485 */
    ink__abstain_fit(&rule, records, 59, 0.05);
    cr_expect(rule.found && rule.decided == 59 && fabs(rule.bound - 0.04950760988822693) < 1e-9);
    fill(records, 1, 1);
    ink__abstain_fit(&rule, records, 1, 0.05);
    cr_expect(!rule.found && fabs(ink__abstain_least(records, 1) - 0.95) < 0.0011, "%g",
              ink__abstain_least(records, 1));
    ink__abstain_fit(&rule, records, 1, 0.96);
    cr_expect(rule.found && rule.decided == 1);
    fill(records, 500, 0);
    ink__abstain_fit(&rule, records, 500, 0.5);
    cr_expect(!rule.found && ink__abstain_least(records, 500) == 1, "all are wrong");
}

Test(abstain, the_cutoff_lies_where_mistakes_begin)
{
    ink__confident records[500];
    ink__abstain rule;
    fill(records, 500, 300);
    ink__abstain_fit(&rule, records, 500, 0.05);
    cr_expect(rule.found && rule.decided >= 280 && rule.decided <= 320, "%llu decided",
              (unsigned long long)rule.decided);
    size_t above = 0, wrong = 0;
    for (size_t i = 0; i < 500; ++i) {
        above += records[i].ratio > rule.ratio;
        wrong += records[i].ratio > rule.ratio && records[i].wrong;
    }
    cr_expect(above == rule.decided && wrong == rule.wrong && rule.bound <= 0.05);
    /* What is least must be had, and nothing below it by a thousandth. */
    const double least = ink__abstain_least(records, 500);
    ink__abstain_fit(&rule, records, 500, least);
    cr_expect(rule.found && least < 0.05);
    ink__abstain_fit(&rule, records, 500, least - 0.001);
    cr_expect(!rule.found);
}

Test(abstain, records_of_one_ratio_stand_or_fall_together)
{
    ink__confident records[400];
    ink__abstain rule;
    for (size_t i = 0; i < 400; ++i)
        records[i] = (ink__confident){i < 200 ? INFINITY : 3, i >= 200 && i % 2};
    ink__abstain_fit(&rule, records, 400, 0.05);
    cr_expect(rule.found && rule.decided == 200 && rule.ratio == 3, "%llu above %g",
              (unsigned long long)rule.decided, (double)rule.ratio);
    for (size_t i = 0; i < 400; ++i)
        records[i].ratio = INFINITY;
    ink__abstain_fit(&rule, records, 400, 0.05);
    cr_expect(!rule.found, "all or nothing");
    ink__abstain_fit(&rule, records, 400, 0.4);
    cr_expect(rule.found && rule.ratio == 0 && rule.decided == 400);
}

/* ---- the promise ----------------------------------------------------------------------------------- */

/* A world: u, even in (0,1), is how sure a record is, 1 - u its rank; error(u) the chance that it is wrong.
 * risk(u) is the mean error above u. */
struct world {
    const char *name;
    double at_top, at_bottom, from; /* error is at_top above u = from and rises evenly to at_bottom at 0 */
};

static double error_at(const struct world *w, double u)
{
    return u >= w->from ? w->at_top : w->at_top + (w->at_bottom - w->at_top) * (w->from - u) / w->from;
}

static double risk_above(const struct world *w, double u)
{
    const double over = 1 - fmax(u, w->from);
    if (u >= w->from)
        return w->at_top;
    return (w->at_top * over + (w->from - u) * (w->at_top + error_at(w, u)) / 2) / (1 - u);
}

enum { DRAWS = 2000, N = 400 };

typedef bool fit_rule(float *ratio, ink__confident *records, double max_error);

static bool ours(float *ratio, ink__confident *records, double max_error)
{
    ink__abstain rule;
    ink__abstain_fit(&rule, records, N, max_error);
    *ratio = rule.ratio;
    return rule.found;
}

/* The loosest of all cutoffs whose own bound holds: what must not be done. */
static bool uncorrected(float *ratio, ink__confident *records, double max_error)
{
    ink__abstain sorted;
    bool found = false;
    ink__abstain_fit(&sorted, records, N, max_error); /* for its order */
    uint64_t wrong = 0;
    for (size_t i = 0; i < N; ++i) {
        wrong += records[i].wrong;
        if (ink__binomial_at_most(wrong, i + 1, max_error) <= 0.05)
            *ratio = i + 1 < N ? records[i + 1].ratio : 0, found = true;
    }
    return found;
}

/* The share of draws on which the rule's true error is above max_error. */
static double broken_share(fit_rule *fit, const struct world *w, double max_error, double *found)
{
    ink__confident records[N];
    size_t broken = 0, rules = 0;
    for (uint64_t d = 0; d < DRAWS; ++d) {
        ink__random random = ink__random_start(8, d);
        float ratio;
        for (size_t i = 0; i < N; ++i) {
            const float u = ink__random_unit(ink__random_next(&random));
            const float e = ink__random_unit(ink__random_next(&random));
            records[i] = (ink__confident){1 + u, (double)e < error_at(w, (double)u)};
        }
        if (!fit(&ratio, records, max_error))
            continue;
        ++rules;
        broken += risk_above(w, ratio > 0 ? (double)ratio - 1 : 0) > max_error;
    }
    *found = (double)rules / DRAWS;
    return (double)broken / DRAWS;
}

Test(abstain, the_promise_holds_on_95_of_100_draws_and_the_best_looking_cutoff_breaks_it)
{
    static const struct world worlds[] = {
        {"just too wrong everywhere", 0.0501, 0.0501, 0.5},
        {"right on top, guessing below", 0, 0.5, 0.5},
        {"a steady climb", 0.01, 0.25, 1},
        {"just too wrong on top, worse below", 0.051, 0.2, 0.5},
        {"a good model", 0.01, 0.1, 0.3},
    };
    double most = 0;
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; ++w) {
        double found, unused;
        const double broken = broken_share(ours, &worlds[w], 0.05, &found);
        const double other = broken_share(uncorrected, &worlds[w], 0.05, &unused);
        /* 0.05, and three times sqrt(0.05 * 0.95 / 2000) */
        cr_expect(broken <= 0.05 + 0.0147, "%s: broken on %.4f of draws", worlds[w].name, broken);
        most = fmax(most, other);
        if (risk_above(&worlds[w], 0.5) < 0.02)
            cr_expect(found > 0.9, "%s: a rule on %.4f of draws", worlds[w].name, found);
    }
    cr_expect(most > 0.1, "the uncorrected rule would pass, being broken on %.4f: this test shows nothing",
              most);
}
