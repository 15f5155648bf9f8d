/* Records in the order of their scores, and what depends on the order alone: the area under the ROC curve as
 * the Wilcoxon-Mann-Whitney statistic (ties count half), average precision, and ranks for Spearman's
 * correlation. Sorted once; after that any weighting of the records costs one pass. */
#ifndef INK_TRAIN_RANKINGS_H
#define INK_TRAIN_RANKINGS_H

#include "core/status.h"

/* From the highest score down; records of the same score form a run. An entry is the record's number * 4,
 * plus 2 where a run begins, plus 1 where the record is positive. */
typedef struct ink__ranking {
    uint32_t *entries; /* [n] */
    size_t n;
} ink__ranking;

enum { INK__RANKED_MAX = 1 << 30 }; /* records */

/* Ranks records 0 to n-1 by key(i); positive (NULL: nothing is) tells the class. Both get `from` and the
 * record's number. */
typedef double ink__rank_key(const void *from, size_t i);
typedef bool ink__rank_positive(const void *from, size_t i);
ink_status ink__ranking_create(ink__ranking *ranking, size_t n, ink__rank_key *key,
                               ink__rank_positive *positive, const void *from, ink_error *err);
void ink__ranking_free(ink__ranking *ranking);

/* Record i counts weights[i] times (NULL: once). *auc is NaN unless there are positives and others, and
 * *average_precision unless there are positives: the sum over runs of (growth of recall) * precision. */
void ink__ranking_areas(double *auc, double *average_precision, const ink__ranking *ranking,
                        const uint32_t *weights);

/* ranks [n]: each record's place from the top, runs sharing their mean place. A record that counts w times
 * takes w places; records that do not count get the place they would have. */
void ink__ranking_ranks(double *ranks, const ink__ranking *ranking, const uint32_t *weights);

#endif
