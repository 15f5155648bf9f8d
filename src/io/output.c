/* The output of a job: see output.h. */
#include "io/output.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "io/part.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)

struct ink__output {
    ink__atomic *file; /* NULL: a part, or standard output */
    ink__part *part;
    ink__text collected;
};

ink_status ink__output_open(ink__output **out, const char *path, ink_error *err)
{
    ink_status st = INK_OK;
    ink__output *output;
    *out = NULL;
    INK_TRY(ink__calloc(&output, 1, sizeof *output, "an output", err));
    if (path && strcmp(path, "-") != 0)
        st = ink__atomic_open(&output->file, path, err);
    if (st == INK_OK)
        *out = output;
    else
        ink__output_free(output);
    return st;
}

ink_status ink__output_open_part(ink__output **out, const char *path, const char *part, uint64_t bytes,
                                 ink_error *err)
{
    ink__output *output;
    *out = NULL;
    INK_TRY(ink__calloc(&output, 1, sizeof *output, "an output", err));
    const ink_status st = ink__part_open(&output->part, part, path, bytes, err);
    if (st == INK_OK)
        *out = output;
    else
        ink__output_free(output);
    return st;
}

ink_status ink__output_flush(ink__output *output, ink_error *err)
{
    const size_t len = output->collected.len;
    /* Forgotten even if the write fails: part of it may have gone, and must not go twice. */
    output->collected.len = 0;
    if (output->file)
        return ink__atomic_write(output->file, output->collected.data, len, err);
    if (output->part)
        return ink__part_write(output->part, output->collected.data, len, err);
    return ink__write_all(STDOUT_FILENO, output->collected.data, len, "standard output", err);
}

ink_status ink__output_write(ink__output *output, const char *bytes, size_t len, ink_error *err)
{
    INK_TRY(ink__text_bytes(&output->collected, bytes, len, err));
    return output->collected.len >= PIECE ? ink__output_flush(output, err) : INK_OK;
}

ink_status ink__output_rewrite(ink__output *output, size_t offset, const void *bytes, size_t len,
                               ink_error *err)
{
    INK_TRY(ink__output_flush(output, err));
    if (!output->file)
        return ink_fail(err, INK_E_IO, "what was written cannot be changed");
    return ink__atomic_rewrite(output->file, offset, bytes, len, err);
}

ink_status ink__output_sync(ink__output *output, ink_error *err)
{
    INK_TRY(ink__output_flush(output, err));
    return output->part ? ink__part_sync(output->part, err) : INK_OK;
}

ink_status ink__output_commit(ink__output *output, ink_error *err)
{
    INK_TRY(ink__output_flush(output, err));
    if (output->part)
        return ink__part_rename(output->part, err);
    return output->file ? ink__atomic_commit(output->file, err) : INK_OK;
}

void ink__output_free(ink__output *output)
{
    if (!output)
        return;
    ink__atomic_free(output->file);
    ink__part_free(output->part);
    ink__text_free(&output->collected);
    free(output);
}
