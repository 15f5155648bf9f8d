/* Stage 1 of BERT's tokenizer: text to normalised characters, each with the bytes it stands for. */
#ifndef INK_TOKENIZER_NORMALIZE_H
#define INK_TOKENIZER_NORMALIZE_H

#include "core/status.h"

/* Hugging Face's BertNormalizer; all four off is no normalizer at all. Immutable once made. */
typedef struct ink__normalizer {
    bool clean;               /* drop control characters, turn white space into ' ' */
    bool cjk;                 /* put spaces around Chinese characters */
    bool strip;               /* decompose and drop nonspacing marks */
    bool lower;               /* lower case, character by character */
    uint8_t *classes;         /* [65536] enum ink__class of the basic plane */
    uint8_t special;          /* class bits that any of the above acts on */
    unsigned char plain[256]; /* an ASCII letter's or digit's normalised byte; 0 for every other byte */
} ink__normalizer;

/* The four switches are set by the caller; this makes the tables. */
ink_status ink__normalizer_init(ink__normalizer *normalizer, ink_error *err);
void ink__normalizer_release(ink__normalizer *normalizer);

/* A normalised character, and the bytes [begin, end) of the original text that it is aligned to. */
typedef struct ink__char {
    uint32_t cp;
    size_t begin, end;
} ink__char;

/* Marks that follow each other and have to be put in order: see normalize.c. */
typedef struct ink__mark_run {
    bool active;
    size_t begin, end;     /* of its source characters */
    size_t skip;           /* elements of the first one that do not belong to it: its starter */
    unsigned order;        /* combining class being emitted */
    size_t rank;           /* source characters used up by what was emitted */
    struct ink__elements { /* a walk over the run's decomposed elements */
        size_t at, i, n;
        uint32_t part[4];
    } walk;
    size_t span_rank, span_at; /* the source character of that rank, and where the next one is */
    ink__char span;
} ink__mark_run;

/* One pass over text[pos, end). A plain struct: a copy is an independent look ahead. */
typedef struct ink__stream {
    const ink__normalizer *normalizer;
    const unsigned char *text;
    size_t pos, end;
    size_t bad;                 /* ill-formed UTF-8 sequences passed so far */
    ink__char queue[2 + 4 * 2]; /* made but not yet taken: a decomposition in lower case between spaces */
    size_t queue_at, queue_len;
    ink__mark_run run;
    struct ink__nfc *nfc; /* set after start: the characters come composed (nfc.h), normalizer is off */
} ink__stream;

void ink__stream_start(ink__stream *stream, const ink__normalizer *normalizer, const unsigned char *text,
                       size_t begin, size_t end);

/* The next character; false at the end. */
bool ink__stream_next(ink__char *ch, ink__stream *stream);

/* True if the next character comes straight from text[pos], so that a caller may take plain bytes itself. */
static inline bool ink__stream_idle(const ink__stream *stream)
{
    return stream->queue_at == stream->queue_len && !stream->run.active;
}

/* The class bits of cp. */
uint8_t ink__normalizer_class(const ink__normalizer *normalizer, uint32_t cp);

#endif
