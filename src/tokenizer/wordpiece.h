/* Stage 3 of BERT's tokenizer: words to tokens. */
#ifndef INK_TOKENIZER_WORDPIECE_H
#define INK_TOKENIZER_WORDPIECE_H

#include "tokenizer/patterns.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/sink.h"
#include "tokenizer/vocab.h"

enum { INK__LONG = 255 };

/* Greedy longest match first (Devlin et al. 2018; tokenizers' models/wordpiece). Immutable once made. */
typedef struct ink__wordpiece {
    const ink__vocab *vocab;
    size_t size;           /* ids below it are the model's; the rest are added tokens */
    ink__index continuing; /* the tokens that continue a word, by what follows their prefix */
    int32_t unk;
    size_t max_chars; /* a longer word is unknown */
    /* Of the tokens that begin a word, and of those that continue one: */
    uint8_t
        *longest[2]; /* [65536] bytes of the longest with these two first bytes; INK__LONG for that or more */
    ink__patterns long_[2]; /* those of INK__LONG bytes or more, which the index would take long to find */
} ink__wordpiece;

/* The model over the first n ids of vocab, which must outlive it; `prefix` marks a continuing token. */
ink_status ink__wordpiece_init(ink__wordpiece *model, const ink__vocab *vocab, size_t n, const char *prefix,
                               size_t prefix_len, int32_t unk, size_t max_chars, ink_error *err);
void ink__wordpiece_release(ink__wordpiece *model);

/* Appends the tokens of one word. */
ink_status ink__wordpiece_encode(ink__sink *sink, const ink__wordpiece *model, const ink__word *word,
                                 ink_error *err);

#endif
