/* An evaluation from arrays: the seam between whoever has scores (`inkling evaluate`, a trainer with its dev
 * set) and the numbers, files and page made of them. */
#ifndef INK_TRAIN_EVALUATION_H
#define INK_TRAIN_EVALUATION_H

#include "train/intervals.h"
#include "train/report.h"

enum { INK__RESAMPLES = 1000, INK__GROUPS_MAX = 100 };

/* A record as people know it. */
typedef struct ink__shown {
    const char *id, *text, *pair; /* id as JSON text; id NULL: not kept; pair NULL: there is none */
    size_t id_len, text_len, pair_len;
} ink__shown;

/* Borrowed, all of it: must outlive the evaluation. */
typedef struct ink__evaluation_input {
    ink__judged judged;
    const char *const *labels;          /* [C] names; not regression */
    const float *compared;              /* [n,C] the other model's scores, or NULL */
    const float *compared_thresholds;   /* [C] and its thresholds, or what it gave, as in ink__judged */
    const uint8_t *compared_given;      /* [n,C] */
    const ink_calibration *calibration; /* the model's, or NULL */
    const float *uncalibrated;          /* [n,C] with it: scores at a temperature of 1 */
    const char *slice;                  /* NULL, or the field that makes the groups: */
    const uint32_t *groups;             /* [n] */
    const char *const *group_names;     /* [n_groups] */
    size_t n_groups;
    const ink__shown *shown; /* [n], or NULL */
    ink__draws draws;        /* of resamples; none of them: no intervals */
} ink__evaluation_input;

typedef struct ink__evaluation {
    ink_evaluation found; /* first, so that it is the public handle */
    ink__evaluation_input input;
    ink__metrics *metrics;
    ink__measures measures; /* of all records: labels and reliability bins */
    uint32_t *mistakes;     /* [n_mistakes] records, worst first; regression: all */
    size_t n_mistakes;
    size_t warnings_capacity;
    void *owned; /* what the input borrows from, freed with the evaluation; or NULL */
    void (*release)(void *owned);
} ink__evaluation;

/* Free with ink_evaluation_free(&(*evaluation)->found). The errors of ink__metrics_create. */
ink_status ink__evaluation_create(ink__evaluation **evaluation, const ink__evaluation_input *input,
                                  ink_error *err);

/* Fills what found says of the calibration (evaluation_calibration.c). */
ink_status ink__evaluation_calibration(ink__evaluation *evaluation, ink_error *err);

/* Adds a sentence to the warnings. */
ink_status ink__evaluation_warn(ink__evaluation *evaluation, ink_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills found.groups and found.gaps (evaluation_groups.c). */
ink_status ink__evaluation_groups(ink__evaluation *evaluation, ink_error *err);

/* The sections of the report, on a page that may hold others before and after (report_evaluation.c); and some
 * of them (report_records.c). */
void ink__report_evaluation(ink__page *page, const ink__evaluation *evaluation);
void ink__report_comparison(ink__page *page, const ink__evaluation *evaluation);
void ink__report_groups(ink__page *page, const ink__evaluation *evaluation);
void ink__report_mistakes(ink__page *page, const ink__evaluation *evaluation);

#endif
