/* Whole jobs: records in, one JSON line (or vector) out per record, in input order, in constant memory.
 * Reading, tokenizing, computing and writing overlap on `threads` workers. */
#ifndef INKLING_JOB_H
#define INKLING_JOB_H

#include <inkling/base.h>
#include <inkling/model.h>
#include <inkling/session.h>
#include <inkling/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A name that ends in .gz or .zst is decompressed as it is read, and the ending before that counts. */
typedef enum ink_format {
    INK_FORMAT_AUTO = 0, /* a folder is docs, stdin is lines, a file goes by its ending: .jsonl .json .ndjson,
                          * .csv, .tsv .tab, .fasttext .ft; any other is lines, unless it is known to be no
                          * text (.xlsx, .pdf, .parquet and so on), which is refused */
    INK_FORMAT_LINES,    /* a line is a text; "\n" and "\r\n" end it; a blank line is a record */
    INK_FORMAT_DOCS,     /* a file is a text, its path the id; of a folder each file in it and in its folders,
                          * in byte order of their paths, hidden ones left out */
    INK_FORMAT_JSONL,    /* a line is an object */
    INK_FORMAT_CSV,      /* RFC 4180 with a header line, but for the delimiter of the options */
    INK_FORMAT_TSV,      /* the same, with tabs in the place of commas */
    INK_FORMAT_FASTTEXT, /* a line is labels (__label__x) and then a text */
    INK_FORMAT_BLOCKS    /* lines up to a blank one are a text, line breaks and all */
} ink_format;

/* What results are written as. In the tables a list of labels is two columns, labels and label_scores, a
 * label's score is score_LABEL (or value_LABEL), the best labels are top_1, top_1_score and so on; a bad
 * record has its id and error. In TSV a tab, line feed, carriage return and backslash inside a cell are
 * \t, \n, \r and \\. A part's output and an empty one have the header, too. */
typedef enum ink_output_format {
    INK_OUTPUT_JSONL = 0,
    INK_OUTPUT_CSV, /* RFC 4180, with the delimiter of the input */
    INK_OUTPUT_TSV
} ink_output_format;

/* Why a record is bad. */
typedef enum ink_bad {
    INK_BAD_JSON,   /* not a JSON object */
    INK_BAD_BLANK,  /* a blank line where there should be one */
    INK_BAD_FIELD,  /* a field is missing, or not of its kind */
    INK_BAD_ROW,    /* a row of a table with other columns than its header, or with broken quotes */
    INK_BAD_LENGTH, /* longer than the 64 MiB that are read */
    INK_BAD_FILE,   /* a document that cannot be read */
    INK_BADS
} ink_bad;

/* "not a JSON object" and the like; NULL out of range. Static memory. */
INK_API const char *ink_bad_name(ink_bad kind);

/* Where a running job stands. bytes_total is 0 where it cannot be known (a pipe). */
typedef struct ink_job_progress {
    uint64_t records, failed, tokens, bytes_read, bytes_total;
    double seconds;
    uint64_t resumed; /* of records, those that were there before */
} ink_job_progress;

/* Called about ten times a second, by one worker at a time, and once at the end; waiting for a pipe does not
 * keep it from being called. Non-zero stops the job with INK_E_CANCELLED, when the records under way are
 * done. */
typedef int ink_job_callback(const ink_job_progress *progress, void *user);

typedef struct ink_job_options {
    uint32_t version;          /* 1 */
    const char *const *inputs; /* paths of files and folders; "-" is stdin; none: stdin */
    size_t n_inputs;
    ink_format format;
    char delimiter;             /* between the columns of INK_FORMAT_CSV, ';' as Excel has it in most of
                                 * Europe; 0: ',' */
    const char *text;           /* field names: "text" */
    const char *text_pair;      /* NULL: the records are single texts */
    const char *id;             /* NULL: "id" where there is one, else a document's path, or the record's
                                 * number from 1 */
    const char *output;         /* NULL or "-": stdout. A file is written whole or not at all, and bad
                                 * records do not keep it back; the name *.npy makes ink_job_embed write a NumPy
                                 * array */
    size_t threads;             /* 0: ink_threads_default() */
    size_t max_length;          /* tokens; 0: the model's own (ink_job_tokenize: no limit) */
    size_t batch_tokens;        /* rows a worker computes at once; 0: a measured default */
    bool stop_on_error;         /* the first bad record ends the job; default: it is reported in its place */
    bool all_scores;            /* classify: the score of every label */
    bool normalize;             /* embed: vectors of length 1 */
    ink_pooling pooling;        /* embed */
    bool parse_special;         /* tokens such as [MASK] in the text are special tokens */
    ink_job_callback *progress; /* may be NULL */
    void *user;
    const char *rejects; /* where bad records go, in the same lines, instead of to output: a file, which is
                          * treated as output is. NULL: to output */
    const char *const *keep; /* [n_keep] fields that pass through into the result, behind its own, as they
                              * stood; one whose name results use ("label", "score") as "input_label" */
    size_t n_keep;
    bool keep_all; /* all fields do, but for the text's, text_pair's and id's; not with lines and documents */
    size_t top_k;  /* classify: "top":[{"label":...,"score":...},...] with so many; 0: none */
    double threshold;     /* classify, of a multi-label model: scores from here on are labels; 0: the
                           * calibration's thresholds, else 0.5 */
    size_t shard, shards; /* only the records shard, shard + shards, shard + 2 shards and so on are done: the
                           * first is number 1. The shards' outputs, a line from each in turn, are the whole
                           * output. 0: all records */
    double max_latency;   /* seconds that a result may wait to be written together with others; 0: 1 */
    bool resume; /* classify, embed to lines: output, which must be a file, can be stopped and gone on with.
                  * It grows as output.part, and output.journal says how far it is. Where there is none of
                  * them the job begins; where it is partial it goes on and ends in the bytes of a job that
                  * was never stopped, a failure or a kill costing at most the last second's work and a power
                  * cut what had not reached the disk; where it is complete nothing is done. INK_E_ARG where
                  * the model, an option or the input is another than it was */
    ink_long_texts long_texts;       /* classify, embed */
    ink_output_format output_format; /* classify. rejects are lines of JSON always */
} ink_job_options;
#define INK_JOB_OPTIONS_INIT                                                                                 \
    {                                                                                                        \
        1, NULL, 0, INK_FORMAT_AUTO, 0, NULL, NULL, NULL, NULL, 0, 0, 0, false, false, false,                \
            INK_POOLING_AUTO, false, NULL, NULL, NULL, NULL, 0, false, 0, 0, 0, 0, 0, false,                 \
            {INK_LONG_TRUNCATE, 0, INK_LONG_POOLING_AUTO}, INK_OUTPUT_JSONL                                  \
    }

/* What a job did. Also filled when it fails. */
typedef struct ink_job_report {
    uint64_t records; /* done, the failed ones included; where stop_on_error ended the job, those before the
                       * bad one */
    uint64_t failed;  /* bad records: their lines say {"id":...,"error":"..."} */
    uint64_t failed_by[INK_BADS]; /* failed, kind by kind */
    uint64_t truncated;           /* records of which only the beginning was used */
    uint64_t tokens;              /* tokens computed, by this call */
    uint64_t bad_bytes;           /* ill-formed UTF-8 sequences read as U+FFFD */
    double seconds;
    char first_error[512]; /* the first bad record's sentence, or "" */
    uint64_t unread;       /* inputs read to the end of their compressed data, with something else behind it
                            * that was not read. With stop_on_error the first one fails the job */
    char notes[1024]; /* what of the inputs was left out although nothing failed, a sentence a line: pipes,
                       * sockets and devices in a folder, and what unread counts; or "" */
    uint64_t resumed; /* of records, those that were there before this call: the other counts, but for tokens,
                       * are of them all */
    bool complete;    /* with resume: they were all there, and nothing was left to do */
} ink_job_report;

/* One line a record: {"id":...,"label":"positive","score":0.998012,"tokens":37,"used":37,"truncated":false},
 * and behind truncated, where texts are chunked, "windows":1; behind the score, of a model that has an
 * abstain rule, "abstain":true where it withholds the record, and "abstain":false where it decides. report
 * and options may not be NULL.
 *
 * INK_E_ARG    the model has no classification head
 * INK_E_FORMAT the rest of an input cannot be read; or not one of the first thousand records has the fields
 *              that were asked for
 * INK_E_IO     an input cannot be read, or the output cannot be written (a full disk, a closed pipe)
 * others       as ink_model_open and ink_classify */
INK_API INK_NODISCARD ink_status ink_job_classify(ink_job_report *report, const ink_model *model,
                                                  const ink_job_options *options, ink_error *err);

/* One line a record: {"id":...,"embedding":[...]}; or a float32 NumPy array [records, H], where a bad
 * record's row is NaN. */
INK_API INK_NODISCARD ink_status ink_job_embed(ink_job_report *report, const ink_model *model,
                                               const ink_job_options *options, ink_error *err);

/* One line a record: {"id":...,"ids":[...],"tokens":[...],"offsets":[[begin,end],...]}. */
INK_API INK_NODISCARD ink_status ink_job_tokenize(ink_job_report *report, const ink_tokenizer *tokenizer,
                                                  const ink_job_options *options, ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
