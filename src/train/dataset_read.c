/* Reading a set of labelled records: see dataset.h. One thread reads a block of records; all tokenize it,
 * each a piece at a time; the pieces are appended in order, so that the result does not know the threads. */
#include "train/dataset.h"
#include "core/memory.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_RECORDS = 4096, BLOCK_BYTES = 16 << 20, PIECE_RECORDS = 32 };
enum { PIECES = BLOCK_RECORDS / PIECE_RECORDS };

/* A record of the block: places in `text`, labels in `labels`. */
struct waiting {
    size_t text, text_len, pair, pair_len, id;
    bool has_pair;
    size_t labels, n_labels;
    size_t length; /* tokens kept */
    ink__row row;
};

struct piece {
    int32_t *ids, *types;
    size_t n, capacity, types_capacity;
    ink_status status;
    ink_error error;
};

struct reading {
    const ink__dataset_options *options;
    ink__dataset *dataset;
    ink__records *records;
    struct waiting *block; /* [BLOCK_RECORDS] */
    size_t n;
    ink__text text;
    uint32_t *labels;
    size_t n_labels, labels_capacity;
    uint64_t *seen; /* [label] the last record that has it */
    size_t seen_capacity, n_seen;
    struct piece *pieces;    /* [PIECES] */
    ink_encoding *encodings; /* [threads] */
    bool ended, listed;
};

/* ---- a block of records ---------------------------------------------------------------------------- */

static ink_status find_source(uint32_t *source, ink__dataset *d, const char *name, ink_error *err)
{
    if (d->n_sources == 0 || strcmp(d->sources[d->n_sources - 1], name) != 0) {
        if (d->n_sources == UINT32_MAX)
            return ink_fail(err, INK_E_FORMAT, "more than %u files", UINT32_MAX);
        INK_TRY(
            ink__grow(&d->sources, &d->sources_capacity, d->n_sources + 1, sizeof *d->sources, "files", err));
        INK_TRY(ink__strndup(&d->sources[d->n_sources], name, strlen(name), err));
        ++d->n_sources;
    }
    *source = (uint32_t)(d->n_sources - 1);
    return INK_OK;
}

/* Notes the record's labels, each once. */
static ink_status keep_labels(struct reading *r, struct waiting *w, const ink__record *record, ink_error *err)
{
    w->labels = r->n_labels;
    for (size_t i = 0; i < record->n_labels; ++i) {
        uint32_t label;
        const ink__string *name = &record->labels[i];
        if (name->len > 0 && memchr(name->text, 0, name->len))
            return ink_fail(err, INK_E_FORMAT, "%s: line %llu: a label with a NUL character in it",
                            record->source, (unsigned long long)record->line);
        INK_TRY(ink__label_set_add(&label, &r->dataset->names, name->text, name->len, err));
        INK_TRY(ink__grow(&r->seen, &r->seen_capacity, (size_t)label + 1, sizeof *r->seen, "labels", err));
        if (label == r->n_seen)
            r->seen[r->n_seen++] = 0;
        if (r->seen[label] == record->number)
            continue;
        r->seen[label] = record->number;
        INK_TRY(
            ink__grow(&r->labels, &r->labels_capacity, r->n_labels + 1, sizeof *r->labels, "labels", err));
        r->labels[r->n_labels++] = label;
    }
    w->n_labels = r->n_labels - w->labels;
    r->listed = r->listed || record->label_list;
    return INK_OK;
}

ink__digest ink__text_digest(const char *text, size_t len, const char *pair, size_t pair_len)
{
    const ink__digest first = ink__digest_of((ink__digest){0}, text, len);
    return pair ? ink__digest_of(first, pair, pair_len) : first;
}

static ink_status keep(size_t *place, struct reading *r, const char *bytes, size_t len, ink_error *err)
{
    *place = r->text.len;
    return ink__text_bytes(&r->text, bytes, len, err);
}

static ink_status wait(struct reading *r, const ink__record *record, ink_error *err)
{
    struct waiting *w = &r->block[r->n];
    *w = (struct waiting){
        .text_len = record->text_len,
        .pair_len = record->pair_len,
        .has_pair = record->pair != NULL,
        .row = {.text = ink__text_digest(record->text, record->text_len, record->pair, record->pair_len),
                .line = record->line,
                .id_len = record->id_len}};
    INK_TRY(find_source(&w->row.source, r->dataset, record->source, err));
    INK_TRY(keep_labels(r, w, record, err));
    INK_TRY(keep(&w->id, r, record->id, record->id_len, err));
    INK_TRY(keep(&w->text, r, record->text, record->text_len, err));
    if (record->pair)
        INK_TRY(keep(&w->pair, r, record->pair, record->pair_len, err));
    w->row.bad_bytes = record->bad_bytes < UINT32_MAX ? (uint32_t)record->bad_bytes : UINT32_MAX;
    ++r->n;
    return INK_OK;
}

static ink_status read_block(struct reading *r, ink_error *err)
{
    ink__dataset *d = r->dataset;
    r->n = r->text.len = r->n_labels = 0;
    while (r->n < BLOCK_RECORDS && r->text.len < BLOCK_BYTES) {
        ink__record record;
        INK_TRY(ink__records_next(&record, &r->ended, r->records, err));
        if (r->ended)
            break;
        if (!record.error) {
            INK_TRY(wait(r, &record, err));
            continue;
        }
        if (!r->options->skip_bad)
            return ink_fail(err, INK_E_FORMAT, "%s", record.error);
        if (d->skipped++ == 0)
            snprintf(d->first_skipped, sizeof d->first_skipped, "%s", record.error);
    }
    return INK_OK;
}

/* ---- tokens ---------------------------------------------------------------------------------------- */

static ink_status tokenize_piece(struct piece *piece, ink_encoding *encoding, const struct reading *r,
                                 size_t first, size_t end)
{
    const ink__dataset_options *options = r->options;
    const ink_encode_options how = {.version = 1,
                                    .parse_special = options->parse_special,
                                    .max_length = options->max_length,
                                    .head_tail = options->head_tail};
    ink_error *err = &piece->error;
    piece->n = 0;
    for (size_t i = first; i < end; ++i) {
        struct waiting *w = &r->block[i];
        const char *text = r->text.data;
        INK_TRY(ink_tokenizer_encode(encoding, options->tokenizer, text + w->text, w->text_len,
                                     w->has_pair ? text + w->pair : NULL, w->pair_len, &how, err));
        w->length = encoding->length;
        w->row.tokens = encoding->total < UINT32_MAX ? (uint32_t)encoding->total : UINT32_MAX;
        const size_t n = piece->n + w->length, bytes = w->length * sizeof *piece->ids;
        INK_TRY(ink__grow(&piece->ids, &piece->capacity, n, sizeof *piece->ids, "tokens", err));
        INK_TRY(ink__grow(&piece->types, &piece->types_capacity, n, sizeof *piece->types, "tokens", err));
        memcpy(piece->ids + piece->n, encoding->ids, bytes);
        memcpy(piece->types + piece->n, encoding->types, bytes);
        piece->n = n;
    }
    return INK_OK;
}

static void tokenize_block(struct reading *r)
{
    const int n_pieces = (int)((r->n + PIECE_RECORDS - 1) / PIECE_RECORDS);
#pragma omp parallel for schedule(dynamic) num_threads(r->options->threads) if (r->options->threads > 1)
    for (int p = 0; p < n_pieces; ++p) {
        const size_t first = (size_t)p * PIECE_RECORDS;
        const size_t end = first + PIECE_RECORDS < r->n ? first + PIECE_RECORDS : r->n;
        struct piece *piece = &r->pieces[p];
        piece->status = tokenize_piece(piece, &r->encodings[omp_get_thread_num()], r, first, end);
    }
}

static ink_status append_block(struct reading *r, ink_error *err)
{
    const bool pairs = r->options->records.text_pair != NULL;
    size_t at = 0;
    for (size_t i = 0; i < r->n; ++i) {
        const struct piece *piece = &r->pieces[i / PIECE_RECORDS];
        const struct waiting *w = &r->block[i];
        if (piece->status != INK_OK)
            return ink_fail(err, piece->status, "%s", piece->error.text);
        if (i % PIECE_RECORDS == 0)
            at = 0;
        const ink__new_record record = {.ids = piece->ids + at,
                                        .types = piece->types + at,
                                        .length = w->length,
                                        .labels = r->labels + w->labels,
                                        .n_labels = w->n_labels,
                                        .id = r->text.data + w->id,
                                        .row = w->row};
        INK_TRY(ink__dataset_add(r->dataset, &record, pairs, err));
        at += w->length;
    }
    return INK_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------- */

static ink_status read_all(struct reading *r, ink_error *err)
{
    const ink__dataset_options *options = r->options;
    ink__records_options records = options->records;
    if (!records.label && !options->unlabelled)
        records.label = "label";
    INK_TRY(ink__calloc(&r->block, BLOCK_RECORDS, sizeof *r->block, "records", err));
    INK_TRY(ink__calloc(&r->pieces, PIECES, sizeof *r->pieces, "records", err));
    INK_TRY(ink__calloc(&r->encodings, options->threads, sizeof *r->encodings, "encodings", err));
    INK_TRY(ink__records_open(&r->records, &records, err));
    r->dataset->specials = ink_tokenizer_specials(options->tokenizer, records.text_pair != NULL);
    while (!r->ended) {
        INK_TRY(read_block(r, err));
        tokenize_block(r);
        INK_TRY(append_block(r, err));
    }
    r->dataset->notes = *ink__records_notes(r->records);
    if (!options->skip_bad)
        INK_TRY(ink__notes_check(&r->dataset->notes, err));
    if (r->dataset->n == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: no record that can be used",
                        records.n_inputs ? records.inputs[0] : "standard input");
    if (!options->unlabelled)
        return ink__dataset_resolve(r->dataset, options->task, r->listed, err);
    r->dataset->task = options->task;
    return INK_OK;
}

ink_status ink__dataset_read(ink__dataset *dataset, const ink__dataset_options *options, ink_error *err)
{
    struct reading r = {.options = options, .dataset = dataset};
    *dataset = (ink__dataset){0};
    if (options->threads == 0 || options->threads > 1024)
        return ink_fail(err, INK_E_ARG, "%zu threads, wanted 1 to 1024", options->threads);
    const ink_status st = read_all(&r, err);
    ink__records_free(r.records);
    for (size_t i = 0; r.pieces && i < PIECES; ++i) {
        free(r.pieces[i].ids);
        free(r.pieces[i].types);
    }
    for (size_t i = 0; r.encodings && i < options->threads; ++i)
        ink_encoding_free(&r.encodings[i]);
    ink__text_free(&r.text);
    free(r.encodings);
    free(r.pieces);
    free(r.labels);
    free(r.seen);
    free(r.block);
    if (st != INK_OK)
        ink__dataset_free(dataset);
    return st;
}
