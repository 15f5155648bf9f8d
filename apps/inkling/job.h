/* What classify, embed and tokenize share: inputs, output, progress, and the closing line. */
#ifndef INKLING_CLI_JOB_H
#define INKLING_CLI_JOB_H

#include "cli.h"

#include <stddef.h>

struct job_args {
    const char *model, *output, *rejects, *text, *text_pair, *id;
    const char *shard_text; /* as it was given; the numbers follow from it */
    size_t shard, shards;
    double max_latency;
    cli_list keep;
    int format, on_error, precision, long_texts, long_pooling;
    size_t stride;
    char delimiter;
    size_t threads, max_length, batch_tokens;
    bool parse_special, quiet, progress, resume;
};

#define JOB_DEFAULTS                                                                                         \
    {                                                                                                        \
        .output = "-", .text = "text", .max_latency = 1                                                      \
    }

/* Rows of an option table, for an args struct whose member `job` is a struct job_args. */
#define JOB_AT(type, member) offsetof(type, job) + offsetof(struct job_args, member)
#define JOB_MODEL(type)                                                                                      \
    {                                                                                                        \
        'm', "model", CLI_STR, JOB_AT(type, model), "DIR", "the model: a Hugging Face directory (required)", \
            NULL                                                                                             \
    }
#define JOB_PRECISION(type)                                                                                  \
    {                                                                                                        \
        0, "precision", CLI_CHOICE, JOB_AT(type, precision), "auto|f32|int8",                                \
            "what products compute in; auto is as the weights are stored", NULL                              \
    }
#define JOB_OUTPUT(type)                                                                                     \
    {                                                                                                        \
        'o', "output", CLI_STR, JOB_AT(type, output), "FILE",                                                \
            "where results go, bad records' errors too, whole or not at all; - is stdout", NULL              \
    }
#define JOB_REJECTS(type)                                                                                    \
    {                                                                                                        \
        0, "rejects", CLI_STR, JOB_AT(type, rejects), "FILE", "where bad records' errors go instead", NULL   \
    }
#define JOB_KEEP(type)                                                                                       \
    {                                                                                                        \
        0, "keep", CLI_NAMES, JOB_AT(type, keep), "A,B|all",                                                 \
            "fields of the input that pass through untouched", NULL                                          \
    }
#define JOB_SHARD(type)                                                                                      \
    {                                                                                                        \
        0, "shard", CLI_STR, JOB_AT(type, shard_text), "I/N|auto",                                           \
            "every Nth record from I on; auto: mpirun's rank", "all; {shard} in FILE: I-of-N"                \
    }
#define JOB_LATENCY(type)                                                                                    \
    {                                                                                                        \
        0, "max-latency", CLI_REAL, JOB_AT(type, max_latency), "S",                                          \
            "seconds that a result may wait to be written with others", NULL                                 \
    }
#define JOB_LATENCY_LIMIT                                                                                    \
    {                                                                                                        \
        "max-latency", 0.001, 3600                                                                           \
    }
#define JOB_RESUME(type)                                                                                     \
    {                                                                                                        \
        0, "resume", CLI_FLAG, JOB_AT(type, resume), NULL,                                                   \
            "go on with the FILE of -o where it was stopped or killed", NULL                                 \
    }
#define JOB_RECORDS(type)                                                                                    \
    {0,                                                                                                      \
     "format",                                                                                               \
     CLI_CHOICE,                                                                                             \
     JOB_AT(type, format),                                                                                   \
     "auto|lines|docs|jsonl|csv|tsv|fasttext|blocks",                                                        \
     "of the inputs; auto goes by the ending, .gz and .zst left out",                                        \
     NULL},                                                                                                  \
        {0,        "delimiter",                                                                              \
         CLI_CHAR, JOB_AT(type, delimiter),                                                                  \
         "C",      "between the columns of csv: ';' as European Excel writes it, or tab",                    \
         "a comma"},                                                                                         \
        {0, "text", CLI_STR, JOB_AT(type, text), "NAME", "field or column that holds the text", NULL},       \
        {0,   "text-pair", CLI_STR, JOB_AT(type, text_pair), "NAME", "field of the second text, for pairs",  \
         NULL},                                                                                              \
        {0,                                                                                                  \
         "id",                                                                                               \
         CLI_STR,                                                                                            \
         JOB_AT(type, id),                                                                                   \
         "NAME",                                                                                             \
         "field that names a record",                                                                        \
         "id if there is one, else its number"},                                                             \
        {0,                                                                                                  \
         "on-error",                                                                                         \
         CLI_CHOICE,                                                                                         \
         JOB_AT(type, on_error),                                                                             \
         "report|stop",                                                                                      \
         "a bad record: report it in its place, or stop",                                                    \
         NULL},                                                                                              \
        {0,        "parse-special",                                                                          \
         CLI_FLAG, JOB_AT(type, parse_special),                                                              \
         NULL,     "read [MASK] and the like in a text as special tokens",                                   \
         NULL},                                                                                              \
        {0,                                                                                                  \
         "threads",                                                                                          \
         CLI_SIZE,                                                                                           \
         JOB_AT(type, threads),                                                                              \
         "N",                                                                                                \
         "computing threads",                                                                                \
         "what the affinity mask and cgroup allow"},                                                         \
        {0, "quiet", CLI_FLAG, JOB_AT(type, quiet), NULL, "print nothing but errors on stderr", NULL},       \
    {                                                                                                        \
        0, "progress", CLI_FLAG, JOB_AT(type, progress), NULL,                                               \
            "show progress even where stderr is no terminal", NULL                                           \
    }
#define JOB_LENGTHS(type, what)                                                                              \
    {                                                                                                        \
        0, "max-length", CLI_SIZE, JOB_AT(type, max_length), "N", "tokens used of one text", what            \
    }
#define JOB_LONG(type)                                                                                       \
    {0,                                                                                                      \
     "long",                                                                                                 \
     CLI_CHOICE,                                                                                             \
     JOB_AT(type, long_texts),                                                                               \
     "truncate|head-tail|chunk",                                                                             \
     "of a longer text use its beginning, both ends, or all in windows",                                     \
     NULL},                                                                                                  \
        {0, "stride", CLI_COUNT, JOB_AT(type, stride), "N", "tokens that neighbouring windows share", NULL}, \
    {                                                                                                        \
        0, "long-pooling", CLI_CHOICE, JOB_AT(type, long_pooling), "auto|mean|max|weighted",                 \
            "how windows become one; auto: mean, for embed weighted by tokens", NULL                         \
    }
#define JOB_BATCH(type)                                                                                      \
    {                                                                                                        \
        0, "batch-tokens", CLI_SIZE, JOB_AT(type, batch_tokens), "N", "tokens each thread computes at once", \
            "a measured value"                                                                               \
    }

/* Opens args->model, and says on stderr where it does not compute in what was asked for. */
ink_status job_open_model(ink_model **model, const struct job_args *args, ink_error *err);

/* What must hold before anything is opened: -1, or the status to leave with, after a complaint. Reads
 * --shard. */
int job_check(const char *verb, struct job_args *args);
int job_shard(const char *verb, struct job_args *args);

/* Fills the library's options from args and the operands; those must outlive the job. */
void job_options(ink_job_options *options, const struct job_args *args, char **operands);

/* The same for labelled records. */
void job_evaluate_options(ink_evaluate_options *options, const struct job_args *args, const char *label,
                          char **inputs);
/* What job_finish is told of an evaluation; of none (NULL), nothing. */
void job_evaluate_report(ink_job_report *report, const ink_evaluation *evaluation);

/* The first SIGINT, SIGTERM or SIGHUP from now on is remembered, a second one kills. 0: none came. */
void job_catch_signals(void);
int job_stop_signal(void);

/* 1:05:09 or 5:09 on stderr. */
void job_print_duration(double seconds);

/* Prints what there is to say at the end and returns the exit status. operands as in job_options. */
int job_finish(const char *verb, ink_status status, const ink_error *err, const ink_job_report *report,
               const struct job_args *args, char **operands);

#endif
