/* Replaced-token detection (Clark et al., "ELECTRA", arXiv 2003.10555) as an objective: see trainer.h. A
 * small generator guesses masked tokens; what is drawn from its guesses takes their place; the model, the
 * discriminator, tells of every token whether it is another than the text's.
 *
 *   loss = mean of the generator's over the masked tokens + 50 * mean of the discriminator's over all
 *
 * No gradient goes through the drawing. A token that is drawn and right counts as the text's. */
#include "core/memory.h"
#include "train/masked_head.h"
#include "train/replaced_head.h"
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The paper's lambda. */
static const double weight = 50;

/* Sets the generator's dropout apart from the discriminator's, whose places have the same numbers. */
static const uint64_t generator_seed = UINT64_C(0x67656e657261746f);

struct replaced {
    ink__network generator;
    ink__masked_head guesses;
    ink__replaced_head judges;
    uint32_t *rows;                      /* [max_rows] of a piece that are masked */
    int32_t *labels, *drawn, *originals; /* [max_rows]; the last of all rows */
};

static void free_replaced(ink__trainer *t)
{
    struct replaced *m = t->own;
    ink__masked_head_free(&m->guesses);
    ink__replaced_head_free(&m->judges);
    ink__network_free(&m->generator);
    free(m->rows);
    free(m->labels);
    free(m->drawn);
    free(m->originals);
    free(m);
    t->own = NULL;
}

static ink_status create(ink__trainer *t, ink_error *err)
{
    const ink__trainer_options *o = &t->options;
    struct replaced *m;
    INK_TRY(ink__calloc(&m, 1, sizeof *m, "masks", err));
    t->own = m;
    INK_TRY(ink__calloc(&m->rows, t->max_rows, sizeof *m->rows, "masks", err));
    INK_TRY(ink__calloc(&m->labels, t->max_rows, sizeof *m->labels, "masks", err));
    INK_TRY(ink__calloc(&m->drawn, t->max_rows, sizeof *m->drawn, "masks", err));
    INK_TRY(ink__calloc(&m->originals, t->max_rows, sizeof *m->originals, "masks", err));
    INK_TRY(ink__network_create(&m->generator, o->second_config, o->second_store, o->backend, t->max_rows,
                                t->max_sequences, o->threads, err));
    INK_TRY(ink__masked_head_create(&m->guesses, &m->generator, err));
    return ink__replaced_head_create(&m->judges, &t->network, err);
}

/* The generator's part; m->drawn becomes what it puts in the place of m->rows. */
static ink_status guess(double *loss, ink__trainer *t, const ink__piece *piece, size_t n, ink_error *err)
{
    struct replaced *m = t->own;
    const ink_batch *batch = &piece->batch;
    const bool learns = piece->drop != NULL;
    const ink__draw draw = {m->drawn, t->options.masking->seed, piece->update, piece->first_row};
    ink__dropping drop = {0};
    ink__guesses guesses;
    if (learns)
        drop = *piece->drop, drop.seed ^= generator_seed;
    INK_TRY(ink__network_encode(&m->generator, batch, learns ? &drop : NULL, err));
    INK_TRY(ink__masked_head_run(&guesses, &m->guesses, m->rows, m->labels, n, batch->offsets[batch->B],
                                 piece->divisor, learns, &draw, err));
    *loss = guesses.loss;
    t->tally.asked += n, t->tally.guessed += guesses.right, t->tally.generator_loss += guesses.loss;
    if (!learns || !isfinite(*loss))
        return INK_OK;
    return ink__network_encode_backward(&m->generator, batch, &drop, err);
}

/* The discriminator's, of the piece as it now reads. */
static ink_status judge(double *loss, ink__trainer *t, const ink__piece *piece, ink_error *err)
{
    struct replaced *m = t->own;
    const ink_batch *batch = &piece->batch;
    const size_t R = batch->offsets[batch->B];
    const bool learns = piece->drop != NULL;
    ink__judgements judgements;
    INK_TRY(ink__network_encode(&t->network, batch, piece->drop, err));
    INK_TRY(ink__replaced_head_run(&judgements, &m->judges, batch->ids, m->originals, R, piece->rows / weight,
                                   learns, err));
    *loss = judgements.loss;
    t->tally.judged += R, t->tally.right += judgements.right;
    t->tally.replaced += judgements.replaced, t->tally.found += judgements.found;
    t->tally.discriminator_loss += judgements.loss / weight;
    if (!learns || !isfinite(*loss))
        return INK_OK;
    return ink__network_encode_backward(&t->network, batch, piece->drop, err);
}

static ink_status learn(double *loss, ink__trainer *t, const ink__piece *piece, ink_error *err)
{
    struct replaced *m = t->own;
    const ink_batch *batch = &piece->batch;
    const size_t R = batch->offsets[batch->B];
    double judged;
    memcpy(m->originals, t->ids, R * sizeof *t->ids);
    const size_t n = ink__masking_apply(t->ids, m->rows, m->labels, t->options.masking, batch->offsets,
                                        batch->B, piece->update, piece->first_row);
    INK_TRY(guess(loss, t, piece, n, err));
    if (!isfinite(*loss))
        return INK_OK;
    for (size_t k = 0; k < n; ++k)
        t->ids[m->rows[k]] = m->drawn[k];
    INK_TRY(judge(&judged, t, piece, err));
    *loss += judged;
    return INK_OK;
}

const ink__objective ink__objective_replaced = {
    .name = "rtd",
    .family = "electra",
    .networks = {{NULL, INK__JUDGES}, {"generator", INK__GUESSES}},
    .n_networks = 2,
    .n_figures = INK__FIGURES,
    .create = create,
    .free = free_replaced,
    .divisor = ink__masked_divisor,
    .learn = learn};
