/* Text to pretrain on, as token ids in a file that is written once and mapped: the token cache. Every record
 * is a document and is cut into full sequences, [CLS] ... [SEP], of which the last may be short; nothing is
 * padded and no sequence has text of two documents.
 *
 * The format is our own; a file of another version, of other text or another tokenizer is made anew.
 * Little endian:
 *      0  8 bytes     "INKTOKS" and a zero byte
 *      8  u32         version, 1
 *     12  u32         CRC-32C of the header, these four bytes counted as zeros
 *     16  2 u64       key: digest of what it was made from and with
 *     32  2 u64       digest of the body, a MiB after the other
 *     48  10 u64      ink__corpus_counts
 *    128  i32 times counts.tokens, then zeros up to a multiple of 8: the sequences laid end to end
 *         u64 times counts.sequences + 1: where each begins, in tokens */
#ifndef INK_TRAIN_CORPUS_H
#define INK_TRAIN_CORPUS_H

#include "core/digest.h"
#include "io/file.h"
#include "io/records.h"

#include <inkling/tokenizer.h>

typedef struct ink__corpus_counts {
    uint64_t sequences, tokens; /* [CLS] and its like included */
    uint64_t documents;         /* records with text in them */
    uint64_t repeated;          /* of them: the text of an earlier one */
    uint64_t lines;             /* of them that are not blank */
    uint64_t repeated_lines;    /* of lines: the same as an earlier one, in documents of several lines */
    uint64_t bad_bytes;         /* ill-formed UTF-8 sequences, read as U+FFFD */
    uint64_t left_out;          /* bad records */
    uint64_t unknown;           /* tokens that are the unknown one */
    uint64_t unread;            /* inputs of which the end was not read */
} ink__corpus_counts;
_Static_assert(sizeof(ink__corpus_counts) == 80, "it is written as it is");

typedef struct ink__corpus {
    ink__map map;
    const int32_t *ids;      /* [counts.tokens] */
    const uint64_t *offsets; /* [counts.sequences+1] */
    ink__digest digest;      /* of all of that */
    ink__corpus_counts counts;
} ink__corpus;

typedef struct ink__corpus_progress {
    uint64_t documents, tokens, bytes_read, bytes_total; /* total 0: not known */
} ink__corpus_progress;

typedef struct ink__corpus_options {
    ink__records_options records; /* files and folders; not stdin, which cannot be read again */
    const ink_tokenizer *tokenizer;
    const char *tokenizer_dir; /* whose files it is from */
    size_t max_length;         /* of a sequence, [CLS] and its like included */
    bool drop_duplicates;      /* repeated documents, and repeated lines of documents of several lines */
    bool skip_bad;             /* bad records are counted and left out; otherwise the first one is the end */
    size_t threads;            /* that tokenize; the result is the same with any number */
    ink_status (*progress)(const ink__corpus_progress *progress, void *user, ink_error *err); /* or NULL */
    void *user;
    char *first_error; /* [512] of the bad records; or NULL */
} ink__corpus_options;

/* Maps the cache at path; makes it first, through a temporary, if it is not there or was made of something
 * else. *made says that. INK_E_ARG: path is something else than a cache. INK_E_FORMAT: a bad record; no text.
 */
ink_status ink__corpus_open(ink__corpus *corpus, bool *made, const char *path,
                            const ink__corpus_options *options, ink_error *err);
void ink__corpus_close(ink__corpus *corpus);

/* ---- for the files of the corpus ---- */

enum { INK__CORPUS_HEADER = 128, INK__CORPUS_PIECE = 1 << 20 };

typedef struct ink__corpus_header {
    char magic[8];
    uint32_t version, crc;
    ink__digest key, digest;
    ink__corpus_counts counts;
} ink__corpus_header;
_Static_assert(sizeof(ink__corpus_header) == INK__CORPUS_HEADER, "it is written as it is");

/* header.magic, version and crc, for the rest of it. */
void ink__corpus_seal(ink__corpus_header *header);

/* Reads the records and writes the file (corpus_make.c). */
ink_status ink__corpus_make(const char *path, ink__digest key, const ink__corpus_options *options,
                            ink_error *err);

#endif
