/* A text as normalised characters that each know the bytes of the original they stand for, and the steps that
 * a SentencePiece tokenizer's normalizer is a list of. The whole text at a time, unlike normalize.h: a step
 * may move, merge and drop characters. */
#ifndef INK_TOKENIZER_ALIGNED_H
#define INK_TOKENIZER_ALIGNED_H

#include "tokenizer/charsmap.h"
#include "tokenizer/normalize.h"

typedef struct ink__aligned {
    ink__char *chars; /* [n] owned */
    size_t n, capacity;
} ink__aligned;

/* The characters of text[begin, end), as they are; adds the number of ill-formed sequences to *bad. */
ink_status ink__aligned_load(ink__aligned *to, size_t *bad, const unsigned char *text, size_t begin,
                             size_t end, ink_error *err);
void ink__aligned_release(ink__aligned *text);

typedef enum ink__step_kind {
    INK__STEP_PRECOMPILED,    /* map, by grapheme cluster */
    INK__STEP_STRIP,          /* white space at the left and right ends */
    INK__STEP_REPLACE,        /* each `from` by `to` */
    INK__STEP_REPLACE_SPACES, /* each run of two or more U+0020 by `to` */
    INK__STEP_LOWERCASE,
    INK__STEP_NFKD,
    INK__STEP_STRIP_ACCENTS /* drops all marks */
} ink__step_kind;

typedef struct ink__step {
    ink__step_kind kind;
    bool left, right;
    uint32_t *from, *to; /* [n_from] [n_to] owned */
    size_t n_from, n_to;
    ink__charsmap map;
} ink__step;

void ink__step_release(ink__step *step);

/* *text becomes what the step makes of it; *spare is a second buffer, kept for the next call. */
ink_status ink__step_run(ink__aligned *text, ink__aligned *spare, const ink__step *step, ink_error *err);

#endif
