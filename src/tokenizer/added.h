/* Added tokens: text that is one token wherever it stands, special ([MASK]) or ordinary (a word a user
 * added). Those that are not `normalized` are looked for in the text as it is, before anything else happens
 * to it; the others among its normalised characters (added_stream.h). The reference is tokenizers'
 * added_vocabulary.rs. */
#ifndef INK_TOKENIZER_ADDED_H
#define INK_TOKENIZER_ADDED_H

#include "tokenizer/patterns.h"

#include <inkling/tokenizer.h>

typedef struct ink__added_token {
    int32_t id;
    bool single_word; /* only where no letter, digit or mark touches it */
    bool lstrip;      /* takes the white space before it along */
    bool rstrip;      /* and that after it */
    bool normalized;
    bool special; /* found only with parse_special; without, its text is plain text */
    int rank;     /* of several definitions of one token that of the highest rank counts, then the last */
    size_t order; /* set by put */
} ink__added_token;

typedef struct ink__added {
    ink__added_token *tokens; /* [n] by id once sealed */
    size_t n, capacity;
    ink__patterns raw, normalized;          /* their values are places in tokens */
    size_t longest;                         /* bytes of the longest normalized pattern */
    bool raw_ordinary, normalized_ordinary; /* a set has tokens that are not special */
} ink__added;

ink_status ink__added_put(ink__added *added, ink__added_token token, ink_error *err);

/* Sorts and merges what was put: one token is left for each id, special if any definition was. */
void ink__added_seal(ink__added *added);

/* Gives token i, after the seal, its pattern: its content or what the normalizer makes of it. Takes over
 * bytes, also when it fails. seal_patterns comes last. */
ink_status ink__added_pattern(ink__added *added, size_t i, char *bytes, size_t len, ink_error *err);
void ink__added_seal_patterns(ink__added *added);
void ink__added_free(ink__added *added);

/* A part of a text: an added token, or (id -1) what lies between two. */
typedef struct ink__segment {
    size_t begin, end;
    int32_t id;
} ink__segment;

typedef struct ink__segments {
    const ink__added *added;
    const ink__patterns *set; /* of added's two, the one looked for */
    const unsigned char *text;
    size_t len;
    size_t pos;       /* where the search goes on */
    size_t done;      /* end of what was given out */
    size_t space_end; /* end of the white space last passed over, so that it is passed over once */
    bool parse_special, searching;
    ink__segment next;
    bool has_next;
} ink__segments;

void ink__segments_start(ink__segments *segments, const ink__added *added, const unsigned char *text,
                         size_t len, bool parse_special);
/* The same for the normalized tokens, in a text that has been normalized as a whole. */
void ink__segments_start_normalized(ink__segments *segments, const ink__added *added,
                                    const unsigned char *text, size_t len, bool parse_special);
bool ink__segments_next(ink__segment *segment, ink__segments *segments);

#endif
