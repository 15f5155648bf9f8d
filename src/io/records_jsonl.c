/* Records that are JSON Lines (https://jsonlines.org): each line is an object with a text in one field.
 *
 * jansson says whether a line is JSON and what its strings hold; numbers it would change (1.10, a 20-digit
 * integer), so an id is copied from the line as it stood. A key that comes twice counts with its last value.
 */
#include "io/record_format.h"
#include "io/json.h"
#include "io/jsonwalk.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value as it stands in the line; NULL where there is none. */
typedef struct raw {
    const char *name, *value;
    size_t len;
} raw;

enum { RAW_ID, RAW_LABEL, RAW_LABEL_ELSE, RAW_MORE };

typedef struct jsonl {
    const ink__fields *fields;
    char *mended; /* the line, where it had to be mended */
    json_t *root; /* owns the record's text */
    raw *raws;    /* [n_raws] */
    size_t n_raws;
    ink__labels labels;
    ink__string *values; /* [n_more of fields] */
    ink__text kept;
    ink_error bad;
} jsonl;

static ink_status open_jsonl(void **state, const ink__fields *fields, ink_error *err)
{
    jsonl *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "a reader of JSON lines", err));
    *state = s;
    s->fields = fields;
    INK_TRY(ink__calloc(&s->values, fields->n_more, sizeof *s->values, "fields", err));
    INK_TRY(ink__calloc(&s->raws, RAW_MORE + fields->n_more, sizeof *s->raws, "fields", err));
    s->n_raws = RAW_MORE + fields->n_more;
    s->raws[RAW_ID].name = fields->id;
    s->raws[RAW_LABEL].name = fields->label ? fields->label : "";
    s->raws[RAW_LABEL_ELSE].name = fields->label_else ? fields->label_else : "";
    for (size_t i = 0; i < fields->n_more; ++i)
        s->raws[RAW_MORE + i].name = fields->more[i];
    return INK_OK;
}

/* *root = the parsed line; INK_E_FORMAT where it is not an object. */
static ink_status parse(json_t **root, const char *line, size_t len, const char *place, ink_error *err)
{
    const size_t flags = JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    json_error_t why;
    if (!ink__json_modest(line, len))
        return ink_fail(err, INK_E_FORMAT, "%s: holds too many JSON values", place);
    *root = json_loadb(line, len, flags, &why);
    if (!*root && json_error_code(&why) == json_error_numeric_overflow) {
        char *copy;
        INK_TRY(ink__strndup(&copy, line, len, err));
        ink__jsonwalk_blank_numbers(copy, len);
        *root = json_loadb(copy, len, flags, &why);
        free(copy);
    }
    if (!*root && json_error_code(&why) == json_error_out_of_memory)
        return ink_fail(err, INK_E_MEMORY, "%s: no memory for its %zu bytes of JSON", place, len);
    if (!*root)
        return ink_fail(err, INK_E_FORMAT, "%s: is not JSON: %s (column %d)", place, why.text, why.column);
    if (!json_is_object(*root))
        return ink_fail(err, INK_E_FORMAT, "%s: is %s, wanted an object", place, ink__json_kind(*root));
    return INK_OK;
}

/* ---- Values as they stood ---- */

/* *key = what the string of JSON in [p, end), quotes included, says; where it has escapes, *owner holds it.
 */
static void read_key(ink__string *key, json_t **owner, const char *p, const char *end)
{
    const size_t len = (size_t)(end - p);
    *owner = NULL;
    *key = (ink__string){p + 1, len - 2};
    if (!memchr(p, '\\', len))
        return;
    *owner = json_loadb(p, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    *key = (ink__string){json_string_value(*owner), json_string_length(*owner)};
}

/* Points each of the raw values at the last one under its name in the object that is `line`, and collects
 * what passes through. */
static ink_status find_values(jsonl *s, const char *line, size_t len, ink_error *err)
{
    const char *end = line + len, *p = ink__jsonwalk_space(line, end) + 1;
    for (size_t i = 0; i < s->n_raws; ++i)
        s->raws[i].value = NULL;
    s->kept.len = 0;
    for (p = ink__jsonwalk_space(p, end); p < end && *p == '"'; p = ink__jsonwalk_space(p, end)) {
        const char *key_start = p, *key_end = ink__jsonwalk_string(p, end);
        p = ink__jsonwalk_space(ink__jsonwalk_space(key_end, end) + 1, end);
        const char *value = p;
        p = ink__jsonwalk_value(p, end);
        ink__string key;
        json_t *owner;
        read_key(&key, &owner, key_start, key_end);
        for (size_t i = 0; i < s->n_raws; ++i)
            if (key.text && strlen(s->raws[i].name) == key.len &&
                memcmp(s->raws[i].name, key.text, key.len) == 0)
                s->raws[i].value = value, s->raws[i].len = (size_t)(p - value);
        ink_status st = INK_OK;
        if (key.text && ink__keeps(s->fields, key.text, key.len)) {
            st = ink__keep_name(&s->kept, key.text, key.len, err);
            if (st == INK_OK)
                st = ink__text_bytes(&s->kept, value, (size_t)(p - value), err);
        }
        json_decref(owner);
        INK_TRY(st);
        p = ink__jsonwalk_space(p, end) + 1;
    }
    return INK_OK;
}

/* ---- Fields ---- */

/* `option` is what names the field on the command line. */
static ink_status fail_absent(json_t *object, const char *name, const char *option, const char *place,
                              ink_error *err)
{
    ink__name_list fields = {0};
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        ink__name_list_add(&fields, key, strlen(key));
    }
    if (fields.n == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: no field \"%s\" (the object is empty)", place, name);
    return ink_fail(err, INK_E_FORMAT, "%s: no field \"%s\" (fields: %s); name one with %s NAME", place, name,
                    fields.text, option);
}

static ink_status get_string(const char **string, size_t *len, json_t *root, const char *name,
                             const char *option, const char *place, ink_error *err)
{
    const json_t *value = json_object_get(root, name);
    if (!value)
        return fail_absent(root, name, option, place, err);
    if (!json_is_string(value))
        return ink_fail(err, INK_E_FORMAT, "%s: field \"%s\" is %s, wanted a string", place, name,
                        ink__json_kind(value));
    *string = json_string_value(value);
    *len = json_string_length(value);
    return INK_OK;
}

static bool is_label(const json_t *value)
{
    return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

/* What a value says: a string its content, anything else its text as it stood. */
static ink__string text_of(const json_t *value, const char *as_it_stood, size_t len)
{
    return json_is_string(value) ? (ink__string){json_string_value(value), json_string_length(value)}
                                 : (ink__string){as_it_stood, len};
}

/* The items of a list of labels; INK_E_FORMAT with what item is none. */
static ink_status read_label_list(ink__labels *labels, const json_t *list, const raw *from, const char *place,
                                  ink_error *err)
{
    const char *end = from->value + from->len, *p = ink__jsonwalk_space(from->value + 1, end);
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *item = json_array_get(list, i);
        const char *start = p;
        p = ink__jsonwalk_value(p, end);
        const ink__string text = text_of(item, start, (size_t)(p - start));
        if (!is_label(item) || text.len == 0)
            return ink_fail(err, INK_E_FORMAT, "%s: item %zu of field \"%s\" is %s, wanted a label", place,
                            i + 1, from->name, is_label(item) ? "empty" : ink__json_kind(item));
        INK_TRY(ink__labels_add(labels, text.text, text.len, err));
        p = ink__jsonwalk_space(ink__jsonwalk_space(p, end) + 1, end); /* behind the comma */
    }
    return INK_OK;
}

static ink_status read_labels(ink__record *record, jsonl *s, const char *place, ink_error *err)
{
    const raw *from = &s->raws[RAW_LABEL];
    if (!from->value && s->fields->label_else)
        from = &s->raws[RAW_LABEL_ELSE];
    if (!from->value)
        return fail_absent(s->root, s->fields->label, "--label", place, err);
    const json_t *value = json_object_get(s->root, from->name);
    ink__labels_start(&s->labels, json_is_array(value));
    if (json_is_array(value)) {
        INK_TRY(read_label_list(&s->labels, value, from, place, err));
    } else {
        const ink__string text = text_of(value, from->value, from->len);
        if (!is_label(value) || text.len == 0)
            return ink_fail(err, INK_E_FORMAT, "%s: field \"%s\" is %s, wanted a label or a list of them",
                            place, from->name, is_label(value) ? "empty" : ink__json_kind(value));
        INK_TRY(ink__labels_add(&s->labels, text.text, text.len, err));
    }
    ink__labels_give(record, &s->labels);
    return INK_OK;
}

static void read_more(ink__record *record, jsonl *s)
{
    for (size_t i = 0; i < s->fields->n_more; ++i) {
        const raw *from = &s->raws[RAW_MORE + i];
        const json_t *value = from->value ? json_object_get(s->root, from->name) : NULL;
        s->values[i] =
            !value || json_is_null(value) ? (ink__string){NULL, 0} : text_of(value, from->value, from->len);
    }
    record->fields = s->values;
}

static ink_status read_line(ink__record *record, jsonl *s, const ink__line *line, const char *place,
                            ink_error *err)
{
    char *bytes = line->bytes;
    size_t len = line->len;
    record->kind = INK_BAD_LENGTH;
    if (!bytes)
        return ink_fail(err, INK_E_FORMAT, "%s: has %zu bytes, at most %zu are read", place, len,
                        INK__RECORD_MAX);
    record->kind = INK_BAD_BLANK;
    if (ink__jsonwalk_space(bytes, bytes + len) == bytes + len)
        return ink_fail(err, INK_E_FORMAT, "%s: a blank line where a JSON object was wanted", place);
    record->kind = INK_BAD_JSON;
    INK_TRY(ink__json_mend(&s->mended, &len, &record->bad_bytes, bytes, err));
    if (s->mended)
        bytes = s->mended;
    INK_TRY(parse(&s->root, bytes, len, place, err));
    /* A carriage return is white space between an id's elements, but a broken line to who reads our output.
     */
    for (char *cr = bytes; (cr = memchr(cr, '\r', (size_t)(bytes + len - cr)));)
        *cr = ' ';
    INK_TRY(find_values(s, bytes, len, err));
    record->kind = INK_BAD_FIELD;
    record->id = s->raws[RAW_ID].value, record->id_len = s->raws[RAW_ID].len;
    INK_TRY(get_string(&record->text, &record->text_len, s->root, s->fields->text, "--text", place, err));
    if (s->fields->pair)
        INK_TRY(get_string(&record->pair, &record->pair_len, s->root, s->fields->pair, "--text-pair", place,
                           err));
    if (!record->id && s->fields->id_required)
        return fail_absent(s->root, s->fields->id, "--id", place, err);
    if (s->fields->label)
        INK_TRY(read_labels(record, s, place, err));
    read_more(record, s);
    record->kept = s->kept.data, record->kept_len = s->kept.len;
    return INK_OK;
}

static ink_status step_jsonl(ink__step *step, ink__record *record, void *state, ink__source *source,
                             ink_error *err)
{
    jsonl *s = state;
    ink__line line;
    *step = ink__source_line(&line, source);
    if (*step != INK__STEP_RECORD)
        return INK_OK;
    record->line = line.number;
    json_decref(s->root);
    free(s->mended);
    s->root = NULL, s->mended = NULL;

    const char *first = line.bytes ? ink__jsonwalk_space(line.bytes, line.bytes + line.len) : NULL;
    if (line.number == 1 && first && first < line.bytes + line.len && *first == '[')
        return ink_fail(
            err, INK_E_FORMAT,
            "%s: is one JSON array, wanted JSON Lines: an object on each line, without [ ] and commas "
            "around them (jq -c '.[]' makes that)",
            source->name);
    if (source->skip)
        return INK_OK;
    char place[300];
    snprintf(place, sizeof place, "%.250s: line %llu", source->name, (unsigned long long)line.number);
    const ink_status st = read_line(record, s, &line, place, &s->bad);
    if (st == INK_OK)
        return INK_OK;
    if (st != INK_E_FORMAT)
        return ink_fail(err, st, "%s", s->bad.text);
    record->error = s->bad.text;
    return INK_OK;
}

static void close_jsonl(void *state)
{
    jsonl *s = state;
    if (s) {
        json_decref(s->root);
        free(s->mended);
        free(s->raws);
        free(s->values);
        ink__text_free(&s->kept);
        ink__labels_free(&s->labels);
    }
    free(s);
}

const ink__record_format ink__format_jsonl = {.name = "JSON lines",
                                              .has_fields = true,
                                              .has_labels = true,
                                              .open = open_jsonl,
                                              .step = step_jsonl,
                                              .close = close_jsonl};
