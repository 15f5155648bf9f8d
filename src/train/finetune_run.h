/* The inside of a finetuning run, shared by its files: finetune_setup.c gets everything ready,
 * finetune_data.c the records, finetune_teacher.c a teacher, finetune_head.c the start of a new head,
 * finetune.c goes through the updates, finetune_state.c says what they may be continued by (course.h saves
 * and restores), finetune_verdict.c judges what came of it all, finetune_result.c writes what is left. */
#ifndef INK_TRAIN_FINETUNE_RUN_H
#define INK_TRAIN_FINETUNE_RUN_H

#include "train/config_text.h"
#include "train/course.h"
#include "train/evaluation.h"
#include "train/findings.h"
#include "train/log.h"
#include "train/metrics.h"
#include "train/order.h"
#include "train/out_folder.h"
#include "train/schedule.h"
#include "train/teacher.h"
#include "train/trainer.h"

#include <inkling/finetune.h>

/* What a checkpoint says of where the run stands, besides the arrays. Written as it is: little endian, no
 * padding. */
typedef struct ink__standing {
    uint64_t step, best_step;
    uint64_t epoch, batch; /* the order's cursor */
    uint64_t worse;        /* evaluations since the best one */
    uint64_t tokens;       /* learned from */
    double best, value;    /* NaN: not evaluated yet */
    double loss;           /* smoothed */
    uint64_t ended;        /* by early stopping */
    double first_loss;     /* of the first update */
    double best_loss;      /* of dev, of the best weights: it decides between equals */
    double dev_loss;       /* of dev, at the last evaluation */
    uint64_t collapsed;    /* at the last evaluation every record of dev was given the same label */
} ink__standing;
_Static_assert(sizeof(ink__standing) == 112, "a checkpoint's standing has no padding");

/* With fewer updates than this a new head is hardly off the ground (Mosbach et al., 2021; Zhang et al.,
 * "Revisiting few-sample BERT fine-tuning", 2021). */
enum { INK__FEW_UPDATES = 200 };

typedef struct ink__run {
    const ink_finetune_options *options;
    uint64_t held_out_by; /* seed by which dev is parted off */
    const char *answers;  /* the folder of the teacher's; NULL: out */
    ink_finetune_report *report;
    char *out;
    char *settings; /* JSON: all that changes the result */
    /* Read once. */
    ink_model *base;              /* NULL with size; let go of when the store is made */
    ink_tokenizer *own_tokenizer; /* of size */
    const ink_tokenizer *tokenizer;
    const char *tokenizer_dir;
    size_t max_length;
    const char *save_dtype; /* resolved; static or the options' */
    ink__dataset train, dev;
    ink__dataset unlabelled;               /* behind train's records once these are counted */
    size_t n_unlabelled;                   /* of train's records, the last ones */
    size_t labelled;                       /* of train's records, the first ones */
    ink__digest digest, unlabelled_digest; /* of the two as they were read */
    bool held_out;
    ink__teacher teacher;
    ink__soft soft;
    uint32_t *train_texts, *dev_texts; /* [n] the records' texts among the teacher's ... */
    size_t n_dev_texts;                /* ... of which dev's come first */
    double teacher_value;              /* of dev, by the metric; NaN: there is no teacher */
    const ink__arch *arch;
    ink__text base_text; /* config.json of what it starts from */
    ink__text config_text;
    ink__json config_json;
    ink__config config;
    bool kept_head;
    float *class_weights; /* [C] or NULL */
    /* Training. */
    ink__store store;
    ink__trainer trainer;
    ink__order order;
    ink__schedule schedule;
    double epochs;
    uint64_t steps; /* in all */
    double rate;    /* of the last update */
    uint64_t eval_steps;
    uint32_t *records; /* [batch_size * accumulation] of one update */
    ink__standing standing;
    ink__log *log;
    /* Evaluation. */
    const ink__metric *metric;
    size_t metric_at;
    float *scores;   /* [dev.n,C] */
    int32_t *truth;  /* [dev.n]   single */
    uint8_t *truths; /* [dev.n,C] multi */
    double *targets; /* [dev.n]   regression */
    ink__judged judged;
    bool told_collapse;
    int lock;               /* descriptor of out, or -1 */
    double started, saved;  /* seconds */
    uint64_t tokens_before; /* of the process's start */
} ink__run;

/* Train and dev, with their labels numbered as the model's will be (finetune_data.c). */
ink_status ink__run_read_data(ink__run *run, ink_error *err);

/* The biases of a new head as the labels' frequencies or the values' mean have it (finetune_head.c). */
ink_status ink__run_start_head(ink__run *run, ink_error *err);

/* The teacher, if there is one: opened; its labels become train's; the texts it is asked for, unlabelled ones
 * without those that repeat others; and these put behind train's records. */
ink_status ink__run_open_teacher(ink__run *run, ink_error *err);
ink_status ink__run_take_labels(ink__run *run, ink_error *err);
ink_status ink__run_number_texts(ink__run *run, ink_error *err);
ink_status ink__run_join_unlabelled(ink__run *run, ink_error *err);
/* Has it score all of them, unless a stopped run did, and says how good it is. */
ink_status ink__run_ask_teacher(ink__run *run, ink_error *err);

/* Data, model, order: everything up to the first update. */
ink_status ink__run_prepare(ink__run *run, ink_error *err);
void ink__run_free(ink__run *run);

/* A sentence to the caller; INK_E_CANCELLED if it wants to stop. */
ink_status ink__run_say(ink__run *run, ink_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

ink_status ink__run_tell(const ink__run *run, const ink_finetune_progress *progress, ink_error *err);

/* out/name */
ink_status ink__run_path(char **path, const ink__run *run, const char *name, ink_error *err);

/* Looks into out: *complete if a run of these settings has ended there. INK_E_ARG as ink_finetune says.
 * Called before anything is written. */
ink_status ink__run_look(ink__run *run, bool *complete, ink_error *err);
/* Goes on from `last` if it is there and resume is asked for. */
ink_status ink__run_restore(ink__run *run, ink_error *err);
ink_status ink__run_save_best(ink__run *run, ink_error *err);
ink_status ink__run_check_standing(const void *run, const void *standing, const char *path, ink_error *err);
/* The run as it is to be gone through, saved and restored; borrowed from it. */
ink__course ink__run_course(ink__run *run);
/* Removes the checkpoints of a run that is finished, and what a killed process left. */
void ink__run_tidy(const ink__run *run);

/* The metric of dev with the present weights, and its loss (log loss or mean squared error); run->scores
 * holds the scores. */
ink_status ink__run_evaluate(double *value, double *loss, ink__run *run, ink_error *err);
/* The same of the scores in run->scores. */
ink_status ink__run_measure(double *value, double *loss, const ink__run *run, ink_error *err);
bool ink__run_is_better(const ink__run *run, double value, double than);

/* By run->scores every record of dev is given the same label, *label, although they have several. */
bool ink__run_collapsed(size_t *label, const ink__run *run);
/* As much of a label as fits into text [size], in whole characters; returns text. */
const char *ink__run_short(char *text, size_t size, const char *label);
/* What to try where little was learned: depends on how many updates there are. */
const char *ink__run_advice(const ink__run *run);
/* Fills the report's diverged and warning; dev is the evaluation of the weights that are saved. */
ink_status ink__run_judge(ink__run *run, const ink_evaluation *dev, ink_error *err);

/* Writes the best weights' directory and all that goes with it, then removes the checkpoints. */
ink_status ink__run_finish(ink__run *run, ink_error *err);

/* The page with the run's curves, which are read from its log, and the evaluation of dev. */
ink_status ink__run_report(ink__run *run, const ink_evaluation *evaluation, ink_error *err);

/* One run in options->out, whatever options->seeds; without dev the seed held_out_by parts it off. A
 * teacher's answers are kept in the folder `answers`, for other runs; NULL: in out, until it is done. */
ink_status ink__finetune_one(ink_finetune_report *report, const ink_finetune_options *options,
                             uint64_t held_out_by, const char *answers, ink_error *err);

#endif
