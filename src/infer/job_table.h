/* Results as a table: CSV (RFC 4180, lines ending in "\n") or TSV, a header and then a row a record. Rows are
 * made of the JSON lines that the job writes otherwise, so that both say the same. In TSV a tab, line feed,
 * carriage return and backslash inside a cell are \t, \n, \r and \\, as PostgreSQL and MySQL read them: a row
 * is always one line. Strings stand as their characters, all else as its JSON text; null is an empty cell. */
#ifndef INK_INFER_JOB_TABLE_H
#define INK_INFER_JOB_TABLE_H

#include "io/jsontext.h"

#include <inkling/job.h>

typedef struct ink__columns ink__columns;

/* What one worker needs. Starts as {0}. */
typedef struct ink__row_scratch {
    ink__text line, cell;
    struct ink__cell *cells;
    size_t capacity;
} ink__row_scratch;

/* *table NULL: lines of JSON are wanted. INK_E_ARG: its columns cannot be known, or two have one name. */
ink_status ink__columns_create(ink__columns **table, const ink_model *model, const ink_job_options *options,
                               ink_error *err);
void ink__columns_free(ink__columns *table); /* NULL is fine */

/* The header, with its line's end; terminated and borrowed. */
const char *ink__columns_header(const ink__columns *table);

/* Makes a row of the JSON line that is out's end, from place `begin` on. */
ink_status ink__columns_row(ink__text *out, size_t begin, const ink__columns *table,
                            ink__row_scratch *scratch, ink_error *err);

void ink__row_scratch_free(ink__row_scratch *scratch);

#endif
