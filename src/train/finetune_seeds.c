/* Several runs of one finetuning that differ in their seeds: see inkling/finetune.h. */
#include "core/memory.h"
#include "io/file.h"
#include "model/companions.h"
#include "train/finetune_run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_less_better(const char *metric)
{
    const ink_activation kinds[] = {INK_ACTIVATION_SOFTMAX, INK_ACTIVATION_SIGMOID, INK_ACTIVATION_NONE};
    for (size_t i = 0; i < 3; ++i) {
        size_t at, count;
        if (ink__metric_find(&at, kinds[i], metric))
            return ink__metrics_list(&count, kinds[i])[at].less_is_better;
    }
    return false;
}

/* The run in from becomes out's own. */
static ink_status adopt(const char *out, const char *from, ink_error *err)
{
    static const char *const files[] = {"log.jsonl",      "evaluation.json", "report.html",
                                        "held-out.jsonl", "config.json",     "model.safetensors"};
    INK_TRY(ink__companions_copy(out, from, INK__TOKENIZER_FILES, err));
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
        if (ink__file_exists(from, files[i]))
            INK_TRY(ink__copy_into(out, from, files[i], err));
    return INK_OK;
}

/* Which of the runs is kept, and why, as a message. */
static ink_status say_kept(const ink_finetune_report *kept, const ink_finetune_options *options,
                           const double *values, bool less_is_better, ink_error *err)
{
    char list[600];
    size_t used = 0;
    for (size_t k = 0; k < options->seeds && used < 400; ++k)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.4f", k ? ", " : "", values[k]);
    char text[900];
    snprintf(text, sizeof text, "seed %llu is kept: its dev %s is the %s (%s%s)",
             (unsigned long long)kept->kept, kept->metric, less_is_better ? "lowest" : "highest", list,
             used >= 400 ? ", ..." : "");
    if (options->progress && options->progress(&(ink_finetune_progress){.message = text}, options->user) != 0)
        return ink_fail(err, INK_E_CANCELLED, "stopped after the last of %zu seeds", options->seeds);
    return INK_OK;
}

/* The kept run's finetune.json with one entry more:
 * "seeds":{"first":42,"values":[0.91,0.9],"mean":0.905,"deviation":0.007,"kept":42} */
static ink_status write_summary(const ink_finetune_report *report, const ink_finetune_options *options,
                                const char *kept, const double *values, ink_error *err)
{
    char *from = NULL, *to = NULL, *text = NULL;
    json_t *all = NULL;
    ink__atomic *file = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__path_join(&from, kept, "finetune.json", err));
    INK_TRY_GOTO(ink__path_join(&to, options->out, "finetune.json", err));
    all = json_load_file(from, 0, NULL); /* as the run has just written or read it */
    json_t *seeds = json_object(), *list = json_array();
    for (size_t k = 0; k < options->seeds; ++k)
        json_array_append_new(list, isfinite(values[k]) ? json_real(values[k]) : json_null());
    json_object_set_new(seeds, "first", json_integer((json_int_t)options->seed));
    json_object_set_new(seeds, "values", list);
    json_object_set_new(seeds, "mean", isfinite(report->best) ? json_real(report->best) : json_null());
    json_object_set_new(seeds, "deviation",
                        isfinite(report->deviation) ? json_real(report->deviation) : json_null());
    json_object_set_new(seeds, "kept", json_integer((json_int_t)report->kept));
    json_object_set_new(all, "seeds", seeds);
    text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    st = text ? INK_OK : ink_fail(err, INK_E_IO, "%s: cannot be read again", from);
    if (st != INK_OK)
        goto done;
    INK_TRY_GOTO(ink__atomic_open(&file, to, err));
    INK_TRY_GOTO(ink__atomic_write(file, text, strlen(text), err));
    st = ink__atomic_commit(file, err);
done:
    ink__atomic_free(file);
    json_decref(all);
    free(from);
    free(to);
    free(text);
    return st;
}

/* A better value, or the same one and a lower loss of dev. */
static bool is_better(const ink_finetune_report *a, const ink_finetune_report *b, bool less_is_better)
{
    if (isnan(b->best) || a->best == b->best)
        return isnan(b->best) || a->dev_loss < b->dev_loss;
    return less_is_better ? a->best < b->best : a->best > b->best;
}

/* A teacher answers once for all runs. */
static ink_status forget_answers(const char *out, ink_error *err)
{
    char *path;
    INK_TRY(ink__path_join(&path, out, INK__ANSWERS, err));
    const int failed = unlink(path) != 0 && errno != ENOENT;
    const ink_status st = failed ? ink__fail_errno(err, path, "cannot be removed") : INK_OK;
    free(path);
    return st;
}

/* The report becomes that of the best run, but for its mean and times. */
static ink_status run_all(ink_finetune_report *report, const ink_finetune_options *options, char **dirs,
                          double *values, ink_error *err)
{
    size_t best = 0;
    double sum = 0, squares = 0, seconds = 0;
    bool less = false;
    ink_finetune_report kept = {0};
    const size_t K = options->seeds;
    bool complete = true;
    for (size_t k = 0; k < K; ++k) {
        char name[40];
        ink_finetune_options one = *options;
        snprintf(name, sizeof name, "seed-%llu", (unsigned long long)(options->seed + k));
        INK_TRY(ink__path_join(&dirs[k], options->out, name, err));
        one.out = dirs[k], one.seed = options->seed + k, one.seeds = 1;
        INK_TRY(ink__finetune_one(report, &one, options->seed, options->out, err));
        values[k] = report->best, seconds += report->seconds, complete &= report->was_complete;
        less = is_less_better(report->metric);
        if (k == 0 || is_better(report, &kept, less))
            best = k, kept = *report;
        sum += values[k];
    }
    *report = kept;
    INK_TRY(say_kept(&kept, options, values, less, err));
    ink__atomic_sweep(options->out);
    INK_TRY(adopt(options->out, dirs[best], err));
    report->best = sum / (double)K, report->seconds = seconds, report->was_complete = complete;
    for (size_t k = 0; k < K; ++k)
        squares += (values[k] - report->best) * (values[k] - report->best);
    report->deviation = sqrt(squares / (double)(K - 1));
    INK_TRY(forget_answers(options->out, err));
    /* Last: it says that all is there. */
    return write_summary(report, options, dirs[best], values, err);
}

static ink_status finetune_seeds(ink_finetune_report *report, const ink_finetune_options *options,
                                 ink_error *err)
{
    char **dirs = NULL, first[64];
    double *values = NULL;
    int lock = -1;
    ink_status st;
    if (!options->out)
        return ink_fail(err, INK_E_ARG, "no directory to write");
    if (options->seeds > 1000)
        return ink_fail(err, INK_E_ARG, "%zu seeds, wanted 1 to 1000", options->seeds);
    snprintf(first, sizeof first, "seed-%llu/finetune.json", (unsigned long long)options->seed);
    /* Once a run is finished here, what else is here may be a part of it that was copied before a kill. */
    const bool goes_on = options->resume && ink__file_exists(options->out, first);
    if (!goes_on && ink__file_exists(options->out, "model.safetensors"))
        return ink_fail(err, INK_E_ARG, "%s holds a model already: choose another directory", options->out);
    if (!goes_on)
        INK_TRY_GOTO(ink__out_check(&lock, options->out, "finetune.json", options->resume, err));
    INK_TRY_GOTO(ink__out_make(&lock, options->out, err));
    INK_TRY_GOTO(ink__calloc(&dirs, options->seeds, sizeof *dirs, "runs", err));
    INK_TRY_GOTO(ink__calloc(&values, options->seeds, sizeof *values, "runs", err));
    st = run_all(report, options, dirs, values, err);
done:
    for (size_t k = 0; dirs && k < options->seeds; ++k)
        free(dirs[k]);
    free(dirs);
    free(values);
    if (lock >= 0)
        close(lock);
    return st;
}

ink_status ink_finetune(ink_finetune_report *report, const ink_finetune_options *options, ink_error *err)
{
    static const ink_finetune_options init = INK_FINETUNE_OPTIONS_INIT;
    if (!report || !options)
        return ink_fail(err, INK_E_ARG, "ink_finetune: report and options may not be NULL");
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_finetune_options has version %u, wanted 1", options->version);
    ink_finetune_options o = *options;
    o.task = o.task ? o.task : init.task;
    o.lr_scheduler = o.lr_scheduler ? o.lr_scheduler : init.lr_scheduler;
    o.optimizer = o.optimizer ? o.optimizer : init.optimizer;
    return o.seeds > 1 ? finetune_seeds(report, &o, err) : ink__finetune_one(report, &o, o.seed, NULL, err);
}
