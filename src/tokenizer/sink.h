/* Where tokens go: the arrays of the caller's encoding, of which only the first `limit` places are filled
 * while all tokens are counted; or from which tokens are taken again as more come (windows.h). */
#ifndef INK_TOKENIZER_SINK_H
#define INK_TOKENIZER_SINK_H

#include "core/status.h"

#include <inkling/tokenizer.h>

typedef struct ink__sink {
    ink_encoding *encoding;
    size_t at;    /* the next token's place in the arrays */
    size_t limit; /* tokens that may still be stored */
    size_t total; /* tokens seen */
    /* Called before more are stored once `at` is at `high`, to take some away; NULL: nothing does. */
    ink_status (*shed)(struct ink__sink *sink, ink_error *err);
    size_t high;
    void *shedder; /* its own */
} ink__sink;

/* Makes room in the arrays for n entries in all. */
ink_status ink__encoding_reserve(ink_encoding *encoding, size_t n, ink_error *err);

/* Makes room for n more tokens, or as many of them as will be stored. */
static inline ink_status ink__sink_reserve(ink__sink *sink, size_t n, ink_error *err)
{
    if (sink->shed && sink->at >= sink->high)
        INK_TRY(sink->shed(sink, err));
    const size_t want = sink->at + (n < sink->limit ? n : sink->limit);
    return want <= sink->encoding->capacity ? INK_OK : ink__encoding_reserve(sink->encoding, want, err);
}

/* After ink__sink_reserve. */
static inline void ink__sink_push(ink__sink *sink, int32_t id, ink_span span)
{
    ++sink->total;
    if (sink->limit == 0)
        return;
    sink->encoding->ids[sink->at] = id;
    sink->encoding->spans[sink->at] = span;
    ++sink->at, --sink->limit;
}

#endif
