/* Steps over aligned characters: see aligned.h. The references are tokenizers' tokenizer/normalizer.rs, whose
 * NormalizedString::transform deals out the alignments, and normalizers/. */
#include "tokenizer/aligned.h"
#include "tokenizer/marks.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* --- Building a text ------------------------------------------------------------------------------------ */

static ink_status reserve(ink__aligned *to, size_t more, ink_error *err)
{
    size_t want;
    if (__builtin_add_overflow(to->n, more, &want))
        return ink_fail(err, INK_E_MEMORY, "no memory for a text of %zu characters", to->n);
    return want <= to->capacity
               ? INK_OK
               : ink__grow(&to->chars, &to->capacity, want, sizeof *to->chars, "normalised text", err);
}

ink_status ink__aligned_load(ink__aligned *to, size_t *bad, const unsigned char *text, size_t begin,
                             size_t end, ink_error *err)
{
    to->n = 0;
    INK_TRY(reserve(to, end - begin, err));
    while (begin < end) {
        ink__char *ch = &to->chars[to->n++];
        int ill_formed = 0;
        ch->begin = begin;
        if (text[begin] < 0x80)
            ch->cp = text[begin++];
        else
            begin += ink__utf8_decode_checked(&ch->cp, &ill_formed, text + begin, text + end);
        ch->end = begin;
        *bad += (size_t)ill_formed;
    }
    return INK_OK;
}

void ink__aligned_release(ink__aligned *text)
{
    free(text->chars);
    *text = (ink__aligned){0};
}

/* A transformation: characters that each take the place of the next old one (change 0), or of it and -change
 * more that follow, or (change 1) stand beside the one before. */
typedef struct transform {
    const ink__aligned *old;
    size_t at; /* old characters used up */
    ink__aligned *to;
} transform;

/* There is room. */
static void emit(transform *t, uint32_t cp, ptrdiff_t change)
{
    ink__char ch = {.cp = cp};
    const ink__char *like = NULL;
    if (change <= 0 && t->at < t->old->n)
        like = &t->old->chars[t->at];
    else if (t->at > 0)
        like = &t->old->chars[t->at - 1];
    if (like)
        ch.begin = like->begin, ch.end = like->end;
    else if (t->old->n > 0) /* before all others: an empty span where the text begins */
        ch.begin = ch.end = t->old->chars[0].begin;
    t->to->chars[t->to->n++] = ch;
    if (change <= 0)
        t->at += 1 + (size_t)-change;
}

/* --- Precompiled ---------------------------------------------------------------------------------------- */

/* The package lets go of a character that a rule deletes by adding it to the change of the one before; the
 * first of a text has none before it, and the alignments that follow are then off by one there as here. */
typedef struct rules {
    transform out;
    uint32_t cp; /* the last character, which may still take deleted ones along */
    ptrdiff_t change;
    bool pending;
} rules;

static ink_status rules_emit(rules *r, uint32_t cp, ptrdiff_t change, ink_error *err)
{
    if (r->pending) {
        INK_TRY(reserve(r->out.to, 1, err));
        emit(&r->out, r->cp, r->change);
    }
    r->cp = cp, r->change = change, r->pending = true;
    return INK_OK;
}

static ink_status rules_replace(rules *r, size_t n_old, const char *by, ink_error *err)
{
    const unsigned char *p = (const unsigned char *)by, *end = p + strlen(by);
    size_t n_new = 0;
    while (p < end) {
        uint32_t cp;
        p += ink__utf8_decode(&cp, p, end);
        INK_TRY(rules_emit(r, cp, n_new++ < n_old ? 0 : 1, err));
    }
    if (n_new < n_old && r->pending)
        r->change -= (ptrdiff_t)(n_old - n_new);
    return INK_OK;
}

/* Characters of the grapheme cluster at chars[i]. */
static size_t cluster(const ink__aligned *text, size_t i)
{
    const ink__char *ch = text->chars;
    utf8proc_int32_t state = 0;
    size_t end = i + 1;
    if (ch[i].cp < 0x80 && ch[i].cp != '\r' && (end == text->n || ch[end].cp < 0x80))
        return 1;
    while (end < text->n && !ink__marks_cluster_ends(&state, ch[end - 1].cp, ch[end].cp))
        ++end;
    return end - i;
}

static const char *find_rule(const ink__charsmap *map, const ink__char *chars, size_t n)
{
    char bytes[24];
    size_t len = 0;
    for (size_t i = 0; i < n; ++i)
        len += ink__utf8_encode(bytes + len, chars[i].cp);
    return n == 1 || len < 6 ? ink__charsmap_find(map, (const unsigned char *)bytes, len) : NULL;
}

static ink_status run_precompiled(ink__aligned *to, const ink__aligned *text, const ink__charsmap *map,
                                  ink_error *err)
{
    rules r = {.out = {.old = text, .to = to}};
    for (size_t i = 0, n; i < text->n; i += n) {
        n = cluster(text, i);
        const char *by = n > 1 && n < 6 ? find_rule(map, text->chars + i, n) : NULL;
        if (by) {
            INK_TRY(rules_replace(&r, n, by, err));
            continue;
        }
        for (size_t k = i; k < i + n; ++k) {
            by = find_rule(map, text->chars + k, 1);
            INK_TRY(by ? rules_replace(&r, 1, by, err) : rules_emit(&r, text->chars[k].cp, 0, err));
        }
    }
    return r.pending ? rules_emit(&r, 0, 0, err) : INK_OK;
}

/* --- NFKD, lower case ----------------------------------------------------------------------------------- */

enum { DECOMPOSED_MAX = 32 };

static size_t decompose(utf8proc_int32_t part[DECOMPOSED_MAX], uint32_t cp)
{
    int boundary = 0;
    part[0] = (utf8proc_int32_t)cp;
    if (cp < 0x80 || ink__marks_newer_decomposition(cp))
        return 1;
    const utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)cp, part, DECOMPOSED_MAX,
                                                       UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
    return n > 0 && n <= DECOMPOSED_MAX ? (size_t)n : 1;
}

static unsigned combining(uint32_t cp)
{
    return cp >= 0x300 && (ink__unicode_class(cp) & INK__REORDERS) ? ink__unicode_combining(cp) : 0;
}

/* Puts a run of marks, whose `end` is the combining class, in the order of their classes; equal ones stay in
 * theirs. `room` has place for n. Linear, for a text may be one run. */
static void order_marks(ink__char *run, ink__char *room, size_t n)
{
    size_t place[257] = {0};
    for (size_t i = 0; i < n; ++i)
        ++place[run[i].end + 1];
    for (size_t k = 1; k < 257; ++k)
        place[k] += place[k - 1];
    for (size_t i = 0; i < n; ++i)
        room[place[run[i].end]++] = run[i];
    memcpy(run, room, n * sizeof *run);
}

/* The elements come first as (cp, begin: change, end: combining class), then in their order, then aligned. */
static ink_status run_nfkd(ink__aligned *to, const ink__aligned *text, ink_error *err)
{
    ink__aligned parts = {0};
    ink_status st = INK_OK;
    size_t marks = 0;
    for (size_t i = 0; i < text->n; ++i) {
        utf8proc_int32_t part[DECOMPOSED_MAX];
        const size_t n = decompose(part, text->chars[i].cp);
        INK_TRY_GOTO(reserve(&parts, n, err));
        for (size_t k = 0; k < n; ++k) {
            const uint32_t cp = (uint32_t)part[k];
            parts.chars[parts.n++] = (ink__char){cp, k > 0, combining(cp)};
        }
    }
    INK_TRY_GOTO(reserve(to, parts.n, err));
    for (size_t i = 0; i <= parts.n; ++i) {
        if (i < parts.n && parts.chars[i].end > 0) {
            ++marks;
            continue;
        }
        if (marks > 1)
            order_marks(parts.chars + i - marks, to->chars, marks);
        marks = 0;
    }
    transform out = {.old = text, .to = to};
    for (size_t i = 0; i < parts.n; ++i)
        emit(&out, parts.chars[i].cp, (ptrdiff_t)parts.chars[i].begin);
done:
    ink__aligned_release(&parts);
    return st;
}

static ink_status run_lowercase(ink__aligned *to, const ink__aligned *text, ink_error *err)
{
    INK_TRY(reserve(to, text->n, err));
    for (size_t i = 0; i < text->n; ++i) {
        uint32_t lower[2];
        const size_t n = ink__unicode_lower(lower, text->chars[i].cp);
        INK_TRY(reserve(to, text->n - i + n, err));
        for (size_t k = 0; k < n; ++k) {
            to->chars[to->n] = text->chars[i];
            to->chars[to->n++].cp = lower[k];
        }
    }
    return INK_OK;
}

/* --- Replace, strip ------------------------------------------------------------------------------------- */

/* Characters of the match at chars[i], or 0. */
static size_t match(const ink__step *step, const ink__aligned *text, size_t i)
{
    size_t n = 0;
    if (step->kind == INK__STEP_REPLACE_SPACES) {
        while (i + n < text->n && text->chars[i + n].cp == ' ')
            ++n;
        return n >= 2 ? n : 0;
    }
    while (n < step->n_from && i + n < text->n && text->chars[i + n].cp == step->from[n])
        ++n;
    return n == step->n_from ? n : 0;
}

/* What comes in stands where the last character of the match stood. */
static ink_status run_replace(ink__aligned *to, const ink__aligned *text, const ink__step *step,
                              ink_error *err)
{
    for (size_t i = 0, n; i < text->n; i += n ? n : 1) {
        n = match(step, text, i);
        const size_t n_new = n ? step->n_to : 1;
        INK_TRY(reserve(to, n_new, err));
        for (size_t k = 0; k < n_new; ++k) {
            to->chars[to->n] = text->chars[n ? i + n - 1 : i];
            if (n)
                to->chars[to->n].cp = step->to[k];
            ++to->n;
        }
    }
    return INK_OK;
}

static bool is_space(uint32_t cp)
{
    return ink__unicode_class(cp) & INK__SPACE;
}

static void strip(ink__aligned *text, bool left, bool right)
{
    size_t begin = 0;
    while (right && text->n > 0 && is_space(text->chars[text->n - 1].cp))
        --text->n;
    while (left && begin < text->n && is_space(text->chars[begin].cp))
        ++begin;
    text->n -= begin;
    if (begin > 0)
        memmove(text->chars, text->chars + begin, text->n * sizeof *text->chars);
}

static void strip_accents(ink__aligned *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; ++i)
        if (text->chars[i].cp < 0x300 || !ink__marks_is_mark(text->chars[i].cp))
            text->chars[n++] = text->chars[i];
    text->n = n;
}

/* --- Steps ---------------------------------------------------------------------------------------------- */

void ink__step_release(ink__step *step)
{
    free(step->from);
    free(step->to);
    ink__charsmap_release(&step->map);
}

ink_status ink__step_run(ink__aligned *text, ink__aligned *spare, const ink__step *step, ink_error *err)
{
    spare->n = 0;
    switch (step->kind) {
    case INK__STEP_STRIP:
        strip(text, step->left, step->right);
        return INK_OK;
    case INK__STEP_STRIP_ACCENTS:
        strip_accents(text);
        return INK_OK;
    case INK__STEP_PRECOMPILED:
        INK_TRY(run_precompiled(spare, text, &step->map, err));
        break;
    case INK__STEP_NFKD:
        INK_TRY(run_nfkd(spare, text, err));
        break;
    case INK__STEP_LOWERCASE:
        INK_TRY(run_lowercase(spare, text, err));
        break;
    default:
        INK_TRY(run_replace(spare, text, step, err));
    }
    const ink__aligned made = *spare;
    *spare = *text;
    *text = made;
    return INK_OK;
}
