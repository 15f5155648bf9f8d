/* The inside of a pretraining run, shared by its files: pretrain_setup.c gets everything ready, with
 * pretrain_model.c for the models, pretrain.c goes through the updates, pretrain_state.c says what it may be
 * continued by and what it leaves. The course itself is finetuning's (course.h). */
#ifndef INK_TRAIN_PRETRAIN_RUN_H
#define INK_TRAIN_PRETRAIN_RUN_H

#include "train/config_text.h"
#include "train/corpus.h"
#include "train/course.h"
#include "train/order.h"
#include "train/out_folder.h"
#include "train/schedule.h"
#include "train/trainer.h"

#include <inkling/pretrain.h>

/* What a checkpoint says of where the run stands, besides the arrays: little endian, no padding. */
typedef struct ink__pretrain_standing {
    uint64_t step;
    uint64_t epoch, at;                                           /* the order's cursor */
    uint64_t tokens;                                              /* learned from */
    double loss, accuracy;                                        /* smoothed */
    double seconds;                                               /* spent so far, by all processes */
    double held_out_loss, held_out_accuracy;                      /* at the last evaluation, or NaN */
    double figures[INK__FIGURES], held_out_figures[INK__FIGURES]; /* likewise; where the objective has some */
} ink__pretrain_standing;
_Static_assert(sizeof(ink__pretrain_standing) == 72 + 16 * INK__FIGURES,
               "a checkpoint's standing has no padding");

/* One of the models that the objective wants. */
typedef struct ink__pretrained {
    const char *folder; /* within `from` and out; NULL: these themselves */
    ink__pretraining_head head;
    const ink__arch *arch;
    char *dir;       /* where it is looked for; NULL: random weights */
    ink_model *base; /* opened there, until the store is made; NULL: random weights */
    ink__text config_text;
    ink__json config_json;
    ink__config config;
    ink__store store; /* a second one's is a view of the first one's */
} ink__pretrained;

typedef struct ink__pretraining {
    const ink_pretrain_options *options;
    ink_pretrain_report *report;
    char *settings; /* JSON: all that changes the result */
    char *cache;    /* path of the token cache */
    const ink__objective *objective;
    ink__pretrained models[INK__NETWORKS];
    size_t n_models;
    bool sized_by_file;           /* size is a config.json */
    ink_tokenizer *own_tokenizer; /* with size */
    const ink_tokenizer *tokenizer;
    const char *tokenizer_dir, *save_dtype;
    size_t max_length;
    double learning_rate;
    ink__corpus corpus;
    ink__dataset data;        /* borrows the corpus's arrays */
    uint32_t *learned, *held; /* sequences of data that are learned from, and that are measured by */
    size_t n_learned, n_held;
    ink__masking masking;
    ink__trainer trainer;
    ink__order order;
    ink__schedule schedule;
    uint32_t *records; /* [most_records] of one update */
    size_t most_records;
    ink__pretrain_standing standing;
    ink__log *log;
    bool due;                    /* for an evaluation */
    double rate;                 /* of the last update */
    int lock;                    /* descriptor of out, or -1 */
    double started, saved, told; /* seconds */
    double seconds_before;       /* of the process's start */
    uint64_t tokens_before;
} ink__pretraining;

/* Everything up to the first update. */
ink_status ink__pretrain_prepare(ink__pretraining *run, ink_error *err);
void ink__pretrain_free(ink__pretraining *run);

/* The models in turn: opened where they start from, with the tokenizer; their configurations; their
 * parameters; and, in the end, their directories. */
ink_status ink__pretrain_open(ink__pretraining *run, ink_error *err);
ink_status ink__pretrain_configure(ink__pretraining *run, ink_error *err);
ink_status ink__pretrain_make(ink__pretraining *run, ink_error *err);
ink_status ink__pretrain_export(const ink__pretraining *run, ink_error *err);
void ink__pretrain_free_models(ink__pretraining *run);

/* A sentence to the caller; INK_E_CANCELLED if it wants to stop. */
ink_status ink__pretrain_say(ink__pretraining *run, ink_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
ink_status ink__pretrain_tell(const ink__pretraining *run, const ink_pretrain_progress *progress,
                              ink_error *err);

/* The records of the next update; moves the cursor on. */
size_t ink__pretrain_gather(ink__pretraining *run);
/* Share of the run that is over. */
double ink__pretrain_done(const ink__pretraining *run);
double ink__pretrain_rate(const ink__pretraining *run);

/* Of the guesses at what is held out, at the last evaluation. */
double ink__pretrain_perplexity(const ink__pretraining *run);
/* Bytes of a standing that the objective makes use of. */
size_t ink__pretrain_standing_size(const ink__pretraining *run);

/* The run as it is to be gone through; borrowed from it. */
ink__course ink__pretrain_course(ink__pretraining *run);

ink_status ink__pretrain_settings(ink__pretraining *run, ink_error *err);
ink_status ink__pretrain_check_standing(const void *run, const void *standing, const char *path,
                                        ink_error *err);
/* *complete if a run of these settings has ended in out. */
ink_status ink__pretrain_look(ink__pretraining *run, bool *complete, ink_error *err);
/* Writes the directory, then removes checkpoint and cache. */
ink_status ink__pretrain_finish(ink__pretraining *run, ink_error *err);

#endif
