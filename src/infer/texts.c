/* The calls that take texts: tokens of whole texts are packed into batches of at most max_tokens rows, in
 * order. See inkling/session.h. */
#include "infer/session.h"

#include <string.h>

typedef ink_status compute_batch(float *out, size_t out_len, ink_session *s, const ink_batch *batch,
                                 const ink_text_options *options, ink_error *err);

static ink_status classify_batch(float *out, size_t out_len, ink_session *s, const ink_batch *batch,
                                 const ink_text_options *options, ink_error *err)
{
    return ink_classify(out, out_len, s, batch, err);
}

static ink_status logits_batch(float *out, size_t out_len, ink_session *s, const ink_batch *batch,
                               const ink_text_options *options, ink_error *err)
{
    return ink_logits(out, out_len, s, batch, err);
}

static ink_status embed_batch(float *out, size_t out_len, ink_session *s, const ink_batch *batch,
                              const ink_text_options *options, ink_error *err)
{
    return ink_embed(out, out_len, s, batch, options->pooling, options->normalize || s->model->normalize,
                     err);
}

/* out [n,width] through batches. */
static ink_status run(float *out, size_t width, ink_text_use *uses, ink_session *s, const ink_text *texts,
                      size_t n, size_t max_length, const ink_text_options *options, compute_batch *compute,
                      ink_error *err)
{
    const ink_encode_options encode = {
        .version = 1, .parse_special = options->parse_special, .max_length = max_length};
    ink_batch batch = {.ids = s->ids, .types = s->types, .offsets = s->offsets};
    size_t done = 0;
    s->offsets[0] = 0;
    for (size_t i = 0; i < n; ++i) {
        INK_TRY(ink_tokenizer_encode(&s->encoding, s->model->tokenizer, texts[i].text, texts[i].len,
                                     texts[i].pair, texts[i].pair_len, &encode, err));
        const size_t length = s->encoding.length;
        if (uses)
            uses[i] = (ink_text_use){s->encoding.total, length, s->encoding.bad_bytes};
        if (length > s->encoder.max_tokens)
            return ink_fail(err, INK_E_SHAPE, "text %zu has %zu tokens, session planned for %zu", i, length,
                            s->encoder.max_tokens);
        if (s->offsets[batch.B] + length > s->encoder.max_tokens) {
            INK_TRY(compute(out + done * width, batch.B * width, s, &batch, options, err));
            done += batch.B, batch.B = 0;
        }
        const size_t first = s->offsets[batch.B];
        memcpy(s->ids + first, s->encoding.ids, length * sizeof *s->ids);
        memcpy(s->types + first, s->encoding.types, length * sizeof *s->types);
        s->offsets[++batch.B] = first + length;
    }
    return batch.B ? compute(out + done * width, batch.B * width, s, &batch, options, err) : INK_OK;
}

static ink_status run_texts(float *out, size_t out_len, size_t width, ink_text_use *uses, ink_session *s,
                            const ink_text *texts, size_t n, const ink_text_options *options,
                            size_t default_length, compute_batch *compute, ink_error *err)
{
    static const ink_text_options defaults = INK_TEXT_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_text_options has version %u, wanted 1", options->version);
    if (n > 0 && !texts)
        return ink_fail(err, INK_E_ARG, "%zu texts, but texts is NULL", n);
    for (size_t i = 0; i < n; ++i)
        if (!texts[i].text && texts[i].len > 0)
            return ink_fail(err, INK_E_ARG, "text %zu is NULL and %zu bytes long", i, texts[i].len);
    if (out_len / width < n)
        return ink_fail(err, INK_E_SHAPE, "room for %zu floats, %zu texts of %zu need more", out_len, n,
                        width);
    const size_t max_length = options->max_length ? options->max_length : default_length;
    INK_TRY(ink__length_check(s->model, max_length, err));
    return run(out, width, uses, s, texts, n, max_length, options, compute, err);
}

static ink_status head_texts(float *out, size_t out_len, ink_text_use *uses, ink_session *session,
                             const ink_text *texts, size_t n, const ink_text_options *options,
                             compute_batch *compute, ink_error *err)
{
    INK_TRY(ink__session_check(session, out, err));
    INK_TRY(ink__head_check(session->model, err));
    const size_t C = ink_model_labels(session->model);
    ink_model_info info;
    ink_model_get_info(&info, session->model);
    return run_texts(out, out_len, C, uses, session, texts, n, options, info.max_length, compute, err);
}

ink_status ink_classify_texts(float *scores, size_t scores_len, ink_text_use *uses, ink_session *session,
                              const ink_text *texts, size_t n, const ink_text_options *options,
                              ink_error *err)
{
    return head_texts(scores, scores_len, uses, session, texts, n, options, classify_batch, err);
}

ink_status ink__logits_texts(float *logits, size_t logits_len, ink_text_use *uses, ink_session *session,
                             const ink_text *texts, size_t n, const ink_text_options *options, ink_error *err)
{
    return head_texts(logits, logits_len, uses, session, texts, n, options, logits_batch, err);
}

ink_status ink_embed_texts(float *vectors, size_t vectors_len, ink_text_use *uses, ink_session *session,
                           const ink_text *texts, size_t n, const ink_text_options *options, ink_error *err)
{
    INK_TRY(ink__session_check(session, vectors, err));
    ink_model_info info;
    ink_model_get_info(&info, session->model);
    return run_texts(vectors, vectors_len, info.hidden, uses, session, texts, n, options,
                     info.embed_max_length, embed_batch, err);
}
