/* Records as fastText's supervised mode reads them (https://fasttext.cc/docs/en/supervised-tutorial.html): a
 * line is its labels, each a word that begins with "__label__", and then the text. */
#include "io/record_format.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static const char prefix[] = "__label__";
enum { PREFIX = sizeof prefix - 1 };

typedef struct fasttext {
    bool labels_wanted;
    ink__text mended;
    ink__labels labels;
    ink_error bad; /* why the last record cannot be used */
} fasttext;

static ink_status open_fasttext(void **state, const ink__fields *fields, ink_error *err)
{
    fasttext *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "a reader of fastText lines", err));
    s->labels_wanted = fields->label != NULL;
    *state = s;
    return INK_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\0';
}

static const char *skip_spaces(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        ++p;
    return p;
}

/* Takes the labels off the front of the record's text; *nameless if one of them is the bare prefix. */
static ink_status take_labels(ink__record *record, bool *nameless, fasttext *s, ink_error *err)
{
    const char *end = record->text + record->text_len, *p = skip_spaces(record->text, end);
    ink__labels_start(&s->labels, false);
    *nameless = false;
    while (end - p >= PREFIX && memcmp(p, prefix, PREFIX) == 0) {
        const char *name = p + PREFIX;
        for (p = name; p < end && !is_space(*p);)
            ++p;
        *nameless = *nameless || p == name;
        INK_TRY(ink__labels_add(&s->labels, name, (size_t)(p - name), err));
        p = skip_spaces(p, end);
    }
    if (s->labels.n == 0)
        return INK_OK; /* spaces in front stay, as in lines */
    s->labels.list = s->labels.n > 1;
    record->text = p, record->text_len = (size_t)(end - p);
    return INK_OK;
}

static ink_status step_fasttext(ink__step *step, ink__record *record, void *state, ink__source *source,
                                ink_error *err)
{
    fasttext *s = state;
    bool nameless;
    INK_TRY(ink__record_line(step, record, &s->mended, &s->bad, source, err));
    if (*step != INK__STEP_RECORD || record->error || source->skip)
        return INK_OK;
    INK_TRY(take_labels(record, &nameless, s, err));
    if (!s->labels_wanted)
        return INK_OK;
    if (s->labels.n == 0 || nameless) {
        ink_fail(&s->bad, INK_E_FORMAT, "%s: line %llu: %s", source->name, (unsigned long long)record->line,
                 nameless ? "a label is empty"
                          : "no label, wanted the likes of \"__label__positive\" in front");
        record->error = s->bad.text, record->kind = INK_BAD_FIELD;
        return INK_OK;
    }
    ink__labels_give(record, &s->labels);
    return INK_OK;
}

static void close_fasttext(void *state)
{
    fasttext *s = state;
    if (s) {
        ink__text_free(&s->mended);
        ink__labels_free(&s->labels);
    }
    free(s);
}

const ink__record_format ink__format_fasttext = {.name = "fastText lines",
                                                 .has_labels = true,
                                                 .open = open_fasttext,
                                                 .step = step_fasttext,
                                                 .close = close_fasttext};
