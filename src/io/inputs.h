/* The inputs of a reader of records, as files one after the other: which there are, in which format each is,
 * and how it is compressed. */
#ifndef INK_IO_INPUTS_H
#define INK_IO_INPUTS_H

#include "io/notes.h"
#include "io/record_format.h"

typedef struct ink__inputs ink__inputs;

typedef struct ink__input {
    const char *path; /* "-" is stdin; valid until the next one is asked for */
    const ink__record_format *format;
    const ink__codec *codec; /* or NULL */
} ink__input;

/* Looks at every input without opening it: a pipe would notice. *bytes_total is that of all, 0 where it is
 * not known. The failures are those of ink__records_open. */
ink_status ink__inputs_open(ink__inputs **inputs, uint64_t *bytes_total, const ink__records_options *options,
                            ink_error *err);

/* True if opening the next one waits for its writer: it is a named pipe. */
bool ink__inputs_waits(const ink__inputs *inputs);

/* What is left out of a folder on the way is noted; notes outlives inputs. */
ink_status ink__inputs_next(ink__input *input, bool *end, ink__inputs *inputs, ink__notes *notes,
                            ink_error *err);

void ink__inputs_free(ink__inputs *inputs); /* NULL is fine */

#endif
