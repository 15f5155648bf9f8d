/* The course of a run: see course.h. */
#include "train/course.h"
#include "core/memory.h"
#include "io/file.h"
#include "train/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A checkpoint this many seconds after the one before, besides those after evaluations. */
static const double save_every = 120;

double ink__seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t step_of(const ink__course *c)
{
    uint64_t step;
    memcpy(&step, c->standing, sizeof step);
    return step;
}

static size_t array_bytes(const ink__course *c)
{
    return c->store->floats * sizeof(float);
}

/* Weights that overflowed would end every run that goes on from them. */
ink_status ink__course_save(const ink__course *c, ink_error *err)
{
    char *path;
    const ink__optimizer *o = c->optimizer;
    const ink__section sections[] = {
        {"settings", c->settings, strlen(c->settings)},
        {"standing", c->standing, c->standing_size},
        {"weights", c->store->values, array_bytes(c)},
        {"moments 1", o->moments[0], array_bytes(c)},
        {"moments 2", o->moments[1], o->moments[1] ? array_bytes(c) : 0},
    };
    for (size_t i = 0; i < c->store->floats; ++i)
        if (!isfinite(c->store->values[i]))
            return ink_fail(err, INK_E_NUMERIC, "after update %llu a weight is not finite",
                            (unsigned long long)step_of(c));
    INK_TRY(ink__log_sync(*c->log, err));
    INK_TRY(ink__path_join(&path, c->out, "last", err));
    ink_error why;
    const ink_status st = ink__checkpoint_write(path, sections, sizeof sections / sizeof *sections, &why);
    free(path);
    if (st != INK_OK)
        return ink_fail(err, st,
                        "%s. The checkpoint before it, if there is one, is what resuming goes on from",
                        why.text);
    *c->saved = ink__seconds();
    return st;
}

ink_status ink__course_run(const ink__course *c, ink_error *err)
{
    while (!c->is_over(c->run)) {
        INK_TRY(c->update(c->run, err));
        const bool due = c->is_due(c->run);
        if (due)
            INK_TRY(c->evaluate(c->run, err));
        if (due || ink__seconds() - *c->saved > save_every)
            INK_TRY(ink__course_save(c, err));
        const ink_status st = c->show(c->run, due, err);
        if (st == INK_E_CANCELLED && !due)
            INK_TRY(ink__course_save(c, err));
        INK_TRY(st);
    }
    return INK_OK;
}

/* ---- going on -------------------------------------------------------------------------------------- */

/* Digests tell that the contents of a file are others than they were. */
static ink_status compare_contents(const ink__course *c, const json_t *mine, const json_t *found,
                                   ink_error *err)
{
    for (size_t i = 0; i < c->n_contents; ++i) {
        const ink__contents *d = &c->contents[i];
        if (!json_equal(json_object_get(mine, d->key), json_object_get(found, d->key)))
            return ink_fail(
                err, INK_E_ARG,
                "%s holds a run, and since it began the %s have changed (%s): it cannot be continued", c->out,
                d->what, d->file);
    }
    return INK_OK;
}

ink_status ink__course_compare(const ink__course *c, const json_t *found, ink_error *err)
{
    json_t *mine = json_loads(c->settings, JSON_DECODE_INT_AS_REAL, NULL), *value;
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
                      "%s holds a run with \"%s\" %.200s, now it is %.200s: it cannot be continued", c->out,
                      key, b ? b : "unset", a ? a : "unknown");
        free(a), free(b);
    }
    if (st == INK_OK)
        st = compare_contents(c, mine, found, err);
    json_decref(mine);
    return st;
}

static ink_status check_settings(const ink__course *c, const ink__checkpoint *last, const char *path,
                                 ink_error *err)
{
    const ink__section *s = ink__checkpoint_find(last, "settings");
    ink__json json;
    if (!s)
        return ink_fail(err, INK_E_FORMAT, "%s: no settings in it", path);
    INK_TRY(ink__json_parse(&json, s->data, s->size, path, err));
    const ink_status st = ink__course_compare(c, json.root, err);
    ink__json_close(&json);
    return st;
}

static ink_status read_last(const ink__course *c, const ink__checkpoint *last, const char *path,
                            ink_error *err)
{
    ink__optimizer *o = c->optimizer;
    const void *standing, *weights, *first, *second;
    INK_TRY(check_settings(c, last, path, err));
    INK_TRY(ink__checkpoint_need(&standing, last, "standing", c->standing_size, err));
    INK_TRY(ink__checkpoint_need(&weights, last, "weights", array_bytes(c), err));
    INK_TRY(ink__checkpoint_need(&first, last, "moments 1", array_bytes(c), err));
    INK_TRY(ink__checkpoint_need(&second, last, "moments 2", o->moments[1] ? array_bytes(c) : 0, err));
    INK_TRY(c->check(c->run, standing, path, err));
    memcpy(c->standing, standing, c->standing_size);
    memcpy(c->store->values, weights, array_bytes(c));
    memcpy(o->moments[0], first, array_bytes(c));
    if (o->moments[1])
        memcpy(o->moments[1], second, array_bytes(c));
    ink__optimizer_restored(o);
    o->updates = step_of(c);
    return INK_OK;
}

ink_status ink__course_restore(bool *resumed, const ink__course *c, ink_error *err)
{
    char *log = NULL, *path = NULL;
    ink__checkpoint *last = NULL;
    ink_status st;
    *resumed = ink__file_exists(c->out, "last");
    INK_TRY_GOTO(ink__path_join(&log, c->out, "log.jsonl", err));
    if (!*resumed) {
        st = ink__log_create(c->log, log, err);
        goto done;
    }
    INK_TRY_GOTO(ink__path_join(&path, c->out, "last", err));
    INK_TRY_GOTO(ink__checkpoint_open(&last, path, err));
    INK_TRY_GOTO(read_last(c, last, path, err));
    st = ink__log_resume(c->log, log, step_of(c), err);
done:
    ink__checkpoint_close(last);
    free(path);
    free(log);
    return st;
}
