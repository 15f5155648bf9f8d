/* Which inputs there are and what they hold: see inputs.h. The tables of formats and endings are here. */
#include "io/inputs.h"
#include "io/file.h"
#include "io/folder.h"
#include "core/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const ink__record_format *const formats[] = {
    [INK_FORMAT_LINES] = &ink__format_lines,   [INK_FORMAT_DOCS] = &ink__format_docs,
    [INK_FORMAT_JSONL] = &ink__format_jsonl,   [INK_FORMAT_CSV] = &ink__format_csv,
    [INK_FORMAT_TSV] = &ink__format_tsv,       [INK_FORMAT_FASTTEXT] = &ink__format_fasttext,
    [INK_FORMAT_BLOCKS] = &ink__format_blocks,
};

static const char spreadsheet[] = "a spreadsheet; save it as CSV (in UTF-8)",
                  columns[] = "a file of columns; write it as JSON lines or CSV",
                  document[] = "a document with formatting; take its text out first",
                  archive[] =
                      "compressed or packed in a way that is not read; unpack it first, or use gzip or "
                      "zstd";

/* What a name's ending says where no format was asked for. A name without one of these is lines. */
static const struct {
    const char *ending;
    ink_format format;
    const char *refused; /* what it is instead, rather than its bytes read as lines */
} endings[] = {
    {".jsonl", INK_FORMAT_JSONL, NULL},       {".ndjson", INK_FORMAT_JSONL, NULL},
    {".json", INK_FORMAT_JSONL, NULL},        {".csv", INK_FORMAT_CSV, NULL},
    {".tsv", INK_FORMAT_TSV, NULL},           {".tab", INK_FORMAT_TSV, NULL},
    {".fasttext", INK_FORMAT_FASTTEXT, NULL}, {".ft", INK_FORMAT_FASTTEXT, NULL},
    {".xlsx", INK_FORMAT_AUTO, spreadsheet},  {".xls", INK_FORMAT_AUTO, spreadsheet},
    {".ods", INK_FORMAT_AUTO, spreadsheet},   {".parquet", INK_FORMAT_AUTO, columns},
    {".arrow", INK_FORMAT_AUTO, columns},     {".feather", INK_FORMAT_AUTO, columns},
    {".docx", INK_FORMAT_AUTO, document},     {".doc", INK_FORMAT_AUTO, document},
    {".odt", INK_FORMAT_AUTO, document},      {".rtf", INK_FORMAT_AUTO, document},
    {".pdf", INK_FORMAT_AUTO, document},      {".bz2", INK_FORMAT_AUTO, archive},
    {".xz", INK_FORMAT_AUTO, archive},        {".zip", INK_FORMAT_AUTO, archive},
    {".7z", INK_FORMAT_AUTO, archive},        {".tar", INK_FORMAT_AUTO, archive},
    {".tgz", INK_FORMAT_AUTO, archive},
};

typedef struct place {
    char *path;
    const ink__record_format *format;
    bool regular, named_pipe, is_folder;
} place;

struct ink__inputs {
    place *places;
    size_t n, next;
    ink__folder *folder; /* that is being walked, of places[next - 1] */
};

/* The format of a file, by what was asked for or by its name of len bytes, a codec's ending left out. */
static ink_status find_format(const ink__record_format **format, const char *path, size_t len,
                              ink_format wanted, ink_error *err)
{
    *format = formats[wanted == INK_FORMAT_AUTO ? INK_FORMAT_LINES : wanted];
    if (wanted != INK_FORMAT_AUTO || strcmp(path, "-") == 0)
        return INK_OK;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        const size_t n = strlen(endings[i].ending);
        if (len < n || strncasecmp(path + len - n, endings[i].ending, n) != 0)
            continue;
        if (endings[i].refused)
            return ink_fail(err, INK_E_UNSUPPORTED, "%s: is by its name (%s) %s", path, endings[i].ending,
                            endings[i].refused);
        *format = formats[endings[i].format];
    }
    return INK_OK;
}

/* The first field that was named by the caller, or NULL. */
static const char *named_field(const ink__records_options *options)
{
    if (options->text && strcmp(options->text, "text") != 0)
        return options->text;
    if (options->text_pair)
        return options->text_pair;
    if (options->id)
        return options->id;
    if (options->label && strcmp(options->label, "label") != 0)
        return options->label;
    if (options->n_keep > 0)
        return options->keep[0];
    return options->n_fields > 0 ? options->fields[0] : NULL;
}

/* A quote and a line's end have a meaning of their own; a piece of a longer character is none. */
static ink_status check_delimiter(char delimiter, ink_error *err)
{
    const unsigned char c = (unsigned char)delimiter;
    if (c == '"' || c == '\n' || c == '\r' || c > 127)
        return ink_fail(err, INK_E_ARG,
                        "byte %u cannot be the delimiter of CSV: wanted an ASCII character, "
                        "no quote and no line's end",
                        c);
    return INK_OK;
}

/* A format that has no fields cannot be asked for one, nor for labels where it has none. */
static ink_status check_fields(const place *in, const ink__records_options *options, ink_error *err)
{
    const char *field = in->format->has_fields ? NULL : named_field(options);
    if (field)
        return ink_fail(err, INK_E_ARG, "%s: is read as %s, which have no field \"%s\"; name another format",
                        in->path, in->format->name, field);
    if (options->label && !in->format->has_labels)
        return ink_fail(err, INK_E_ARG, "%s: is read as %s, which have no labels; name another format",
                        in->path, in->format->name);
    if (options->delimiter && !in->format->any_delimiter && options->delimiter != in->format->delimiter)
        return ink_fail(err, INK_E_ARG, "%s: is read as %s, whose delimiter is no choice; it is for CSV",
                        in->path, in->format->name);
    return INK_OK;
}

static ink_status look_at(place *in, uint64_t *size, const char *path, ink_error *err)
{
    struct stat info;
    INK_TRY(ink__strndup(&in->path, path, strlen(path), err));
    if (strcmp(path, "-") == 0)
        return INK_OK;
    if (stat(path, &info) != 0)
        return ink__fail_errno(err, path, "cannot be opened");
    in->is_folder = S_ISDIR(info.st_mode);
    if (faccessat(AT_FDCWD, path, in->is_folder ? R_OK | X_OK : R_OK, AT_EACCESS) != 0)
        return ink__fail_errno(err, path, "cannot be opened");
    in->regular = S_ISREG(info.st_mode);
    in->named_pipe = S_ISFIFO(info.st_mode);
    *size = in->regular ? (uint64_t)info.st_size : 0;
    return INK_OK;
}

static ink_status add_place(ink__inputs *inputs, uint64_t *size, const char *path,
                            const ink__records_options *options, ink_error *err)
{
    place *in = &inputs->places[inputs->n++];
    INK_TRY(look_at(in, size, path, err));
    size_t len = strlen(path);
    (void)ink__codec_of(path, &len);
    const ink_format wanted =
        in->is_folder && options->format == INK_FORMAT_AUTO ? INK_FORMAT_DOCS : options->format;
    INK_TRY(find_format(&in->format, path, len, wanted, err));
    return check_fields(in, options, err);
}

ink_status ink__inputs_open(ink__inputs **out, uint64_t *bytes_total, const ink__records_options *options,
                            ink_error *err)
{
    static const char *const standard_input[] = {"-"};
    const char *const *paths = options->n_inputs > 0 ? options->inputs : standard_input;
    const size_t n = options->n_inputs > 0 ? options->n_inputs : 1;
    ink__inputs *inputs = NULL;
    bool known = true;
    ink_status st;
    *out = NULL;
    *bytes_total = 0;
    if ((unsigned)options->format >= sizeof formats / sizeof *formats)
        return ink_fail(err, INK_E_ARG, "%d is no format of records", (int)options->format);
    if (!paths)
        return ink_fail(err, INK_E_ARG, "%zu inputs, but no paths", n);
    INK_TRY(check_delimiter(options->delimiter, err));
    INK_TRY_GOTO(ink__calloc(&inputs, 1, sizeof *inputs, "inputs", err));
    INK_TRY_GOTO(ink__calloc(&inputs->places, n, sizeof *inputs->places, "inputs", err));
    for (size_t i = 0; i < n; ++i) {
        uint64_t size = 0;
        if (!paths[i])
            INK_TRY_GOTO(ink_fail(err, INK_E_ARG, "input %zu of %zu has no path", i + 1, n));
        INK_TRY_GOTO(add_place(inputs, &size, paths[i], options, err));
        known = known && inputs->places[i].regular;
        *bytes_total += size;
    }
    if (!known)
        *bytes_total = 0;
    *out = inputs;
    return INK_OK;
done:
    ink__inputs_free(inputs);
    return st;
}

bool ink__inputs_waits(const ink__inputs *inputs)
{
    return !inputs->folder && inputs->next < inputs->n && inputs->places[inputs->next].named_pipe;
}

ink_status ink__inputs_next(ink__input *input, bool *end, ink__inputs *inputs, ink__notes *notes,
                            ink_error *err)
{
    const char *path = NULL;
    const place *in = inputs->next > 0 ? &inputs->places[inputs->next - 1] : NULL;
    for (*end = false; !path;) {
        if (inputs->folder) {
            INK_TRY(ink__folder_next(&path, inputs->folder, err));
            if (path)
                break;
            ink__folder_free(inputs->folder);
            inputs->folder = NULL;
        }
        if (inputs->next == inputs->n) {
            *end = true;
            return INK_OK;
        }
        in = &inputs->places[inputs->next++];
        if (in->is_folder)
            INK_TRY(ink__folder_open(&inputs->folder, in->path, notes, err));
        else
            path = in->path;
    }
    size_t len = strlen(path);
    *input = (ink__input){path, in->format, ink__codec_of(path, &len)};
    return INK_OK;
}

void ink__inputs_free(ink__inputs *inputs)
{
    if (!inputs)
        return;
    ink__folder_free(inputs->folder);
    for (size_t i = 0; i < inputs->n; ++i)
        free(inputs->places[i].path);
    free(inputs->places);
    free(inputs);
}
