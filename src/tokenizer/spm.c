/* SentencePiece's pipeline at work: see spm.h. The references are tokenizers' pre_tokenizers/metaspace.rs,
 * whitespace.rs and models/unigram/model.rs. */
#include "tokenizer/spm.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

void ink__spm_scratch_free(ink__spm_scratch *s)
{
    ink__aligned_release(&s->text);
    ink__aligned_release(&s->spare);
    free(s->word);
    free(s->spans);
    free(s->parts);
    free(s->bytes);
    free(s->owner);
    free(s->ends);
    *s = (ink__spm_scratch){0};
}

/* --- Words ---------------------------------------------------------------------------------------------- */

typedef struct pass {
    ink__sink *sink;
    ink__spm_scratch *scratch;
    const ink__spm_stages *stages;
    ink__bpe_scratch *bpe;
} pass;

ink_status ink__spm_put_char(ink__spm_scratch *s, uint32_t cp, const ink__char *like, ink_error *err)
{
    INK_TRY(ink__grow(&s->word, &s->word_capacity, s->word_len + 4, 1, "a word", err));
    INK_TRY(ink__grow(&s->spans, &s->spans_capacity, s->word_len + 4, sizeof *s->spans, "a word", err));
    for (size_t n = ink__utf8_encode(s->word + s->word_len, cp); n > 0; --n)
        s->spans[s->word_len++] = (ink_span){like->begin, like->end};
    return INK_OK;
}

static ink_status take_part(void *context, int32_t id, size_t begin, size_t end, ink_error *err)
{
    ink__spm_scratch *s = context;
    if (begin >= end || end > s->word_len)
        return INK_OK;
    INK_TRY(ink__grow(&s->parts, &s->parts_capacity, s->n_parts + 1, sizeof *s->parts, "a word", err));
    s->parts[s->n_parts++] = (ink__spm_part){id, begin, end};
    return INK_OK;
}

static ink_status cut_word(const pass *p, ink_error *err)
{
    ink__spm_scratch *s = p->scratch;
    if (!p->stages->model)
        return ink__unigram_encode(s, &p->stages->unigram, err);
    if (s->word_len > INT32_MAX / 4)
        return ink_fail(err, INK_E_UNSUPPORTED, "a word of %zu bytes is longer than SentencePiece takes",
                        s->word_len);
    s->n_parts = 0;
    return ink__spm_encode(take_part, s, p->stages->model, s->word, s->word_len, err);
}

/* A part of the word goes to the sink. An unknown one may all the same be a token as a whole, or is spelled
 * as its bytes where the model has them. */
static ink_status put_part(const pass *p, const ink__spm_part *part, ink_error *err)
{
    const ink__spm_stages *stages = p->stages;
    const unsigned char *bytes = (const unsigned char *)p->scratch->word + part->begin;
    const size_t len = part->end - part->begin;
    const ink_span span = {p->scratch->spans[part->begin].begin, p->scratch->spans[part->end - 1].end};
    int32_t whole = part->id;
    if (part->id == stages->unk)
        whole = stages->model ? -1 : ink__unigram_find(&stages->unigram, (const char *)bytes, len);
    bool spelled = whole < 0 && stages->byte_fallback;
    for (size_t i = 0; spelled && i < len; ++i)
        spelled = stages->bytes[bytes[i]] >= 0;
    const size_t n = spelled ? len : 1;
    INK_TRY(ink__sink_reserve(p->sink, n, err));
    for (size_t i = 0; i < n; ++i)
        ink__sink_push(p->sink, spelled ? stages->bytes[bytes[i]] : whole < 0 ? stages->unk : whole, span);
    return INK_OK;
}

static void push_merged(ink__sink *sink, const void *context, int32_t id, const ink__bpe_word *word,
                        size_t begin, size_t end)
{
    (void)context;
    ink__sink_push(sink, id, (ink_span){word->map[begin].begin, word->map[end - 1].end});
}

static ink_status put_word(pass *p, ink_error *err)
{
    ink__spm_scratch *s = p->scratch;
    const ink__bpe *merges = &p->stages->merges;
    const ink__bpe_word word = {(const unsigned char *)s->word, s->word_len, 0, s->spans};
    if (s->word_len == 0)
        return INK_OK;
    if (merges->merges) {
        INK_TRY(ink__bpe_encode(p->sink, p->bpe, merges, &word, push_merged, NULL, err));
    } else {
        INK_TRY(cut_word(p, err));
        for (size_t i = 0; i < s->n_parts; ++i)
            INK_TRY(put_part(p, &s->parts[i], err));
    }
    s->word_len = 0;
    return INK_OK;
}

/* Metaspace on chars [begin, end): U+0020 becomes the mark, one is put in front, words start at each. */
static ink_status put_range(pass *p, size_t begin, size_t end, ink_error *err)
{
    const ink__spm_stages *stages = p->stages;
    const ink__char *chars = p->scratch->text.chars;
    if (begin == end)
        return INK_OK;
    const bool marked = chars[begin].cp == stages->space || chars[begin].cp == ' ';
    if (!marked && (stages->prepend == INK__PREPEND_ALWAYS ||
                    (stages->prepend == INK__PREPEND_FIRST && chars[begin].begin == 0)))
        INK_TRY(ink__spm_put_char(p->scratch, stages->space, &chars[begin], err));
    for (size_t i = begin; i < end; ++i) {
        const uint32_t cp = chars[i].cp == ' ' ? stages->space : chars[i].cp;
        if (stages->split && cp == stages->space)
            INK_TRY(put_word(p, err));
        INK_TRY(ink__spm_put_char(p->scratch, cp, &chars[i], err));
    }
    return put_word(p, err);
}

static ink_status put_text(pass *p, size_t begin, size_t end, ink_error *err)
{
    const ink__char *chars = p->scratch->text.chars;
    if (!p->stages->whitespace_split)
        return put_range(p, begin, end, err);
    for (size_t i = begin; i <= end; ++i) {
        if (i < end && !(ink__unicode_class(chars[i].cp) & INK__SPACE))
            continue;
        INK_TRY(put_range(p, begin, i, err));
        begin = i + 1;
    }
    return INK_OK;
}

/* --- The pipeline --------------------------------------------------------------------------------------- */

static ink_status run_steps(ink__spm_scratch *s, const ink__spm_stages *stages, ink_error *err)
{
    for (size_t i = 0; i < stages->n_steps; ++i)
        INK_TRY(ink__step_run(&s->text, &s->spare, &stages->steps[i], err));
    return INK_OK;
}

/* The normalised text as UTF-8. */
static ink_status spell(size_t *len, ink__spm_scratch *s, ink_error *err)
{
    size_t want;
    if (!ink__mul(&want, s->text.n, 4))
        return ink_fail(err, INK_E_MEMORY, "no memory for a text of %zu characters", s->text.n);
    INK_TRY(ink__grow(&s->bytes, &s->bytes_capacity, want, 1, "normalised text", err));
    INK_TRY(ink__grow(&s->owner, &s->owner_capacity, want, sizeof *s->owner, "normalised text", err));
    *len = 0;
    for (size_t i = 0; i < s->text.n; ++i)
        for (size_t n = ink__utf8_encode(s->bytes + *len, s->text.chars[i].cp); n > 0; --n)
            s->owner[(*len)++] = i;
    return INK_OK;
}

static ink_status encode(ink__sink *sink, size_t *bad, ink__scratch *scratch, const ink_tokenizer *tokenizer,
                         const unsigned char *text, size_t begin, size_t end, bool parse_special,
                         ink_error *err)
{
    const ink__added *added = &tokenizer->added;
    ink__spm_scratch *s = &scratch->spm;
    pass p = {sink, s, tokenizer->stages, &scratch->bpe.model};
    ink__segments segments;
    ink__segment segment;
    size_t len;
    s->word_len = 0;
    INK_TRY(ink__aligned_load(&s->text, bad, text, begin, end, err));
    INK_TRY(run_steps(s, p.stages, err));
    if (added->normalized.n == 0 || !(parse_special || added->normalized_ordinary))
        return put_text(&p, 0, s->text.n, err);

    INK_TRY(spell(&len, s, err));
    ink__segments_start_normalized(&segments, added, (const unsigned char *)s->bytes, len, parse_special);
    while (ink__segments_next(&segment, &segments)) {
        const size_t first = s->owner[segment.begin], last = s->owner[segment.end - 1];
        if (segment.id < 0) {
            INK_TRY(put_text(&p, first, last + 1, err));
            continue;
        }
        INK_TRY(ink__sink_reserve(sink, 1, err));
        ink__sink_push(sink, segment.id, (ink_span){s->text.chars[first].begin, s->text.chars[last].end});
    }
    return INK_OK;
}

static ink_status normalize(char **out, size_t *out_len, const ink_tokenizer *tokenizer, const char *text,
                            size_t len, ink_error *err)
{
    ink__spm_scratch s = {0};
    ink_status st = INK_OK;
    size_t bad = 0;
    *out = NULL, *out_len = 0;
    INK_TRY_GOTO(ink__aligned_load(&s.text, &bad, (const unsigned char *)text, 0, len, err));
    INK_TRY_GOTO(run_steps(&s, tokenizer->stages, err));
    INK_TRY_GOTO(spell(out_len, &s, err));
    INK_TRY_GOTO(ink__strndup(out, s.bytes ? s.bytes : "", *out_len, err));
done:
    ink__spm_scratch_free(&s);
    return st;
}

static void free_stages(void *stages)
{
    ink__spm_stages *s = stages;
    if (!s)
        return;
    for (size_t i = 0; i < s->n_steps; ++i)
        ink__step_release(&s->steps[i]);
    free(s->steps);
    ink__unigram_release(&s->unigram);
    ink__spm_free(s->model);
    ink__bpe_release(&s->merges);
    free(s);
}

const ink__pipeline ink__unigram_pipeline = {
    .kind = "Unigram", .encode = encode, .normalize = normalize, .free = free_stages};
const ink__pipeline ink__spm_bpe_pipeline = {
    .kind = "SentencePiece BPE", .encode = encode, .normalize = normalize, .free = free_stages};
