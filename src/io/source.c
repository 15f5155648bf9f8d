/* A buffered byte source over read(2) and the codecs: see source.h. */
#include "io/source.h"
#include "io/file.h"
#include "io/records.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)128 << 10)

static ink_status open_packed(ink__packed *packed, const ink__codec *codec, ink_error *err)
{
    *packed = (ink__packed){.codec = codec, .data = packed->data, .where = INK__UNPACKED_WHOLE};
    if (!codec)
        return INK_OK;
    if (!packed->data)
        INK_TRY(ink__calloc(&packed->data, 1, PIECE, "an input buffer", err));
    return codec->open(&packed->state, err);
}

ink_status ink__source_open(ink__source *source, const char *path, const ink__codec *codec, ink_error *err)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    *source = (ink__source){.name = is_stdin ? "standard input" : path,
                            .is_stdin = is_stdin,
                            .fd = -1,
                            .packed = source->packed,
                            .data = source->data,
                            .capacity = source->capacity,
                            .bytes_read = source->bytes_read,
                            .crc = source->crc,
                            .check = source->check};
    source->fd = is_stdin ? STDIN_FILENO : TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (source->fd < 0)
        return ink__fail_errno(err, path, "cannot be opened");
    return open_packed(&source->packed, codec, err);
}

void ink__source_close(ink__source *source)
{
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    source->fd = -1;
    source->begin = source->end = 0;
    if (source->packed.codec)
        source->packed.codec->close(source->packed.state);
    source->packed.codec = NULL;
}

void ink__source_free(ink__source *source)
{
    ink__source_close(source);
    free(source->packed.data);
    free(source->data);
    *source = (ink__source){.fd = -1};
}

bool ink__source_over(uint64_t *at, const ink__source *source)
{
    *at = source->packed.taken;
    return source->packed.where == INK__UNPACKED_OVER;
}

bool ink__source_waits(const ink__source *source)
{
    const ink__packed *packed = &source->packed;
    struct pollfd input = {source->fd, POLLIN, 0};
    if (source->eof || (packed->codec && (packed->begin < packed->end || packed->more || packed->eof ||
                                          packed->broken.status)))
        return false;
    return poll(&input, 1, 0) != 1; /* a signal may have cut the question short: not known */
}

void ink__source_wait(const ink__source *source, int milliseconds)
{
    struct pollfd input = {source->fd, POLLIN, 0};
    (void)poll(&input, 1, milliseconds);
}

void ink__source_take(ink__source *source, size_t n)
{
    if (source->crc)
        source->check = ink__crc32c_add(source->crc, source->check, source->data + source->begin, n);
    source->begin += n;
}

/* Reads once, at least one byte unless the input ends. */
static ink_status read_bytes(size_t *n, ink__source *source, char *bytes, size_t size, ink_error *err)
{
    for (;;) {
        const ssize_t got = read(source->fd, bytes, size);
        if (got >= 0) {
            source->bytes_read += (uint64_t)got;
            *n = (size_t)got;
            return INK_OK;
        }
        if (errno == EAGAIN) {
            /* Somebody made the descriptor non-blocking; wait as a blocking one would. */
            struct pollfd wait = {source->fd, POLLIN, 0};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                return ink__fail_errno(err, source->name, "cannot be read");
        } else if (errno != EINTR) {
            return ink__fail_errno(err, source->name, "cannot be read");
        }
    }
}

/* Bytes out of the codec, reading what it needs. */
static ink_status unpack(ink__source *source, ink_error *err)
{
    ink__packed *p = &source->packed;
    ink_error why = p->broken;
    if (p->begin == p->end && !p->more && !p->eof && why.status == INK_OK) {
        p->begin = p->end = 0;
        INK_TRY(read_bytes(&p->end, source, p->data, PIECE, err));
        p->eof = p->end == 0;
    }
    size_t taken = p->end - p->begin, given = source->capacity - source->end;
    const size_t room = given;
    if (why.status == INK_OK)
        (void)p->codec->step(p->state, source->data + source->end, &given, p->data + p->begin, &taken,
                             &p->where, &why);
    else
        given = taken = 0;
    p->begin += taken, p->taken += taken;
    source->end += given;
    p->more = given == room;
    if (p->where == INK__UNPACKED_OVER)
        p->eof = true, p->more = false, p->begin = p->end;
    if (why.status == INK_OK && given == 0 && p->eof && p->begin == p->end && p->where == INK__UNPACKED_PART)
        ink_fail(&why, INK_E_FORMAT, "ends in the middle of its compressed data");
    if (why.status != INK_OK && given == 0)
        return ink_fail(err, why.status, "%s: %s", source->name, why.text);
    p->broken = why;
    source->eof =
        p->eof && p->begin == p->end && !p->more && p->where != INK__UNPACKED_PART && why.status == INK_OK;
    return INK_OK;
}

ink_status ink__source_fill(ink__source *source, ink_error *err)
{
    if (source->capacity - source->end < PIECE && source->begin > 0) {
        memmove(source->data, source->data + source->begin, source->end - source->begin);
        source->end -= source->begin;
        source->begin = 0;
    }
    INK_TRY(ink__grow(&source->data, &source->capacity, source->end + PIECE, 1, "an input buffer", err));
    if (source->packed.codec)
        return unpack(source, err);
    size_t n;
    INK_TRY(read_bytes(&n, source, source->data + source->end, source->capacity - source->end, err));
    source->end += n;
    source->eof = n == 0;
    return INK_OK;
}

/* What other files begin with than UTF-8 text does. */
static const struct magic {
    const char *bytes;
    size_t len;
    const char *what; /* behind "is " */
} magics[] = {
    {"\xFF\xFE", 2, "UTF-16, wanted UTF-8 (iconv -f UTF-16 -t UTF-8 converts it)"},
    {"\xFE\xFF", 2, "UTF-16, wanted UTF-8 (iconv -f UTF-16 -t UTF-8 converts it)"},
    {"\x1F\x8B\x08", 3, "compressed by gzip; zcat makes text of it, and a file named *.gz is read as it is"},
    {"\x28\xB5\x2F\xFD", 4,
     "compressed by zstd; zstdcat makes text of it, and a file named *.zst is read as it is"},
    {"BZh91AY&SY", 10, "compressed by bzip2; bzcat makes text of it"},
    {"\xFD"
     "7zXZ\0",
     6, "compressed by xz; xzcat makes text of it"},
    {"PK\3\4", 4, "a zip archive, as .xlsx and .docx are, wanted text"},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8, "a Microsoft Office file, wanted text"},
    {"%PDF-", 5, "a PDF file, wanted text (pdftotext makes that)"},
    {"PAR1\x15", 5, "a Parquet file, wanted text"},
};

ink_status ink__source_start(bool *started, ink__source *source, ink_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    const size_t n = source->end - source->begin;
    *started = source->started;
    if (source->started || (n == 0 && !source->eof))
        return INK_OK;
    const char *bytes = source->data + source->begin;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; ++i) {
        const struct magic *m = &magics[i];
        if (n >= m->len && memcmp(bytes, m->bytes, m->len) == 0)
            return ink_fail(err, INK_E_UNSUPPORTED, "%s: is %s", source->name, m->what);
        if (n < m->len && !source->eof && memcmp(bytes, m->bytes, n) == 0)
            return INK_OK;
    }
    if (n < 3 && !source->eof && memcmp(bytes, mark, n) == 0)
        return INK_OK;
    if (n >= 3 && memcmp(bytes, mark, 3) == 0)
        source->begin += 3;
    *started = source->started = true;
    return INK_OK;
}

/* Ends the line being looked for after len bytes of the window, taking `take` of them. */
static ink__step end_line(ink__line *line, ink__source *source, size_t len, size_t take)
{
    char *bytes = source->data + source->begin;
    if (take > len && len > 0 && bytes[len - 1] == '\r')
        --len;
    len += source->dropped;
    *line = (ink__line){len > INK__RECORD_MAX ? NULL : bytes, len, ++source->lines};
    ink__source_take(source, take);
    source->searched = source->dropped = 0;
    return INK__STEP_RECORD;
}

ink__step ink__source_line(ink__line *line, ink__source *source)
{
    const size_t n = source->end - source->begin;
    if (n > source->searched) {
        const char *from = source->data + source->begin + source->searched;
        const char *newline = memchr(from, '\n', n - source->searched);
        if (newline) {
            const size_t len = (size_t)(newline - source->data) - source->begin;
            return end_line(line, source, len, len + 1);
        }
    }
    if (source->eof)
        return n + source->dropped > 0 ? end_line(line, source, n, n) : INK__STEP_END;
    source->searched = n;
    /* One byte more than a record may have, which may be the "\r" of the line's end: so the last one stays.
     */
    if (n > INK__RECORD_MAX + 1 || (source->dropped > 0 && n > 1)) {
        ink__source_take(source, n - 1);
        source->dropped += n - 1;
        source->searched = 1;
    }
    return INK__STEP_MORE;
}
