/* BERT's pipeline: normalize | pretokenize | wordpiece. */
#ifndef INK_TOKENIZER_BERT_H
#define INK_TOKENIZER_BERT_H

#include "tokenizer/tokenizer.h"
#include "tokenizer/wordpiece.h"

typedef struct ink__bert {
    ink__normalizer normalizer;
    ink__wordpiece model;
} ink__bert;

/* All that a file says of a BERT tokenizer besides its tokens. */
typedef struct ink__bert_config {
    bool clean, cjk, lower;
    bool strip;
    const char *unk;    /* text of the unknown token */
    const char *prefix; /* of tokens that continue a word */
    size_t prefix_len, max_chars;
} ink__bert_config;

/* Puts the pipeline over the tokens that the vocabulary has so far. INK_E_FORMAT if unk is not among them;
 * `where` opens the text. */
ink_status ink__bert_init(ink_tokenizer *tokenizer, const ink__bert_config *config, const char *where,
                          ink_error *err);

#endif
