/* Folders that appear complete: see atomic_folder.h. */
#include "io/atomic_folder.h"
#include "core/memory.h"
#include "io/file.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct ink__atomic_folder {
    char *path;      /* without slashes at its end */
    char *temporary; /* NULL: path is there, or has been committed */
};

static ink_status make_temporary(ink__atomic_folder *folder, ink_error *err)
{
    const char *slash = strrchr(folder->path, '/');
    const size_t n_dir = slash ? (size_t)(slash - folder->path) + 1 : 0, room = n_dir + 48;
    INK_TRY(ink__calloc(&folder->temporary, room, 1, "a path", err));
    memcpy(folder->temporary, folder->path, n_dir);
    for (int attempt = 0; attempt < 100; ++attempt) {
        uint64_t random;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
            continue;
        snprintf(folder->temporary + n_dir, room - n_dir, ".inkling-%016llx.tmp", (unsigned long long)random);
        if (mkdir(folder->temporary, 0777) == 0)
            return INK_OK;
        if (errno != EEXIST && errno != EINTR)
            break;
    }
    const ink_status st = ink__fail_beside(err, folder->path, folder->path);
    free(folder->temporary);
    folder->temporary = NULL;
    return st;
}

ink_status ink__atomic_folder_open(ink__atomic_folder **out, const char *path, ink_error *err)
{
    ink_status st;
    struct stat info;
    ink__atomic_folder *folder;
    size_t len = strlen(path);
    *out = NULL;
    while (len > 1 && path[len - 1] == '/')
        --len;
    INK_TRY(ink__calloc(&folder, 1, sizeof *folder, "a folder", err));
    INK_TRY_GOTO(ink__strndup(&folder->path, path, len, err));
    if (stat(folder->path, &info) == 0) {
        if (!S_ISDIR(info.st_mode))
            st = ink_fail(err, INK_E_IO, "%s: is a file, wanted a folder", folder->path);
    } else if (errno == ENOENT && len > 0) {
        st = make_temporary(folder, err);
    } else {
        st = ink__fail_errno(err, folder->path, "cannot be written");
    }
done:
    if (st == INK_OK)
        *out = folder;
    else
        ink__atomic_folder_free(folder);
    return st;
}

const char *ink__atomic_folder_path(const ink__atomic_folder *folder)
{
    return folder->temporary ? folder->temporary : folder->path;
}

ink_status ink__atomic_folder_commit(ink__atomic_folder *folder, ink_error *err)
{
    if (!folder->temporary)
        return INK_OK;
    INK_TRY(ink__sync_directory(folder->temporary, folder->path, err));
    if (rename(folder->temporary, folder->path) != 0)
        return ink__fail_errno(err, folder->path, "cannot be put in place");
    free(folder->temporary);
    folder->temporary = NULL;
    const char *slash = strrchr(folder->path, '/');
    char *parent;
    INK_TRY(ink__strndup(&parent, slash ? folder->path : ".", slash ? (size_t)(slash - folder->path) + 1 : 1,
                         err));
    const ink_status st = ink__sync_directory(parent, folder->path, err);
    free(parent);
    return st;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

void ink__atomic_folder_free(ink__atomic_folder *folder)
{
    if (!folder)
        return;
    if (folder->temporary)
        nftw(folder->temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder->temporary);
    free(folder->path);
    free(folder);
}
