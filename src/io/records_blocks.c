/* Records that are blocks of lines, parted by blank ones: text for pretraining is kept so, a paragraph or a
 * sentence a line and an empty line between documents (as in google-research/bert). */
#include "io/record_format.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct blocks {
    ink__text text; /* of the block under way, its lines parted by "\n" */
    uint64_t line;  /* where it begins, from 1; 0: there is none under way */
    bool too_long;  /* its text is let go of */
    ink__text mended;
    ink_error bad; /* why the last record cannot be used */
} blocks;

static ink_status open_blocks(void **state, const ink__fields *fields, ink_error *err)
{
    (void)fields;
    return ink__calloc(state, 1, sizeof(blocks), "a reader of blocks of lines", err);
}

static bool is_blank(const ink__line *line)
{
    for (size_t i = 0; i < line->len; ++i)
        if (line->bytes[i] == '\0' || !strchr(" \t\r\f\v", line->bytes[i]))
            return false;
    return true;
}

static ink_status add(blocks *s, const ink__line *line, bool skip, ink_error *err)
{
    if (s->line == 0)
        s->line = line->number, s->text.len = 0, s->too_long = false;
    else if (!s->too_long && !skip)
        INK_TRY(ink__text_bytes(&s->text, "\n", 1, err));
    s->too_long = s->too_long || !line->bytes || s->text.len + line->len > INK__RECORD_MAX;
    return s->too_long || skip ? INK_OK : ink__text_bytes(&s->text, line->bytes, line->len, err);
}

static ink_status give(blocks *s, ink__record *record, const ink__source *source, ink_error *err)
{
    record->line = s->line, s->line = 0;
    if (source->skip)
        return INK_OK;
    if (!s->too_long)
        return ink__record_text(record, &s->mended, s->text.data, s->text.len, err);
    ink_fail(&s->bad, INK_E_FORMAT,
             "%s: line %llu: the lines from here to the next blank one have more than %zu bytes, which is "
             "all that is read of a text",
             source->name, (unsigned long long)record->line, INK__RECORD_MAX);
    record->error = s->bad.text, record->kind = INK_BAD_LENGTH;
    return INK_OK;
}

static ink_status step_blocks(ink__step *step, ink__record *record, void *state, ink__source *source,
                              ink_error *err)
{
    blocks *s = state;
    ink__line line;
    while ((*step = ink__source_line(&line, source)) == INK__STEP_RECORD) {
        if (line.bytes && is_blank(&line)) {
            if (s->line > 0)
                return give(s, record, source, err);
            continue;
        }
        INK_TRY(add(s, &line, source->skip, err));
    }
    if (*step == INK__STEP_END && s->line > 0) {
        *step = INK__STEP_RECORD;
        return give(s, record, source, err);
    }
    return INK_OK;
}

static void close_blocks(void *state)
{
    blocks *s = state;
    if (s) {
        ink__text_free(&s->text);
        ink__text_free(&s->mended);
    }
    free(s);
}

const ink__record_format ink__format_blocks = {
    .name = "blocks of lines", .open = open_blocks, .step = step_blocks, .close = close_blocks};
