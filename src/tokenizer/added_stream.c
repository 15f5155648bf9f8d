/* Added tokens among normalised characters: see added_stream.h. */
#include "tokenizer/added_stream.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

ink_status ink__added_stream_reserve(ink__added_stream *a, const ink__added *added, ink_error *err)
{
    return ink__grow(&a->window, &a->capacity, added->longest + 1, sizeof *a->window, "added tokens", err);
}

void ink__added_stream_start(ink__added_stream *a, const ink__added *added, bool parse_special)
{
    ink__char *window = a->window;
    const size_t capacity = a->capacity;
    *a = (ink__added_stream){
        .added = added, .parse_special = parse_special, .window = window, .capacity = capacity};
}

void ink__added_stream_free(ink__added_stream *a)
{
    free(a->window);
    *a = (ink__added_stream){0};
}

static bool is_space(const ink__stream *source, uint32_t cp)
{
    return ink__normalizer_class(source->normalizer, cp) & INK__SPACE;
}

/* True if there is a character n places on, which is then in the window. */
static bool see(ink__added_stream *a, ink__stream *source, size_t n)
{
    while (a->tail - a->head <= n) {
        if (a->tail == a->capacity) {
            memmove(a->window, a->window + a->head, (a->tail - a->head) * sizeof *a->window);
            a->tail -= a->head, a->head = 0;
        }
        if (!ink__stream_next(&a->window[a->tail], source))
            return false;
        ++a->tail;
    }
    return true;
}

static void take(ink__char *ch, ink__added_stream *a, const ink__stream *source)
{
    *ch = a->window[a->head++];
    a->has_previous = true;
    a->previous = ch->cp;
    if (!is_space(source, ch->cp) || a->index < a->done) {
        a->spaces = false;
    } else if (!a->spaces) {
        a->spaces = true;
        a->spaces_begin = ch->begin;
    }
    ++a->index;
}

/* The longest token that starts here, and how many characters it has; NULL if there is none. */
static const ink__added_token *match_here(size_t *chars, ink__added_stream *a, ink__stream *source)
{
    const ink__patterns *set = &a->added->normalized;
    const ink__pattern *longest = NULL;
    ink__match match;
    ink__match_start(&match, set);
    bool more = true;
    for (size_t n = 0; more && see(a, source, n); ++n) {
        char bytes[4];
        const size_t len = ink__utf8_encode(bytes, a->window[a->head + n].cp);
        for (size_t i = 0; more && i < len; ++i)
            more = ink__match_feed(&match, set, (unsigned char)bytes[i]);
        if (match.longest != longest) {
            longest = match.longest;
            *chars = n + 1;
        }
    }
    return longest ? &a->added->tokens[longest->value] : NULL;
}

static bool stands_alone(ink__added_stream *a, ink__stream *source, size_t chars)
{
    if (a->has_previous && ink__unicode_is_word(a->previous))
        return false;
    return !see(a, source, chars) || !ink__unicode_is_word(a->window[a->head + chars].cp);
}

/* Finds the end of the white space after a token that ends at character `stop`, all of which is in the
 * window. What the window does not show is looked up in a copy of the source. */
static void find_space_end(ink__added_stream *a, const ink__stream *source, size_t stop)
{
    a->space_end = stop;
    for (size_t i = a->head + (stop - a->index); i < a->tail; ++i) {
        if (!is_space(source, a->window[i].cp))
            return;
        a->space_end_byte = a->window[i].end;
        ++a->space_end;
    }
    ink__stream ahead = *source;
    ink__char ch;
    while (ink__stream_next(&ch, &ahead) && is_space(source, ch.cp)) {
        a->space_end_byte = ch.end;
        ++a->space_end;
    }
}

/* Takes the token's characters; the result spans them and the white space that it takes along. False if the
 * token is white space of which the one before took all, and so none is left. */
static bool take_token(ink__char *ch, ink__added_stream *a, const ink__stream *source,
                       const ink__added_token *token, size_t chars)
{
    const size_t stop = a->index + chars, taken = a->done > a->index ? a->done - a->index : 0;
    const ink__char *first = &a->window[a->head];
    size_t begin = first->begin, end = first[chars - 1].end;
    const bool left = !token->lstrip || taken < chars;
    if (token->lstrip && a->spaces)
        begin = a->spaces_begin;
    else if (token->lstrip && left)
        begin = first[taken].begin;
    a->done = stop;
    if (token->rstrip) {
        if (a->space_end <= stop)
            find_space_end(a, source, stop);
        if (a->space_end > stop) {
            end = a->space_end_byte;
            a->done = a->space_end;
        }
    }
    for (size_t i = 0; i < chars; ++i)
        take(ch, a, source);
    ch->begin = begin, ch->end = end;
    return left;
}

bool ink__added_stream_next(ink__char *ch, int32_t *id, ink__added_stream *a, ink__stream *source)
{
    *id = -1;
    while (see(a, source, 0)) {
        if (a->plain == 0) {
            size_t chars = 0;
            const ink__added_token *token = match_here(&chars, a, source);
            if (token && ((token->special && !a->parse_special) ||
                          (token->single_word && !stands_alone(a, source, chars)))) {
                a->plain = chars; /* nothing inside a match is looked at again */
            } else if (token) {
                if (!take_token(ch, a, source, token, chars))
                    continue;
                *id = token->id;
                return true;
            }
        }
        a->plain -= a->plain > 0;
        take(ch, a, source);
        return true;
    }
    return false;
}
