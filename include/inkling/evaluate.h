/* How good a model is on records whose answers are known: metrics with 95% intervals, label by label, group
 * by group, beside another model, and the worst mistakes. */
#ifndef INKLING_EVALUATE_H
#define INKLING_EVALUATE_H

#include <inkling/base.h>
#include <inkling/job.h>
#include <inkling/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A number and its 95% interval: percentiles of bootstrap resamples. NaN where undefined. */
typedef struct ink_estimate {
    double value, low, high;
} ink_estimate;

/* One metric of two models on the same records. */
typedef struct ink_difference {
    double first, second;    /* of the model, of the one it is compared with */
    double value, low, high; /* second - first, and its interval over paired resamples */
    double p;                /* two-sided, of the paired bootstrap */
} ink_difference;

typedef struct ink_evaluate_options {
    uint32_t version;          /* 1 */
    const char *const *inputs; /* as in ink_job_options, and so down to id */
    size_t n_inputs;
    ink_format format;
    char delimiter;
    const char *text, *text_pair, *id;
    const char *label;        /* field of the truth: "label"; NULL: "label", or a list "labels" */
    const char *slice;        /* NULL, or a field whose values make groups that are measured apart */
    const ink_model *compare; /* NULL, or a model with the same labels to measure beside it */
    size_t threads;           /* 0: ink_threads_default() */
    size_t max_length;        /* tokens used of one text; 0: the model's own */
    size_t batch_tokens;      /* as in ink_job_options */
    bool leave_out_bad; /* bad records (unreadable, unlabelled, of an unknown label) are counted and left out;
                         * default: the first one ends the evaluation */
    bool keep_mistakes; /* keep ids and texts of mistakes, for the report and for write_mistakes */
    bool parse_special; /* see ink_encode_options */
    uint64_t seed;      /* of the resamples: the same seed gives the same bytes */
    ink_job_callback *progress; /* may be NULL */
    void *user;
    ink_long_texts long_texts;
} ink_evaluate_options;
#define INK_EVALUATE_OPTIONS_INIT                                                                            \
    {                                                                                                        \
        1, NULL, 0, INK_FORMAT_AUTO, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, false, false, false,    \
            42, NULL, NULL,                                                                                  \
        {                                                                                                    \
            INK_LONG_TRUNCATE, 0, INK_LONG_POOLING_AUTO                                                      \
        }                                                                                                    \
    }

typedef struct ink_metric {
    const char *key;   /* "macro_f1": its name in files; static */
    const char *title; /* "macro F1": its name for people; static */
    bool less_is_better;
    ink_estimate estimate;
} ink_metric;

/* One label's part. auc and average_precision are of its score against the rest. */
typedef struct ink_label_result {
    const char *label;
    uint64_t records; /* that have it */
    uint64_t given;   /* that the model gave it to */
    uint64_t right;   /* both */
    double precision, recall;
    ink_estimate f1;
    double auc, average_precision; /* NaN where undefined, and of two labels that exclude each other for the
                                    * first: the second's says all */
} ink_label_result;

/* Records from which on a group is worth an interval and a comparison. */
#define INK_GROUP_RECORDS 20

/* The records of one value of the slice field. */
typedef struct ink_group {
    const char *name; /* the value; "" for records without the field */
    uint64_t records;
    const ink_estimate *metrics; /* [n_metrics] without intervals below INK_GROUP_RECORDS: the resamples of a
                                  * handful of records say nothing of others */
} ink_group;

/* The group that is best at a metric and the one that is worst, among those of INK_GROUP_RECORDS at least.
 * The two were picked for being so: of many groups, two differ by chance alone. */
typedef struct ink_gap {
    const char *best, *worst; /* NULL: there are no two such groups */
    ink_estimate gap;         /* how much better the best is: 0 or more */
} ink_gap;

/* Everything found. Filled by the library, read by the caller; it may grow at its end. */
typedef struct ink_evaluation {
    uint64_t records;  /* measured */
    uint64_t left_out; /* bad ones, see leave_out_bad */
    uint64_t truncated, tokens, bad_bytes;
    double seconds;
    char first_error[512]; /* of the records left out */
    uint64_t unread;       /* as in ink_job_report, with leave_out_bad; so are */
    char notes[1024];

    ink_activation kind;
    const ink_metric *metrics; /* [n_metrics] the most important first */
    size_t n_metrics;
    const ink_label_result *labels; /* [n_labels] in the model's order; none for regression */
    size_t n_labels;
    const uint64_t *confusion;   /* [C,C] truth by prediction, where one label of C is given; else NULL */
    double baseline;             /* accuracy of always saying baseline_label; regression: MSE of always saying
                                  * the mean; NaN for multi-label */
    const char *baseline_label;  /* the most frequent label, or NULL */
    const char *const *warnings; /* [n_warnings] sentences */
    size_t n_warnings;

    const char *slice;       /* the field, or NULL */
    const ink_group *groups; /* [n_groups] in byte order of their names */
    size_t n_groups;
    const ink_gap *gaps; /* [n_metrics] if there are groups, else NULL */

    const ink_difference *differences; /* [n_metrics] if a model was compared, else NULL */
    uint64_t only_first, only_second;  /* records that only one of them is right on */
    double mcnemar_p;                  /* two-sided; NaN for regression */
    bool mcnemar_exact;                /* binomial, as for fewer than 25 such records; else chi-square with
                                        * continuity correction */

    const ink_calibration *calibration; /* the model's, or NULL; then: */
    ink_estimate uncalibrated_log_loss; /* at a temperature of 1 */
    ink_estimate uncalibrated_ece;
    uint64_t decided;       /* records that the abstain rule does not withhold; all of them without one */
    uint64_t decided_wrong; /* those labelled wrongly */
    ink_estimate
        coverage;      /* share decided, and of these the share that is wrong, with intervals of Clopper */
    ink_estimate risk; /* and Pearson. NaN without a rule, and where none is decided */
} ink_evaluation;

/* Scores every record of the inputs and measures. Texts are read and computed as ink_job_classify does;
 * memory is 4 bytes per record and label (8 with rankings), and the texts kept. Costs 1,000 passes over the
 * scores for the intervals.
 *
 * INK_E_ARG     the model has no classification head; the compared model's labels are others
 * INK_E_FORMAT  a bad record, with file and line; no records at all; a slice of more than 100 values
 * others        as ink_job_classify */
INK_API INK_NODISCARD ink_status ink_evaluate(ink_evaluation **evaluation, const ink_model *model,
                                              const ink_evaluate_options *options, ink_error *err);
INK_API void ink_evaluation_free(ink_evaluation *evaluation); /* NULL is fine */

/* The metric of that key, or NULL. Borrowed. */
INK_API const ink_metric *ink_evaluation_metric(const ink_evaluation *evaluation, const char *key);

/* {"n":872,"accuracy":{"value":0.916284,"low":0.897936,"high":0.934633},...}; null where a number is
 * undefined. A file appears whole or not at all; NULL or "-" is standard output. So the other two. */
INK_API INK_NODISCARD ink_status ink_evaluation_write_json(const ink_evaluation *evaluation, const char *path,
                                                           ink_error *err);

/* The mistakes, one JSON object a line, worst first: by the loss of the truth; for values, all records by
 * their error. INK_E_ARG without keep_mistakes. */
INK_API INK_NODISCARD ink_status ink_evaluation_write_mistakes(const ink_evaluation *evaluation,
                                                               const char *path, ink_error *err);

/* One HTML page with its charts in it: no script, nothing fetched. title names the model and the data. */
INK_API INK_NODISCARD ink_status ink_evaluation_write_report(const ink_evaluation *evaluation,
                                                             const char *path, const char *title,
                                                             ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
