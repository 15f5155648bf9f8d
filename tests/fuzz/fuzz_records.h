/* Any bytes as records, read twice: from a file at once, and through a pipe in small pieces. Both must give
 * the same records, and each must keep what records.h promises. */
#ifndef INK_TESTS_FUZZ_RECORDS_H
#define INK_TESTS_FUZZ_RECORDS_H

#include "fuzz.h"
#include "core/utf8.h"
#include "io/records.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>

/* Fields that every target asks for, and what is true of all its records. */
enum { N_FIELDS = 2 };
static const char *const wanted_fields[N_FIELDS] = {"id", "c"};
static bool labels_wanted, documents;

static inline uint64_t mix(uint64_t hash, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; ++i)
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    return (hash ^ len) * 1099511628211u;
}

static inline void check_id(const ink__record *record)
{
    json_error_t why;
    MUST(record->id && record->id_len > 0);
    MUST(!memchr(record->id, '\n', record->id_len) && !memchr(record->id, '\r', record->id_len));
    json_t *id = json_loadb(record->id, record->id_len,
                            JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);
    MUST(id || json_error_code(&why) == json_error_numeric_overflow);
    json_decref(id);
}

static inline void take_string(uint64_t *hash, const char *text, size_t len)
{
    if (!text)
        return;
    MUST(ink__utf8_valid_prefix(text, len) == len);
    *hash = mix(*hash, text, len);
}

/* Takes one record into the hash; false at the end. */
static inline int take_record(uint64_t *hash, uint64_t number, ink__records *records)
{
    ink__record record;
    ink_error err;
    bool end;
    const ink_status st = ink__records_next(&record, &end, records, &err);
    if (st != INK_OK) {
        MUST((st == INK_E_FORMAT || st == INK_E_UNSUPPORTED) && err.text[0]);
        *hash = mix(*hash, "failed", 6);
        return 0;
    }
    if (end)
        return 0;
    MUST(record.number == number && record.source && (record.line > 0) != documents);
    check_id(&record);
    if (!documents) /* whose ids are the paths */
        *hash = mix(*hash, record.id, record.id_len);
    *hash = mix(*hash, record.error ? "bad" : "good", 4) + record.bad_bytes;
    if (record.error) {
        MUST(record.error[0] && !record.text && !record.pair);
        return 1;
    }
    MUST(record.text && ink__utf8_valid_prefix(record.text, record.text_len) == record.text_len);
    *hash = mix(*hash, record.text, record.text_len);
    take_string(hash, record.pair, record.pair_len);
    MUST(record.n_labels == 1 || record.label_list || !labels_wanted);
    for (size_t i = 0; i < record.n_labels; ++i) {
        MUST(record.labels[i].text && record.labels[i].len > 0);
        take_string(hash, record.labels[i].text, record.labels[i].len);
    }
    for (size_t i = 0; record.fields && i < N_FIELDS; ++i)
        take_string(hash, record.fields[i].text, record.fields[i].len);
    return 1;
}

static inline ink__records *open_path(const char *path, ink__records_options *options)
{
    ink_error err;
    ink__records *records;
    options->inputs = &path, options->n_inputs = 1;
    MUST(ink__records_open(&records, options, &err) == INK_OK);
    return records;
}

static inline uint64_t read_file(const uint8_t *data, size_t size, ink__records_options *options)
{
    uint64_t hash = 0, number = 0;
    ink__records *records = open_path(file_of_bytes(data, size), options);
    while (take_record(&hash, ++number, records))
        continue;
    ink__records_free(records);
    return hash;
}

static inline uint64_t read_pipe(const uint8_t *data, size_t size, ink__records_options *options)
{
    uint64_t hash = 0, number = 0;
    int ends[2];
    MUST(pipe2(ends, O_CLOEXEC) == 0);
    /* Standard input, because a pipe that is named is not opened before it must be. */
    MUST(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    ink__records *records = open_path("-", options);
    int go_on = 1;
    for (size_t i = 0, n; i < size; i += n) {
        n = 1 + (i * 7 + size) % (4 + size / 8);
        n = n < size - i ? n : size - i;
        MUST(write(ends[1], data + i, n) == (ssize_t)n);
        while (go_on && ink__records_ready(records))
            go_on = take_record(&hash, ++number, records);
    }
    close(ends[1]);
    while (go_on)
        go_on = take_record(&hash, ++number, records);
    ink__records_free(records);
    return hash;
}

static inline void fuzz_records(const uint8_t *data, size_t size, ink_format format, const char *pair,
                                bool labels)
{
    ink__records_options options = {0};
    options.format = format;
    options.text_pair = pair;
    documents = format == INK_FORMAT_DOCS;
    if (format == INK_FORMAT_JSONL || format == INK_FORMAT_CSV || format == INK_FORMAT_TSV)
        options.fields = wanted_fields, options.n_fields = N_FIELDS;
    if (labels)
        options.label = "label";
    labels_wanted = labels;
    if (size <= 60000) /* what a pipe takes at once */
        MUST(read_file(data, size, &options) == read_pipe(data, size, &options));
}

#endif
