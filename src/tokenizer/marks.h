/* What tokenizers' normalizers say of characters, by the Unicode tables of their crates: utf8proc's answers
 * but for the code points on which the two differ. NFKD and StripAccents use unicode-normalization-alignments
 * (Unicode 9), Precompiled the grapheme clusters of unicode-segmentation (Unicode 17). */
#ifndef INK_TOKENIZER_MARKS_H
#define INK_TOKENIZER_MARKS_H

#include <stdbool.h>
#include <stdint.h>
#include <utf8proc.h>

/* General category M. */
bool ink__marks_is_mark(uint32_t cp);

/* utf8proc decomposes this code point, Unicode 9 does not know it. */
bool ink__marks_newer_decomposition(uint32_t cp);

/* A grapheme cluster ends between the two; *state is 0 where the first begins one. */
bool ink__marks_cluster_ends(utf8proc_int32_t *state, uint32_t before, uint32_t after);

#endif
