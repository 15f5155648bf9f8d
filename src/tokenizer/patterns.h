/* A set of byte strings, and the longest of them that starts at a place in a text. */
#ifndef INK_TOKENIZER_PATTERNS_H
#define INK_TOKENIZER_PATTERNS_H

#include "core/status.h"

typedef struct ink__pattern {
    char *bytes; /* owned */
    size_t len;  /* 1 at least */
    size_t value;
} ink__pattern;

typedef struct ink__patterns {
    ink__pattern *all; /* sorted by bytes once sealed */
    size_t n, capacity;
    bool starts[256]; /* first bytes there are */
} ink__patterns;

/* Takes over bytes (malloc'd), also when it fails. */
ink_status ink__patterns_add(ink__patterns *set, char *bytes, size_t len, size_t value, ink_error *err);
/* Sorts; of equal patterns the one with the lowest value stays. */
void ink__patterns_seal(ink__patterns *set);
void ink__patterns_free(ink__patterns *set);

/* A search from one place: feed it the bytes that follow one another there until it says that no pattern can
 * go on. */
typedef struct ink__match {
    size_t low, high, depth;
    const ink__pattern *longest; /* NULL: none so far */
} ink__match;

static inline void ink__match_start(ink__match *match, const ink__patterns *set)
{
    *match = (ink__match){0, set->n, 0, NULL};
}

bool ink__match_feed(ink__match *match, const ink__patterns *set, unsigned char byte);

#endif
