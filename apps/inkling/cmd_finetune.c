/* inkling finetune: labelled records and an encoder in, a classifier's directory out. */
#include "job.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct args {
    cli_list train, dev, unlabelled;
    const char *from, *size, *tokenizer, *out, *label, *class_weights, *metric, *teacher;
    struct job_args job; /* what it shares with the verbs that read records */
    int task, scheduler, optimizer, dtype;
    double epochs, learning_rate, weight_decay, warmup_ratio, max_grad_norm, label_smoothing, dropout,
        layer_lr_decay, temperature, distill_weight;
    size_t batch_size, accumulation, patience, freeze_layers, eval_steps, seed, seeds;
    bool drop_duplicates, resume;
};

static const char *const tasks[] = {"auto", "single", "multi", "regression"};
static const char *const schedulers[] = {"linear", "cosine", "constant", "polynomial", "trapezoidal"};
static const char *const optimizers[] = {"adamw", "adam", "sgd"};
static const char *const dtypes[] = {"f32", "f16", "bf16"};
enum { ON_ERROR_STOP = 1, OWN_DTYPE = -1 };

static struct args defaults = {.job = {.output = "-", .text = "text", .on_error = ON_ERROR_STOP},
                               .label = "label",
                               .dtype = OWN_DTYPE,
                               .learning_rate = 5e-5,
                               .weight_decay = 0.01,
                               .warmup_ratio = 0.06,
                               .max_grad_norm = 1,
                               .layer_lr_decay = 1,
                               .temperature = 2,
                               .distill_weight = 0.9,
                               .dropout = -1,
                               .batch_size = 32,
                               .accumulation = 1,
                               .seed = 42,
                               .seeds = 1};

#define AT(member) offsetof(struct args, member)

static const cli_opt options[] = {
    {0, "from", CLI_STR, AT(from), "DIR", "the model to start from: a Hugging Face directory", NULL},
    {0, "train", CLI_LIST, AT(train), "FILE", "labelled records; give it once a file (required)", NULL},
    {0, "dev", CLI_LIST, AT(dev), "FILE", "labelled records to judge by, never learned from",
     "a tenth of train"},
    {'o', "out", CLI_STR, AT(out), "DIR", "the directory that becomes the model (required)", NULL},
    {0, "size", CLI_STR, AT(size), "SIZE",
     "instead of --from, random weights: tiny, mini, small, base, or the config.json of a model", NULL},
    {0, "tokenizer", CLI_STR, AT(tokenizer), "DIR",
     "with --size, the directory whose tokenizer the model gets", NULL},
    {0, "task", CLI_CHOICE, AT(task), "auto|single|multi|regression",
     "one label, several, or a number; auto: as the labels look (lists, points)", NULL},
    {0, "label", CLI_STR, AT(label), "NAME",
     "field of the label; for several labels a list, by default in labels", NULL},
    {0, "epochs", CLI_REAL, AT(epochs), "X", "how often it goes through the data",
     "3; small data: for 200 updates, 50 at most"},
    {0, "batch-size", CLI_SIZE, AT(batch_size), "N",
     "records of a batch; fewer learn more from small data, in more time", NULL},
    {0, "gradient-accumulation-steps", CLI_SIZE, AT(accumulation), "N",
     "batches added up for one update of the weights", NULL},
    {0, "learning-rate", CLI_REAL, AT(learning_rate), "X",
     "how far an update moves the weights, at its highest", NULL},
    {0, "lr-scheduler", CLI_CHOICE, AT(scheduler), "linear|cosine|constant|polynomial|trapezoidal",
     "how the learning rate falls after the warm-up", NULL},
    {0, "warmup-ratio", CLI_REAL, AT(warmup_ratio), "X",
     "share of the updates in which the learning rate rises from 0", NULL},
    {0, "weight-decay", CLI_REAL, AT(weight_decay), "X",
     "how strongly weights are drawn to 0; biases and norms are not", NULL},
    {0, "optimizer", CLI_CHOICE, AT(optimizer), "adamw|adam|sgd",
     "the rule by which gradients move the weights", NULL},
    {0, "max-grad-norm", CLI_REAL, AT(max_grad_norm), "X",
     "a longer gradient is scaled down to this length; 0: never", NULL},
    {0, "label-smoothing", CLI_REAL, AT(label_smoothing), "X",
     "how much of each label is spread over all labels", NULL},
    {0, "dropout", CLI_REAL, AT(dropout), "X", "how much of what layers pass on is left out in training",
     "as config.json says"},
    {0, "class-weights", CLI_STR, AT(class_weights), "balanced|FILE",
     "balanced: rare labels count more; FILE: {\"label\": weight, ...}", "all 1"},
    {0, "metric", CLI_STR, AT(metric), "NAME", "the metric of dev that chooses the weights",
     "accuracy, micro_f1 or mse, by the task"},
    {0, "eval-steps", CLI_COUNT, AT(eval_steps), "N", "updates between evaluations on dev", "an epoch"},
    {0, "early-stopping-patience", CLI_COUNT, AT(patience), "N",
     "stop after N evaluations in a row without a better one", "never"},
    {0, "freeze-layers", CLI_COUNT, AT(freeze_layers), "K",
     "the embeddings and the lowest K layers learn nothing", "none"},
    {0, "layer-lr-decay", CLI_REAL, AT(layer_lr_decay), "X",
     "each layer learns at X times the rate of the layer above", NULL},
    {0, "save-dtype", CLI_CHOICE, AT(dtype), "f32|f16|bf16",
     "type of the saved weights; 16 bits: half the size", "that of --from; f32 with --size"},
    {0, "teacher", CLI_STR, AT(teacher), "DIR",
     "a finetuned model of the same labels, whose answers are learned, too", "none"},
    {0, "unlabelled", CLI_LIST, AT(unlabelled), "FILE",
     "texts without labels, learned from the teacher's answers alone", "none"},
    {0, "distill-weight", CLI_REAL, AT(distill_weight), "X",
     "how much the teacher counts, 0 to 1; the labels have the rest", NULL},
    {0, "temperature", CLI_REAL, AT(temperature), "X",
     "with --teacher: higher ones show more of the labels it does not choose", NULL},
    {0, "drop-duplicates", CLI_FLAG, AT(drop_duplicates), NULL,
     "keep the first of records with the same text, and none whose text is in dev", NULL},
    {0, "resume", CLI_FLAG, AT(resume), NULL,
     "go on where a stopped run was; starts if there is none, leaves a finished one", NULL},
    {0, "seed", CLI_COUNT, AT(seed), "N", "of all that is random: the same seed gives the same model", NULL},
    {0, "seeds", CLI_SIZE, AT(seeds), "K",
     "train K times, with seed, seed+1, ...: mean and deviation; the best is kept", NULL},
    JOB_RECORDS(struct args),
    JOB_LENGTHS(struct args, "the model's own"),
    {0, "long", CLI_CHOICE, JOB_AT(struct args, long_texts), "truncate|head-tail",
     "of a longer text use its beginning, or its two ends", NULL},
    JOB_BATCH(struct args),
    {0},
};

/* What ink_finetune takes; told before anything is read. */
static const cli_limit limits[] = {
    {"epochs", 1e-6, 1e6},
    {"batch-size", 1, 1 << 20},
    {"gradient-accumulation-steps", 1, 1 << 20},
    {"learning-rate", 0, 1e3},
    {"warmup-ratio", 0, 1},
    {"weight-decay", 0, 1e3},
    {"max-grad-norm", 0, 1e30},
    {"label-smoothing", 0, 0.999},
    {"dropout", 0, 0.9},
    {"layer-lr-decay", 1e-6, 1},
    {"temperature", 0.01, 1000},
    {"distill-weight", 0, 1},
    {"seeds", 1, 1000},
    {"threads", 1, 1024},
    {"batch-tokens", 1, 1 << 24},
    {0},
};

struct meter {
    bool quiet, shown, terminal, drawn;
    double last, best; /* when a line was drawn; the best value yet, NaN before one */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void clear(struct meter *m)
{
    if (m->drawn)
        fputs("\r\033[K", stderr);
    m->drawn = false;
}

/* Short enough for 80 columns: a line that wraps cannot be redrawn. */
static void print_line(const ink_finetune_progress *p)
{
    if (p->texts > 0) {
        fprintf(stderr, "teacher: %llu/%llu texts", (unsigned long long)p->scored,
                (unsigned long long)p->texts);
        if (isfinite(p->texts_per_second)) {
            fprintf(stderr, ", %.0f texts/s, ", p->texts_per_second);
            job_print_duration(p->seconds_left);
            fputs(" left", stderr);
        }
        return;
    }
    fprintf(stderr, "%llu/%llu, loss %.4f", (unsigned long long)p->step, (unsigned long long)p->steps,
            p->loss);
    if (isfinite(p->value))
        fprintf(stderr, ", dev %s %.4f", p->metric, p->value);
    fprintf(stderr, ", %.0f tokens/s, ", p->tokens_per_second);
    job_print_duration(p->seconds_left);
    fputs(" left", stderr);
}

/* On a terminal one line is redrawn; elsewhere, with --progress, a line comes every 5 s. Evaluations stay. */
static int on_progress(const ink_finetune_progress *p, void *user)
{
    struct meter *m = user;
    if (m->quiet)
        return job_stop_signal() != 0;
    if (p->message) {
        clear(m);
        fprintf(stderr, "%s\n", p->message);
        return job_stop_signal() != 0;
    }
    const double t = now();
    if (p->evaluated) {
        clear(m);
        fprintf(stderr, "epoch %.2f: update %llu of %llu, loss %.4f, dev %s %.4f%s\n", p->epoch,
                (unsigned long long)p->step, (unsigned long long)p->steps, p->loss, p->metric, p->value,
                p->value == p->best && p->best != m->best ? " (best so far)" : "");
        m->best = p->best;
    }
    if (m->shown && t - m->last >= (m->terminal ? 0.2 : 5)) {
        m->last = t;
        clear(m);
        print_line(p);
        if (m->terminal)
            m->drawn = true, fflush(stderr);
        else
            fputc('\n', stderr);
    }
    return job_stop_signal() != 0;
}

static void fill(ink_finetune_options *o, const struct args *a, struct meter *meter)
{
    const ink_finetune_options init = INK_FINETUNE_OPTIONS_INIT;
    *o = init;
    o->out = a->out, o->from = a->from, o->size = a->size, o->tokenizer = a->tokenizer;
    o->train = a->train.items, o->n_train = a->train.n, o->dev = a->dev.items, o->n_dev = a->dev.n;
    o->format = (ink_format)a->job.format, o->delimiter = a->job.delimiter;
    o->text = a->job.text, o->text_pair = a->job.text_pair, o->id = a->job.id, o->label = a->label;
    o->task = tasks[a->task], o->lr_scheduler = schedulers[a->scheduler];
    o->optimizer = optimizers[a->optimizer], o->save_dtype = a->dtype == OWN_DTYPE ? NULL : dtypes[a->dtype];
    o->epochs = a->epochs, o->learning_rate = a->learning_rate, o->weight_decay = a->weight_decay;
    o->warmup_ratio = a->warmup_ratio, o->max_grad_norm = a->max_grad_norm;
    o->dropout = a->dropout;
    o->label_smoothing = a->label_smoothing, o->layer_lr_decay = a->layer_lr_decay;
    o->batch_size = a->batch_size, o->gradient_accumulation_steps = a->accumulation;
    o->class_weights = a->class_weights, o->metric = a->metric;
    o->teacher = a->teacher, o->unlabelled = a->unlabelled.items, o->n_unlabelled = a->unlabelled.n;
    o->temperature = a->temperature, o->distill_weight = a->distill_weight;
    o->early_stopping_patience = a->patience, o->freeze_layers = a->freeze_layers;
    o->eval_steps = a->eval_steps, o->seed = a->seed, o->seeds = a->seeds;
    o->drop_duplicates = a->drop_duplicates, o->resume = a->resume;
    o->leave_out_bad = a->job.on_error != ON_ERROR_STOP;
    o->head_tail = a->job.long_texts == 1;
    o->threads = a->job.threads, o->max_length = a->job.max_length, o->batch_tokens = a->job.batch_tokens;
    o->progress = on_progress, o->user = meter;
}

static void print_result(const ink_finetune_report *r, const struct args *a)
{
    if (r->was_complete)
        fprintf(stderr, "%s holds this run, finished: nothing to do\n", a->out);
    fprintf(stderr, "%s: dev %s %.4f", a->out, r->metric, r->best);
    if (a->seeds > 1)
        fprintf(stderr, " +- %.4f (mean and standard deviation of %zu seeds, of which %llu is kept)",
                r->deviation, a->seeds, (unsigned long long)r->kept);
    else
        fprintf(stderr, " at update %llu of %llu", (unsigned long long)r->best_step,
                (unsigned long long)r->steps);
    if (!r->was_complete && isfinite(r->tokens_per_second)) {
        fprintf(stderr, "; %.0f tokens/s, ", r->tokens_per_second);
        job_print_duration(r->seconds);
    }
    fprintf(stderr, "\nreport: %s/report.html\n", a->out);
}

/* What is wrong with a run that has written its model, and the status to leave with. A finished run that is
 * only looked at again has told it before. */
static int print_faults(const ink_finetune_report *r, bool quiet)
{
    const unsigned long long left_out = r->left_out;
    if (r->warning[0] && (!quiet || (r->diverged && !r->was_complete)))
        fprintf(stderr, "inkling finetune: %s\n", r->warning);
    if (left_out > 0)
        fprintf(stderr, "inkling finetune: %llu record%s could not be used and %s left out; the first: %s\n",
                left_out, left_out == 1 ? "" : "s", left_out == 1 ? "was" : "were", r->first_error);
    return (r->diverged || left_out > 0) && !r->was_complete ? EXIT_FAILED : EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    const int status = cli_parse(&a, &first, &verb_finetune, argc, argv);
    if (status >= 0)
        return status;
    if (!a.from && !a.size)
        return cli_usage("finetune", "--from is required (or --size and --tokenizer)");
    if (a.from && a.size)
        return cli_usage("finetune", "--from and --size exclude each other");
    if (a.size && !a.tokenizer)
        return cli_usage("finetune", "--size wants the --tokenizer of the new model");
    if (a.train.n == 0 || !a.out)
        return cli_usage("finetune", "--%s is required", a.out ? "train" : "out");
    if (a.unlabelled.n > 0 && !a.teacher)
        return cli_usage("finetune", "--unlabelled wants the --teacher that its texts are learned from");
    struct meter meter = {.quiet = a.job.quiet, .terminal = isatty(STDERR_FILENO), .best = NAN};
    meter.shown = meter.terminal || a.job.progress;
    ink_finetune_options o;
    ink_finetune_report report;
    ink_error err;
    fill(&o, &a, &meter);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    job_catch_signals();
    const ink_status st = ink_finetune(&report, &o, &err);
    clear(&meter);
    if (st == INK_E_CANCELLED && job_stop_signal()) {
        fprintf(stderr, "inkling finetune: %s; the same command with --resume goes on\n", err.text);
        return 128 + job_stop_signal();
    }
    if (st != INK_OK)
        return cli_fail("finetune", &err);
    if (!a.job.quiet)
        print_result(&report, &a);
    return print_faults(&report, a.job.quiet);
}

const cli_verb verb_finetune = {
    .name = "finetune",
    .summary = "Trains a classifier on labelled records: a head, and the encoder under it. The directory it\n"
               "makes opens here and in Hugging Face, with a report of how good the model is.",
    .operands = "",
    .options = options,
    .limits = limits,
    .defaults = &defaults,
    .run = run,
};
