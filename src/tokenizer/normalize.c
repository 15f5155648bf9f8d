/* BERT's normalizer as one forward pass in constant memory, equal to tokenizers' normalizers/bert.rs in text
 * and alignment: clean, space out Chinese characters, decompose (NFD) and drop marks, lower case.
 *
 * Every character a step makes keeps the alignment of the one it was made from, with one exception. NFD puts
 * a run of marks in the order of their combining classes, and the package then deals out alignments in the
 * new order: the k-th character that begins a decomposition gets the k-th source character's span, and one
 * that continues a decomposition gets the span of whatever came before it. Nearly always the whole run is
 * nonspacing marks and dropped; where some of it stays, emit_run goes over the source once per combining
 * class, so that a run of any length takes no memory. */
#include "tokenizer/normalize.h"
#include "tokenizer/nfc.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

ink_status ink__normalizer_init(ink__normalizer *n, ink_error *err)
{
    INK_TRY(ink__calloc(&n->classes, 65536, 1, "character classes", err));
    ink__unicode_fill_classes(n->classes);
    n->special =
        (uint8_t)((n->clean ? INK__CONTROL | INK__SPACE : 0) | (n->cjk ? INK__CJK : 0) |
                  (n->strip ? INK__MARK | INK__DECOMPOSES | INK__REORDERS : 0) | (n->lower ? INK__CASED : 0));
    memset(n->plain, 0, sizeof n->plain);
    for (unsigned c = 1; c < 128; ++c)
        if ((n->classes[c] & ~INK__CASED) == 0)
            n->plain[c] = (unsigned char)(n->lower && (n->classes[c] & INK__CASED) ? c + 32 : c);
    return INK_OK;
}

void ink__normalizer_release(ink__normalizer *n)
{
    free(n->classes);
    n->classes = NULL;
}

uint8_t ink__normalizer_class(const ink__normalizer *n, uint32_t cp)
{
    return cp < 65536 ? n->classes[cp] : ink__unicode_class(cp);
}

void ink__stream_start(ink__stream *s, const ink__normalizer *normalizer, const unsigned char *text,
                       size_t begin, size_t end)
{
    s->normalizer = normalizer;
    s->text = text;
    s->pos = begin, s->end = end;
    s->bad = 0;
    s->queue_at = s->queue_len = 0;
    s->run.active = false;
    s->nfc = NULL;
}

/* The source character at *pos after clean-up, and its class; false at `end`. */
static inline bool read_source(ink__char *ch, uint8_t *class, size_t *pos, size_t *bad, const ink__stream *s,
                               size_t end)
{
    const ink__normalizer *n = s->normalizer;
    while (*pos < end) {
        ch->begin = *pos;
        if (s->text[*pos] < 0x80) {
            ch->cp = s->text[*pos];
            ch->end = ++*pos;
        } else {
            int ill_formed;
            *pos += ink__utf8_decode_checked(&ch->cp, &ill_formed, s->text + *pos, s->text + end);
            ch->end = *pos;
            *bad += (size_t)ill_formed;
        }
        *class = ink__normalizer_class(n, ch->cp);
        if (!n->clean || !(*class & (INK__CONTROL | INK__SPACE)))
            return true;
        if (!(*class & INK__CONTROL)) {
            ch->cp = ' ';
            *class = INK__SPACE;
            return true;
        }
    }
    return false;
}

static size_t decompose(uint32_t part[INK__DECOMPOSED_MAX], uint32_t cp, uint8_t class)
{
    part[0] = cp;
    return class & INK__DECOMPOSES ? ink__unicode_decompose(part, cp) : 1;
}

static unsigned combining(const ink__normalizer *n, uint32_t cp)
{
    return ink__normalizer_class(n, cp) & INK__REORDERS ? ink__unicode_combining(cp) : 0;
}

static bool is_mark(const ink__normalizer *n, uint32_t cp)
{
    return ink__normalizer_class(n, cp) & INK__MARK;
}

/* --- Runs of marks ------------------------------------------------------------------------------------- */

static void walk_start(ink__mark_run *run)
{
    run->walk.at = run->begin;
    run->walk.i = run->walk.n = 0;
}

/* The next element of the run; *first says that it begins its source character's decomposition. */
static bool walk_next(uint32_t *cp, bool *first, const ink__stream *s, ink__mark_run *run)
{
    struct ink__elements *walk = &run->walk;
    if (walk->i == walk->n) {
        ink__char source;
        uint8_t class;
        size_t bad = 0;
        walk->i = walk->at == run->begin ? run->skip : 0;
        if (!read_source(&source, &class, &walk->at, &bad, s, run->end))
            return false;
        walk->n = decompose(walk->part, source.cp, class);
    }
    *first = walk->i == 0;
    *cp = walk->part[walk->i++];
    return true;
}

/* Moves on to the next combining class of which something is kept; false if there is none. */
static bool next_order(const ink__stream *s, ink__mark_run *run)
{
    uint32_t cp;
    bool first;
    unsigned next = 256;
    for (walk_start(run); walk_next(&cp, &first, s, run);) {
        const unsigned order = combining(s->normalizer, cp);
        if (order > run->order && order < next && !is_mark(s->normalizer, cp))
            next = order;
    }
    run->order = next;
    run->rank = run->skip > 0;
    for (walk_start(run); walk_next(&cp, &first, s, run);)
        run->rank += first && combining(s->normalizer, cp) < next;
    walk_start(run);
    return next < 256;
}

static bool emit_run(ink__char *ch, ink__stream *s)
{
    ink__mark_run *run = &s->run;
    bool first;
    do {
        while (walk_next(&ch->cp, &first, s, run)) {
            if (combining(s->normalizer, ch->cp) != run->order)
                continue;
            run->rank += first;
            if (is_mark(s->normalizer, ch->cp))
                continue;
            uint8_t class;
            size_t bad = 0;
            while (run->span_rank < run->rank &&
                   read_source(&run->span, &class, &run->span_at, &bad, s, run->end))
                ++run->span_rank;
            ch->begin = run->span.begin, ch->end = run->span.end;
            return true;
        }
    } while (next_order(s, run));
    run->active = false;
    return false;
}

/* A run begins with element `skip` of the source character that was just read. Passes over all of it and, if
 * any of it is kept, leaves the emission to emit_run. */
static void start_run(ink__stream *s, const ink__char *source, size_t skip, const uint32_t *part,
                      size_t n_parts)
{
    ink__char next = *source;
    uint32_t parts[INK__DECOMPOSED_MAX];
    size_t pos = s->pos, bad = 0;
    uint8_t class;
    bool kept = false;
    for (size_t i = skip; i < n_parts; ++i)
        kept |= !is_mark(s->normalizer, part[i]);
    while (read_source(&next, &class, &pos, &bad, s, s->end)) {
        const size_t n = decompose(parts, next.cp, class);
        if (combining(s->normalizer, parts[0]) == 0)
            break;
        for (size_t i = 0; i < n; ++i)
            kept |= !is_mark(s->normalizer, parts[i]);
        s->pos = pos;
        s->bad += bad, bad = 0;
    }
    if (!kept)
        return;
    s->run = (ink__mark_run){.active = true, .begin = source->begin, .end = s->pos, .skip = skip};
    s->run.span_at = source->begin;
    s->run.active = next_order(s, &s->run);
}

/* --- Characters ---------------------------------------------------------------------------------------- */

static void push(ink__stream *s, uint32_t cp, const ink__char *source)
{
    s->queue[s->queue_len++] = (ink__char){cp, source->begin, source->end};
}

static void push_lower(ink__stream *s, uint32_t cp, const ink__char *source)
{
    uint32_t lower[2] = {cp};
    size_t n = 1;
    if (s->normalizer->lower && (ink__normalizer_class(s->normalizer, cp) & INK__CASED))
        n = ink__unicode_lower(lower, cp);
    for (size_t i = 0; i < n; ++i)
        push(s, lower[i], source);
}

/* Queues what a character becomes that some step acts on. */
static void expand(ink__stream *s, const ink__char *source, uint8_t class)
{
    const ink__normalizer *n = s->normalizer;
    const bool spaced = n->cjk && (class & INK__CJK);
    if (spaced)
        push(s, ' ', source);
    if (n->strip) {
        uint32_t part[INK__DECOMPOSED_MAX];
        const size_t n_parts = decompose(part, source->cp, class);
        for (size_t i = 0; i < n_parts; ++i) {
            if (combining(n, part[i]) != 0) {
                start_run(s, source, i, part,
                          n_parts); /* no starter ever follows a mark in a decomposition */
                break;
            }
            if (!is_mark(n, part[i]))
                push_lower(s, part[i], source);
        }
    } else {
        push_lower(s, source->cp, source);
    }
    if (spaced)
        push(s, ' ', source);
}

bool ink__stream_next(ink__char *ch, ink__stream *s)
{
    if (s->nfc)
        return ink__nfc_next(ch, s);
    for (;;) {
        if (s->queue_at < s->queue_len) {
            *ch = s->queue[s->queue_at++];
            return true;
        }
        if (s->run.active && emit_run(ch, s))
            return true;
        uint8_t class;
        if (!read_source(ch, &class, &s->pos, &s->bad, s, s->end))
            return false;
        if (!(class & s->normalizer->special & ~INK__SPACE)) /* white space became ' ' above */
            return true;
        s->queue_at = s->queue_len = 0;
        const ink__char source = *ch;
        expand(s, &source, class);
    }
}
