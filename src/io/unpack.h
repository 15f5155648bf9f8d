/* Compressed bytes turned into plain ones, piece by piece: gzip (RFC 1952) by zlib, zstd (RFC 8878) by
 * libzstd. A new way of compressing is one more table entry in unpack.c. */
#ifndef INK_IO_UNPACK_H
#define INK_IO_UNPACK_H

#include "core/status.h"

/* A zstd frame that needs a larger window is refused, so that memory stays bounded: as the zstd command does
 * without --long. gzip's window is 32 KiB. */
#define INK__ZSTD_WINDOW_LOG 27 /* 128 MiB */

/* Where a stream of compressed bytes stands. */
typedef enum ink__unpacked {
    INK__UNPACKED_PART,  /* it cannot end here */
    INK__UNPACKED_WHOLE, /* it may end here */
    INK__UNPACKED_OVER   /* it has ended, and what follows is something else, which is not taken (but for a
                          * first byte that looked like another beginning) */
} ink__unpacked;

typedef struct ink__codec {
    const char *ending; /* of the names of its files */
    ink_status (*open)(void **state, ink_error *err);
    /* Takes some of in[0, *in_len) and writes some of out[0, *out_len); the lengths become what was taken and
     * written. It goes on until one of them is used up, or the stream is over. A failure (INK_E_FORMAT,
     * INK_E_MEMORY) says why without naming the file; what was written before it counts. */
    ink_status (*step)(void *state, char *out, size_t *out_len, const char *in, size_t *in_len,
                       ink__unpacked *where, ink_error *err);
    void (*close)(void *state); /* NULL is fine */
} ink__codec;

extern const ink__codec ink__codec_gzip, ink__codec_zstd;

/* The one whose ending the first len bytes of path have, or NULL; *len becomes what stands before it. */
const ink__codec *ink__codec_of(const char *path, size_t *len);

#endif
