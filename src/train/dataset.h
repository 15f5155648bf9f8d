/* Labelled records in memory, tokenized: what training goes through again and again. A record costs four
 * bytes a token (eight in a set of pairs) and about a hundred besides; its text is not kept. */
#ifndef INK_TRAIN_DATASET_H
#define INK_TRAIN_DATASET_H

#include "core/digest.h"
#include "io/jsontext.h"
#include "io/records.h"
#include "train/label_set.h"

#include <inkling/tokenizer.h>

typedef enum ink__task {
    INK__TASK_AUTO,   /* as the labels look: lists are MULTI; numbers of which one at least is written with a
                       * point or an exponent are REGRESSION; all else, so also 0, 1, 2, is SINGLE */
    INK__TASK_SINGLE, /* one label of several */
    INK__TASK_MULTI,  /* any number of labels */
    INK__TASK_REGRESSION /* a number */
} ink__task;

/* *task by its name, "single" and the like; INK_E_ARG names those there are. */
ink_status ink__task_find(ink__task *task, const char *name, ink_error *err);

/* Where a record is from, and what was found in its text. */
typedef struct ink__row {
    ink__digest text;   /* of its text, or of both of a pair */
    uint64_t line;      /* in its source, from 1 */
    size_t id, id_len;  /* its id as JSON text, in id_text */
    uint32_t source;    /* its number in sources */
    uint32_t tokens;    /* of the whole text, special tokens included: more than it has if it was cut */
    uint32_t bad_bytes; /* ill-formed UTF-8 sequences, read as U+FFFD */
} ink__row;

typedef struct ink__dataset {
    size_t n;
    size_t *offsets;      /* [n+1] record i is tokens offsets[i] to offsets[i+1] */
    int32_t *ids;         /* [offsets[n]] special tokens included */
    int32_t *types;       /* [offsets[n]], NULL: all 0 */
    ink__task task;       /* not AUTO */
    bool whole_numbers;   /* AUTO took labels that are all whole numbers for classes */
    ink__label_set names; /* C = names.n, in byte order unless mapped; none in a regression */
    size_t
        *label_offsets; /* [n+1] record i has labels label_offsets[i] to label_offsets[i+1]: one in SINGLE */
    uint32_t *labels;   /* [label_offsets[n]] each below C, and in a record none twice */
    float *values;      /* [n] of a regression, else NULL */
    ink__row *rows;     /* [n] */
    ink__text id_text;
    char **sources; /* [n_sources] names of files */
    size_t n_sources;
    size_t specials;         /* tokens that an empty text has */
    size_t skipped;          /* bad records */
    char first_skipped[512]; /* the sentence of the first of them */
    ink__notes notes;        /* what was left out of the inputs */
    size_t ids_capacity, types_capacity, rows_capacity, offsets_capacity, labels_capacity,
        label_offsets_capacity, values_capacity, sources_capacity;
} ink__dataset;

typedef struct ink__dataset_options {
    ink__records_options records; /* label NULL stands for "label" */
    const ink_tokenizer *tokenizer;
    size_t max_length; /* tokens kept of a record; 0: all */
    bool head_tail;    /* of one that is longer, see ink_encode_options */
    bool parse_special;
    ink__task task;
    bool unlabelled; /* labels are not wanted, and the task, not AUTO, is as it is said */
    bool skip_bad;   /* bad records are counted and left out; otherwise the first one is the end */
    size_t threads;  /* that tokenize; the result is the same with any number */
} ink__dataset_options;

/* Reads everything. INK_E_FORMAT, with file and line: a bad record; in a SINGLE task a record without just
 * one label; in a REGRESSION one that is not a finite number. Also: no records at all. */
ink_status ink__dataset_read(ink__dataset *dataset, const ink__dataset_options *options, ink_error *err);
void ink__dataset_free(ink__dataset *dataset); /* frees what it holds, zeroes it */

/* Numbers the labels as in `names` [C], which may have more than occur here. INK_E_FORMAT names the first
 * label that is not among them, with file and line. Nothing to do in a regression. */
ink_status ink__dataset_map_labels(ink__dataset *dataset, const char *const *names, size_t C, ink_error *err);

/* INK_E_FORMAT unless there is something to learn: two classes, a label, a value. */
ink_status ink__dataset_check_classes(const ink__dataset *dataset, ink_error *err);

/* The records with go[i] leave, in their order, into *out (NULL: for good); the others close up. */
ink_status ink__dataset_divide(ink__dataset *out, ink__dataset *dataset, const bool *go, ink_error *err);

/* Records of `more`, a set of the same task and tokenizer, are put behind those there are. */
ink_status ink__dataset_append(ink__dataset *dataset, const ink__dataset *more, ink_error *err);

/* Of all that is learned from it: tokens, labels, values. */
ink__digest ink__dataset_digest(const ink__dataset *dataset);

/* Of a text, or of both of a pair: that of ink__row. */
ink__digest ink__text_digest(const char *text, size_t len, const char *pair, size_t pair_len);

/* One record on its way into a set. */
typedef struct ink__new_record {
    const int32_t *ids, *types; /* [length]; types are looked at in a set that has them */
    size_t length;
    const uint32_t *labels; /* [n_labels] */
    size_t n_labels;
    const char *id; /* [row.id_len] */
    ink__row row;   /* its id's place is found here */
} ink__new_record;

ink_status ink__dataset_add(ink__dataset *dataset, const ink__new_record *record, bool pairs, ink_error *err);

/* Labels as they were read become those of a task: see INK__TASK_AUTO. `listed`: some came as a list. */
ink_status ink__dataset_resolve(ink__dataset *dataset, ink__task task, bool listed, ink_error *err);

/* "file: line 17: " of record i, for sentences, into text [size]; returns text. */
const char *ink__dataset_place(char *text, size_t size, const ink__dataset *dataset, size_t i);

#endif
