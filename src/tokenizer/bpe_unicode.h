/* What byte-level BPE has to know about a code point: the classes of its regular expression as Oniguruma has
 * them, and where NFC (as tokenizers has it) may change something. The table is complete, so that a newer
 * utf8proc changes nothing. */
#ifndef INK_TOKENIZER_BPE_UNICODE_H
#define INK_TOKENIZER_BPE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum ink__bpe_class {
    INK__BPE_LETTER = 1,  /* \p{L} */
    INK__BPE_NUMBER = 2,  /* \p{N} */
    INK__BPE_SPACE = 4,   /* \s */
    INK__BPE_UNSTABLE = 8 /* NFC may change it, move it, or join it to what comes before; others stay as they
                             are and nothing before them reaches past them */
};

/* The generated table: the first code point << 8 | its bits, up to the next. */
extern const uint32_t ink__bpe_runs[];
extern const size_t ink__bpe_runs_len;

#endif
