/* Marks and compatibility decompositions as unicode-normalization-alignments has them (Unicode 9), which
 * tokenizers' NFKD and StripAccents use: utf8proc's answers, but for the code points that changed since. */
#ifndef INK_TOKENIZER_MARKS_H
#define INK_TOKENIZER_MARKS_H

#include <stdbool.h>
#include <stdint.h>

/* General category M. */
bool ink__marks_is_mark(uint32_t cp);

/* utf8proc decomposes this code point, Unicode 9 does not know it. */
bool ink__marks_newer_decomposition(uint32_t cp);

#endif
