/* What an evaluation says of the model's calibration: log loss and ECE with the temperature and without, how
 * much is decided, and how much of that is wrong. */
#include "train/abstain.h"
#include "train/evaluation.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

/* A share with its 95% interval. */
static ink_estimate share(uint64_t k, uint64_t n)
{
    if (n == 0)
        return (ink_estimate){NAN, NAN, NAN};
    return (ink_estimate){(double)k / (double)n, ink__binomial_low(k, n, 0.025),
                          ink__binomial_high(k, n, 0.025)};
}

static ink_status without_temperature(ink__evaluation *e, ink_error *err)
{
    const size_t log_loss =
        e->input.judged.kind == INK_ACTIVATION_SOFTMAX ? INK__SINGLE_LOG_LOSS : INK__MULTI_LOG_LOSS;
    const size_t ece = log_loss == INK__SINGLE_LOG_LOSS ? INK__SINGLE_ECE : INK__MULTI_ECE;
    ink__judged judged = e->input.judged;
    ink__metrics *metrics = NULL;
    ink__measures measures = {0};
    ink_estimate *estimates = NULL;
    ink_status st;
    judged.scores = e->input.uncalibrated;
    INK_TRY_GOTO(ink__metrics_create(&metrics, &judged, err));
    INK_TRY_GOTO(ink__measures_create(&measures, metrics, err));
    INK_TRY_GOTO(ink__calloc(&estimates, metrics->width, sizeof *estimates, "metrics", err));
    INK_TRY_GOTO(ink__estimate(estimates, &measures, metrics, &e->input.draws, 0, err));
    e->found.uncalibrated_log_loss = estimates[log_loss];
    e->found.uncalibrated_ece = estimates[ece];
done:
    free(estimates);
    ink__measures_free(&measures);
    ink__metrics_free(metrics);
    return st;
}

ink_status ink__evaluation_calibration(ink__evaluation *e, ink_error *err)
{
    const ink__judged *j = &e->input.judged;
    ink_evaluation *f = &e->found;
    f->calibration = e->input.calibration;
    INK_TRY(without_temperature(e, err));
    for (size_t i = 0; i < j->n; ++i) {
        if (ink_calibration_abstains(f->calibration, j->scores + i * j->C, j->C))
            continue;
        ++f->decided;
        f->decided_wrong += !e->metrics->exact[i];
    }
    const bool rule = f->calibration->max_error > 0;
    f->coverage = share(f->decided, rule ? j->n : 0);
    f->risk = share(f->decided_wrong, rule ? f->decided : 0);
    return INK_OK;
}
