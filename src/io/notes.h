/* What of the inputs was left out although nothing failed: counted, to be told at the end. */
#ifndef INK_IO_NOTES_H
#define INK_IO_NOTES_H

#include "core/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ink__notes {
    uint64_t passed_over; /* names in folders that are pipes, sockets or devices */
    char passed_over_one[400];
    uint64_t unread; /* inputs of which the end was not read: it is not what the beginning is */
    char unread_first[400];
} ink__notes;

enum { INK__NOTES_MAX = 2, INK__NOTE_BYTES = 512 };

/* Notes one of them. */
void ink__notes_pass_over(ink__notes *notes, const char *dir, const char *name, const char *what);

/* Notes an input whose compressed data ends at that byte, and something else follows. */
void ink__notes_unread(ink__notes *notes, const char *name, uint64_t at);

/* INK_E_FORMAT, and which, if an input was not read to its end: for a caller who wants all of it or none. */
ink_status ink__notes_check(const ink__notes *notes, ink_error *err);

/* A sentence for each kind of thing that was noted; returns how many. */
size_t ink__notes_sentences(char sentences[INK__NOTES_MAX][INK__NOTE_BYTES], const ink__notes *notes);

#endif
