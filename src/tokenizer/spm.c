/* SentencePiece's pipeline: see spm.h. The references are tokenizers' pre_tokenizers/metaspace.rs,
 * whitespace.rs and models/unigram/model.rs. */
#include "tokenizer/spm.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <math.h>
#include <stdio.h>
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
    *s = (ink__spm_scratch){0};
}

/* --- Words ---------------------------------------------------------------------------------------------- */

typedef struct pass {
    ink__sink *sink;
    ink__spm_scratch *scratch;
    const ink__spm_stages *stages;
    const ink__vocab *vocab;
} pass;

static ink_status put_char(ink__spm_scratch *s, uint32_t cp, const ink__char *like, ink_error *err)
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

/* A tie is settled over so many pieces and in a piece of so many bytes, to stay linear in any text. */
enum { SETTLE_MAX = 64 };

/* The score of word[begin, end) as one piece; false where it is none that a text may hold. */
static bool find_piece(double *score, int32_t *id, const pass *p, size_t begin, size_t end)
{
    *id = ink__vocab_find(p->vocab, p->scratch->word + begin, end - begin);
    if (*id < 0 || (size_t)*id >= p->stages->n_scores || *id == p->stages->unk)
        return false;
    *score = p->stages->scores[*id];
    return isfinite(*score);
}

/* Moves the border between two pieces to where their score is highest, of such places to the first. */
static bool settle_pair(const pass *p, ink__spm_part *a, ink__spm_part *b)
{
    const ink__spm_part before = *a;
    double left, right, best;
    int32_t left_id, right_id;
    if (b->end - a->begin > SETTLE_MAX || !find_piece(&left, &left_id, p, a->begin, a->end) ||
        left_id != a->id || !find_piece(&right, &right_id, p, b->begin, b->end) || right_id != b->id)
        return false;
    best = left + right;
    for (size_t at = a->begin + 1; at < b->end; ++at) {
        if (((unsigned char)p->scratch->word[at] & 0xC0) == 0x80 || at == a->end ||
            !find_piece(&left, &left_id, p, a->begin, at) || !find_piece(&right, &right_id, p, at, b->end))
            continue;
        if (left + right > best || (left + right == best && at < a->end)) {
            best = left + right;
            a->end = b->begin = at;
            a->id = left_id, b->id = right_id;
        }
    }
    return a->end != before.end;
}

/* SentencePiece adds scores up as floats and Hugging Face as doubles, in which the sums of a word are exact:
 * where two ways to cut it have the same pieces in another order ("00" "0"), or differ by less than the sum
 * of a long word is rounded, the first may go either way. The second takes the better one, and of equals that
 * whose last piece starts first. So do we, as far as two neighbours go. */
static void settle_ties(const pass *p)
{
    ink__spm_part *parts = p->scratch->parts;
    for (size_t i = 1; i < p->scratch->n_parts; ++i)
        for (size_t k = i; k > 0 && k + SETTLE_MAX > i && settle_pair(p, &parts[k - 1], &parts[k]); --k)
            ;
}

/* A piece of the word goes to the sink; an unknown one, where the model has them, as its bytes. */
static ink_status put_part(const pass *p, const ink__spm_part *part, ink_error *err)
{
    const ink__spm_stages *stages = p->stages;
    const unsigned char *bytes = (const unsigned char *)p->scratch->word + part->begin;
    const size_t len = part->end - part->begin;
    const ink_span span = {p->scratch->spans[part->begin].begin, p->scratch->spans[part->end - 1].end};
    bool spelled = part->id == stages->unk && stages->byte_fallback;
    for (size_t i = 0; spelled && i < len; ++i)
        spelled = stages->bytes[bytes[i]] >= 0;
    const size_t n = spelled ? len : 1;
    INK_TRY(ink__sink_reserve(p->sink, n, err));
    for (size_t i = 0; i < n; ++i)
        ink__sink_push(p->sink, spelled ? stages->bytes[bytes[i]] : part->id, span);
    return INK_OK;
}

static ink_status put_word(pass *p, ink_error *err)
{
    ink__spm_scratch *s = p->scratch;
    if (s->word_len == 0)
        return INK_OK;
    if (s->word_len > INT32_MAX / 4)
        return ink_fail(err, INK_E_UNSUPPORTED, "a word of %zu bytes is longer than SentencePiece takes",
                        s->word_len);
    s->n_parts = 0;
    INK_TRY(ink__spm_encode(take_part, s, p->stages->model, s->word, s->word_len, err));
    if (p->stages->model_type == INK__SPM_UNIGRAM)
        settle_ties(p);
    for (size_t i = 0; i < s->n_parts; ++i)
        INK_TRY(put_part(p, &s->parts[i], err));
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
        INK_TRY(put_char(p->scratch, stages->space, &chars[begin], err));
    for (size_t i = begin; i < end; ++i) {
        const uint32_t cp = chars[i].cp == ' ' ? stages->space : chars[i].cp;
        if (stages->split && cp == stages->space)
            INK_TRY(put_word(p, err));
        INK_TRY(put_char(p->scratch, cp, &chars[i], err));
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
    pass p = {sink, s, tokenizer->stages, &tokenizer->vocab};
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
    free(s->scores);
    ink__spm_free(s->model);
    free(s);
}

static const ink__pipeline unigram = {
    .kind = "Unigram", .encode = encode, .normalize = normalize, .free = free_stages};
static const ink__pipeline bpe = {
    .kind = "SentencePiece BPE", .encode = encode, .normalize = normalize, .free = free_stages};

/* --- Making it ------------------------------------------------------------------------------------------ */

ink_status ink__spm_init(ink__spm_stages **stages, ink_tokenizer *tokenizer, ink_error *err)
{
    INK_TRY(ink__calloc(stages, 1, sizeof **stages, "the tokenizer", err));
    (*stages)->space = 0x2581;
    (*stages)->split = true;
    (*stages)->unk = -1;
    (*stages)->model_type = INK__SPM_UNIGRAM;
    tokenizer->pipeline = &unigram;
    tokenizer->stages = *stages;
    return INK_OK;
}

ink_status ink__spm_add_step(ink__spm_stages *s, ink__step step, ink_error *err)
{
    const ink_status st =
        ink__grow(&s->steps, &s->steps_capacity, s->n_steps + 1, sizeof *s->steps, "normalizer steps", err);
    if (st != INK_OK)
        ink__step_release(&step);
    else
        s->steps[s->n_steps++] = step;
    return st;
}

ink_status ink__spm_add_charsmap(ink__spm_stages *s, const void *bytes, size_t len, const char *where,
                                 ink_error *err)
{
    ink__step step = {.kind = INK__STEP_PRECOMPILED};
    INK_TRY(ink__charsmap_open(&step.map, bytes, len, where, err));
    return ink__spm_add_step(s, step, err);
}

static ink_status code_points(uint32_t **cps, size_t *n, const char *text, ink_error *err)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
    *n = 0;
    INK_TRY(ink__calloc(cps, (size_t)(end - p), sizeof **cps, "a text", err));
    while (p < end)
        p += ink__utf8_decode(&(*cps)[(*n)++], p, end);
    return INK_OK;
}

ink_status ink__spm_add_replace(ink__spm_stages *s, const char *from, const char *to, ink_error *err)
{
    ink__step step = {.kind = from ? INK__STEP_REPLACE : INK__STEP_REPLACE_SPACES};
    ink_status st = from ? code_points(&step.from, &step.n_from, from, err) : INK_OK;
    if (st == INK_OK)
        st = code_points(&step.to, &step.n_to, to, err);
    if (st == INK_OK)
        return ink__spm_add_step(s, step, err);
    ink__step_release(&step);
    return st;
}

/* The penalty of an unknown character is counted from the lowest score of all tokens there, and from that of
 * the normal pieces here: where a special token has the lowest, a piece that no text contains (the spaces
 * have become marks) takes its score along. */
static ink_status add_lowest(ink__spm_model *model, const ink_tokenizer *t, ink_error *err)
{
    static const char spaces[] = "                ";
    float lowest = 0, lowest_normal = 0;
    bool any = false;
    size_t len = 1;
    for (size_t i = 0; i < model->n; ++i) {
        const ink__spm_piece *p = &model->pieces[i];
        if (i == 0 || p->score < lowest)
            lowest = p->score;
        if (p->type == INK__SPM_NORMAL && (!any || p->score < lowest_normal)) {
            lowest_normal = p->score;
            any = true;
        }
    }
    while (len < sizeof spaces - 1 && ink__vocab_find(&t->vocab, spaces, len) >= 0)
        ++len;
    if (any && lowest == lowest_normal)
        return INK_OK;
    return ink__spm_model_add(model, (ink__spm_piece){spaces, len, lowest, INK__SPM_NORMAL}, err);
}

static ink_status fill_model(ink__spm_model *model, const ink_tokenizer *t, const float *scores, size_t n,
                             ink_error *err)
{
    const ink__spm_stages *stages = t->stages;
    for (size_t i = 0, special = 0; i < n; ++i) {
        ink__spm_piece piece = {.score = scores[i], .type = INK__SPM_NORMAL};
        while (special < t->added.n && (size_t)t->added.tokens[special].id < i)
            ++special;
        piece.text = ink__vocab_token(&t->vocab, (int32_t)i, &piece.len);
        if (i == (size_t)stages->unk)
            piece.type = INK__SPM_UNKNOWN;
        else if (special < t->added.n && (size_t)t->added.tokens[special].id == i &&
                 t->added.tokens[special].special)
            piece.type = INK__SPM_CONTROL;
        INK_TRY(ink__spm_model_add(model, piece, err));
    }
    return add_lowest(model, t, err);
}

ink_status ink__spm_build(ink_tokenizer *t, const float *scores, size_t n, const char *where, ink_error *err)
{
    ink__spm_stages *stages = t->stages;
    ink__spm_model model = {.type = stages->model_type};
    ink_status st = INK_OK;
    char *bytes = NULL;
    size_t len;
    for (int i = 0; i < 256; ++i) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
        stages->bytes[i] = ink__vocab_find(&t->vocab, name, 6);
        if (stages->bytes[i] >= 0 && (size_t)stages->bytes[i] >= n)
            stages->bytes[i] = -1;
    }
    if (stages->model_type == INK__SPM_BPE)
        t->pipeline = &bpe;
    INK_TRY_GOTO(fill_model(&model, t, scores, n, err));
    INK_TRY_GOTO(ink__spm_model_check(&model, where, err));
    INK_TRY_GOTO(ink__spm_model_write(&bytes, &len, &model, err));
    INK_TRY_GOTO(ink__spm_load(&stages->model, bytes, len, where, err));
    INK_TRY_GOTO(ink__calloc(&stages->scores, n, sizeof *stages->scores, "the scores", err));
    stages->n_scores = n;
    for (size_t i = 0; i < n; ++i) /* what no text may hold has no score */
        stages->scores[i] = model.pieces[i].type == INK__SPM_NORMAL ? scores[i] : NAN;
done:
    ink__spm_model_free(&model);
    free(bytes);
    return st;
}
