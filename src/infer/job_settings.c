/* What a job's output depends on, as a JSON object of strings, and in what two jobs differ: see job_resume.h.
 * Threads and batches are not in it: they do not change a byte. */
#include "core/utf8.h"
#include "infer/job_resume.h"
#include "io/jsontext.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "key":"value", of bytes that need not be UTF-8, behind what stands there. */
static ink_status add(ink__text *settings, const char *key, const char *value, ink_error *err)
{
    const size_t len = strlen(value);
    ink__text mended = {0};
    size_t bad = 0;
    INK_TRY(ink__text_cstr(settings, settings->len ? ",\n" : "{", err));
    INK_TRY(ink__text_string(settings, key, strlen(key), err));
    INK_TRY(ink__text_cstr(settings, ":", err));
    ink_status st = ink__text_reserve(&mended, 3 * len + 1, err);
    if (st == INK_OK) {
        mended.len = ink__utf8_sanitise(mended.data, &bad, value, len);
        st = ink__text_string(settings, mended.data, mended.len, err);
    }
    ink__text_free(&mended);
    return st;
}

static ink_status add_number(ink__text *settings, const char *key, unsigned long long value, ink_error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", value);
    return add(settings, key, text, err);
}

/* Of options: as a person would say what was given. */
static ink_status add_given(ink__text *settings, const char *key, unsigned long long value, ink_error *err)
{
    return value ? add_number(settings, key, value, err) : add(settings, key, "not given", err);
}

static ink_status add_flag(ink__text *settings, const char *key, bool given, ink_error *err)
{
    return add(settings, key, given ? "given" : "not given", err);
}

/* The model's files, and what computes with them. */
static ink_status add_model(ink__text *settings, const ink_model *model, ink_error *err)
{
    ink__digest d;
    ink_model_info info;
    char text[80];
    INK_TRY(ink__model_digest(&d, model, err));
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)d.high, (unsigned long long)d.low);
    INK_TRY(add(settings, "model", text, err));
    ink_model_get_info(&info, model);
    snprintf(text, sizeof text, "%s %s %s", info.backend, info.isa, info.precision);
    return add(settings, "computing in", text, err);
}

/* Each input's name and, of a file, its size. */
static ink_status add_inputs(ink__text *settings, const ink_job_options *o, ink_error *err)
{
    for (size_t i = 0; i < o->n_inputs; ++i) {
        const char *path = o->inputs[i];
        struct stat info;
        char key[40];
        ink__text value = {0};
        ink_status st = ink__text_cstr(&value, path, err);
        if (st == INK_OK && strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            snprintf(key, sizeof key, " of %lld bytes", (long long)info.st_size);
            st = ink__text_cstr(&value, key, err);
        }
        snprintf(key, sizeof key, "input %zu", i + 1);
        if (st == INK_OK)
            st = ink__text_bytes(&value, "", 1, err);
        if (st == INK_OK)
            st = add(settings, key, value.data, err);
        ink__text_free(&value);
        INK_TRY(st);
    }
    return INK_OK;
}

static ink_status add_options(ink__text *settings, const ink_job_options *o, ink_error *err)
{
    static const char *const ways[] = {"truncate", "head-tail", "chunk"};
    static const char *const poolings[] = {"auto", "mean", "max", "weighted"};
    static const char *const formats[] = {"jsonl", "csv", "tsv"};
    static const char *const inputs[] = {"auto", "lines", "docs",     "jsonl",
                                         "csv",  "tsv",   "fasttext", "blocks"};
    _Static_assert(sizeof inputs / sizeof *inputs == INK_FORMAT_BLOCKS + 1, "every format has its name");
    static const char *const vectors[] = {"auto", "cls", "mean", "max"};
    char number[40];
    const char delimiter[2] = {o->delimiter ? o->delimiter : ',', 0};
    INK_TRY(add(settings, "--format", inputs[o->format], err));
    INK_TRY(add(settings, "--delimiter", delimiter, err));
    INK_TRY(add(settings, "--text", o->text ? o->text : "text", err));
    INK_TRY(add(settings, "--text-pair", o->text_pair ? o->text_pair : "not given", err));
    INK_TRY(add(settings, "--id", o->id ? o->id : "not given", err));
    INK_TRY(add_given(settings, "--max-length", o->max_length, err));
    INK_TRY(add(settings, "--long", ways[o->long_texts.how], err));
    INK_TRY(add_given(settings, "--stride", o->long_texts.stride, err));
    INK_TRY(add(settings, "--long-pooling", poolings[o->long_texts.pooling], err));
    INK_TRY(add(settings, "--output-format", formats[o->output_format], err));
    INK_TRY(add(settings, "--on-error", o->stop_on_error ? "stop" : "report", err));
    INK_TRY(add(settings, "--rejects", o->rejects ? o->rejects : "not given", err));
    INK_TRY(add_number(settings, "the number of fields of --keep", o->n_keep, err));
    for (size_t i = 0; i < o->n_keep; ++i) {
        snprintf(number, sizeof number, "field %zu of --keep", i + 1);
        INK_TRY(add(settings, number, o->keep[i], err));
    }
    INK_TRY(add_flag(settings, "--keep all", o->keep_all, err));
    snprintf(number, sizeof number, o->shards ? "%zu/%zu" : "not given", o->shard, o->shards);
    INK_TRY(add(settings, "--shard", number, err));
    INK_TRY(add_given(settings, "--top-k", o->top_k, err));
    snprintf(number, sizeof number, o->threshold > 0 ? "%.17g" : "not given", o->threshold);
    INK_TRY(add(settings, "--threshold", number, err));
    INK_TRY(add_flag(settings, "--all-scores", o->all_scores, err));
    INK_TRY(add_flag(settings, "--normalize", o->normalize, err));
    INK_TRY(add(settings, "--pooling", vectors[o->pooling], err));
    return add_flag(settings, "--parse-special", o->parse_special, err);
}

ink_status ink__settings_make(char **settings, const ink__work *work, const ink_job_options *o,
                              ink_error *err)
{
    ink__text text = {0};
    ink_status st;
    *settings = NULL;
    INK_TRY_GOTO(add(&text, "inkling", ink_version(), err));
    INK_TRY_GOTO(add(&text, "verb", work->verb, err));
    INK_TRY_GOTO(add_number(&text, "a number of inputs of", o->n_inputs, err));
    INK_TRY_GOTO(add_inputs(&text, o, err));
    INK_TRY_GOTO(add_options(&text, o, err));
    INK_TRY_GOTO(add_model(&text, work->subject, err));
    INK_TRY_GOTO(ink__text_bytes(&text, "}", 2, err)); /* and its end */
    *settings = text.data;
    return INK_OK;
done:
    ink__text_free(&text);
    return st;
}

ink_status ink__settings_compare(const char *found, const char *mine, const ink__resume *resume,
                                 ink_error *err)
{
    json_t *theirs = json_loads(found, 0, NULL), *ours = json_loads(mine, 0, NULL), *value;
    const char *key;
    ink_status st = ours ? INK_OK : ink_fail(err, INK_E_MEMORY, "no memory for the settings");
    json_object_foreach(ours, key, value)
    {
        const json_t *other = json_object_get(theirs, key);
        const char *a = json_string_value(other), *b = json_string_value(value);
        if (st != INK_OK || json_equal(value, other))
            continue;
        if (strcmp(key, "model") == 0)
            st = ink_fail(err, INK_E_ARG,
                          "%s: was begun with another model; name another output to begin anew",
                          resume->output.path);
        else
            st = ink_fail(
                err, INK_E_ARG,
                "%s: was begun with %s %.200s, this time it is %.200s; name another output to begin anew",
                resume->output.path, key, a ? a : "unset", b);
    }
    json_decref(theirs);
    json_decref(ours);
    return st;
}
