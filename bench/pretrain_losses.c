/* The updates of a pretraining run, with what each was shown: the C side of pretrain_follow.py. Everything is
 * `inkling pretrain`'s own; only nothing is evaluated or saved.
 *
 * usage: pretrain_losses MODEL_DIR CORPUS UPDATES LEARNING_RATE BATCH_SIZE MAX_LENGTH THREADS SEED CACHE
 * OBJECTIVE
 *
 * Prints one JSON object an update: {"loss":L,"rate":R,"shown":[[ids],...],"labels":[[ids],...]}, labels
 * being -100 where nothing is to be guessed; with objective rtd "judged":[[ids],...], too, what the
 * discriminator is shown. What the run has to say goes to stderr. */
#include "core/status.h"
#include "train/pretrain_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int on_progress(const ink_pretrain_progress *progress, void *user)
{
    (void)user;
    if (progress->message)
        fprintf(stderr, "%s\n", progress->message);
    return 0;
}

static void print_ids(const char *name, const int32_t *ids, const size_t *offsets, size_t n)
{
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < n; ++i) {
        printf("%s[", i ? "," : "");
        for (size_t r = offsets[i]; r < offsets[i + 1]; ++r)
            printf("%s%d", r > offsets[i] ? "," : "", (int)ids[r]);
        putchar(']');
    }
    putchar(']');
}

/* The whole batch, masked as the trainer masks its pieces. There is but one, in which it put what it drew. */
static void print_shown(const ink__pretraining *run, size_t n)
{
    enum { IGNORED = -100 };
    size_t *offsets = calloc(n + 1, sizeof *offsets), R;
    for (size_t i = 0; i < n; ++i)
        offsets[i + 1] =
            offsets[i] + run->data.offsets[run->records[i] + 1] - run->data.offsets[run->records[i]];
    R = offsets[n];
    int32_t *shown = calloc(R, sizeof *shown), *labels = calloc(R, sizeof *labels),
            *chosen = calloc(R, sizeof *chosen);
    uint32_t *rows = calloc(R, sizeof *rows);
    for (size_t i = 0; i < n; ++i)
        memcpy(shown + offsets[i], run->data.ids + run->data.offsets[run->records[i]],
               (offsets[i + 1] - offsets[i]) * sizeof *shown);
    for (size_t r = 0; r < R; ++r)
        labels[r] = IGNORED;
    const size_t count = ink__masking_apply(shown, rows, chosen, &run->masking, offsets, n,
                                            (uint32_t)run->trainer.optimizer.updates, 0);
    for (size_t k = 0; k < count; ++k)
        labels[rows[k]] = chosen[k];
    print_ids("shown", shown, offsets, n);
    print_ids("labels", labels, offsets, n);
    if (run->n_models > 1)
        print_ids("judged", run->trainer.ids, offsets, n);
    free(offsets), free(shown), free(labels), free(chosen), free(rows);
}

static ink_status update(ink__pretraining *run, ink_error *err)
{
    double loss, norm;
    const double rate = ink__pretrain_rate(run);
    const size_t n = ink__pretrain_gather(run);
    const double divisor = ink__trainer_divisor(&run->trainer, &run->data, run->records, n);
    INK_TRY(ink__trainer_learn(&loss, &run->trainer, &run->data, run->records, n, divisor, err));
    printf("{\"loss\":%.9g,\"rate\":%.9g", loss, rate);
    print_shown(run, n);
    puts("}");
    INK_TRY(ink__trainer_update(&norm, &run->trainer, rate, err));
    ++run->standing.step;
    return INK_OK;
}

static ink_status pretrain(ink__pretraining *run, ink_error *err)
{
    INK_TRY(ink__pretrain_prepare(run, err));
    for (uint64_t step = 0; step < run->options->steps; ++step)
        INK_TRY(update(run, err));
    return INK_OK;
}

int main(int argc, char **argv)
{
    if (argc != 11)
        return fprintf(stderr, "usage: pretrain_losses MODEL_DIR CORPUS UPDATES LEARNING_RATE BATCH_SIZE "
                               "MAX_LENGTH THREADS SEED CACHE OBJECTIVE\n"),
               2;
    const char *corpus = argv[2];
    char out[4096];
    ink_pretrain_options o = INK_PRETRAIN_OPTIONS_INIT;
    snprintf(out, sizeof out, "%s.out", argv[9]);
    o.out = out, o.from = argv[1], o.corpus = &corpus, o.n_corpus = 1, o.cache = argv[9];
    o.steps = (uint64_t)atoll(argv[3]), o.learning_rate = atof(argv[4]);
    o.batch_size = (size_t)atol(argv[5]), o.max_length = (size_t)atol(argv[6]);
    o.threads = (size_t)atol(argv[7]), o.seed = (uint64_t)atoll(argv[8]);
    o.batch_tokens = o.batch_size * o.max_length;
    o.objective = argv[10], o.progress = on_progress;

    ink_pretrain_report report = {0};
    ink__pretraining run = {.options = &o, .report = &report, .lock = -1};
    ink_error err;
    const ink_status st = pretrain(&run, &err);
    ink__pretrain_free(&run);
    if (st != INK_OK)
        return fprintf(stderr, "pretrain_losses: %s: %s\n", ink_status_name(st), err.text), 1;
    return fflush(stdout) != 0;
}
