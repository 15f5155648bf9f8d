/* zstd (RFC 8878) by libzstd: one frame after the other. */
#include "io/unpack.h"
#include "core/memory.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

typedef struct zstd {
    ZSTD_DCtx *context;
    bool inside; /* a frame has begun and not ended */
} zstd;

static ink_status open_zstd(void **state, ink_error *err)
{
    zstd *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "a reader of zstd", err));
    *state = s;
    s->context = ZSTD_createDCtx();
    if (!s->context ||
        ZSTD_isError(ZSTD_DCtx_setParameter(s->context, ZSTD_d_windowLogMax, INK__ZSTD_WINDOW_LOG)))
        return ink_fail(err, INK_E_MEMORY, "no memory for libzstd");
    return INK_OK;
}

static void close_zstd(void *state)
{
    zstd *s = state;
    if (s)
        ZSTD_freeDCtx(s->context);
    free(s);
}

static ink_status fail_zstd(size_t code, ink_error *err)
{
    const ZSTD_ErrorCode why = ZSTD_getErrorCode(code);
    if (why == ZSTD_error_memory_allocation)
        return ink_fail(err, INK_E_MEMORY, "no memory for libzstd");
    if (why == ZSTD_error_frameParameter_windowTooLarge)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "its zstd window is larger than %d MiB (it was made with --long); zstdcat --long=31 "
                        "reads it",
                        1 << (INK__ZSTD_WINDOW_LOG - 20));
    return ink_fail(err, INK_E_FORMAT, "its zstd data is broken: %s", ZSTD_getErrorName(code));
}

static ink_status step_zstd(void *state, char *out, size_t *out_len, const char *in, size_t *in_len,
                            ink__unpacked *where, ink_error *err)
{
    zstd *s = state;
    ZSTD_outBuffer to = {out, *out_len, 0};
    ZSTD_inBuffer from = {in, *in_len, 0};
    ink_status st = INK_OK;
    while (to.pos < to.size && (from.pos < from.size || s->inside)) {
        const size_t before = from.pos + to.pos;
        const size_t code = ZSTD_decompressStream(s->context, &to, &from);
        if (ZSTD_isError(code)) {
            st = fail_zstd(code, err);
            break;
        }
        s->inside = code != 0;
        if (from.pos + to.pos == before)
            break;
    }
    *in_len = from.pos, *out_len = to.pos;
    *where = s->inside ? INK__UNPACKED_PART : INK__UNPACKED_WHOLE;
    return st;
}

const ink__codec ink__codec_zstd = {".zst", open_zstd, step_zstd, close_zstd};
