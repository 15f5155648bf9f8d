/* One way of finding records in bytes. A new format is one more table entry in inputs.c. */
#ifndef INK_IO_RECORD_FORMAT_H
#define INK_IO_RECORD_FORMAT_H

#include "io/jsontext.h"
#include "io/records.h"
#include "io/source.h"

/* Names of the fields wanted of each record. */
typedef struct ink__fields {
    char *text;
    char *pair; /* NULL: none */
    char *id;
    bool id_required; /* the caller named it: a record without is an error */
    char *label;      /* NULL: labels are not wanted */
    char *label_else; /* read where there is no such field; NULL: none */
    char **more;      /* [n_more] */
    size_t n_more;
    char **keep; /* [n_keep] fields that pass through */
    size_t n_keep;
    bool keep_all;  /* all but text, pair and id do */
    char delimiter; /* of CSV; 0: its own */
} ink__fields;

/* `"body", "stars"`: the first few of some names, for a sentence. Starts as {0}. */
typedef struct ink__name_list {
    char text[512];
    size_t len, n;
} ink__name_list;

void ink__name_list_add(ink__name_list *list, const char *name, size_t len);

/* The labels of one record. Starts as {0}. */
typedef struct ink__labels {
    ink__string *items;
    size_t n, capacity;
    bool list;
    ink__text text; /* of items that had to be unescaped */
} ink__labels;

void ink__labels_free(ink__labels *labels);
void ink__labels_start(ink__labels *labels, bool list); /* of a new record */
ink_status ink__labels_add(ink__labels *labels, const char *text, size_t len, ink_error *err);
/* The labels that a cell of a table says: itself, or where a list is wanted its items; they may point into
 * the cell. INK_E_FORMAT where it says none; `place` begins the sentence. */
ink_status ink__labels_cell(ink__labels *labels, bool list, const char *cell, size_t len, const char *place,
                            ink_error *err);
void ink__labels_give(ink__record *record, const ink__labels *labels);

/* True if the field of this name passes through. */
bool ink__keeps(const ink__fields *fields, const char *name, size_t len);
/* ,"name": -- its value follows. */
ink_status ink__keep_name(ink__text *kept, const char *name, size_t len, ink_error *err);

/* Makes len bytes the record's text, ill-formed UTF-8 mended (in *mended) and counted. */
ink_status ink__record_text(ink__record *record, ink__text *mended, const char *bytes, size_t len,
                            ink_error *err);
/* Takes the next line as the record's text; one that is too long gives it an error, kept in *bad. */
ink_status ink__record_line(ink__step *step, ink__record *record, ink__text *mended, ink_error *bad,
                            ink__source *source, ink_error *err);

typedef struct ink__record_format {
    const char *name; /* as in "is read as ..." */
    bool has_fields, has_labels;
    char delimiter;     /* between fields; 0: it has none */
    bool any_delimiter; /* another can be asked for */
    bool one_each; /* an input is one record: its path is the id, and a failure of the input is its error */
    /* A state for one input; what it is on failure is closed like any other. */
    ink_status (*open)(void **state, const ink__fields *fields, ink_error *err);
    /* Looks for the next record in the window. A record it returns has text, or error, and a line unless it
     * is a whole input; id is NULL where the path or the record's number stands for it; number and source are
     * left alone. Where source->skip is set, finding the record's end will do. A status means that the rest
     * of the input is lost. */
    ink_status (*step)(ink__step *step, ink__record *record, void *state, ink__source *source,
                       ink_error *err);
    void (*close)(void *state); /* NULL is fine */
} ink__record_format;

extern const ink__record_format ink__format_lines, ink__format_docs, ink__format_jsonl, ink__format_csv,
    ink__format_tsv, ink__format_fasttext, ink__format_blocks;

#endif
