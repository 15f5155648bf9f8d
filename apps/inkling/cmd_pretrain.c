/* inkling pretrain: raw text in, an encoder's directory out. */
#include "job.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct args {
    cli_list corpus;
    const char *from, *size, *tokenizer, *out, *text, *cache;
    int format, on_error, scheduler, optimizer, dtype, objective;
    char delimiter;
    size_t steps, tokens, batch_size, accumulation, eval_steps, max_length, batch_tokens, threads, seed;
    double minutes, mask_rate, batch_ramp, learning_rate, weight_decay, warmup_ratio, max_grad_norm, held_out;
    bool drop_duplicates, resume, quiet, progress;
};

static const char *const schedulers[] = {"linear", "cosine", "constant", "polynomial", "trapezoidal"};
static const char *const optimizers[] = {"adamw", "adam", "sgd"};
static const char *const objectives[] = {"mlm", "rtd"};
static const char *const dtypes[] = {"f32", "f16", "bf16"};
enum { ON_ERROR_STOP = 1, OWN_DTYPE = -1 };

static struct args defaults = {.text = "text",
                               .on_error = ON_ERROR_STOP,
                               .dtype = OWN_DTYPE,
                               .batch_size = 64,
                               .accumulation = 1,
                               .seed = 42,
                               .mask_rate = 0.15,
                               .weight_decay = 0.01,
                               .warmup_ratio = 0.06,
                               .max_grad_norm = 1,
                               .held_out = 0.01};

#define AT(member) offsetof(struct args, member)

static const cli_opt options[] = {
    {0, "size", CLI_STR, AT(size), "SIZE",
     "random weights to start from: tiny, mini, small, base, or the config.json of a model", NULL},
    {0, "tokenizer", CLI_STR, AT(tokenizer), "DIR",
     "with --size, the directory whose tokenizer the model gets", NULL},
    {0, "from", CLI_STR, AT(from), "DIR", "instead, a model to go on with: to make it know your texts", NULL},
    {0, "corpus", CLI_LIST, AT(corpus), "FILE",
     "text, a file or folder; a record is a document; give it once each (required)", NULL},
    {'o', "out", CLI_STR, AT(out), "DIR", "the directory that becomes the model (required)", NULL},
    {0, "objective", CLI_CHOICE, AT(objective), "mlm|rtd",
     "what is learned: to guess masked tokens, or to tell the replaced ones", NULL},
    {0, "steps", CLI_COUNT, AT(steps), "N", "how long: N updates; or", NULL},
    {0, "tokens", CLI_COUNT, AT(tokens), "N", "until N tokens were learned from; or", NULL},
    {0, "minutes", CLI_REAL, AT(minutes), "X", "so many minutes, those before a stop included", NULL},
    {0, "mask-rate", CLI_REAL, AT(mask_rate), "X", "share of the words that are to be guessed", NULL},
    {0, "batch-size", CLI_SIZE, AT(batch_size), "N", "sequences of a batch", NULL},
    {0, "gradient-accumulation-steps", CLI_SIZE, AT(accumulation), "N",
     "batches added up for one update of the weights", NULL},
    {0, "batch-ramp", CLI_REAL, AT(batch_ramp), "X", "share of the run in which batches grow from an eighth",
     NULL},
    {0, "learning-rate", CLI_REAL, AT(learning_rate), "X",
     "how far an update moves the weights, at its highest", "5e-4; 1e-4 with --from"},
    {0, "lr-scheduler", CLI_CHOICE, AT(scheduler), "linear|cosine|constant|polynomial|trapezoidal",
     "how the learning rate falls after the warm-up", NULL},
    {0, "warmup-ratio", CLI_REAL, AT(warmup_ratio), "X",
     "share of the run in which the learning rate rises from 0", NULL},
    {0, "weight-decay", CLI_REAL, AT(weight_decay), "X",
     "how strongly weights are drawn to 0; biases and norms are not", NULL},
    {0, "optimizer", CLI_CHOICE, AT(optimizer), "adamw|adam|sgd",
     "the rule by which gradients move the weights", NULL},
    {0, "max-grad-norm", CLI_REAL, AT(max_grad_norm), "X",
     "a longer gradient is scaled down to this length; 0: never", NULL},
    {0, "held-out", CLI_REAL, AT(held_out), "X",
     "share of the sequences that is only measured by, 50 to 1000 of them", NULL},
    {0, "eval-steps", CLI_COUNT, AT(eval_steps), "N", "updates between evaluations on them",
     "20 evaluations in all"},
    {0, "max-length", CLI_SIZE, AT(max_length), "N", "tokens of a sequence; documents are cut into such",
     "128"},
    {0, "drop-duplicates", CLI_FLAG, AT(drop_duplicates), NULL,
     "leave out repeated documents, and repeated lines within them", NULL},
    {0, "cache", CLI_STR, AT(cache), "FILE", "where the corpus is kept as tokens, for other runs, too",
     "in --out, while it runs"},
    {0, "save-dtype", CLI_CHOICE, AT(dtype), "f32|f16|bf16",
     "type of the saved weights; 16 bits: half the size", "that of --from; f32 with --size"},
    {0, "resume", CLI_FLAG, AT(resume), NULL,
     "go on where a stopped run was; starts if there is none, leaves a finished one", NULL},
    {0, "seed", CLI_COUNT, AT(seed), "N", "of all that is random: the same seed gives the same model", NULL},
    {0, "format", CLI_CHOICE, AT(format), "auto|lines|docs|jsonl|csv|tsv|fasttext|blocks",
     "of the corpus; auto goes by the ending, .gz and .zst left out", NULL},
    {0, "delimiter", CLI_CHAR, AT(delimiter), "C", "between the columns of csv", "a comma"},
    {0, "text", CLI_STR, AT(text), "NAME", "field or column that holds the text", NULL},
    {0, "on-error", CLI_CHOICE, AT(on_error), "report|stop", "a bad record: leave it out, or stop", NULL},
    {0, "batch-tokens", CLI_SIZE, AT(batch_tokens), "N", "rows computed at once", "1024"},
    {0, "threads", CLI_SIZE, AT(threads), "N", "computing threads",
     "what the affinity mask and cgroup allow"},
    {0, "quiet", CLI_FLAG, AT(quiet), NULL, "print nothing but errors on stderr", NULL},
    {0, "progress", CLI_FLAG, AT(progress), NULL, "show progress even where stderr is no terminal", NULL},
    {0},
};

/* What ink_pretrain takes; told before anything is read. */
static const cli_limit limits[] = {
    {"mask-rate", 1e-6, 1},
    {"minutes", 0, 1e6},
    {"batch-size", 1, 1 << 20},
    {"gradient-accumulation-steps", 1, 1 << 20},
    {"batch-ramp", 0, 1},
    {"learning-rate", 0, 1e3},
    {"warmup-ratio", 0, 1},
    {"weight-decay", 0, 1e3},
    {"max-grad-norm", 0, 1e30},
    {"held-out", 0, 0.5},
    {"threads", 1, 1024},
    {"batch-tokens", 1, 1 << 24},
    {0},
};

struct meter {
    bool quiet, shown, terminal, drawn;
    double last; /* when a line was drawn */
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
static void print_line(const ink_pretrain_progress *p)
{
    if (p->step == 0) {
        fprintf(stderr, "reading, %llu tokens", (unsigned long long)p->tokens);
        if (p->bytes_total)
            fprintf(stderr, " (%.0f%%)", 100.0 * (double)p->bytes_read / (double)p->bytes_total);
        return;
    }
    fprintf(stderr, "update %llu, %.1f%%, loss %.3f, %.0f tokens/s, ", (unsigned long long)p->step,
            100 * p->done, p->loss, p->tokens_per_second);
    job_print_duration(p->seconds_left);
    fputs(" left", stderr);
}

/* Of the guesses: with rtd the loss has another part. */
static double perplexity(double loss, const ink_replacing *r)
{
    return exp(isfinite(r->generator_loss) ? r->generator_loss : loss);
}

static void print_found(const ink_replacing *r)
{
    if (isfinite(r->found))
        fprintf(stderr, ", %.3f of the replaced found", r->found);
}

/* On a terminal one line is redrawn; elsewhere, with --progress, a line comes every 5 s. Evaluations stay. */
static int on_progress(const ink_pretrain_progress *p, void *user)
{
    struct meter *m = user;
    if (m->quiet)
        return job_stop_signal() != 0;
    if (p->message) {
        clear(m);
        fprintf(stderr, "%s\n", p->message);
        return job_stop_signal() != 0;
    }
    if (p->evaluated) {
        clear(m);
        fprintf(stderr, "%3.0f%%: update %llu, loss %.3f, accuracy %.3f", 100 * p->done,
                (unsigned long long)p->step, p->loss, p->accuracy);
        print_found(&p->replacing);
        if (isfinite(p->held_out_loss)) {
            fprintf(stderr, "; held out: perplexity %.2f, accuracy %.3f",
                    perplexity(p->held_out_loss, &p->held_out_replacing), p->held_out_accuracy);
            print_found(&p->held_out_replacing);
        }
        fputc('\n', stderr);
    }
    const double t = now();
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

static void fill(ink_pretrain_options *o, const struct args *a, struct meter *meter)
{
    const ink_pretrain_options init = INK_PRETRAIN_OPTIONS_INIT;
    *o = init;
    o->out = a->out, o->from = a->from, o->size = a->size, o->tokenizer = a->tokenizer;
    o->corpus = a->corpus.items, o->n_corpus = a->corpus.n;
    o->format = (ink_format)a->format, o->delimiter = a->delimiter, o->text = a->text, o->cache = a->cache;
    o->steps = a->steps, o->tokens = a->tokens, o->minutes = a->minutes, o->mask_rate = a->mask_rate;
    o->batch_size = a->batch_size, o->gradient_accumulation_steps = a->accumulation;
    o->batch_ramp = a->batch_ramp, o->learning_rate = a->learning_rate;
    o->weight_decay = a->weight_decay, o->warmup_ratio = a->warmup_ratio;
    o->lr_scheduler = schedulers[a->scheduler], o->optimizer = optimizers[a->optimizer];
    o->max_grad_norm = a->max_grad_norm, o->save_dtype = a->dtype == OWN_DTYPE ? NULL : dtypes[a->dtype];
    o->held_out = a->held_out, o->eval_steps = a->eval_steps, o->max_length = a->max_length;
    o->batch_tokens = a->batch_tokens, o->threads = a->threads, o->seed = a->seed;
    o->resume = a->resume, o->drop_duplicates = a->drop_duplicates;
    o->leave_out_bad = a->on_error != ON_ERROR_STOP;
    o->progress = on_progress, o->user = meter, o->objective = objectives[a->objective];
}

static void print_result(const ink_pretrain_report *r, const struct args *a)
{
    if (r->was_complete)
        fprintf(stderr, "%s holds this run, finished: nothing to do\n", a->out);
    fprintf(stderr, "%s: %llu updates, %llu tokens", a->out, (unsigned long long)r->steps,
            (unsigned long long)r->tokens);
    if (isfinite(r->held_out_loss))
        fprintf(stderr, "; held out: loss %.4f, perplexity %.2f, accuracy %.4f", r->held_out_loss,
                perplexity(r->held_out_loss, &r->held_out_replacing), r->held_out_accuracy);
    print_found(&r->held_out_replacing);
    if (!r->was_complete && isfinite(r->tokens_per_second)) {
        fprintf(stderr, "; %.0f tokens/s, ", r->tokens_per_second);
        job_print_duration(r->seconds);
    }
    fputc('\n', stderr);
}

static int print_left_out(const ink_pretrain_report *r)
{
    const unsigned long long n = r->left_out;
    if (n > 0)
        fprintf(stderr, "inkling pretrain: %llu record%s could not be used and %s left out%s%s\n", n,
                n == 1 ? "" : "s", n == 1 ? "was" : "were", r->first_error[0] ? "; the first: " : "",
                r->first_error);
    return n > 0 && !r->was_complete ? EXIT_FAILED : EXIT_OK;
}

static int check(const struct args *a)
{
    if (!a->from && !a->size)
        return cli_usage("pretrain", "--size and --tokenizer are required, or --from");
    if (a->from && a->size)
        return cli_usage("pretrain", "--from and --size exclude each other");
    if (a->size && !a->tokenizer)
        return cli_usage("pretrain", "--size wants the --tokenizer of the new model");
    if (a->corpus.n == 0 || !a->out)
        return cli_usage("pretrain", "--%s is required", a->out ? "corpus" : "out");
    if ((a->steps > 0) + (a->tokens > 0) + (a->minutes > 0) != 1)
        return cli_usage("pretrain", "one of --steps, --tokens and --minutes says how long it is");
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first, status = cli_parse(&a, &first, &verb_pretrain, argc, argv);
    if (status >= 0 || (status = check(&a)) != EXIT_OK)
        return status;
    struct meter meter = {.quiet = a.quiet, .terminal = isatty(STDERR_FILENO)};
    meter.shown = meter.terminal || a.progress;
    ink_pretrain_options o;
    ink_pretrain_report report;
    ink_error err;
    fill(&o, &a, &meter);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    job_catch_signals();
    const ink_status st = ink_pretrain(&report, &o, &err);
    clear(&meter);
    if (st == INK_E_CANCELLED && job_stop_signal()) {
        fprintf(stderr, "inkling pretrain: %s; the same command with --resume goes on\n", err.text);
        return 128 + job_stop_signal();
    }
    if (st != INK_OK)
        return cli_fail("pretrain", &err);
    if (!a.quiet)
        print_result(&report, &a);
    return print_left_out(&report);
}

const cli_verb verb_pretrain = {
    .name = "pretrain",
    .summary = "Trains an encoder on raw text, from random weights or going on with a model: it learns to\n"
               "guess masked words, or to find replaced ones. The directory it makes opens here and in\n"
               "Hugging Face; finetune --from makes a classifier of it. Repeated documents and lines of the\n"
               "text are told first.",
    .operands = "",
    .options = options,
    .limits = limits,
    .defaults = &defaults,
    .run = run,
};
