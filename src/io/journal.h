/* The journal of a file that is written over a long time and perhaps by several processes, one after the
 * other: which work it is the output of, and how far it is. The format is our own; another version is
 * refused.
 *
 * Little endian:
 *      0  8 bytes  "INKJRNL" and a zero byte
 *      8  u32      version, 1
 *     12  u32      s, the bytes of the settings
 *     16  u32      n, the numbers of an entry
 *     20  u32      CRC-32C of this header and the settings, these four bytes counted as zeros
 *     24  s bytes  the settings: a JSON object that says what the output depends on
 *     then entries, each n times u64 and the u64 of their CRC-32C
 *
 * Entries are only ever appended, and nothing is synced between them: each holds the length and the CRC-32C
 * of the output so far. Whoever goes on takes the last entry whose checksums are right, its own and the
 * output's: a killed process loses what it did since its last entry, a power cut what had not reached the
 * disk. */
#ifndef INK_IO_JOURNAL_H
#define INK_IO_JOURNAL_H

#include "core/status.h"

/* How far the work is. What a number means but for these the owner of the journal knows. */
enum { INK__ENTRY_BYTES, INK__ENTRY_CHECK, INK__ENTRY_BYTES_2, INK__ENTRY_CHECK_2, INK__ENTRY_OWN };
enum { INK__ENTRY_MAX = 40 };

typedef struct ink__journal ink__journal;

/* Opens path, or makes it, and keeps other processes out until it is closed. INK_E_IO: it cannot be written,
 * or another process has it. INK_E_FORMAT: it is no journal, or damaged. INK_E_UNSUPPORTED: another version.
 */
ink_status ink__journal_open(ink__journal **journal, const char *path, size_t n_numbers, ink_error *err);
void ink__journal_close(ink__journal *journal); /* NULL is fine */

/* NULL: it is new, and wants ink__journal_begin before anything else. */
const char *ink__journal_settings(const ink__journal *journal);

/* Writes the settings, and syncs them. */
ink_status ink__journal_begin(ink__journal *journal, const char *settings, ink_error *err);

/* entry [n_numbers] = the last one that outputs[0] and outputs[1] (NULL: there is none) agree with; zeros
 * where none does. A file that is missing agrees with none. Reads the outputs, and changes nothing. */
ink_status ink__journal_find(uint64_t *entry, ink__journal *journal, const char *const outputs[2],
                             ink_error *err);

/* Forgets what stands behind the entry that was found. */
ink_status ink__journal_cut(ink__journal *journal, ink_error *err);

/* Appends an entry; what has been written before it counts from now on. */
ink_status ink__journal_add(ink__journal *journal, const uint64_t *entry, bool sync, ink_error *err);

#endif
