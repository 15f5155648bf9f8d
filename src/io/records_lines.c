/* Records that are lines: each line is one text. */
#include "io/record_format.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>

ink_status ink__record_text(ink__record *record, ink__text *mended, const char *bytes, size_t len,
                            ink_error *err)
{
    record->text = bytes, record->text_len = len;
    if (ink__utf8_valid_prefix(bytes, len) == len)
        return INK_OK;
    mended->len = 0;
    INK_TRY(ink__text_reserve(mended, 3 * len, err));
    record->text = mended->data;
    record->text_len = ink__utf8_sanitise(mended->data, &record->bad_bytes, bytes, len);
    return INK_OK;
}

ink_status ink__record_line(ink__step *step, ink__record *record, ink__text *mended, ink_error *bad,
                            ink__source *source, ink_error *err)
{
    ink__line line;
    *step = ink__source_line(&line, source);
    if (*step != INK__STEP_RECORD)
        return INK_OK;
    record->line = line.number;
    if (source->skip)
        return INK_OK;
    if (line.bytes)
        return ink__record_text(record, mended, line.bytes, line.len, err);
    ink_fail(bad, INK_E_FORMAT, "%s: line %llu: has %zu bytes, at most %zu are read", source->name,
             (unsigned long long)line.number, line.len, INK__RECORD_MAX);
    record->error = bad->text, record->kind = INK_BAD_LENGTH;
    return INK_OK;
}

typedef struct lines {
    ink__text mended;
    ink_error bad; /* why the last record cannot be used */
} lines;

static ink_status open_lines(void **state, const ink__fields *fields, ink_error *err)
{
    (void)fields;
    return ink__calloc(state, 1, sizeof(lines), "a reader of lines", err);
}

static ink_status step_lines(ink__step *step, ink__record *record, void *state, ink__source *source,
                             ink_error *err)
{
    lines *s = state;
    return ink__record_line(step, record, &s->mended, &s->bad, source, err);
}

static void close_lines(void *state)
{
    lines *s = state;
    if (s)
        ink__text_free(&s->mended);
    free(s);
}

const ink__record_format ink__format_lines = {
    .name = "lines", .open = open_lines, .step = step_lines, .close = close_lines};
