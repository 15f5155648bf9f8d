/* Files: mapped, read whole, and written whole or not at all. See file.h. */
#include "io/file.h"
#include "core/digest.h"
#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

ink_status ink__fail_errno(ink_error *err, const char *path, const char *what)
{
    const int code = errno;
    const char *reason = strerrordesc_np(code);
    return ink_fail(err, INK_E_IO, "%s: %s: %s", path, what, reason ? reason : "unknown error");
}

ink_status ink__fail_beside(ink_error *err, const char *path, const char *target)
{
    const char *slash = strrchr(target, '/');
    const size_t len = !slash ? 0 : slash == target ? 1 : (size_t)(slash - target);
    if (errno == ENOENT && slash)
        return ink_fail(err, INK_E_IO, "%s: cannot be written: the folder %.*s does not exist", path,
                        len < 400 ? (int)len : 400, target);
    return ink__fail_errno(err, path, "cannot be written: nothing can be made in its folder");
}

ink_status ink__map_open(ink__map *map, const char *path, ink_error *err)
{
    ink_status st = INK_OK;
    struct stat info;
    *map = (ink__map){(const unsigned char *)"", 0};
    /* O_NONBLOCK: a pipe given by mistake is refused below instead of waited for. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return ink__fail_errno(err, path, "cannot be opened");
    if (fstat(fd, &info) != 0)
        st = ink__fail_errno(err, path, "cannot be examined");
    else if (S_ISDIR(info.st_mode))
        st = ink_fail(err, INK_E_IO, "%s: is a directory, wanted a file", path);
    else if (!S_ISREG(info.st_mode))
        st = ink_fail(err, INK_E_IO, "%s: is not a regular file", path);
    else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            st = ink__fail_errno(err, path, "cannot be mapped into memory");
        else
            *map = (ink__map){data, (size_t)info.st_size};
    }
    close(fd);
    return st;
}

void ink__map_close(ink__map *map)
{
    if (map->size > 0)
        munmap((void *)map->data, map->size);
    *map = (ink__map){(const unsigned char *)"", 0};
}

ink_status ink__path_join(char **path, const char *dir, const char *name, ink_error *err)
{
    const size_t n_dir = strlen(dir), n_name = strlen(name);
    const bool slash = n_dir > 0 && dir[n_dir - 1] != '/';
    INK_TRY(ink__calloc(path, n_dir + slash + n_name + 1, 1, "a path", err));
    memcpy(*path, dir, n_dir);
    if (slash)
        (*path)[n_dir] = '/';
    memcpy(*path + n_dir + slash, name, n_name);
    return INK_OK;
}

bool ink__file_exists(const char *dir, const char *name)
{
    char *path;
    struct stat info;
    if (ink__path_join(&path, dir, name, NULL) != INK_OK)
        return false;
    const bool exists = stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
    free(path);
    return exists;
}

ink_status ink__write_all(int fd, const void *bytes, size_t len, const char *path, ink_error *err)
{
    const char *p = bytes;
    while (len > 0) {
        const ssize_t n = write(fd, p, len);
        if (n > 0) {
            p += n, len -= (size_t)n;
        } else if (n == 0) {
            return ink_fail(err, INK_E_IO, "%s: cannot be written: it takes no more bytes", path);
        } else if (errno == EAGAIN) {
            /* Somebody made the descriptor non-blocking; wait as a blocking one would. */
            struct pollfd wait = {fd, POLLOUT, 0};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                return ink__fail_errno(err, path, "cannot be written");
        } else if (errno != EINTR) {
            return ink__fail_errno(err, path, "cannot be written");
        }
    }
    return INK_OK;
}

struct ink__atomic {
    char *path;      /* as the caller named it, for messages */
    char *target;    /* where it goes: path with symbolic links followed */
    char *temporary; /* NULL when written in place or committed */
    int fd;
    size_t written;
};

/* Resolves file->path to file->target; *info is what stands there already, with st_mode 0 for nothing. */
static ink_status find_target(ink__atomic *file, struct stat *info, ink_error *err)
{
    *info = (struct stat){0};
    if (lstat(file->path, info) != 0) {
        *info = (struct stat){0};
        if (errno != ENOENT || !file->path[0])
            return ink__fail_errno(err, file->path, "cannot be written");
    } else if (S_ISLNK(info->st_mode)) {
        /* A rename would replace the link, not the file that it stands for. */
        file->target = realpath(file->path, NULL);
        if (stat(file->path, info) != 0)
            return ink__fail_errno(err, file->path, "cannot be written");
    }
    if (S_ISDIR(info->st_mode))
        return ink_fail(err, INK_E_IO, "%s: cannot be written: it is a directory", file->path);
    if (!file->target)
        INK_TRY(ink__strndup(&file->target, file->path, strlen(file->path), err));
    return INK_OK;
}

static bool is_temporary(const char *name)
{
    static const char first[] = ".inkling-";
    enum { FIRST = sizeof first - 1, DIGITS = 16 };
    return strncmp(name, first, FIRST) == 0 && strspn(name + FIRST, "0123456789abcdef") == DIGITS &&
           strcmp(name + FIRST + DIGITS, ".tmp") == 0;
}

/* Removes dir/name if nobody holds it: whoever writes a temporary has it locked until it is renamed. */
static void remove_stale(int dir, const char *name)
{
    struct stat info;
    const int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
        flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(dir, name, 0);
    close(fd);
}

/* Removes what killed processes left of this target: temporaries that begin so. */
static void sweep_target(const char *temporary, size_t n_dir, const char *begin)
{
    char *path = n_dir ? strndup(temporary, n_dir) : NULL;
    DIR *dir = opendir(path ? path : ".");
    free(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (is_temporary(entry->d_name) && strncmp(entry->d_name, begin, strlen(begin)) == 0)
            remove_stale(dirfd(dir), entry->d_name);
    closedir(dir);
}

/* Takes the new file for this process: false where somebody who swept was quicker. A file system without
 * locks has nobody who sweeps either. */
static bool hold(int fd)
{
    struct stat info;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return fstat(fd, &info) == 0 && info.st_nlink > 0;
}

/* Opens a new file beside the target. The name is our own and short, so that a target whose name is as long
 * as a name may be can still be written: half of it stands for the target's name, half is drawn. The kernel
 * applies the umask. */
static ink_status open_temporary(ink__atomic *file, ink_error *err)
{
    const char *slash = strrchr(file->target, '/'), *name = slash ? slash + 1 : file->target;
    const size_t n_dir = (size_t)(name - file->target), room = n_dir + 48;
    const ink__digest digest = ink__digest_of((ink__digest){0}, name, strlen(name));
    char begin[32];
    INK_TRY(ink__calloc(&file->temporary, room, 1, "a path", err));
    memcpy(file->temporary, file->target, n_dir);
    snprintf(begin, sizeof begin, ".inkling-%08x", (unsigned)(digest.low & 0xFFFFFFFF));
    sweep_target(file->temporary, n_dir, begin);
    for (int attempt = 0; attempt < 100; ++attempt) {
        uint32_t random;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
            continue;
        snprintf(file->temporary + n_dir, room - n_dir, "%s%08x.tmp", begin, (unsigned)random);
        file->fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->fd >= 0 && hold(file->fd))
            return INK_OK;
        if (file->fd < 0 && errno != EEXIST && errno != EINTR)
            break;
        if (file->fd >= 0)
            close(file->fd);
        file->fd = -1;
    }
    const ink_status st = ink__fail_beside(err, file->path, file->target);
    free(file->temporary);
    file->temporary = NULL;
    return st;
}

ink_status ink__atomic_open(ink__atomic **out, const char *path, ink_error *err)
{
    ink_status st;
    struct stat info;
    ink__atomic *file = NULL;
    *out = NULL;
    INK_TRY(ink__calloc(&file, 1, sizeof *file, "a file", err));
    file->fd = -1;
    INK_TRY_GOTO(ink__strndup(&file->path, path, strlen(path), err));
    INK_TRY_GOTO(find_target(file, &info, err));
    if (info.st_mode && !S_ISREG(info.st_mode)) {
        file->fd = TEMP_FAILURE_RETRY(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
        if (file->fd < 0)
            st = ink__fail_errno(err, path, "cannot be opened for writing");
        goto done;
    }
    /* Its directory would let a protected file be replaced; its owner did not mean that. */
    if (info.st_mode && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0) {
        st = ink__fail_errno(err, path, "cannot be written");
        goto done;
    }
    INK_TRY_GOTO(open_temporary(file, err));
    if (info.st_mode && fchmod(file->fd, info.st_mode & 07777) != 0)
        st = ink__fail_errno(err, path, "its mode cannot be kept");
done:
    if (st == INK_OK)
        *out = file;
    else
        ink__atomic_free(file);
    return st;
}

ink_status ink__atomic_write(ink__atomic *file, const void *bytes, size_t len, ink_error *err)
{
    INK_TRY(ink__write_all(file->fd, bytes, len, file->path, err));
    file->written += len;
    return INK_OK;
}

ink_status ink__atomic_rewrite(ink__atomic *file, size_t offset, const void *bytes, size_t len,
                               ink_error *err)
{
    if (offset > file->written || len > file->written - offset)
        return ink_fail(err, INK_E_ARG, "%s: bytes %zu to %zu cannot be rewritten, only %zu were written",
                        file->path, offset, offset + len, file->written);
    const char *p = bytes;
    while (len > 0) {
        const ssize_t n = pwrite(file->fd, p, len, (off_t)offset);
        if (n > 0)
            p += n, len -= (size_t)n, offset += (size_t)n;
        else if (n == 0)
            return ink_fail(err, INK_E_IO, "%s: cannot be rewritten: it takes no more bytes", file->path);
        else if (errno != EINTR)
            return ink__fail_errno(err, file->path, "cannot be rewritten");
    }
    return INK_OK;
}

/* File systems that cannot sync a directory say EINVAL, and a directory that may be written but not read
 * cannot be opened: neither makes what is in it any less whole. */
ink_status ink__sync_directory(const char *dir, const char *path, ink_error *err)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return INK_OK;
    const int failed = fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP ? errno : 0;
    close(fd);
    errno = failed;
    return failed ? ink__fail_errno(err, path, "its directory cannot be synced") : INK_OK;
}

ink_status ink__sync_parent(const char *target, const char *path, ink_error *err)
{
    char *dir;
    const char *slash = strrchr(target, '/');
    const size_t n = slash ? (size_t)(slash - target) + 1 : 1;
    INK_TRY(ink__strndup(&dir, slash ? target : ".", n, err));
    const ink_status st = ink__sync_directory(dir, path, err);
    free(dir);
    return st;
}

ink_status ink__atomic_commit(ink__atomic *file, ink_error *err)
{
    if (file->temporary && fsync(file->fd) != 0)
        return ink__fail_errno(err, file->path, "cannot be synced to disk");
    const int lock = file->temporary ? fcntl(file->fd, F_DUPFD_CLOEXEC, 0) : -1; /* until it is renamed */
    const int closed = close(file->fd);
    file->fd = lock;
    if (closed != 0 && errno != EINTR)
        return ink__fail_errno(err, file->path, "cannot be closed");
    if (!file->temporary)
        return INK_OK;
    if (rename(file->temporary, file->target) != 0)
        return ink__fail_errno(err, file->path, "cannot be put in place");
    free(file->temporary);
    file->temporary = NULL;
    return ink__sync_parent(file->target, file->path, err);
}

void ink__atomic_free(ink__atomic *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->target);
    free(file->path);
    free(file);
}

void ink__atomic_sweep(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (is_temporary(entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}
