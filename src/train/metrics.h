/* What a model is worth on records whose answers are known: computations over arrays, without files or
 * models.
 *
 * The definitions are scikit-learn's, and a ratio whose divisor is 0 is 0 as there; where scikit-learn would
 * refuse or warn of an undefined number, it is NaN here. In one place for every kind of head:
 *
 * softmax (one label of C)
 *   accuracy, micro F1 (equal to it), MCC   as accuracy_score, matthews_corrcoef
 *   macro and weighted averages             over the labels that truth or predictions hold, as f1_score
 *   AUC        roc_auc_score: two labels, of the second one's score; more, the mean over labels that some but
 *              not all records have, each against the rest
 *   log loss   log_loss: natural logarithm, scores clipped to 2^-52 from 0 and 1
 *   Brier      brier_score_loss: two labels, (score of the second - truth)^2, 0 to 1; more, summed over the
 *              labels, 0 to 2
 *   ECE        |accuracy - mean score| over 15 bins of equal width of the top score, weighted by their
 *              records (Guo et al., "On calibration of modern neural networks", 2017); a bin holds its upper
 *              edge
 * sigmoid (any of C labels)
 *   micro, macro, samples averages          over all C labels, as f1_score on indicator matrices
 *   subset accuracy, Hamming loss           accuracy_score, hamming_loss
 *   AUC, average precision                  roc_auc_score, average_precision_score; means over the labels
 * that some but not all records have, or that some have log loss, Brier, ECE                    means over
 * every record and label, each score by itself none (a value): MSE, RMSE, MAE, R2, Pearson's and Spearman's
 * correlation, as scikit-learn and SciPy. */
#ifndef INK_TRAIN_METRICS_H
#define INK_TRAIN_METRICS_H

#include "core/status.h"
#include "train/rankings.h"

#include <inkling/model.h>

/* Truth beside what the model said. Borrowed: the arrays must outlive what is made of them. */
typedef struct ink__judged {
    ink_activation kind;     /* says which of the three truths is set */
    size_t n, C;             /* n is 1 at least; C is 1 with INK_ACTIVATION_NONE */
    const int32_t *truth;    /* [n]   softmax: the right label, 0 to C-1 */
    const uint8_t *truths;   /* [n,C] sigmoid: 1 where the label applies, else 0 */
    const double *targets;   /* [n]   none: the right value */
    const float *scores;     /* [n,C] probabilities, or values */
    const float *thresholds; /* [C]   sigmoid: a label is given from this score on; NULL: 0.5 */
    const uint8_t *given;    /* [n,C] sigmoid: 1 where it was given, whatever the threshold; or NULL */
} ink__judged;

/* A metric's name in files and options, its name for people, and which way is better. */
typedef struct ink__metric {
    const char *key, *title;
    bool less_is_better;
    bool raised_by_resampling; /* see ink__interval_around */
} ink__metric;

/* The metrics of a kind of head, the most important first; static memory. */
const ink__metric *ink__metrics_list(size_t *count, ink_activation kind);

/* The place in that list of the metric with this key; false if there is none. */
bool ink__metric_find(size_t *at, ink_activation kind, const char *key);

/* One label's part. */
typedef struct ink__class_measures {
    uint64_t truths, given, right; /* records that have it, that were given it, both */
    double precision, recall, f1, auc, average_precision;
} ink__class_measures;

/* One bin of the reliability diagram: how many scores fell there, their sum, how many were right. */
enum { INK__BINS = 15 };
typedef struct ink__bin {
    uint64_t n, right;
    double score;
} ink__bin;

/* Everything about the records that does not depend on how often each counts. Immutable. */
typedef struct ink__metrics {
    ink__judged judged;
    const ink__metric *list;
    size_t count;           /* of list */
    size_t width;           /* count, and the F1 of every label behind it (regression: count) */
    int32_t *predicted;     /* [n] softmax: the label with the highest score, the first of equals */
    uint8_t *given;         /* [n,C] sigmoid: 1 where the score reaches the threshold */
    uint8_t *exact;         /* [n] all that was predicted is right */
    double *loss, *squared; /* [n] log loss and Brier score of each record */
    double *f1;             /* [n] sigmoid: F1 of the record's own labels */
    uint8_t *bin;           /* [n] softmax, [n,C] sigmoid */
    ink__ranking *rankings; /* [n_rankings] by score, for AUC; regression: by target and by value */
    size_t n_rankings;
} ink__metrics;

/* INK_E_ARG      no records, or a truth out of range
 * INK_E_NUMERIC  a score or target is not finite
 * INK_E_SHAPE    n is over 2^30 */
ink_status ink__metrics_create(ink__metrics **metrics, const ink__judged *judged, ink_error *err);
void ink__metrics_free(ink__metrics *metrics); /* NULL is fine */

/* Results, and the memory for computing them; made for one ink__metrics and used by one thread at a time. */
typedef struct ink__measures {
    double *values;               /* [width] NaN where undefined */
    ink__class_measures *classes; /* [C] not regression */
    ink__bin bins[INK__BINS];     /* not regression */
    double *ranks;                /* [2,n] regression */
} ink__measures;

ink_status ink__measures_create(ink__measures *measures, const ink__metrics *metrics, ink_error *err);
void ink__measures_free(ink__measures *measures);

/* All metrics of the records, each counted weights[i] times (NULL: once), so that a resample, a group and the
 * whole are measured by the same code. */
void ink__measure(ink__measures *measures, const ink__metrics *metrics, const uint32_t *weights);

/* The two halves of ink__measure and of ink__metrics_create. */
void ink__measure_labels(ink__measures *measures, const ink__metrics *metrics, const uint32_t *weights);
void ink__measure_values(ink__measures *measures, const ink__metrics *metrics, const uint32_t *weights);
ink_status ink__metrics_judge_labels(ink__metrics *metrics, ink_error *err);
ink_status ink__metrics_judge_values(ink__metrics *metrics, ink_error *err);

/* Places in the lists. */
enum {
    INK__SINGLE_ACCURACY,
    INK__SINGLE_MACRO_F1,
    INK__SINGLE_MICRO_F1,
    INK__SINGLE_WEIGHTED_F1,
    INK__SINGLE_MACRO_PRECISION,
    INK__SINGLE_MACRO_RECALL,
    INK__SINGLE_MCC,
    INK__SINGLE_AUC,
    INK__SINGLE_LOG_LOSS,
    INK__SINGLE_BRIER,
    INK__SINGLE_ECE,
    INK__SINGLE_COUNT
};
enum {
    INK__MULTI_MICRO_F1,
    INK__MULTI_MACRO_F1,
    INK__MULTI_SAMPLES_F1,
    INK__MULTI_MICRO_PRECISION,
    INK__MULTI_MICRO_RECALL,
    INK__MULTI_MACRO_PRECISION,
    INK__MULTI_MACRO_RECALL,
    INK__MULTI_SUBSET_ACCURACY,
    INK__MULTI_HAMMING_LOSS,
    INK__MULTI_AUC,
    INK__MULTI_AVERAGE_PRECISION,
    INK__MULTI_LOG_LOSS,
    INK__MULTI_BRIER,
    INK__MULTI_ECE,
    INK__MULTI_COUNT
};
enum {
    INK__VALUE_MSE,
    INK__VALUE_RMSE,
    INK__VALUE_MAE,
    INK__VALUE_R2,
    INK__VALUE_PEARSON,
    INK__VALUE_SPEARMAN,
    INK__VALUE_COUNT
};

#endif
