/* The biases of a new head: not zero, as Hugging Face's classes start them, but the constant answer that has
 * the least loss on the training data (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, §3.3
 * and §4.1, for classes that are rare).
 *
 *   several labels   b_c = log((w_c n_c + 1/2) / (n - n_c + 1/2)),  n_c of n records having label c, w_c the
 *                    weight of its positives
 *   a value          b = the mean of the values
 *
 * From zero a small encoder first learns to say no to every one of many labels, and on the way draws the
 * vectors below the head together (62 labels of nlupp: the mean cosine of two texts' goes from 0.71 to 0.91,
 * and is 0.19 where they are learned). There it stays: sixty labels at the rates that suit an encoder are not
 * learned in 1,500 updates, in PyTorch neither. One label of several starts at zero: softmax sees differences
 * alone, and they are soon learned. */
#include "core/memory.h"
#include "train/finetune_run.h"

#include <math.h>
#include <stdlib.h>

static double mean_value(const ink__dataset *set)
{
    double sum = 0;
    for (size_t i = 0; i < set->n; ++i)
        sum += (set->values[i] - sum) / (double)(i + 1); /* running, so that no sum overflows */
    return sum;
}

/* bias [C] */
static ink_status start_labels(float *bias, const ink__run *run, ink_error *err)
{
    const ink__dataset *set = &run->train;
    const double n = (double)set->n;
    size_t *counts; /* [C] */
    INK_TRY(ink__calloc(&counts, run->config.C, sizeof *counts, "labels", err));
    for (size_t k = 0; k < set->label_offsets[set->n]; ++k)
        ++counts[set->labels[k]];
    for (size_t c = 0; c < run->config.C; ++c) {
        const double weight = run->class_weights ? run->class_weights[c] : 1, with = (double)counts[c];
        bias[c] = (float)log((weight * with + 0.5) / (n - with + 0.5));
    }
    free(counts);
    return INK_OK;
}

ink_status ink__run_start_head(ink__run *run, ink_error *err)
{
    const ink__parameter *bias = ink__store_find(&run->store, INK__HEAD_OUT_B, 0);
    if (!bias || !bias->fresh || run->train.task == INK__TASK_SINGLE)
        return INK_OK;
    float *values = run->store.values + bias->at; /* [C] */
    if (run->train.task == INK__TASK_MULTI)
        return start_labels(values, run, err);
    values[0] = (float)mean_value(&run->train);
    return INK_OK;
}
