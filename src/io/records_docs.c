/* Records that are documents: each input is one text. */
#include "io/record_format.h"
#include "core/memory.h"

#include <stdlib.h>

typedef struct docs {
    ink__text mended;
    bool done; /* the input's record has been given */
    ink_error bad;
} docs;

static ink_status open_docs(void **state, const ink__fields *fields, ink_error *err)
{
    (void)fields;
    return ink__calloc(state, 1, sizeof(docs), "a reader of documents", err);
}

static ink_status step_docs(ink__step *step, ink__record *record, void *state, ink__source *source,
                            ink_error *err)
{
    docs *s = state;
    const size_t n = source->end - source->begin;
    *step = INK__STEP_END;
    if (s->done)
        return INK_OK;
    *step = INK__STEP_MORE;
    if (!source->eof && n <= INK__RECORD_MAX)
        return INK_OK;
    *step = INK__STEP_RECORD;
    s->done = true;
    if (n <= INK__RECORD_MAX)
        return ink__record_text(record, &s->mended, source->data + source->begin, n, err);
    ink_fail(&s->bad, INK_E_FORMAT, "%s: has more than the %zu bytes that are read of a document",
             source->name, INK__RECORD_MAX);
    record->error = s->bad.text, record->kind = INK_BAD_LENGTH;
    return INK_OK;
}

static void close_docs(void *state)
{
    docs *s = state;
    if (s)
        ink__text_free(&s->mended);
    free(s);
}

const ink__record_format ink__format_docs = {
    .name = "documents", .one_each = true, .open = open_docs, .step = step_docs, .close = close_docs};
