/* Records of several inputs, one after the other: see records.h. What a record is, the formats know
 * (record_format.h), and which files there are, the inputs (inputs.h); this file numbers records and waits
 * for bytes. */
#include "io/inputs.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ink__records {
    ink__fields fields;
    ink__inputs *inputs;
    ink__source source;
    const ink__record_format *format; /* of the input that is open, else NULL */
    void *state;                      /* its own */
    ink__record record;
    bool pending; /* record has been read but not yet asked for */
    bool end;     /* there are no more */
    uint64_t number, bytes_total;
    uint64_t shard, shards;
    uint64_t skip; /* records up to this number are passed over */
    ink__crc32c crc;
    ink__text id; /* where the record names none */
    ink__notes notes;
    ink_error bad;     /* why a document cannot be read */
    ink_error failure; /* of the last read, which stays */
};

const char *ink_bad_name(ink_bad kind)
{
    static const char *const names[INK_BADS] = {
        [INK_BAD_JSON] = "not a JSON object",
        [INK_BAD_BLANK] = "a blank line",
        [INK_BAD_FIELD] = "without a usable field",
        [INK_BAD_ROW] = "a row that does not fit its header",
        [INK_BAD_LENGTH] = "too long",
        [INK_BAD_FILE] = "a file that cannot be read",
    };
    return (unsigned)kind < INK_BADS ? names[kind] : NULL;
}

void ink__name_list_add(ink__name_list *list, const char *name, size_t len)
{
    enum { SHOWN = 8, BYTES = 48 }; /* SHOWN * (BYTES + 4) fit the list */
    if (list->n++ < SHOWN)
        list->len += (size_t)snprintf(list->text + list->len, sizeof list->text - list->len, "%s\"%.*s\"",
                                      list->n > 1 ? ", " : "", (int)(len < BYTES ? len : BYTES), name);
    else if (list->n == SHOWN + 1)
        list->len += (size_t)snprintf(list->text + list->len, sizeof list->text - list->len, ", ...");
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
    fields->delimiter = options->delimiter;
    if (options->label)
        INK_TRY(copy_name(&fields->label, options->label, err));
    if (options->label && strcmp(options->label, "label") == 0)
        INK_TRY(copy_name(&fields->label_else, "labels", err));
    INK_TRY(ink__calloc(&fields->more, options->n_fields, sizeof *fields->more, "field names", err));
    for (; fields->n_more < options->n_fields; ++fields->n_more)
        INK_TRY(copy_name(&fields->more[fields->n_more], options->fields[fields->n_more], err));
    fields->keep_all = options->keep_all;
    INK_TRY(ink__calloc(&fields->keep, options->n_keep, sizeof *fields->keep, "field names", err));
    for (; fields->n_keep < options->n_keep; ++fields->n_keep)
        INK_TRY(copy_name(&fields->keep[fields->n_keep], options->keep[fields->n_keep], err));
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
    for (size_t i = 0; i < fields->n_keep; ++i)
        free(fields->keep[i]);
    free(fields->keep);
}

ink_status ink__records_open(ink__records **out, const ink__records_options *options, ink_error *err)
{
    ink__records *records = NULL;
    ink_status st;
    *out = NULL;
    INK_TRY_GOTO(ink__calloc(&records, 1, sizeof *records, "a reader of records", err));
    records->source.fd = -1;
    records->shard = options->shard, records->shards = options->shards;
    if (options->check) {
        ink__crc32c_init(&records->crc);
        records->source.crc = &records->crc;
    }
    INK_TRY_GOTO(ink__inputs_open(&records->inputs, &records->bytes_total, options, err));
    INK_TRY_GOTO(copy_fields(&records->fields, options, err));
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
    ink__inputs_free(records->inputs);
    free_fields(&records->fields);
    ink__text_free(&records->id);
    free(records);
}

/* A record's id where it names none itself: the path of a document, else its number. */
static ink_status default_id(ink__records *records, ink_error *err)
{
    ink__record *record = &records->record;
    const ink__source *source = &records->source;
    ink__text *id = &records->id;
    id->len = 0;
    if (records->format->one_each && !source->is_stdin) {
        const size_t len = strlen(source->name);
        ink__text name = {0};
        size_t bad = 0;
        INK_TRY(ink__text_reserve(&name, 3 * len, err));
        name.len = ink__utf8_sanitise(name.data, &bad, source->name, len);
        const ink_status st = ink__text_string(id, name.data, name.len, err);
        ink__text_free(&name);
        INK_TRY(st);
    } else {
        INK_TRY(ink__text_uint(id, record->number, err));
    }
    record->id = id->data, record->id_len = id->len;
    return INK_OK;
}

/* True if the next record is not wanted. */
static bool passes_over(const ink__records *records)
{
    return records->number < records->skip ||
           (records->shards > 1 && records->number % records->shards != records->shard - 1);
}

/* Adds a document's path, size and time of change to the check: so a change is noticed without reading. */
static void check_document(ink__source *source)
{
    struct stat info;
    uint64_t numbers[3] = {0, 0, 0};
    if (!source->is_stdin && stat(source->name, &info) == 0) {
        numbers[0] = (uint64_t)info.st_size;
        numbers[1] = (uint64_t)info.st_mtim.tv_sec, numbers[2] = (uint64_t)info.st_mtim.tv_nsec;
    }
    source->check = ink__crc32c_add(source->crc, source->check, source->name, strlen(source->name) + 1);
    source->check = ink__crc32c_add(source->crc, source->check, numbers, sizeof numbers);
}

/* Numbers the record that was read and gives it an id if it has none. */
static ink_status complete(ink__records *records, ink_error *err)
{
    ink__record *record = &records->record;
    ink__source *source = &records->source;
    const bool skipped = passes_over(records);
    record->number = ++records->number;
    if (records->format->one_each && source->crc)
        check_document(source);
    record->check = source->check;
    if (skipped)
        return INK_OK;
    record->source = records->source.name;
    if (!record->id)
        INK_TRY(default_id(records, err));
    if (record->error) {
        record->text = record->pair = NULL;
        record->text_len = record->pair_len = 0;
        record->labels = record->fields = NULL;
        record->n_labels = 0, record->kept_len = 0;
        record->label_list = false;
    }
    records->pending = true;
    return INK_OK;
}

/* Opens the next input, or finds that there is none. */
static ink_status open_next(ink__records *records, ink_error *err)
{
    ink__input in;
    INK_TRY(ink__inputs_next(&in, &records->end, records->inputs, &records->notes, err));
    if (records->end)
        return INK_OK;
    records->format = in.format; /* and so closed, if it opens only half */
    if (in.format->one_each && passes_over(records) && strcmp(in.path, "-") != 0) {
        records->source.name = in.path;
        INK_TRY(complete(records, err));
        records->format = NULL;
        return INK_OK;
    }
    INK_TRY(ink__source_open(&records->source, in.path, in.codec, err));
    return in.format->open(&records->state, &records->fields, err);
}

/* Looks for a record in what has been read of the open input, and reads on; *stuck where it would have to
 * wait and may not. */
static ink_status read_on(bool *stuck, ink__records *records, bool may_wait, ink_error *err)
{
    ink__step step = INK__STEP_MORE;
    bool started;
    INK_TRY(ink__source_start(&started, &records->source, err));
    if (started) {
        records->record = (ink__record){0};
        records->source.skip = passes_over(records);
        INK_TRY(records->format->step(&step, &records->record, records->state, &records->source, err));
    }
    if (step == INK__STEP_RECORD)
        return complete(records, err);
    uint64_t at;
    if (step == INK__STEP_END && ink__source_over(&at, &records->source))
        ink__notes_unread(&records->notes, records->source.name, at);
    if (step == INK__STEP_END)
        close_input(records);
    else if (!may_wait && ink__source_waits(&records->source))
        *stuck = true;
    else
        return ink__source_fill(&records->source, err);
    return INK_OK;
}

/* Where an input is one record, what goes wrong with its file is wrong with that record alone. */
static ink_status make_bad(ink__records *records, const ink_error *why, ink_error *err)
{
    const bool of_the_file =
        why->status == INK_E_IO || why->status == INK_E_FORMAT || why->status == INK_E_UNSUPPORTED;
    if (!records->format || !records->format->one_each || !of_the_file)
        return ink_fail(err, why->status, "%s", why->text);
    records->bad = *why;
    records->record = (ink__record){.error = records->bad.text, .kind = INK_BAD_FILE};
    INK_TRY(complete(records, err));
    close_input(records);
    return INK_OK;
}

/* One step towards the next record or the end; *stuck as in read_on. */
static ink_status step_on(bool *stuck, ink__records *records, bool may_wait, ink_error *err)
{
    ink_error why = {0};
    ink_status st = INK_OK;
    if (records->format)
        st = read_on(stuck, records, may_wait, &why);
    else if (!may_wait && ink__inputs_waits(records->inputs))
        *stuck = true;
    else
        st = open_next(records, &why);
    return st == INK_OK ? INK_OK : make_bad(records, &why, err);
}

/* Reads until a record is pending, or the end; or, unless it may wait, until it would have to. */
static ink_status advance(ink__records *records, bool may_wait, ink_error *err)
{
    bool stuck = false;
    while (!records->pending && !records->end && !stuck)
        INK_TRY(step_on(&stuck, records, may_wait, err));
    return INK_OK;
}

ink_status ink__records_skip(uint32_t *check, bool *end, ink__records *records, uint64_t n, ink_error *err)
{
    bool stuck = false;
    records->skip = n;
    while (records->number < n && !records->end)
        INK_TRY(step_on(&stuck, records, true, err));
    *check = records->source.check;
    *end = records->number < n;
    return INK_OK;
}

bool ink__records_wait(const ink__records *records, int milliseconds)
{
    if (!records->format)
        return false;
    ink__source_wait(&records->source, milliseconds);
    return true;
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

const ink__notes *ink__records_notes(const ink__records *records)
{
    return &records->notes;
}
