/* SentencePiece's precompiled normalisation rules: a double-array trie from byte strings to their
 * replacements. A 32-bit little-endian size, the trie's units, then the replacements, each terminated; the
 * format is Darts-clone's, written by SentencePiece's builder.cc. */
#ifndef INK_TOKENIZER_CHARSMAP_H
#define INK_TOKENIZER_CHARSMAP_H

#include "core/status.h"

typedef struct ink__charsmap {
    uint32_t *units; /* [n_units] owned */
    size_t n_units;
    char *replacements; /* [replacements_len] owned, ends in NUL */
    size_t replacements_len;
} ink__charsmap;

/* Copies and checks: every unit that any text can lead to lies in the trie, no walk goes round in circles or
 * passes more matches than SentencePiece has room for, and every match names a terminated UTF-8 string.
 * `where` opens the error's text. */
ink_status ink__charsmap_open(ink__charsmap *map, const void *bytes, size_t len, const char *where,
                              ink_error *err);
void ink__charsmap_release(ink__charsmap *map);

/* What the shortest key that text[0, len) starts with is replaced by, or NULL. That it is the shortest, and
 * that it replaces all of the text asked about, is how Hugging Face's spm_precompiled does it. */
const char *ink__charsmap_find(const ink__charsmap *map, const unsigned char *text, size_t len);

#endif
