/* Records that are JSON Lines (https://jsonlines.org): each line is an object with a text in one field.
 *
 * jansson says whether a line is JSON and what its strings hold; numbers it would change (1.10, a 20-digit
 * integer), so an id is copied from the line as it stood. A key that comes twice counts with its last value.
 */
#include "io/record_format.h"
#include "io/json.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct jsonl {
    const ink__fields *fields;
    char *mended; /* the line, where it had to be mended */
    json_t *root; /* owns the record's text */
    ink_error bad;
} jsonl;

static ink_status open_jsonl(void **state, const ink__fields *fields, ink_error *err)
{
    jsonl *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "a reader of JSON lines", err));
    s->fields = fields;
    *state = s;
    return INK_OK;
}

/* ---- Numbers beyond a double's range, which jansson refuses ---- */

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        ++p;
    return p;
}

/* The end of the JSON number at p, or p. */
static const char *skip_number(const char *p, const char *end)
{
    const char *start = p, *q;
    p += p < end && *p == '-';
    q = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
    if (q == p)
        return start;
    p = q;
    if (p < end && *p == '.' && (q = skip_digits(p + 1, end)) > p + 1)
        p = q;
    if (p < end && (*p | 0x20) == 'e') {
        const char *digits = p + 1 + (end - p > 1 && (p[1] == '+' || p[1] == '-'));
        if ((q = skip_digits(digits, end)) > digits)
            p = q;
    }
    return p;
}

/* The end of the string that opens at p. */
static const char *skip_string(const char *p, const char *end)
{
    for (++p; p < end && *p != '"'; ++p)
        p += *p == '\\';
    return p < end ? p + 1 : end;
}

/* Writes 0 and spaces over every number, so that only the strings of the line keep their values. */
static void blank_numbers(char *line, size_t len)
{
    const char *end = line + len;
    for (const char *p = line; p < end;) {
        const char *after = *p == '"' ? skip_string(p, end) : skip_number(p, end);
        if (*p != '"' && after > p) {
            char *number = line + (p - line);
            memset(number, ' ', (size_t)(after - p));
            *number = '0';
        }
        p = after > p ? after : p + 1;
    }
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
        blank_numbers(copy, len);
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

/* ---- The id as it stood ---- */

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        ++p;
    return p;
}

/* The end of the value at p, in text that is known to be JSON. */
static const char *skip_value(const char *p, const char *end)
{
    size_t depth = 0;
    do {
        if (*p == '"') {
            p = skip_string(p, end);
            continue;
        }
        if (*p == '{' || *p == '[')
            ++depth;
        else if (*p == '}' || *p == ']')
            --depth;
        ++p;
    } while (p < end && (depth > 0 || !strchr(",}] \t\r\n", *p)));
    return p;
}

/* True if the string of JSON in [p, end), quotes included, says name. */
static bool says(const char *p, const char *end, const char *name)
{
    const size_t len = (size_t)(end - p), n = strlen(name);
    if (!memchr(p, '\\', len))
        return len == n + 2 && memcmp(p + 1, name, n) == 0;
    json_t *key = json_loadb(p, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const bool same = key && json_string_length(key) == n && memcmp(json_string_value(key), name, n) == 0;
    json_decref(key);
    return same;
}

/* Points the record's id at the last value under name in the object that is `line`, if there is one. */
static void find_id(ink__record *record, const char *name, const char *line, size_t len)
{
    const char *end = line + len, *p = skip_space(line, end) + 1;
    for (p = skip_space(p, end); p < end && *p == '"'; p = skip_space(p, end)) {
        const char *key = p, *key_end = skip_string(p, end);
        p = skip_space(skip_space(key_end, end) + 1, end);
        const char *value = p;
        p = skip_value(p, end);
        if (says(key, key_end, name))
            record->id = value, record->id_len = (size_t)(p - value);
        p = skip_space(p, end) + 1;
    }
}

/* ---- Fields ---- */

static ink_status fail_absent(json_t *object, const char *name, const char *place, ink_error *err)
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
    return ink_fail(err, INK_E_FORMAT, "%s: no field \"%s\" (fields: %s)", place, name, fields.text);
}

static ink_status get_string(const char **string, size_t *len, json_t *root, const char *name,
                             const char *place, ink_error *err)
{
    const json_t *value = json_object_get(root, name);
    if (!value)
        return fail_absent(root, name, place, err);
    if (!json_is_string(value))
        return ink_fail(err, INK_E_FORMAT, "%s: field \"%s\" is %s, wanted a string", place, name,
                        ink__json_kind(value));
    *string = json_string_value(value);
    *len = json_string_length(value);
    return INK_OK;
}

static ink_status read_line(ink__record *record, jsonl *s, const ink__line *line, const char *place,
                            ink_error *err)
{
    char *bytes = line->bytes;
    size_t len = line->len;
    if (!bytes)
        return ink_fail(err, INK_E_FORMAT, "%s: has %zu bytes, at most %zu are read", place, len,
                        INK__RECORD_MAX);
    if (skip_space(bytes, bytes + len) == bytes + len)
        return ink_fail(err, INK_E_FORMAT, "%s: a blank line where a JSON object was wanted", place);
    INK_TRY(ink__json_mend(&s->mended, &len, &record->bad_bytes, bytes, err));
    if (s->mended)
        bytes = s->mended;
    INK_TRY(parse(&s->root, bytes, len, place, err));
    /* A carriage return is white space between an id's elements, but a broken line to who reads our output.
     */
    for (char *cr = bytes; (cr = memchr(cr, '\r', (size_t)(bytes + len - cr)));)
        *cr = ' ';
    find_id(record, s->fields->id, bytes, len);
    INK_TRY(get_string(&record->text, &record->text_len, s->root, s->fields->text, place, err));
    if (s->fields->pair)
        INK_TRY(get_string(&record->pair, &record->pair_len, s->root, s->fields->pair, place, err));
    if (!record->id && s->fields->id_required)
        return fail_absent(s->root, s->fields->id, place, err);
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
    json_decref(s->root);
    free(s->mended);
    s->root = NULL, s->mended = NULL;

    const char *first = line.bytes ? skip_space(line.bytes, line.bytes + line.len) : NULL;
    if (line.number == 1 && first && first < line.bytes + line.len && *first == '[')
        return ink_fail(
            err, INK_E_FORMAT,
            "%s: is one JSON array, wanted JSON Lines: an object on each line, without [ ] and commas "
            "around them (jq -c '.[]' makes that)",
            source->name);
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
    }
    free(s);
}

const ink__record_format ink__format_jsonl = {"jsonl", true, open_jsonl, step_jsonl, close_jsonl};
