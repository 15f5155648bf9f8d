/* The course of a training run, whatever is learned: updates, evaluations, and the checkpoint `last` by which
 * a run that was stopped goes on and ends in the same bytes. A run describes itself once; its files are in
 * the folder `out`. */
#ifndef INK_TRAIN_COURSE_H
#define INK_TRAIN_COURSE_H

#include "io/json.h"
#include "train/log.h"
#include "train/optimizer.h"

/* A setting that is the digest of a file's contents, and how people know it. Its key ends in "_digest". */
typedef struct ink__contents {
    const char *key, *what, *file;
} ink__contents;

enum { INK__CONTENTS_MAX = 6 };

typedef struct ink__course {
    void *run; /* handed to all functions */
    const char *out;
    const char *settings; /* JSON: all that changes the result */
    ink__contents contents[INK__CONTENTS_MAX];
    size_t n_contents;
    ink__store *store;
    ink__optimizer *optimizer;
    ink__log **log;
    void *standing; /* where the run stands, besides the arrays; begins with the uint64_t number of updates */
    size_t standing_size;
    double *saved; /* when the last checkpoint was */
    /* Whether a standing that was read can be: INK_E_FORMAT. */
    ink_status (*check)(const void *run, const void *standing, const char *path, ink_error *err);
    bool (*is_over)(const void *run);
    ink_status (*update)(void *run, ink_error *err);
    bool (*is_due)(const void *run); /* an evaluation and a checkpoint, after an update */
    ink_status (*evaluate)(void *run, ink_error *err);
    ink_status (*show)(void *run, bool evaluated, ink_error *err); /* INK_E_CANCELLED: stop */
} ink__course;

/* From where the run stands to its end, with a checkpoint after evaluations, every two minutes, and before it
 * returns INK_E_CANCELLED. */
ink_status ink__course_run(const ink__course *course, ink_error *err);

/* Writes `last`. INK_E_NUMERIC: a weight is not finite, and the checkpoint before stays. */
ink_status ink__course_save(const ink__course *course, ink_error *err);

/* Opens the log, and goes on from `last` if it is there: *resumed. INK_E_ARG as ink__course_compare. */
ink_status ink__course_restore(bool *resumed, const ink__course *course, ink_error *err);

/* INK_E_ARG names the first setting in which `found`, of a run in out, differs from this run's. */
ink_status ink__course_compare(const ink__course *course, const json_t *found, ink_error *err);

double ink__seconds(void); /* of a clock that only goes forward */

#endif
