/* A buffered byte source over read(2): see source.h. */
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

ink_status ink__source_open(ink__source *source, const char *path, ink_error *err)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (fd < 0)
        return ink__fail_errno(err, path, "cannot be opened");
    *source = (ink__source){.name = is_stdin ? "standard input" : path,
                            .fd = fd,
                            .data = source->data,
                            .capacity = source->capacity,
                            .bytes_read = source->bytes_read};
    return INK_OK;
}

void ink__source_close(ink__source *source)
{
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    source->fd = -1;
    source->begin = source->end = 0;
}

void ink__source_free(ink__source *source)
{
    ink__source_close(source);
    free(source->data);
    *source = (ink__source){.fd = -1};
}

bool ink__source_waits(const ink__source *source)
{
    struct pollfd input = {source->fd, POLLIN, 0};
    return !source->eof && poll(&input, 1, 0) != 1; /* a signal may have cut the question short: not known */
}

ink_status ink__source_fill(ink__source *source, ink_error *err)
{
    if (source->capacity - source->end < PIECE && source->begin > 0) {
        memmove(source->data, source->data + source->begin, source->end - source->begin);
        source->end -= source->begin;
        source->begin = 0;
    }
    INK_TRY(ink__grow(&source->data, &source->capacity, source->end + PIECE, 1, "an input buffer", err));
    for (;;) {
        const ssize_t n = read(source->fd, source->data + source->end, source->capacity - source->end);
        if (n >= 0) {
            source->end += (size_t)n;
            source->bytes_read += (uint64_t)n;
            source->eof = n == 0;
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

bool ink__source_start(ink__source *source)
{
    static const char mark[] = "\xEF\xBB\xBF";
    const size_t n = source->end - source->begin;
    if (source->started)
        return true;
    if (n < 3 && !source->eof && (n == 0 || memcmp(source->data + source->begin, mark, n) == 0))
        return false;
    if (n >= 3 && memcmp(source->data + source->begin, mark, 3) == 0)
        source->begin += 3;
    source->started = true;
    return true;
}

/* Ends the line being looked for after len bytes of the window, taking `take` of them. */
static ink__step end_line(ink__line *line, ink__source *source, size_t len, size_t take)
{
    char *bytes = source->data + source->begin;
    if (take > len && len > 0 && bytes[len - 1] == '\r')
        --len;
    len += source->dropped;
    *line = (ink__line){len > INK__RECORD_MAX ? NULL : bytes, len, ++source->lines};
    source->begin += take;
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
        source->begin += n - 1;
        source->dropped += n - 1;
        source->searched = 1;
    }
    return INK__STEP_MORE;
}
