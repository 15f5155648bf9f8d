/* The first updates of a finetuning run, with what each learned from: the C side of train_follow.py. What
 * prepares the run, orders its records and updates the weights is `inkling finetune`'s own; only the schedule
 * is stretched over the updates that are asked for, and nothing is evaluated or saved.
 *
 * usage: train_losses MODEL_DIR TRAIN DEV UPDATES LEARNING_RATE BATCH_SIZE MAX_LENGTH THREADS [SEED]
 *
 * Prints one JSON object an update: {"loss":L,"rate":R,"norm":N,"records":[...]}, records of TRAIN counted
 * from 0. DEV must be there, so that no record of TRAIN is held out, and is not used. What the run has to say
 * goes to stderr. */
#include "core/status.h"
#include "train/finetune_run.h"

#include <stdio.h>
#include <stdlib.h>

static int on_progress(const ink_finetune_progress *progress, void *user)
{
    (void)user;
    if (progress->message)
        fprintf(stderr, "%s\n", progress->message);
    return 0;
}

static ink_status update(ink__run *run, uint64_t step, ink__cursor *cursor, ink_error *err)
{
    size_t n;
    double loss, norm;
    const uint32_t *records = ink__order_next(&n, cursor, &run->order);
    const double rate = run->options->learning_rate * ink__schedule_factor(&run->schedule, step);
    const double divisor = ink__trainer_divisor(&run->trainer, &run->train, records, n);
    INK_TRY(ink__trainer_learn(&loss, &run->trainer, &run->train, records, n, divisor, err));
    INK_TRY(ink__trainer_update(&norm, &run->trainer, rate, err));
    printf("{\"loss\":%.9g,\"rate\":%.9g,\"norm\":%.9g,\"records\":[", loss, rate, norm);
    for (size_t i = 0; i < n; ++i)
        printf("%s%u", i ? "," : "", records[i]);
    puts("]}");
    return INK_OK;
}

static ink_status train(ink__run *run, uint64_t updates, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    ink__cursor cursor = {0};
    INK_TRY(ink__run_prepare(run, err));
    INK_TRY(ink__schedule_start(&run->schedule, run->schedule.kind, updates, o->warmup_ratio,
                                o->learning_rate, err));
    for (uint64_t step = 0; step < updates; ++step)
        INK_TRY(update(run, step, &cursor, err));
    return INK_OK;
}

int main(int argc, char **argv)
{
    if (argc != 9 && argc != 10)
        return fprintf(stderr, "usage: train_losses MODEL_DIR TRAIN DEV UPDATES LEARNING_RATE BATCH_SIZE "
                               "MAX_LENGTH THREADS [SEED]\n"),
               2;
    const char *train_file = argv[2], *dev_file = argv[3];
    ink_finetune_options o = INK_FINETUNE_OPTIONS_INIT;
    o.out = "unused", o.from = argv[1];
    o.train = &train_file, o.n_train = 1, o.dev = &dev_file, o.n_dev = 1;
    o.learning_rate = atof(argv[5]), o.batch_size = (size_t)atol(argv[6]);
    o.max_length = (size_t)atol(argv[7]), o.threads = (size_t)atol(argv[8]);
    o.progress = on_progress;
    if (argc == 10)
        o.seed = (uint64_t)atoll(argv[9]);

    ink_finetune_report report;
    ink__run run = {.options = &o, .report = &report};
    ink_error err;
    const ink_status st = train(&run, (uint64_t)atoll(argv[4]), &err);
    ink__run_free(&run);
    if (st != INK_OK)
        return fprintf(stderr, "train_losses: %s: %s\n", ink_status_name(st), err.text), 1;
    return fflush(stdout) != 0;
}
