/* Stage 2 of byte-level BPE: UTF-8 to words, as GPT-2's regular expression splits it. */
#ifndef INK_TOKENIZER_BPE_PRETOKENIZE_H
#define INK_TOKENIZER_BPE_PRETOKENIZE_H

#include "tokenizer/bpe_unicode.h"
#include "core/status.h"

/* Bits of enum ink__bpe_class of a code point; classes [65536] are those of U+0000 to U+FFFF, made by fill.
 */
uint8_t ink__bpe_class_far(uint32_t cp);
void ink__bpe_fill_classes(uint8_t *classes);
static inline uint8_t ink__bpe_class(const uint8_t *classes, uint32_t cp)
{
    return cp < 65536 ? classes[cp] : ink__bpe_class_far(cp);
}

/* Bytes of the word that begins at p, where well-formed UTF-8 goes on to end > p: the match of
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * It looks at most one character past the word, and no further than INK__BPE_AHEAD bytes. */
enum { INK__BPE_AHEAD = 4 };
size_t ink__bpe_split(const uint8_t *classes, const unsigned char *p, const unsigned char *end);

/* True if text[0, len) is well-formed UTF-8 and, with `stable`, has no character that NFC may change. */
bool ink__bpe_is_plain(const uint8_t *classes, const unsigned char *text, size_t len, bool stable);

#endif
