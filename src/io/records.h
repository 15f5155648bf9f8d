/* Records from files or stdin, one after the other: lines, JSON lines and CSV. Memory is that of the longest
 * record, never of the input.
 *
 * In all formats a byte order mark at the start of an input is skipped, ill-formed UTF-8 becomes U+FFFD and
 * is counted, NUL is a character like any other, and a last line need not end. Then:
 * - lines: "\n" or "\r\n" ends a text; a blank line is an empty text.
 * - jsonl: a line is an object; of a key that comes twice the last counts; a blank line is a bad record.
 * - csv: RFC 4180 with a header line, its values those of Python's csv module; blank lines are skipped; a row
 *   that has not as many fields as the header is a bad record; an id is always a JSON string. */
#ifndef INK_IO_RECORDS_H
#define INK_IO_RECORDS_H

#include "core/status.h"

#include <inkling/job.h>

/* A record longer than this is skipped and reported, so that memory stays bounded. */
#define INK__RECORD_MAX ((size_t)64 << 20)

typedef struct ink__record {
    uint64_t number; /* from 1, over all inputs */
    const char *id;  /* as JSON text: 17, "abc", 1.10 just as it stood; never NULL, not terminated */
    size_t id_len;
    const char *text; /* valid UTF-8 (ill-formed bytes are U+FFFD already); may hold NUL; NULL if error */
    size_t text_len;
    const char *pair; /* NULL if the record has none */
    size_t pair_len;
    size_t bad_bytes;  /* ill-formed sequences that became U+FFFD, in the whole record */
    const char *error; /* NULL, or one sentence why this record cannot be used, with file and line;
                        * terminated */
} ink__record;         /* every pointer is valid until the next call on the reader */

typedef struct ink__records ink__records;

/* Which field names, format and inputs: from the job's options (inputs, n_inputs, format, text, text_pair,
 * id). Every input is looked at before the first record is read: one that is missing or a directory fails
 * at once (INK_E_IO), so does an ending that names a format not read yet (INK_E_UNSUPPORTED), and fields
 * asked of lines, which have none (INK_E_ARG). n_inputs 0, or the name "-", is stdin. */
ink_status ink__records_open(ink__records **records, const ink_job_options *options, ink_error *err);

/* The next record into *record; *end says that there is none. A bad record is not a failure: it has
 * `error` set. INK_E_IO when a read fails, INK_E_FORMAT when the rest of an input cannot be read as
 * records at all (a CSV without the named column, a quote that is never closed, a file that is one JSON
 * array); asked again, it fails again. */
ink_status ink__records_next(ink__record *record, bool *end, ink__records *records, ink_error *err);

/* True if ink__records_next can be answered without waiting for a pipe or terminal. It reads ahead to find
 * out: the last record's pointers end here. */
bool ink__records_ready(ink__records *records);

/* Bytes read and, where all inputs are files, bytes in all (else 0): for a progress line. */
void ink__records_progress(uint64_t *read, uint64_t *total, const ink__records *records);

void ink__records_free(ink__records *records); /* NULL is fine */

#endif
