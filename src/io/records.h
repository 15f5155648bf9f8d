/* Records from files, folders or stdin, one after the other. Memory is that of the longest record and of the
 * names in a folder's largest directories, never of the input. Files whose names end in .gz or .zst are
 * decompressed.
 *
 * In all formats a byte order mark at the start of an input is skipped, ill-formed UTF-8 becomes U+FFFD and
 * is counted, NUL is a character like any other, and a last line need not end. Then:
 * - lines: "\n" or "\r\n" ends a text; a blank line is an empty text.
 * - docs: a file is a text, line breaks and all; its path is the id. What goes wrong with the file (it cannot
 *   be read, is cut off, is no text) is the record's error. Of a folder each file is a document (folder.h).
 * - jsonl: a line is an object; of a key that comes twice the last counts; a blank line is a bad record.
 * - csv: RFC 4180 with a header line, and another delimiter if one is asked for; its values are those of
 *   Python's csv module; blank lines are skipped; a row that has not as many fields as the header is a bad
 *   record; so is, as one, all from a row on in which a quote is never closed; an id is always a JSON string.
 * - tsv: csv with tabs; but in a row with text behind a closing quote the quotes are text, if it is one line,
 *   and a bad record otherwise (records_csv.c says why).
 * - blocks: lines up to a blank one (spaces and tabs at most), or the end, are a text, "\n" between them;
 * more blank lines are like one. The record's line is its first.
 * - fasttext: a line is any number of words that begin with "__label__", and then the text.
 *
 * Labels, where they are wanted, come from one field:
 * - jsonl: a string, a number or a boolean is one label (of the last two its text as it stood); an array of
 *   these is a list.
 * - csv: a cell is one label; in a column whose name is "labels" it is a list, separated by commas
 *   (joy,anger), or in brackets as JSON and Python print one (["joy", 'anger']). A blank cell is an empty
 *   list there and no label anywhere else.
 * - fasttext: the words in front; more than one are a list. A line without one has no label.
 * Lines and documents have no labels. */
#ifndef INK_IO_RECORDS_H
#define INK_IO_RECORDS_H

#include "core/status.h"
#include "io/notes.h"

#include <inkling/job.h>

/* A record longer than this is skipped and reported, so that memory stays bounded. */
#define INK__RECORD_MAX ((size_t)64 << 20)

typedef struct ink__string {
    const char *text; /* UTF-8; may hold NUL; not terminated */
    size_t len;
} ink__string;

typedef struct ink__record {
    uint64_t number; /* from 1, over all inputs */
    uint32_t check;  /* CRC-32C of all records up to this one, of documents of their paths, sizes and
                      * times of change; where wanted */
    const char *id;  /* as JSON text: 17, "abc", 1.10 just as it stood; never NULL, not terminated */
    size_t id_len;
    const char *text; /* valid UTF-8 (ill-formed bytes are U+FFFD already); may hold NUL; NULL if error */
    size_t text_len;
    const char *pair; /* NULL if the record has none */
    size_t pair_len;
    size_t bad_bytes;          /* ill-formed sequences that became U+FFFD, in the whole record */
    const ink__string *labels; /* [n_labels], in their order; none is empty, and one may come twice */
    size_t n_labels;           /* 1 unless a list was given; 0 where labels are not wanted, or if error */
    bool label_list;           /* a list was given, of any length: the record is multi-label */
    const ink__string *fields; /* [n_fields of the options]: text NULL where there is no such field, or it is
                                * null; NULL if error */
    const char *kept; /* what passes through, as JSON: ,"a":1.10,"b":"x" just as it stood (record_keep.c) */
    size_t kept_len;
    const char *source; /* the file's name for messages, or "standard input"; terminated */
    uint64_t line;      /* in it, from 1: where the record begins; 0: it is the whole file */
    ink_bad kind;       /* of error */
    const char *error;  /* NULL, or one sentence why this record cannot be used, with file and line;
                         * terminated */
} ink__record;          /* every pointer is valid until the next call on the reader */

typedef struct ink__records ink__records;

typedef struct ink__records_options {
    const char *const *inputs; /* paths of files and folders; "-" is stdin; none: stdin */
    size_t n_inputs;
    ink_format format;
    char delimiter;        /* of csv; 0: a comma */
    const char *text;      /* the text's field; NULL: "text" */
    const char *text_pair; /* the second text's; NULL: there is none */
    const char *id;        /* NULL: "id" where there is one */
    const char *label;     /* the labels' field; NULL: labels are not wanted. "label" stands for "labels" as
                            * well, where there is no field "label" */
    const char *const *fields; /* further fields that are wanted */
    size_t n_fields;
    const char *const *keep; /* fields that pass through; of CSV they must be there */
    size_t n_keep;
    bool keep_all;          /* all but those of text, text_pair and id do */
    bool check;             /* each record's check is wanted */
    uint64_t shard, shards; /* only every shards-th record from number `shard` on is given; 0: all are */
} ink__records_options;     /* what it points to is copied, or of no use after the call */

/* Every input is looked at before the first record is read: one that is missing fails at once (INK_E_IO), so
 * does an ending that is known to be no text where no format was asked for (INK_E_UNSUPPORTED), and a field,
 * a label or a delimiter asked of a format that has none (INK_E_ARG). n_inputs 0, or the name "-", is
 * stdin. */
ink_status ink__records_open(ink__records **records, const ink__records_options *options, ink_error *err);

/* The next record into *record; *end says that there is none. A bad record is not a failure: it has
 * `error` set. INK_E_IO when a read fails, INK_E_FORMAT when the rest of an input cannot be read as
 * records at all (a CSV without the named column, a file that is one JSON
 * array; compressed data that is broken or cut off, after the records before it, while what is no gzip
 * behind gzip data is noted and does not count), INK_E_UNSUPPORTED when an input begins as no UTF-8 text does
 * (UTF-16, a zip archive, ...) or asks for too large a window of zstd; asked again, it fails again. */
ink_status ink__records_next(ink__record *record, bool *end, ink__records *records, ink_error *err);

/* Passes over the first n records, before any has been asked for, and says in *check what the last one's is.
 * Only their ends are looked for, and files that are documents are not even opened. *end: there are fewer.
 * Fails as ink__records_next does. */
ink_status ink__records_skip(uint32_t *check, bool *end, ink__records *records, uint64_t n, ink_error *err);

/* Waits until ink__records_ready may have become true, or for that long; a signal ends it, too. False at once
 * if there is nothing to wait for in this way: a named pipe waits to be opened. */
bool ink__records_wait(const ink__records *records, int milliseconds);

/* True if ink__records_next can be answered without waiting for a pipe or terminal. It reads ahead to find
 * out: the last record's pointers end here. */
bool ink__records_ready(ink__records *records);

/* Bytes read and, where all inputs are files, bytes in all (else 0): for a progress line. */
void ink__records_progress(uint64_t *read, uint64_t *total, const ink__records *records);

/* What has been left out so far; valid as long as records is. */
const ink__notes *ink__records_notes(const ink__records *records);

void ink__records_free(ink__records *records); /* NULL is fine */

#endif
