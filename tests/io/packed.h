/* Compresses for tests. */
#ifndef INK_TESTS_IO_PACKED_H
#define INK_TESTS_IO_PACKED_H

#include <stddef.h>
#include <zlib.h>
#include <zstd.h>

/* Both return the bytes written to out, which has room for them. */
static inline size_t pack_gzip(void *out, size_t size, const void *bytes, size_t len)
{
    z_stream z = {
        .next_in = (void *)(size_t)bytes, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)size};
    cr_assert(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    cr_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return size - z.avail_out;
}

static inline size_t pack_zstd(void *out, size_t size, const void *bytes, size_t len)
{
    const size_t n = ZSTD_compress(out, size, bytes, len, 3);
    cr_assert(!ZSTD_isError(n));
    return n;
}

#endif
