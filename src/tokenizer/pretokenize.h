/* Stage 2 of BERT's tokenizer: normalised characters to words. */
#ifndef INK_TOKENIZER_PRETOKENIZE_H
#define INK_TOKENIZER_PRETOKENIZE_H

#include "tokenizer/added_stream.h"
#include "tokenizer/normalize.h"

#include <inkling/tokenizer.h>

/* A word, in buffers that are used again for the next one; zero it once. */
typedef struct ink__word {
    int32_t added;        /* >= 0: not a word but this added token, at [begin, end) */
    size_t begin, end;    /* of its first and last character in the original text */
    unsigned char *bytes; /* [len] normalised UTF-8; unset if overlong */
    size_t len, chars;
    bool overlong; /* more than max_chars: bytes, len and chars hold only the first ones */
    bool linear;   /* byte i stands for the original's byte begin + i; else see map */
    ink_span *map; /* [len] if not linear: the original bytes of each byte's character */
    size_t capacity, map_capacity;
    ink__char held; /* what ended the word before and is a word itself */
    int32_t held_added;
    bool holds;
} ink__word;

void ink__word_start(ink__word *word); /* before the first word of a stream */
void ink__word_free(ink__word *word);

/* Original bytes of the word's bytes [begin, end), which are whole characters and not none. */
static inline ink_span ink__word_span(const ink__word *word, size_t begin, size_t end)
{
    return word->linear ? (ink_span){word->begin + begin, word->begin + end}
                        : (ink_span){word->map[begin].begin, word->map[end - 1].end};
}

/* The next word as Hugging Face's BertPreTokenizer splits: at white space, and around each punctuation
 * character. *found says that there is one. Words longer than max_chars are passed over without being stored.
 * added may be NULL: no added token is looked for among the normalised characters. */
ink_status ink__pretokenize_next(ink__word *word, bool *found, ink__stream *stream, ink__added_stream *added,
                                 size_t max_chars, ink_error *err);

#endif
