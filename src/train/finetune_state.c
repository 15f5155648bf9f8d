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

static ink__digest digest_set(ink__digest digest, const ink__dataset *set)
{
    const size_t tokens = set->offsets[set->n];
    digest = ink__digest_of(digest, set->offsets, (set->n + 1) * sizeof *set->offsets);
    digest = ink__digest_of(digest, set->ids, tokens * sizeof *set->ids);
    if (set->types)
        digest = ink__digest_of(digest, set->types, tokens * sizeof *set->types);
    digest = ink__digest_of(digest, set->label_offsets, (set->n + 1) * sizeof *set->label_offsets);
    digest = ink__digest_of(digest, set->labels, set->label_offsets[set->n] * sizeof *set->labels);
    if (set->values)
        digest = ink__digest_of(digest, set->values, set->n * sizeof *set->values);
    for (size_t c = 0; c < set->names.n; ++c)
        digest = ink__digest_of(digest, set->names.names[c], strlen(set->names.names[c]) + 1);
    return digest;
}

static json_t *digest_json(ink__digest d)
{
    char text[40];
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)d.high, (unsigned long long)d.low);
    return json_string(text);
}

static json_t *set_digest_json(const ink__dataset *set)
{
    return digest_json(digest_set((ink__digest){0}, set));
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

/* All that the result depends on, and the names of the files. */
static ink_status write_settings(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    static const char *const tasks[] = {"auto", "single", "multi", "regression"};
    json_t *s = json_object();
    json_object_set_new(s, "from", text_or_null(o->from));
    json_object_set_new(s, "size", text_or_null(o->size));
    json_object_set_new(s, "tokenizer", text_or_null(o->tokenizer));
    json_object_set_new(s, "train", names_json(o->train, o->n_train));
    json_object_set_new(s, "train_digest", set_digest_json(&run->train));
    json_object_set_new(s, "dev", names_json(o->dev, o->n_dev));
    json_object_set_new(s, "dev_digest", set_digest_json(&run->dev));
    json_object_set_new(s, "held_out_by",
                        run->held_out ? json_integer((json_int_t)run->held_out_by) : json_null());
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

/* Digests tell that the contents of a file are others than they were. */
static ink_status compare_digests(const ink__run *run, const json_t *mine, const json_t *found,
                                  ink_error *err)
{
    const ink_finetune_options *o = run->options;
    const struct {
        const char *key, *what, *file;
    } digests[] = {
        {"train_digest", "training data", o->train[0]},
        {"dev_digest", "dev data", o->n_dev ? o->dev[0] : o->train[0]},
        {"class_weights_digest", "class weights", o->class_weights ? o->class_weights : "none"},
    };
    for (size_t i = 0; i < sizeof digests / sizeof *digests; ++i)
        if (!json_equal(json_object_get(mine, digests[i].key), json_object_get(found, digests[i].key)))
            return ink_fail(
                err, INK_E_ARG,
                "%s holds a run, and since it began the %s have changed (%s): it cannot be continued",
                run->out, digests[i].what, digests[i].file);
    return INK_OK;
}

/* INK_E_ARG names the first setting in which `found`, of a run in out, differs from this run's. */
static ink_status compare_settings(const ink__run *run, const json_t *found, ink_error *err)
{
    json_t *mine = json_loads(run->settings, JSON_DECODE_INT_AS_REAL, NULL), *value;
    const char *key;
    ink_status st = INK_OK;
    json_object_foreach(mine, key, value)
    {
        const json_t *other = json_object_get(found, key);
        const size_t len = strlen(key);
        if (st != INK_OK || json_equal(value, other) || (len > 7 && strcmp(key + len - 7, "_digest") == 0))
            continue;
        char *a = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
        char *b = other ? json_dumps(other, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
        st = ink_fail(err, INK_E_ARG,
                      "%s holds a run with \"%s\" %.200s, now it is %.200s: it cannot be continued", run->out,
                      key, b ? b : "unset", a ? a : "unknown");
        free(a), free(b);
    }
    if (st == INK_OK)
        st = compare_digests(run, mine, found, err);
    json_decref(mine);
    return st;
}

/* ---- what is there --------------------------------------------------------------------------------- */

/* A finished run's settings must be these, too; its result is what is reported. */
static ink_status read_result(ink__run *run, const ink__json *json, ink_error *err)
{
    const json_t *result = json_object_get(json->root, "result");
    const char *warning = json_string_value(json_object_get(result, "warning"));
    size_t steps = 0, best_step = 0;
    INK_TRY(compare_settings(run, json_object_get(json->root, "settings"), err));
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
    ink__atomic_sweep(run->out);
}

/* ---- checkpoints ----------------------------------------------------------------------------------- */

static size_t array_bytes(const ink__run *run)
{
    return run->store.floats * sizeof(float);
}

ink_status ink__run_save_last(ink__run *run, ink_error *err)
{
    char *path;
    const ink__optimizer *o = &run->trainer.optimizer;
    const ink__section sections[] = {
        {"settings", run->settings, strlen(run->settings)},
        {"standing", &run->standing, sizeof run->standing},
        {"weights", run->store.values, array_bytes(run)},
        {"moments 1", o->moments[0], array_bytes(run)},
        {"moments 2", o->moments[1], o->moments[1] ? array_bytes(run) : 0},
    };
    INK_TRY(ink__run_path(&path, run, "last", err));
    const ink_status st = ink__checkpoint_write(path, sections, sizeof sections / sizeof *sections, err);
    free(path);
    return st;
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

static ink_status check_settings(const ink__run *run, const ink__checkpoint *c, const char *path,
                                 ink_error *err)
{
    const ink__section *s = ink__checkpoint_find(c, "settings");
    ink__json json;
    if (!s)
        return ink_fail(err, INK_E_FORMAT, "%s: no settings in it", path);
    INK_TRY(ink__json_parse(&json, s->data, s->size, path, err));
    const ink_status st = compare_settings(run, json.root, err);
    ink__json_close(&json);
    return st;
}

/* The checksum is right: what cannot be was written so. */
static ink_status check_standing(const ink__run *run, const ink__standing *s, const char *path,
                                 ink_error *err)
{
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

static ink_status read_last(ink__run *run, const ink__checkpoint *c, const char *path, ink_error *err)
{
    ink__optimizer *o = &run->trainer.optimizer;
    ink__standing found;
    const void *standing, *weights, *first, *second;
    INK_TRY(check_settings(run, c, path, err));
    INK_TRY(ink__checkpoint_need(&standing, c, "standing", sizeof run->standing, err));
    INK_TRY(ink__checkpoint_need(&weights, c, "weights", array_bytes(run), err));
    INK_TRY(ink__checkpoint_need(&first, c, "moments 1", array_bytes(run), err));
    INK_TRY(ink__checkpoint_need(&second, c, "moments 2", o->moments[1] ? array_bytes(run) : 0, err));
    memcpy(&found, standing, sizeof found);
    INK_TRY(check_standing(run, &found, path, err));
    run->standing = found;
    memcpy(run->store.values, weights, array_bytes(run));
    memcpy(o->moments[0], first, array_bytes(run));
    if (o->moments[1])
        memcpy(o->moments[1], second, array_bytes(run));
    ink__optimizer_restored(o);
    o->updates = run->standing.step;
    return INK_OK;
}

ink_status ink__run_restore(ink__run *run, ink_error *err)
{
    char *log = NULL, *path = NULL;
    ink__checkpoint *c = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__run_path(&log, run, "log.jsonl", err));
    if (!ink__file_exists(run->out, "last")) {
        st = ink__log_create(&run->log, log, err);
        goto done;
    }
    INK_TRY_GOTO(ink__run_path(&path, run, "last", err));
    INK_TRY_GOTO(ink__checkpoint_open(&c, path, err));
    INK_TRY_GOTO(read_last(run, c, path, err));
    INK_TRY_GOTO(ink__log_resume(&run->log, log, run->standing.step, err));
    st = ink__run_say(run, err, "continued after update %llu of %llu", (unsigned long long)run->standing.step,
                      (unsigned long long)run->steps);
done:
    ink__checkpoint_close(c);
    free(path);
    free(log);
    return st;
}
