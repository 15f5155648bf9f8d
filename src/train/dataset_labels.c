/* From labels as they were written to those of a task: see dataset.h. What tells a number from a class is
 * what Hugging Face's run_classification.py goes by, the type of the column: floating point is a regression,
 * and whole numbers are the names of classes. */
#include "train/dataset.h"
#include "core/memory.h"
#include "io/record_format.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_MAX = 1 << 20, PLACE_SIZE = 512 };

ink_status ink__task_find(ink__task *task, const char *name, ink_error *err)
{
    static const char *const names[] = {
        [INK__TASK_AUTO] = "auto",
        [INK__TASK_SINGLE] = "single",
        [INK__TASK_MULTI] = "multi",
        [INK__TASK_REGRESSION] = "regression",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(names[i], name) == 0) {
            *task = (ink__task)i;
            return INK_OK;
        }
    return ink_fail(err, INK_E_ARG, "\"%s\" is no task; there are auto, single, multi, regression", name);
}

/* ---- numbers --------------------------------------------------------------------------------------- */

static const char *skip_digits(const char *p)
{
    return p + strspn(p, "0123456789");
}

/* A decimal number with blanks around it; *whole: without point and exponent. strtod takes more ("nan",
 * "0x1", "inf") and the locale's decimal sign, so the grammar is checked first and C's locale asked. */
static bool read_number(double *value, bool *whole, const char *text, locale_t c_locale)
{
    const char *begin = text + strspn(text, " \t"), *p = begin + (*begin == '-' || *begin == '+');
    const char *digits = p;
    p = skip_digits(p);
    size_t n_digits = (size_t)(p - digits);
    *whole = true;
    if (*p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p);
        n_digits += (size_t)(p - fraction);
        *whole = false;
    }
    if (n_digits == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        const char *exponent = p;
        p = skip_digits(p);
        if (p == exponent)
            return false;
        *whole = false;
    }
    if (p[strspn(p, " \t")] != '\0')
        return false;
    *value = strtod_l(begin, NULL, c_locale);
    return true;
}

/* Number of names that are numbers, and of those that are whole numbers; values [names.n] of the others are
 * NaN. */
static ink_status read_numbers(double *values, size_t *numbers, size_t *whole_numbers,
                               const ink__label_set *names, ink_error *err)
{
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale)
        return ink_fail(err, INK_E_MEMORY, "no memory for a locale");
    *numbers = *whole_numbers = 0;
    for (size_t i = 0; i < names->n; ++i) {
        bool whole = false;
        values[i] = NAN;
        if (read_number(&values[i], &whole, names->names[i], c_locale)) {
            ++*numbers;
            *whole_numbers += whole;
        }
    }
    freelocale(c_locale);
    return INK_OK;
}

/* ---- tasks ----------------------------------------------------------------------------------------- */

static ink_status want_one_label(const ink__dataset *d, ink_error *err)
{
    char place[PLACE_SIZE];
    for (size_t i = 0; i < d->n; ++i) {
        const size_t n = d->label_offsets[i + 1] - d->label_offsets[i];
        if (n != 1)
            return ink_fail(err, INK_E_FORMAT, "%s%zu labels, wanted one",
                            ink__dataset_place(place, sizeof place, d, i), n);
    }
    return INK_OK;
}

static ink_status make_classes(ink__dataset *d, ink_error *err)
{
    uint32_t *moved;
    if (d->names.n > CLASSES_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu different labels, at most %d", d->sources[0], d->names.n,
                        CLASSES_MAX);
    INK_TRY(ink__calloc(&moved, d->names.n, sizeof *moved, "labels", err));
    const ink_status st = ink__label_set_sort(moved, &d->names, err);
    for (size_t i = 0; st == INK_OK && i < d->label_offsets[d->n]; ++i)
        d->labels[i] = moved[d->labels[i]];
    free(moved);
    return st;
}

static ink_status make_values(ink__dataset *d, const double *values, ink_error *err)
{
    char place[PLACE_SIZE];
    INK_TRY(ink__grow(&d->values, &d->values_capacity, d->n, sizeof *d->values, "values", err));
    for (size_t i = 0; i < d->n; ++i) {
        const uint32_t label = d->labels[d->label_offsets[i]];
        d->values[i] = (float)values[label];
        if (!isfinite(d->values[i]))
            return ink_fail(err, INK_E_FORMAT, "%slabel \"%.160s\" is not a number that can be learned%s",
                            ink__dataset_place(place, sizeof place, d, i), d->names.names[label],
                            strchr(d->names.names[label], ',') ? "; decimals are written with a point" : "");
    }
    memset(d->label_offsets, 0, (d->n + 1) * sizeof *d->label_offsets);
    ink__label_set_free(&d->names);
    return INK_OK;
}

ink_status ink__dataset_resolve(ink__dataset *d, ink__task task, bool listed, ink_error *err)
{
    ink_status st;
    double *values;
    size_t numbers = 0, whole = 0;
    INK_TRY(ink__calloc(&values, d->names.n, sizeof *values, "labels", err));
    INK_TRY_GOTO(read_numbers(values, &numbers, &whole, &d->names, err));
    const bool is_value = numbers == d->names.n && whole < numbers;
    d->whole_numbers = task == INK__TASK_AUTO && !listed && d->names.n > 0 && whole == d->names.n;
    if (task == INK__TASK_AUTO)
        task = listed ? INK__TASK_MULTI : is_value ? INK__TASK_REGRESSION : INK__TASK_SINGLE;
    d->task = task;
    if (task != INK__TASK_MULTI)
        INK_TRY_GOTO(want_one_label(d, err));
    st = task == INK__TASK_REGRESSION ? make_values(d, values, err) : make_classes(d, err);
done:
    free(values);
    return st;
}

ink_status ink__dataset_check_classes(const ink__dataset *d, ink_error *err)
{
    if (d->task == INK__TASK_SINGLE && d->names.n < 2)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: all %zu records have the label \"%.160s\", wanted two labels at least",
                        d->sources[0], d->n, d->names.names[0]);
    if (d->task == INK__TASK_MULTI && d->names.n == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: none of %zu records has a label", d->sources[0], d->n);
    return INK_OK;
}

/* ---- another model's labels ------------------------------------------------------------------------ */

/* moved [names.n] = the numbers that `other` has for the names; UINT32_MAX: none. */
static ink_status find_moves(uint32_t **moved, const ink__label_set *names, const ink__label_set *other,
                             ink_error *err)
{
    INK_TRY(ink__calloc(moved, names->n, sizeof **moved, "labels", err));
    for (size_t c = 0; c < names->n; ++c)
        (*moved)[c] = ink__label_set_find(other, names->names[c], strlen(names->names[c]));
    return INK_OK;
}

static ink_status check_moves(const ink__dataset *d, const uint32_t *moved, const char *const *names,
                              size_t C, ink_error *err)
{
    char place[PLACE_SIZE];
    for (size_t i = 0; i < d->n; ++i)
        for (size_t j = d->label_offsets[i]; j < d->label_offsets[i + 1]; ++j) {
            if (moved[d->labels[j]] != UINT32_MAX)
                continue;
            ink__name_list known = {0};
            for (size_t c = 0; c < C; ++c)
                ink__name_list_add(&known, names[c], strlen(names[c]));
            return ink_fail(err, INK_E_FORMAT, "%slabel \"%.160s\" is not known; there are %s",
                            ink__dataset_place(place, sizeof place, d, i), d->names.names[d->labels[j]],
                            known.text);
        }
    return INK_OK;
}

ink_status ink__dataset_map_labels(ink__dataset *d, const char *const *names, size_t C, ink_error *err)
{
    ink_status st = INK_OK;
    ink__label_set other = {0};
    uint32_t *moved = NULL, label;
    if (d->task == INK__TASK_REGRESSION)
        return INK_OK;
    for (size_t c = 0; c < C; ++c) {
        INK_TRY_GOTO(ink__label_set_add(&label, &other, names[c], strlen(names[c]), err));
        if (label != c) {
            st = ink_fail(err, INK_E_ARG, "label \"%.160s\" comes twice", names[c]);
            goto done;
        }
    }
    INK_TRY_GOTO(find_moves(&moved, &d->names, &other, err));
    INK_TRY_GOTO(check_moves(d, moved, names, C, err));
    for (size_t j = 0; j < d->label_offsets[d->n]; ++j)
        d->labels[j] = moved[d->labels[j]];
    const ink__label_set before = d->names;
    d->names = other, other = before;
done:
    free(moved);
    ink__label_set_free(&other);
    return st;
}
