/* Records of several inputs, one after the other: see records.h. What a record is, the formats know
 * (record_format.h); this file finds the format of each input, numbers records and waits for bytes. */
#include "io/record_format.h"
#include "io/file.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const ink__record_format *const formats[] = {
    [INK_FORMAT_LINES] = &ink__format_lines,
    [INK_FORMAT_JSONL] = &ink__format_jsonl,
    [INK_FORMAT_CSV] = &ink__format_csv,
};

/* What a name's ending says. An ending without a format is refused, rather than its bytes read as lines. */
static const struct {
    const char *ending;
    ink_format format;
    const char *refused; /* what it is instead */
    bool always;         /* also where a format was asked for */
} endings[] = {
    {".jsonl", INK_FORMAT_JSONL, NULL, false},
    {".ndjson", INK_FORMAT_JSONL, NULL, false},
    {".json", INK_FORMAT_JSONL, NULL, false},
    {".csv", INK_FORMAT_CSV, NULL, false},
    {".tsv", INK_FORMAT_AUTO, "tab-separated values", false},
    {".gz", INK_FORMAT_AUTO, "compressed files", true},
    {".zst", INK_FORMAT_AUTO, "compressed files", true},
};

typedef struct input {
    char *path;
    const ink__record_format *format;
    bool regular, named_pipe;
} input;

struct ink__records {
    ink__fields fields;
    input *inputs;
    size_t n_inputs, next_input;
    ink__source source;
    const ink__record_format *format; /* of the input that is open, else NULL */
    void *state;                      /* its own */
    ink__record record;
    bool pending; /* record has been read but not yet asked for */
    bool end;     /* there are no more */
    uint64_t number, bytes_total;
    char id[24];
    ink_error failure; /* of the last read, which stays */
};

void ink__name_list_add(ink__name_list *list, const char *name, size_t len)
{
    enum { SHOWN = 8, BYTES = 48 }; /* SHOWN * (BYTES + 4) fit the list */
    if (list->n++ < SHOWN)
        list->len += (size_t)snprintf(list->text + list->len, sizeof list->text - list->len, "%s\"%.*s\"",
                                      list->n > 1 ? ", " : "", (int)(len < BYTES ? len : BYTES), name);
    else if (list->n == SHOWN + 1)
        list->len += (size_t)snprintf(list->text + list->len, sizeof list->text - list->len, ", ...");
}

static ink_status find_format(const ink__record_format **format, const char *path, ink_format wanted,
                              ink_error *err)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    *format = formats[wanted == INK_FORMAT_AUTO ? INK_FORMAT_LINES : wanted];
    if (strcmp(path, "-") == 0 || !dot)
        return INK_OK;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        if (strcasecmp(endings[i].ending, dot) != 0 || (wanted != INK_FORMAT_AUTO && !endings[i].always))
            continue;
        if (endings[i].refused)
            return ink_fail(err, INK_E_UNSUPPORTED, "%s: %s (%s) are not read yet", path, endings[i].refused,
                            endings[i].ending);
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
    return options->n_fields > 0 ? options->fields[0] : NULL;
}

/* A format that has no fields cannot be asked for one, nor for labels where it has none. */
static ink_status check_fields(const input *in, const ink__records_options *options, ink_error *err)
{
    const char *field = in->format->has_fields ? NULL : named_field(options);
    if (field)
        return ink_fail(err, INK_E_ARG, "%s: is read as %s, which have no field \"%s\"; name another format",
                        in->path, in->format->name, field);
    if (options->label && !in->format->has_labels)
        return ink_fail(err, INK_E_ARG, "%s: is read as %s, which have no labels; name another format",
                        in->path, in->format->name);
    return INK_OK;
}

/* Fills *in and looks whether it can be read, without opening it: a pipe would notice. */
static ink_status add_input(ink__records *records, input *in, const char *path,
                            const ink__records_options *options, ink_error *err)
{
    INK_TRY(ink__strndup(&in->path, path, strlen(path), err));
    INK_TRY(find_format(&in->format, path, options->format, err));
    INK_TRY(check_fields(in, options, err));
    if (strcmp(path, "-") == 0)
        return INK_OK;
    struct stat info;
    if (stat(path, &info) != 0)
        return ink__fail_errno(err, path, "cannot be opened");
    if (S_ISDIR(info.st_mode))
        return ink_fail(err, INK_E_IO, "%s: is a directory, wanted a file", path);
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        return ink__fail_errno(err, path, "cannot be opened");
    in->regular = S_ISREG(info.st_mode);
    in->named_pipe = S_ISFIFO(info.st_mode);
    if (in->regular)
        records->bytes_total += (uint64_t)info.st_size;
    return INK_OK;
}

static ink_status copy_name(char **copy, const char *name, ink_error *err)
{
    return ink__strndup(copy, name, strlen(name), err);
}

/* Copies the names of the fields that are wanted. */
static ink_status copy_fields(ink__fields *fields, const ink__records_options *options, ink_error *err)
{
    INK_TRY(copy_name(&fields->text, options->text ? options->text : "text", err));
    if (options->text_pair)
        INK_TRY(copy_name(&fields->pair, options->text_pair, err));
    INK_TRY(copy_name(&fields->id, options->id ? options->id : "id", err));
    fields->id_required = options->id != NULL;
    if (options->label)
        INK_TRY(copy_name(&fields->label, options->label, err));
    if (options->label && strcmp(options->label, "label") == 0)
        INK_TRY(copy_name(&fields->label_else, "labels", err));
    INK_TRY(ink__calloc(&fields->more, options->n_fields, sizeof *fields->more, "field names", err));
    for (; fields->n_more < options->n_fields; ++fields->n_more)
        INK_TRY(copy_name(&fields->more[fields->n_more], options->fields[fields->n_more], err));
    return INK_OK;
}

static void free_fields(ink__fields *fields)
{
    free(fields->text);
    free(fields->pair);
    free(fields->id);
    free(fields->label);
    free(fields->label_else);
    for (size_t i = 0; i < fields->n_more; ++i)
        free(fields->more[i]);
    free(fields->more);
}

ink_status ink__records_open(ink__records **out, const ink__records_options *options, ink_error *err)
{
    static const char *const standard_input[] = {"-"};
    const char *const *paths = options->n_inputs > 0 ? options->inputs : standard_input;
    const size_t n = options->n_inputs > 0 ? options->n_inputs : 1;
    ink_status st;
    ink__records *records = NULL;
    *out = NULL;
    if ((unsigned)options->format >= sizeof formats / sizeof *formats)
        return ink_fail(err, INK_E_ARG, "%d is no format of records", (int)options->format);
    if (!paths)
        return ink_fail(err, INK_E_ARG, "%zu inputs, but no paths", n);
    INK_TRY_GOTO(ink__calloc(&records, 1, sizeof *records, "a reader of records", err));
    records->source.fd = -1;
    INK_TRY_GOTO(copy_fields(&records->fields, options, err));
    INK_TRY_GOTO(ink__calloc(&records->inputs, n, sizeof *records->inputs, "inputs", err));
    records->n_inputs = n;
    for (size_t i = 0; i < n; ++i)
        INK_TRY_GOTO(add_input(records, &records->inputs[i], paths[i], options, err));
    for (size_t i = 0; i < n; ++i)
        if (!records->inputs[i].regular)
            records->bytes_total = 0;
    *out = records;
    return INK_OK;
done:
    ink__records_free(records);
    return st;
}

static void close_input(ink__records *records)
{
    if (records->format)
        records->format->close(records->state);
    records->format = NULL;
    records->state = NULL;
    ink__source_close(&records->source);
}

void ink__records_free(ink__records *records)
{
    if (!records)
        return;
    close_input(records);
    ink__source_free(&records->source);
    for (size_t i = 0; i < records->n_inputs; ++i)
        free(records->inputs[i].path);
    free(records->inputs);
    free_fields(&records->fields);
    free(records);
}

static ink_status open_input(ink__records *records, ink_error *err)
{
    const input *in = &records->inputs[records->next_input++];
    INK_TRY(ink__source_open(&records->source, in->path, err));
    records->format = in->format; /* and so closed, if it opens only half */
    return in->format->open(&records->state, &records->fields, err);
}

/* Numbers the record that was read and gives it an id if it has none. */
static void complete(ink__records *records)
{
    ink__record *record = &records->record;
    record->number = ++records->number;
    record->source = records->source.name;
    if (!record->id) {
        record->id_len =
            (size_t)snprintf(records->id, sizeof records->id, "%llu", (unsigned long long)record->number);
        record->id = records->id;
    }
    if (record->error) {
        record->text = record->pair = NULL;
        record->text_len = record->pair_len = 0;
        record->labels = record->fields = NULL;
        record->n_labels = 0;
        record->label_list = false;
    }
    records->pending = true;
}

/* Reads until a record is pending, or the end; or, unless it may wait, until it would have to. */
static ink_status advance(ink__records *records, bool may_wait, ink_error *err)
{
    while (!records->pending && !records->end) {
        if (!records->format) {
            if (records->next_input == records->n_inputs) {
                records->end = true;
                break;
            }
            /* Opening one waits for its writer. */
            if (!may_wait && records->inputs[records->next_input].named_pipe)
                break;
            INK_TRY(open_input(records, err));
        }
        ink__step step = INK__STEP_MORE;
        if (ink__source_start(&records->source)) {
            records->record = (ink__record){0};
            INK_TRY(records->format->step(&step, &records->record, records->state, &records->source, err));
        }
        if (step == INK__STEP_RECORD)
            complete(records);
        else if (step == INK__STEP_END)
            close_input(records);
        else if (!may_wait && ink__source_waits(&records->source))
            break;
        else
            INK_TRY(ink__source_fill(&records->source, err));
    }
    return INK_OK;
}

ink_status ink__records_next(ink__record *record, bool *end, ink__records *records, ink_error *err)
{
    *record = (ink__record){0};
    if (records->failure.status == INK_OK)
        (void)advance(records, true, &records->failure);
    if (records->failure.status != INK_OK)
        return ink_fail(err, records->failure.status, "%s", records->failure.text);
    *end = records->end;
    if (!records->end)
        *record = records->record;
    records->pending = false;
    return INK_OK;
}

bool ink__records_ready(ink__records *records)
{
    if (records->failure.status == INK_OK)
        (void)advance(records, false, &records->failure);
    return records->pending || records->end || records->failure.status != INK_OK;
}

void ink__records_progress(uint64_t *read, uint64_t *total, const ink__records *records)
{
    *read = records->source.bytes_read;
    *total = records->bytes_total;
}
