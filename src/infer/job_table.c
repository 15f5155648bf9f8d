/* Rows of a table from lines of JSON: see job_table.h. */
#include "infer/job_table.h"
#include "core/memory.h"
#include "io/json.h"
#include "io/jsonwalk.h"
#include "io/record_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a column shows of its key's value. */
enum what {
    WHOLE,
    MEMBERS, /* {"a":0.1,"b":0.2}: the first of as many columns as there are members */
    PAIRS,   /* [{"label":...,"score":...},...]: the first of twice as many */
    NAMES,   /* the same: ["a","b"], which readers of labels read ... */
    SCORES,  /* ... and [0.1,0.2], in the next column */
    FOLLOWS  /* filled by one before it */
};

struct column {
    char *key; /* as it stands in a line, in quotes */
    enum what what;
};

struct ink__columns {
    char delimiter;
    bool quotes; /* CSV; else escapes */
    struct column *all;
    size_t n, capacity;
    ink__text header;
};

/* Part of the line at hand. */
struct ink__cell {
    const char *begin, *end; /* NULL: empty */
};

/* ---- cells ----------------------------------------------------------------------------------------- */

static ink_status put_escaped(ink__text *out, const char *bytes, size_t len, ink_error *err)
{
    static const char from[] = "\t\n\r\\", to[] = "tnr\\";
    for (size_t i = 0; i < len; ++i) {
        const char *special = bytes[i] ? strchr(from, bytes[i]) : NULL;
        const char both[2] = {'\\', special ? to[special - from] : 0};
        INK_TRY(special ? ink__text_bytes(out, both, 2, err) : ink__text_bytes(out, bytes + i, 1, err));
    }
    return INK_OK;
}

static ink_status put_quoted(ink__text *out, const char *bytes, size_t len, char delimiter, ink_error *err)
{
    bool plain = true;
    for (size_t i = 0; i < len && plain; ++i)
        plain = bytes[i] != delimiter && bytes[i] != '"' && bytes[i] != '\n' && bytes[i] != '\r';
    if (plain)
        return ink__text_bytes(out, bytes, len, err);
    INK_TRY(ink__text_cstr(out, "\"", err));
    for (size_t i = 0; i < len; ++i)
        INK_TRY(ink__text_bytes(out, bytes[i] == '"' ? "\"\"" : bytes + i, bytes[i] == '"' ? 2 : 1, err));
    return ink__text_cstr(out, "\"", err);
}

static ink_status put_cell(ink__text *out, const ink__columns *t, const char *bytes, size_t len,
                           ink_error *err)
{
    return t->quotes ? put_quoted(out, bytes, len, t->delimiter, err) : put_escaped(out, bytes, len, err);
}

/* The characters of a JSON string, or any other value as it stands. */
static ink_status put_value(ink__text *out, const ink__columns *t, const char *p, const char *end,
                            ink_error *err)
{
    const size_t len = (size_t)(end - p);
    if (len == 4 && memcmp(p, "null", 4) == 0)
        return INK_OK;
    if (*p != '"')
        return put_cell(out, t, p, len, err);
    if (!memchr(p, '\\', len))
        return put_cell(out, t, p + 1, len - 2, err);
    json_t *string = json_loadb(p, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const ink_status st = string
                              ? put_cell(out, t, json_string_value(string), json_string_length(string), err)
                              : put_cell(out, t, p, len, err); /* what no parser reads stays as it is */
    json_decref(string);
    return st;
}

/* ---- the line -------------------------------------------------------------------------------------- */

typedef struct member {
    const char *key, *key_end, *value, *value_end;
} member;

/* The next member of the object that p is in; false at its end. */
static bool next_member(member *m, const char **p, const char *end)
{
    const char *at = *p;
    while (at < end && (*at == ' ' || *at == ',' || *at == '{'))
        ++at;
    if (at == end || *at != '"')
        return false;
    m->key = at;
    m->key_end = ink__jsonwalk_string(at, end);
    at = ink__jsonwalk_space(m->key_end, end);
    m->value = ink__jsonwalk_space(at + (at < end), end); /* behind the colon */
    m->value_end = m->value < end ? ink__jsonwalk_value(m->value, end) : end;
    *p = m->value_end;
    return m->value < end;
}

/* The next object of the array that p is in. */
static bool next_object(const char **begin, const char **p, const char *end)
{
    const char *at = memchr(*p, '{', (size_t)(end - *p));
    if (!at)
        return false;
    *begin = at;
    *p = ink__jsonwalk_value(at, end);
    return true;
}

static void fill_members(struct ink__cell *cells, size_t room, const member *of)
{
    member m;
    const char *p = of->value;
    for (size_t i = 0; i < room && next_member(&m, &p, of->value_end); ++i)
        cells[i] = (struct ink__cell){m.value, m.value_end};
}

static void fill_pairs(struct ink__cell *cells, size_t room, const member *of)
{
    const char *p = of->value, *object;
    for (size_t i = 0; i + 2 <= room && next_object(&object, &p, of->value_end); i += 2) {
        const member pair = {NULL, NULL, object, p};
        fill_members(cells + i, 2, &pair);
    }
}

/* Columns from i on that the value of its key fills. */
static size_t room_at(const ink__columns *t, size_t i)
{
    size_t n = 1;
    while (i + n < t->n && t->all[i + n].what == FOLLOWS)
        ++n;
    return n;
}

static void fill(struct ink__cell *cells, const ink__columns *t, const member *m)
{
    const size_t len = (size_t)(m->key_end - m->key);
    for (size_t i = 0; i < t->n; ++i) {
        const struct column *c = &t->all[i];
        if (!c->key || strlen(c->key) != len || memcmp(c->key, m->key, len) != 0)
            continue;
        if (c->what == MEMBERS)
            fill_members(cells + i, room_at(t, i), m);
        else if (c->what == PAIRS)
            fill_pairs(cells + i, room_at(t, i), m);
        else
            cells[i] = (struct ink__cell){m->value, m->value_end};
    }
}

/* [{"label":"a","score":0.5},...] as ["a",...] or [0.5,...]. */
static ink_status put_list(ink__text *out, const ink__columns *t, ink__text *list,
                           const struct ink__cell *cell, bool scores, ink_error *err)
{
    const char *p = cell->begin, *object;
    list->len = 0;
    INK_TRY(ink__text_cstr(list, "[", err));
    while (next_object(&object, &p, cell->end)) {
        struct ink__cell both[2] = {{NULL, NULL}, {NULL, NULL}};
        const member pair = {NULL, NULL, object, p};
        fill_members(both, 2, &pair);
        INK_TRY(ink__text_cstr(list, list->len > 1 ? "," : "", err));
        INK_TRY(
            ink__text_bytes(list, both[scores].begin, (size_t)(both[scores].end - both[scores].begin), err));
    }
    INK_TRY(ink__text_cstr(list, "]", err));
    return put_cell(out, t, list->data, list->len, err);
}

ink_status ink__columns_row(ink__text *out, size_t begin, const ink__columns *t, ink__row_scratch *s,
                            ink_error *err)
{
    member m;
    s->line.len = 0;
    INK_TRY(ink__text_bytes(&s->line, out->data + begin, out->len - begin, err));
    INK_TRY(ink__grow(&s->cells, &s->capacity, t->n, sizeof *s->cells, "columns", err));
    memset(s->cells, 0, t->n * sizeof *s->cells);
    out->len = begin;
    const char *p = s->line.data, *end = p + s->line.len;
    while (next_member(&m, &p, end))
        fill(s->cells, t, &m);
    for (size_t i = 0; i < t->n; ++i) {
        const struct ink__cell *cell = &s->cells[i];
        const enum what what = t->all[i].what;
        if (i > 0)
            INK_TRY(ink__text_bytes(out, &t->delimiter, 1, err));
        if (cell->begin && (what == NAMES || what == SCORES))
            INK_TRY(put_list(out, t, &s->cell, cell, what == SCORES, err));
        else if (cell->begin)
            INK_TRY(put_value(out, t, cell->begin, cell->end, err));
    }
    return ink__text_cstr(out, "\n", err);
}

void ink__row_scratch_free(ink__row_scratch *s)
{
    ink__text_free(&s->line);
    ink__text_free(&s->cell);
    free(s->cells);
}

/* ---- columns --------------------------------------------------------------------------------------- */

/* A column with that name for the header, showing `what` of the value of `key`, which is in quotes. */
static ink_status add(ink__columns *t, const char *name, size_t len, const char *key, size_t key_len,
                      enum what what, ink_error *err)
{
    INK_TRY(ink__grow(&t->all, &t->capacity, t->n + 1, sizeof *t->all, "columns", err));
    struct column *c = &t->all[t->n];
    *c = (struct column){NULL, what};
    if (what != FOLLOWS)
        INK_TRY(ink__strndup(&c->key, key, key_len, err));
    ++t->n;
    if (t->n > 1)
        INK_TRY(ink__text_bytes(&t->header, &t->delimiter, 1, err));
    return put_cell(&t->header, t, name, len, err);
}

#define ADD(t, name, what, err) add(t, name, sizeof name - 1, "\"" name "\"", sizeof name + 1, what, err)

/* score_LABEL or value_LABEL for every label. */
static ink_status add_labels(ink__columns *t, const char *before, const char *key, const ink_model *model,
                             ink_error *err)
{
    for (size_t c = 0; c < ink_model_labels(model); ++c) {
        const char *label = ink_model_label(model, c);
        ink__text name = {0};
        ink_status st = ink__text_cstr(&name, before, err);
        if (st == INK_OK)
            st = ink__text_cstr(&name, label, err);
        if (st == INK_OK)
            st = add(t, name.data, name.len, key, strlen(key), c ? FOLLOWS : MEMBERS, err);
        ink__text_free(&name);
        INK_TRY(st);
    }
    return INK_OK;
}

static ink_status add_top(ink__columns *t, size_t k, ink_error *err)
{
    for (size_t i = 0; i < k; ++i) {
        char name[64];
        int n = snprintf(name, sizeof name, "top_%zu", i + 1);
        INK_TRY(add(t, name, (size_t)n, "\"top\"", 5, i ? FOLLOWS : PAIRS, err));
        n = snprintf(name, sizeof name, "top_%zu_score", i + 1);
        INK_TRY(add(t, name, (size_t)n, NULL, 0, FOLLOWS, err));
    }
    return INK_OK;
}

static ink_status add_decision(ink__columns *t, const ink_model *model, const ink_job_options *o,
                               ink_error *err)
{
    const size_t C = ink_model_labels(model);
    const ink_calibration *calibration = ink_model_calibration(model);
    ink_model_info info;
    ink_model_get_info(&info, model);
    switch (info.activation) {
    case INK_ACTIVATION_SOFTMAX:
        INK_TRY(ADD(t, "label", WHOLE, err));
        INK_TRY(ADD(t, "score", WHOLE, err));
        if (calibration && calibration->max_error > 0)
            INK_TRY(ADD(t, "abstain", WHOLE, err));
        break;
    case INK_ACTIVATION_SIGMOID:
        INK_TRY(ADD(t, "labels", NAMES, err));
        INK_TRY(
            add(t, "label_scores", strlen("label_scores"), "\"labels\"", strlen("\"labels\""), SCORES, err));
        break;
    case INK_ACTIVATION_NONE:
        return C > 1 ? add_labels(t, "value_", "\"values\"", model, err) : ADD(t, "value", WHOLE, err);
    }
    INK_TRY(add_top(t, o->top_k < C ? o->top_k : C, err));
    return o->all_scores ? add_labels(t, "score_", "\"scores\"", model, err) : INK_OK;
}

/* The name is the one that results use for the field. */
static ink_status add_kept(ink__columns *t, const char *field, ink_error *err)
{
    ink__text key = {0}; /* ,"name": */
    ink_status st = ink__keep_name(&key, field, strlen(field), err);
    const char *name = st == INK_OK ? key.data + 1 : NULL;
    const size_t len = st == INK_OK ? key.len - 2 : 0;
    json_t *plain = st == INK_OK ? json_loadb(name, len, JSON_DECODE_ANY, NULL) : NULL;
    for (size_t i = 0; st == INK_OK && i < t->n; ++i)
        if (t->all[i].key && strlen(t->all[i].key) == len && memcmp(t->all[i].key, name, len) == 0)
            st = ink_fail(err, INK_E_ARG, "two columns of the output would be named %.*s", (int)len, name);
    if (st == INK_OK && !plain)
        st = ink_fail(err, INK_E_ARG, "the field to keep \"%.200s\" is not UTF-8", field);
    if (st == INK_OK)
        st = add(t, json_string_value(plain), json_string_length(plain), name, len, WHOLE, err);
    json_decref(plain);
    ink__text_free(&key);
    return st;
}

static ink_status add_columns(ink__columns *t, const ink_model *model, const ink_job_options *o,
                              ink_error *err)
{
    INK_TRY(ADD(t, "id", WHOLE, err));
    INK_TRY(add_decision(t, model, o, err));
    INK_TRY(ADD(t, "tokens", WHOLE, err));
    INK_TRY(ADD(t, "used", WHOLE, err));
    INK_TRY(ADD(t, "truncated", WHOLE, err));
    if (o->long_texts.how == INK_LONG_CHUNK)
        INK_TRY(ADD(t, "windows", WHOLE, err));
    for (size_t i = 0; i < o->n_keep; ++i)
        INK_TRY(add_kept(t, o->keep[i], err));
    if (!o->rejects)
        INK_TRY(ADD(t, "error", WHOLE, err));
    return ink__text_bytes(&t->header, "\n", 2, err); /* and its end */
}

ink_status ink__columns_create(ink__columns **table, const ink_model *model, const ink_job_options *o,
                               ink_error *err)
{
    ink__columns *t;
    *table = NULL;
    if (o->output_format < INK_OUTPUT_JSONL || o->output_format > INK_OUTPUT_TSV)
        return ink_fail(err, INK_E_ARG, "no output format %d", (int)o->output_format);
    if (o->output_format == INK_OUTPUT_JSONL)
        return INK_OK;
    if (o->keep_all)
        return ink_fail(err, INK_E_ARG,
                        "a table has the same columns in every row: name the fields to keep, "
                        "instead of all");
    INK_TRY(ink__calloc(&t, 1, sizeof *t, "a table", err));
    t->quotes = o->output_format == INK_OUTPUT_CSV;
    t->delimiter = !t->quotes ? '\t' : o->delimiter ? o->delimiter : ',';
    const ink_status st = add_columns(t, model, o, err);
    if (st == INK_OK)
        *table = t;
    else
        ink__columns_free(t);
    return st;
}

void ink__columns_free(ink__columns *t)
{
    for (size_t i = 0; t && i < t->n; ++i)
        free(t->all[i].key);
    if (t) {
        free(t->all);
        ink__text_free(&t->header);
    }
    free(t);
}

const char *ink__columns_header(const ink__columns *t)
{
    return t->header.data;
}
