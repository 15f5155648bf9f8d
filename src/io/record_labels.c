/* The labels of a record: collected, and found in the cells of tables. A list in a cell is written as people
 * and their tools write it: "joy,surprise", or as JSON or Python would print it: ["joy", 'surprise', 3]. */
#include "io/record_format.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

void ink__labels_free(ink__labels *labels)
{
    free(labels->items);
    ink__text_free(&labels->text);
    *labels = (ink__labels){0};
}

void ink__labels_start(ink__labels *labels, bool list)
{
    labels->n = labels->text.len = 0;
    labels->list = list;
}

ink_status ink__labels_add(ink__labels *labels, const char *text, size_t len, ink_error *err)
{
    INK_TRY(
        ink__grow(&labels->items, &labels->capacity, labels->n + 1, sizeof *labels->items, "labels", err));
    labels->items[labels->n++] = (ink__string){text, len};
    return INK_OK;
}

void ink__labels_give(ink__record *record, const ink__labels *labels)
{
    record->labels = labels->items, record->n_labels = labels->n;
    record->label_list = labels->list;
}

/* ---- Lists in cells ---- */

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        ++p;
    return p;
}

static const char *trim_end(const char *p, const char *end)
{
    while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r'))
        --end;
    return end;
}

/* *value = the number of n hexadecimal digits at p; false if they are not there. */
static bool read_hex(uint32_t *value, const char *p, const char *end, int n)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    *value = 0;
    if (end - p < n)
        return false;
    for (int i = 0; i < n; ++i) {
        const char *digit = p[i] ? strchr(digits, p[i]) : NULL;
        if (!digit)
            return false;
        *value = *value << 4 | (uint32_t)((digit - digits) & 15);
    }
    return true;
}

/* Appends what the escape at p (a backslash, and something behind it) stands for, in no more bytes than it
 * takes; returns its end. */
static const char *unescape(ink__text *text, const char *p, const char *end)
{
    static const char names[] = "nrtbf", values[] = "\n\r\t\b\f";
    uint32_t cp, low;
    const char kind = p[1];
    const char *known = kind ? strchr(names, kind) : NULL;
    const int n_digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    p += 2;
    if (n_digits > 0 && read_hex(&cp, p, end, n_digits)) {
        p += n_digits;
        if (cp >> 10 == 0xD800 >> 10 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
            read_hex(&low, p + 2, end, 4) && low >> 10 == 0xDC00 >> 10) {
            cp = 0x10000 + ((cp & 0x3FF) << 10 | (low & 0x3FF));
            p += 6;
        }
        if (cp > 0x10FFFF || cp >> 11 == 0xD800 >> 11)
            cp = INK__UTF8_BAD;
        text->len += ink__utf8_encode(text->data + text->len, cp);
    } else {
        text->data[text->len++] = known ? values[known - names] : kind;
    }
    return p;
}

/* Adds the item at p of a bracketed list, up to a comma or bracket; NULL where there is none. */
static const char *read_item(ink_status *st, ink__labels *labels, const char *p, const char *end,
                             ink_error *err)
{
    const char quote = *p;
    if (quote != '"' && quote != '\'') {
        const char *start = p;
        while (p < end && *p != ',' && *p != ']')
            ++p;
        const char *last = trim_end(start, p);
        if (last == start)
            return NULL;
        *st = ink__labels_add(labels, start, (size_t)(last - start), err);
        return p;
    }
    ink__text *text = &labels->text; /* with room for the whole cell: it does not move */
    const size_t begin = text->len;
    for (++p; p < end && *p != quote;) {
        if (*p == '\\' && end - p > 1)
            p = unescape(text, p, end);
        else
            text->data[text->len++] = *p++;
    }
    if (p == end || text->len == begin)
        return NULL;
    *st = ink__labels_add(labels, text->data + begin, text->len - begin, err);
    return skip_blanks(p + 1, end);
}

/* ["a", 'b', 3]: false where it is none. */
static bool read_brackets(ink_status *st, ink__labels *labels, const char *p, const char *end, ink_error *err)
{
    p = skip_blanks(p + 1, end);
    if (end - p == 1 && *p == ']')
        return true;
    while (p < end) {
        p = read_item(st, labels, p, end, err);
        if (!p || p == end || *st != INK_OK)
            return false;
        if (*p == ']')
            return p + 1 == end;
        if (*p != ',')
            return false;
        p = skip_blanks(p + 1, end);
    }
    return false;
}

/* a, b: false where one is empty. */
static bool read_commas(ink_status *st, ink__labels *labels, const char *p, const char *end, ink_error *err)
{
    for (;; ++p) {
        p = skip_blanks(p, end);
        const char *comma = p;
        while (comma < end && *comma != ',')
            ++comma;
        const char *last = trim_end(p, comma);
        if (last == p)
            return false;
        *st = ink__labels_add(labels, p, (size_t)(last - p), err);
        if (*st != INK_OK || comma == end)
            return true;
        p = comma;
    }
}

ink_status ink__labels_cell(ink__labels *labels, bool list, const char *cell, size_t len, const char *place,
                            ink_error *err)
{
    ink_status st = INK_OK;
    ink__labels_start(labels, list);
    if (!list)
        return len > 0 ? ink__labels_add(labels, cell, len, err)
                       : ink_fail(err, INK_E_FORMAT, "%s is empty, wanted a label", place);
    const char *end = trim_end(cell, cell + len), *p = skip_blanks(cell, end);
    if (p == end)
        return INK_OK;
    INK_TRY(ink__text_reserve(&labels->text, len, err));
    const bool fine =
        *p == '[' ? read_brackets(&st, labels, p, end, err) : read_commas(&st, labels, p, end, err);
    INK_TRY(st);
    if (!fine)
        return ink_fail(err, INK_E_FORMAT,
                        "%s is no list of labels, wanted the likes of joy,anger or [\"joy\", \"anger\"]",
                        place);
    return INK_OK;
}
