/* The learning rate over a run: a factor for every update, as Hugging Face's schedules give it. */
#ifndef INK_TRAIN_SCHEDULE_H
#define INK_TRAIN_SCHEDULE_H

#include "core/status.h"

typedef enum ink__schedule_kind {
    INK__LINEAR,     /* falls to 0 */
    INK__COSINE,     /* half a wave down to 0 */
    INK__CONSTANT,   /* stays */
    INK__POLYNOMIAL, /* of power 1, as is the default there: falls to a learning rate of 1e-7, not 0 */
    INK__TRAPEZOIDAL /* stays, then falls to 0 over the last fifth of all updates */
} ink__schedule_kind;

/* *kind by its name, "linear" and the like; INK_E_ARG names those there are. */
ink_status ink__schedule_find(ink__schedule_kind *kind, const char *name, ink_error *err);

/* Before they fall, all of them rise from 0 in a straight line over `warmup` updates. */
typedef struct ink__schedule {
    ink__schedule_kind kind;
    uint64_t warmup, decay, total; /* updates: at the start, at the end, in all */
    double end;                    /* factor that a polynomial falls to */
} ink__schedule;

/* warmup = warmup_ratio * total, rounded up. INK_E_ARG: a ratio outside 0 to 1, or a learning rate that a
 * polynomial could not fall from. */
ink_status ink__schedule_start(ink__schedule *schedule, ink__schedule_kind kind, uint64_t total,
                               double warmup_ratio, double learning_rate, ink_error *err);

/* What the learning rate is multiplied by in update `step`, counted from 0: with a warm-up the first update
 * has the factor 0. From `total` on it is what the schedule ends with. */
double ink__schedule_factor(const ink__schedule *schedule, uint64_t step);

#endif
