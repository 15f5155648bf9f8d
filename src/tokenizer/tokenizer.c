/* The public functions: include/inkling/tokenizer.h. */
#include "tokenizer/tokenizer.h"
#include "core/memory.h"
#include "tokenizer/windows.h"

#include <stdlib.h>
#include <string.h>

void ink_tokenizer_free(ink_tokenizer *t)
{
    if (!t)
        return;
    if (t->pipeline)
        t->pipeline->free(t->stages);
    ink__vocab_free(&t->vocab);
    ink__added_free(&t->added);
    free(t);
}

size_t ink_tokenizer_vocab_size(const ink_tokenizer *t)
{
    return t->vocab.size;
}

const char *ink_tokenizer_kind(const ink_tokenizer *t)
{
    return t->pipeline->kind;
}

size_t ink_tokenizer_model_max_length(const ink_tokenizer *t)
{
    return t->model_max_length;
}

size_t ink_tokenizer_specials(const ink_tokenizer *t, bool pair)
{
    return pair ? t->pair.n : t->single.n;
}

const char *ink_tokenizer_token(const ink_tokenizer *t, int32_t id)
{
    return ink__vocab_token(&t->vocab, id, NULL);
}

int32_t ink_tokenizer_id(const ink_tokenizer *t, const char *token, size_t len)
{
    return ink__vocab_find(&t->vocab, token, len);
}

ink_status ink__tokenizer_seal_added(ink_tokenizer *t, const char *where, ink_error *err)
{
    ink__added_seal(&t->added);
    for (size_t i = 0; i < t->added.n; ++i) {
        const ink__added_token *token = &t->added.tokens[i];
        size_t len;
        const char *content = ink__vocab_token(&t->vocab, token->id, &len);
        char *bytes;
        if (token->normalized)
            INK_TRY(t->pipeline->normalize(&bytes, &len, t, content, len, err));
        else
            INK_TRY(ink__strndup(&bytes, content, len, err));
        if (len == 0) {
            free(bytes);
            return ink_fail(err, INK_E_FORMAT,
                            "%s: nothing is left of the added token \"%.80s\" (id %d) once it is normalized",
                            where, content, (int)token->id);
        }
        INK_TRY(ink__added_pattern(&t->added, i, bytes, len, err));
    }
    ink__added_seal_patterns(&t->added);
    return INK_OK;
}

/* --- Encoding ------------------------------------------------------------------------------------------- */

ink_status ink__encoding_reserve(ink_encoding *e, size_t n, ink_error *err)
{
    /* The three arrays share one capacity, which counts only when all of them have it. */
    size_t ids = e->capacity, types = e->capacity, spans = e->capacity;
    INK_TRY(ink__grow(&e->ids, &ids, n, sizeof *e->ids, "token ids", err));
    INK_TRY(ink__grow(&e->types, &types, n, sizeof *e->types, "token types", err));
    INK_TRY(ink__grow(&e->spans, &spans, n, sizeof *e->spans, "token offsets", err));
    e->capacity = spans;
    return INK_OK;
}

void ink_encoding_free(ink_encoding *e)
{
    if (!e)
        return;
    ink__scratch *scratch = e->scratch;
    if (scratch) {
        ink__word_free(&scratch->word);
        ink__added_stream_free(&scratch->added);
        ink__spm_scratch_free(&scratch->spm);
        ink__nfc_free(&scratch->bpe.nfc);
        ink__bpe_scratch_free(&scratch->bpe.model);
        free(scratch->bpe.bytes);
        free(scratch->bpe.map);
        free(scratch);
    }
    free(e->ids);
    free(e->types);
    free(e->spans);
    *e = (ink_encoding){0};
}

ink_status ink__encode_text(ink__sink *sink, const ink_tokenizer *t, const char *text, size_t len,
                            bool parse_special, ink_error *err)
{
    ink__segments segments;
    ink__segment segment;
    ink_encoding *e = sink->encoding;
    const unsigned char *bytes = (const unsigned char *)(text ? text : "");
    ink__segments_start(&segments, &t->added, bytes, len, parse_special);
    while (ink__segments_next(&segment, &segments)) {
        if (segment.id >= 0) {
            INK_TRY(ink__sink_reserve(sink, 1, err));
            const ink_span span = {segment.begin, segment.end};
            ink__sink_push(sink, segment.id,
                           t->pipeline->added_span ? t->pipeline->added_span(t, bytes, span) : span);
        } else {
            INK_TRY(t->pipeline->encode(sink, &e->bad_bytes, e->scratch, t, bytes, segment.begin, segment.end,
                                        parse_special, err));
        }
    }
    return INK_OK;
}

ink_status ink__encode_start(ink__template *around, ink_encoding *e, const ink_tokenizer *t, bool pair,
                             const ink_encode_options *o, ink_error *err)
{
    if (!e || !t)
        return ink_fail(err, INK_E_ARG, "ink_tokenizer_encode: encoding and tokenizer may not be NULL");
    e->length = e->total = e->bad_bytes = 0;
    if (o->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_encode_options has version %u, wanted 1", (unsigned)o->version);
    *around = pair ? t->pair : t->single;
    if (o->no_specials)
        *around = (ink__template){.type_a = around->type_a, .type_b = around->type_b};
    if (o->max_length > 0 && o->max_length < around->n)
        return ink_fail(err, INK_E_ARG, "a maximum of %zu tokens, but %zu special tokens are added",
                        o->max_length, around->n);
    return e->scratch ? INK_OK
                      : ink__calloc(&e->scratch, 1, sizeof(ink__scratch), "the tokenizer's scratch", err);
}

ink_status ink_tokenizer_encode(ink_encoding *e, const ink_tokenizer *t, const char *text, size_t text_len,
                                const char *pair, size_t pair_len, const ink_encode_options *options,
                                ink_error *err)
{
    static const ink_encode_options defaults = INK_ENCODE_OPTIONS_INIT;
    const ink_encode_options *o = options ? options : &defaults;
    ink__template around;
    INK_TRY(ink__encode_start(&around, e, t, pair != NULL, o, err));
    if (o->head_tail && o->max_length > 0)
        return pair ? ink_fail(err, INK_E_ARG, "head_tail is for single texts, not for pairs")
                    : ink__encode_head_tail(e, t, &around, text, text_len, o, err);
    const size_t most = o->max_length > 0 ? o->max_length - around.n : SIZE_MAX;
    ink__sink sink = {.encoding = e, .at = around.before, .limit = most};
    INK_TRY(ink__encode_text(&sink, t, text, text_len, o->parse_special, err));
    size_t a = sink.total, b = 0;

    const size_t at_b = sink.at + around.middle;
    sink = (ink__sink){.encoding = e, .at = at_b, .limit = most};
    if (pair)
        INK_TRY(ink__encode_text(&sink, t, pair, pair_len, o->parse_special, err));
    b = sink.total;

    INK_TRY(ink__encoding_reserve(e, sink.at + around.n, err));
    e->total = a + b + around.n;
    ink__truncate_pair(&a, &b, most);
    ink__postprocess(e, &around, a, b, at_b);
    return INK_OK;
}
