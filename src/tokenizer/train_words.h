/* Different words and how often each comes: what a tokenizer learns from in place of the text. */
#ifndef INK_TOKENIZER_TRAIN_WORDS_H
#define INK_TOKENIZER_TRAIN_WORDS_H

#include "core/status.h"

typedef struct ink__counted {
    size_t begin; /* in ink__words.text */
    uint32_t len, hash;
    uint64_t count;
} ink__counted;

/* Starts as {0}. Memory grows with the different words, not with the text. */
typedef struct ink__words {
    char *text;
    size_t text_len, text_capacity;
    ink__counted *all; /* [n] in the order in which they first came */
    size_t n, capacity;
    uint32_t *slots; /* [mask + 1] open addressing; 0 is empty, else a place in all + 1 */
    size_t mask;
} ink__words;

/* Counts one word of 1 to UINT32_MAX bytes. */
ink_status ink__words_add(ink__words *words, const char *bytes, size_t len, ink_error *err);
void ink__words_free(ink__words *words);

#endif
