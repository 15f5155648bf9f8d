/* Unicode's canonical composition (NFC) as a stage between a text and whoever asks ink__stream_next for its
 * characters. */
#ifndef INK_TOKENIZER_NFC_H
#define INK_TOKENIZER_NFC_H

#include "tokenizer/normalize.h"

/* A piece of a cluster: a code point of a decomposition, or what was composed of several. */
typedef struct ink__nfc_part {
    uint32_t cp;
    unsigned order;   /* its combining class */
    ptrdiff_t change; /* source characters it stands for beyond one: 1 - n, and 1 for none */
    size_t place;     /* keeps the sort stable */
} ink__nfc_part;

/* The buffers of one cluster (a starter and what may join or follow it in order), used again for the next;
 * zero it once. They grow with the longest run of marks. */
typedef struct ink__nfc {
    const uint8_t *classes; /* of bpe_pretokenize.h */
    ink__char *sources, *out;
    ink__nfc_part *parts;
    size_t sources_capacity, out_capacity, parts_capacity;
    bool failed; /* memory ran out, and the stream ended there */
} ink__nfc;

void ink__nfc_free(ink__nfc *nfc);

/* ink__stream_next for a stream whose `nfc` is set. White space never waits in the buffers, so a copy of the
 * stream may look ahead over white space while the stream itself goes on. */
bool ink__nfc_next(ink__char *ch, ink__stream *stream);

#endif
