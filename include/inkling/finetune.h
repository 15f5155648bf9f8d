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
    const char *message;  /* NULL; or a sentence for people, valid until the callback returns: what was found
                           * in the data, a new head, a model that gives every record one label. With a message
                           * the other members are 0 and mean nothing */
    uint64_t step, steps; /* updates done, and in all */
    double epoch;         /* how often the data has been gone through, with its fraction */
    double loss;          /* running mean of the last 20 updates */
    double learning_rate; /* of this update */
    double tokens_per_second, seconds_left;
    const char *metric;     /* "accuracy": its key; static */
    double value;           /* of the dev set at the last evaluation */
    double best;            /* so far */
    bool evaluated;         /* just now */
    uint64_t scored, texts; /* while a teacher scores: how many of how many. texts is 0 at any other time;
                             * while it is not, the members between message and here are 0 or not known, but
                             * for seconds_left */
    double texts_per_second;
} ink_finetune_progress;

/* Called after every update and for every message, on the thread that called ink_finetune. Non-zero stops the
 * run with INK_E_CANCELLED and, once updates are being done, a checkpoint: ink_finetune with the same options
 * and `resume` then ends in the same bytes as a run that was never stopped. This is the way to stop on a
 * signal: a handler sets a flag, the callback returns it (apps/textclass/textclass.c). */
typedef int ink_finetune_callback(const ink_finetune_progress *progress, void *user);

/* Start from INK_FINETUNE_OPTIONS_INIT, which holds every default, and set out, train, and from (or size and
 * tokenizer). The strings stay the caller's and are read until ink_finetune returns. A 0 or NULL means what
 * its comment says, and for a word the one in _INIT. */
typedef struct ink_finetune_options {
    uint32_t version;         /* 1 */
    const char *out;          /* the directory that becomes the model; made if missing */
    const char *from;         /* a model's directory; NULL: random weights of ... */
    const char *size;         /* ... "tiny", "mini", "small" or "base", or of what a config.json of any
                               * family says; with the tokenizer of ... */
    const char *tokenizer;    /* ... this directory */
    const char *const *train; /* [n_train] files and folders, as in ink_job_options */
    size_t n_train;
    const char *const *dev; /* [n_dev]; none: a tenth of train is held out, by the seed */
    size_t n_dev;
    ink_format format;
    char delimiter;                            /* as in ink_job_options */
    const char *text, *text_pair, *label, *id; /* field names; NULL as in ink_evaluate_options */
    const char *task;                          /* "auto", "single", "multi", "regression" */
    double epochs;                             /* may be a fraction; 0: 3, and for small data as many as
                                                * make 200 updates, but at most 50 */
    size_t batch_size;                         /* sequences of a batch */
    size_t gradient_accumulation_steps;        /* batches of an update */
    double learning_rate;                      /* at its highest */
    double weight_decay;                       /* of weights; biases and norms have none */
    double warmup_ratio;                       /* share of the updates in which the learning rate rises */
    const char *lr_scheduler;       /* "linear", "cosine", "constant", "polynomial", "trapezoidal" */
    double max_grad_norm;           /* 0: gradients are not clipped */
    double label_smoothing;         /* 0 to 0.999 */
    const char *class_weights;      /* NULL, "balanced", or a JSON file {"label": weight, ...} */
    size_t early_stopping_patience; /* evaluations without a better value; 0: never */
    const char *metric;     /* that chooses the best weights; NULL: accuracy, micro_f1 or mse, by the task */
    size_t freeze_layers;   /* the embeddings and this many layers keep their weights; 0: nothing does */
    double layer_lr_decay;  /* of the learning rate from a layer to the one below; 1: none */
    const char *optimizer;  /* "adamw", "adam", "sgd" */
    const char *save_dtype; /* "f32", "f16", "bf16"; NULL: what the weights of `from` are stored as, and f32
                             * for random ones */
    size_t eval_steps;      /* updates between evaluations; 0: an epoch */
    size_t max_length;      /* tokens used of a text; 0: the model's own */
    size_t batch_tokens;    /* rows computed at once; 0: a measured default. Moves rounding, nothing else */
    size_t threads;         /* 0: ink_threads_default(). Moves no bit */
    uint64_t seed;          /* of a new head, the order, dropout and what is held out; of several runs the
                             * first one's seed says what all of them hold out */
    size_t seeds;           /* runs, with seed, seed + 1, ...: each in its own folder of out, the best of them
                             * copied to out; 1: one run, in out */
    bool resume;            /* start, or continue, or leave a finished run as it is */
    bool drop_duplicates;   /* of records with the same text the first stays; none that is in dev */
    bool leave_out_bad;     /* bad records are counted and left out; default: the first one is the end */
    ink_finetune_callback *progress; /* may be NULL */
    void *user;
    bool head_tail;      /* of a text that is too long the first quarter and the end are used, see
                          * ink_encode_options; default: its beginning. Then classify with INK_LONG_HEAD_TAIL as
                          * well */
    const char *teacher; /* a classifier's directory, of any family, size and tokenizer, whose answers
                          * are learned, too (Hinton et al., arXiv 1503.02531); NULL: none. It says what
                          * the task is, and a new head has its labels, in its order: training data
                          * have no others, and may lack some */
    const char *const *unlabelled; /* [n_unlabelled] files and folders of texts without labels, as in
                                    * ink_job_options but not stdin: the teacher alone says what is learned
                                    * from them. Those that are empty, repeat another, or stand in train or
                                    * dev are left out. Read as format and text say */
    size_t n_unlabelled;
    double temperature;    /* by which the logits of teacher and student are divided before they are compared;
                            * 2 is that of Hugging Face's distillation scripts. The teacher's own calibration
                            * is not looked at */
    double distill_weight; /* A, 0 to 1: how much the teacher counts, and the labels the rest. 0.9, for the
                            * paper weighs labels considerably lower (section 2) */
    double dropout; /* probability, wherever the family drops but inside feed-forward layers; below 0: those
                     * of config.json, which stays as it is */
} ink_finetune_options;
#define INK_FINETUNE_OPTIONS_INIT                                                                            \
    {                                                                                                        \
        1, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, INK_FORMAT_AUTO, 0, NULL, NULL, NULL, NULL, "auto", 0,  \
            32, 1, 5e-5, 0.01, 0.06, "linear", 1, 0, NULL, 0, NULL, 0, 1, "adamw", NULL, 0, 0, 0, 0, 42, 1,  \
            false, false, false, NULL, NULL, false, NULL, NULL, 0, 2, 0.9, -1                                \
    }

/* What became of a run. */
typedef struct ink_finetune_report {
    uint64_t train, dev; /* records */
    uint64_t steps, best_step;
    const char *metric; /* its key; static */
    double best;        /* of dev, of the weights that were saved; of several runs the mean */
    double deviation;   /* of several runs; else NaN */
    double dev_loss;    /* of the weights that were saved: log loss, or mean squared error */
    uint64_t kept;      /* the seed whose weights these are */
    uint64_t left_out;  /* bad records of train and dev, see leave_out_bad */
    uint64_t shared;    /* training records whose text is in dev, too, and that were not dropped */
    double seconds, tokens_per_second;
    bool was_complete;     /* resume found nothing to do */
    bool diverged;         /* the loss ended well above its beginning and above guessing's, or the model gives
                            * every record of dev one label after 100 updates or more without having learned
                            * anything. What was best on dev is written all the same */
    char warning[800];     /* "", or what is wrong with the result and what to try: that it diverged, or that
                            * it is not surely better on dev than the commonest label, or the mean, or than
                            * the model it started from; that dev repeats the training data; that its scores
                            * are too sure */
    char first_error[512]; /* of the records left out */
    uint64_t unlabelled;   /* texts without labels that were learned from */
    double teacher_value;  /* of dev, by the metric; NaN: there is no teacher, or nothing was to be done */
} ink_finetune_report;

/* Trains and writes the directory: the weights with the best value on dev (of equals those with the lower
 * loss there, then the later ones; of a head that is kept those at the start count as well), as Hugging Face
 * and ink_model_open open them, and beside them
 *
 *   finetune.json    settings, seed, digests of the data, version, and the result
 *   log.jsonl        a line for every update and every evaluation
 *   evaluation.json  of dev, as ink_evaluation_write_json writes it
 *   report.html      the same to look at, with the curves of the run
 *   held-out.jsonl   ids of the records that were held out, if any were
 *
 * While it runs, the files `last` and `best` hold all that resume needs; they go when it is done. The same
 * seed, settings and data give the same model on one machine, whatever the threads, stops and resumes. Reads
 * the data once and keeps it as token ids. Blocks until it is done. The directory is locked meanwhile.
 *
 * With a teacher the loss of a record that has a label is
 *
 *   (1 - A) cross-entropy + A T^2 KL(teacher || student),  both softmaxes of logits / T
 *
 * and that of a text without one the second term alone; their sum is divided by the number of records of the
 * batch. Class weights and label smoothing are of the first term, and with class weights the second is
 * weighed by their mean, so that their scale does not matter. Of several labels a record the KL is label by
 * label, and a value's second term is the squared difference from the teacher's. An epoch is all records and
 * all texts, shuffled together. The teacher scores each different text once, before the first update, and
 * `teacher` in out keeps the answers until the run is done: the files are read twice, so none can be stdin.
 *
 * Memory: a teacher's model while it scores, and 60 bytes and 4 a label for each text; apart from that 16
 * bytes a parameter, 4 a token of the data, and some 60 * H * layers a row of batch_tokens.
 *
 * INK_E_ARG        settings that cannot be; out holds a run already and resume was not asked for, or one of
 *                  other settings or data (the text says which), or other files, or another process trains
 *                  in it
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
