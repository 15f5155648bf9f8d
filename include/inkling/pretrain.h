/* Pretraining: raw text in, an encoder's Hugging Face directory out. */
#ifndef INKLING_PRETRAIN_H
#define INKLING_PRETRAIN_H

#include <inkling/base.h>
#include <inkling/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the two models of objective "rtd" do; NaN with another objective. */
typedef struct ink_replacing {
    double generator_loss;         /* mean over the masked tokens */
    double discriminator_loss;     /* mean over all tokens */
    double discriminator_accuracy; /* share of all tokens that it judges rightly; most are not replaced */
    double found;                  /* share of the replaced tokens that it finds */
} ink_replacing;

/* Where a run stands. Numbers that are not known yet are NaN. */
typedef struct ink_pretrain_progress {
    const char *message; /* NULL; or a sentence for people, valid until the callback returns: what was found
                          * in the corpus. With a message the other members are 0 and mean nothing */
    uint64_t bytes_read, bytes_total; /* while the corpus is read; total 0: not known, or it has been read */
    uint64_t step, tokens;            /* updates done, and tokens learned from */
    double done;                      /* share of the run that is over, 0 to 1 */
    double loss, accuracy;            /* of masked tokens; running means of the last 20 updates */
    double learning_rate;             /* of this update */
    double tokens_per_second, seconds_left;
    double held_out_loss, held_out_accuracy; /* at the last evaluation */
    bool evaluated;                          /* just now */
    ink_replacing replacing;                 /* running means like loss */
    ink_replacing held_out_replacing;        /* like held_out_loss */
} ink_pretrain_progress;

/* Called after every update, about ten times a second while the corpus is read, and for every message, on the
 * thread that called ink_pretrain. Non-zero stops the run with INK_E_CANCELLED and, once updates are being
 * done, a checkpoint: ink_pretrain with the same options and `resume` then goes on. */
typedef int ink_pretrain_callback(const ink_pretrain_progress *progress, void *user);

/* Start from INK_PRETRAIN_OPTIONS_INIT, and set out, corpus, from (or size and tokenizer), and one of steps,
 * tokens and minutes. The strings stay the caller's and are read until ink_pretrain returns. */
typedef struct ink_pretrain_options {
    uint32_t version;          /* 1 */
    const char *out;           /* the directory that becomes the model; made if missing */
    const char *from;          /* a model's directory; NULL: random weights of ... */
    const char *size;          /* ... "tiny", "mini", "small" or "base", or of what a config.json of any
                                * family says; with the tokenizer of ... */
    const char *tokenizer;     /* ... this directory */
    const char *const *corpus; /* [n_corpus] files and folders; a record is a document. Not stdin */
    size_t n_corpus;
    ink_format format;
    char delimiter;    /* as in ink_job_options */
    const char *text;  /* field name; NULL: "text" */
    const char *cache; /* where the corpus is kept as tokens, to be used again by other runs; NULL: in out,
                        * until the run is done */
    uint64_t steps,
        tokens;        /* one of the three says how long the run is: updates, tokens learned from, or ... */
    double minutes;    /* ... time, that before a stop included */
    double mask_rate;  /* share of the words that are to be guessed */
    size_t batch_size; /* sequences of a batch */
    size_t gradient_accumulation_steps; /* batches of an update */
    double batch_ramp;                  /* share of the run in which batches grow from an eighth; 0: none */
    double learning_rate;               /* at its highest; 0: 5e-4, and 1e-4 with `from` */
    double weight_decay;                /* of weights; biases and norms have none */
    double warmup_ratio;                /* share of the run in which the learning rate rises */
    const char *lr_scheduler;           /* as in ink_finetune_options; it ends when the run does */
    double max_grad_norm;               /* 0: gradients are not clipped */
    const char *optimizer;              /* "adamw", "adam", "sgd" */
    const char *save_dtype;             /* "f32", "f16", "bf16"; NULL: as in ink_finetune_options */
    double held_out;      /* share of the sequences that is only measured by: at most 1000 of them, and at
                           * least 50 or a tenth, unless it is 0 */
    uint64_t eval_steps;  /* updates between evaluations; 0: twenty evaluations in all */
    size_t max_length;    /* tokens of a sequence; 0: 128, or as many as the model has positions */
    size_t batch_tokens;  /* rows computed at once; 0: a measured default. Moves rounding, nothing else */
    size_t threads;       /* 0: ink_threads_default(). Moves no bit */
    uint64_t seed;        /* of new weights, the order, masks, dropout and what is held out */
    bool resume;          /* start, or continue, or leave a finished run as it is */
    bool drop_duplicates; /* repeated documents, and repeated lines of documents of several lines */
    bool leave_out_bad;   /* bad records are counted and left out; default: the first one is the end */
    ink_pretrain_callback *progress; /* may be NULL */
    void *user;
    const char *objective; /* "mlm", or "rtd": see ink_pretrain; NULL: "mlm" */
} ink_pretrain_options;
#define INK_PRETRAIN_OPTIONS_INIT                                                                            \
    {                                                                                                        \
        1, NULL, NULL, NULL, NULL, NULL, 0, INK_FORMAT_AUTO, 0, NULL, NULL, 0, 0, 0, 0.15, 64, 1, 0, 0,      \
            0.01, 0.06, "linear", 1, "adamw", NULL, 0.01, 0, 0, 0, 0, 42, false, false, false, NULL, NULL,   \
            NULL                                                                                             \
    }

/* What became of a run. */
typedef struct ink_pretrain_report {
    uint64_t documents, repeated;   /* of the corpus; repeated: the text of an earlier one */
    uint64_t lines, repeated_lines; /* likewise, of lines that are not blank */
    uint64_t sequences, held_out;   /* learned from, and only measured by */
    uint64_t corpus_tokens;
    double frequency_loss;  /* of guessing its tokens by their frequency alone: the entropy, in nats */
    uint64_t steps, tokens; /* updates, and tokens learned from */
    double loss;            /* running mean at the end */
    double held_out_loss, held_out_accuracy; /* of the weights that were saved; NaN: nothing is held out */
    double seconds, tokens_per_second;       /* of this call */
    bool was_complete;                       /* resume found nothing to do */
    uint64_t left_out;                       /* bad records, see leave_out_bad */
    char first_error[512];                   /* of them */
    ink_replacing held_out_replacing;        /* like held_out_loss */
} ink_pretrain_report;

/* Trains on text and writes the directory, which opens here and in Hugging Face. What is learned is the
 * objective's:
 *
 *   mlm  to guess masked tokens: opens with AutoModelForMaskedLM and AutoModel
 *   rtd  to tell which tokens a small generator, which learns to guess masked tokens beside it, put in place
 *        of the text's: learns from every token, with models of the electra family alone. out opens with
 *        AutoModelForPreTraining and AutoModel; out/generator is the generator, for AutoModelForMaskedLM.
 *        Loss is the generator's plus 50 times the discriminator's, accuracy the generator's.
 *
 * Beside the model
 *
 *   pretrain.json    settings, seed, digest of the corpus, version, and the result
 *   log.jsonl        a line for every update and every evaluation
 *
 * The same seed, settings and corpus give the same model on one machine, whatever the threads, stops and
 * resumes, unless `minutes` is what ends the run. While it runs, the file `last` holds all that resume needs.
 * The directory is locked meanwhile.
 *
 * Memory: 16 bytes a parameter, some 60 * H * layers a row of batch_tokens (with rtd those of both models),
 * at most 64 MiB of logits; the tokens of the corpus are mapped from the cache, 4 bytes each.
 *
 * INK_E_ARG        settings that cannot be; out holds a run already and resume was not asked for, or one of
 *                  other settings or another corpus (the text says which), or other files
 * INK_E_FORMAT     a bad record, with file and line; a corpus without text
 * INK_E_NUMERIC    the loss or a gradient is not finite, with the step; the checkpoint before it stays
 * INK_E_IO         a file cannot be read or written
 * INK_E_CANCELLED  the callback said so */
INK_API INK_NODISCARD ink_status ink_pretrain(ink_pretrain_report *report,
                                              const ink_pretrain_options *options, ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
