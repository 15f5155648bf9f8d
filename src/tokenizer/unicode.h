/* What Hugging Face's tokenizers knows about a code point. Its tables are older than utf8proc's (Unicode 8
 * for categories, 9 for normalisation) and its lower case is newer, so the answers come from
 * unicode_tables.c; utf8proc supplies the decompositions, combining classes and lower case on which all
 * versions agree. */
#ifndef INK_TOKENIZER_UNICODE_H
#define INK_TOKENIZER_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of ink__unicode_class. */
enum ink__class {
    INK__CONTROL = 1,     /* what BERT's clean-up drops: NUL, U+FFFD, Cc, Cf, Co */
    INK__SPACE = 2,       /* White_Space */
    INK__CJK = 4,         /* the blocks that BERT splits by character */
    INK__MARK = 8,        /* Mn: what strip_accents removes */
    INK__PUNCT = 16,      /* ASCII punctuation and P* */
    INK__DECOMPOSES = 32, /* has a canonical decomposition; MARK and REORDERS are then never set */
    INK__REORDERS = 64,   /* has a combining class other than 0 */
    INK__CASED = 128      /* lower case differs */
};

typedef struct ink__case_run {
    uint32_t first, last;
    int32_t delta;
} ink__case_run;

typedef struct ink__word_run {
    uint32_t first, last;
} ink__word_run;

/* The generated tables. A class run is the first code point << 8 | its bits (all but CASED), up to the next.
 */
extern const uint32_t ink__class_runs[];
extern const size_t ink__class_runs_len;
extern const ink__case_run ink__case_runs[];
extern const size_t ink__case_runs_len;
extern const ink__word_run ink__word_runs[];
extern const size_t ink__word_runs_len;

/* cp is at most U+10FFFF in all of these. */
uint8_t ink__unicode_class(uint32_t cp);

/* The classes of U+0000 to U+FFFF at once. */
void ink__unicode_fill_classes(uint8_t classes[65536]);

/* The full canonical decomposition of a code point with INK__DECOMPOSES; returns its length. */
enum { INK__DECOMPOSED_MAX = 4 };
size_t ink__unicode_decompose(uint32_t out[INK__DECOMPOSED_MAX], uint32_t cp);

/* The canonical combining class of a code point with INK__REORDERS; all others are starters, of class 0. */
unsigned ink__unicode_combining(uint32_t cp);

/* Rust's char::to_lowercase: one code point, or two for U+0130. */
size_t ink__unicode_lower(uint32_t out[2], uint32_t cp);

/* What Rust's regular expressions match with \w. */
bool ink__unicode_is_word(uint32_t cp);

#endif
