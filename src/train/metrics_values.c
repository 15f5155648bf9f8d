/* Metrics of values (regression): see metrics.h. */
#include "train/metrics.h"
#include "core/memory.h"

#include <math.h>

static double target_key(const void *from, size_t i)
{
    return ((const ink__judged *)from)->targets[i];
}

static double value_key(const void *from, size_t i)
{
    return (double)((const ink__judged *)from)->scores[i];
}

ink_status ink__metrics_judge_values(ink__metrics *m, ink_error *err)
{
    const ink__judged *j = &m->judged;
    if (j->C != 1)
        return ink_fail(err, INK_E_UNSUPPORTED, "a regression of %zu values a record, wanted 1", j->C);
    for (size_t i = 0; i < j->n; ++i)
        if (!isfinite(j->targets[i]))
            return ink_fail(err, INK_E_NUMERIC, "the target of record %zu is not finite", i);
    INK_TRY(ink__calloc(&m->rankings, 2, sizeof *m->rankings, "rankings", err));
    m->n_rankings = 2;
    INK_TRY(ink__ranking_create(&m->rankings[0], j->n, target_key, NULL, j, err));
    return ink__ranking_create(&m->rankings[1], j->n, value_key, NULL, j, err);
}

/* Pearson's correlation of x and y [n] by two passes, which do not cancel where the mean is large. NaN where
 * one of them is constant. */
static double correlation(const double *x, const double *y, size_t n, const uint32_t *weights)
{
    double total = 0, mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; ++i) {
        const double w = weights ? weights[i] : 1;
        total += w, mean_x += w * x[i], mean_y += w * y[i];
    }
    mean_x /= total, mean_y /= total;
    for (size_t i = 0; i < n; ++i) {
        const double w = weights ? weights[i] : 1, dx = x[i] - mean_x, dy = y[i] - mean_y;
        xx += w * dx * dx, yy += w * dy * dy, xy += w * dx * dy;
    }
    const double norm = sqrt(xx) * sqrt(yy);
    return norm > 0 ? fmax(-1, fmin(1, xy / norm)) : NAN;
}

void ink__measure_values(ink__measures *measures, const ink__metrics *m, const uint32_t *weights)
{
    const ink__judged *j = &m->judged;
    double *v = measures->values, *x = measures->ranks, *y = measures->ranks + j->n;
    double total = 0, squares = 0, absolutes = 0, mean = 0, spread = 0;
    for (size_t i = 0; i < j->n; ++i) {
        const double w = weights ? weights[i] : 1, error = (double)j->scores[i] - j->targets[i];
        total += w, mean += w * j->targets[i];
        squares += w * error * error, absolutes += w * fabs(error);
        x[i] = j->targets[i], y[i] = (double)j->scores[i];
    }
    mean /= total;
    for (size_t i = 0; i < j->n; ++i) {
        const double w = weights ? weights[i] : 1, d = j->targets[i] - mean;
        spread += w * d * d;
    }
    v[INK__VALUE_MSE] = squares / total; /* NaN where nothing counts */
    v[INK__VALUE_RMSE] = sqrt(squares / total);
    v[INK__VALUE_MAE] = absolutes / total;
    /* With equal targets scikit-learn says 1 for a perfect prediction and 0 for any other. */
    v[INK__VALUE_R2] = spread > 0 ? 1 - squares / spread : total == 0 ? NAN : squares == 0 ? 1 : 0;
    v[INK__VALUE_PEARSON] = correlation(x, y, j->n, weights);
    ink__ranking_ranks(x, &m->rankings[0], weights);
    ink__ranking_ranks(y, &m->rankings[1], weights);
    v[INK__VALUE_SPEARMAN] = correlation(x, y, j->n, weights);
}
