/* The folder that a training run writes: see out_folder.h. */
#include "train/out_folder.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder itself is locked: no file stays behind, and a process that dies lets go. File systems that
 * cannot lock a folder are used without. */
static ink_status lock_folder(int *lock, const char *out, ink_error *err)
{
    *lock = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0)
        return ink__fail_errno(err, out, "cannot be opened");
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return INK_OK;
    close(*lock);
    *lock = -1;
    return ink_fail(err, INK_E_ARG,
                    "%s: another process is training in this folder: wait for it, or choose "
                    "another directory",
                    out);
}

/* What a run may have written before its first checkpoint. */
static bool is_ours(const char *name)
{
    return name[0] == '.' || strcmp(name, "log.jsonl") == 0 || strcmp(name, "teacher") == 0 ||
           strncmp(name, "seed-", 5) == 0;
}

/* *name [256] = what is in a folder that holds no run; "" if there is nothing. */
static ink_status find_foreign(char name[256], const char *out, ink_error *err)
{
    DIR *dir = opendir(out);
    name[0] = '\0';
    if (!dir)
        return ink__fail_errno(err, out, "cannot be read");
    for (const struct dirent *entry; !name[0] && (entry = readdir(dir));)
        if (!is_ours(entry->d_name))
            snprintf(name, 256, "%s", entry->d_name);
    closedir(dir);
    return INK_OK;
}

static ink_status check_folder(const char *out, const char *result, bool resume, ink_error *err)
{
    char foreign[256];
    const bool finished = ink__file_exists(out, result);
    const bool begun = ink__file_exists(out, "last") || ink__file_exists(out, "best");
    if (!resume && (finished || begun))
        return ink_fail(err, INK_E_ARG, "%s holds %s run already: resume it, or choose another directory",
                        out, finished ? "a finished" : "an unfinished");
    if (finished || begun)
        return INK_OK;
    if (ink__file_exists(out, "model.safetensors") || ink__file_exists(out, "config.json"))
        return ink_fail(err, INK_E_ARG,
                        "%s holds a model, which would be overwritten: choose another directory", out);
    INK_TRY(find_foreign(foreign, out, err));
    if (foreign[0])
        return ink_fail(err, INK_E_ARG,
                        "%s holds files of something else, \"%s\" for one: choose another directory", out,
                        foreign);
    return access(out, W_OK | X_OK) == 0 ? INK_OK : ink__fail_errno(err, out, "cannot be written");
}

/* mkdir will want the folder above it. */
static ink_status check_parent(const char *out, ink_error *err)
{
    struct stat info;
    size_t len = strlen(out);
    while (len > 1 && out[len - 1] == '/')
        --len;
    while (len > 0 && out[len - 1] != '/')
        --len;
    char *parent = len > 0 ? strndup(out, len) : strdup(".");
    if (!parent)
        return ink_fail(err, INK_E_MEMORY, "no memory for a path");
    const bool there = stat(parent, &info) == 0;
    errno = there && !S_ISDIR(info.st_mode) ? ENOTDIR : errno;
    const bool usable = there && S_ISDIR(info.st_mode) && access(parent, W_OK | X_OK) == 0;
    free(parent);
    return usable ? INK_OK : ink__fail_errno(err, out, "cannot be made");
}

ink_status ink__out_check(int *lock, const char *out, const char *result, bool resume, ink_error *err)
{
    struct stat info;
    if (stat(out, &info) != 0)
        return errno == ENOENT ? check_parent(out, err) : ink__fail_errno(err, out, "cannot be used");
    if (!S_ISDIR(info.st_mode))
        return ink_fail(err, INK_E_IO, "%s is a file, wanted a directory, or none yet", out);
    INK_TRY(lock_folder(lock, out, err));
    return check_folder(out, result, resume, err);
}

ink_status ink__out_make(int *lock, const char *out, ink_error *err)
{
    if (*lock >= 0)
        return INK_OK;
    if (mkdir(out, 0777) != 0 && errno != EEXIST)
        return ink__fail_errno(err, out, "cannot be made");
    return lock_folder(lock, out, err);
}
