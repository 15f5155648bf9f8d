/* Files: mapped, read whole, and written whole or not at all. */
#ifndef INK_IO_FILE_H
#define INK_IO_FILE_H

#include "core/status.h"

/* INK_E_IO "path: what: reason", the reason being errno's. */
/* As errno says: nothing could be made beside target. path is its name for the message. */
ink_status ink__fail_beside(ink_error *err, const char *path, const char *target);
ink_status ink__fail_errno(ink_error *err, const char *path, const char *what);

/* A whole regular file, mapped read-only. An empty file has size 0 and data "". Whoever shortens the file
 * while it is mapped brings SIGBUS on its readers; replacing it, as ink__atomic does, is harmless. */
typedef struct ink__map {
    const unsigned char *data;
    size_t size;
} ink__map;

/* INK_E_IO: missing, a directory, not a regular file, unreadable; the text names the path and the reason. */
ink_status ink__map_open(ink__map *map, const char *path, ink_error *err);
void ink__map_close(ink__map *map);

/* *path = dir/name, malloc'd. */
ink_status ink__path_join(char **path, const char *dir, const char *name, ink_error *err);

/* True if dir/name exists as anything but a directory. */
bool ink__file_exists(const char *dir, const char *name);

/* Makes what was renamed or made in dir survive a power cut; `path` is named where that fails. */
ink_status ink__sync_directory(const char *dir, const char *path, ink_error *err);

/* The same for the directory that holds the file `target`. */
ink_status ink__sync_parent(const char *target, const char *path, ink_error *err);

/* Writes all of it to a descriptor, whatever the interruptions; INK_E_IO names path and reason. A write to a
 * closed pipe also raises SIGPIPE, and one past the file size limit SIGXFSZ: a program that wants the status
 * instead of the signal ignores both, as the inkling command does. */
ink_status ink__write_all(int fd, const void *bytes, size_t len, const char *path, ink_error *err);

/* A file that appears under its name only when it is complete: written to a temporary beside it, synced and
 * renamed by commit. free without commit removes the temporary; a killed process leaves it behind, as
 * ".inkling-<16 hex digits>.tmp", and the next one to open the same path removes it: the lock on it is free
 * (flock). The mode is that of the file it replaces, else what the umask leaves; a
 * symbolic link stays one. A path that exists and is not a regular file (/dev/null, a pipe) is written in
 * place. */
typedef struct ink__atomic ink__atomic;

ink_status ink__atomic_open(ink__atomic **file, const char *path, ink_error *err);
ink_status ink__atomic_write(ink__atomic *file, const void *bytes, size_t len, ink_error *err);
/* Overwrites len bytes at offset, all of which were written before. INK_E_IO where the path cannot seek. */
ink_status ink__atomic_rewrite(ink__atomic *file, size_t offset, const void *bytes, size_t len,
                               ink_error *err);
ink_status ink__atomic_commit(ink__atomic *file, ink_error *err);
void ink__atomic_free(ink__atomic *file); /* NULL is fine */

/* Removes what killed processes left behind in dir. Nobody may be writing there. */
void ink__atomic_sweep(const char *dir);

#endif
