/* JSON documents from outside: see json.h. jansson bounds the depth (2048 levels) and checks the grammar;
 * this file bounds the size, mends the encoding first and gives failures a place.
 *
 * An object that has a key twice is refused. Hugging Face's own writers cannot produce one, and where readers
 * disagree on which of two values counts (Python takes the last, others the first or none) the same directory
 * would be two different models. */
#include "io/json.h"
#include "io/file.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define JSON_BYTES_MAX  ((size_t)256 << 20)
#define JSON_VALUES_MAX ((size_t)8 << 20)

const char *ink__json_kind(const json_t *value)
{
    if (!value)
        return "missing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "?";
}

/* The value of the escape \\uXXXX at p, or 0 where there is none. */
static uint32_t unicode_escape(const char *p, const char *end)
{
    uint32_t unit = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return 0;
    for (int i = 2; i < 6; ++i) {
        const char c = p[i];
        if (c >= '0' && c <= '9')
            unit = unit << 4 | (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            unit = unit << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return 0;
    }
    return unit;
}

/* The first escape of a surrogate in [p, end) that is not half of a pair, or NULL. A backslash outside a
 * string is an error that the parser finds, so strings need not be told from the rest here. */
static const char *lone_surrogate(const char *p, const char *end)
{
    while (p < end && (p = memchr(p, '\\', (size_t)(end - p)))) {
        const uint32_t unit = unicode_escape(p, end);
        if (unit >= 0xD800 && unit <= 0xDBFF && unicode_escape(p + 6, end) >> 10 == 0xDC00 >> 10)
            p += 12;
        else if (unit >= 0xD800 && unit <= 0xDFFF)
            return p;
        else
            p += 2;
    }
    return NULL;
}

ink_status ink__json_mend(char **mended, size_t *len, size_t *bad, const char *bytes, ink_error *err)
{
    *mended = NULL;
    if (ink__utf8_valid_prefix(bytes, *len) == *len && !lone_surrogate(bytes, bytes + *len))
        return INK_OK;
    INK_TRY(ink__calloc(mended, *len, 3, "JSON text", err));
    *len = ink__utf8_sanitise(*mended, bad, bytes, *len);
    const char *end = *mended + *len, *p = *mended;
    for (; (p = lone_surrogate(p, end)); p += 6, ++*bad)
        memcpy(*mended + (p - *mended), "\\ufffd", 6);
    return INK_OK;
}

bool ink__json_modest(const char *bytes, size_t len)
{
    size_t values = 0;
    bool quoted = false;
    /* Every value has a comma or bracket of its own. */
    for (size_t i = 0; len > JSON_VALUES_MAX && i < len; ++i) {
        const char c = bytes[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\';
        else if (c == ',' || c == '[' || c == '{')
            ++values;
    }
    return values <= JSON_VALUES_MAX;
}

static ink_status parse(ink__json *json, const char *bytes, size_t len, const char *path, json_type root,
                        ink_error *err)
{
    ink_status st = INK_OK;
    char *mended = NULL;
    *json = (ink__json){0};
    if (len > JSON_BYTES_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu bytes of JSON, at most %zu are read", path, len,
                        JSON_BYTES_MAX);
    INK_TRY_GOTO(ink__strndup(&json->path, path, strlen(path), err));
    if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        bytes += 3, len -= 3;
    size_t bad = 0;
    INK_TRY_GOTO(ink__json_mend(&mended, &len, &bad, bytes, err));
    if (mended)
        bytes = mended;
    if (!ink__json_modest(bytes, len)) {
        st = ink_fail(err, INK_E_FORMAT, "%s: more than %zu JSON values", path, JSON_VALUES_MAX);
        goto done;
    }
    json_error_t why;
    json->root =
        json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &why);
    if (!json->root && json_error_code(&why) == json_error_out_of_memory)
        st = ink_fail(err, INK_E_MEMORY, "%s: no memory for its %zu bytes of JSON", path, len);
    else if (!json->root && why.line < 1)
        st = ink_fail(err, INK_E_FORMAT, "%s: is not JSON: %s", path, why.text);
    else if (!json->root)
        st = ink_fail(err, INK_E_FORMAT, "%s: line %d, column %d: is not JSON: %s", path, why.line,
                      why.column, why.text);
    else if (json_typeof(json->root) != root)
        st = ink_fail(err, INK_E_FORMAT, "%s: holds %s, wanted %s", path, ink__json_kind(json->root),
                      root == JSON_OBJECT ? "an object" : "an array");
done:
    free(mended);
    if (st != INK_OK)
        ink__json_close(json);
    return st;
}

ink_status ink__json_parse(ink__json *json, const char *bytes, size_t len, const char *path, ink_error *err)
{
    return parse(json, bytes, len, path, JSON_OBJECT, err);
}

static ink_status parse_file(ink__json *json, const char *path, json_type root, ink_error *err)
{
    ink__map map;
    *json = (ink__json){0};
    INK_TRY(ink__map_open(&map, path, err));
    const ink_status st = parse(json, (const char *)map.data, map.size, path, root, err);
    ink__map_close(&map);
    return st;
}

ink_status ink__json_open(ink__json *json, const char *path, ink_error *err)
{
    return parse_file(json, path, JSON_OBJECT, err);
}

ink_status ink__json_open_array(ink__json *json, const char *path, ink_error *err)
{
    return parse_file(json, path, JSON_ARRAY, err);
}

void ink__json_close(ink__json *json)
{
    json_decref(json->root);
    free(json->path);
    *json = (ink__json){0};
}

/* The value under key, or NULL where it is missing or null and the default stands. */
static const json_t *look_up(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value && !json_is_null(value) ? value : NULL;
}

static ink_status wrong_kind(const ink__json *json, const char *key, const json_t *value, const char *wanted,
                             ink_error *err)
{
    if (json_is_number(value))
        return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is %.17g, wanted %s", json->path, key,
                        json_number_value(value), wanted);
    return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is %s, wanted %s", json->path, key, ink__json_kind(value),
                    wanted);
}

ink_status ink__json_size(size_t *value, const ink__json *json, const json_t *object, const char *key,
                          ink_error *err)
{
    const json_t *found = look_up(object, key);
    if (!found)
        return INK_OK;
    const double number = json_is_number(found) ? json_number_value(found) : -1;
    /* The comparison is written so that it fails for every number a size_t cannot hold exactly. */
    if (!(number >= 0 && number <= 9007199254740992.0 && number == floor(number)))
        return wrong_kind(json, key, found, "a whole number from 0 to 2^53", err);
    *value = (size_t)number;
    return INK_OK;
}

ink_status ink__json_double(double *value, const ink__json *json, const json_t *object, const char *key,
                            ink_error *err)
{
    const json_t *found = look_up(object, key);
    if (!found)
        return INK_OK;
    if (!json_is_number(found))
        return wrong_kind(json, key, found, "a number", err);
    *value = json_number_value(found);
    return INK_OK;
}

ink_status ink__json_bool(bool *value, const ink__json *json, const json_t *object, const char *key,
                          ink_error *err)
{
    const json_t *found = look_up(object, key);
    if (!found)
        return INK_OK;
    if (!json_is_boolean(found))
        return wrong_kind(json, key, found, "true or false", err);
    *value = json_is_true(found);
    return INK_OK;
}

ink_status ink__json_string(const char **value, const ink__json *json, const json_t *object, const char *key,
                            ink_error *err)
{
    const json_t *found = look_up(object, key);
    if (!found)
        return INK_OK;
    if (!json_is_string(found))
        return wrong_kind(json, key, found, "a string", err);
    if (strlen(json_string_value(found)) != json_string_length(found))
        return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is a string with a NUL character in it", json->path,
                        key);
    *value = json_string_value(found);
    return INK_OK;
}
