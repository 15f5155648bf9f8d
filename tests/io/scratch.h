/* A directory of its own for each test, and small files in it. A suite names make_scratch as its .init and
 * remove_scratch as its .fini. */
#ifndef INK_TESTS_IO_SCRATCH_H
#define INK_TESTS_IO_SCRATCH_H

#include "core/status.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a test of bounded memory may take. A sanitizer keeps what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_LIMIT_KIB (700 << 10)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_LIMIT_KIB (700 << 10)
#endif
#endif
#ifndef MEMORY_LIMIT_KIB
#define MEMORY_LIMIT_KIB (250 << 10)
#endif

static char scratch[] = "/tmp/inkling-test-XXXXXX";

static inline void make_scratch(void)
{
    cr_assert(mkdtemp(scratch), "a scratch directory cannot be made");
}

static inline int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static inline void remove_scratch(void)
{
    nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Before anything that writes to a device: broken code that is run by root would replace it with a file. */
static inline void become_nobody(void)
{
    if (geteuid() == 0)
        cr_assert(chown(scratch, 65534, 65534) == 0 && setegid(65534) == 0 && seteuid(65534) == 0);
}

static inline void become_ourselves_again(void)
{
    cr_assert(seteuid(getuid()) == 0 && setegid(getgid()) == 0);
}

/* scratch/name, in one of a few static buffers. */
static inline const char *scratch_path(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static inline const char *scratch_bytes(const char *name, const void *bytes, size_t len)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, "%s cannot be written", path);
    return path;
}

static inline const char *scratch_text(const char *name, const char *text)
{
    return scratch_bytes(name, text, strlen(text));
}

/* The file's bytes, malloc'd and terminated. */
static inline char *read_back(size_t *len, const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s cannot be read", path);
    char *bytes = calloc(1, 1 << 20);
    *len = fread(bytes, 1, (1 << 20) - 1, file);
    fclose(file);
    return bytes;
}

static inline bool holds(const char *path, const char *text)
{
    size_t len;
    char *bytes = read_back(&len, path);
    const bool same = len == strlen(text) && memcmp(bytes, text, len) == 0;
    free(bytes);
    return same;
}

static inline int entries_in(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return n;
}

/* The call failed with this status, and its sentence holds this text. */
#define expect_failure(st, err, status_wanted, wanted)                                                       \
    do {                                                                                                     \
        const ink_status st_ = (st);                                                                         \
        cr_expect(st_ == (status_wanted), "%s, wanted %s (%s)", ink_status_name(st_),                        \
                  ink_status_name(status_wanted), st_ == INK_OK ? "" : (err).text);                          \
        if (st_ != INK_OK)                                                                                   \
            cr_expect(strstr((err).text, (wanted)), "the sentence is `%s`, wanted `%s` in it", (err).text,   \
                      (wanted));                                                                             \
    } while (0)

#define assert_ok(st, err) cr_assert((st) == INK_OK, "%s", (err).text)

#endif
