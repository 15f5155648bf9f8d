/* Metrics, the part that all kinds of heads share: see metrics.h. */
#include "train/metrics.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ink__metric single[INK__SINGLE_COUNT] = {
    [INK__SINGLE_ACCURACY] = {"accuracy", "accuracy", false, false},
    [INK__SINGLE_MACRO_F1] = {"macro_f1", "macro F1", false, false},
    [INK__SINGLE_MICRO_F1] = {"micro_f1", "micro F1", false, false},
    [INK__SINGLE_WEIGHTED_F1] = {"weighted_f1", "weighted F1", false, false},
    [INK__SINGLE_MACRO_PRECISION] = {"macro_precision", "macro precision", false, false},
    [INK__SINGLE_MACRO_RECALL] = {"macro_recall", "macro recall", false, false},
    [INK__SINGLE_MCC] = {"mcc", "MCC", false, false},
    [INK__SINGLE_AUC] = {"auc", "AUC", false, false},
    [INK__SINGLE_LOG_LOSS] = {"log_loss", "log loss", true, false},
    [INK__SINGLE_BRIER] = {"brier", "Brier score", true, false},
    [INK__SINGLE_ECE] = {"ece", "ECE", true, true},
};
static const ink__metric multi[INK__MULTI_COUNT] = {
    [INK__MULTI_MICRO_F1] = {"micro_f1", "micro F1", false, false},
    [INK__MULTI_MACRO_F1] = {"macro_f1", "macro F1", false, false},
    [INK__MULTI_SAMPLES_F1] = {"samples_f1", "samples F1", false, false},
    [INK__MULTI_MICRO_PRECISION] = {"micro_precision", "micro precision", false, false},
    [INK__MULTI_MICRO_RECALL] = {"micro_recall", "micro recall", false, false},
    [INK__MULTI_MACRO_PRECISION] = {"macro_precision", "macro precision", false, false},
    [INK__MULTI_MACRO_RECALL] = {"macro_recall", "macro recall", false, false},
    [INK__MULTI_SUBSET_ACCURACY] = {"subset_accuracy", "subset accuracy", false, false},
    [INK__MULTI_HAMMING_LOSS] = {"hamming_loss", "Hamming loss", true, false},
    [INK__MULTI_AUC] = {"auc", "macro AUC", false, false},
    [INK__MULTI_AVERAGE_PRECISION] = {"average_precision", "macro avg. precision", false, false},
    [INK__MULTI_LOG_LOSS] = {"log_loss", "log loss", true, false},
    [INK__MULTI_BRIER] = {"brier", "Brier score", true, false},
    [INK__MULTI_ECE] = {"ece", "ECE", true, true},
};
static const ink__metric value[INK__VALUE_COUNT] = {
    [INK__VALUE_MSE] = {"mse", "MSE", true, false},
    [INK__VALUE_RMSE] = {"rmse", "RMSE", true, false},
    [INK__VALUE_MAE] = {"mae", "MAE", true, false},
    [INK__VALUE_R2] = {"r2", "R2", false, false},
    [INK__VALUE_PEARSON] = {"pearson", "Pearson", false, false},
    [INK__VALUE_SPEARMAN] = {"spearman", "Spearman", false, false},
};

const ink__metric *ink__metrics_list(size_t *count, ink_activation kind)
{
    switch (kind) {
    case INK_ACTIVATION_SOFTMAX:
        *count = INK__SINGLE_COUNT;
        return single;
    case INK_ACTIVATION_SIGMOID:
        *count = INK__MULTI_COUNT;
        return multi;
    case INK_ACTIVATION_NONE:
        break;
    }
    *count = INK__VALUE_COUNT;
    return value;
}

bool ink__metric_find(size_t *at, ink_activation kind, const char *key)
{
    size_t count;
    const ink__metric *list = ink__metrics_list(&count, kind);
    for (*at = 0; *at < count; ++*at)
        if (strcmp(list[*at].key, key) == 0)
            return true;
    return false;
}

static ink_status check(const ink__judged *j, ink_error *err)
{
    size_t entries;
    if (j->n == 0 || j->C == 0)
        return ink_fail(err, INK_E_ARG, "%zu records with %zu labels: nothing to measure", j->n, j->C);
    if (j->n > INK__RANKED_MAX || !ink__mul(&entries, j->n, j->C))
        return ink_fail(err, INK_E_SHAPE, "%zu records, at most %d", j->n, INK__RANKED_MAX);
    for (size_t i = 0; i < entries; ++i)
        if (!isfinite(j->scores[i]))
            return ink_fail(err, INK_E_NUMERIC, "score %zu of record %zu is not finite", i % j->C, i / j->C);
    return INK_OK;
}

ink_status ink__metrics_create(ink__metrics **metrics, const ink__judged *judged, ink_error *err)
{
    ink__metrics *m;
    *metrics = NULL;
    INK_TRY(check(judged, err));
    INK_TRY(ink__calloc(&m, 1, sizeof *m, "metrics", err));
    m->judged = *judged;
    m->list = ink__metrics_list(&m->count, judged->kind);
    m->width = m->count;
    const ink_status st = judged->kind == INK_ACTIVATION_NONE ? ink__metrics_judge_values(m, err)
                                                              : ink__metrics_judge_labels(m, err);
    if (st == INK_OK)
        *metrics = m;
    else
        ink__metrics_free(m);
    return st;
}

void ink__metrics_free(ink__metrics *m)
{
    if (!m)
        return;
    for (size_t k = 0; k < m->n_rankings; ++k)
        ink__ranking_free(&m->rankings[k]);
    free(m->rankings);
    free(m->predicted);
    free(m->given);
    free(m->exact);
    free(m->loss);
    free(m->squared);
    free(m->f1);
    free(m->bin);
    free(m);
}

ink_status ink__measures_create(ink__measures *measures, const ink__metrics *m, ink_error *err)
{
    const bool labels = m->judged.kind != INK_ACTIVATION_NONE;
    ink_status st;
    *measures = (ink__measures){0};
    INK_TRY_GOTO(ink__calloc(&measures->values, m->width, sizeof *measures->values, "metrics", err));
    if (labels)
        INK_TRY_GOTO(ink__calloc(&measures->classes, m->judged.C, sizeof *measures->classes, "metrics", err));
    else
        INK_TRY_GOTO(ink__calloc(&measures->ranks, m->judged.n, 2 * sizeof *measures->ranks, "ranks", err));
done:
    if (st != INK_OK)
        ink__measures_free(measures);
    return st;
}

void ink__measures_free(ink__measures *measures)
{
    free(measures->values);
    free(measures->classes);
    free(measures->ranks);
    *measures = (ink__measures){0};
}

void ink__measure(ink__measures *measures, const ink__metrics *m, const uint32_t *weights)
{
    if (m->judged.kind == INK_ACTIVATION_NONE)
        ink__measure_values(measures, m, weights);
    else
        ink__measure_labels(measures, m, weights);
}
