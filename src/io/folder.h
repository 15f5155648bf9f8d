/* The files under a folder, in byte order of their paths. Names are held of one directory a level, not of the
 * whole tree. Regular files count, and links to them; directories are gone into, links to directories are
 * not, so that no circle exists; names that begin with a dot are left out. Pipes, sockets and devices, and
 * links to them, are passed over and noted: to open one may wait for ever. */
#ifndef INK_IO_FOLDER_H
#define INK_IO_FOLDER_H

#include "core/status.h"
#include "io/notes.h"

typedef struct ink__folder ink__folder;

/* INK_E_IO where path cannot be read as a directory. notes outlives the folder. */
ink_status ink__folder_open(ink__folder **folder, const char *path, ink__notes *notes, ink_error *err);

/* *path = the next file's, valid until the next call; NULL behind the last. What cannot be looked into (a
 * directory inside, a link that leads nowhere) comes as a path that will not open either. */
ink_status ink__folder_next(const char **path, ink__folder *folder, ink_error *err);

void ink__folder_free(ink__folder *folder); /* NULL is fine */

#endif
