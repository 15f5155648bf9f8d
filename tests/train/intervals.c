/* Percentiles and tests against NumPy and SciPy, and what a bootstrap must do. */
#include "train/numbers.h"
#include "train/intervals.h"
#include "core/random.h"

Test(intervals, percentiles_equal_numpys)
{
    ink__json json;
    numbers_open(&json);
    const json_t *cases = json_object_get(json.root, "percentiles");
    cr_assert(json_array_size(cases) > 3);
    for (size_t i = 0; i < json_array_size(cases); ++i) {
        const json_t *from = json_array_get(cases, i), *x = json_object_get(from, "x");
        const size_t n = json_array_size(x);
        /* Every second place is another column, and an undefined number is left out. */
        double *column = room(2 * n + 2, sizeof *column), *sorted = room(n + 1, sizeof *sorted), low, high;
        for (size_t k = 0; k < n; ++k)
            column[2 * k] = json_number_value(json_array_get(x, k)), column[2 * k + 1] = 1e9;
        column[2 * n] = NAN;
        ink__interval(&low, &high, sorted, column, n + 1, 2);
        cr_expect(equals(low, json_object_get(from, "low"), 1e-14), "%zu: low %.17g", n, low);
        cr_expect(equals(high, json_object_get(from, "high"), 1e-14), "%zu: high %.17g", n, high);
        free(column);
        free(sorted);
    }
    ink__json_close(&json);
    double low, high, sorted[2];
    ink__interval(&low, &high, sorted, (const double[]){NAN, NAN}, 2, 1);
    cr_expect(isnan(low) && isnan(high));
}

Test(intervals, mcnemar_equals_scipys_tests)
{
    ink__json json;
    numbers_open(&json);
    const json_t *cases = json_object_get(json.root, "mcnemar");
    cr_assert(json_array_size(cases) > 8);
    for (size_t i = 0; i < json_array_size(cases); ++i) {
        const json_t *from = json_array_get(cases, i);
        const uint64_t b = (uint64_t)json_number_value(json_object_get(from, "b"));
        const uint64_t c = (uint64_t)json_number_value(json_object_get(from, "c"));
        bool exact;
        const double p = ink__mcnemar(&exact, b, c);
        cr_expect(equals(p, json_object_get(from, "p"), 1e-12), "%d and %d: %.17g", (int)b, (int)c, p);
        cr_expect(exact == (b + c < 25));
        cr_expect(ink__mcnemar(&exact, c, b) == p);
    }
    ink__json_close(&json);
}

enum { N = 200 };

struct coin {
    int32_t truth[N];
    float scores[2 * N];
    ink__judged judged;
};

/* Two labels, of which a record is right with a chance of `share`. */
static void toss(struct coin *coin, uint64_t seed, float share)
{
    ink__random random = ink__random_start(seed, 99);
    for (size_t i = 0; i < N; ++i) {
        coin->truth[i] = (int32_t)ink__random_below(&random, 2);
        const bool right = ink__random_unit(ink__random_next(&random)) < share;
        const float p = 0.5f + 0.5f * ink__random_unit(ink__random_next(&random) | 256);
        coin->scores[2 * i + (right ? coin->truth[i] : 1 - coin->truth[i])] = p;
        coin->scores[2 * i + (right ? 1 - coin->truth[i] : coin->truth[i])] = 1 - p;
    }
    coin->judged =
        (ink__judged){INK_ACTIVATION_SOFTMAX, N, 2, coin->truth, NULL, NULL, coin->scores, NULL, NULL};
}

static void estimate(ink_estimate *estimates, const ink__judged *judged, size_t resamples, uint64_t seed)
{
    ink__metrics *m;
    ink__measures r;
    cr_assert(ink__metrics_create(&m, judged, NULL) == INK_OK);
    cr_assert(ink__measures_create(&r, m, NULL) == INK_OK);
    cr_assert(ink__estimate(estimates, &r, m, &(ink__draws){resamples, seed, 1}, 0, NULL) == INK_OK);
    ink__measures_free(&r);
    ink__metrics_free(m);
}

Test(intervals, a_95_percent_interval_covers_the_truth_about_95_times_in_100)
{
    enum { TRIALS = 200 };
    static struct coin coin;
    ink_estimate e[INK__SINGLE_COUNT + 2];
    int covered = 0;
    for (uint64_t trial = 0; trial < TRIALS; ++trial) {
        toss(&coin, trial, 0.8f);
        estimate(e, &coin.judged, 300, trial);
        const ink_estimate *a = &e[INK__SINGLE_ACCURACY];
        cr_expect(a->low <= a->value && a->value <= a->high);
        covered += a->low <= 0.8 && 0.8 <= a->high;
    }
    /* Four standard deviations of 200 draws at 0.95 are 0.062; an interval of half the width would cover 67
     * in 100, one of twice the width nearly all. */
    cr_expect(covered >= 178 && covered <= 199, "covered %d of %d", covered, TRIALS);
}

Test(intervals, an_interval_has_the_width_that_theory_gives)
{
    static struct coin coin;
    ink_estimate e[INK__SINGLE_COUNT + 2];
    toss(&coin, 5, 0.8f);
    estimate(e, &coin.judged, 4000, 1);
    const double p = e[INK__SINGLE_ACCURACY].value, normal = 2 * 1.96 * sqrt(p * (1 - p) / N);
    const double width = e[INK__SINGLE_ACCURACY].high - e[INK__SINGLE_ACCURACY].low;
    cr_expect(fabs(width / normal - 1) < 0.08, "width %g, by the normal approximation %g", width, normal);
}

Test(intervals, of_the_calibration_error_holds_the_value)
{
    /* Scores that say the truth about themselves: the error is small, and every resample's is larger. */
    static struct coin coin;
    ink_estimate e[INK__SINGLE_COUNT + 2];
    toss(&coin, 5, 0.75f);
    estimate(e, &coin.judged, 500, 1);
    const ink_estimate *ece = &e[INK__SINGLE_ECE];
    cr_expect(0 <= ece->low && ece->low < ece->value && ece->value < ece->high, "%g in %g to %g", ece->value,
              ece->low, ece->high);
    /* One bin, in which nine of ten are right at 0.9. */
    for (size_t i = 0; i < N; ++i) {
        const bool right = i % 10 != 0;
        coin.scores[2 * i + (right ? coin.truth[i] : 1 - coin.truth[i])] = 0.9f;
        coin.scores[2 * i + (right ? 1 - coin.truth[i] : coin.truth[i])] = 0.1f;
    }
    estimate(e, &coin.judged, 500, 1);
    cr_expect(ece->value < 1e-6 && ece->low == 0 && ece->high > 0 && ece->high < 0.1, "%g in %g to %g",
              ece->value, ece->low, ece->high);
}

Test(intervals, the_same_seed_gives_the_same_bits_and_another_others)
{
    static struct coin coin;
    ink_estimate a[INK__SINGLE_COUNT + 2], b[INK__SINGLE_COUNT + 2], other[INK__SINGLE_COUNT + 2];
    toss(&coin, 5, 0.8f);
    estimate(a, &coin.judged, 100, 7);
    estimate(b, &coin.judged, 100, 7);
    estimate(other, &coin.judged, 100, 8);
    cr_expect(memcmp(a, b, sizeof a) == 0);
    cr_expect(a[INK__SINGLE_LOG_LOSS].low != other[INK__SINGLE_LOG_LOSS].low);
}

static void compare(ink_difference *d, const ink__judged *a, const ink__judged *b)
{
    ink__metrics *of_a, *of_b;
    cr_assert(ink__metrics_create(&of_a, a, NULL) == INK_OK && ink__metrics_create(&of_b, b, NULL) == INK_OK);
    cr_assert(ink__compare(d, of_a, of_b, &(ink__draws){500, 3, 2}, NULL) == INK_OK);
    ink__metrics_free(of_a);
    ink__metrics_free(of_b);
}

Test(intervals, identical_models_do_not_differ)
{
    static struct coin coin;
    ink_difference d[INK__SINGLE_COUNT];
    toss(&coin, 1, 0.8f);
    compare(d, &coin.judged, &coin.judged);
    for (size_t k = 0; k < INK__SINGLE_COUNT; ++k)
        cr_expect(d[k].value == 0 && d[k].low == 0 && d[k].high == 0 && d[k].p == 1, "metric %zu: p %g", k,
                  d[k].p);
}

Test(intervals, a_paired_difference_is_surer_than_the_two_intervals)
{
    /* The second model mends ten of the first one's mistakes and makes none of its own: each alone is within
     * the other's interval, but the pairs leave no doubt. */
    static struct coin a, b;
    ink_difference d[INK__SINGLE_COUNT];
    ink_estimate e[INK__SINGLE_COUNT + 2];
    int mended = 0;
    toss(&a, 1, 0.8f);
    memcpy(&b, &a, sizeof b);
    b.judged.truth = b.truth, b.judged.scores = b.scores;
    for (size_t i = 0; i < N && mended < 10; ++i) {
        float *s = b.scores + 2 * i;
        if (s[b.truth[i]] < s[1 - b.truth[i]]) {
            const float swap = s[0];
            s[0] = s[1], s[1] = swap;
            ++mended;
        }
    }
    compare(d, &a.judged, &b.judged);
    estimate(e, &a.judged, 500, 3);
    const ink_difference *x = &d[INK__SINGLE_ACCURACY];
    cr_expect(fabs(x->value - 10.0 / N) < 1e-12 && x->low > 0 && x->p < 0.01, "%g [%g, %g] p %g", x->value,
              x->low, x->high, x->p);
    cr_expect(x->second < e[INK__SINGLE_ACCURACY].high);
}

/* Labels and values: each resample is drawn and measured by itself, so nobody can tell who did it. */
Test(intervals, no_bit_depends_on_the_threads)
{
    struct coin coin;
    static double targets[N];
    toss(&coin, 5, 0.7f);
    for (size_t i = 0; i < N; ++i)
        targets[i] = sin((double)i);
    const ink__judged values = {
        .kind = INK_ACTIVATION_NONE, .n = N, .C = 1, .targets = targets, .scores = coin.scores};
    const ink__judged *const all[] = {&coin.judged, &values};
    for (size_t j = 0; j < 2; ++j) {
        ink__metrics *m;
        cr_assert(ink__metrics_create(&m, all[j], NULL) == INK_OK);
        const size_t bytes = 101 * m->width * sizeof(double);
        double *one = room(101 * m->width, sizeof *one), *several = room(101 * m->width, sizeof *several);
        cr_assert(ink__bootstrap(one, m, &(ink__draws){101, 7, 1}, 3, NULL) == INK_OK);
        for (size_t threads = 0; threads <= 4; threads += 2) {
            memset(several, 0, bytes);
            cr_assert(ink__bootstrap(several, m, &(ink__draws){101, 7, threads}, 3, NULL) == INK_OK);
            cr_expect(memcmp(one, several, bytes) == 0, "%zu threads", threads);
        }
        cr_assert(ink__bootstrap(several, m, &(ink__draws){101, 8, 2}, 3, NULL) == INK_OK);
        cr_expect(memcmp(one, several, bytes) != 0, "the seed changes nothing");
        free(one), free(several);
        ink__metrics_free(m);
    }
}
