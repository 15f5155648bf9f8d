/* Journals: see journal.h. */
#include "io/journal.h"
#include "core/crc32c.h"
#include "core/memory.h"
#include "io/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIXED = 24, CRC_AT = 20, VERSION = 1, SETTINGS_MAX = 16 << 20, PIECE = 128 << 10 };

static const char magic[8] = "INKJRNL";

struct ink__journal {
    char *path, *settings;
    int fd;
    size_t n;         /* numbers of an entry */
    uint64_t entries; /* where they begin */
    uint64_t end;     /* behind the last one that counts */
    ink__crc32c crc;
};

static void put(unsigned char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; ++i)
        to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

/* Reads up to len bytes at an offset; *got is less only where the file ends. */
static ink_status read_at(size_t *got, int fd, void *bytes, size_t len, uint64_t at, const char *path,
                          ink_error *err)
{
    for (*got = 0; *got < len;) {
        const ssize_t n = pread(fd, (char *)bytes + *got, len - *got, (off_t)(at + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ink__fail_errno(err, path, "cannot be read");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return INK_OK;
}

/* ---- the header ------------------------------------------------------------------------------------- */

static uint32_t header_crc(const ink__journal *j, const unsigned char *fixed, const char *settings,
                           size_t len)
{
    static const unsigned char zeros[4];
    uint32_t sum = ink__crc32c_add(&j->crc, 0, fixed, CRC_AT);
    sum = ink__crc32c_add(&j->crc, sum, zeros, sizeof zeros);
    return ink__crc32c_add(&j->crc, sum, settings, len);
}

/* Leaves settings NULL where nothing, or not all of a header, has been written: then there is no output yet.
 */
static ink_status read_header(ink__journal *j, ink_error *err)
{
    unsigned char fixed[FIXED];
    char *settings;
    size_t got;
    INK_TRY(read_at(&got, j->fd, fixed, sizeof fixed, 0, j->path, err));
    if (memcmp(fixed, magic, got < sizeof magic ? got : sizeof magic) != 0)
        return ink_fail(err, INK_E_FORMAT, "%s: is no journal of a job", j->path);
    if (got < sizeof fixed)
        return INK_OK;
    const size_t len = get(fixed + 12, 4);
    if (get(fixed + 8, 4) != VERSION || get(fixed + 16, 4) != j->n)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: is a journal of version %u with %u numbers, wanted %d with %zu", j->path,
                        (unsigned)get(fixed + 8, 4), (unsigned)get(fixed + 16, 4), VERSION, j->n);
    if (len > SETTINGS_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: is damaged: its settings have %zu bytes", j->path, len);
    INK_TRY(ink__calloc(&settings, len + 1, 1, "settings", err));
    ink_status st = read_at(&got, j->fd, settings, len, FIXED, j->path, err);
    if (st == INK_OK && got == len && header_crc(j, fixed, settings, len) != get(fixed + CRC_AT, 4))
        st = ink_fail(err, INK_E_FORMAT, "%s: is damaged: its header has not the checksum that it names",
                      j->path);
    if (st != INK_OK || got < len) {
        free(settings);
        return st;
    }
    j->settings = settings;
    j->entries = j->end = FIXED + len;
    return INK_OK;
}

ink_status ink__journal_open(ink__journal **out, const char *path, size_t n_numbers, ink_error *err)
{
    ink__journal *j = NULL;
    ink_status st;
    struct stat info;
    *out = NULL;
    assert(n_numbers >= INK__ENTRY_OWN && n_numbers <= INK__ENTRY_MAX);
    INK_TRY_GOTO(ink__calloc(&j, 1, sizeof *j, "a journal", err));
    j->fd = -1, j->n = n_numbers;
    ink__crc32c_init(&j->crc);
    INK_TRY_GOTO(ink__strndup(&j->path, path, strlen(path), err));
    j->fd = TEMP_FAILURE_RETRY(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666));
    if (j->fd < 0)
        st = errno == ENOENT ? ink__fail_beside(err, path, path)
                             : ink__fail_errno(err, path, "cannot be opened");
    else if (fstat(j->fd, &info) != 0 || !S_ISREG(info.st_mode))
        st = ink_fail(err, INK_E_IO, "%s: is not a regular file", path);
    else if (flock(j->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        st = ink_fail(err, INK_E_IO, "%s: another process is at work on this job", path);
    else
        st = read_header(j, err);
done:
    if (st == INK_OK)
        *out = j;
    else
        ink__journal_close(j);
    return st;
}

void ink__journal_close(ink__journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    free(j->settings);
    free(j->path);
    free(j);
}

const char *ink__journal_settings(const ink__journal *j)
{
    return j->settings;
}

ink_status ink__journal_begin(ink__journal *j, const char *settings, ink_error *err)
{
    unsigned char fixed[FIXED];
    const size_t len = strlen(settings);
    if (len > SETTINGS_MAX)
        return ink_fail(err, INK_E_ARG,
                        "%s: %zu bytes of settings (the names of the inputs), at most %d are kept", j->path,
                        len, SETTINGS_MAX);
    memcpy(fixed, magic, sizeof magic);
    put(fixed + 8, VERSION, 4);
    put(fixed + 12, len, 4);
    put(fixed + 16, j->n, 4);
    put(fixed + CRC_AT, header_crc(j, fixed, settings, len), 4);
    if (ftruncate(j->fd, 0) != 0 || lseek(j->fd, 0, SEEK_SET) != 0)
        return ink__fail_errno(err, j->path, "cannot be written");
    INK_TRY(ink__write_all(j->fd, fixed, sizeof fixed, j->path, err));
    INK_TRY(ink__write_all(j->fd, settings, len, j->path, err));
    if (fsync(j->fd) != 0)
        return ink__fail_errno(err, j->path, "cannot be synced to disk");
    j->entries = j->end = FIXED + len;
    return ink__strndup(&j->settings, settings, len, err);
}

/* ---- entries ---------------------------------------------------------------------------------------- */

/* An output that is read from its beginning to where an entry says it ends. */
typedef struct reading {
    const char *path;
    int fd; /* -1: there is none */
    uint64_t at;
    uint32_t check;
    char *buffer; /* [PIECE] */
} reading;

static ink_status open_reading(reading *r, const char *path, ink_error *err)
{
    *r = (reading){.path = path, .fd = -1};
    if (path)
        r->fd = TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (path && r->fd < 0 && errno != ENOENT)
        return ink__fail_errno(err, path, "cannot be opened");
    return ink__calloc(&r->buffer, PIECE, 1, "a buffer", err);
}

/* *agrees = the first `bytes` bytes are there and have that checksum. */
static ink_status read_on(bool *agrees, reading *r, uint64_t bytes, uint64_t check, const ink__journal *j,
                          ink_error *err)
{
    *agrees = false;
    if (r->path && r->fd < 0)
        return INK_OK;
    while (r->at < bytes) {
        const uint64_t left = bytes - r->at;
        size_t got = 0;
        if (r->fd >= 0)
            INK_TRY(read_at(&got, r->fd, r->buffer, left < PIECE ? left : PIECE, r->at, r->path, err));
        if (got == 0)
            return INK_OK;
        r->check = ink__crc32c_add(&j->crc, r->check, r->buffer, got);
        r->at += got;
    }
    *agrees = r->at == bytes && r->check == check;
    return INK_OK;
}

/* Reads the entry at j->end; *whole is false where none that is right stands there. */
static ink_status read_entry(uint64_t *entry, bool *whole, ink__journal *j, ink_error *err)
{
    unsigned char bytes[8 * (INK__ENTRY_MAX + 1)];
    size_t got;
    INK_TRY(read_at(&got, j->fd, bytes, 8 * (j->n + 1), j->end, j->path, err));
    *whole =
        got == 8 * (j->n + 1) && ink__crc32c_add(&j->crc, 0, bytes, 8 * j->n) == get(bytes + 8 * j->n, 8);
    for (size_t i = 0; *whole && i < j->n; ++i)
        entry[i] = get(bytes + 8 * i, 8);
    return INK_OK;
}

ink_status ink__journal_find(uint64_t *entry, ink__journal *j, const char *const outputs[2], ink_error *err)
{
    reading r[2] = {{.fd = -1}, {.fd = -1}};
    uint64_t next[INK__ENTRY_MAX];
    bool agrees = true;
    ink_status st;
    memset(entry, 0, j->n * sizeof *entry);
    j->end = j->entries;
    INK_TRY_GOTO(open_reading(&r[0], outputs[0], err));
    INK_TRY_GOTO(open_reading(&r[1], outputs[1], err));
    for (;;) {
        INK_TRY_GOTO(read_entry(next, &agrees, j, err));
        for (size_t i = 0; agrees && i < 2; ++i)
            INK_TRY_GOTO(read_on(&agrees, &r[i], next[INK__ENTRY_BYTES + 2 * i],
                                 next[INK__ENTRY_CHECK + 2 * i], j, err));
        if (!agrees)
            break;
        memcpy(entry, next, j->n * sizeof *entry);
        j->end += 8 * (j->n + 1);
    }
done:
    for (size_t i = 0; i < 2; ++i) {
        if (r[i].fd >= 0)
            close(r[i].fd);
        free(r[i].buffer);
    }
    return st;
}

ink_status ink__journal_cut(ink__journal *j, ink_error *err)
{
    return ftruncate(j->fd, (off_t)j->end) == 0 ? INK_OK : ink__fail_errno(err, j->path, "cannot be cut");
}

ink_status ink__journal_add(ink__journal *j, const uint64_t *entry, bool sync, ink_error *err)
{
    unsigned char bytes[8 * (INK__ENTRY_MAX + 1)];
    for (size_t i = 0; i < j->n; ++i)
        put(bytes + 8 * i, entry[i], 8);
    put(bytes + 8 * j->n, ink__crc32c_add(&j->crc, 0, bytes, 8 * j->n), 8);
    if (lseek(j->fd, (off_t)j->end, SEEK_SET) < 0)
        return ink__fail_errno(err, j->path, "cannot be written");
    INK_TRY(ink__write_all(j->fd, bytes, 8 * (j->n + 1), j->path, err));
    if (sync && fsync(j->fd) != 0)
        return ink__fail_errno(err, j->path, "cannot be synced to disk");
    j->end += 8 * (j->n + 1);
    return INK_OK;
}
