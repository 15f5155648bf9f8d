/* A folder of files that appears under its name only when it is complete. */
#ifndef INK_IO_ATOMIC_FOLDER_H
#define INK_IO_ATOMIC_FOLDER_H

#include "core/status.h"

typedef struct ink__atomic_folder ink__atomic_folder;

/* Where path is not there yet, a temporary folder beside it, ".inkling-<16 hex digits>.tmp", which commit
 * renames. Where it is a folder already, that folder itself: then each file that ink__atomic writes into it
 * appears whole, but one after the other. INK_E_IO: path is a file, or cannot be made. */
ink_status ink__atomic_folder_open(ink__atomic_folder **folder, const char *path, ink_error *err);

/* Where to write the files. Borrowed. */
const char *ink__atomic_folder_path(const ink__atomic_folder *folder);

ink_status ink__atomic_folder_commit(ink__atomic_folder *folder, ink_error *err);
void ink__atomic_folder_free(
    ink__atomic_folder *folder); /* without commit a temporary goes, with all in it; NULL is fine */

#endif
