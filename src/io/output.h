/* Where a job's output goes: standard output, or a file that is there whole or not at all. */
#ifndef INK_IO_OUTPUT_H
#define INK_IO_OUTPUT_H

#include "core/status.h"

typedef struct ink__output ink__output;

/* path NULL or "-" is standard output. A write to a pipe whose reader has gone raises SIGPIPE, and only a
 * program that ignores it, as the inkling command does, gets to see the INK_E_IO: the library installs no
 * handlers. */
ink_status ink__output_open(ink__output **output, const char *path, ink_error *err);

/* A file that grows as `part`, of which the first `bytes` bytes stay, and becomes path at the end: what was
 * written stays even without commit. */
ink_status ink__output_open_part(ink__output **output, const char *path, const char *part, uint64_t bytes,
                                 ink_error *err);

/* Collects bytes and writes them in pieces of 64 KiB or more. INK_E_IO: the disk is full, the pipe closed. */
ink_status ink__output_write(ink__output *output, const char *bytes, size_t len, ink_error *err);

/* Writes what has been collected: for a reader at the other end who is waiting for it. */
ink_status ink__output_flush(ink__output *output, ink_error *err);

/* Overwrites bytes that were written before, as ink__atomic_rewrite; INK_E_IO on standard output. */
ink_status ink__output_rewrite(ink__output *output, size_t offset, const void *bytes, size_t len,
                               ink_error *err);

/* Flushes, and syncs a part to disk; any other output is synced by commit. */
ink_status ink__output_sync(ink__output *output, ink_error *err);

/* Flushes, and puts a file in its place. */
ink_status ink__output_commit(ink__output *output, ink_error *err);
void ink__output_free(ink__output *output); /* without commit a file but a part never appears; NULL is fine */

#endif
