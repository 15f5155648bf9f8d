/* Stopped runs that go on: the same files as without a stop, whatever the threads; what may not be continued;
 * and checkpoints that lie. */
#include "train/checkpoint.h"
#include "train/finetune.h"

#include <inkling/tokenizer.h>
#include <signal.h>
#include <sys/resource.h>

TestSuite(finetune_resume, .init = make_scratch, .fini = remove_scratch, .timeout = 300);

/* A run with all that a checkpoint has to keep: accumulation, patience, a part of an epoch, dropout. */
static ink_finetune_options thorough(const char *const *train, const char *const *dev, const char *out)
{
    ink_finetune_options o = options_of(train, dev, out);
    o.batch_size = 4; /* 23 batches an epoch: the last update of it has one alone */
    o.epochs = 2.5, o.gradient_accumulation_steps = 2, o.eval_steps = 4, o.early_stopping_patience = 50;
    o.class_weights = "balanced", o.label_smoothing = 0.05, o.layer_lr_decay = 0.9;
    return o;
}

Test(finetune_resume, files_do_not_depend_on_threads)
{
    const char *train = reviews("train.jsonl", 100, 's', 5);
    const char *outs[] = {NULL, lasting("one"), lasting("two"), lasting("three")};
    for (size_t threads = 1; threads <= 3; ++threads) {
        ink_finetune_options o = thorough(&train, NULL, outs[threads]);
        o.threads = threads;
        assert_ok(finetune(&o), err);
        if (threads > 1)
            expect_same_folders(outs[1], outs[threads], outs[threads]);
    }
}

/* Stops after every `every` updates until the run is through. */
static size_t stop_and_go(ink_finetune_options *o, uint64_t every)
{
    size_t stops = 0;
    ink_status st;
    o->resume = true, watch.stop_every = every;
    while ((st = finetune(o)) == INK_E_CANCELLED && stops < 200) {
        cr_expect(strstr(err.text, "stopped after update"), "%s", err.text);
        cr_expect(is_in(o->out, "last"));
        cr_expect(!is_in(o->out, "model.safetensors") && !is_in(o->out, "finetune.json"));
        ++stops;
    }
    watch.stop_every = 0;
    assert_ok(st, err);
    return stops;
}

Test(finetune_resume, a_run_that_was_stopped_ends_in_the_same_files)
{
    static const char *const optimizers[] = {"adamw", "sgd", "adam"};
    static const uint64_t everies[] = {1, 3, 4};
    const char *train = reviews("train.jsonl", 100, 's', 5);
    for (size_t i = 0; i < 3; ++i) {
        char whole[20], parts[20];
        snprintf(whole, sizeof whole, "whole-%zu", i);
        snprintf(parts, sizeof parts, "parts-%zu", i);
        ink_finetune_options o = thorough(&train, NULL, lasting(whole));
        o.optimizer = optimizers[i];
        assert_ok(finetune(&o), err);
        const uint64_t steps = report.steps;
        const double best = report.best;
        o.out = lasting(parts), o.threads = 1 + i;
        const size_t stops = stop_and_go(&o, everies[i]);
        cr_expect(stops == steps / everies[i], "%zu stops of %d updates", stops, (int)steps);
        cr_expect(report.steps == steps && report.best == best);
        expect_same_folders(lasting(whole), lasting(parts), optimizers[i]);
    }
}

Test(finetune_resume, values_and_lists_of_labels_go_on_as_well)
{
    for (const char *kind = "mrp"; *kind; ++kind) {
        const char *train = reviews("train.jsonl", 60, *kind, 5), *dev = reviews("dev.jsonl", 20, *kind, 6);
        char whole[] = {'w', *kind, 0}, parts[] = {'p', *kind, 0};
        ink_finetune_options o = options_of(&train, &dev, lasting(whole));
        assert_ok(finetune(&o), err);
        o.out = lasting(parts);
        stop_and_go(&o, 4);
        expect_same_folders(lasting(whole), lasting(parts), kind);
    }
}

Test(finetune_resume, resume_starts_what_is_not_there_and_leaves_what_is_finished)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    struct stat before, after;
    o.resume = true;
    assert_ok(finetune(&o), err);
    cr_expect(!report.was_complete);
    const ink_finetune_report first = report;
    assert_ok(stat(lasting("out/model.safetensors"), &before) == 0 ? INK_OK : INK_E_IO, err);
    /* What a run that was killed at its very end leaves. */
    scratch_text("out/last", "old");
    scratch_text("out/.inkling-0123456789abcdef.tmp", "half a file");
    scratch_text("out/.inkling-notes.tmp", "another's");
    assert_ok(finetune(&o), err);
    cr_expect(report.was_complete && report.steps == first.steps && report.best_step == first.best_step);
    cr_expect(fabs(report.best - first.best) < 1e-12 && report.dev == first.dev);
    cr_expect(stat(lasting("out/model.safetensors"), &after) == 0 && before.st_ino == after.st_ino &&
              before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    cr_expect(!is_in(out, "last") && !is_in(out, ".inkling-0123456789abcdef.tmp"));
    cr_expect(is_in(out, ".inkling-notes.tmp"));
    o.resume = false;
    expect_failure(finetune(&o), err, INK_E_ARG,
                   "holds a finished run already: resume it, or choose another");
}

Test(finetune_resume, what_is_there_already_is_not_overwritten)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    watch.stop_every = 2;
    cr_expect(finetune(&o) == INK_E_CANCELLED);
    watch.stop_every = 0;
    expect_failure(finetune(&o), err, INK_E_ARG, "holds an unfinished run already");
    cr_assert(mkdir(lasting("model"), 0700) == 0);
    scratch_text("model/model.safetensors", "precious");
    o.out = lasting("model");
    expect_failure(finetune(&o), err, INK_E_ARG, "holds a model, which would be overwritten");
    o.resume = true;
    expect_failure(finetune(&o), err, INK_E_ARG, "holds a model, which would be overwritten");
    cr_expect(holds(lasting("model/model.safetensors"), "precious") && entries_in(o.out) == 1);
    o.out = keep(scratch_text("file", "x"));
    expect_failure(finetune(&o), err, INK_E_IO, "file");
    o.out = lasting("no/such/parent");
    expect_failure(finetune(&o), err, INK_E_IO, "no/such/parent");
}

/* A run is continued with its own settings and data, or not at all: the sentence names what differs. */
Test(finetune_resume, other_settings_and_data_are_refused_by_name)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *dev = reviews("dev.jsonl", 20, 's', 6);
    const char *weights = keep(scratch_text("w.json", "{\"good\": 2}"));
    for (int finished = 0; finished < 2; ++finished) {
        const char *out = lasting(finished ? "finished" : "begun");
        ink_finetune_options good = options_of(&train, &dev, out);
        good.class_weights = weights;
        watch.stop_every = finished ? 0 : 3;
        const ink_status st = finetune(&good);
        cr_assert(st == (finished ? INK_OK : INK_E_CANCELLED));
        watch.stop_every = 0, good.resume = true;
#define REFUSED(name, ...)                                                                                   \
    do {                                                                                                     \
        ink_finetune_options o = good;                                                                       \
        __VA_ARGS__;                                                                                         \
        expect_failure(finetune(&o), err, INK_E_ARG, "a run with \"" name "\"");                             \
    } while (0)
        REFUSED("epochs", o.epochs = 3);
        REFUSED("batch_size", o.batch_size = 4);
        REFUSED("gradient_accumulation_steps", o.gradient_accumulation_steps = 2);
        REFUSED("learning_rate", o.learning_rate = 1e-3);
        REFUSED("weight_decay", o.weight_decay = 0.02);
        REFUSED("warmup_ratio", o.warmup_ratio = 0);
        REFUSED("lr_scheduler", o.lr_scheduler = "cosine");
        REFUSED("max_grad_norm", o.max_grad_norm = 2);
        REFUSED("label_smoothing", o.label_smoothing = 0.1);
        REFUSED("dropout", o.dropout = 0.2);
        REFUSED("class_weights", o.class_weights = "balanced");
        REFUSED("early_stopping_patience", o.early_stopping_patience = 9);
        REFUSED("metric", o.metric = "macro_f1");
        REFUSED("freeze_layers", o.freeze_layers = 1);
        REFUSED("layer_lr_decay", o.layer_lr_decay = 0.5);
        REFUSED("optimizer", o.optimizer = "adam");
        REFUSED("save_dtype", o.save_dtype = "f16");
        REFUSED("eval_steps", o.eval_steps = 6);
        REFUSED("max_length", o.max_length = 40);
        REFUSED("batch_tokens", o.batch_tokens = 100);
        REFUSED("seed", o.seed = 43);
        REFUSED("drop_duplicates", o.drop_duplicates = true);
        REFUSED("from", o.from = INK_TEST_DATA "/golden/bert-pairs");
        REFUSED("dev", o.n_dev = 0);
#undef REFUSED
#define REFUSED(what)                                                                                        \
    do {                                                                                                     \
        expect_failure(finetune(&good), err, INK_E_ARG, "since it began the " what);                         \
    } while (0)
        reviews("train.jsonl", 60, 's', 99);
        REFUSED("training data have changed");
        cr_expect(strstr(err.text, train), "%s", err.text);
        reviews("train.jsonl", 60, 's', 5);
        reviews("dev.jsonl", 20, 's', 98);
        REFUSED("dev data have changed");
        reviews("dev.jsonl", 20, 's', 6);
        scratch_text("w.json", "{\"good\": 3}");
        REFUSED("class weights have changed");
        scratch_text("w.json", "{\"good\": 2}");
#undef REFUSED
        assert_ok(finetune(&good), err);
    }
}

/* ---- checkpoints that lie -------------------------------------------------------------------------- */

enum {
    STEP,
    BEST_STEP,
    EPOCH,
    BATCH,
    WORSE,
    TOKENS,
    BEST,
    VALUE,
    LOSS,
    ENDED,
    FIRST_LOSS,
    BEST_LOSS,
    DEV_LOSS,
    COLLAPSED,
    WORDS
};

/* Rewrites out/last with one word of its standing changed; its checksums are right. */
static void forge(const char *out, int word, uint64_t value)
{
    char path[600];
    ink__checkpoint *c;
    ink__section sections[8];
    uint64_t standing[WORDS];
    snprintf(path, sizeof path, "%s/last", out);
    assert_ok(ink__checkpoint_open(&c, path, &err), err);
    const size_t n = ink__checkpoint_count(c);
    for (size_t i = 0; i < n; ++i) {
        sections[i] = *ink__checkpoint_at(c, i);
        if (strcmp(sections[i].name, "standing") == 0) {
            cr_assert(sections[i].size == sizeof standing);
            memcpy(standing, sections[i].data, sizeof standing);
            standing[word] = value;
            sections[i].data = standing;
        }
    }
    assert_ok(ink__checkpoint_write(path, sections, n, &err), err);
    ink__checkpoint_close(c);
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

Test(finetune_resume, a_checkpoint_that_lies_is_refused)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    const struct {
        int word;
        uint64_t value;
    } lies[] = {{STEP, UINT64_MAX},
                {STEP, 0},
                {STEP, 8},
                {BEST_STEP, 1000},
                {BEST_STEP, 0},
                {EPOCH, UINT64_MAX},
                {EPOCH, 1},
                {BATCH, 1000000},
                {BATCH, UINT64_MAX},
                {BATCH, 0},
                {WORSE, 1000000},
                {BEST, bits_of(INFINITY)},
                {LOSS, bits_of(NAN)},
                {VALUE, bits_of(-INFINITY)},
                {ENDED, 2},
                {FIRST_LOSS, bits_of(NAN)},
                {BEST_LOSS, bits_of(INFINITY)},
                {DEV_LOSS, bits_of(-INFINITY)},
                {COLLAPSED, 2}};
    ink_finetune_options o = options_of(&train, NULL, out);
    watch.stop_every = 6;
    cr_assert(finetune(&o) == INK_E_CANCELLED);
    watch.stop_every = 0, o.resume = true;
    size_t len;
    char *last = read_in(&len, out, "last");
    for (size_t i = 0; i < sizeof lies / sizeof *lies; ++i) {
        forge(out, lies[i].word, lies[i].value);
        const ink_status st = finetune(&o);
        cr_expect(st == INK_E_FORMAT, "lie %zu: %s", i, ink_status_name(st));
        if (st != INK_OK)
            cr_expect(strstr(err.text, "this cannot be"), "lie %zu: %s", i, err.text);
        scratch_bytes("out/last", last, len);
    }
    /* Damage is found before that. */
    last[len / 2] ^= 1;
    scratch_bytes("out/last", last, len);
    expect_failure(finetune(&o), err, INK_E_FORMAT, "is damaged");
    last[len / 2] ^= 1;
    scratch_bytes("out/last", last, len - 1);
    expect_failure(finetune(&o), err, INK_E_FORMAT, "cut short");
    scratch_bytes("out/last", last, len);
    assert_ok(finetune(&o), err);
    free(last);
}

/* Counts that move nothing are believed; weights that are not finite end the run. */
Test(finetune_resume, a_checkpoint_that_is_only_odd_crashes_nothing)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    watch.stop_every = 6;
    cr_assert(finetune(&o) == INK_E_CANCELLED);
    watch.stop_every = 0, o.resume = true;
    forge(out, TOKENS, UINT64_MAX);
    forge(out, BEST, bits_of(NAN));
    assert_ok(finetune(&o), err);
}

Test(finetune_resume, a_missing_or_foreign_best_is_told)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    uint64_t step = 3;
    watch.stop_every = 14; /* the last but one */
    cr_assert(finetune(&o) == INK_E_CANCELLED, "%s", err.text);
    watch.stop_every = 0, o.resume = true;
    forge(out, BEST, bits_of(2)); /* nothing will be better */
    const ink__section foreign[] = {{"step", &step, sizeof step}, {"weights", &step, sizeof step}};
    assert_ok(ink__checkpoint_write(lasting("out/best"), foreign, 2, &err), err);
    expect_failure(finetune(&o), err, INK_E_FORMAT, "best");
    unlink(lasting("out/best"));
    expect_failure(finetune(&o), err, INK_E_IO, "best");
    cr_expect(!is_in(out, "model.safetensors") && !is_in(out, "finetune.json") && is_in(out, "last"));
}

Test(finetune_resume, a_result_that_lies_is_refused)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    static const char *const results[] = {"{}", "[]", "{\"settings\": 3, \"result\": 4}", "not JSON"};
    assert_ok(finetune(&o), err);
    o.resume = true;
    size_t len;
    char *summary = read_in(&len, out, "finetune.json"), *steps = strstr(summary, "\"steps\":");
    memcpy(steps, "\"steps\":-1,\"x\":", 8 + 3); /* over the digits and what follows them */
    scratch_bytes("out/finetune.json", summary, len);
    const ink_status st = finetune(&o);
    cr_expect(st == INK_E_FORMAT, "%s", ink_status_name(st));
    free(summary);
    for (size_t i = 0; i < 4; ++i) {
        scratch_text("out/finetune.json", results[i]);
        cr_expect(finetune(&o) != INK_OK, "%s", results[i]);
    }
}

/* Every size at which a file may not grow further: the last good checkpoint stays, and once there is room the
 * run ends as if there had always been. */
Test(finetune_resume, a_full_disk_costs_nothing_that_was_saved)
{
    static const rlim_t sizes[] = {100, 3000, 20000, 117000, 200000, 300000, 363000};
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out"), *whole = lasting("whole");
    ink_finetune_options o = options_of(&train, NULL, whole);
    struct rlimit limit, before;
    assert_ok(finetune(&o), err);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    o.out = out, o.resume = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        const bool had = is_in(out, "last");
        limit = before, limit.rlim_cur = sizes[i];
        setrlimit(RLIMIT_FSIZE, &limit);
        const ink_status st = finetune(&o);
        setrlimit(RLIMIT_FSIZE, &before);
        if (st == INK_OK)
            break;
        cr_expect(st == INK_E_IO, "%d bytes: %s", (int)sizes[i], err.text);
        cr_expect(strstr(err.text, out), "%d bytes: %s", (int)sizes[i], err.text);
        cr_expect(!is_in(out, "model.safetensors") && !is_in(out, "finetune.json"), "%d bytes",
                  (int)sizes[i]);
        cr_expect(!had || is_in(out, "last"), "%d bytes: the checkpoint is gone", (int)sizes[i]);
    }
    assert_ok(finetune(&o), err);
    expect_same_folders(whole, out, "after a full disk");
}
