/* Checkpoints: everything that a run needs to go on, as named sections in one file that is there whole or not
 * at all. The format is our own; a file of another version is refused.
 *
 * Little endian:
 *      0  8 bytes      "INKCKPT" and a zero byte
 *      8  u32          version, 1
 *     12  u32          n, the number of sections
 *     16  u32          h, the bytes of this header, a multiple of 64
 *     20  u32          CRC-32C of the header, these four bytes counted as zeros
 *     24  n times 16   of each section: u64 bytes, u32 CRC-32C of them, u32 bytes of the name
 *         the names, one behind the other, and zeros up to h
 *      h  the sections, each from a multiple of 64 on, zeros between them; the last byte of the last one is
 *         the last of the file
 * Names ascend as bytes, so that the same sections always make the same file. */
#ifndef INK_TRAIN_CHECKPOINT_H
#define INK_TRAIN_CHECKPOINT_H

#include "core/status.h"

typedef struct ink__section {
    const char *name;
    const void *data; /* [size]; in an open checkpoint mapped and aligned to 64 bytes */
    size_t size;
} ink__section;

/* Writes n sections, in any order, to a temporary beside path, which is synced and renamed: path is the new
 * checkpoint or the one that it was before. INK_E_ARG: an empty name, or one that comes twice. INK_E_IO: the
 * disk is full, path cannot be written. */
ink_status ink__checkpoint_write(const char *path, const ink__section *sections, size_t n, ink_error *err);

typedef struct ink__checkpoint ink__checkpoint;

/* Maps a checkpoint and checks every byte of it. INK_E_IO: it cannot be read. INK_E_FORMAT: no checkpoint,
 * cut short, or damaged (the text says where). INK_E_UNSUPPORTED: another version. */
ink_status ink__checkpoint_open(ink__checkpoint **checkpoint, const char *path, ink_error *err);
void ink__checkpoint_close(ink__checkpoint *checkpoint); /* NULL is fine */

size_t ink__checkpoint_count(const ink__checkpoint *checkpoint);
const ink__section *ink__checkpoint_at(const ink__checkpoint *checkpoint, size_t i); /* ascending by name */

/* NULL: there is none of this name. */
const ink__section *ink__checkpoint_find(const ink__checkpoint *checkpoint, const char *name);

/* *data = the section of this name, which must be there and have this size: else INK_E_FORMAT. */
ink_status ink__checkpoint_need(const void **data, const ink__checkpoint *checkpoint, const char *name,
                                size_t size, ink_error *err);

#endif
