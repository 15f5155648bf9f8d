/* The token cache, made: see corpus.h. One thread reads a block of documents and looks for repetitions, all
 * tokenize it, and the sequences are written in order, so that the file does not know the threads. */
#include "train/corpus.h"
#include "core/memory.h"
#include "io/jsontext.h"
#include "train/seen.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_DOCUMENTS = 4096, BLOCK_BYTES = 16 << 20 };

/* A document of the block. */
struct document {
    size_t text, len; /* in making.text */
    int32_t *ids;     /* [n] without [CLS] and its like */
    size_t n, capacity;
    ink_status status;
    ink_error error;
};

struct making {
    const ink__corpus_options *options;
    ink__records *records;
    ink__corpus_header header;
    ink__seen documents, lines;
    ink__text text;
    struct document *block; /* [BLOCK_DOCUMENTS] */
    size_t n;
    bool ended;
    ink_encoding *encodings; /* [threads] */
    int32_t *specials;       /* [before + after] */
    size_t before, after;
    int32_t unknown; /* or -1 */
    ink__atomic *file;
    unsigned char *piece; /* [INK__CORPUS_PIECE] of the body that is not yet written */
    size_t piece_len;
    uint64_t *offsets; /* [sequences+1] */
    size_t offsets_capacity;
};

/* ---- reading --------------------------------------------------------------------------------------- */

static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; ++i)
        if (!strchr(" \t\r\f\v", line[i]) || line[i] == '\0')
            return false;
    return true;
}

/* Counts the document's lines, and puts those that stay behind one another. */
static ink_status take_lines(struct making *m, struct document *d, ink_error *err)
{
    ink__corpus_counts *counts = &m->header.counts;
    const bool several = memchr(m->text.data + d->text, '\n', d->len) != NULL;
    size_t to = d->text;
    for (size_t at = d->text, end = d->text + d->len, next; at < end; at = next) {
        const char *line = m->text.data + at, *stop = memchr(line, '\n', end - at);
        const size_t len = stop ? (size_t)(stop - line) : end - at;
        bool before = false;
        next = at + len + (stop != NULL);
        if (!is_blank(line, len)) {
            INK_TRY(ink__seen_add(&before, &m->lines, ink__digest_of((ink__digest){0}, line, len), err));
            ++counts->lines, counts->repeated_lines += several && before;
        }
        if (several && before && m->options->drop_duplicates)
            continue;
        memmove(m->text.data + to, line, next - at);
        to += next - at;
    }
    d->len = to - d->text;
    m->text.len = to;
    return INK_OK;
}

static ink_status take(struct making *m, const ink__record *record, ink_error *err)
{
    ink__corpus_counts *counts = &m->header.counts;
    struct document *d = &m->block[m->n];
    bool before;
    counts->bad_bytes += record->bad_bytes;
    const ink__digest digest = ink__digest_of((ink__digest){0}, record->text, record->text_len);
    INK_TRY(ink__seen_add(&before, &m->documents, digest, err));
    ++counts->documents, counts->repeated += before;
    if (before && m->options->drop_duplicates)
        return INK_OK;
    d->text = m->text.len, d->len = record->text_len, d->n = 0;
    INK_TRY(ink__text_bytes(&m->text, record->text, record->text_len, err));
    if (!before)
        INK_TRY(take_lines(m, d, err));
    ++m->n;
    return INK_OK;
}

static ink_status read_block(struct making *m, ink_error *err)
{
    ink__corpus_counts *counts = &m->header.counts;
    m->n = m->text.len = 0;
    while (m->n < BLOCK_DOCUMENTS && m->text.len < BLOCK_BYTES) {
        ink__record record;
        INK_TRY(ink__records_next(&record, &m->ended, m->records, err));
        if (m->ended)
            break;
        if (record.error && !m->options->skip_bad)
            return ink_fail(err, INK_E_FORMAT, "%s", record.error);
        if (record.error && counts->left_out++ == 0 && m->options->first_error)
            snprintf(m->options->first_error, 512, "%s", record.error);
        if (!record.error && !is_blank(record.text, record.text_len))
            INK_TRY(take(m, &record, err));
    }
    return INK_OK;
}

/* ---- tokens ---------------------------------------------------------------------------------------- */

static ink_status tokenize(struct document *d, const struct making *m, ink_encoding *e, ink_error *err)
{
    const ink_encode_options plain = {.version = 1, .no_specials = true};
    INK_TRY(
        ink_tokenizer_encode(e, m->options->tokenizer, m->text.data + d->text, d->len, NULL, 0, &plain, err));
    INK_TRY(ink__grow(&d->ids, &d->capacity, e->length, sizeof *d->ids, "tokens", err));
    if (e->length > 0)
        memcpy(d->ids, e->ids, e->length * sizeof *d->ids);
    d->n = e->length;
    return INK_OK;
}

static ink_status tokenize_block(struct making *m, ink_error *err)
{
#pragma omp parallel for schedule(dynamic) num_threads(m->options->threads) if (m->options->threads > 1)
    for (size_t i = 0; i < m->n; ++i) {
        struct document *d = &m->block[i];
        d->status = tokenize(d, m, &m->encodings[omp_get_thread_num()], &d->error);
    }
    for (size_t i = 0; i < m->n; ++i)
        if (m->block[i].status != INK_OK)
            return ink_fail(err, m->block[i].status, "%s", m->block[i].error.text);
    return INK_OK;
}

/* What stands before a text and behind it, by the offsets of special tokens. */
static ink_status find_specials(struct making *m, ink_error *err)
{
    const ink_tokenizer *tokenizer = m->options->tokenizer;
    static const char *const names[] = {"[UNK]", "<unk>"};
    ink_encoding *e = &m->encodings[0];
    INK_TRY(ink_tokenizer_encode(e, tokenizer, "", 0, NULL, 0, NULL, err));
    const size_t n = e->length;
    INK_TRY(ink__calloc(&m->specials, n, sizeof *m->specials, "special tokens", err));
    if (n > 0)
        memcpy(m->specials, e->ids, n * sizeof *m->specials);
    INK_TRY(ink_tokenizer_encode(e, tokenizer, "a", 1, NULL, 0, NULL, err));
    while (m->before < n && m->before < e->length && e->spans[m->before].end == 0 &&
           e->ids[m->before] == m->specials[m->before])
        ++m->before;
    m->after = n - m->before;
    m->unknown = -1;
    for (size_t i = 0; i < 2 && m->unknown < 0; ++i)
        m->unknown = ink_tokenizer_id(tokenizer, names[i], strlen(names[i]));
    if (m->options->max_length <= n)
        return ink_fail(err, INK_E_ARG, "sequences of %zu tokens, of which %zu are special",
                        m->options->max_length, n);
    return INK_OK;
}

/* ---- writing --------------------------------------------------------------------------------------- */

static ink_status flush(struct making *m, ink_error *err)
{
    m->header.digest = ink__digest_of(m->header.digest, m->piece, m->piece_len);
    INK_TRY(ink__atomic_write(m->file, m->piece, m->piece_len, err));
    m->piece_len = 0;
    return INK_OK;
}

static ink_status put(struct making *m, const void *bytes, size_t len, ink_error *err)
{
    const unsigned char *from = bytes;
    while (len > 0) {
        const size_t room = INK__CORPUS_PIECE - m->piece_len, n = len < room ? len : room;
        memcpy(m->piece + m->piece_len, from, n);
        m->piece_len += n, from += n, len -= n;
        if (m->piece_len == INK__CORPUS_PIECE)
            INK_TRY(flush(m, err));
    }
    return INK_OK;
}

static ink_status put_sequence(struct making *m, const int32_t *ids, size_t n, ink_error *err)
{
    ink__corpus_counts *counts = &m->header.counts;
    INK_TRY(ink__grow(&m->offsets, &m->offsets_capacity, counts->sequences + 2, sizeof *m->offsets,
                      "sequences", err));
    INK_TRY(put(m, m->specials, m->before * sizeof *ids, err));
    INK_TRY(put(m, ids, n * sizeof *ids, err));
    INK_TRY(put(m, m->specials + m->before, m->after * sizeof *ids, err));
    counts->tokens += m->before + n + m->after;
    m->offsets[0] = 0, m->offsets[++counts->sequences] = counts->tokens;
    for (size_t i = 0; i < n; ++i)
        counts->unknown += ids[i] == m->unknown;
    return INK_OK;
}

static ink_status put_block(struct making *m, ink_error *err)
{
    const size_t full = m->options->max_length - m->before - m->after;
    for (size_t i = 0; i < m->n; ++i) {
        const struct document *d = &m->block[i];
        for (size_t at = 0; at < d->n; at += full)
            INK_TRY(put_sequence(m, d->ids + at, d->n - at < full ? d->n - at : full, err));
    }
    return INK_OK;
}

static ink_status tell(const struct making *m, ink_error *err)
{
    ink__corpus_progress progress = {.documents = m->header.counts.documents,
                                     .tokens = m->header.counts.tokens};
    if (!m->options->progress)
        return INK_OK;
    ink__records_progress(&progress.bytes_read, &progress.bytes_total, m->records);
    return m->options->progress(&progress, m->options->user, err);
}

static ink_status finish(struct making *m, ink_error *err)
{
    static const char zeros[8];
    ink__corpus_counts *counts = &m->header.counts;
    if (counts->sequences == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: there is no text in the corpus",
                        m->options->records.inputs[0]);
    counts->unread = ink__records_notes(m->records)->unread;
    INK_TRY(put(m, zeros, counts->tokens % 2 * sizeof(int32_t), err));
    INK_TRY(put(m, m->offsets, (size_t)(counts->sequences + 1) * sizeof *m->offsets, err));
    if (m->piece_len > 0)
        INK_TRY(flush(m, err));
    ink__corpus_seal(&m->header);
    INK_TRY(ink__atomic_rewrite(m->file, 0, &m->header, sizeof m->header, err));
    return ink__atomic_commit(m->file, err);
}

static ink_status make(struct making *m, const char *path, ink_error *err)
{
    INK_TRY(ink__calloc(&m->block, BLOCK_DOCUMENTS, sizeof *m->block, "documents", err));
    INK_TRY(ink__calloc(&m->encodings, m->options->threads, sizeof *m->encodings, "encodings", err));
    INK_TRY(ink__calloc(&m->piece, INK__CORPUS_PIECE, 1, "token cache", err));
    INK_TRY(find_specials(m, err));
    INK_TRY(ink__records_open(&m->records, &m->options->records, err));
    INK_TRY(ink__atomic_open(&m->file, path, err));
    INK_TRY(ink__atomic_write(m->file, &m->header, sizeof m->header, err));
    while (!m->ended) {
        INK_TRY(read_block(m, err));
        INK_TRY(tokenize_block(m, err));
        INK_TRY(put_block(m, err));
        INK_TRY(tell(m, err));
    }
    if (!m->options->skip_bad)
        INK_TRY(ink__notes_check(ink__records_notes(m->records), err));
    return finish(m, err);
}

ink_status ink__corpus_make(const char *path, ink__digest key, const ink__corpus_options *options,
                            ink_error *err)
{
    struct making m = {.options = options, .header.key = key};
    const ink_status st = make(&m, path, err);
    ink__atomic_free(m.file);
    ink__records_free(m.records);
    ink__text_free(&m.text);
    ink__seen_free(&m.documents);
    ink__seen_free(&m.lines);
    for (size_t i = 0; m.block && i < BLOCK_DOCUMENTS; ++i)
        free(m.block[i].ids);
    for (size_t i = 0; m.encodings && i < options->threads; ++i)
        ink_encoding_free(&m.encodings[i]);
    free(m.block);
    free(m.encodings);
    free(m.specials);
    free(m.piece);
    free(m.offsets);
    return st;
}
