/* Getting a pretraining run ready: options, tokens, model, order. See pretrain_run.h. */
#include "core/memory.h"
#include "core/random.h"
#include "train/pretrain_run.h"
#include "train/streams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rows computed at once: enough for the products' full speed, few enough to keep activations small. */
enum { PIECE_TOKENS = 1024, SEQUENCE = 128, HELD_OUT_MOST = 1000, HELD_OUT_FEW = 50, MOST = 1 << 20 };

/* Of a schedule whose updates are not counted beforehand. */
enum { TICKS = 1 << 20 };

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "the cache's offsets are the trainer's");

/* ---- options --------------------------------------------------------------------------------------- */

static ink_status check_length(const ink_pretrain_options *o, ink_error *err)
{
    const int given = (o->steps > 0) + (o->tokens > 0) + (o->minutes > 0);
    if (given != 1 || !(o->minutes >= 0 && o->minutes <= 1e6))
        return ink_fail(err, INK_E_ARG,
                        "a run is as long as steps, tokens or minutes say: wanted just one of them, above 0");
    return o->steps < UINT32_MAX ? INK_OK
                                 : ink_fail(err, INK_E_ARG, "%llu updates, wanted at most %u",
                                            (unsigned long long)o->steps, UINT32_MAX - 1);
}

static ink_status check_options(const ink_pretrain_options *o, ink_error *err)
{
    const struct {
        const char *name;
        double value, least, most;
    } ranges[] = {
        {"mask rate", o->mask_rate, 1e-6, 1},
        {"batch ramp", o->batch_ramp, 0, 1},
        {"learning rate", o->learning_rate, 0, 1e3},
        {"weight decay", o->weight_decay, 0, 1e3},
        {"warm-up ratio", o->warmup_ratio, 0, 1},
        {"largest gradient norm", o->max_grad_norm, 0, 1e30},
        {"held-out share", o->held_out, 0, 0.5},
        {"batch size", (double)o->batch_size, 1, MOST},
        {"number of batches an update", (double)o->gradient_accumulation_steps, 1, MOST},
        {"number of threads", (double)o->threads, 0, 1024},
        {"number of rows at once", (double)o->batch_tokens, 0, 1 << 24},
    };
    if (o->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_pretrain_options has version %u, wanted 1", o->version);
    if (!o->out || !*o->out)
        return ink_fail(err, INK_E_ARG, "no directory to write");
    if (!o->from == !o->size)
        return ink_fail(err, INK_E_ARG, "%s: a model to start from, or a size for random weights",
                        o->from ? "both are given" : "neither is given");
    if (o->size && !o->tokenizer)
        return ink_fail(err, INK_E_ARG, "a model of random weights needs the directory of a tokenizer");
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; ++i)
        if (!(ranges[i].value >= ranges[i].least && ranges[i].value <= ranges[i].most))
            return ink_fail(err, INK_E_ARG, "a %s of %g, wanted %g to %g", ranges[i].name, ranges[i].value,
                            ranges[i].least, ranges[i].most);
    return check_length(o, err);
}

/* ---- model ----------------------------------------------------------------------------------------- */

static ink_status find_objective(ink__pretraining *run, ink_error *err)
{
    static const ink__objective *const all[] = {&ink__objective_masked, &ink__objective_replaced};
    const char *name = run->options->objective ? run->options->objective : all[0]->name;
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        if (strcmp(name, all[i]->name) == 0) {
            run->objective = all[i];
            return INK_OK;
        }
    return ink_fail(err, INK_E_ARG, "no objective \"%s\", wanted mlm or rtd", name);
}

static ink_status choose_length(ink__pretraining *run, ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    const size_t positions = ink__config_longest(&run->models[0].config);
    if (o->max_length > positions)
        return ink_fail(err, INK_E_ARG, "sequences of %zu tokens, but the model has %zu positions",
                        o->max_length, positions);
    run->max_length = o->max_length ? o->max_length : positions < SEQUENCE ? positions : SEQUENCE;
    run->learning_rate = o->learning_rate > 0 ? o->learning_rate : o->from ? 1e-4 : 5e-4;
    return INK_OK;
}

static ink_status make_trainer(ink__pretraining *run, ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    ink__trainer_options t = {.objective = run->objective,
                              .masking = &run->masking,
                              .second_config = &run->models[1].config,
                              .second_store = &run->models[1].store,
                              .threads = run->trainer.options.threads,
                              .piece_tokens = o->batch_tokens ? o->batch_tokens : PIECE_TOKENS,
                              .longest = run->max_length,
                              .seed = o->seed,
                              .decay = o->weight_decay,
                              .max_grad_norm = o->max_grad_norm};
    INK_TRY(ink__optimizer_find(&t.optimizer, o->optimizer, err));
    return ink__trainer_create(&run->trainer, &run->models[0].config, &run->models[0].store, &t, err);
}

/* ---- corpus ---------------------------------------------------------------------------------------- */

static ink_status on_reading(const ink__corpus_progress *p, void *user, ink_error *err)
{
    static const ink_replacing none = {NAN, NAN, NAN, NAN};
    ink__pretraining *run = user;
    const double now = ink__seconds();
    if (now - run->told < 0.1)
        return INK_OK;
    run->told = now;
    return ink__pretrain_tell(run,
                              &(ink_pretrain_progress){.bytes_read = p->bytes_read,
                                                       .bytes_total = p->bytes_total,
                                                       .tokens = p->tokens,
                                                       .loss = NAN,
                                                       .accuracy = NAN,
                                                       .learning_rate = NAN,
                                                       .tokens_per_second = NAN,
                                                       .seconds_left = NAN,
                                                       .held_out_loss = NAN,
                                                       .held_out_accuracy = NAN,
                                                       .replacing = none,
                                                       .held_out_replacing = none},
                              err);
}

static ink_status say_findings(ink__pretraining *run, bool made, ink_error *err)
{
    const ink__corpus_counts *c = &run->corpus.counts;
    const bool drops = run->options->drop_duplicates;
    const char *const what = drops ? "left out" : "kept (--drop-duplicates leaves them out)";
    INK_TRY(ink__pretrain_say(run, err, "corpus: %llu documents, %llu tokens in %llu sequences%s",
                              (unsigned long long)c->documents, (unsigned long long)c->tokens,
                              (unsigned long long)c->sequences, made ? "" : ", from the cache"));
    if (c->repeated > 0)
        INK_TRY(ink__pretrain_say(run, err, "corpus: %llu of %llu documents repeat an earlier one: %s",
                                  (unsigned long long)c->repeated, (unsigned long long)c->documents, what));
    if (c->repeated_lines > 0)
        INK_TRY(ink__pretrain_say(run, err, "corpus: %llu of %llu lines repeat an earlier one: %s",
                                  (unsigned long long)c->repeated_lines, (unsigned long long)c->lines, what));
    if (c->bad_bytes > 0)
        INK_TRY(ink__pretrain_say(run, err, "corpus: %llu places are not UTF-8 and read as U+FFFD",
                                  (unsigned long long)c->bad_bytes));
    if (c->unknown * 100 > c->tokens)
        INK_TRY(ink__pretrain_say(run, err, "corpus: %.1f %% of the tokens are unknown to the tokenizer",
                                  100 * (double)c->unknown / (double)c->tokens));
    return ink__pretrain_say(run, err,
                             "corpus: guessing tokens by their frequency alone has a perplexity of %.0f; "
                             "below that a model has learned from contexts",
                             exp(run->report->frequency_loss));
}

/* The first are drawn one by one (Durstenfeld, "Algorithm 235: Random permutation", CACM 1964). */
static ink_status hold_out(ink__pretraining *run, ink_error *err)
{
    const size_t n = run->data.n;
    const double share = run->options->held_out;
    size_t held = (size_t)ceil((double)n * share);
    if (n > UINT32_MAX)
        return ink_fail(err, INK_E_ARG, "%zu sequences, at most %u", n, UINT32_MAX);
    const size_t few = n / 10 < HELD_OUT_FEW ? n / 10 : HELD_OUT_FEW;
    held = held > HELD_OUT_MOST ? HELD_OUT_MOST : held;
    held = held > 0 && held < few ? few : held;
    if (held >= n)
        held = n - 1;
    INK_TRY(ink__calloc(&run->held, n, sizeof *run->held, "sequences", err));
    ink__random random = ink__random_start(run->options->seed, ink__stream(INK__DRAW_HELD_OUT, 0));
    for (size_t i = 0; i < n; ++i)
        run->held[i] = (uint32_t)i;
    for (size_t i = 0; i < held; ++i) {
        const size_t j = i + ink__random_below(&random, (uint32_t)(n - i));
        const uint32_t drawn = run->held[j];
        run->held[j] = run->held[i], run->held[i] = drawn;
    }
    run->learned = run->held + held;
    run->n_held = held, run->n_learned = n - held;
    return INK_OK;
}

static ink_status open_corpus(ink__pretraining *run, ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    ink_pretrain_report *r = run->report;
    const ink__corpus_options options = {.records = {.inputs = o->corpus,
                                                     .n_inputs = o->n_corpus,
                                                     .format = o->format,
                                                     .delimiter = o->delimiter,
                                                     .text = o->text},
                                         .tokenizer = run->tokenizer,
                                         .tokenizer_dir = run->tokenizer_dir,
                                         .max_length = run->max_length,
                                         .drop_duplicates = o->drop_duplicates,
                                         .skip_bad = o->leave_out_bad,
                                         .threads = run->trainer.options.threads,
                                         .progress = on_reading,
                                         .user = run,
                                         .first_error = r->first_error};
    const ink__corpus_counts *c = &run->corpus.counts;
    bool made;
    INK_TRY(ink__corpus_open(&run->corpus, &made, run->cache, &options, err));
    run->data.n = (size_t)c->sequences;
    run->data.ids = (int32_t *)(uintptr_t)run->corpus.ids;
    run->data.offsets = (size_t *)(uintptr_t)run->corpus.offsets;
    r->documents = c->documents, r->repeated = c->repeated;
    r->lines = c->lines, r->repeated_lines = c->repeated_lines;
    r->corpus_tokens = c->tokens, r->left_out = c->left_out;
    INK_TRY(ink__masking_floor(&r->frequency_loss, &run->masking, run->corpus.ids, (size_t)c->tokens, err));
    INK_TRY(say_findings(run, made, err));
    INK_TRY(hold_out(run, err));
    r->sequences = run->n_learned, r->held_out = run->n_held;
    return INK_OK;
}

static ink_status plan_updates(ink__pretraining *run, ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    ink__schedule_kind kind;
    size_t most;
    if (!ink__mul(&most, o->batch_size, o->gradient_accumulation_steps))
        return ink_fail(err, INK_E_ARG, "updates of %zu batches: too many", o->gradient_accumulation_steps);
    run->most_records = most < run->n_learned ? most : run->n_learned;
    INK_TRY(ink__order_create(&run->order, run->n_learned, NULL, 1, o->seed, err));
    INK_TRY(ink__schedule_find(&kind, o->lr_scheduler, err));
    INK_TRY(ink__schedule_start(&run->schedule, kind, o->steps ? o->steps : TICKS, o->warmup_ratio,
                                run->learning_rate, err));
    return ink__calloc(&run->records, run->most_records, sizeof *run->records, "batch", err);
}

ink_status ink__pretrain_prepare(ink__pretraining *run, ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    INK_TRY(check_options(o, err));
    INK_TRY(ink__out_check(&run->lock, o->out, "pretrain.json", o->resume, err));
    run->trainer.options.threads = o->threads ? o->threads : ink_threads_default(NULL);
    INK_TRY(find_objective(run, err));
    INK_TRY(ink__pretrain_open(run, err));
    INK_TRY(ink__pretrain_configure(run, err));
    INK_TRY(choose_length(run, err));
    INK_TRY(ink__masking_create(&run->masking, run->tokenizer, o->mask_rate, o->seed, err));
    INK_TRY(ink__out_make(&run->lock, o->out, err));
    INK_TRY(o->cache ? ink__strndup(&run->cache, o->cache, strlen(o->cache), err)
                     : ink__path_join(&run->cache, o->out, ".tokens", err));
    INK_TRY(open_corpus(run, err));
    INK_TRY(ink__pretrain_make(run, err));
    INK_TRY(plan_updates(run, err));
    return make_trainer(run, err);
}

void ink__pretrain_free(ink__pretraining *run)
{
    if (run->lock >= 0)
        close(run->lock);
    ink__log_free(run->log);
    ink__trainer_free(&run->trainer);
    ink__pretrain_free_models(run);
    ink__order_free(&run->order);
    ink__masking_free(&run->masking);
    ink__corpus_close(&run->corpus);
    ink_tokenizer_free(run->own_tokenizer);
    free(run->held);
    free(run->records);
    free(run->settings);
    free(run->cache);
}
