/* The buffers of a SentencePiece pipeline, used again from text to text; zero them once. */
#ifndef INK_TOKENIZER_SPM_SCRATCH_H
#define INK_TOKENIZER_SPM_SCRATCH_H

#include "tokenizer/aligned.h"

#include <inkling/tokenizer.h>

typedef struct ink__spm_part { /* a piece of the word */
    int32_t id;
    size_t begin, end;
} ink__spm_part;

typedef struct ink__unigram_end { /* the best way to cut the word up to here, or none where len is 0 */
    double score;
    int32_t id; /* of its last token, of len bytes */
    uint32_t len;
} ink__unigram_end;

typedef struct ink__spm_scratch {
    ink__aligned text, spare;
    char *word;      /* [word_len] UTF-8 that SentencePiece is given */
    ink_span *spans; /* [word_len] the original bytes of each byte's character */
    size_t word_len, word_capacity, spans_capacity;
    ink__spm_part *parts; /* [n_parts] what the model made of the word */
    size_t n_parts, parts_capacity;
    ink__unigram_end *ends; /* [word_len + 1] */
    size_t ends_capacity;
    char *bytes;   /* the normalised text as UTF-8, where added tokens are looked for in it */
    size_t *owner; /* [len of bytes] the character of each byte */
    size_t bytes_capacity, owner_capacity;
} ink__spm_scratch;

void ink__spm_scratch_free(ink__spm_scratch *scratch);

#endif
