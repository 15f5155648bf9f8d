/* A file that grows under a name of its own, survives whoever writes it, and takes its final name at the end.
 */
#ifndef INK_IO_PART_H
#define INK_IO_PART_H

#include "core/status.h"

typedef struct ink__part ink__part;

/* Opens path, or makes it, and keeps its first `bytes` bytes. target is its name at the end. */
ink_status ink__part_open(ink__part **part, const char *path, const char *target, uint64_t bytes,
                          ink_error *err);
ink_status ink__part_write(ink__part *part, const void *bytes, size_t len, ink_error *err);
ink_status ink__part_sync(ink__part *part, ink_error *err); /* to disk */
ink_status ink__part_rename(ink__part *part, ink_error *err);
void ink__part_free(ink__part *part); /* the file stays; NULL is fine */

#endif
