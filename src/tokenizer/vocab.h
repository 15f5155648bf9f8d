/* The tokens by id, and ids by text. */
#ifndef INK_TOKENIZER_VOCAB_H
#define INK_TOKENIZER_VOCAB_H

#include "core/status.h"

typedef struct ink__token {
    size_t begin; /* in ink__vocab.text; what is there is terminated */
    uint32_t len;
    bool exists;
} ink__token;

/* An open-addressing table from the ends of tokens to their ids: the key of a token is its text without the
 * first `skip` bytes. */
typedef struct ink__slot {
    uint32_t hash;
    int32_t id; /* -1: empty */
} ink__slot;

typedef struct ink__index {
    size_t skip, mask, used;
    ink__slot *slots; /* [mask + 1] */
} ink__index;

typedef struct ink__vocab {
    char *text;
    size_t text_len, text_capacity;
    ink__token *tokens; /* [size] */
    size_t size;        /* one more than the largest id */
    size_t capacity;
    ink__index index; /* by whole text */
} ink__vocab;

/* Makes room for n tokens of text_len bytes in all, so that adding them allocates nothing more. */
ink_status ink__vocab_reserve(ink__vocab *vocab, size_t n, size_t text_len, ink_error *err);

/* Adds a token; INK_E_FORMAT if its id is taken or out of range, with `where` in front. *before becomes the
 * id that this text had already, or -1; the text then belongs to the new id alone. */
ink_status ink__vocab_add(ink__vocab *vocab, int32_t *before, int32_t id, const char *text, size_t len,
                          const char *where, ink_error *err);
void ink__vocab_free(ink__vocab *vocab);

/* The id of a text, or -1. */
int32_t ink__vocab_find(const ink__vocab *vocab, const char *text, size_t len);

/* The token's text, terminated, or NULL where no token has this id. */
const char *ink__vocab_token(const ink__vocab *vocab, int32_t id, size_t *len);

/* A further index over some of the tokens: `skip` is set before the first put. Of equal keys the first stays.
 */
ink_status ink__index_put(ink__index *index, const ink__vocab *vocab, int32_t id, ink_error *err);
int32_t ink__index_find(const ink__index *index, const ink__vocab *vocab, const unsigned char *key,
                        size_t len);
void ink__index_free(ink__index *index);

#endif
