/* Records as they are handed to a worker: see job.h. */
#include "infer/job.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { KEEP_BYTES = 1 << 20 };

static ink_status keep(size_t *place, ink__unit *unit, const char *bytes, size_t len, ink_error *err)
{
    *place = unit->bytes.len;
    return ink__text_bytes(&unit->bytes, bytes, len, err);
}

static ink_status keep_strings(size_t *first, ink__unit *unit, const ink__string *strings, size_t n,
                               ink_error *err)
{
    *first = unit->n_strings;
    INK_TRY(ink__grow(&unit->strings, &unit->strings_capacity, unit->n_strings + n, sizeof *unit->strings,
                      "labels", err));
    for (size_t i = 0; i < n; ++i) {
        ink__unit_string *s = &unit->strings[unit->n_strings++];
        *s = (ink__unit_string){SIZE_MAX, strings[i].len};
        if (strings[i].text)
            INK_TRY(keep(&s->at, unit, strings[i].text, strings[i].len, err));
    }
    return INK_OK;
}

/* What is wanted of a record beyond its text. */
static ink_status keep_labels(ink__unit_record *r, ink__unit *unit, const ink__record *record,
                              const ink__work *work, ink_error *err)
{
    r->n_labels = record->n_labels, r->label_list = record->label_list, r->line = record->line;
    INK_TRY(keep_strings(&r->labels, unit, record->labels, record->n_labels, err));
    INK_TRY(keep_strings(&r->fields, unit, record->fields, work->n_fields, err));
    return keep(&r->source, unit, record->source, strlen(record->source) + 1, err);
}

ink_status ink__unit_add(ink__unit *unit, const ink__record *record, const ink__work *work, ink_error *err)
{
    INK_TRY(ink__grow(&unit->records, &unit->capacity, unit->n + 1, sizeof *unit->records, "records", err));
    ink__unit_record *r = &unit->records[unit->n];
    *r = (ink__unit_record){.id_len = record->id_len,
                            .text_len = record->text_len,
                            .pair_len = record->pair_len,
                            .error = SIZE_MAX,
                            .has_pair = record->pair != NULL,
                            .bad_bytes = record->bad_bytes};
    INK_TRY(keep(&r->id, unit, record->id, record->id_len, err));
    if (record->error) {
        r->kind = record->kind;
        INK_TRY(keep(&r->error, unit, record->error, strlen(record->error) + 1, err));
    } else {
        INK_TRY(keep(&r->text, unit, record->text, record->text_len, err));
        if (record->pair)
            INK_TRY(keep(&r->pair, unit, record->pair, record->pair_len, err));
        r->kept_len = record->kept_len;
        INK_TRY(keep(&r->kept, unit, record->kept, record->kept_len, err));
        if (work->label)
            INK_TRY(keep_labels(r, unit, record, work, err));
    }
    ++unit->n;
    return INK_OK;
}

void ink__unit_clear(ink__unit *unit)
{
    unit->n = 0, unit->n_strings = 0, unit->bytes.len = 0;
    if (unit->bytes.capacity > KEEP_BYTES) /* one giant must not weigh for ever */
        ink__text_free(&unit->bytes);
}

void ink__unit_free(ink__unit *unit)
{
    free(unit->records);
    free(unit->strings);
    ink__text_free(&unit->bytes);
}

ink_status ink__unit_texts(ink_text **texts, size_t *capacity, size_t *n, const ink__unit *unit,
                           ink_error *err)
{
    *n = 0;
    INK_TRY(ink__grow(texts, capacity, unit->n, sizeof **texts, "texts", err));
    for (size_t i = 0; i < unit->n; ++i) {
        const ink__unit_record *r = &unit->records[i];
        if (r->error == SIZE_MAX)
            (*texts)[(*n)++] = (ink_text){ink__unit_at(unit, r->text), r->text_len,
                                          r->has_pair ? ink__unit_at(unit, r->pair) : NULL, r->pair_len};
    }
    return INK_OK;
}
