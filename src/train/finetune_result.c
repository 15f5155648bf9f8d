/* What a finetuning run is worth, and what it leaves behind: see finetune_run.h. */
#include "core/memory.h"
#include "io/file.h"
#include "train/checkpoint.h"
#include "train/evaluation.h"
#include "train/export.h"
#include "train/finetune_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ink_status ink__run_measure(double *value, double *loss, const ink__run *run, ink_error *err)
{
    static const size_t losses[] = {[INK__TASK_SINGLE] = INK__SINGLE_LOG_LOSS,
                                    [INK__TASK_MULTI] = INK__MULTI_LOG_LOSS,
                                    [INK__TASK_REGRESSION] = INK__VALUE_MSE};
    ink__metrics *metrics = NULL;
    ink__measures measures = {0};
    ink_status st;
    INK_TRY_GOTO(ink__metrics_create(&metrics, &run->judged, err));
    INK_TRY_GOTO(ink__measures_create(&measures, metrics, err));
    ink__measure(&measures, metrics, NULL);
    *value = measures.values[run->metric_at], *loss = measures.values[losses[run->dev.task]];
    st = INK_OK;
done:
    ink__measures_free(&measures);
    ink__metrics_free(metrics);
    return st;
}

ink_status ink__run_evaluate(double *value, double *loss, ink__run *run, ink_error *err)
{
    INK_TRY(ink__trainer_score(run->scores, &run->trainer, &run->dev, err));
    for (size_t i = 0; i < run->dev.n * run->config.C; ++i)
        if (!isfinite(run->scores[i]))
            return ink_fail(err, INK_E_NUMERIC, "after update %llu a score of dev is not finite",
                            (unsigned long long)run->standing.step);
    return ink__run_measure(value, loss, run, err);
}

bool ink__run_is_better(const ink__run *run, double value, double than)
{
    return run->metric->less_is_better ? value < than : value > than;
}

static ink_status restore_best(ink__run *run, ink_error *err)
{
    char *path;
    const size_t bytes = run->store.floats * sizeof(float);
    const void *weights, *step;
    ink__checkpoint *c = NULL;
    INK_TRY(ink__run_path(&path, run, "best", err));
    ink_status st;
    INK_TRY_GOTO(ink__checkpoint_open(&c, path, err));
    INK_TRY_GOTO(ink__checkpoint_need(&step, c, "step", sizeof run->standing.best_step, err));
    INK_TRY_GOTO(ink__checkpoint_need(&weights, c, "weights", bytes, err));
    if (memcmp(step, &run->standing.best_step, sizeof run->standing.best_step) == 0)
        memcpy(run->store.values, weights, bytes);
    else
        st = ink_fail(err, INK_E_FORMAT, "%s: holds other weights than those of update %llu", path,
                      (unsigned long long)run->standing.best_step);
done:
    ink__checkpoint_close(c);
    free(path);
    return st;
}

static ink_status export_model(ink__run *run, ink_error *err)
{
    ink__export what = {.dir = run->out, .tokenizer_dir = run->tokenizer_dir, .config = &run->config_text};
    INK_TRY(ink__save_dtype_find(&what.dtype, run->save_dtype, err));
    return ink__export_store(&what, &run->store, err);
}

static ink_status write_held_out(const ink__run *run, ink_error *err)
{
    const ink__dataset *dev = &run->dev;
    ink__text text = {0};
    ink_status st;
    for (size_t i = 0; i < dev->n; ++i) {
        INK_TRY_GOTO(ink__text_bytes(&text, dev->id_text.data + dev->rows[i].id, dev->rows[i].id_len, err));
        INK_TRY_GOTO(ink__text_bytes(&text, "\n", 1, err));
    }
    st = ink__export_file(run->out, "held-out.jsonl", text.data, text.len, err);
done:
    ink__text_free(&text);
    return st;
}

/* finetune.json: that the run is finished, and what it was. No times: the same run gives the same bytes. */
static ink_status write_summary(const ink__run *run, ink_error *err)
{
    const ink__standing *s = &run->standing;
    json_t *settings = json_loads(run->settings, 0, NULL), *result = json_object(), *all = json_object();
    json_object_set_new(result, "records", json_integer((json_int_t)run->labelled));
    json_object_set_new(result, "unlabelled", json_integer((json_int_t)run->n_unlabelled));
    json_object_set_new(result, "dev_records", json_integer((json_int_t)run->dev.n));
    json_object_set_new(result, "labels", json_integer((json_int_t)run->config.C));
    json_object_set_new(result, "left_out", json_integer((json_int_t)run->report->left_out));
    json_object_set_new(result, "shared_with_dev", json_integer((json_int_t)run->report->shared));
    json_object_set_new(result, "default_epochs", json_boolean(run->options->epochs == 0));
    json_object_set_new(result, "steps", json_integer((json_int_t)s->step));
    json_object_set_new(result, "tokens", json_integer((json_int_t)s->tokens));
    json_object_set_new(result, "stopped_early", json_boolean(s->ended));
    json_object_set_new(result, "metric", json_string(run->metric->key));
    json_object_set_new(result, "value", isfinite(s->best) ? json_real(s->best) : json_null());
    json_object_set_new(result, "teacher_value",
                        isfinite(run->teacher_value) ? json_real(run->teacher_value) : json_null());
    json_object_set_new(result, "dev_loss", isfinite(s->best_loss) ? json_real(s->best_loss) : json_null());
    json_object_set_new(result, "best_step", json_integer((json_int_t)s->best_step));
    json_object_set_new(result, "diverged", json_boolean(run->report->diverged));
    json_object_set_new(result, "warning",
                        run->report->warning[0] ? json_string(run->report->warning) : json_null());
    json_object_set_new(all, "inkling", json_string(ink_version()));
    json_object_set_new(all, "settings", settings);
    json_object_set_new(all, "result", result);
    char *text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(all);
    if (!text)
        return ink_fail(err, INK_E_MEMORY, "no memory for finetune.json");
    const ink_status st = ink__export_file(run->out, "finetune.json", text, strlen(text), err);
    free(text);
    return st;
}

/* The dev set by the weights that were saved. */
static ink_status write_evaluation(ink__run *run, ink_error *err)
{
    const ink__evaluation_input input = {.judged = run->judged,
                                         .labels = (const char *const *)run->config.labels,
                                         .draws = {.resamples = INK__RESAMPLES,
                                                   .seed = run->options->seed,
                                                   .threads = run->trainer.options.threads}};
    ink__evaluation *evaluation = NULL;
    char *path = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__evaluation_create(&evaluation, &input, err));
    INK_TRY_GOTO(ink__run_judge(run, &evaluation->found, err));
    INK_TRY_GOTO(ink__run_path(&path, run, "evaluation.json", err));
    INK_TRY_GOTO(ink_evaluation_write_json(&evaluation->found, path, err));
    st = ink__run_report(run, &evaluation->found, err);
done:
    free(path);
    if (evaluation)
        ink_evaluation_free(&evaluation->found);
    return st;
}

ink_status ink__run_finish(ink__run *run, ink_error *err)
{
    double value, loss;
    INK_TRY(ink__log_sync(run->log, err));
    INK_TRY(restore_best(run, err));
    INK_TRY(ink__run_evaluate(&value, &loss, run, err));
    INK_TRY(write_evaluation(run, err));
    if (run->held_out)
        INK_TRY(write_held_out(run, err));
    INK_TRY(export_model(run, err));
    INK_TRY(write_summary(run, err));
    ink__run_tidy(run);
    return INK_OK;
}
