/* The story of a run: see log.h. */
#include "train/log.h"
#include "core/memory.h"
#include "io/file.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ink__log {
    char *path;
    int fd;
    ink__text line;
    ink_status status; /* of the line under way */
    ink_error error;
};

static ink_status open_log(ink__log **out, const char *path, int flags, ink_error *err)
{
    struct stat info;
    ink__log *log;
    ink_status st;
    *out = NULL;
    INK_TRY(ink__calloc(&log, 1, sizeof *log, "a log", err));
    log->fd = -1;
    INK_TRY_GOTO(ink__strndup(&log->path, path, strlen(path), err));
    /* O_NONBLOCK: a pipe given by mistake is refused below instead of waited for. */
    log->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | flags, 0666);
    if (log->fd < 0 || fstat(log->fd, &info) != 0)
        st = ink__fail_errno(err, path, "cannot be written");
    else if (!S_ISREG(info.st_mode))
        st = ink_fail(err, INK_E_IO, "%s: is not a regular file", path);
done:
    if (st == INK_OK)
        *out = log;
    else
        ink__log_free(log);
    return st;
}

ink_status ink__log_create(ink__log **log, const char *path, ink_error *err)
{
    return open_log(log, path, O_TRUNC, err);
}

void ink__log_free(ink__log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    ink__text_free(&log->line);
    free(log->path);
    free(log);
}

/* ---- resuming -------------------------------------------------------------------------------------- */

/* False where the line of len bytes is not {"step":N,...} or {"step":N}. */
static bool read_step(uint64_t *step, const char *line, size_t len)
{
    static const char opening[] = "{\"step\":";
    const char *p = line + sizeof opening - 1, *end = line + len;
    if (len <= sizeof opening || memcmp(line, opening, sizeof opening - 1) != 0 || end[-1] != '}')
        return false;
    const char *digits = p;
    *step = 0;
    for (; *p >= '0' && *p <= '9'; ++p)
        if (__builtin_mul_overflow(*step, 10, step) ||
            __builtin_add_overflow(*step, (uint64_t)(*p - '0'), step))
            return false;
    return p > digits && (*p == ',' || p == end - 1);
}

/* *keep = the bytes of the lines that stay. */
static ink_status find_end(size_t *keep, const ink__map *map, const char *path, uint64_t step, ink_error *err)
{
    const char *p = (const char *)map->data, *end = p + map->size, *line_end;
    size_t number = 0;
    for (; p < end && (line_end = memchr(p, '\n', (size_t)(end - p))); p = line_end + 1) {
        uint64_t found;
        ++number;
        if (!read_step(&found, p, (size_t)(line_end - p)))
            return ink_fail(err, INK_E_FORMAT, "%s: line %zu is not of a run's log", path, number);
        if (found > step)
            break;
    }
    *keep = (size_t)(p - (const char *)map->data);
    return INK_OK;
}

ink_status ink__log_resume(ink__log **log, const char *path, uint64_t step, ink_error *err)
{
    ink__map map = {0};
    size_t keep = 0;
    INK_TRY(open_log(log, path, 0, err));
    ink_status st = ink__map_open(&map, path, err);
    if (st == INK_OK)
        st = find_end(&keep, &map, path, step, err);
    ink__map_close(&map);
    if (st == INK_OK && ftruncate((*log)->fd, (off_t)keep) != 0)
        st = ink__fail_errno(err, path, "cannot be cut");
    if (st != INK_OK) {
        ink__log_free(*log);
        *log = NULL;
    }
    return st;
}

/* ---- lines ----------------------------------------------------------------------------------------- */

static void append(ink__log *log, ink_status st)
{
    if (log->status == INK_OK)
        log->status = st;
}

static void add_key(ink__log *log, const char *key)
{
    append(log, ink__text_cstr(&log->line, ",", &log->error));
    append(log, ink__text_string(&log->line, key, strlen(key), &log->error));
    append(log, ink__text_cstr(&log->line, ":", &log->error));
}

void ink__log_start(ink__log *log, uint64_t step)
{
    log->line.len = 0;
    log->status = INK_OK;
    append(log, ink__text_cstr(&log->line, "{\"step\":", &log->error));
    append(log, ink__text_uint(&log->line, step, &log->error));
}

void ink__log_number(ink__log *log, const char *key, double value)
{
    add_key(log, key);
    append(log, ink__text_float(&log->line, (float)value, &log->error));
}

void ink__log_count(ink__log *log, const char *key, uint64_t value)
{
    add_key(log, key);
    append(log, ink__text_uint(&log->line, value, &log->error));
}

void ink__log_string(ink__log *log, const char *key, const char *value)
{
    add_key(log, key);
    append(log, ink__text_string(&log->line, value, strlen(value), &log->error));
}

void ink__log_time(ink__log *log, double seconds, double tokens_per_s)
{
    add_key(log, "time");
    append(log, ink__text_cstr(&log->line, "{\"seconds\":", &log->error));
    append(log, ink__text_float(&log->line, (float)seconds, &log->error));
    append(log, ink__text_cstr(&log->line, ",\"tokens_per_s\":", &log->error));
    append(log, ink__text_float(&log->line, (float)tokens_per_s, &log->error));
    append(log, ink__text_cstr(&log->line, "}", &log->error));
}

ink_status ink__log_write(ink__log *log, ink_error *err)
{
    append(log, ink__text_cstr(&log->line, "}\n", &log->error));
    if (log->status != INK_OK)
        return ink_fail(err, log->status, "%s: %s", log->path, log->error.text);
    return ink__write_all(log->fd, log->line.data, log->line.len, log->path, err);
}

ink_status ink__log_sync(ink__log *log, ink_error *err)
{
    return fsync(log->fd) == 0 ? INK_OK : ink__fail_errno(err, log->path, "cannot be synced to disk");
}
