/* Labels as truths: see truths.h. */
#include "train/truths.h"
#include "core/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    const int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int by_name(const void *a, const void *b, void *names)
{
    const char *const *n = names;
    const char *x = n[*(const size_t *)a], *y = n[*(const size_t *)b];
    return compare_bytes(x, strlen(x), y, strlen(y));
}

ink_status ink__truths_create(ink__truths *truths, ink_activation kind, const char *const *names, size_t C,
                              ink_error *err)
{
    *truths = (ink__truths){kind, names, C, NULL};
    INK_TRY(ink__calloc(&truths->sorted, C, sizeof *truths->sorted, "labels", err));
    for (size_t c = 0; c < C; ++c)
        truths->sorted[c] = c;
    qsort_r(truths->sorted, C, sizeof *truths->sorted, by_name, (void *)(uintptr_t)names);
    for (size_t i = 1; i < C && kind != INK_ACTIVATION_NONE; ++i)
        if (strcmp(names[truths->sorted[i]], names[truths->sorted[i - 1]]) == 0) {
            const ink_status st = ink_fail(
                err, INK_E_FORMAT, "the model has two labels named \"%s\": truths cannot tell them apart",
                names[truths->sorted[i]]);
            ink__truths_free(truths);
            return st;
        }
    return INK_OK;
}

void ink__truths_free(ink__truths *truths)
{
    free(truths->sorted);
    *truths = (ink__truths){0};
}

size_t ink__truths_find(const ink__truths *truths, const char *name, size_t len)
{
    size_t low = 0, high = truths->C;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *at = truths->names[truths->sorted[middle]];
        const int order = compare_bytes(name, len, at, strlen(at));
        if (order == 0)
            return truths->sorted[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}

/* A name as it may stand in a sentence. */
static int shown(const ink__string *label)
{
    return label->len < 80 ? (int)label->len : 80;
}

static ink_status unknown(const ink__truths *truths, const ink__string *label, ink_error *err)
{
    enum { NAMED = 12 };
    char names[600];
    size_t used = 0, i = 0;
    for (; i < truths->C && i < NAMED && used < 400; ++i)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%.60s", i ? ", " : "",
                                 truths->names[truths->sorted[i]]);
    if (i < truths->C)
        snprintf(names + used, sizeof names - used, " and %zu more", truths->C - i);
    return ink_fail(err, INK_E_FORMAT, "the model does not know the label \"%.*s\"; it knows %s",
                    shown(label), label->text, names);
}

ink_status ink__truths_one(int32_t *one, const ink__truths *truths, const ink__string *labels, size_t n,
                           ink_error *err)
{
    if (n != 1)
        return ink_fail(err, INK_E_FORMAT, "%zu labels, and the model gives each record one", n);
    const size_t c = ink__truths_find(truths, labels[0].text, labels[0].len);
    if (c == SIZE_MAX)
        return unknown(truths, &labels[0], err);
    *one = (int32_t)c;
    return INK_OK;
}

ink_status ink__truths_set(uint8_t *set, const ink__truths *truths, const ink__string *labels, size_t n,
                           ink_error *err)
{
    memset(set, 0, truths->C);
    for (size_t i = 0; i < n; ++i) {
        const size_t c = ink__truths_find(truths, labels[i].text, labels[i].len);
        if (c == SIZE_MAX)
            return unknown(truths, &labels[i], err);
        set[c] = 1;
    }
    return INK_OK;
}

/* Digits with at most one point, then perhaps an exponent: what both JSON and tables write, and neither hex
 * nor "nan". */
static bool is_decimal(const char *p, const char *end)
{
    size_t digits = 0;
    if (p < end && (*p == '-' || *p == '+'))
        ++p;
    for (; p < end && *p >= '0' && *p <= '9'; ++p)
        ++digits;
    if (p < end && *p == '.')
        for (++p; p < end && *p >= '0' && *p <= '9'; ++p)
            ++digits;
    if (digits == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        ++p;
        if (p < end && (*p == '-' || *p == '+'))
            ++p;
        if (p == end)
            return false;
        while (p < end && *p >= '0' && *p <= '9')
            ++p;
    }
    return p == end;
}

/* The locale's decimal sign, which strtod wants to see. */
static void localise(char *number, size_t size)
{
    char half[16];
    char *point = strchr(number, '.');
    snprintf(half, sizeof half, "%.1f", 0.5);
    const size_t sign = strlen(half) - 2, rest = point ? strlen(point + 1) : 0;
    if (!point || strlen(number) + sign > size)
        return;
    memmove(point + sign, point + 1, rest + 1);
    memcpy(point, half + 1, sign);
}

ink_status ink__truths_value(double *value, const ink__string *labels, size_t n, ink_error *err)
{
    char number[64];
    if (n != 1)
        return ink_fail(err, INK_E_FORMAT, "%zu labels, wanted one number", n);
    const char *p = labels[0].text, *end = p + labels[0].len;
    while (p < end && *p == ' ')
        ++p;
    while (end > p && end[-1] == ' ')
        --end;
    const size_t len = (size_t)(end - p);
    if (len + 8 > sizeof number || !is_decimal(p, end))
        return ink_fail(err, INK_E_FORMAT, "the label \"%.*s\" is not a number%s", shown(&labels[0]),
                        labels[0].text, memchr(p, ',', len) ? "; decimals are written with a point" : "");
    memcpy(number, p, len);
    number[len] = '\0';
    localise(number, sizeof number);
    *value = strtod(number, NULL);
    if (!(fabs(*value) <= FLT_MAX))
        return ink_fail(err, INK_E_FORMAT, "the label \"%.*s\" is too large", shown(&labels[0]),
                        labels[0].text);
    return INK_OK;
}
