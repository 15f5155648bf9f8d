/* Added tokens among the normalised characters of a text: see added.h. */
#ifndef INK_TOKENIZER_ADDED_STREAM_H
#define INK_TOKENIZER_ADDED_STREAM_H

#include "tokenizer/added.h"
#include "tokenizer/normalize.h"

/* Stands between the normalizer and the pre-tokenizer. Holds as many characters as a token may have and one
 * more; all else it needs to know of the past and the future are a few numbers, counted in characters from
 * the start of the stream. Zero it once; the buffer is used again. */
typedef struct ink__added_stream {
    const ink__added *added;
    bool parse_special;
    ink__char *window; /* [head, tail) are normalised but not yet taken */
    size_t head, tail, capacity;
    size_t index; /* characters taken before window[head] */
    size_t plain; /* so many from there were part of a match that does not count */
    size_t done;  /* end of the last token, with the white space it took along */
    bool has_previous;
    uint32_t previous;                /* the character before window[head] */
    bool spaces;                      /* white space ends right before window[head] and */
    size_t spaces_begin;              /* begins, in the original text, here: after the last token */
    size_t space_end, space_end_byte; /* end of the white space that a token last took along */
} ink__added_stream;

void ink__added_stream_start(ink__added_stream *stream, const ink__added *added, bool parse_special);
void ink__added_stream_free(ink__added_stream *stream);

/* The buffer can hold the longest token of added; asked for before start. */
ink_status ink__added_stream_reserve(ink__added_stream *stream, const ink__added *added, ink_error *err);

/* The next normalised character, with *id -1, or an added token with its id and ch->begin and end; false at
 * the end. */
bool ink__added_stream_next(ink__char *ch, int32_t *id, ink__added_stream *stream, ink__stream *source);

#endif
