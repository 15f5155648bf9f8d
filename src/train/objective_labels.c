/* Learning labels, and what a teacher says of them: see ink__objective_labels in trainer.h. Of a record with
 * the teacher's logits t, temperature T and weight A, the loss is, by the task,
 *
 *   one label        (1 - A) cross-entropy          + A m T^2 KL(softmax(t / T) || softmax(z / T))
 *   several labels   (1 - A) binary cross-entropy   + A T^2 sum_c KL(s(t_c / T) || s(z_c / T))
 *   a value          (1 - A) (z - y)^2              + A (z - t)^2
 *
 * and of one without labels the second term alone (Hinton, Vinyals and Dean, arXiv 1503.02531; unlabelled
 * texts as in Tang et al., arXiv 1903.12136). m is the mean class weight of the records with labels: it keeps
 * the balance of the two terms whatever the scale of the weights, and counts in the divisor, the sum of the
 * classes' weights, for records without labels. Without class weights the divisor is the number of records.
 */
#include "core/memory.h"
#include "nn/loss.h"
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_labelled(const ink__trainer *t, size_t record)
{
    return !t->options.soft || record < t->options.soft->labelled;
}

static void targets_of(ink__trainer *t, const ink__dataset *data, const uint32_t *records, size_t B)
{
    const size_t C = t->config->C;
    if (t->options.task == INK__TASK_MULTI)
        memset(t->targets, 0, B * C * sizeof *t->targets);
    for (size_t b = 0; b < B; ++b) {
        const size_t i = records[b];
        switch (t->options.task) {
        case INK__TASK_MULTI:
            for (size_t k = data->label_offsets[i]; k < data->label_offsets[i + 1]; ++k)
                t->targets[b * C + data->labels[k]] = 1;
            break;
        case INK__TASK_REGRESSION:
            t->targets[b] = data->values[i];
            break;
        default:
            t->classes[b] = is_labelled(t, i) ? (int32_t)data->labels[data->label_offsets[i]] : -1;
            break;
        }
    }
}

/* The share of rows [first, first + B) of the piece; its gradient goes to t->dlogits. */
static double loss_of(ink__trainer *t, double divisor, size_t first, size_t B)
{
    const ink__trainer_options *o = &t->options;
    const size_t C = t->config->C, at = first * C;
    const float *logits = t->network.logits + at;
    switch (o->task) {
    case INK__TASK_MULTI:
        return ink_binary_cross_entropy(t->dlogits + at, logits, t->targets + at, o->class_weights, divisor,
                                        B, C);
    case INK__TASK_REGRESSION:
        return ink_squared_error(t->dlogits + at, logits, t->targets + at, divisor, B);
    default:
        return ink_cross_entropy(t->dlogits + at, logits, t->classes + first, o->class_weights,
                                 o->label_smoothing, divisor, B, C);
    }
}

/* What the teacher's answer for row b costs; its gradient goes to dz [C]. */
static double soft_loss_of(float *dz, const ink__trainer *t, size_t record, double divisor, size_t b)
{
    const ink__soft *soft = t->options.soft;
    const size_t C = t->config->C;
    const float *z = t->network.logits + b * C, *teacher = soft->logits + soft->texts[record] * C;
    switch (t->options.task) {
    case INK__TASK_MULTI:
        return ink_binary_distillation(dz, z, teacher, soft->temperature, divisor, 1, C);
    case INK__TASK_REGRESSION:
        return ink_squared_error(dz, z, teacher, divisor, 1);
    default:
        return ink_distillation(dz, z, teacher, soft->temperature, divisor / soft->mean_weight, 1, C);
    }
}

/* The piece's share of both terms, row by row. */
static double mixed_loss_of(ink__trainer *t, const ink__piece *piece)
{
    const double A = t->options.soft->weight;
    const size_t C = t->config->C;
    float *dsoft = t->own; /* [C] */
    double loss = 0;
    for (size_t b = 0; b < piece->batch.B; ++b) {
        const size_t record = piece->records[b];
        float *dz = t->dlogits + b * C; /* [C] */
        if (is_labelled(t, record))
            loss += (1 - A) * loss_of(t, piece->divisor, b, 1);
        else
            memset(dz, 0, C * sizeof *dz);
        loss += A * soft_loss_of(dsoft, t, record, piece->divisor, b);
        for (size_t c = 0; c < C; ++c)
            dz[c] = (float)((1 - A) * dz[c] + A * dsoft[c]);
    }
    return loss;
}

static double divisor_of(const ink__trainer *t, const ink__dataset *data, const uint32_t *records,
                         size_t count, uint32_t update)
{
    double weights = 0;
    (void)update;
    if (t->options.task == INK__TASK_MULTI)
        return (double)count * (double)t->config->C;
    if (t->options.task == INK__TASK_REGRESSION || !t->options.class_weights)
        return (double)count;
    for (size_t i = 0; i < count; ++i)
        weights += is_labelled(t, records[i])
                       ? (double)t->options.class_weights[data->labels[data->label_offsets[records[i]]]]
                       : t->options.soft->mean_weight;
    return weights;
}

static ink_status learn(double *loss, ink__trainer *t, const ink__piece *piece, ink_error *err)
{
    INK_TRY(ink__network_forward(&t->network, &piece->batch, piece->drop, err));
    targets_of(t, piece->data, piece->records, piece->batch.B);
    *loss = t->options.soft ? mixed_loss_of(t, piece) : loss_of(t, piece->divisor, 0, piece->batch.B);
    if (!piece->drop || !isfinite(*loss))
        return INK_OK;
    return ink__network_backward(&t->network, &piece->batch, t->dlogits, piece->drop, err);
}

static ink_status create(ink__trainer *t, ink_error *err)
{
    return t->options.soft ? ink__calloc(&t->own, t->config->C, sizeof(float), "batch", err) : INK_OK;
}

static void release(ink__trainer *t)
{
    free(t->own);
}

const ink__objective ink__objective_labels = {
    .create = create, .free = release, .divisor = divisor_of, .learn = learn};
