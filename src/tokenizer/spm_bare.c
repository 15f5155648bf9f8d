/* SentencePiece's own encoder as a pipeline: see spm_bare.h. */
#include "tokenizer/spm_bare.h"
#include "tokenizer/spm.h"
#include "tokenizer/spm_shim.h"
#include "core/memory.h"

#include <stdlib.h>

typedef struct target {
    ink__sink *sink;
    const ink__spm_scratch *scratch;
    size_t text_end; /* in the original */
} target;

/* A piece's bytes of the well-formed text as bytes of the original; an empty span stays one. */
static ink_status put_piece(void *context, int32_t id, size_t begin, size_t end, ink_error *err)
{
    const target *t = context;
    const ink__spm_scratch *s = t->scratch;
    ink_span span = {t->text_end, t->text_end};
    if (begin < s->word_len)
        span.begin = span.end = s->spans[begin].begin;
    if (begin < end && end <= s->word_len)
        span.end = s->spans[end - 1].end;
    INK_TRY(ink__sink_reserve(t->sink, 1, err));
    ink__sink_push(t->sink, id, span);
    return INK_OK;
}

static ink_status encode(ink__sink *sink, size_t *bad, ink__scratch *scratch, const ink_tokenizer *tokenizer,
                         const unsigned char *text, size_t begin, size_t end, bool parse_special,
                         ink_error *err)
{
    ink__spm_scratch *s = &scratch->spm;
    target t = {sink, s, end};
    (void)parse_special;
    INK_TRY(ink__aligned_load(&s->text, bad, text, begin, end, err));
    s->word_len = 0;
    for (size_t i = 0; i < s->text.n; ++i)
        INK_TRY(ink__spm_put_char(s, s->text.chars[i].cp, &s->text.chars[i], err));
    if (s->word_len > INT32_MAX / 4)
        return ink_fail(err, INK_E_UNSUPPORTED, "a text of %zu bytes is longer than SentencePiece takes",
                        s->word_len);
    return ink__spm_encode(put_piece, &t, tokenizer->stages, s->word ? s->word : "", s->word_len, err);
}

/* Nothing is looked for in a normalised text. */
static ink_status normalize(char **out, size_t *out_len, const ink_tokenizer *tokenizer, const char *text,
                            size_t len, ink_error *err)
{
    (void)tokenizer;
    *out_len = len;
    return ink__strndup(out, text, len, err);
}

static void free_stages(void *stages)
{
    ink__spm_free(stages);
}

static const ink__pipeline pipeline = {
    .kind = "SentencePiece", .encode = encode, .normalize = normalize, .free = free_stages};

ink_status ink__spm_bare_init(ink_tokenizer *t, const ink__spm_model *model, const char *where,
                              ink_error *err)
{
    char *bytes = NULL;
    size_t len;
    ink__spm *spm = NULL;
    ink_status st = INK_OK;
    for (size_t i = 0; i < model->n; ++i) {
        int32_t before;
        INK_TRY(ink__vocab_add(&t->vocab, &before, (int32_t)i, model->pieces[i].text, model->pieces[i].len,
                               where, err));
    }
    INK_TRY_GOTO(ink__spm_model_write(&bytes, &len, model, err));
    INK_TRY_GOTO(ink__spm_load(&spm, bytes, len, where, err));
    t->pipeline = &pipeline;
    t->stages = spm;
    t->pair.type_b = 1;
done:
    free(bytes);
    return st;
}
