/* Telling replaced tokens: loss and the gradient of every parameter of both networks, the tables that they
 * share among them, against PyTorch's. */
#include "train/replaced_head.h"
#include "train/masked_head.h"
#include "train/replaced.h"

static const ink_backend backends[] = {INK_BACKEND_REF, INK_BACKEND_DNNL, INK_BACKEND_FUSED};

static double largest(const float *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; ++i)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

#define OK(call) cr_assert((call) == INK_OK, "%s", f->err.text)

/* Both networks, as the objective runs them, over what the file says is shown and judged. */
static void run(struct pair *f, ink__guesses *guesses, ink__judgements *judgements, ink_backend backend,
                size_t threads)
{
    const struct golden *g = &f->golden;
    const ink__tensor *rows = pair_find(f, "", "rows");
    const int32_t *shown = pair_find(f, "", "ids")->data, *judged = pair_find(f, "", "judged")->data;
    const ink_batch first = {shown, g->types, g->offsets, g->B},
                    second = {judged, g->types, g->offsets, g->B};
    const size_t n = rows->bytes / sizeof(uint32_t);
    ink__network generator, discriminator;
    ink__masked_head guessing;
    ink__replaced_head judging;
    OK(ink__network_create(&generator, &f->config, &f->view, backend, g->R, g->B, threads, &f->err));
    OK(ink__network_create(&discriminator, &f->model->config, &f->store, backend, g->R, g->B, threads,
                           &f->err));
    OK(ink__masked_head_create(&guessing, &generator, &f->err));
    OK(ink__replaced_head_create(&judging, &discriminator, &f->err));
    ink__store_clear(&f->store);
    OK(ink__network_encode(&generator, &first, NULL, &f->err));
    OK(ink__masked_head_run(guesses, &guessing, rows->data, pair_find(f, "", "labels")->data, n, g->R,
                            (double)n, true, NULL, &f->err));
    OK(ink__network_encode_backward(&generator, &first, NULL, &f->err));
    OK(ink__network_encode(&discriminator, &second, NULL, &f->err));
    OK(ink__replaced_head_run(judgements, &judging, judged, g->ids, g->R, (double)g->R / 50, true, &f->err));
    OK(ink__network_encode_backward(&discriminator, &second, NULL, &f->err));
    ink__replaced_head_free(&judging);
    ink__masked_head_free(&guessing);
    ink__network_free(&discriminator);
    ink__network_free(&generator);
}

/* As in masked_head.c: 1e-4, or thrice PyTorch's own rounding; a key's bias has no gradient but for rounding,
 * held against the largest of all. */
static size_t check_gradients(struct pair *f, const ink__store *store, const char *prefix)
{
    size_t found = 0;
    double all = 0;
    char own_prefix[40];
    snprintf(own_prefix, sizeof own_prefix, "own:%s", prefix);
    for (size_t i = 0; i < store->count; ++i) {
        const ink__parameter *p = &store->list[i];
        const ink__tensor *t = ink__store_has(store, p) ? pair_find(f, prefix, p->name) : NULL;
        if (t)
            all = fmax(all, largest(t->data, p->n));
    }
    for (size_t i = 0; i < store->count; ++i) {
        const ink__parameter *p = &store->list[i];
        const bool shared = p->slot <= INK__TYPE && store->view;
        if (!ink__store_has(store, p) || shared)
            continue;
        const ink__tensor *t = pair_find(f, prefix, p->name), *own = pair_find(f, own_prefix, p->name);
        cr_assert(t && own && t->bytes == p->n * sizeof(float), "%s%s", prefix, p->name);
        const bool nothing = p->slot == INK__KEY_B;
        const double scale = nothing ? all : largest(t->data, p->n);
        const double bound = nothing ? 1e-4 : fmax(1e-4, 3 * *(const float *)own->data);
        const double worst = max_difference(store->gradients + p->at, t->data, p->n) / scale;
        cr_expect(worst < bound && bound < 3e-3, "%s%s differs by %g of %g, wanted %g", prefix, p->name,
                  worst, scale, bound);
        ++found;
    }
    return found;
}

Test(replaced_head, losses_and_gradients_of_both_networks_are_pytorchs_on_every_backend)
{
    struct pair both, *f = &both;
    pair_open(f);
    cr_assert(pair_fill(f, &f->store, "head:") == 4);
    cr_assert(pair_fill(f, &f->view, "generator:") > 30);
    for (size_t b = 0; b < 3; ++b) {
        ink__guesses guesses;
        ink__judgements judgements;
        run(f, &guesses, &judgements, backends[b], 1 + b % 2);
        const double loss = guesses.loss + judgements.loss, wanted = pair_number(f, "loss");
        cr_expect(fabs(loss - wanted) < 2e-6 * wanted + 2e-5, "loss %.7f, PyTorch's %.7f", loss, wanted);
        cr_expect(fabs(guesses.loss - pair_number(f, "generator_loss")) < 4e-5, "%.7f", guesses.loss);
        cr_expect(fabs(judgements.loss / 50 - pair_number(f, "discriminator_loss")) < 4e-6, "%.7f",
                  judgements.loss / 50);
        cr_expect((int)guesses.right == pair_count(f, "guessed"));
        cr_expect((int)judgements.replaced == pair_count(f, "replaced") &&
                      (int)judgements.found == pair_count(f, "found") &&
                      (int)judgements.right == pair_count(f, "right"),
                  "%d replaced, %d found, %d right", (int)judgements.replaced, (int)judgements.found,
                  (int)judgements.right);
        const size_t own = check_gradients(f, &f->store, ""),
                     second = check_gradients(f, &f->view, "generator/");
        cr_expect(own + second == f->store.count && second > 30, "%zu and %zu of %zu", own, second,
                  f->store.count);
    }
    pair_close(f);
}

Test(replaced_head, threads_move_no_bit)
{
    struct pair both, *f = &both;
    pair_open(f);
    for (size_t b = 1; b < 3; ++b) {
        float *one = new_floats(f->store.floats);
        for (size_t threads = 1; threads < 4; ++threads) {
            ink__guesses guesses;
            ink__judgements judgements;
            run(f, &guesses, &judgements, backends[b], threads);
            if (threads == 1)
                memcpy(one, f->store.gradients, f->store.floats * sizeof *one);
            else
                cr_expect(same_bits(one, f->store.gradients, f->store.floats), "%zu threads", threads);
        }
        free(one);
    }
    pair_close(f);
}
