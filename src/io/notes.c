/* Notes on what was left out: see notes.h. */
#include "io/notes.h"

#include <stdio.h>
#include <string.h>

/* The order of names in a directory is an accident: of several the first in byte order is named. */
void ink__notes_pass_over(ink__notes *notes, const char *dir, const char *name, const char *what)
{
    char one[sizeof notes->passed_over_one];
    snprintf(one, sizeof one, "%.250s%.120s (%s)", dir, name, what);
    if (notes->passed_over++ == 0 || strcmp(one, notes->passed_over_one) < 0)
        memcpy(notes->passed_over_one, one, sizeof one);
}

void ink__notes_unread(ink__notes *notes, const char *name, uint64_t at)
{
    if (notes->unread++ == 0)
        snprintf(
            notes->unread_first, sizeof notes->unread_first,
            "%.250s: its compressed data ends at byte %llu; what follows is something else and was not read",
            name, (unsigned long long)at);
}

ink_status ink__notes_check(const ink__notes *notes, ink_error *err)
{
    return notes->unread ? ink_fail(err, INK_E_FORMAT, "%s", notes->unread_first) : INK_OK;
}

size_t ink__notes_sentences(char sentences[INK__NOTES_MAX][INK__NOTE_BYTES], const ink__notes *notes)
{
    size_t n = 0;
    if (notes->passed_over == 1)
        snprintf(sentences[n++], INK__NOTE_BYTES, "passed over, because it is no file: %s",
                 notes->passed_over_one);
    else if (notes->passed_over > 1)
        snprintf(sentences[n++], INK__NOTE_BYTES, "passed over, because they are no files: %s and %llu more",
                 notes->passed_over_one, (unsigned long long)notes->passed_over - 1);
    if (notes->unread == 1)
        snprintf(sentences[n++], INK__NOTE_BYTES, "%s", notes->unread_first);
    else if (notes->unread > 1)
        snprintf(sentences[n++], INK__NOTE_BYTES, "%s; nor were the ends of %llu more inputs",
                 notes->unread_first, (unsigned long long)notes->unread - 1);
    return n;
}
