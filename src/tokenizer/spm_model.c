/* Reads, checks and writes ModelProtos: see spm_model.h. Of a field given twice the last counts, messages
 * merge, and unknown fields are passed over, as protobuf has it. */
#include "tokenizer/spm_model.h"
#include "tokenizer/charsmap.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* SentencePiece counts pieces in int, and takes a piece apart by recursion. */
enum { PIECES_MAX = 1 << 24, PIECE_LEN_MAX = 1 << 12, USER_DEFINED_MAX = 64 };

/* --- Wire format ---------------------------------------------------------------------------------------- */

typedef struct reader {
    const unsigned char *start, *at, *end;
    const char *where;
    ink_error *err;
} reader;

typedef struct field {
    uint32_t number, wire; /* wire 0: value; 1: skipped; 2: bytes; 5: value */
    uint64_t value;
    reader bytes;
} field;

static ink_status cut_short(const reader *r, const char *what)
{
    return ink_fail(r->err, INK_E_FORMAT, "%s: not a SentencePiece model: %s at byte %zu", r->where, what,
                    (size_t)(r->at - r->start));
}

static ink_status read_varint(uint64_t *value, reader *r)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        const unsigned char byte = *r->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return INK_OK;
    }
    return cut_short(r, "a number does not end");
}

/* The next field of a message that is not at its end. */
static ink_status read_field(field *f, reader *r)
{
    uint64_t key;
    *f = (field){0};
    INK_TRY(read_varint(&key, r));
    if (key >> 3 == 0 || key >> 3 > UINT32_MAX >> 3)
        return cut_short(r, "a field has an impossible number");
    f->number = (uint32_t)(key >> 3), f->wire = (uint32_t)(key & 7);
    const size_t left = (size_t)(r->end - r->at);
    switch (f->wire) {
    case 0:
        return read_varint(&f->value, r);
    case 1:
        if (left < 8)
            return cut_short(r, "the file ends inside a field");
        r->at += 8;
        return INK_OK;
    case 2:
        INK_TRY(read_varint(&f->value, r));
        if (f->value > (size_t)(r->end - r->at))
            return cut_short(r, "a field is longer than what is left of it");
        f->bytes = *r;
        r->at += f->value;
        f->bytes.end = r->at;
        return INK_OK;
    case 5:
        if (left < 4)
            return cut_short(r, "the file ends inside a field");
        for (int i = 3; i >= 0; --i)
            f->value = f->value << 8 | r->at[i];
        r->at += 4;
        return INK_OK;
    default:
        return cut_short(r, "a field has an unknown wire type");
    }
}

/* --- Reading -------------------------------------------------------------------------------------------- */

ink_status ink__spm_model_add(ink__spm_model *m, ink__spm_piece piece, ink_error *err)
{
    INK_TRY(ink__grow(&m->pieces, &m->capacity, m->n + 1, sizeof *m->pieces, "the model's pieces", err));
    m->pieces[m->n++] = piece;
    return INK_OK;
}

static ink_status read_piece(ink__spm_model *m, reader r)
{
    ink__spm_piece piece = {.text = "", .type = INK__SPM_NORMAL};
    while (r.at < r.end) {
        field f;
        INK_TRY(read_field(&f, &r));
        if (f.number == 1 && f.wire == 2) {
            piece.text = (const char *)f.bytes.at;
            piece.len = (size_t)f.value;
        } else if (f.number == 2 && f.wire == 5) {
            const uint32_t bits = (uint32_t)f.value;
            memcpy(&piece.score, &bits, sizeof bits);
        } else if (f.number == 3 && f.wire == 0) {
            piece.type = f.value <= INK__SPM_BYTE ? (int32_t)f.value : 0;
        }
    }
    return ink__spm_model_add(m, piece, r.err);
}

static ink_status read_trainer(ink__spm_model *m, reader r)
{
    while (r.at < r.end) {
        field f;
        INK_TRY(read_field(&f, &r));
        if (f.wire != 0)
            continue;
        if (f.number == 3)
            m->type = f.value <= 4 ? (int32_t)f.value : 0;
        else if (f.number == 24)
            m->space_suffix = f.value != 0;
        else if (f.number == 35)
            m->byte_fallback = f.value != 0;
    }
    return INK_OK;
}

static ink_status read_normalizer(ink__spm_model *m, reader r)
{
    while (r.at < r.end) {
        field f;
        INK_TRY(read_field(&f, &r));
        if (f.number == 2 && f.wire == 2) {
            m->charsmap = (const char *)f.bytes.at;
            m->charsmap_len = (size_t)f.value;
        } else if (f.wire == 0 && f.number >= 3 && f.number <= 5) {
            bool *const flags[] = {&m->dummy_prefix, &m->remove_spaces, &m->escape_spaces};
            *flags[f.number - 3] = f.value != 0;
        }
    }
    return INK_OK;
}

static ink_status read_model(ink__spm_model *m, reader r)
{
    while (r.at < r.end) {
        field f;
        INK_TRY(read_field(&f, &r));
        if (f.wire != 2)
            continue;
        if (f.number == 1)
            INK_TRY(read_piece(m, f.bytes));
        else if (f.number == 2)
            INK_TRY(read_trainer(m, f.bytes));
        else if (f.number == 3)
            INK_TRY(read_normalizer(m, f.bytes));
    }
    return ink__spm_model_check(m, r.where, r.err);
}

ink_status ink__spm_model_read(ink__spm_model *m, const void *bytes, size_t len, const char *where,
                               ink_error *err)
{
    const unsigned char *p = bytes;
    *m = (ink__spm_model){.type = INK__SPM_UNIGRAM};
    m->dummy_prefix = m->remove_spaces = m->escape_spaces = true;
    const ink_status st = read_model(m, (reader){p, p, p + len, where, err});
    if (st != INK_OK)
        ink__spm_model_free(m);
    return st;
}

void ink__spm_model_free(ink__spm_model *m)
{
    free(m->pieces);
    *m = (ink__spm_model){0};
}

/* --- Checking ------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    const ink__spm_piece *x = *(const ink__spm_piece *const *)a, *y = *(const ink__spm_piece *const *)b;
    const int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static ink_status check_unique(const ink__spm_model *m, const char *where, ink_error *err)
{
    const ink__spm_piece **sorted;
    ink_status st = INK_OK;
    INK_TRY(ink__calloc(&sorted, m->n, sizeof *sorted, "a check", err));
    for (size_t i = 0; i < m->n; ++i)
        sorted[i] = &m->pieces[i];
    qsort(sorted, m->n, sizeof *sorted, by_text);
    for (size_t i = 1; i < m->n && st == INK_OK; ++i)
        if (by_text(&sorted[i - 1], &sorted[i]) == 0)
            st = ink_fail(err, INK_E_FORMAT, "%s: the piece \"%.*s\" is there twice", where,
                          (int)(sorted[i]->len < 80 ? sorted[i]->len : 80), sorted[i]->text);
    free(sorted);
    return st;
}

static ink_status check_piece(const ink__spm_model *m, size_t i, const char *where, ink_error *err)
{
    const ink__spm_piece *p = &m->pieces[i];
    if (p->len == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: piece %zu is empty", where, i);
    if (p->len > PIECE_LEN_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: piece %zu has %zu bytes, at most %d are taken", where, i,
                        p->len, (int)PIECE_LEN_MAX);
    if (memchr(p->text, '\0', p->len) || ink__utf8_valid_prefix(p->text, p->len) < p->len)
        return ink_fail(err, INK_E_FORMAT, "%s: piece %zu has a NUL in it or is not UTF-8", where, i);
    if (!isfinite(p->score))
        return ink_fail(err, INK_E_FORMAT, "%s: the score of piece %zu, \"%.*s\", is not finite", where, i,
                        (int)(p->len < 80 ? p->len : 80), p->text);
    if (p->type < INK__SPM_NORMAL || p->type > INK__SPM_BYTE)
        return ink_fail(err, INK_E_FORMAT, "%s: piece %zu has a type that there is not", where, i);
    return INK_OK;
}

/* The byte of "<0xNN>", or -1. */
static int byte_of(const ink__spm_piece *p)
{
    static const char digits[] = "0123456789ABCDEF";
    if (p->len != 6 || memcmp(p->text, "<0x", 3) != 0 || p->text[5] != '>')
        return -1;
    const char *high = strchr(digits, p->text[3]), *low = strchr(digits, p->text[4]);
    return high && low ? (int)((high - digits) << 4 | (low - digits)) : -1;
}

ink_status ink__spm_model_check(ink__spm_model *m, const char *where, ink_error *err)
{
    size_t unknown = 0, normal = 0, user_defined = 0, bytes = 0;
    if (m->type != INK__SPM_UNIGRAM && m->type != INK__SPM_BPE)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: the model's type is %s, wanted unigram or BPE", where,
                        m->type == 3   ? "word"
                        : m->type == 4 ? "char"
                                       : "unknown");
    if (m->n == 0 || m->n > PIECES_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: a SentencePiece model of %zu pieces, wanted 1 to %d", where,
                        m->n, (int)PIECES_MAX);
    for (size_t i = 0; i < m->n; ++i) {
        INK_TRY(check_piece(m, i, where, err));
        const int32_t type = m->pieces[i].type;
        normal += type == INK__SPM_NORMAL;
        user_defined += type == INK__SPM_USER_DEFINED;
        if (type == INK__SPM_UNKNOWN) {
            m->unk = i;
            ++unknown;
        } else if (type == INK__SPM_BYTE) {
            if (byte_of(&m->pieces[i]) < 0)
                return ink_fail(err, INK_E_FORMAT, "%s: the byte piece %zu is not written as <0xNN>", where,
                                i);
            ++bytes;
        }
    }
    if (unknown != 1)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu pieces are of the type UNKNOWN, wanted one", where,
                        unknown);
    if (normal == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: no piece is of the type NORMAL", where);
    if (bytes != (m->byte_fallback ? 256 : 0))
        return ink_fail(err, INK_E_FORMAT, "%s: %zu byte pieces, but byte_fallback is %s", where, bytes,
                        m->byte_fallback ? "true" : "false");
    /* SentencePiece keeps this many matches that start with one another; more are written past the end. */
    if (user_defined > USER_DEFINED_MAX) {
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: %zu user-defined pieces, at most %d are taken", where,
                        user_defined, (int)USER_DEFINED_MAX);
    }
    INK_TRY(check_unique(m, where, err));
    if (m->charsmap_len > 0) {
        ink__charsmap map;
        INK_TRY(ink__charsmap_open(&map, m->charsmap, m->charsmap_len, where, err));
        ink__charsmap_release(&map);
    }
    return INK_OK;
}

/* --- Writing -------------------------------------------------------------------------------------------- */

typedef struct writer {
    char *bytes; /* NULL while only the length is counted */
    size_t len;
} writer;

static void put(writer *w, const void *bytes, size_t len)
{
    if (w->bytes && len > 0)
        memcpy(w->bytes + w->len, bytes, len);
    w->len += len;
}

static void put_varint(writer *w, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        put(w, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void put_number(writer *w, uint32_t number, uint64_t value)
{
    put_varint(w, (uint64_t)number << 3);
    put_varint(w, value);
}

static void put_bytes(writer *w, uint32_t number, const void *bytes, size_t len)
{
    put_varint(w, (uint64_t)number << 3 | 2);
    put_varint(w, len);
    put(w, bytes, len);
}

static void put_piece(writer *w, const ink__spm_piece *p)
{
    uint32_t bits;
    memcpy(&bits, &p->score, sizeof bits);
    const unsigned char score[4] = {(unsigned char)bits, (unsigned char)(bits >> 8),
                                    (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
    put_bytes(w, 1, p->text, p->len);
    put_varint(w, 2 << 3 | 5);
    put(w, score, sizeof score);
    put_number(w, 3, (uint64_t)p->type);
}

static void put_trainer(writer *w, const ink__spm_model *m)
{
    put_number(w, 3, (uint64_t)m->type);
    put_number(w, 4, m->n);
    put_number(w, 24, m->space_suffix);
    put_number(w, 35, m->byte_fallback);
    put_number(w, 40, m->unk);
}

static void put_normalizer(writer *w, const ink__spm_model *m)
{
    put_bytes(w, 1, "identity", 8);
    if (m->charsmap_len > 0)
        put_bytes(w, 2, m->charsmap, m->charsmap_len);
    put_number(w, 3, m->dummy_prefix);
    put_number(w, 4, m->remove_spaces);
    put_number(w, 5, m->escape_spaces);
}

static void put_model(writer *w, const ink__spm_model *m)
{
    writer size;
    for (size_t i = 0; i < m->n; ++i) {
        size = (writer){0};
        put_piece(&size, &m->pieces[i]);
        put_varint(w, 1 << 3 | 2);
        put_varint(w, size.len);
        put_piece(w, &m->pieces[i]);
    }
    void (*const parts[])(writer *, const ink__spm_model *) = {put_trainer, put_normalizer};
    for (uint32_t i = 0; i < 2; ++i) {
        size = (writer){0};
        parts[i](&size, m);
        put_varint(w, (i + 2) << 3 | 2);
        put_varint(w, size.len);
        parts[i](w, m);
    }
}

ink_status ink__spm_model_write(char **bytes, size_t *len, const ink__spm_model *m, ink_error *err)
{
    writer w = {0};
    put_model(&w, m);
    *bytes = NULL;
    INK_TRY(ink__calloc(bytes, w.len, 1, "a SentencePiece model", err));
    *len = w.len;
    w = (writer){.bytes = *bytes};
    put_model(&w, m);
    return INK_OK;
}
