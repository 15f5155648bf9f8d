/* Makes SentencePiece's pipeline: see spm.h. */
#include "tokenizer/spm.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Steps ---------------------------------------------------------------------------------------------- */

ink_status ink__spm_init(ink__spm_stages **stages, ink_tokenizer *tokenizer, ink_error *err)
{
    INK_TRY(ink__calloc(stages, 1, sizeof **stages, "the tokenizer", err));
    (*stages)->space = 0x2581;
    (*stages)->split = true;
    (*stages)->unk = -1;
    (*stages)->model_type = INK__SPM_UNIGRAM;
    tokenizer->pipeline = &ink__unigram_pipeline;
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

/* --- The model ------------------------------------------------------------------------------------------ */

/* hidden[i]: token i is special, and a text that is plain never holds it. The unknown token is not hidden for
 * being unknown: its text is a token's like any other. */
static ink_status find_hidden(bool **hidden, const ink_tokenizer *t, size_t n, ink_error *err)
{
    INK_TRY(ink__calloc(hidden, n, sizeof **hidden, "the tokens", err));
    for (size_t i = 0; i < t->added.n; ++i) {
        const ink__added_token *token = &t->added.tokens[i];
        if (token->special && (size_t)token->id < n)
            (*hidden)[token->id] = true;
    }
    return INK_OK;
}

static ink_status fill_model(ink__spm_model *model, const ink_tokenizer *t, const double *scores,
                             const bool *hidden, size_t n, ink_error *err)
{
    const ink__spm_stages *stages = t->stages;
    for (size_t i = 0; i < n; ++i) {
        ink__spm_piece piece = {.score = (float)scores[i], .type = INK__SPM_NORMAL};
        piece.text = ink__vocab_token(&t->vocab, (int32_t)i, &piece.len);
        if (i == (size_t)stages->unk)
            piece.type = INK__SPM_UNKNOWN;
        else if (hidden[i])
            piece.type = INK__SPM_CONTROL;
        INK_TRY(ink__spm_model_add(model, piece, err));
    }
    return INK_OK;
}

/* Without a normalizer: the text that a word is has been normalized. */
static ink_status load_bpe(ink__spm_stages *stages, const ink_tokenizer *t, const double *scores,
                           const bool *hidden, size_t n, const char *where, ink_error *err)
{
    ink__spm_model model = {.type = INK__SPM_BPE};
    ink_status st = INK_OK;
    char *bytes = NULL;
    size_t len;
    INK_TRY_GOTO(fill_model(&model, t, scores, hidden, n, err));
    INK_TRY_GOTO(ink__spm_model_check(&model, where, err));
    INK_TRY_GOTO(ink__spm_model_write(&bytes, &len, &model, err));
    st = ink__spm_load(&stages->model, bytes, len, where, err);
done:
    ink__spm_model_free(&model);
    free(bytes);
    return st;
}

ink_status ink__spm_build(ink_tokenizer *t, const double *scores, size_t n, const char *where, ink_error *err)
{
    ink__spm_stages *stages = t->stages;
    bool *hidden;
    for (int i = 0; i < 256; ++i) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
        stages->bytes[i] = ink__vocab_find(&t->vocab, name, 6);
        if (stages->bytes[i] >= 0 && (size_t)stages->bytes[i] >= n)
            stages->bytes[i] = -1;
    }
    INK_TRY(find_hidden(&hidden, t, n, err));
    ink_status st;
    if (stages->model_type == INK__SPM_BPE) {
        t->pipeline = &ink__spm_bpe_pipeline;
        st = load_bpe(stages, t, scores, hidden, n, where, err);
    } else {
        st = ink__unigram_init(&stages->unigram, &t->vocab, scores, hidden, n, stages->unk, where, err);
    }
    free(hidden);
    return st;
}

ink_status ink__spm_build_merges(ink_tokenizer *t, size_t n, ink_error *err)
{
    ink__spm_stages *stages = t->stages;
    bool *hidden;
    INK_TRY(find_hidden(&hidden, t, n, err));
    ink__bpe_hide(&stages->merges, hidden, n);
    free(hidden);
    t->pipeline = &ink__spm_bpe_pipeline;
    return INK_OK;
}
