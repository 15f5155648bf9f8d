/* Records with known answers and a model's scores of them, gathered by the pipeline of all jobs: what an
 * evaluation of files is made from. */
#ifndef INK_TRAIN_LABELLED_H
#define INK_TRAIN_LABELLED_H

#include "infer/job.h"
#include "train/evaluation.h"

/* Grows as results come in. */
typedef struct ink__labelled {
    ink_activation kind;
    size_t n, C;
    float *scores, *compared; /* [n,C] compared: with the first model's labels in their order */
    float *logits;            /* [n,C] the first model's, where they were asked for */
    int32_t *truth;           /* [n]   softmax */
    uint8_t *truths;          /* [n,C] sigmoid */
    double *targets;          /* [n]   none */
    uint32_t *groups;         /* [n] */
    char **group_names;       /* [n_groups] */
    size_t n_groups;
    size_t missing;             /* records without the slice field */
    ink__shown *shown;          /* [n] id NULL where nothing is kept */
    const char **labels;        /* [C] one block, names and all */
    float *compared_thresholds; /* [C] or NULL */
    char *slice;                /* the field's name, or NULL */
    size_t capacity[7];         /* of the seven arrays above */
    ink__text kept;             /* ids and texts; shown points into it once all are there */
    size_t *places; /* [n,4] in kept: id, text, pair, end of the pair; SIZE_MAX: not kept, no pair */
    size_t places_capacity;
} ink__labelled;

/* Scores every record of the inputs with model and options->compare, and keeps the logits if told to. report
 * may not be NULL. */
ink_status ink__labelled_create(ink__labelled **labelled, ink_job_report *report, const ink_model *model,
                                const ink_evaluate_options *options, bool logits, ink_error *err);
/* Fills labels with the model's names (evaluate.c). */
ink_status ink__labelled_name(ink__labelled *labelled, const ink_model *model, ink_error *err);
/* What the job that gathered the records found goes into the evaluation made of them (evaluate.c). */
ink_status ink__evaluation_report(ink__evaluation *evaluation, const ink_job_report *report, ink_error *err);
void ink__labelled_free(void *labelled); /* NULL is fine */

#endif
