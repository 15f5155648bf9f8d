/* What a pretraining run may be continued by, and what it leaves behind: see pretrain_run.h. */
#include "core/memory.h"
#include "io/file.h"
#include "train/export.h"
#include "train/pretrain_run.h"

#include <inkling/base.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *digest_text(ink__digest digest)
{
    char text[40];
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)digest.high,
             (unsigned long long)digest.low);
    return json_string(text);
}

/* All that the result depends on, and the names of the files. */
ink_status ink__pretrain_settings(ink__pretraining *run, ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    json_t *s = json_object(), *names = json_array();
    const ink__text *config = &run->models[0].config_text;
    for (size_t i = 0; i < o->n_corpus; ++i)
        json_array_append_new(names, json_string(o->corpus[i]));
    json_object_set_new(s, "objective", json_string(run->objective->name));
    json_object_set_new(s, "from", text_or_null(o->from));
    json_object_set_new(s, "size", text_or_null(o->size));
    json_object_set_new(s, "tokenizer", text_or_null(o->tokenizer));
    json_object_set_new(s, "corpus", names);
    json_object_set_new(s, "corpus_digest", digest_text(run->corpus.digest));
    if (run->sized_by_file)
        json_object_set_new(s, "size_digest",
                            digest_text(ink__digest_of((ink__digest){0}, config->data, config->len)));
    json_object_set_new(s, "drop_duplicates", json_boolean(o->drop_duplicates));
    json_object_set_new(s, "max_length", count(run->max_length));
    json_object_set_new(s, "held_out", json_real(o->held_out));
    json_object_set_new(s, "mask_rate", json_real(o->mask_rate));
    json_object_set_new(s, "steps", count(o->steps));
    json_object_set_new(s, "tokens", count(o->tokens));
    json_object_set_new(s, "minutes", json_real(o->minutes));
    json_object_set_new(s, "batch_size", count(o->batch_size));
    json_object_set_new(s, "gradient_accumulation_steps", count(o->gradient_accumulation_steps));
    json_object_set_new(s, "batch_ramp", json_real(o->batch_ramp));
    json_object_set_new(s, "learning_rate", json_real(run->learning_rate));
    json_object_set_new(s, "weight_decay", json_real(o->weight_decay));
    json_object_set_new(s, "warmup_ratio", json_real(o->warmup_ratio));
    json_object_set_new(s, "lr_scheduler", json_string(o->lr_scheduler));
    json_object_set_new(s, "max_grad_norm", json_real(o->max_grad_norm));
    json_object_set_new(s, "optimizer", json_string(o->optimizer));
    json_object_set_new(s, "save_dtype", json_string(run->save_dtype));
    json_object_set_new(s, "eval_steps", count(o->eval_steps));
    json_object_set_new(s, "batch_tokens", count(run->trainer.options.piece_tokens));
    json_object_set_new(s, "backend", json_string(run->trainer.network.passes->isa));
    json_object_set_new(s, "seed", count(o->seed));
    run->settings = json_dumps(s, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(s);
    return run->settings ? INK_OK : ink_fail(err, INK_E_MEMORY, "no memory for the settings");
}

/* The checksum is right: what cannot be was written so. */
ink_status ink__pretrain_check_standing(const void *with, const void *standing, const char *path,
                                        ink_error *err)
{
    const ink__pretraining *run = with;
    ink__pretrain_standing s = {0};
    bool told = true;
    memcpy(&s, standing, ink__pretrain_standing_size(run));
    const bool counted = s.step > 0 && s.step < UINT32_MAX && s.at < run->order.n_batches &&
                         s.epoch <= s.step && s.tokens >= s.step &&
                         (run->options->steps == 0 || s.step <= run->options->steps);
    for (size_t i = 0; i < INK__FIGURES; ++i)
        told = told && !isinf(s.figures[i]) && !isinf(s.held_out_figures[i]);
    if (!counted || !told || !isfinite(s.loss) || !(s.accuracy >= 0 && s.accuracy <= 1) ||
        !(s.seconds >= 0 && s.seconds < 1e12) || isinf(s.held_out_loss) || isinf(s.held_out_accuracy))
        return ink_fail(err, INK_E_FORMAT,
                        "%s: update %llu, epoch %llu, sequence %llu of it, %llu tokens: this cannot be", path,
                        (unsigned long long)s.step, (unsigned long long)s.epoch, (unsigned long long)s.at,
                        (unsigned long long)s.tokens);
    return INK_OK;
}

static ink_status remove_in(const char *dir, const char *name, ink_error *err)
{
    char *path;
    INK_TRY(ink__path_join(&path, dir, name, err));
    unlink(path);
    free(path);
    return INK_OK;
}

static ink_status tidy(const ink__pretraining *run, ink_error *err)
{
    INK_TRY(remove_in(run->options->out, "last", err));
    if (!run->options->cache)
        INK_TRY(remove_in(run->options->out, ".tokens", err));
    ink__atomic_sweep(run->options->out);
    return INK_OK;
}

/* A finished run's settings must be these, too; its result is what is reported. */
static ink_status read_result(ink__pretraining *run, const ink__json *json, ink_error *err)
{
    const json_t *result = json_object_get(json->root, "result");
    const ink__course course = ink__pretrain_course(run);
    ink__pretrain_standing *s = &run->standing;
    size_t steps = 0, tokens = 0;
    INK_TRY(ink__course_compare(&course, json_object_get(json->root, "settings"), err));
    INK_TRY(ink__json_size(&steps, json, result, "steps", err));
    INK_TRY(ink__json_size(&tokens, json, result, "tokens", err));
    INK_TRY(ink__json_double(&s->loss, json, result, "loss", err));
    INK_TRY(ink__json_double(&s->held_out_loss, json, result, "held_out_loss", err));
    INK_TRY(ink__json_double(&s->held_out_accuracy, json, result, "held_out_accuracy", err));
    for (size_t i = 0; i < run->objective->n_figures; ++i) {
        char name[64];
        snprintf(name, sizeof name, "held_out_%s", ink__figure_names[i]);
        INK_TRY(ink__json_double(&s->held_out_figures[i], json, result, name, err));
    }
    s->step = steps, s->tokens = tokens;
    return tidy(run, err);
}

ink_status ink__pretrain_look(ink__pretraining *run, bool *complete, ink_error *err)
{
    const char *out = run->options->out;
    char *path;
    ink__json json;
    INK_TRY(ink__pretrain_settings(run, err));
    *complete = run->options->resume && ink__file_exists(out, "pretrain.json");
    if (!*complete) {
        ink__atomic_sweep(out);
        return INK_OK;
    }
    INK_TRY(ink__path_join(&path, out, "pretrain.json", err));
    ink_status st = ink__json_open(&json, path, err);
    free(path);
    INK_TRY(st);
    st = read_result(run, &json, err);
    ink__json_close(&json);
    return st;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* pretrain.json: that the run is finished, and what it was. No times: the same run gives the same bytes. */
static ink_status write_summary(const ink__pretraining *run, ink_error *err)
{
    const ink__pretrain_standing *s = &run->standing;
    const ink_pretrain_report *r = run->report;
    json_t *settings = json_loads(run->settings, 0, NULL), *result = json_object(), *all = json_object();
    json_object_set_new(result, "documents", count(r->documents));
    json_object_set_new(result, "repeated_documents", count(r->repeated));
    json_object_set_new(result, "lines", count(r->lines));
    json_object_set_new(result, "repeated_lines", count(r->repeated_lines));
    json_object_set_new(result, "left_out", count(r->left_out));
    json_object_set_new(result, "corpus_tokens", count(r->corpus_tokens));
    json_object_set_new(result, "sequences", count(r->sequences));
    json_object_set_new(result, "held_out_sequences", count(r->held_out));
    json_object_set_new(result, "steps", count(s->step));
    json_object_set_new(result, "tokens", count(s->tokens));
    json_object_set_new(result, "loss", real_or_null(s->loss));
    json_object_set_new(result, "held_out_loss", real_or_null(s->held_out_loss));
    json_object_set_new(result, "held_out_perplexity", real_or_null(ink__pretrain_perplexity(run)));
    json_object_set_new(result, "held_out_accuracy", real_or_null(s->held_out_accuracy));
    for (size_t i = 0; i < run->objective->n_figures; ++i) {
        char name[64];
        snprintf(name, sizeof name, "held_out_%s", ink__figure_names[i]);
        json_object_set_new(result, name, real_or_null(s->held_out_figures[i]));
    }
    json_object_set_new(all, "inkling", json_string(ink_version()));
    json_object_set_new(all, "settings", settings);
    json_object_set_new(all, "result", result);
    char *text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(all);
    if (!text)
        return ink_fail(err, INK_E_MEMORY, "no memory for pretrain.json");
    const ink_status st = ink__export_file(run->options->out, "pretrain.json", text, strlen(text), err);
    free(text);
    return st;
}

ink_status ink__pretrain_finish(ink__pretraining *run, ink_error *err)
{
    INK_TRY(ink__log_sync(run->log, err));
    INK_TRY(ink__pretrain_export(run, err));
    INK_TRY(write_summary(run, err));
    return tidy(run, err);
}
