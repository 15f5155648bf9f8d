/* One way of finding records in bytes. A new format is one more table entry in records.c. */
#ifndef INK_IO_RECORD_FORMAT_H
#define INK_IO_RECORD_FORMAT_H

#include "io/records.h"
#include "io/source.h"

/* Names of the fields wanted of each record. */
typedef struct ink__fields {
    char *text;
    char *pair; /* NULL: none */
    char *id;
    bool id_required; /* the caller named it: a record without is an error */
} ink__fields;

/* `"body", "stars"`: the first few of some names, for a sentence. Starts as {0}. */
typedef struct ink__name_list {
    char text[512];
    size_t len, n;
} ink__name_list;

void ink__name_list_add(ink__name_list *list, const char *name, size_t len);

typedef struct ink__record_format {
    const char *name;
    bool has_fields;
    /* A state for one input. */
    ink_status (*open)(void **state, const ink__fields *fields, ink_error *err);
    /* Looks for the next record in the window. A record it returns has text, or error; id is NULL where the
     * record's number stands for it; number is left alone. A status means that the rest of the input is
     * lost. */
    ink_status (*step)(ink__step *step, ink__record *record, void *state, ink__source *source,
                       ink_error *err);
    void (*close)(void *state);
} ink__record_format;

extern const ink__record_format ink__format_lines, ink__format_jsonl, ink__format_csv;

#endif
