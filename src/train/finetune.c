/* Going through the updates of a finetuning run: see inkling/finetune.h. */
#include "core/memory.h"
#include "core/status.h"
#include "train/finetune_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ink_status ink__run_tell(const ink__run *run, const ink_finetune_progress *progress, ink_error *err)
{
    if (run->options->progress && run->options->progress(progress, run->options->user) != 0)
        return ink_fail(err, INK_E_CANCELLED, "stopped after update %llu of %llu",
                        (unsigned long long)run->standing.step, (unsigned long long)run->steps);
    return INK_OK;
}

ink_status ink__run_say(ink__run *run, ink_error *err, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ink__run_tell(run, &(ink_finetune_progress){.message = text}, err);
}

static double tokens_per_second(const ink__run *run)
{
    const double seconds = ink__seconds() - run->started;
    return seconds > 0 ? (double)(run->standing.tokens - run->tokens_before) / seconds : NAN;
}

static ink_status show(void *with, bool evaluated, ink_error *err)
{
    ink__run *run = with;
    const ink__standing *s = &run->standing;
    const uint64_t done = s->step, left = run->steps - done;
    const double speed = tokens_per_second(run);
    const double per_step = done ? (double)s->tokens / (double)done : NAN;
    return ink__run_tell(run,
                         &(ink_finetune_progress){.step = done,
                                                  .steps = run->steps,
                                                  .epoch = run->epochs * (double)done / (double)run->steps,
                                                  .loss = s->loss,
                                                  .learning_rate = run->rate,
                                                  .tokens_per_second = speed,
                                                  .seconds_left = (double)left * per_step / speed,
                                                  .metric = run->metric->key,
                                                  .value = s->value,
                                                  .best = s->best,
                                                  .evaluated = evaluated},
                         err);
}

/* The records of the next update: as many batches as are accumulated, but none of the next epoch. */
static size_t gather(ink__run *run)
{
    ink__cursor cursor = {run->standing.epoch, run->standing.batch};
    size_t n = 0;
    for (size_t i = 0; i < run->options->gradient_accumulation_steps; ++i) {
        size_t count;
        const uint32_t *batch = ink__order_next(&count, &cursor, &run->order);
        memcpy(run->records + n, batch, count * sizeof *batch);
        n += count;
        if (cursor.batch == 0)
            break;
    }
    run->standing.epoch = cursor.epoch, run->standing.batch = cursor.batch;
    return n;
}

/* One update; what it did goes to the log. */
static ink_status update(void *with, ink_error *err)
{
    enum { SMOOTH = 20 };
    ink__run *run = with;
    ink__standing *s = &run->standing;
    const double rate = run->options->learning_rate * ink__schedule_factor(&run->schedule, s->step);
    const size_t n = gather(run);
    const double divisor = ink__trainer_divisor(&run->trainer, &run->train, run->records, n);
    double loss, norm;
    run->rate = rate;
    INK_TRY(ink__trainer_learn(&loss, &run->trainer, &run->train, run->records, n, divisor, err));
    INK_TRY(ink__trainer_update(&norm, &run->trainer, rate, err));
    for (size_t i = 0; i < n; ++i)
        s->tokens += run->train.offsets[run->records[i] + 1] - run->train.offsets[run->records[i]];
    ++s->step;
    const double share = s->step < SMOOTH ? 1.0 / (double)s->step : 1.0 / SMOOTH;
    s->loss = s->step == 1 ? loss : s->loss + share * (loss - s->loss);
    s->first_loss = s->step == 1 ? loss : s->first_loss;
    ink__log_start(run->log, s->step);
    ink__log_number(run->log, "epoch", run->epochs * (double)s->step / (double)run->steps);
    ink__log_number(run->log, "loss", loss);
    ink__log_number(run->log, "learning_rate", rate);
    ink__log_number(run->log, "grad_norm", norm);
    ink__log_count(run->log, "tokens", s->tokens);
    ink__log_time(run->log, ink__seconds() - run->started, tokens_per_second(run));
    return ink__log_write(run->log, err);
}

/* Once each time it comes about. In the first updates it is no news, and the last evaluation is judged. */
static ink_status warn_of_collapse(ink__run *run, ink_error *err)
{
    enum { NEWS_AFTER = 50 };
    const ink__standing *s = &run->standing;
    size_t label = 0;
    const bool collapsed = ink__run_collapsed(&label, run), told = run->told_collapse;
    run->standing.collapsed = run->told_collapse = collapsed;
    if (!collapsed || told || s->step < NEWS_AFTER || s->step == run->steps)
        return INK_OK;
    return ink__run_say(run, err, "update %llu: the model gives every dev record the label \"%s\". %s",
                        (unsigned long long)s->step, run->config.labels[label], ink__run_advice(run));
}

/* Equal values are told apart by dev's loss, and of equals in that, too, the later has learned more. Patience
 * asks for a better value. */
static bool is_kept(const ink__run *run)
{
    const ink__standing *s = &run->standing;
    if (isnan(s->best) || ink__run_is_better(run, s->value, s->best))
        return true;
    return s->value == s->best && !(s->dev_loss > s->best_loss);
}

static ink_status evaluate(void *with, ink_error *err)
{
    ink__run *run = with;
    ink__standing *s = &run->standing;
    INK_TRY(ink__run_evaluate(&s->value, &s->dev_loss, run, err));
    ink__log_start(run->log, s->step);
    ink__log_string(run->log, "metric", run->metric->key);
    ink__log_number(run->log, "value", s->value);
    ink__log_number(run->log, "dev_loss", s->dev_loss);
    INK_TRY(ink__log_write(run->log, err));
    const bool better = isnan(s->best) || ink__run_is_better(run, s->value, s->best);
    if (is_kept(run)) {
        s->best = s->value, s->best_loss = s->dev_loss, s->best_step = s->step;
        INK_TRY(ink__run_save_best(run, err));
    }
    s->worse = better ? 0 : s->worse + 1;
    s->ended = s->worse > 0 && s->worse == run->options->early_stopping_patience;
    return warn_of_collapse(run, err);
}

static bool is_over(const void *with)
{
    const ink__run *run = with;
    return run->standing.step >= run->steps || run->standing.ended;
}

static bool is_due(const void *with)
{
    const ink__run *run = with;
    return run->standing.step % run->eval_steps == 0 || run->standing.step == run->steps;
}

ink__course ink__run_course(ink__run *run)
{
    const ink_finetune_options *o = run->options;
    return (ink__course){
        .run = run,
        .out = run->out,
        .settings = run->settings,
        .contents = {{"train_digest", "training data", o->train[0]},
                     {"dev_digest", "dev data", o->n_dev ? o->dev[0] : o->train[0]},
                     {"class_weights_digest", "class weights", o->class_weights ? o->class_weights : "none"},
                     {"teacher_digest", "teacher's weights", o->teacher ? o->teacher : "none"},
                     {"unlabelled_digest", "texts without labels",
                      o->n_unlabelled ? o->unlabelled[0] : "none"},
                     {"size_digest", "sizes", o->size ? o->size : "none"}},
        .n_contents = 6,
        .store = &run->store,
        .optimizer = &run->trainer.optimizer,
        .log = &run->log,
        .standing = &run->standing,
        .standing_size = sizeof run->standing,
        .saved = &run->saved,
        .check = ink__run_check_standing,
        .is_over = is_over,
        .update = update,
        .is_due = is_due,
        .evaluate = evaluate,
        .show = show};
}

/* A head that is kept may be good as it is: what it is worth before the first update is the one to beat. */
static ink_status evaluate_start(ink__run *run, ink_error *err)
{
    INK_TRY(evaluate(run, err));
    const ink__course course = ink__run_course(run);
    INK_TRY(ink__course_save(&course, err));
    return ink__run_say(run, err, "before training: dev %s %.4f", run->metric->key, run->standing.value);
}

static ink_status go_through(ink__run *run, ink_error *err)
{
    ink__standing *s = &run->standing;
    run->started = run->saved = ink__seconds(), run->tokens_before = s->tokens;
    if (run->kept_head && s->step == 0 && isnan(s->best))
        INK_TRY(evaluate_start(run, err));
    const ink__course course = ink__run_course(run);
    INK_TRY(ink__course_run(&course, err));
    run->report->tokens_per_second = tokens_per_second(run);
    return INK_OK;
}

static ink_status finetune_one(ink__run *run, ink_error *err)
{
    bool complete;
    INK_TRY(ink__run_prepare(run, err));
    INK_TRY(ink__run_look(run, &complete, err));
    if (!complete) {
        INK_TRY(ink__run_restore(run, err));
        INK_TRY(ink__run_ask_teacher(run, err));
        INK_TRY(go_through(run, err));
        INK_TRY(ink__run_finish(run, err));
    }
    run->report->was_complete = complete;
    return INK_OK;
}

ink_status ink__finetune_one(ink_finetune_report *report, const ink_finetune_options *options,
                             uint64_t held_out_by, const char *answers, ink_error *err)
{
    const double started = ink__seconds();
    ink__run run = {
        .options = options,
        .held_out_by = held_out_by,
        .answers = answers,
        .report = report,
        .lock = -1,
        .teacher_value = NAN,
        .standing = {
            .best = NAN, .value = NAN, .loss = NAN, .first_loss = NAN, .best_loss = NAN, .dev_loss = NAN}};
    *report =
        (ink_finetune_report){.best = NAN, .deviation = NAN, .tokens_per_second = NAN, .teacher_value = NAN};
    const ink_status st = finetune_one(&run, err);
    report->train = run.train.n - run.n_unlabelled, report->dev = run.dev.n;
    report->unlabelled = run.n_unlabelled, report->teacher_value = run.teacher_value;
    report->steps = run.standing.step, report->best_step = run.standing.best_step;
    report->metric = run.metric ? run.metric->key : NULL;
    report->best = run.standing.best, report->dev_loss = run.standing.best_loss, report->kept = options->seed;
    report->seconds = ink__seconds() - started;
    ink__run_free(&run);
    return st;
}
