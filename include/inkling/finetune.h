/* Finetuning a classifier: labelled records and an encoder in, a Hugging Face directory out. */
#ifndef INKLING_FINETUNE_H
#define INKLING_FINETUNE_H

#include <inkling/base.h>
#include <inkling/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a run stands. Numbers that are not known yet are NaN. */
typedef struct ink_finetune_progress {
    const char *message;  /* NULL, or a sentence for people: what was found in the data, a new head, a model
                           * that  gives every record one label; the other members are then of no interest */
    uint64_t step, steps; /* updates done, and in all */
    double epoch;         /* done */
    double loss;          /* mean of the last updates */
    double learning_rate;
    double tokens_per_second, seconds_left;
    const char *metric; /* "accuracy": its key; static */
    double value;       /* of the dev set at the last evaluation */
    double best;        /* so far */
    bool evaluated;     /* just now */
} ink_finetune_progress;

/* Called after every update and for every message. Non-zero stops the run with a checkpoint and
 * INK_E_CANCELLED; `resume` then goes on as if nothing had happened. */
typedef int ink_finetune_callback(const ink_finetune_progress *progress, void *user);

/* _INIT holds every default; a 0 or NULL means what the comment says, and for a word the one in _INIT. */
typedef struct ink_finetune_options {
    uint32_t version;         /* 1 */
    const char *out;          /* directory to make */
    const char *from;         /* a model's directory; NULL: random weights of ... */
    const char *size;         /* ... "tiny", "mini", "small" or "base", with the tokenizer of ... */
    const char *tokenizer;    /* ... this directory */
    const char *const *train; /* [n_train] files and folders, as in ink_job_options */
    size_t n_train;
    const char *const *dev; /* [n_dev]; none: a tenth of train is held out, by the seed */
    size_t n_dev;
    ink_format format;
    const char *text, *text_pair, *label, *id; /* field names; NULL as in ink_evaluate_options */
    const char *task;                          /* "auto", "single", "multi", "regression" */
    double epochs;
    size_t batch_size;                  /* sequences of a batch */
    size_t gradient_accumulation_steps; /* batches of an update */
    double learning_rate, weight_decay, warmup_ratio;
    const char *lr_scheduler; /* "linear", "cosine", "constant", "polynomial", "trapezoidal" */
    double max_grad_norm;     /* 0: gradients are not clipped */
    double label_smoothing;
    const char *class_weights;      /* NULL, "balanced", or a JSON file {"label": weight, ...} */
    size_t early_stopping_patience; /* evaluations without a better value; 0: never */
    const char *metric;     /* that chooses the best weights; NULL: accuracy, micro_f1 or mse, by the task */
    size_t freeze_layers;   /* the embeddings and this many layers keep their weights; 0: nothing does */
    double layer_lr_decay;  /* of the learning rate from a layer to the one below; 1: none */
    const char *optimizer;  /* "adamw", "adam", "sgd" */
    const char *save_dtype; /* "f32", "f16", "bf16" */
    size_t eval_steps;      /* updates between evaluations; 0: an epoch */
    size_t max_length;      /* tokens used of a text; 0: the model's own */
    size_t batch_tokens;    /* rows computed at once; 0: a measured default. Moves rounding, nothing else */
    size_t threads;         /* 0: ink_threads_default(). Moves no bit */
    uint64_t seed;
    size_t seeds;         /* runs, with seed, seed + 1, ...: each in its own folder of out, the best of them
                           * copied to out; 1: one run, in out */
    bool resume;          /* start, or continue, or leave a finished run as it is */
    bool drop_duplicates; /* of records with the same text the first stays; none that is in dev */
    bool leave_out_bad;   /* bad records are counted and left out; default: the first one is the end */
    ink_finetune_callback *progress; /* may be NULL */
    void *user;
} ink_finetune_options;
#define INK_FINETUNE_OPTIONS_INIT                                                                            \
    {                                                                                                        \
        1, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, INK_FORMAT_AUTO, NULL, NULL, NULL, NULL, "auto", 3, 32, \
            1, 5e-5, 0.01, 0.06, "linear", 1, 0, NULL, 0, NULL, 0, 1, "adamw", "f32", 0, 0, 0, 0, 42, 1,     \
            false, false, false, NULL, NULL                                                                  \
    }

/* What became of a run. */
typedef struct ink_finetune_report {
    uint64_t train, dev; /* records */
    uint64_t steps, best_step;
    const char *metric; /* its key; static */
    double best;        /* of dev, of the weights that were saved; of several runs the mean */
    double deviation;   /* of several runs; else NaN */
    double seconds, tokens_per_second;
    bool was_complete; /* resume found nothing to do */
} ink_finetune_report;

/* Trains and writes the directory: the model with the best value on dev, as Hugging Face opens it, and beside
 * it finetune.json     settings, seed, what the data was, versions, the result log.jsonl         a line every
 * update and evaluation evaluation.json   of dev, as ink_evaluation_write_json report.html       the same to
 * look at, with the run's curves held-out.jsonl    ids of the records that were held out, if any were While
 * it runs, `last` and `best` hold all that resume needs; they go when it is done. The same seed, settings and
 * data give the same bytes on one machine, whatever the threads, stops and resumes.
 *
 * Memory: 16 bytes a parameter, 4 a token of the data, and some 60 * H * layers a row of batch_tokens.
 *
 * INK_E_ARG        settings that cannot be; out holds a run already and resume was not asked for, or one of
 *                  other settings or data (the text says which)
 * INK_E_FORMAT     a bad record, with file and line; labels that are not the task's; one class only
 * INK_E_NUMERIC    the loss or a gradient is not finite, with the step; the checkpoint before it stays
 * INK_E_IO         a file cannot be read or written; checkpoints are whole or not there
 * INK_E_CANCELLED  the callback said so */
INK_API INK_NODISCARD ink_status ink_finetune(ink_finetune_report *report,
                                              const ink_finetune_options *options, ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
