/* Files that grow under another name: see part.h. */
#include "io/part.h"
#include "core/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ink__part {
    char *path, *target;
    int fd;
};

ink_status ink__part_open(ink__part **out, const char *path, const char *target, uint64_t bytes,
                          ink_error *err)
{
    ink__part *part = NULL;
    ink_status st;
    struct stat info;
    *out = NULL;
    INK_TRY_GOTO(ink__calloc(&part, 1, sizeof *part, "a file", err));
    part->fd = -1;
    INK_TRY_GOTO(ink__strndup(&part->path, path, strlen(path), err));
    INK_TRY_GOTO(ink__strndup(&part->target, target, strlen(target), err));
    part->fd = TEMP_FAILURE_RETRY(open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666));
    if (part->fd < 0)
        st = errno == ENOENT ? ink__fail_beside(err, path, path)
                             : ink__fail_errno(err, path, "cannot be opened for writing");
    else if (fstat(part->fd, &info) != 0 || !S_ISREG(info.st_mode))
        st = ink_fail(err, INK_E_IO, "%s: is not a regular file", path);
    else if (ftruncate(part->fd, (off_t)bytes) != 0 || lseek(part->fd, 0, SEEK_END) < 0)
        st = ink__fail_errno(err, path, "cannot be cut");
done:
    if (st == INK_OK)
        *out = part;
    else
        ink__part_free(part);
    return st;
}

ink_status ink__part_write(ink__part *part, const void *bytes, size_t len, ink_error *err)
{
    return ink__write_all(part->fd, bytes, len, part->path, err);
}

ink_status ink__part_sync(ink__part *part, ink_error *err)
{
    return fsync(part->fd) == 0 ? INK_OK : ink__fail_errno(err, part->path, "cannot be synced to disk");
}

ink_status ink__part_rename(ink__part *part, ink_error *err)
{
    if (rename(part->path, part->target) != 0)
        return ink__fail_errno(err, part->target, "cannot be put in place");
    return ink__sync_parent(part->target, part->target, err);
}

void ink__part_free(ink__part *part)
{
    if (!part)
        return;
    if (part->fd >= 0)
        close(part->fd);
    free(part->path);
    free(part->target);
    free(part);
}
