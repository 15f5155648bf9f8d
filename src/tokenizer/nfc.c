/* NFC: see nfc.h. The result and its alignment are those of tokenizers' NFC (crate
 * unicode-normalization-alignments, Unicode 9): decompose, put marks in order, compose again. Each resulting
 * character gets the span of one source character. They are dealt out in the order of the result: a character
 * made of n sources takes the first of the next n, one that only continues a decomposition shares its
 * predecessor's. */
#include "tokenizer/nfc.h"
#include "tokenizer/bpe_pretokenize.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

void ink__nfc_free(ink__nfc *n)
{
    free(n->sources);
    free(n->out);
    free(n->parts);
    *n = (ink__nfc){0};
}

static void read_source(ink__char *ch, ink__stream *s)
{
    int ill_formed;
    ch->begin = s->pos;
    s->pos += ink__utf8_decode_checked(&ch->cp, &ill_formed, s->text + s->pos, s->text + s->end);
    ch->end = s->pos;
    s->bad += (size_t)ill_formed;
}

static bool next_is_unstable(const ink__stream *s)
{
    uint32_t cp;
    if (s->pos == s->end || s->text[s->pos] < 0x80)
        return false;
    ink__utf8_decode(&cp, s->text + s->pos, s->text + s->end);
    return ink__bpe_class(s->nfc->classes, cp) & INK__BPE_UNSTABLE;
}

static int by_order(const void *a, const void *b)
{
    const ink__nfc_part *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* The character that a and b compose to, or 0. A composite that the package's older tables do not decompose
 * is none to it. */
static uint32_t compose(uint32_t a, uint32_t b)
{
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)a, (utf8proc_int32_t)b};
    if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_STABLE | UTF8PROC_COMPOSE) != 1)
        return 0;
    return ink__unicode_class((uint32_t)pair[0]) & INK__DECOMPOSES ? (uint32_t)pair[0] : 0;
}

/* Decomposes the n sources and orders the marks; returns the number of parts. */
static size_t decompose(ink__nfc *nfc, size_t n)
{
    size_t n_parts = 0, sorted = 0;
    for (size_t i = 0; i < n; ++i) {
        uint32_t cps[INK__DECOMPOSED_MAX] = {nfc->sources[i].cp};
        size_t len = 1;
        if (ink__unicode_class(cps[0]) & INK__DECOMPOSES)
            len = ink__unicode_decompose(cps, cps[0]);
        for (size_t k = 0; k < len; ++k, ++n_parts) {
            const bool reorders = ink__unicode_class(cps[k]) & INK__REORDERS;
            nfc->parts[n_parts] =
                (ink__nfc_part){cps[k], reorders ? ink__unicode_combining(cps[k]) : 0, k > 0, n_parts};
            if (!reorders) {
                qsort(nfc->parts + sorted, n_parts - sorted, sizeof *nfc->parts, by_order);
                sorted = n_parts;
            }
        }
    }
    qsort(nfc->parts + sorted, n_parts - sorted, sizeof *nfc->parts, by_order);
    return n_parts;
}

/* Composes in place; returns the number of parts left. A part joins the last starter unless one between them
 * has its class or a higher one. */
static size_t recompose(ink__nfc_part *parts, size_t n)
{
    size_t kept = 0, starter = SIZE_MAX;
    unsigned last = 0; /* the class of the part before, where that is not the starter */
    for (size_t i = 0; i < n; ++i) {
        const bool adjacent = starter != SIZE_MAX && kept == starter + 1;
        if (starter != SIZE_MAX && (adjacent || last < parts[i].order)) {
            const uint32_t joined = compose(parts[starter].cp, parts[i].cp);
            if (joined) {
                parts[starter].cp = joined;
                parts[starter].change += parts[i].change - 1;
                continue;
            }
        }
        last = parts[i].order;
        if (last == 0)
            starter = kept;
        parts[kept++] = parts[i];
    }
    return kept;
}

/* Fills the queue with the cluster that begins with `first`. */
static bool read_cluster(ink__stream *s, ink__char first)
{
    ink__nfc *nfc = s->nfc;
    size_t n = 0, at = 0;
    for (;;) {
        if (ink__grow(&nfc->sources, &nfc->sources_capacity, n + 1, sizeof *nfc->sources, "", NULL) != INK_OK)
            return false;
        nfc->sources[n++] = first;
        if (!next_is_unstable(s))
            break;
        read_source(&first, s);
    }
    if (n > SIZE_MAX / INK__DECOMPOSED_MAX ||
        ink__grow(&nfc->parts, &nfc->parts_capacity, n * INK__DECOMPOSED_MAX, sizeof *nfc->parts, "", NULL) !=
            INK_OK)
        return false;
    const size_t n_parts = recompose(nfc->parts, decompose(nfc, n));
    if (ink__grow(&nfc->out, &nfc->out_capacity, n_parts, sizeof *nfc->out, "", NULL) != INK_OK)
        return false;
    for (size_t i = 0; i < n_parts; ++i) {
        const ink__nfc_part *part = &nfc->parts[i];
        const ink__char *source = &nfc->sources[part->change <= 0 ? at : at > 0 ? at - 1 : 0];
        nfc->out[i] = (ink__char){part->cp, source->begin, source->end};
        if (part->change <= 0)
            at += 1 + (size_t)-part->change;
    }
    s->queue_at = 0, s->queue_len = n_parts;
    return true;
}

bool ink__nfc_next(ink__char *ch, ink__stream *s)
{
    ink__nfc *nfc = s->nfc;
    if (s->queue_at == s->queue_len) {
        if (s->pos >= s->end || nfc->failed)
            return false;
        read_source(ch, s);
        const uint8_t class = ink__bpe_class(nfc->classes, ch->cp);
        if (class & INK__BPE_SPACE) {
            uint32_t cps[INK__DECOMPOSED_MAX] = {ch->cp}; /* U+2000 and U+2001 become another space */
            if (class & INK__BPE_UNSTABLE)
                ink__unicode_decompose(cps, ch->cp);
            ch->cp = cps[0];
            return true;
        }
        if (!(class & INK__BPE_UNSTABLE) && !next_is_unstable(s))
            return true;
        if (!read_cluster(s, *ch)) {
            nfc->failed = true;
            return false;
        }
    }
    *ch = nfc->out[s->queue_at++];
    return true;
}
