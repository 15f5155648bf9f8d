/* gzip (RFC 1952) by zlib: one member after the other, as gzip -d reads them; zero bytes behind the last one,
 * which tapes and some file systems add, are skipped. Whatever else follows a member and does not begin as
 * one ends the stream. */
#include "io/unpack.h"
#include "core/memory.h"

#define ZLIB_CONST
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { MAGIC = 0x1F, MAGIC_BYTES = 2 }; /* a member begins 1F 8B */

typedef struct gzip {
    z_stream z;
    bool ready, inside; /* zlib has been set up; a member has begun and not ended */
    bool over;          /* something else follows the last member */
    uint64_t members;
} gzip;

static ink_status open_gzip(void **state, ink_error *err)
{
    gzip *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "a reader of gzip", err));
    *state = s;
    if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
        return ink_fail(err, INK_E_MEMORY, "no memory for zlib");
    s->ready = true;
    return INK_OK;
}

static void close_gzip(void *state)
{
    gzip *s = state;
    if (s && s->ready)
        inflateEnd(&s->z);
    free(s);
}

static uInt as_uint(size_t n)
{
    return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

/* Goes on with a member, or begins the next; *stuck where there is nothing to be done. *first is what the
 * step's first byte was. */
static ink_status inflate_some(bool *stuck, gzip *s, const Bytef *first, ink_error *err)
{
    z_stream *z = &s->z;
    *stuck = s->over || z->avail_out == 0 || (z->avail_in == 0 && !s->inside);
    if (*stuck)
        return INK_OK;
    if (!s->inside && s->members > 0 && *z->next_in == 0) {
        ++z->next_in, --z->avail_in;
        return INK_OK;
    }
    if (!s->inside && s->members > 0 && *z->next_in != MAGIC) {
        s->over = true;
        return INK_OK;
    }
    if (!s->inside)
        inflateReset(z);
    s->inside = true;
    const int result = inflate(z, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
        s->inside = false;
        ++s->members;
    } else if (result == Z_BUF_ERROR) {
        *stuck = true; /* without more input, or more room */
    } else if (result == Z_DATA_ERROR && s->members > 0 && z->total_in == MAGIC_BYTES) {
        /* It began as a member by accident: give the bytes back that are still at hand. */
        const size_t taken = (size_t)(z->next_in - first);
        const uInt back = taken < MAGIC_BYTES ? (uInt)taken : MAGIC_BYTES;
        z->next_in -= back, z->avail_in += back;
        s->inside = false;
        s->over = true;
    } else if (result == Z_MEM_ERROR) {
        return ink_fail(err, INK_E_MEMORY, "no memory for zlib");
    } else if (result != Z_OK) {
        return ink_fail(err, INK_E_FORMAT, "its gzip data is broken: %s",
                        z->msg ? z->msg : "it needs a dictionary");
    }
    return INK_OK;
}

static ink_status step_gzip(void *state, char *out, size_t *out_len, const char *in, size_t *in_len,
                            ink__unpacked *where, ink_error *err)
{
    gzip *s = state;
    const uInt n_in = as_uint(*in_len), n_out = as_uint(*out_len);
    ink_status st = INK_OK;
    bool stuck = false;
    s->z.next_in = (const Bytef *)in, s->z.avail_in = n_in;
    s->z.next_out = (Bytef *)out, s->z.avail_out = n_out;
    while (st == INK_OK && !stuck)
        st = inflate_some(&stuck, s, (const Bytef *)in, err);
    *in_len = n_in - s->z.avail_in, *out_len = n_out - s->z.avail_out;
    *where = s->over ? INK__UNPACKED_OVER : s->inside ? INK__UNPACKED_PART : INK__UNPACKED_WHOLE;
    return st;
}

const ink__codec ink__codec_gzip = {".gz", open_gzip, step_gzip, close_gzip};
