/* Batches in pieces, their losses, and updates: see trainer.h. */
#include "train/trainer.h"
#include "core/memory.h"
#include "core/threads.h"
#include "nn/softmax.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ink_status create(ink__trainer *t, ink_error *err)
{
    const ink__trainer_options *o = &t->options;
    const size_t B = t->max_sequences, C = t->config->C;
    size_t cells;
    if (!ink__mul(&cells, B, C))
        return ink_fail(err, INK_E_SHAPE, "%zu sequences with %zu labels", B, C);
    INK_TRY(ink__calloc(&t->ids, t->max_rows, sizeof *t->ids, "batch", err));
    INK_TRY(ink__calloc(&t->types, t->max_rows, sizeof *t->types, "batch", err));
    INK_TRY(ink__calloc(&t->offsets, B + 1, sizeof *t->offsets, "batch", err));
    INK_TRY(ink__calloc(&t->classes, B, sizeof *t->classes, "batch", err));
    INK_TRY(ink__calloc(&t->targets, cells, sizeof *t->targets, "batch", err));
    INK_TRY(ink__calloc(&t->dlogits, cells, sizeof *t->dlogits, "batch", err));
    INK_TRY(
        ink__network_create(&t->network, t->config, t->store, o->backend, t->max_rows, B, o->threads, err));
    INK_TRY(ink__optimizer_create(&t->optimizer, o->optimizer, t->store, t->network.passes, o->threads, err));
    t->optimizer.decay = o->decay, t->optimizer.max_grad_norm = o->max_grad_norm;
    return o->objective->create ? o->objective->create(t, err) : INK_OK;
}

ink_status ink__trainer_create(ink__trainer *trainer, const ink__config *config, ink__store *store,
                               const ink__trainer_options *options, ink_error *err)
{
    enum { SHORTEST = 2 }; /* no text has fewer tokens than the special ones */
    const size_t rows = options->piece_tokens > options->longest ? options->piece_tokens : options->longest;
    *trainer = (ink__trainer){.options = *options,
                              .config = config,
                              .store = store,
                              .max_rows = rows,
                              .max_sequences = rows / SHORTEST + 1};
    if (!options->objective)
        trainer->options.objective = &ink__objective_labels;
    const int before = ink__omp_enter(options->threads);
    const ink_status st = create(trainer, err);
    ink__omp_leave(before);
    if (st != INK_OK)
        ink__trainer_free(trainer);
    return st;
}

void ink__trainer_free(ink__trainer *trainer)
{
    if (trainer->own)
        trainer->options.objective->free(trainer);
    ink__network_free(&trainer->network);
    ink__optimizer_free(&trainer->optimizer);
    free(trainer->ids);
    free(trainer->types);
    free(trainer->offsets);
    free(trainer->classes);
    free(trainer->targets);
    free(trainer->dlogits);
    *trainer = (ink__trainer){0};
}

static size_t length_of(const ink__dataset *data, size_t i)
{
    return data->offsets[i + 1] - data->offsets[i];
}

/* Lays records one after the other into the piece until it is full; returns how many fit. records NULL: the
 * dataset's own, from `first` on. */
static size_t fill_piece(ink_batch *batch, ink__trainer *t, const ink__dataset *data, const uint32_t *records,
                         size_t first, size_t end)
{
    size_t B = 0, R = 0;
    for (size_t i = first; i < end && B < t->max_sequences; ++i, ++B) {
        const size_t record = records ? records[i] : i, len = length_of(data, record);
        if (R + len > t->max_rows || (B > 0 && R + len > t->options.piece_tokens))
            break;
        memcpy(t->ids + R, data->ids + data->offsets[record], len * sizeof *t->ids);
        if (data->types)
            memcpy(t->types + R, data->types + data->offsets[record], len * sizeof *t->types);
        R += len;
        t->offsets[B + 1] = R;
    }
    *batch = (ink_batch){t->ids, data->types && t->config->T > 0 ? t->types : NULL, t->offsets, B};
    return B;
}

double ink__trainer_divisor(const ink__trainer *t, const ink__dataset *data, const uint32_t *records,
                            size_t count)
{
    return t->options.objective->divisor(t, data, records, count, (uint32_t)t->optimizer.updates);
}

/* All pieces of a batch; update UINT32_MAX: measured only. */
static ink_status learn(double *loss, ink__trainer *t, const ink__dataset *data, const uint32_t *records,
                        size_t count, double divisor, uint32_t update, ink_error *err)
{
    size_t rows = 0;
    *loss = 0;
    for (size_t i = 0; i < count; ++i)
        rows += length_of(data, records[i]);
    for (size_t first = 0, B; first < count; first += B) {
        const ink__dropping drop = {
            .seed = t->options.seed, .step = update, .first_row = t->rows, .first_sequence = t->sequences};
        ink__piece piece = {.data = data,
                            .records = records + first,
                            .drop = update == UINT32_MAX ? NULL : &drop,
                            .update = update,
                            .first_row = t->rows,
                            .divisor = divisor,
                            .rows = (double)rows};
        double share;
        B = fill_piece(&piece.batch, t, data, records, first, count);
        if (B == 0)
            return ink_fail(err, INK_E_SHAPE, "a record of %zu tokens, planned for %zu",
                            length_of(data, records[first]), t->max_rows);
        INK_TRY(t->options.objective->learn(&share, t, &piece, err));
        if (!isfinite(share))
            return ink_fail(err, INK_E_NUMERIC, "the loss is %g in update %llu", share,
                            (unsigned long long)t->optimizer.updates + 1);
        *loss += share;
        t->rows += (uint32_t)piece.batch.offsets[B], t->sequences += (uint32_t)B;
    }
    return INK_OK;
}

ink_status ink__trainer_learn(double *loss, ink__trainer *trainer, const ink__dataset *data,
                              const uint32_t *records, size_t count, double divisor, ink_error *err)
{
    const int before = ink__omp_enter(trainer->options.threads);
    const uint32_t update = (uint32_t)trainer->optimizer.updates;
    const ink_status st = learn(loss, trainer, data, records, count, divisor, update, err);
    ink__omp_leave(before);
    return st;
}

static void begin(ink__trainer *t)
{
    t->rows = t->sequences = 0, t->tally = (ink__tally){0};
}

const char *const ink__figure_names[INK__FIGURES] = {"generator_loss", "discriminator_loss",
                                                     "discriminator_accuracy", "replaced_found"};

static double share_of(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : NAN;
}

void ink__trainer_tell(double *accuracy, double *figures, const ink__trainer *trainer)
{
    const ink__tally *tally = &trainer->tally;
    *accuracy = share_of(tally->guessed, tally->asked);
    figures[INK__GENERATOR_LOSS] = tally->judged && tally->asked ? tally->generator_loss : NAN;
    figures[INK__DISCRIMINATOR_LOSS] = tally->judged ? tally->discriminator_loss : NAN;
    figures[INK__DISCRIMINATOR_ACCURACY] = share_of(tally->right, tally->judged);
    figures[INK__REPLACED_FOUND] = share_of(tally->found, tally->replaced);
}

ink_status ink__trainer_measure(double *loss, double *accuracy, double *figures, ink__trainer *trainer,
                                const ink__dataset *data, const uint32_t *records, size_t count,
                                ink_error *err)
{
    const ink__objective *objective = trainer->options.objective;
    const int before = ink__omp_enter(trainer->options.threads);
    begin(trainer);
    const double divisor = objective->divisor(trainer, data, records, count, UINT32_MAX);
    const ink_status st = learn(loss, trainer, data, records, count, divisor, UINT32_MAX, err);
    ink__trainer_tell(accuracy, figures, trainer);
    begin(trainer);
    ink__omp_leave(before);
    return st;
}

ink_status ink__trainer_update(double *norm, ink__trainer *trainer, double lr, ink_error *err)
{
    const int before = ink__omp_enter(trainer->options.threads);
    const ink_status st = ink__optimizer_step(norm, &trainer->optimizer, lr, err);
    ink__omp_leave(before);
    begin(trainer);
    return st;
}

static ink_status score(float *scores, ink__trainer *t, const ink__dataset *data, ink_error *err)
{
    const size_t C = t->config->C;
    for (size_t first = 0, B; first < data->n; first += B) {
        ink_batch batch;
        B = fill_piece(&batch, t, data, NULL, first, data->n);
        if (B == 0)
            return ink_fail(err, INK_E_SHAPE, "a record of %zu tokens, planned for %zu",
                            length_of(data, first), t->max_rows);
        INK_TRY(ink__network_forward(&t->network, &batch, NULL, err));
        float *out = scores + first * C; /* [B,C] */
        if (t->options.task == INK__TASK_MULTI)
            ink_sigmoid_forward(out, t->network.logits, B * C);
        else if (t->options.task == INK__TASK_REGRESSION)
            memcpy(out, t->network.logits, B * C * sizeof *out);
        else
            ink_softmax_forward(out, t->network.logits, B, C);
    }
    return INK_OK;
}

ink_status ink__trainer_score(float *scores, ink__trainer *trainer, const ink__dataset *data, ink_error *err)
{
    const int before = ink__omp_enter(trainer->options.threads);
    const ink_status st = score(scores, trainer, data, err);
    ink__omp_leave(before);
    return st;
}
