/* Inside the tokenizer: what every kind has (vocabulary, added tokens, templates, limits), and the pipeline
 * that is its own. Another kind (SentencePiece, byte-level BPE) is another ink__pipeline and another reader
 * that fills in the same struct; the public functions do not change. */
#ifndef INK_TOKENIZER_TOKENIZER_H
#define INK_TOKENIZER_TOKENIZER_H

#include "tokenizer/added.h"
#include "tokenizer/added_stream.h"
#include "tokenizer/bpe.h"
#include "tokenizer/nfc.h"
#include "tokenizer/postprocess.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/sink.h"
#include "tokenizer/spm_scratch.h"
#include "tokenizer/vocab.h"

#include <inkling/tokenizer.h>

/* Byte-level BPE's share of it. */
typedef struct ink__bpe_buffer {
    unsigned char *bytes; /* [len] of the characters that are not yet encoded */
    ink_span *map;        /* [len] the original bytes of each byte's character */
    size_t len, capacity, map_capacity;
    ink__nfc nfc;
    ink__bpe_scratch model;
} ink__bpe_buffer;

/* What a pass over a text needs to remember; lives in ink_encoding.scratch and is used again. */
typedef struct ink__scratch {
    ink__word word;
    ink__added_stream added;
    ink__bpe_buffer bpe;
    ink__spm_scratch spm;
} ink__scratch;

/* One kind of tokenizer. */
typedef struct ink__pipeline {
    const char *kind; /* "WordPiece" */

    /* Appends the tokens of text[begin, end), in which no raw added token is left to be found; adds the
     * number of ill-formed sequences to *bad. Spans are counted from text. */
    ink_status (*encode)(ink__sink *sink, size_t *bad, ink__scratch *scratch, const ink_tokenizer *tokenizer,
                         const unsigned char *text, size_t begin, size_t end, bool parse_special,
                         ink_error *err);

    /* *out = what the pipeline's normalizer makes of text, malloc'd. */
    ink_status (*normalize)(char **out, size_t *out_len, const ink_tokenizer *tokenizer, const char *text,
                            size_t len, ink_error *err);

    void (*free)(void *stages); /* NULL is fine */

    /* The offsets of an added token found at `span`; NULL: just these. */
    ink_span (*added_span)(const ink_tokenizer *tokenizer, const unsigned char *text, ink_span span);
} ink__pipeline;

struct ink_tokenizer {
    const ink__pipeline *pipeline;
    void *stages; /* the pipeline's own */
    ink__vocab vocab;
    ink__added added;
    ink__template single, pair;
    size_t model_max_length;
};

/* Empties e for a text and says what goes around it; looks at the options and makes the scratch. */
ink_status ink__encode_start(ink__template *around, ink_encoding *e, const ink_tokenizer *tokenizer,
                             bool pair, const ink_encode_options *options, ink_error *err);

/* Appends the tokens of one text: added tokens, and what the pipeline makes of the parts between them. */
ink_status ink__encode_text(ink__sink *sink, const ink_tokenizer *tokenizer, const char *text, size_t len,
                            bool parse_special, ink_error *err);

/* Sorts the added tokens that were put and gives each its pattern. The pipeline is in place. `where` opens
 * the error's text. */
ink_status ink__tokenizer_seal_added(ink_tokenizer *tokenizer, const char *where, ink_error *err);

#endif
