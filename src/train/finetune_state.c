/* A run's checkpoints and what they may be continued by: see finetune_run.h. `last` holds weights, moments
 * and standing, `best` the weights that did best on dev. */
#include "core/digest.h"
#include "core/memory.h"
#include "io/file.h"
#include "train/checkpoint.h"
#include "train/finetune_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ink_status ink__run_path(char **path, const ink__run *run, const char *name, ink_error *err)
{
    return ink__path_join(path, run->out, name, err);
}

/* ---- settings -------------------------------------------------------------------------------------- */

static json_t *digest_json(ink__digest d)
{
    char text[40];
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)d.high, (unsigned long long)d.low);
    return json_string(text);
}

/* The file may say something else than it did when the run began. */
static json_t *weights_digest_json(const ink__run *run)
{
    if (!run->class_weights)
        return json_null();
    return digest_json(
        ink__digest_of((ink__digest){0}, run->class_weights, run->config.C * sizeof *run->class_weights));
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *names_json(const char *const *names, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; ++i)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

/* The teacher, what it is asked, and how much it counts. */
static void add_teacher(json_t *s, const ink__run *run)
{
    const ink_finetune_options *o = run->options;
    const bool taught = o->teacher != NULL;
    json_object_set_new(s, "teacher", text_or_null(o->teacher));
    json_object_set_new(s, "teacher_digest", taught ? digest_json(run->teacher.digest) : json_null());
    json_object_set_new(s, "unlabelled", names_json(o->unlabelled, o->n_unlabelled));
    json_object_set_new(s, "unlabelled_digest",
                        o->n_unlabelled ? digest_json(run->unlabelled_digest) : json_null());
    json_object_set_new(s, "temperature", taught ? json_real(o->temperature) : json_null());
    json_object_set_new(s, "distill_weight", taught ? json_real(o->distill_weight) : json_null());
}

/* All that the result depends on, and the names of the files. */
static ink_status write_settings(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    static const char *const tasks[] = {"auto", "single", "multi", "regression"};
    json_t *s = json_object();
    json_object_set_new(s, "from", text_or_null(o->from));
    json_object_set_new(s, "size", text_or_null(o->size));
    json_object_set_new(
        s, "size_digest",
        o->size ? digest_json(ink__digest_of((ink__digest){0}, run->base_text.data, run->base_text.len))
                : json_null());
    json_object_set_new(s, "tokenizer", text_or_null(o->tokenizer));
    json_object_set_new(s, "train", names_json(o->train, o->n_train));
    json_object_set_new(s, "train_digest", digest_json(run->digest));
    json_object_set_new(s, "dev", names_json(o->dev, o->n_dev));
    json_object_set_new(s, "dev_digest", digest_json(ink__dataset_digest(&run->dev)));
    json_object_set_new(s, "held_out_by",
                        run->held_out ? json_integer((json_int_t)run->held_out_by) : json_null());
    add_teacher(s, run);
    json_object_set_new(s, "task", json_string(tasks[run->train.task]));
    json_object_set_new(s, "epochs", json_real(run->epochs));
    json_object_set_new(s, "batch_size", json_integer((json_int_t)o->batch_size));
    json_object_set_new(s, "gradient_accumulation_steps",
                        json_integer((json_int_t)o->gradient_accumulation_steps));
    json_object_set_new(s, "learning_rate", json_real(o->learning_rate));
    json_object_set_new(s, "weight_decay", json_real(o->weight_decay));
    json_object_set_new(s, "warmup_ratio", json_real(o->warmup_ratio));
    json_object_set_new(s, "lr_scheduler", json_string(o->lr_scheduler));
    json_object_set_new(s, "max_grad_norm", json_real(o->max_grad_norm));
    json_object_set_new(s, "label_smoothing", json_real(o->label_smoothing));
    json_object_set_new(s, "dropout", o->dropout >= 0 ? json_real(o->dropout) : json_null());
    json_object_set_new(s, "class_weights", text_or_null(o->class_weights));
    json_object_set_new(s, "class_weights_digest", weights_digest_json(run));
    json_object_set_new(s, "early_stopping_patience", json_integer((json_int_t)o->early_stopping_patience));
    json_object_set_new(s, "metric", json_string(run->metric->key));
    json_object_set_new(s, "freeze_layers", json_integer((json_int_t)o->freeze_layers));
    json_object_set_new(s, "layer_lr_decay", json_real(o->layer_lr_decay));
    json_object_set_new(s, "optimizer", json_string(o->optimizer));
    json_object_set_new(s, "save_dtype", json_string(run->save_dtype));
    json_object_set_new(s, "eval_steps", json_integer((json_int_t)o->eval_steps));
    json_object_set_new(s, "max_length", json_integer((json_int_t)run->max_length));
    json_object_set_new(s, "head_tail", json_boolean(o->head_tail));
    json_object_set_new(s, "batch_tokens", json_integer((json_int_t)run->trainer.options.piece_tokens));
    json_object_set_new(s, "backend", json_string(run->trainer.network.passes->isa));
    json_object_set_new(s, "seed", json_integer((json_int_t)o->seed));
    json_object_set_new(s, "drop_duplicates", json_boolean(o->drop_duplicates));
    run->settings = json_dumps(s, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(s);
    return run->settings ? INK_OK : ink_fail(err, INK_E_MEMORY, "no memory for the settings");
}

/* ---- what is there --------------------------------------------------------------------------------- */

/* A finished run's settings must be these, too; its result is what is reported. */
static ink_status read_result(ink__run *run, const ink__json *json, ink_error *err)
{
    const json_t *result = json_object_get(json->root, "result");
    const char *warning = json_string_value(json_object_get(result, "warning"));
    size_t steps = 0, best_step = 0;
    const ink__course course = ink__run_course(run);
    INK_TRY(ink__course_compare(&course, json_object_get(json->root, "settings"), err));
    INK_TRY(ink__json_size(&steps, json, result, "steps", err));
    INK_TRY(ink__json_size(&best_step, json, result, "best_step", err));
    INK_TRY(ink__json_double(&run->standing.best, json, result, "value", err));
    INK_TRY(ink__json_double(&run->standing.best_loss, json, result, "dev_loss", err));
    snprintf(run->report->warning, sizeof run->report->warning, "%s", warning ? warning : "");
    run->standing.step = steps, run->standing.best_step = best_step;
    return INK_OK;
}

static ink_status read_finished(ink__run *run, ink_error *err)
{
    char *path;
    ink__json json;
    INK_TRY(ink__run_path(&path, run, "finetune.json", err));
    ink_status st = ink__json_open(&json, path, err);
    free(path);
    INK_TRY(st);
    st = read_result(run, &json, err);
    ink__json_close(&json);
    return st;
}

ink_status ink__run_look(ink__run *run, bool *complete, ink_error *err)
{
    INK_TRY(write_settings(run, err));
    INK_TRY(ink__out_make(&run->lock, run->out, err));
    *complete = run->options->resume && ink__file_exists(run->out, "finetune.json");
    if (*complete) {
        INK_TRY(read_finished(run, err));
        ink__run_tidy(run);
        return INK_OK;
    }
    ink__atomic_sweep(run->out);
    return INK_OK;
}

static void remove_checkpoint(const ink__run *run, const char *name)
{
    char *path;
    if (ink__run_path(&path, run, name, NULL) != INK_OK)
        return;
    unlink(path);
    free(path);
}

void ink__run_tidy(const ink__run *run)
{
    remove_checkpoint(run, "last");
    remove_checkpoint(run, "best");
    remove_checkpoint(run, INK__ANSWERS);
    ink__atomic_sweep(run->out);
}

/* ---- checkpoints ----------------------------------------------------------------------------------- */

static size_t array_bytes(const ink__run *run)
{
    return run->store.floats * sizeof(float);
}

ink_status ink__run_save_best(ink__run *run, ink_error *err)
{
    char *path;
    const ink__section sections[] = {{"settings", run->settings, strlen(run->settings)},
                                     {"step", &run->standing.step, sizeof run->standing.step},
                                     {"weights", run->store.values, array_bytes(run)}};
    INK_TRY(ink__run_path(&path, run, "best", err));
    const ink_status st = ink__checkpoint_write(path, sections, sizeof sections / sizeof *sections, err);
    free(path);
    return st;
}

/* The checksum is right: what cannot be was written so. */
ink_status ink__run_check_standing(const void *with, const void *standing, const char *path, ink_error *err)
{
    const ink__run *run = with;
    const ink__standing *s = standing;
    const uint64_t G = run->options->gradient_accumulation_steps;
    const uint64_t per_epoch = (run->order.n_batches + G - 1) / G;
    const bool placed = s->step > 0 && s->step <= run->steps && s->epoch == s->step / per_epoch &&
                        s->batch == s->step % per_epoch * G;
    const bool judged = s->best_step <= s->step && s->worse <= s->step && s->ended <= 1 &&
                        (s->best_step > 0 || isnan(s->best)) && !isinf(s->best) && !isinf(s->value) &&
                        !isinf(s->best_loss) && !isinf(s->dev_loss) && s->collapsed <= 1;
    if (!placed || !judged || !isfinite(s->loss) || !isfinite(s->first_loss))
        return ink_fail(err, INK_E_FORMAT,
                        "%s: update %llu of %llu, epoch %llu, batch %llu, best at %llu: this cannot be", path,
                        (unsigned long long)s->step, (unsigned long long)run->steps,
                        (unsigned long long)s->epoch, (unsigned long long)s->batch,
                        (unsigned long long)s->best_step);
    return INK_OK;
}

ink_status ink__run_restore(ink__run *run, ink_error *err)
{
    const ink__course course = ink__run_course(run);
    bool resumed;
    INK_TRY(ink__course_restore(&resumed, &course, err));
    if (!resumed)
        return INK_OK;
    return ink__run_say(run, err, "continued after update %llu of %llu",
                        (unsigned long long)run->standing.step, (unsigned long long)run->steps);
}
