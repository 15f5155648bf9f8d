/* Any bytes as compressed ones, taken apart twice: by the source of a reader, and by the codec itself in
 * small pieces. Both must come to the same end, and give the same bytes. */
#ifndef INK_TESTS_FUZZ_CODEC_H
#define INK_TESTS_FUZZ_CODEC_H

#include "fuzz.h"
#include "io/source.h"

#include <string.h>

enum { GIVEN_MAX = 1 << 22 }; /* of a bomb, no more is looked at */

struct outcome {
    uint64_t hash;
    size_t given;
    bool failed;
};

static inline void take(struct outcome *o, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && o->given < GIVEN_MAX; ++i, ++o->given)
        o->hash = (o->hash ^ (unsigned char)bytes[i]) * 1099511628211u;
}

static inline struct outcome read_source(const uint8_t *data, size_t size, const ink__codec *codec)
{
    struct outcome o = {0};
    ink__source source = {.fd = -1};
    ink_error err;
    MUST(ink__source_open(&source, file_of_bytes(data, size), codec, &err) == INK_OK);
    while (!source.eof && !o.failed && o.given < GIVEN_MAX) {
        const ink_status st = ink__source_fill(&source, &err);
        o.failed = st != INK_OK;
        MUST(!o.failed || ((st == INK_E_FORMAT || st == INK_E_UNSUPPORTED) && err.text[0]));
        take(&o, source.data + source.begin, source.end - source.begin);
        source.begin = source.end;
    }
    ink__source_free(&source);
    return o;
}

static inline struct outcome read_pieces(const uint8_t *data, size_t size, const ink__codec *codec)
{
    struct outcome o = {0};
    void *state = NULL;
    char out[4096];
    ink__unpacked where = INK__UNPACKED_WHOLE;
    size_t round = 0, idle = 0;
    ink_error err;
    MUST(codec->open(&state, &err) == INK_OK);
    while (!o.failed && idle < 2 && o.given < GIVEN_MAX) {
        size_t in_len = 1 + ++round * 7 % 61, out_len = 1 + round * 131 % sizeof out;
        in_len = in_len < size ? in_len : size;
        const size_t in_most = in_len, out_most = out_len;
        o.failed = codec->step(state, out, &out_len, (const char *)data, &in_len, &where, &err) != INK_OK;
        MUST(in_len <= in_most && out_len <= out_most);
        take(&o, out, out_len);
        data += in_len, size -= in_len;
        idle = in_len + out_len == 0 ? idle + 1 : 0;
    }
    o.failed = o.failed || (o.given < GIVEN_MAX && where == INK__UNPACKED_PART);
    codec->close(state);
    return o;
}

static inline void fuzz_codec(const uint8_t *data, size_t size, const ink__codec *codec)
{
    const struct outcome a = read_source(data, size, codec), b = read_pieces(data, size, codec);
    if (a.given == GIVEN_MAX || b.given == GIVEN_MAX)
        return;
    MUST(a.failed == b.failed);
    /* How much comes before a failure, libzstd makes depend on the pieces. */
    MUST(a.failed || (a.given == b.given && a.hash == b.hash));
}

#endif
