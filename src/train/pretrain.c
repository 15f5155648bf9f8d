/* Going through the updates of a pretraining run: see inkling/pretrain.h. */
#include "core/status.h"
#include "train/pretrain_run.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

ink_status ink__pretrain_tell(const ink__pretraining *run, const ink_pretrain_progress *progress,
                              ink_error *err)
{
    if (run->options->progress && run->options->progress(progress, run->options->user) != 0)
        return ink_fail(err, INK_E_CANCELLED, "stopped after update %llu, %.0f %% of the run",
                        (unsigned long long)run->standing.step, 100 * ink__pretrain_done(run));
    return INK_OK;
}

ink_status ink__pretrain_say(ink__pretraining *run, ink_error *err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ink__pretrain_tell(run, &(ink_pretrain_progress){.message = text}, err);
}

double ink__pretrain_done(const ink__pretraining *run)
{
    const ink_pretrain_options *o = run->options;
    const ink__pretrain_standing *s = &run->standing;
    const double done = o->steps    ? (double)s->step / (double)o->steps
                        : o->tokens ? (double)s->tokens / (double)o->tokens
                                    : s->seconds / (60 * o->minutes);
    return done < 1 ? done : 1;
}

double ink__pretrain_rate(const ink__pretraining *run)
{
    const uint64_t total = run->schedule.total;
    const uint64_t at =
        run->options->steps ? run->standing.step : (uint64_t)(ink__pretrain_done(run) * (double)total);
    return run->learning_rate * ink__schedule_factor(&run->schedule, at);
}

/* Sequences of the next update: within the ramp they grow from an eighth in a straight line. */
static size_t wanted(const ink__pretraining *run)
{
    const double ramp = run->options->batch_ramp, done = ink__pretrain_done(run);
    const double all = (double)run->most_records, least = ceil(all / 8);
    return done < ramp ? (size_t)(least + (all - least) * done / ramp) : run->most_records;
}

/* None of the next epoch. */
size_t ink__pretrain_gather(ink__pretraining *run)
{
    ink__cursor cursor = {run->standing.epoch, run->standing.at};
    const size_t most = wanted(run);
    size_t n = 0;
    do {
        size_t count;
        run->records[n++] = run->learned[*ink__order_next(&count, &cursor, &run->order)];
    } while (n < most && cursor.batch > 0);
    run->standing.epoch = cursor.epoch, run->standing.at = cursor.batch;
    return n;
}

static double tokens_per_second(const ink__pretraining *run)
{
    const double seconds = ink__seconds() - run->started;
    return seconds > 0 ? (double)(run->standing.tokens - run->tokens_before) / seconds : NAN;
}

size_t ink__pretrain_standing_size(const ink__pretraining *run)
{
    return run->objective->n_figures ? sizeof run->standing : offsetof(ink__pretrain_standing, figures);
}

double ink__pretrain_perplexity(const ink__pretraining *run)
{
    const ink__pretrain_standing *s = &run->standing;
    return exp(run->objective->n_figures ? s->held_out_figures[INK__GENERATOR_LOSS] : s->held_out_loss);
}

static void log_figures(ink__pretraining *run, const char *prefix, const double *figures)
{
    for (size_t i = 0; i < run->objective->n_figures; ++i) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", prefix, ink__figure_names[i]);
        ink__log_number(run->log, name, figures[i]);
    }
}

static ink_status write_log(ink__pretraining *run, double loss, double accuracy, const double *figures,
                            double norm, ink_error *err)
{
    const ink__pretrain_standing *s = &run->standing;
    ink__log_start(run->log, s->step);
    ink__log_number(run->log, "epoch", (double)s->epoch + (double)s->at / (double)run->order.n_batches);
    ink__log_number(run->log, "loss", loss);
    ink__log_number(run->log, "accuracy", accuracy);
    log_figures(run, "", figures);
    ink__log_number(run->log, "learning_rate", run->rate);
    ink__log_number(run->log, "grad_norm", norm);
    ink__log_count(run->log, "tokens", s->tokens);
    ink__log_time(run->log, ink__seconds() - run->started, tokens_per_second(run));
    return ink__log_write(run->log, err);
}

/* What an update has nothing to say of stays as it was. */
static void smooth(double *mean, double value, double share)
{
    if (isfinite(value))
        *mean = isfinite(*mean) ? *mean + share * (value - *mean) : value;
}

/* An update that masks no token, as a short batch may, moves weights by decay and moments alone. */
static ink_status update(void *with, ink_error *err)
{
    enum { SMOOTH = 20, EVALUATIONS = 20 };
    ink__pretraining *run = with;
    ink__pretrain_standing *s = &run->standing;
    const double done = ink__pretrain_done(run);
    run->rate = ink__pretrain_rate(run);
    const size_t n = ink__pretrain_gather(run);
    const double divisor = ink__trainer_divisor(&run->trainer, &run->data, run->records, n);
    double loss, norm, accuracy, figures[INK__FIGURES];
    INK_TRY(ink__trainer_learn(&loss, &run->trainer, &run->data, run->records, n, divisor, err));
    ink__trainer_tell(&accuracy, figures, &run->trainer);
    accuracy = isnan(accuracy) ? 0 : accuracy;
    INK_TRY(ink__trainer_update(&norm, &run->trainer, run->rate, err));
    for (size_t i = 0; i < n; ++i)
        s->tokens += run->data.offsets[run->records[i] + 1] - run->data.offsets[run->records[i]];
    ++s->step;
    const double share = s->step < SMOOTH ? 1.0 / (double)s->step : 1.0 / SMOOTH;
    s->loss += share * (loss - s->loss), s->accuracy += share * (accuracy - s->accuracy);
    for (size_t i = 0; i < run->objective->n_figures; ++i)
        smooth(&s->figures[i], figures[i], share);
    s->seconds = run->seconds_before + ink__seconds() - run->started;
    const double now = ink__pretrain_done(run);
    run->due = now >= 1 || (run->options->eval_steps ? s->step % run->options->eval_steps == 0
                                                     : floor(EVALUATIONS * now) > floor(EVALUATIONS * done));
    return write_log(run, loss, accuracy, figures, norm, err);
}

static ink_status evaluate(void *with, ink_error *err)
{
    ink__pretraining *run = with;
    ink__pretrain_standing *s = &run->standing;
    if (run->n_held == 0)
        return INK_OK;
    INK_TRY(ink__trainer_measure(&s->held_out_loss, &s->held_out_accuracy, s->held_out_figures, &run->trainer,
                                 &run->data, run->held, run->n_held, err));
    ink__log_start(run->log, s->step);
    ink__log_number(run->log, "held_out_loss", s->held_out_loss);
    ink__log_number(run->log, "held_out_perplexity", ink__pretrain_perplexity(run));
    ink__log_number(run->log, "held_out_accuracy", s->held_out_accuracy);
    log_figures(run, "held_out_", s->held_out_figures);
    return ink__log_write(run->log, err);
}

static ink_replacing replacing(const double figures[INK__FIGURES])
{
    return (ink_replacing){.generator_loss = figures[INK__GENERATOR_LOSS],
                           .discriminator_loss = figures[INK__DISCRIMINATOR_LOSS],
                           .discriminator_accuracy = figures[INK__DISCRIMINATOR_ACCURACY],
                           .found = figures[INK__REPLACED_FOUND]};
}

static ink_status show(void *with, bool evaluated, ink_error *err)
{
    ink__pretraining *run = with;
    const ink__pretrain_standing *s = &run->standing;
    const double done = ink__pretrain_done(run);
    return ink__pretrain_tell(run,
                              &(ink_pretrain_progress){.step = s->step,
                                                       .tokens = s->tokens,
                                                       .done = done,
                                                       .loss = s->loss,
                                                       .accuracy = s->accuracy,
                                                       .learning_rate = run->rate,
                                                       .tokens_per_second = tokens_per_second(run),
                                                       .seconds_left = s->seconds * (1 - done) / done,
                                                       .held_out_loss = s->held_out_loss,
                                                       .held_out_accuracy = s->held_out_accuracy,
                                                       .evaluated = evaluated,
                                                       .replacing = replacing(s->figures),
                                                       .held_out_replacing = replacing(s->held_out_figures)},
                              err);
}

static bool is_over(const void *with)
{
    return ink__pretrain_done(with) >= 1;
}

static bool is_due(const void *with)
{
    const ink__pretraining *run = with;
    return run->due;
}

ink__course ink__pretrain_course(ink__pretraining *run)
{
    return (ink__course){.run = run,
                         .out = run->options->out,
                         .settings = run->settings,
                         .contents = {{"corpus_digest", "contents of the corpus", run->options->corpus[0]},
                                      {"size_digest", "contents of the file of sizes", run->options->size}},
                         .n_contents = run->sized_by_file ? 2 : 1,
                         .store = &run->models[0].store,
                         .optimizer = &run->trainer.optimizer,
                         .log = &run->log,
                         .standing = &run->standing,
                         .standing_size = ink__pretrain_standing_size(run),
                         .saved = &run->saved,
                         .check = ink__pretrain_check_standing,
                         .is_over = is_over,
                         .update = update,
                         .is_due = is_due,
                         .evaluate = evaluate,
                         .show = show};
}

/* What a run ended with that is worth nothing yet. */
static ink_status say_verdict(ink__pretraining *run, ink_error *err)
{
    const double perplexity = ink__pretrain_perplexity(run), frequency = exp(run->report->frequency_loss);
    const bool replaces = run->objective->n_figures > 0;
    if (perplexity >= frequency)
        INK_TRY(ink__pretrain_say(
            run, err,
            "the %s has not learned from contexts yet: its held-out perplexity is %.0f, and "
            "guessing by frequency alone has %.0f. Train longer, on more text, in smaller "
            "batches or at another learning rate",
            replaces ? "generator" : "model", perplexity, frequency));
    if (replaces && run->standing.held_out_figures[INK__REPLACED_FOUND] < 0.01)
        INK_TRY(
            ink__pretrain_say(run, err,
                              "the model finds hardly any replaced token: it has learned nothing yet. Train "
                              "longer, or by masked tokens (mlm)"));
    return INK_OK;
}

static ink_status go_through(ink__pretraining *run, ink_error *err)
{
    const ink__course course = ink__pretrain_course(run);
    bool resumed;
    INK_TRY(ink__course_restore(&resumed, &course, err));
    if (resumed)
        INK_TRY(ink__pretrain_say(run, err, "continued after update %llu, %.0f %% of the run",
                                  (unsigned long long)run->standing.step, 100 * ink__pretrain_done(run)));
    run->started = run->saved = ink__seconds();
    run->seconds_before = run->standing.seconds, run->tokens_before = run->standing.tokens;
    INK_TRY(ink__course_run(&course, err));
    run->report->tokens_per_second = tokens_per_second(run);
    INK_TRY(ink__pretrain_finish(run, err));
    return say_verdict(run, err);
}

static ink_status pretrain(ink__pretraining *run, ink_error *err)
{
    bool complete;
    INK_TRY(ink__pretrain_prepare(run, err));
    INK_TRY(ink__pretrain_look(run, &complete, err));
    run->report->was_complete = complete;
    return complete ? INK_OK : go_through(run, err);
}

ink_status ink_pretrain(ink_pretrain_report *report, const ink_pretrain_options *options, ink_error *err)
{
    static const ink_pretrain_options init = INK_PRETRAIN_OPTIONS_INIT;
    if (!report || !options)
        return ink_fail(err, INK_E_ARG, "ink_pretrain: report and options may not be NULL");
    ink_pretrain_options o = *options;
    o.lr_scheduler = o.lr_scheduler ? o.lr_scheduler : init.lr_scheduler;
    o.optimizer = o.optimizer ? o.optimizer : init.optimizer;
    const double started = ink__seconds();
    ink__pretraining run = {.options = &o,
                            .report = report,
                            .lock = -1,
                            .standing = {.held_out_loss = NAN, .held_out_accuracy = NAN}};
    for (size_t i = 0; i < INK__FIGURES; ++i)
        run.standing.figures[i] = run.standing.held_out_figures[i] = NAN;
    *report = (ink_pretrain_report){.tokens_per_second = NAN};
    const ink_status st = pretrain(&run, err);
    const ink__pretrain_standing *s = &run.standing;
    report->steps = s->step, report->tokens = s->tokens, report->loss = s->loss;
    report->held_out_loss = s->held_out_loss, report->held_out_accuracy = s->held_out_accuracy;
    report->held_out_replacing = replacing(s->held_out_figures);
    report->seconds = ink__seconds() - started;
    ink__pretrain_free(&run);
    return st;
}
