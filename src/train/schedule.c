/* Learning-rate schedules: the factors of transformers' optimization.py (get_linear_, get_cosine_,
 * get_constant_ and get_polynomial_decay_schedule_with_warmup), operation by operation in double, and for
 * "trapezoidal" (Zhai et al., arXiv 2106.04560: warm up, stay, cool down) those of its get_wsd_schedule with
 * decay_type linear. */
#include "train/schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define POLYNOMIAL_END 1e-7 /* learning rate */

static const char *const names[] = {
    [INK__LINEAR] = "linear",         [INK__COSINE] = "cosine",           [INK__CONSTANT] = "constant",
    [INK__POLYNOMIAL] = "polynomial", [INK__TRAPEZOIDAL] = "trapezoidal",
};

ink_status ink__schedule_find(ink__schedule_kind *kind, const char *name, ink_error *err)
{
    char known[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        if (strcmp(names[i], name) == 0) {
            *kind = (ink__schedule_kind)i;
            return INK_OK;
        }
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    }
    return ink_fail(err, INK_E_ARG, "\"%s\" is no learning-rate schedule; there are %s", name, known);
}

ink_status ink__schedule_start(ink__schedule *schedule, ink__schedule_kind kind, uint64_t total,
                               double warmup_ratio, double learning_rate, ink_error *err)
{
    if (!(warmup_ratio >= 0 && warmup_ratio <= 1))
        return ink_fail(err, INK_E_ARG, "a warm-up ratio of %g, wanted 0 to 1", warmup_ratio);
    if (kind == INK__POLYNOMIAL && !(learning_rate > POLYNOMIAL_END))
        return ink_fail(err, INK_E_ARG,
                        "a learning rate of %g cannot fall to the %g that a polynomial schedule ends with",
                        learning_rate, POLYNOMIAL_END);
    const uint64_t warmup = (uint64_t)ceil((double)total * warmup_ratio);
    uint64_t decay = kind == INK__TRAPEZOIDAL ? total / 5 + (total % 5 > 0) : total - warmup;
    if (decay > total - warmup)
        decay = total - warmup;
    *schedule = (ink__schedule){.kind = kind, .warmup = warmup, .decay = decay, .total = total};
    if (kind == INK__POLYNOMIAL)
        schedule->end = POLYNOMIAL_END / learning_rate;
    return INK_OK;
}

double ink__schedule_factor(const ink__schedule *schedule, uint64_t step)
{
    const ink__schedule *s = schedule;
    if (step < s->warmup)
        return (double)step / (double)s->warmup;
    if (s->kind == INK__CONSTANT || step < s->total - s->decay)
        return 1;
    if (step >= s->total)
        return s->end;
    const double passed = (double)(step - (s->total - s->decay)) / (double)s->decay;
    switch (s->kind) {
    case INK__LINEAR:
        return (double)(s->total - step) / (double)s->decay;
    case INK__COSINE:
        return 0.5 * (1 + cos(M_PI * passed));
    case INK__POLYNOMIAL:
        return (1 - s->end) * (1 - passed) + s->end;
    case INK__TRAPEZOIDAL:
        return 1 - passed;
    case INK__CONSTANT:
        break;
    }
    return 1;
}
