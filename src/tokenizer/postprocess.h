/* Stage 4 of BERT's tokenizer: special tokens around the texts, token types, and truncation. */
#ifndef INK_TOKENIZER_POSTPROCESS_H
#define INK_TOKENIZER_POSTPROCESS_H

#include "core/status.h"

#include <inkling/tokenizer.h>

typedef struct ink__special {
    int32_t id, type;
} ink__special;

/* specials[0, before) text A specials[before, before+middle) text B specials[.., n). For one text, middle is
 * 0 and there is no B. All zero: nothing is added. */
enum { INK__SPECIALS_MAX = 16 };
typedef struct ink__template {
    ink__special specials[INK__SPECIALS_MAX];
    size_t before, middle, n;
    int32_t type_a, type_b;
} ink__template;

/* Tokens kept of two texts of *a and *b tokens when `most` fit in all: the longer loses first, as
 * `longest_first` in tokenizers' utils/truncation.rs. */
void ink__truncate_pair(size_t *a, size_t *b, size_t most);

/* Writes specials and types. The arrays hold a tokens from place `before` on, and b tokens from place
 * `at_b` >= before + a + middle on; there is room for all. The encoding's length becomes n + a + b. */
void ink__postprocess(ink_encoding *encoding, const ink__template *t, size_t a, size_t b, size_t at_b);

#endif
