/* BERT's pre-tokenizer: see pretokenize.h; the reference is tokenizers' pre_tokenizers/bert.rs. */
#include "tokenizer/pretokenize.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Plain bytes are taken in pieces of at most so many, so that one check of the buffer serves them all. */
enum { PLAIN_MAX = 64 };

void ink__word_start(ink__word *word)
{
    word->holds = false;
}

void ink__word_free(ink__word *word)
{
    free(word->bytes);
    free(word->map);
    *word = (ink__word){0};
}

static ink_status reserve(ink__word *word, size_t more, ink_error *err)
{
    INK_TRY(ink__grow(&word->bytes, &word->capacity, word->len + more, 1, "a word", err));
    if (!word->linear)
        INK_TRY(
            ink__grow(&word->map, &word->map_capacity, word->len + more, sizeof *word->map, "a word", err));
    return INK_OK;
}

/* From here on each byte's place is written down. */
static ink_status leave_linear(ink__word *word, ink_error *err)
{
    word->linear = false;
    INK_TRY(reserve(word, 4, err));
    for (size_t i = 0; i < word->len; ++i)
        word->map[i] = (ink_span){word->begin + i, word->begin + i + 1};
    return INK_OK;
}

static ink_status append(ink__word *word, const ink__char *ch, size_t max_chars, ink_error *err)
{
    word->end = ch->end;
    if (word->chars == max_chars) {
        word->overlong = true;
        return INK_OK;
    }
    INK_TRY(reserve(word, 4, err));
    const size_t n = ink__utf8_encode((char *)word->bytes + word->len, ch->cp);
    if (word->linear && (ch->begin != word->begin + word->len || ch->end != ch->begin + n))
        INK_TRY(leave_linear(word, err));
    if (!word->linear)
        for (size_t i = 0; i < n; ++i)
            word->map[word->len + i] = (ink_span){ch->begin, ch->end};
    word->len += n;
    ++word->chars;
    return INK_OK;
}

/* Takes ASCII letters and digits straight from the text, which is where nearly all time would go otherwise.
 */
static ink_status append_plain(ink__word *word, ink__stream *s, size_t max_chars, ink_error *err)
{
    const unsigned char *plain = s->normalizer->plain, *p = s->text + s->pos;
    while (s->pos < s->end && plain[*p] && word->chars < max_chars) {
        if (word->chars == 0)
            word->begin = s->pos;
        else if (word->linear && s->pos != word->begin + word->len)
            INK_TRY(leave_linear(word, err));
        INK_TRY(reserve(word, PLAIN_MAX, err));
        size_t room = s->end - s->pos, n = 0;
        if (room > max_chars - word->chars)
            room = max_chars - word->chars;
        if (room > PLAIN_MAX)
            room = PLAIN_MAX;
        unsigned char *out = word->bytes + word->len, c;
        for (; n < room && (c = plain[p[n]]) != 0; ++n)
            out[n] = c;
        if (!word->linear)
            for (size_t i = 0; i < n; ++i)
                word->map[word->len + i] = (ink_span){s->pos + i, s->pos + i + 1};
        word->len += n, word->chars += n;
        s->pos += n, p += n;
        word->end = s->pos;
    }
    return INK_OK;
}

ink_status ink__pretokenize_next(ink__word *word, bool *found, ink__stream *s, ink__added_stream *added,
                                 size_t max_chars, ink_error *err)
{
    word->added = -1;
    word->len = word->chars = 0;
    word->overlong = false, word->linear = true;
    bool any = false; /* chars stays 0 where max_chars is */
    *found = true;
    for (;;) {
        ink__char ch;
        int32_t id = -1;
        if (word->holds) {
            ch = word->held, id = word->held_added;
            word->holds = false;
        } else {
            if (!added && ink__stream_idle(s)) {
                INK_TRY(append_plain(word, s, max_chars, err));
                any |= word->chars > 0;
            }
            if (!(added ? ink__added_stream_next(&ch, &id, added, s) : ink__stream_next(&ch, s))) {
                *found = any;
                return INK_OK;
            }
        }
        const uint8_t class = id < 0 ? ink__normalizer_class(s->normalizer, ch.cp) : 0;
        if (any && (id >= 0 || (class & (INK__SPACE | INK__PUNCT)))) {
            /* The word ends here; white space can be forgotten. */
            word->holds = !(class & INK__SPACE);
            word->held = ch, word->held_added = id;
            return INK_OK;
        }
        if (id >= 0) {
            word->added = id;
            word->begin = ch.begin, word->end = ch.end;
            return INK_OK;
        }
        if (class & INK__SPACE)
            continue;
        if (!any)
            word->begin = ch.begin;
        any = true;
        INK_TRY(append(word, &ch, max_chars, err));
        if (class & INK__PUNCT)
            return INK_OK;
    }
}
