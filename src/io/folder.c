/* Walking a folder: see folder.h. A directory's name is held with a "/" behind it, so that the names of one
 * directory, in byte order, put whole paths in byte order: "a-b" before "a/b". */
#include "io/folder.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "core/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One directory on the way down. */
typedef struct level {
    ink__text names;   /* terminated, one behind the other */
    const char **list; /* [n] into names, sorted */
    size_t n, next;
    size_t path_len; /* of the directory's own path, "/" included */
} level;

struct ink__folder {
    ink__text path; /* of what came last; terminated */
    level *levels;
    size_t depth, capacity;
    ink__notes *notes;
};

static ink_status set_name(ink__folder *folder, size_t path_len, const char *name, ink_error *err)
{
    folder->path.len = path_len;
    return ink__text_bytes(&folder->path, name, strlen(name) + 1, err);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The type of what an entry is or, as a link, leads to: one of stat's S_IF...; S_IFLNK leads to a directory.
 * What cannot be looked at counts as a file, which will not open either. */
static mode_t type_of(int dir, const struct dirent *entry)
{
    struct stat info;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return DTTOIF(entry->d_type);
    if (fstatat(dir, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return S_IFREG;
    if (!S_ISLNK(info.st_mode))
        return info.st_mode & S_IFMT;
    if (fstatat(dir, entry->d_name, &info, 0) != 0)
        return S_IFREG;
    return S_ISDIR(info.st_mode) ? S_IFLNK : info.st_mode & S_IFMT;
}

static ink_status read_names(level *l, DIR *dir, const char *path, ink__notes *notes, ink_error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        const mode_t type = entry->d_name[0] == '.' ? S_IFLNK : type_of(dirfd(dir), entry);
        if (type == S_IFREG || type == S_IFDIR) {
            INK_TRY(ink__text_cstr(&l->names, entry->d_name, err));
            INK_TRY(ink__text_bytes(&l->names, "/", type == S_IFDIR, err));
            INK_TRY(ink__text_bytes(&l->names, "", 1, err));
            ++l->n;
        } else if (type != S_IFLNK) {
            ink__notes_pass_over(notes, path, entry->d_name,
                                 type == S_IFIFO    ? "a named pipe"
                                 : type == S_IFSOCK ? "a socket"
                                                    : "a device");
        }
    }
    if (errno != 0)
        return ink__fail_errno(err, path, "cannot be read");
    INK_TRY(ink__calloc(&l->list, l->n, sizeof *l->list, "names of files", err));
    const char *name = l->names.data;
    for (size_t i = 0; i < l->n; ++i, name += strlen(name) + 1)
        l->list[i] = name;
    qsort(l->list, l->n, sizeof *l->list, by_bytes);
    return INK_OK;
}

/* Goes into the directory whose path, "/" included, is the folder's path; *entered is false if it cannot be
 * opened. */
static ink_status enter(bool *entered, ink__folder *folder, ink_error *err)
{
    DIR *dir = opendir(folder->path.data);
    *entered = dir != NULL;
    if (!dir)
        return INK_OK;
    ink_status st = ink__grow(&folder->levels, &folder->capacity, folder->depth + 1, sizeof *folder->levels,
                              "folders", err);
    if (st == INK_OK) {
        level *l = &folder->levels[folder->depth++];
        *l = (level){.path_len = folder->path.len - 1};
        st = read_names(l, dir, folder->path.data, folder->notes, err);
    }
    closedir(dir);
    return st;
}

static void leave(ink__folder *folder)
{
    level *l = &folder->levels[--folder->depth];
    ink__text_free(&l->names);
    free(l->list);
}

ink_status ink__folder_open(ink__folder **out, const char *path, ink__notes *notes, ink_error *err)
{
    ink__folder *folder;
    ink_status st;
    bool entered;
    const size_t len = strlen(path);
    *out = NULL;
    INK_TRY(ink__calloc(&folder, 1, sizeof *folder, "a folder", err));
    folder->notes = notes;
    INK_TRY_GOTO(ink__text_bytes(&folder->path, path, len, err));
    INK_TRY_GOTO(set_name(folder, len, len == 0 || path[len - 1] == '/' ? "" : "/", err));
    INK_TRY_GOTO(enter(&entered, folder, err));
    if (!entered) {
        st = ink__fail_errno(err, path, "cannot be opened");
        goto done;
    }
    *out = folder;
    return INK_OK;
done:
    ink__folder_free(folder);
    return st;
}

ink_status ink__folder_next(const char **path, ink__folder *folder, ink_error *err)
{
    *path = NULL;
    while (folder->depth > 0) {
        level *l = &folder->levels[folder->depth - 1];
        if (l->next == l->n) {
            leave(folder);
            continue;
        }
        INK_TRY(set_name(folder, l->path_len, l->list[l->next++], err));
        bool entered = false;
        char *end = folder->path.data + folder->path.len - 1; /* the terminator */
        if (end[-1] == '/') {
            INK_TRY(enter(&entered, folder, err));
            if (!entered)
                end[-1] = '\0';
        }
        if (!entered) {
            *path = folder->path.data;
            return INK_OK;
        }
    }
    return INK_OK;
}

void ink__folder_free(ink__folder *folder)
{
    if (!folder)
        return;
    while (folder->depth > 0)
        leave(folder);
    free(folder->levels);
    ink__text_free(&folder->path);
    free(folder);
}
