/* Replaced-token detection through the trainer: the gradient of the whole loss, dropout on and the drawn
 * tokens held, is central differences; what is drawn follows the generator's softmax; pieces and threads
 * change neither masks nor what is drawn. */
#include "train/masked_head.h"
#include "train/replaced.h"
#include "train/trainer.h"

static struct pair both, *const f = &both;
static ink__masking masking;
static ink__trainer trainer;
static ink__dataset data;
static const uint32_t records[] = {0, 1, 2, 3, 4, 5, 6, 7};
static size_t n; /* of them */

#define OK(call) cr_assert((call) == INK_OK, "%s", f->err.text)

static void open_pair(void)
{
    pair_open(f);
    pair_fill(f, &f->store, "head:");
    pair_fill(f, &f->view, "generator:");
    OK(ink__masking_create(&masking, ink_model_tokenizer(f->model), 0.3, 11, &f->err));
    masking.V = f->config.V; /* the golden batch has ids that the tokenizer lacks */
    masking.kinds = realloc(masking.kinds, masking.V);
    for (size_t id = 0; id < masking.V; ++id)
        masking.kinds[id] = id < 5 ? INK__SPECIAL : INK__BEGINS_WORD;
    data = (ink__dataset){.n = f->golden.B, .offsets = f->golden.offsets, .ids = f->golden.ids};
    n = data.n < 8 ? data.n : 8;
}

static void close_pair(void)
{
    ink__masking_free(&masking);
    pair_close(f);
}

TestSuite(replaced, .init = open_pair, .fini = close_pair);

static void make(size_t piece_tokens, size_t threads, ink_backend backend)
{
    const ink__trainer_options options = {.objective = &ink__objective_replaced,
                                          .masking = &masking,
                                          .second_config = &f->config,
                                          .second_store = &f->view,
                                          .backend = backend,
                                          .threads = threads,
                                          .piece_tokens = piece_tokens,
                                          .longest = f->golden.R,
                                          .seed = 5};
    OK(ink__trainer_create(&trainer, &f->model->config, &f->store, &options, &f->err));
    ink__store_clear(&f->store);
}

/* The loss of an update, and its gradients in the store. */
static double learn(void)
{
    double loss, divisor = ink__trainer_divisor(&trainer, &data, records, n);
    ink__store_clear(&f->store);
    trainer.rows = trainer.sequences = 0, trainer.tally = (ink__tally){0};
    OK(ink__trainer_learn(&loss, &trainer, &data, records, n, divisor, &f->err));
    return loss;
}

/* As in masked_head.c. */
Test(replaced, the_gradient_is_central_differences_where_the_same_is_drawn)
{
    for (ink__drop d = 0; d < INK__DROPS; ++d)
        f->model->config.drops[d] = f->config.drops[d] = d == INK__DROP_FF_IN ? 0 : 0.1;
    make(4096, 1, INK_BACKEND_REF);
    learn();
    const size_t R = f->golden.offsets[n];
    int32_t *drawn = malloc(R * sizeof *drawn);
    float *slopes = new_floats(f->store.floats);
    memcpy(drawn, trainer.ids, R * sizeof *drawn);
    memcpy(slopes, f->store.gradients, f->store.floats * sizeof *slopes);
    size_t strong = 0;
    for (size_t k = 0; k < f->store.count; ++k) {
        const ink__parameter *p = &f->store.list[k];
        float *value = f->store.values + p->at, *way = random_floats(p->n, 1, 5), most = 1;
        float *before = new_floats(p->n);
        double slope = 0, numeric = 0;
        bool agrees = false;
        memcpy(before, value, p->n * sizeof *value);
        for (size_t e = 0; e < p->n; ++e)
            slope += (double)slopes[p->at + e] * way[e], most = fmaxf(most, fabsf(before[e]));
        for (int turn = 0; turn < 5 && !agrees; ++turn) {
            const double h = ldexp(8e-3 / sqrt((double)p->n) * most, -2 * turn);
            double losses[2];
            bool same = true;
            for (int side = 0; side < 2; ++side) {
                for (size_t e = 0; e < p->n; ++e)
                    value[e] = before[e] + (float)(side ? -h : h) * way[e];
                losses[side] = learn();
                same = same && memcmp(drawn, trainer.ids, R * sizeof *drawn) == 0;
            }
            numeric = (losses[0] - losses[1]) / (2 * h);
            agrees = same && fabs(numeric - slope) < 1e-5 / h + 0.02 * fabs(slope);
            strong += agrees && 1e-5 / h < 0.3 * fabs(slope);
        }
        memcpy(value, before, p->n * sizeof *value);
        cr_expect(agrees, "parameter %zu, %s: numeric %g, gradient %g", k, p->name, numeric, slope);
        free(way), free(before);
    }
    cr_expect(strong > f->store.count / 2, "only %zu of %zu are more than rounding", strong, f->store.count);
    free(drawn), free(slopes);
    ink__trainer_free(&trainer);
}

/* The probabilities come from losses, the draws from 4000 updates; chi-square over all rows and tokens. */
Test(replaced, what_is_drawn_follows_the_softmax)
{
    enum { ROWS = 6, UPDATES = 4000 };
    static const uint32_t rows[ROWS] = {1, 4, 9, 10, 20, 33};
    const size_t V = f->config.V;
    const struct golden *g = &f->golden;
    int32_t labels[ROWS], tokens[ROWS];
    double p[ROWS][256], chi = 0, df = -ROWS;
    size_t counts[ROWS][256] = {{0}};
    ink__network net;
    ink__masked_head head;
    ink__guesses guesses;
    cr_assert(V <= 256);
    OK(ink__network_create(&net, &f->config, &f->view, INK_BACKEND_FUSED, g->R, g->B, 1, &f->err));
    OK(ink__masked_head_create(&head, &net, &f->err));
    OK(ink__network_encode(&net, &g->batch, NULL, &f->err));
    for (size_t v = 0; v < V; ++v)
        for (size_t i = 0; i < ROWS; ++i) {
            const int32_t label = (int32_t)v;
            OK(ink__masked_head_run(&guesses, &head, &rows[i], &label, 1, g->R, 1, false, NULL, &f->err));
            p[i][v] = exp(-guesses.loss);
        }
    for (uint32_t update = 0; update < UPDATES; ++update) {
        const ink__draw draw = {.tokens = tokens, .seed = 9, .update = update, .first_row = 100};
        for (size_t i = 0; i < ROWS; ++i)
            labels[i] = (int32_t)((update + i) % V); /* which labels are asked for is no matter */
        OK(ink__masked_head_run(&guesses, &head, rows, labels, ROWS, g->R, 7, false, &draw, &f->err));
        for (size_t i = 0; i < ROWS; ++i)
            ++counts[i][tokens[i]];
    }
    for (size_t i = 0; i < ROWS; ++i) {
        double rest = UPDATES, found = UPDATES;
        for (size_t v = 0; v < V; ++v) {
            const double expected = UPDATES * p[i][v];
            if (expected < 5)
                continue;
            chi += (counts[i][v] - expected) * (counts[i][v] - expected) / expected, ++df;
            rest -= expected, found -= counts[i][v];
        }
        if (rest > 5)
            chi += (found - rest) * (found - rest) / rest, ++df;
    }
    cr_expect(df > 50 && chi < df + 5 * sqrt(2 * df), "chi-square %g of %g", chi, df);
    ink__masked_head_free(&head);
    ink__network_free(&net);
}

Test(replaced, neither_pieces_nor_threads_change_what_is_drawn)
{
    const size_t R = f->golden.offsets[n];
    int32_t *drawn = malloc(R * sizeof *drawn);
    float *one = new_floats(f->store.floats);
    double loss = 0;
    ink__tally tally = {0};
    for (size_t turn = 0; turn < 4; ++turn) {
        const bool pieces = turn == 3;
        make(pieces ? 8 : 4096, pieces ? 1 : turn + 1, INK_BACKEND_FUSED);
        const double found = learn();
        if (turn == 0) {
            loss = found, tally = trainer.tally;
            memcpy(drawn, trainer.ids, R * sizeof *drawn);
            memcpy(one, f->store.gradients, f->store.floats * sizeof *one);
        } else if (!pieces) {
            cr_expect(found == loss && memcmp(drawn, trainer.ids, R * sizeof *drawn) == 0);
            cr_expect(same_bits(one, f->store.gradients, f->store.floats), "%zu threads", turn + 1);
        } else {
            /* Had one token been drawn otherwise, these would not agree. */
            cr_expect(fabs(found - loss) < 1e-4 * loss, "%g, in pieces %g", loss, found);
            cr_expect(trainer.tally.replaced == tally.replaced && trainer.tally.asked == tally.asked &&
                      trainer.tally.judged == R);
            cr_expect(max_difference(one, f->store.gradients, f->store.floats) < 1e-4 * loss);
        }
        ink__trainer_free(&trainer);
    }
    cr_expect(tally.asked > 10 && tally.replaced > 5 && tally.replaced <= tally.asked && tally.judged == R);
    free(drawn), free(one);
}

Test(replaced, what_is_held_out_is_measured_by_the_same_draws_and_learns_nothing)
{
    double loss[2], accuracy[2], figures[2][INK__FIGURES];
    make(4096, 1, INK_BACKEND_FUSED);
    for (int turn = 0; turn < 2; ++turn)
        OK(ink__trainer_measure(&loss[turn], &accuracy[turn], figures[turn], &trainer, &data, records, n,
                                &f->err));
    cr_expect(loss[0] == loss[1] && accuracy[0] == accuracy[1] &&
              memcmp(figures[0], figures[1], sizeof figures[0]) == 0);
    cr_expect(fabs(loss[0] - figures[0][INK__GENERATOR_LOSS] - 50 * figures[0][INK__DISCRIMINATOR_LOSS]) <
              1e-9 * loss[0]);
    cr_expect(figures[0][INK__DISCRIMINATOR_ACCURACY] > 0 && figures[0][INK__REPLACED_FOUND] >= 0);
    for (size_t i = 0; i < f->store.count; ++i)
        for (size_t e = 0; e < f->store.list[i].n && !f->store.old[i]; ++e)
            cr_assert(f->store.gradients[f->store.list[i].at + e] == 0, "%s", f->store.list[i].name);
    ink__trainer_free(&trainer);
}
