/* Fields that pass through from a record to its result, as members of a JSON object: ,"a":1.10,"b":"x".
 * Values stand as they stood. A name that results use for themselves gets "input_" in front, and so does one
 * that begins with it, so that no two become one. */
#include "io/record_format.h"

#include <string.h>

static const char prefix[] = "input_";

static bool is_name(const char *name, const char *text, size_t len)
{
    return name && strlen(name) == len && memcmp(name, text, len) == 0;
}

static bool is_taken(const char *text, size_t len)
{
    static const char *const taken[] = {"id",        "label",   "labels",    "score",  "scores",
                                        "value",     "values",  "top",       "tokens", "used",
                                        "truncated", "windows", "embedding", "error",  "abstain"};
    if (len >= sizeof prefix - 1 && memcmp(text, prefix, sizeof prefix - 1) == 0)
        return true;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; ++i)
        if (is_name(taken[i], text, len))
            return true;
    return false;
}

bool ink__keeps(const ink__fields *fields, const char *name, size_t len)
{
    for (size_t i = 0; i < fields->n_keep; ++i)
        if (is_name(fields->keep[i], name, len))
            return true;
    return fields->keep_all && !is_name(fields->text, name, len) && !is_name(fields->pair, name, len) &&
           !is_name(fields->id, name, len);
}

ink_status ink__keep_name(ink__text *kept, const char *name, size_t len, ink_error *err)
{
    ink__text full = {0};
    ink_status st = INK_OK;
    if (is_taken(name, len))
        st = ink__text_cstr(&full, prefix, err);
    if (st == INK_OK)
        st = ink__text_bytes(&full, name, len, err);
    if (st == INK_OK)
        st = ink__text_cstr(kept, ",", err);
    if (st == INK_OK)
        st = ink__text_string(kept, full.data ? full.data : "", full.len, err);
    ink__text_free(&full);
    INK_TRY(st);
    return ink__text_cstr(kept, ":", err);
}
