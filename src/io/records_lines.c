/* Records that are lines: each line is one text. */
#include "io/record_format.h"
#include "io/jsontext.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>

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
    ink__line line;
    *step = ink__source_line(&line, source);
    if (*step != INK__STEP_RECORD)
        return INK_OK;
    record->line = line.number;
    if (!line.bytes) {
        ink_fail(&s->bad, INK_E_FORMAT, "%s: line %llu: has %zu bytes, at most %zu are read", source->name,
                 (unsigned long long)line.number, line.len, INK__RECORD_MAX);
        record->error = s->bad.text;
        return INK_OK;
    }
    record->text = line.bytes, record->text_len = line.len;
    if (ink__utf8_valid_prefix(line.bytes, line.len) < line.len) {
        s->mended.len = 0;
        INK_TRY(ink__text_reserve(&s->mended, 3 * line.len, err));
        record->text = s->mended.data;
        record->text_len = ink__utf8_sanitise(s->mended.data, &record->bad_bytes, line.bytes, line.len);
    }
    return INK_OK;
}

static void close_lines(void *state)
{
    lines *s = state;
    if (s)
        ink__text_free(&s->mended);
    free(s);
}

const ink__record_format ink__format_lines = {"lines", false, false, open_lines, step_lines, close_lines};
