/* Masked language modelling (Devlin et al., arXiv 1810.04805) as an objective: see trainer.h. Masks are drawn
 * anew for every update; the loss is the mean over the masked tokens of a batch. */
#include "core/memory.h"
#include "train/masked_head.h"
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

struct masked {
    ink__masked_head head;
    uint32_t *rows;  /* [max_rows] of a piece that are masked */
    int32_t *labels; /* [max_rows] */
};

static void free_masked(ink__trainer *t)
{
    struct masked *m = t->own;
    ink__masked_head_free(&m->head);
    free(m->rows);
    free(m->labels);
    free(m);
    t->own = NULL;
}

static ink_status create(ink__trainer *t, ink_error *err)
{
    struct masked *m;
    INK_TRY(ink__calloc(&m, 1, sizeof *m, "masks", err));
    t->own = m;
    INK_TRY(ink__calloc(&m->rows, t->max_rows, sizeof *m->rows, "masks", err));
    INK_TRY(ink__calloc(&m->labels, t->max_rows, sizeof *m->labels, "masks", err));
    return ink__masked_head_create(&m->head, &t->network, err);
}

double ink__masked_divisor(const ink__trainer *t, const ink__dataset *data, const uint32_t *records,
                           size_t count, uint32_t update)
{
    size_t asked = 0, row = 0;
    for (size_t i = 0; i < count; ++i) {
        const size_t first = data->offsets[records[i]], length = data->offsets[records[i] + 1] - first;
        asked += ink__masking_count(t->options.masking, data->ids + first, length, update, (uint32_t)row);
        row += length;
    }
    return asked ? (double)asked : 1;
}

static ink_status learn(double *loss, ink__trainer *t, const ink__piece *piece, ink_error *err)
{
    struct masked *m = t->own;
    const ink_batch *batch = &piece->batch;
    const bool learns = piece->drop != NULL;
    ink__guesses guesses;
    const size_t n = ink__masking_apply(t->ids, m->rows, m->labels, t->options.masking, batch->offsets,
                                        batch->B, piece->update, piece->first_row);
    INK_TRY(ink__network_encode(&t->network, batch, piece->drop, err));
    INK_TRY(ink__masked_head_run(&guesses, &m->head, m->rows, m->labels, n, batch->offsets[batch->B],
                                 piece->divisor, learns, NULL, err));
    *loss = guesses.loss;
    t->tally.asked += n, t->tally.guessed += guesses.right;
    if (!learns || !isfinite(*loss))
        return INK_OK;
    return ink__network_encode_backward(&t->network, batch, piece->drop, err);
}

const ink__objective ink__objective_masked = {.name = "mlm",
                                              .family = "bert",
                                              .networks = {{NULL, INK__GUESSES}},
                                              .n_networks = 1,
                                              .create = create,
                                              .free = free_masked,
                                              .divisor = ink__masked_divisor,
                                              .learn = learn};
