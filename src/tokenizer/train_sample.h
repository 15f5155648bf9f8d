/* A bounded, even draw of a text's lines. */
#ifndef INK_TOKENIZER_TRAIN_SAMPLE_H
#define INK_TOKENIZER_TRAIN_SAMPLE_H

#include "core/random.h"
#include "core/status.h"

/* A longer line is cut: SentencePiece skips lines above a length, and its sums over them lose their digits.
 */
enum { INK__SENTENCE_MAX = 512 };

typedef struct ink__sentence {
    char *bytes;
    uint32_t len, capacity;
} ink__sentence;

/* Starts as {0} with most and random set. */
typedef struct ink__sample {
    size_t most; /* sentences kept */
    ink__random random;
    ink__sentence *kept; /* [n] */
    size_t n, capacity;
    uint64_t seen;
} ink__sample;

/* Offers each line of the text that is not blank, in pieces of at most INK__SENTENCE_MAX bytes. */
ink_status ink__sample_add(ink__sample *sample, const char *text, size_t len, ink_error *err);
void ink__sample_free(ink__sample *sample);

#endif
