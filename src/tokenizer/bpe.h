/* Words to tokens by merging pairs in the order of their ranks, over bytes or over characters. */
#ifndef INK_TOKENIZER_BPE_H
#define INK_TOKENIZER_BPE_H

#include "tokenizer/sink.h"
#include "tokenizer/vocab.h"

/* What two tokens become. */
typedef struct ink__merge {
    int32_t left, right; /* left is -1 in an empty slot */
    int32_t id;
    uint32_t rank; /* the lowest goes first */
} ink__merge;

/* Byte-pair encoding (Sennrich et al. 2016) over bytes (Radford et al. 2019) or, as in files made of
 * SentencePiece models, over characters; as tokenizers' models/bpe. Immutable once made. */
typedef struct ink__bpe {
    const ink__vocab *vocab;
    ink__merge *merges; /* [merge_mask + 1], open addressing, half empty at least */
    size_t merge_mask, n_merges;
    bool chars;         /* words start as characters; one without a token as its bytes', or as unk */
    int32_t bytes[256]; /* the token of a byte, or unk */
    bool fuse_unk;      /* bytes without a token that stand together are one unknown token */
    int32_t unk;        /* -1: there is none, and every byte has a token */
    ink__vocab whole;   /* by their bytes, the tokens that are the encoding of those bytes as a word */
} ink__bpe;

/* What encoding a word needs to remember, used again for the next; zero it once. */
typedef struct ink__symbol {
    int32_t id;
    uint32_t end;        /* of its bytes in the word */
    uint32_t prev, next; /* UINT32_MAX: none */
} ink__symbol;

typedef struct ink__bpe_scratch {
    ink__symbol *symbols;
    struct ink__candidate {
        uint64_t key; /* rank << 32 | place of the left symbol */
        int32_t id;
    } * heap;
    size_t symbol_capacity, heap_capacity;
} ink__bpe_scratch;

void ink__bpe_scratch_free(ink__bpe_scratch *scratch);

/* Makes room for n merges over vocab, which must outlive the model. */
ink_status ink__bpe_init(ink__bpe *model, const ink__vocab *vocab, size_t n, ink_error *err);

/* The next merge, of tokens given as in the files. INK_E_FORMAT if one of the three tokens is not in the
 * vocabulary or the pair has been merged before; `where` opens the text. */
ink_status ink__bpe_merge(ink__bpe *model, const char *left, size_t left_len, const char *right,
                          size_t right_len, const char *where, ink_error *err);

/* Comes last. unk is the id of the unknown token or -1, unk_text its name. With ignore_merges each token is
 * its bytes' encoding. INK_E_FORMAT if a byte has no token and there is no unknown one. */
ink_status ink__bpe_seal(ink__bpe *model, int32_t unk, bool fuse_unk, bool ignore_merges, const char *where,
                         ink_error *err);

/* The same for words that start as characters. With byte_fallback a character without a token is the tokens
 * "<0x00>" to "<0xFF>" of its bytes, which all have to be there; INK_E_FORMAT if they are not. */
ink_status ink__bpe_seal_chars(ink__bpe *model, int32_t unk, bool fuse_unk, bool byte_fallback,
                               const char *where, ink_error *err);

/* No merge makes a token i < n for which hidden[i]. */
void ink__bpe_hide(ink__bpe *model, const bool *hidden, size_t n);
void ink__bpe_release(ink__bpe *model);

/* A word, at a place in the original text or, with map, made of characters from several. */
typedef struct ink__bpe_word {
    const unsigned char *bytes;
    size_t len;
    size_t begin;        /* of bytes[0] in the original text, without map */
    const ink_span *map; /* [len] the original bytes of each byte's character, or NULL */
} ink__bpe_word;

/* Pushes a token that stands for bytes [begin, end) of the word. */
typedef void ink__bpe_push(ink__sink *sink, const void *context, int32_t id, const ink__bpe_word *word,
                           size_t begin, size_t end);

/* Appends the tokens of one word through push. Memory is linear in the word, time n log n. */
ink_status ink__bpe_encode(ink__sink *sink, ink__bpe_scratch *scratch, const ink__bpe *model,
                           const ink__bpe_word *word, ink__bpe_push *push, const void *context,
                           ink_error *err);

/* The UTF-8 character by which files write a byte: a printable byte by itself, another by U+0100 and up. */
size_t ink__byte_char(char utf8[4], unsigned char byte);

#endif
