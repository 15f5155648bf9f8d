/* The pipeline under every whole job. Each worker does everything: takes the next unit of records (one worker
 * at a time reads), computes it, and leaves its lines in a ring; whoever finishes the unit that is next in
 * line writes it and all that are ready behind it. So reading and writing hide behind the others' computing,
 * order is kept, and memory is that of a few units. */
#ifndef INK_INFER_JOB_H
#define INK_INFER_JOB_H

#include "io/jsontext.h"
#include "io/records.h"

#include <inkling/job.h>
#include <inkling/session.h>

/* Tokens a worker computes at once unless told otherwise. Larger batches fill oneDNN's blocks better, smaller
 * ones stay in cache. */
enum { INK__BATCH_TOKENS = 512 };

/* Some records, copied out of the reader. */
typedef struct ink__unit_record {
    size_t id, id_len, text, text_len, pair, pair_len, error; /* places in bytes; error SIZE_MAX: none */
    bool has_pair, label_list;
    ink_bad kind; /* if error */
    size_t kept, kept_len;
    size_t bad_bytes;
    size_t labels, n_labels; /* places in strings; so are fields, as many as the work wants */
    size_t fields;
    size_t source; /* place in bytes, terminated; only where labels are wanted */
    uint64_t line;
} ink__unit_record;

typedef struct ink__unit_string {
    size_t at, len; /* place in bytes; SIZE_MAX: there is none */
} ink__unit_string;

typedef struct ink__unit {
    ink__unit_record *records;
    size_t n, capacity;
    ink__unit_string *strings;
    size_t n_strings, strings_capacity;
    ink__text bytes;
    uint64_t through; /* number of the last record in the input, and its check */
    uint32_t check;
} ink__unit;

/* What became of a unit: its output and its part of the report. */
typedef struct ink__result {
    ink__text out, rejects; /* rejects has the bad records' lines where they have a file of their own */
    uint64_t records, failed, truncated, tokens, bad_bytes, failed_by[INK_BADS];
    uint64_t through; /* of its unit */
    uint32_t check;
    char first_error[512];
    bool stopped; /* by stop_on_error, at first_error */
} ink__result;

struct ink__columns;

/* What a verb does with records. */
typedef struct ink__work {
    const void *subject; /* model or tokenizer */
    const char *verb;   /* names the job in its journal; NULL: it cannot be resumed. Its subject is a model */
    size_t unit_tokens; /* about how many tokens make a unit */
    size_t max_length;  /* tokens of a sequence, for that estimate; 0: any number */
    bool chunked;       /* a record may be many sequences: all of it is computed */
    /* A worker's own things, made when it has something to do. */
    ink_status (*open)(void **state, const struct ink__work *work, const ink_job_options *options,
                       ink_error *err);
    void (*close)(void *state);
    /* Appends the output of every record of unit to result->out, bad ones by ink__result_bad, and counts. */
    ink_status (*run)(ink__result *result, void *state, const ink__unit *unit, ink_error *err);
    /* What stands before the first record; written at the start with 0 records and again, in its place and of
     * the same length, when their number is known. NULL: nothing. */
    ink_status (*header)(ink__text *header, const struct ink__work *work, uint64_t records, ink_error *err);
    const struct ink__columns *table; /* results are its rows; NULL: they are not */
    /* Takes each unit's result, in order and one at a time, instead of the output. NULL: result->out is
     * written. */
    ink_status (*take)(const struct ink__work *work, const ink__result *result, ink_error *err);
    const char *label;         /* field of the labels; NULL: they are not wanted */
    const char *const *fields; /* [n_fields] further fields that are wanted */
    size_t n_fields;
} ink__work;

/* INK_E_ARG unless the options can be used. */
ink_status ink__job_check(const ink_job_report *report, const void *subject, const ink_job_options *options,
                          ink_error *err);

ink_status ink__job_run(ink_job_report *report, const ink__work *work, const ink_job_options *options,
                        ink_error *err);

/* Empties it for the next records; its memory stays. */
void ink__unit_clear(ink__unit *unit);
/* Copies a record behind the others. */
ink_status ink__unit_add(ink__unit *unit, const ink__record *record, const ink__work *work, ink_error *err);
void ink__unit_free(ink__unit *unit);

/* The texts of the records that have no error, in order; *texts is grown. */
ink_status ink__unit_texts(ink_text **texts, size_t *capacity, size_t *n, const ink__unit *unit,
                           ink_error *err);

static inline const char *ink__unit_at(const ink__unit *unit, size_t place)
{
    return unit->bytes.data + place;
}

/* Empties it for the next unit; its memory stays. */
void ink__result_reset(ink__result *result);
void ink__result_free(ink__result *result);

/* The fields that pass through, and the end of the line. */
ink_status ink__result_end(ink__text *out, const ink__unit *unit, const ink__unit_record *record,
                           ink_error *err);

/* Counts a bad record of unit; says in *stop whether it ends the job, and then only what stands before it
 * counts as done. */
void ink__result_failed(ink__result *result, bool *stop, const ink__unit *unit,
                        const ink__unit_record *record, const char *sentence, bool stop_on_error);

/* {"id":17 -- the beginning of every line. */
ink_status ink__result_id(ink__text *out, const ink__unit *unit, const ink__unit_record *record,
                          ink_error *err);

/* A bad record's line, or with stop_on_error the end of the unit: *stop says which. */
ink_status ink__result_bad(ink__result *result, bool *stop, const ink__unit *unit,
                           const ink__unit_record *record, const ink_job_options *options, ink_error *err);

#endif
