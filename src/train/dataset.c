/* A set of labelled records: see dataset.h. Everything lies in arrays that grow together. */
#include "train/dataset.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ink__dataset_free(ink__dataset *dataset)
{
    free(dataset->offsets);
    free(dataset->ids);
    free(dataset->types);
    free(dataset->label_offsets);
    free(dataset->labels);
    free(dataset->values);
    free(dataset->rows);
    ink__text_free(&dataset->id_text);
    ink__label_set_free(&dataset->names);
    for (size_t i = 0; i < dataset->n_sources; ++i)
        free(dataset->sources[i]);
    free(dataset->sources);
    *dataset = (ink__dataset){0};
}

const char *ink__dataset_place(char *text, size_t size, const ink__dataset *dataset, size_t i)
{
    const ink__row *row = &dataset->rows[i];
    snprintf(text, size, "%s: line %llu: ", dataset->sources[row->source], (unsigned long long)row->line);
    return text;
}

ink_status ink__dataset_add(ink__dataset *d, const ink__new_record *record, bool pairs, ink_error *err)
{
    const size_t n = d->n, first = n ? d->offsets[n] : 0, end = first + record->length;
    const size_t label = n ? d->label_offsets[n] : 0, label_end = label + record->n_labels;
    INK_TRY(ink__grow(&d->offsets, &d->offsets_capacity, n + 2, sizeof *d->offsets, "records", err));
    INK_TRY(ink__grow(&d->label_offsets, &d->label_offsets_capacity, n + 2, sizeof *d->label_offsets,
                      "records", err));
    INK_TRY(ink__grow(&d->rows, &d->rows_capacity, n + 1, sizeof *d->rows, "records", err));
    INK_TRY(ink__grow(&d->ids, &d->ids_capacity, end, sizeof *d->ids, "tokens", err));
    INK_TRY(ink__grow(&d->labels, &d->labels_capacity, label_end, sizeof *d->labels, "labels", err));
    if (pairs) {
        INK_TRY(ink__grow(&d->types, &d->types_capacity, end, sizeof *d->types, "tokens", err));
        memcpy(d->types + first, record->types, record->length * sizeof *d->types);
    }
    memcpy(d->ids + first, record->ids, record->length * sizeof *d->ids);
    if (record->n_labels > 0)
        memcpy(d->labels + label, record->labels, record->n_labels * sizeof *d->labels);
    d->rows[n] = record->row;
    d->rows[n].id = d->id_text.len;
    INK_TRY(ink__text_bytes(&d->id_text, record->id, record->row.id_len, err));
    d->offsets[0] = d->label_offsets[0] = 0;
    d->offsets[n + 1] = end, d->label_offsets[n + 1] = label_end;
    d->n = n + 1;
    return INK_OK;
}

/* Record `from` takes the place of record `to`, the next after those that stay. */
static void move_down(ink__dataset *d, size_t to, size_t from)
{
    const size_t first = d->offsets[from], length = d->offsets[from + 1] - first;
    const size_t label = d->label_offsets[from], n_labels = d->label_offsets[from + 1] - label;
    memmove(d->ids + d->offsets[to], d->ids + first, length * sizeof *d->ids);
    if (d->types)
        memmove(d->types + d->offsets[to], d->types + first, length * sizeof *d->types);
    if (n_labels > 0)
        memmove(d->labels + d->label_offsets[to], d->labels + label, n_labels * sizeof *d->labels);
    if (d->values)
        d->values[to] = d->values[from];
    d->rows[to] = d->rows[from];
    d->offsets[to + 1] = d->offsets[to] + length;
    d->label_offsets[to + 1] = d->label_offsets[to] + n_labels;
}

static ink_status add_copy(ink__dataset *out, const ink__dataset *d, size_t i, ink_error *err)
{
    const size_t first = d->offsets[i], label = d->label_offsets[i];
    const ink__new_record record = {
        .ids = d->ids + first,
        .types = d->types ? d->types + first : NULL,
        .length = d->offsets[i + 1] - first,
        .labels = d->labels ? d->labels + label : NULL,
        .n_labels = d->label_offsets[i + 1] - label,
        .id = d->id_text.data + d->rows[i].id,
        .row = d->rows[i],
    };
    if (d->values) {
        INK_TRY(
            ink__grow(&out->values, &out->values_capacity, out->n + 1, sizeof *out->values, "values", err));
        out->values[out->n] = d->values[i];
    }
    return ink__dataset_add(out, &record, d->types != NULL, err);
}

/* What belongs to a set as a whole. */
static ink_status copy_names(ink__dataset *out, const ink__dataset *d, ink_error *err)
{
    uint32_t label;
    out->task = d->task, out->specials = d->specials;
    for (size_t c = 0; c < d->names.n; ++c)
        INK_TRY(ink__label_set_add(&label, &out->names, d->names.names[c], strlen(d->names.names[c]), err));
    for (size_t i = 0; i < d->n_sources; ++i) {
        INK_TRY(ink__grow(&out->sources, &out->sources_capacity, i + 1, sizeof *out->sources, "files", err));
        INK_TRY(ink__strndup(&out->sources[i], d->sources[i], strlen(d->sources[i]), err));
        ++out->n_sources;
    }
    return INK_OK;
}

ink_status ink__dataset_divide(ink__dataset *out, ink__dataset *d, const bool *go, ink_error *err)
{
    ink_status st = INK_OK;
    if (out) {
        *out = (ink__dataset){0};
        INK_TRY_GOTO(copy_names(out, d, err));
        for (size_t i = 0; i < d->n; ++i)
            if (go[i])
                INK_TRY_GOTO(add_copy(out, d, i, err));
    }
    size_t stay = 0;
    for (size_t i = 0; i < d->n; ++i)
        if (!go[i])
            move_down(d, stay++, i);
    d->n = stay;
done:
    if (st != INK_OK)
        ink__dataset_free(out);
    return st;
}

ink_status ink__dataset_append(ink__dataset *d, const ink__dataset *more, ink_error *err)
{
    const uint32_t sources = (uint32_t)d->n_sources;
    for (size_t i = 0; i < more->n_sources; ++i) {
        INK_TRY(
            ink__grow(&d->sources, &d->sources_capacity, d->n_sources + 1, sizeof *d->sources, "files", err));
        INK_TRY(ink__strndup(&d->sources[d->n_sources], more->sources[i], strlen(more->sources[i]), err));
        ++d->n_sources;
    }
    for (size_t i = 0; i < more->n; ++i) {
        INK_TRY(add_copy(d, more, i, err));
        d->rows[d->n - 1].source += sources;
        if (d->values && !more->values) {
            INK_TRY(ink__grow(&d->values, &d->values_capacity, d->n, sizeof *d->values, "values", err));
            d->values[d->n - 1] = 0;
        }
    }
    return INK_OK;
}

ink__digest ink__dataset_digest(const ink__dataset *set)
{
    const size_t tokens = set->offsets[set->n];
    ink__digest digest = ink__digest_of((ink__digest){0}, set->offsets, (set->n + 1) * sizeof *set->offsets);
    digest = ink__digest_of(digest, set->ids, tokens * sizeof *set->ids);
    if (set->types)
        digest = ink__digest_of(digest, set->types, tokens * sizeof *set->types);
    digest = ink__digest_of(digest, set->label_offsets, (set->n + 1) * sizeof *set->label_offsets);
    digest = ink__digest_of(digest, set->labels ? (const void *)set->labels : "",
                            set->label_offsets[set->n] * sizeof *set->labels);
    if (set->values)
        digest = ink__digest_of(digest, set->values, set->n * sizeof *set->values);
    for (size_t c = 0; c < set->names.n; ++c)
        digest = ink__digest_of(digest, set->names.names[c], strlen(set->names.names[c]) + 1);
    return digest;
}
