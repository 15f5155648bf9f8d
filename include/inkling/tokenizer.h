/* Text to token ids, exactly as Hugging Face's fast tokenizers do it, with byte offsets into the original
 * text all the way through. */
#ifndef INKLING_TOKENIZER_H
#define INKLING_TOKENIZER_H

#include <inkling/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable once opened; any number of threads may encode with one at the same time. */
typedef struct ink_tokenizer ink_tokenizer;

/* Opens the tokenizer of a Hugging Face directory: tokenizer.json where there is one, else vocab.txt, else
 * vocab.json and merges.txt of a RoBERTa, else a SentencePiece model (sentencepiece.bpe.model, spiece.model,
 * sentencepiece.model) of an XLM-RoBERTa, CamemBERT or ALBERT, with tokenizer_config.json. Where neither that
 * file nor config.json says whose model it is, its ids are SentencePiece's own, without special tokens.
 * Truncation and padding settings inside tokenizer.json are ignored.
 *
 * INK_E_IO           a file is missing or cannot be read; the text names the files looked for
 * INK_E_FORMAT       a file is not what it should be (the text gives file and place)
 * INK_E_UNSUPPORTED  a kind of tokenizer that Inkling does not do, by its name */
INK_API INK_NODISCARD ink_status ink_tokenizer_open(ink_tokenizer **tokenizer, const char *dir,
                                                    ink_error *err);
INK_API void ink_tokenizer_free(ink_tokenizer *tokenizer); /* NULL is fine */

/* One more than the largest id there is. */
INK_API size_t ink_tokenizer_vocab_size(const ink_tokenizer *tokenizer);

/* "WordPiece", "BPE" (byte-level), "Unigram", "SentencePiece BPE" or "SentencePiece" (a bare model).
 * Borrowed. */
INK_API const char *ink_tokenizer_kind(const ink_tokenizer *tokenizer);

/* tokenizer_config.json's model_max_length; SIZE_MAX where it is absent or says "unlimited". */
INK_API size_t ink_tokenizer_model_max_length(const ink_tokenizer *tokenizer);

/* Special tokens added around one text (pair: around two): 2 and 3 for BERT. */
INK_API size_t ink_tokenizer_specials(const ink_tokenizer *tokenizer, bool pair);

/* The token's text, terminated and borrowed; NULL where no token has this id. */
INK_API const char *ink_tokenizer_token(const ink_tokenizer *tokenizer, int32_t id);

/* The id of a token's text, or -1. */
INK_API int32_t ink_tokenizer_id(const ink_tokenizer *tokenizer, const char *token, size_t len);

/* Bytes [begin, end) of the text a token came from; [0,0] for a special token. In a pair, the offsets of
 * the second text's tokens are into the second text. */
typedef struct ink_span {
    size_t begin, end;
} ink_span;

/* The caller's struct, zero it once ({0}); encode grows the arrays and reuses them, so that steady work
 * allocates nothing. The arrays hold `length` entries and are valid until the next encode or the free. */
typedef struct ink_encoding {
    int32_t *ids;     /* [length] */
    int32_t *types;   /* [length] 0: first text and its specials, 1: second */
    ink_span *spans;  /* [length] */
    size_t length;    /* tokens kept */
    size_t total;     /* tokens of the whole text with its specials: > length means it was truncated */
    size_t bad_bytes; /* ill-formed UTF-8 sequences in the text, each read as U+FFFD */
    void *scratch;    /* the tokenizer's; leave it alone */
    size_t capacity;
} ink_encoding;

INK_API void ink_encoding_free(ink_encoding *encoding); /* frees what it holds, zeroes it; NULL is fine */

typedef struct ink_encode_options {
    uint32_t version;   /* 1 */
    bool parse_special; /* "[MASK]" in the text is the special token, as in Hugging Face; default: plain text.
                         * Added tokens that are not special are found either way */
    bool no_specials;   /* leave out [CLS], [SEP] */
    size_t max_length;  /* keep at most so many tokens, specials included; 0: all. A pair is cut
                         * longest_first, on the right */
    bool head_tail; /* of a text that is cut keep the first quarter and the last three quarters of the room
                     * (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?": 128 tokens and
                     * 382), not the beginning; not for pairs */
} ink_encode_options;
#define INK_ENCODE_OPTIONS_INIT                                                                              \
    {                                                                                                        \
        1, false, false, 0, false                                                                            \
    }

/* Encodes text [text_len bytes] and, unless pair is NULL, pair [pair_len bytes]. Bytes that are not UTF-8
 * read as U+FFFD; NUL is a character like any other. Time is linear in the text, memory in the tokens kept
 * (not in the text): with max_length a text of any size can be counted. SentencePiece is the
 * exception: it holds the normalised text. options may be NULL.
 *
 * INK_E_ARG     max_length is too small for the special tokens, or options has an unknown version
 * INK_E_MEMORY  the arrays cannot grow; the encoding stays valid but its content is unspecified
 * INK_E_UNSUPPORTED  over half a gigabyte for SentencePiece's own encoder, which only *.model files need */
INK_API INK_NODISCARD ink_status ink_tokenizer_encode(ink_encoding *encoding, const ink_tokenizer *tokenizer,
                                                      const char *text, size_t text_len, const char *pair,
                                                      size_t pair_len, const ink_encode_options *options,
                                                      ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
