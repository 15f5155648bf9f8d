/* Records that are CSV (RFC 4180), with semicolons or another delimiter if one is asked for, or with tabs
 * (TSV): a header line names the columns, a quoted field may hold commas, quotes ("") and line breaks. Lines
 * end in "\n", "\r\n" or "\r"; blank lines are skipped.
 *
 * libcsv finds the fields. Wherever files leave the RFC, the values are those of Python's csv module, the
 * reader that users know: spaces belong to their field, a quote inside an unquoted field is a quote, and what
 * follows a closing quote ("a"b) joins the field as it is. libcsv by itself trims spaces and reads the last
 * two otherwise, so it runs in its strict mode, in which it stops at such places, and feed() helps it on.
 * Unlike Python we call a quote that is never closed a bad record: it has swallowed every one after it.
 *
 * TSV is written in two ways. Spreadsheets, pandas and Hugging Face quote as in CSV; others, the files of
 * GLUE among them, do not quote at all, and a text that begins with a quote there opens one that nobody
 * meant. What tells them apart is text behind a closing quote, which no writer that quotes leaves: such a row
 * has its quotes as they stand, and if the quote has run over the line's end by then, the row is bad. */
#include "io/record_format.h"
#include "io/jsontext.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES_MAX ((size_t)1 << 20)
#define FEED_BYTES_MAX   ((size_t)64 << 10)
#define NO_COLUMN        SIZE_MAX
#define LIST_COLUMN      "labels"

typedef struct csv {
    const ink__fields *fields;
    struct csv_parser parser;
    char delimiter;
    size_t n_columns; /* 0 until the header has been read */
    size_t text, pair, id, label;
    size_t *more; /* [n_more of fields] */
    bool label_list;
    uint64_t line;     /* being read, from 1 */
    bool after_return; /* the last byte was "\r": a "\n" now is the same line's end */

    /* The row being read. */
    ink__text row;               /* its fields, one behind the other, in UTF-8 */
    size_t *ends, ends_capacity; /* where in `row` each ends; only of the first n_columns */
    size_t n_ends, n_fields, bytes, bad_bytes;
    uint64_t row_line, field_line; /* where it began, and its last field */
    bool join;                     /* what comes next belongs to the field before */
    bool stray;                    /* text has followed a closing quote; of TSV only */
    ink__text plain;               /* the row's first line as it stands; of TSV only */
    bool done;                     /* it is complete */
    bool lost;                     /* the rest of the input was behind a quote that is never closed */

    ink_status failure; /* of a callback, which cannot return one */
    ink_error why;
    ink_error bad; /* why the last record cannot be used */
    ink__text id_text;
    ink__labels labels;
    ink__string *values; /* [n_more of fields] */
    ink__text names;     /* of the columns that pass through: ,"a":  ,"b":  and so on */
    size_t *name_ends;   /* [n_columns] in names; as the one before where a column does not */
    ink__text kept;
} csv;

static int nothing_is_space(unsigned char c)
{
    (void)c;
    return 0;
}

static ink_status open_delimited(void **state, char delimiter, const ink__fields *fields, ink_error *err)
{
    csv *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "a reader of CSV", err));
    s->fields = fields;
    s->line = 1;
    s->delimiter = delimiter;
    *state = s;
    INK_TRY(ink__calloc(&s->more, fields->n_more, sizeof *s->more, "columns", err));
    INK_TRY(ink__calloc(&s->values, fields->n_more, sizeof *s->values, "columns", err));
    csv_init(&s->parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_space_func(&s->parser, nothing_is_space);
    csv_set_delim(&s->parser, (unsigned char)delimiter);
    return INK_OK;
}

static ink_status open_csv(void **state, const ink__fields *fields, ink_error *err)
{
    return open_delimited(state, fields->delimiter ? fields->delimiter : ',', fields, err);
}

static ink_status open_tsv(void **state, const ink__fields *fields, ink_error *err)
{
    return open_delimited(state, '\t', fields, err);
}

static void close_csv(void *state)
{
    csv *s = state;
    if (!s)
        return;
    csv_free(&s->parser);
    ink__text_free(&s->row);
    ink__text_free(&s->plain);
    ink__text_free(&s->id_text);
    ink__text_free(&s->names);
    ink__text_free(&s->kept);
    free(s->name_ends);
    ink__labels_free(&s->labels);
    free(s->more);
    free(s->values);
    free(s->ends);
    free(s);
}

/* ---- From libcsv ---- */

static bool too_long(const csv *s)
{
    return s->bytes > (s->n_columns > 0 ? INK__RECORD_MAX : HEADER_BYTES_MAX);
}

static ink_status add_field(csv *s, const char *bytes, size_t len)
{
    const bool valid = ink__utf8_valid_prefix(bytes, len) == len;
    s->n_fields += !s->join;
    s->join = false;
    s->field_line = s->line;
    if (too_long(s) || (s->n_columns > 0 && s->n_fields > s->n_columns))
        return INK_OK;
    INK_TRY(ink__grow(&s->ends, &s->ends_capacity, s->n_fields, sizeof *s->ends, "CSV fields", &s->why));
    INK_TRY(ink__text_reserve(&s->row, valid ? len : 3 * len, &s->why));
    if (len > 0)
        s->row.len += ink__utf8_sanitise(s->row.data + s->row.len, &s->bad_bytes, bytes, len);
    s->n_ends = s->n_fields;
    s->ends[s->n_ends - 1] = s->row.len;
    return INK_OK;
}

static void on_field(void *bytes, size_t len, void *user)
{
    csv *s = user;
    if (s->failure == INK_OK)
        s->failure = add_field(s, bytes, len);
}

static void on_row(int end, void *user)
{
    csv *s = user;
    (void)end;
    s->done = true;
}

static size_t parse(csv *s, const char *bytes, size_t len)
{
    return csv_parse(&s->parser, bytes, len, on_field, on_row, s);
}

/* Gives libcsv bytes of which none but the last may end a row. */
static ink_status feed(csv *s, const char *bytes, size_t len)
{
    for (;;) {
        const size_t taken = parse(s, bytes, len);
        bytes += taken, len -= taken;
        if (len == 0)
            break;
        bool stuck = csv_error(&s->parser) != CSV_EPARSE;
        if (!stuck && *bytes == '"') {
            /* Inside an unquoted field: a quote, which is how libcsv reads it when it is not strict. */
            csv_set_opts(&s->parser, 0);
            stuck = parse(s, bytes, 1) != 1;
            csv_set_opts(&s->parser, CSV_STRICT | CSV_STRICT_FINI);
            ++bytes, --len;
        } else if (!stuck) {
            /* Behind a closing quote: end the field here and let the next one join it. */
            stuck = parse(s, &s->delimiter, 1) != 1;
            s->join = true;
            s->stray = s->delimiter == '\t';
        }
        if (stuck)
            return ink_fail(&s->why, INK_E_MEMORY, "no memory for a CSV field");
    }
    return s->failure;
}

/* ---- Rows ---- */

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static void start_row(csv *s)
{
    s->row.len = s->n_ends = s->n_fields = s->bytes = s->bad_bytes = s->plain.len = 0;
    s->done = s->stray = false;
}

/* Finds the row's fields once more, its quotes being characters like any other. */
static ink_status split_plain(csv *s)
{
    const char *p = s->plain.data, *end = p + s->plain.len;
    s->row.len = s->n_ends = s->n_fields = s->bad_bytes = 0;
    s->stray = s->join = false;
    while (end > p && is_line_end(end[-1]))
        --end;
    for (;; ++p) {
        const char *tab = memchr(p, s->delimiter, (size_t)(end - p));
        const char *last = tab ? tab : end;
        INK_TRY(add_field(s, p, (size_t)(last - p)));
        if (!tab)
            return INK_OK;
        p = tab;
    }
}

static const char *field(size_t *len, const csv *s, size_t i)
{
    const size_t begin = i > 0 ? s->ends[i - 1] : 0;
    *len = s->ends[i] - begin;
    return *len > 0 ? s->row.data + begin : "";
}

/* What to say of a header that seems to be made for another delimiter. */
static const char *delimiter_hint(const csv *s)
{
    size_t len;
    if (s->n_ends != 1)
        return "";
    const char *only = field(&len, s, 0);
    const bool tab = s->delimiter == '\t';
    if (!tab && memchr(only, '\t', len))
        return "; there are tabs in it: is it TSV (--format tsv)?";
    if (s->delimiter != ';' && memchr(only, ';', len))
        return tab ? "; its columns seem to be separated by \";\" (--format csv --delimiter ';')"
                   : "; its columns seem to be separated by \";\" (--delimiter ';')";
    if (s->delimiter == ',' || !memchr(only, ',', len))
        return "";
    return tab ? "; there is no tab in it: is it CSV (--format csv)?"
               : "; its columns seem to be separated by \",\" (--delimiter ',')";
}

/* *column = the one named so, NO_COLUMN where there is none and it need not be: `option` is what names it on
 * the command line, NULL if it need not be there. */
static ink_status find_column(size_t *column, const csv *s, const char *name, const char *option,
                              const char *source, ink_error *err)
{
    ink__name_list columns = {0};
    *column = NO_COLUMN;
    for (size_t i = 0; i < s->n_ends; ++i) {
        size_t len;
        const char *text = field(&len, s, i);
        ink__name_list_add(&columns, text, len);
        if (len != strlen(name) || memcmp(text, name, len) != 0)
            continue;
        if (*column != NO_COLUMN)
            return ink_fail(err, INK_E_FORMAT, "%s: line %llu: columns %zu and %zu are both named \"%s\"",
                            source, (unsigned long long)s->row_line, *column + 1, i + 1, name);
        *column = i;
    }
    if (!option || *column != NO_COLUMN)
        return INK_OK;
    const char *hint = delimiter_hint(s);
    return ink_fail(err, INK_E_FORMAT, "%s: no column \"%s\" (columns: %s)%s%s%s", source, name, columns.text,
                    *hint ? hint : "; name one with ", *hint ? "" : option, *hint ? "" : " NAME");
}

static ink_status find_labels(csv *s, const char *source, ink_error *err)
{
    const ink__fields *fields = s->fields;
    s->label = NO_COLUMN;
    if (!fields->label)
        return INK_OK;
    INK_TRY(find_column(&s->label, s, fields->label, fields->label_else ? NULL : "--label", source, err));
    s->label_list = strcmp(fields->label, LIST_COLUMN) == 0;
    if (s->label != NO_COLUMN)
        return INK_OK;
    INK_TRY(find_column(&s->label, s, fields->label_else, NULL, source, err));
    s->label_list = true;
    /* Where there is neither, the one that was named is missing. */
    return s->label != NO_COLUMN ? INK_OK : find_column(&s->label, s, fields->label, "--label", source, err);
}

/* Which columns pass through; those that were named must be there. */
static ink_status find_kept(csv *s, const char *source, ink_error *err)
{
    const ink__fields *fields = s->fields;
    size_t column;
    for (size_t i = 0; i < fields->n_keep; ++i)
        INK_TRY(find_column(&column, s, fields->keep[i], "--keep", source, err));
    if (fields->n_keep == 0 && !fields->keep_all)
        return INK_OK;
    INK_TRY(ink__calloc(&s->name_ends, s->n_fields, sizeof *s->name_ends, "columns", err));
    for (size_t i = 0; i < s->n_ends; ++i) {
        size_t len;
        const char *name = field(&len, s, i);
        if (ink__keeps(fields, name, len))
            INK_TRY(ink__keep_name(&s->names, name, len, err));
        s->name_ends[i] = s->names.len;
    }
    return INK_OK;
}

static ink_status keep_cells(ink__record *record, csv *s, ink_error *err)
{
    size_t begin = 0, len;
    s->kept.len = 0;
    for (size_t i = 0; s->name_ends && i < s->n_columns; begin = s->name_ends[i++]) {
        if (s->name_ends[i] == begin)
            continue;
        const char *cell = field(&len, s, i);
        INK_TRY(ink__text_bytes(&s->kept, s->names.data + begin, s->name_ends[i] - begin, err));
        INK_TRY(ink__text_string(&s->kept, cell, len, err));
    }
    record->kept = s->kept.data, record->kept_len = s->kept.len;
    return INK_OK;
}

static ink_status read_header(csv *s, const char *source, ink_error *err)
{
    const ink__fields *fields = s->fields;
    INK_TRY(find_column(&s->text, s, fields->text, "--text", source, err));
    s->pair = NO_COLUMN;
    if (fields->pair)
        INK_TRY(find_column(&s->pair, s, fields->pair, "--text-pair", source, err));
    INK_TRY(find_column(&s->id, s, fields->id, fields->id_required ? "--id" : NULL, source, err));
    INK_TRY(find_labels(s, source, err));
    for (size_t i = 0; i < fields->n_more; ++i)
        INK_TRY(find_column(&s->more[i], s, fields->more[i], NULL, source, err));
    s->n_columns = s->n_fields;
    return find_kept(s, source, err);
}

/* Points the record at its fields; INK_E_FORMAT where its labels are none. */
static ink_status take_fields(ink__record *record, csv *s, const char *source, ink_error *err)
{
    record->text = field(&record->text_len, s, s->text);
    if (s->pair != NO_COLUMN)
        record->pair = field(&record->pair_len, s, s->pair);
    for (size_t i = 0; i < s->fields->n_more; ++i) {
        s->values[i] = (ink__string){NULL, 0};
        if (s->more[i] != NO_COLUMN)
            s->values[i].text = field(&s->values[i].len, s, s->more[i]);
    }
    record->fields = s->values;
    INK_TRY(keep_cells(record, s, err));
    if (s->label == NO_COLUMN)
        return INK_OK;
    char place[400];
    size_t len;
    snprintf(place, sizeof place, "%.250s: line %llu: column \"%.80s\"", source,
             (unsigned long long)s->row_line, s->label_list ? LIST_COLUMN : s->fields->label);
    const char *cell = field(&len, s, s->label);
    INK_TRY(ink__labels_cell(&s->labels, s->label_list, cell, len, place, err));
    ink__labels_give(record, &s->labels);
    return INK_OK;
}

static ink_status make_record(ink__record *record, csv *s, const char *source, ink_error *err)
{
    const unsigned long long line = s->row_line;
    ink_status st;
    record->bad_bytes = s->bad_bytes;
    record->line = s->row_line;
    record->kind = too_long(s)                               ? INK_BAD_LENGTH
                   : s->stray || s->n_fields != s->n_columns ? INK_BAD_ROW
                                                             : INK_BAD_FIELD;
    if (too_long(s))
        st = ink_fail(&s->bad, INK_E_FORMAT, "%s: line %llu: the row has %zu bytes, at most %zu are read",
                      source, line, s->bytes, INK__RECORD_MAX);
    else if (s->stray)
        st = ink_fail(
            &s->bad, INK_E_FORMAT,
            "%s: line %llu: a quoted field has text behind its closing quote in line %llu; quotes that "
            "are text are doubled, in a field that is quoted",
            source, line, (unsigned long long)s->field_line);
    else if (s->n_fields != s->n_columns)
        st = ink_fail(&s->bad, INK_E_FORMAT, "%s: line %llu: %zu field%s, the header has %zu", source, line,
                      s->n_fields, s->n_fields == 1 ? "" : "s", s->n_columns);
    else
        st = take_fields(record, s, source, &s->bad);
    if (st != INK_OK && st != INK_E_FORMAT)
        return ink_fail(err, st, "%s", s->bad.text);
    if (st != INK_OK)
        record->error = s->bad.text;
    /* In a row that went wrong, fields may have shifted: only an id ahead of the texts is surely one. */
    if (s->id < s->n_ends && (record->text || (s->id < s->text && s->id < s->pair))) {
        size_t len;
        const char *id = field(&len, s, s->id);
        s->id_text.len = 0;
        INK_TRY(ink__text_string(&s->id_text, id, len, err));
        record->id = s->id_text.data, record->id_len = s->id_text.len;
    }
    return INK_OK;
}

/* Takes some of the window's n bytes, no more than a line. */
static ink_status take_bytes(csv *s, ink__source *source, size_t n)
{
    const char *bytes = source->data + source->begin;
    size_t len = 0;
    n = n < FEED_BYTES_MAX ? n : FEED_BYTES_MAX;
    while (len < n && !is_line_end(bytes[len]))
        ++len;
    len += len < n;
    if (s->bytes > 0 || !is_line_end(bytes[0])) { /* else a blank line, or the second half of "\r\n" */
        if (s->bytes == 0)
            s->row_line = s->field_line = s->line;
        s->bytes += len;
        /* libcsv's buffer grows by this much at a time: so it doubles. */
        const size_t room = csv_get_buffer_size(&s->parser);
        csv_set_blk_size(&s->parser, room > FEED_BYTES_MAX ? room : FEED_BYTES_MAX);
        if (s->delimiter == '\t' && s->line == s->row_line && !too_long(s))
            INK_TRY(ink__text_bytes(&s->plain, bytes, len, &s->why));
        INK_TRY(feed(s, bytes, len));
        /* libcsv has no call that drops what a field holds. From 1 its position may be anything: a closing
         * quote is taken back by one. */
        if (too_long(s) && s->parser.entry_pos > 1)
            s->parser.entry_pos = 1;
    }
    const char last = bytes[len - 1];
    s->line += last == '\r' || (last == '\n' && !(s->after_return && len == 1));
    s->after_return = last == '\r';
    ink__source_take(source, len);
    return INK_OK;
}

/* The input has ended inside quotes: all from its row on is one bad record. */
static ink_status make_lost(ink__record *record, csv *s, const char *source, ink_error *err)
{
    (void)ink_fail(&s->bad, INK_E_FORMAT,
                   "%s: line %llu: a quote is opened here and never closed: no record behind it can be read",
                   source, (unsigned long long)s->field_line);
    if (s->n_columns == 0)
        return ink_fail(err, INK_E_FORMAT, "%s", s->bad.text);
    s->done = s->lost = true;
    *record = (ink__record){.error = s->bad.text, .kind = INK_BAD_ROW, .line = s->row_line};
    return INK_OK;
}

static ink_status step_csv(ink__step *step, ink__record *record, void *state, ink__source *source,
                           ink_error *err)
{
    csv *s = state;
    *step = INK__STEP_END;
    if (s->lost)
        return INK_OK;
    if (s->done)
        start_row(s);
    for (;;) {
        const size_t n = source->end - source->begin;
        if (n == 0 && !source->eof) {
            *step = INK__STEP_MORE;
            return INK_OK;
        }
        if (n > 0) {
            const ink_status st = take_bytes(s, source, n);
            if (st != INK_OK)
                return ink_fail(err, st, "%s: line %llu: %s", source->name, (unsigned long long)s->row_line,
                                s->why.text);
        } else if (csv_fini(&s->parser, on_field, on_row, s) != 0) {
            *step = INK__STEP_RECORD;
            return make_lost(record, s, source->name, err);
        } else if (!s->done) {
            *step = INK__STEP_END;
            return INK_OK;
        }
        if (s->n_columns == 0 && too_long(s))
            return ink_fail(err, INK_E_FORMAT, "%s: its header line has more than %zu bytes", source->name,
                            HEADER_BYTES_MAX);
        if (!s->done)
            continue;
        if (s->stray && s->field_line == s->row_line && !too_long(s)) {
            const ink_status st = split_plain(s);
            if (st != INK_OK)
                return ink_fail(err, st, "%s", s->why.text);
        }
        if (s->n_columns > 0) {
            *step = INK__STEP_RECORD;
            return source->skip ? INK_OK : make_record(record, s, source->name, err);
        }
        INK_TRY(read_header(s, source->name, err));
        start_row(s);
    }
}

const ink__record_format ink__format_csv = {.name = "CSV",
                                            .has_fields = true,
                                            .has_labels = true,
                                            .delimiter = ',',
                                            .any_delimiter = true,
                                            .open = open_csv,
                                            .step = step_csv,
                                            .close = close_csv};

const ink__record_format ink__format_tsv = {.name = "TSV",
                                            .has_fields = true,
                                            .has_labels = true,
                                            .delimiter = '\t',
                                            .open = open_tsv,
                                            .step = step_csv,
                                            .close = close_csv};
