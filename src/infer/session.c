/* Sessions, and the calls that take token ids: see inkling/session.h. */
#include "infer/session.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void carve(ink_arena *a, void *buffers, const void *dims)
{
    ink_session *s = buffers;
    const size_t max_tokens = *(const size_t *)dims;
    s->ids = ink_arena_bytes(a, max_tokens, sizeof *s->ids);
    s->types = ink_arena_bytes(a, max_tokens, sizeof *s->types);
    s->offsets = ink_arena_bytes(a, max_tokens + 1, sizeof *s->offsets);
    s->owners = ink_arena_bytes(a, max_tokens, sizeof *s->owners);
}

ink_status ink_session_create(ink_session **session, const ink_model *model,
                              const ink_session_options *options, ink_error *err)
{
    static const ink_session_options defaults = INK_SESSION_OPTIONS_INIT;
    if (!session || !model)
        return ink_fail(err, INK_E_ARG, "ink_session_create: session and model may not be NULL");
    *session = NULL;
    if (!options)
        options = &defaults;
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_session_options has version %u, wanted 1", options->version);
    const size_t threads = options->threads ? options->threads : ink_threads_default(NULL);
    if (threads > 1024)
        return ink_fail(err, INK_E_ARG, "%zu threads, at most 1024", threads);
    ink_model_info info;
    ink_model_get_info(&info, model);
    size_t max_tokens = options->max_tokens;
    if (max_tokens == 0)
        max_tokens = info.max_length > info.embed_max_length ? info.max_length : info.embed_max_length;

    ink_session *s;
    ink_status st;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "session", err));
    s->model = model;
    INK_TRY_GOTO(ink__encoder_create(&s->encoder, &model->config, &model->weights, model->backend, max_tokens,
                                     threads, err));
    ink__encoder_watch(&s->encoder, model->profile, model->profile_user);
    st = ink_arena_plan(&s->arena, carve, s, &max_tokens, err);
done:
    if (st != INK_OK)
        ink_session_free(s);
    else
        *session = s;
    return st;
}

void ink_session_free(ink_session *session)
{
    if (!session)
        return;
    ink__encoder_free(&session->encoder);
    ink_encoding_free(&session->encoding);
    ink_arena_free(&session->arena);
    free(session->windows);
    free(session->sums);
    free(session);
}

ink_status ink__session_check(const ink_session *session, const void *out, ink_error *err)
{
    if (!session || !out)
        return ink_fail(err, INK_E_ARG, "the %s is NULL", session ? "output" : "session");
    return INK_OK;
}

ink_status ink__head_check(const ink_model *model, ink_error *err)
{
    if (ink_model_labels(model) > 0)
        return INK_OK;
    return ink_fail(err, INK_E_ARG,
                    "%s: the model has no classification head (%s): it can embed, not classify", model->dir,
                    model->config.token_head ? "its head labels tokens or choices" : "no classifier.weight");
}

ink_status ink__length_check(const ink_model *model, size_t max_length, ink_error *err)
{
    const size_t longest = ink__config_longest(&model->config);
    if (max_length <= longest)
        return INK_OK;
    return ink_fail(err, INK_E_ARG, "a maximum length of %zu tokens, %s has %zu positions", max_length,
                    model->dir, longest);
}

ink_status ink__long_check(const ink_long_texts *l, bool pairs, ink_error *err)
{
    if (l->how < INK_LONG_TRUNCATE || l->how > INK_LONG_CHUNK)
        return ink_fail(err, INK_E_ARG, "no way %d of treating long texts", (int)l->how);
    if (l->pooling < INK_LONG_POOLING_AUTO || l->pooling > INK_LONG_POOLING_WEIGHTED)
        return ink_fail(err, INK_E_ARG, "no pooling %d of windows", (int)l->pooling);
    if (l->stride > 0 && l->how != INK_LONG_CHUNK)
        return ink_fail(err, INK_E_ARG, "a stride of %zu tokens, but texts are not chunked", l->stride);
    if (pairs && l->how != INK_LONG_TRUNCATE)
        return ink_fail(err, INK_E_ARG, "pairs of texts can only be truncated where they are too long");
    return INK_OK;
}

ink_status ink__batch_check(const ink_session *s, const ink_batch *batch, ink_error *err)
{
    const ink__config *c = &s->model->config;
    const size_t longest = ink__config_longest(c);
    if (!batch || !batch->ids || !batch->offsets || batch->B == 0)
        return ink_fail(err, INK_E_ARG, "a batch of no sequences");
    if (batch->offsets[0] != 0)
        return ink_fail(err, INK_E_ARG, "the first offset is %zu, wanted 0", batch->offsets[0]);
    for (size_t b = 0; b < batch->B; ++b) {
        const size_t begin = batch->offsets[b], end = batch->offsets[b + 1];
        if (end <= begin || end - begin > longest)
            return ink_fail(err, INK_E_ARG, "sequence %zu runs from row %zu to %zu, wanted 1 to %zu tokens",
                            b, begin, end, longest);
        if (end > s->encoder.max_tokens)
            return ink_fail(err, INK_E_SHAPE,
                            "the batch reaches row %zu in sequence %zu, session planned for %zu", end, b,
                            s->encoder.max_tokens);
        for (size_t r = begin; r < end; ++r) {
            if (batch->ids[r] < 0 || (size_t)batch->ids[r] >= c->V)
                return ink_fail(err, INK_E_ARG, "id %d in sequence %zu, row %zu: the vocabulary has %zu",
                                (int)batch->ids[r], b, r, c->V);
            /* An architecture without token types takes them and does not look. */
            if (batch->types && c->T && (batch->types[r] < 0 || (size_t)batch->types[r] >= c->T))
                return ink_fail(err, INK_E_ARG, "token type %d in sequence %zu, row %zu: the model has %zu",
                                (int)batch->types[r], b, r, c->T);
        }
    }
    return INK_OK;
}

/* Runs the encoder; with logits not NULL, the head too. */
static ink_status forward(ink_session *s, float *logits, const ink_batch *batch, ink_error *err)
{
    const int before = ink__omp_enter(s->encoder.threads);
    ink_status st = ink__encoder_forward(&s->encoder, batch, err);
    if (st == INK_OK && logits)
        st = ink__head_forward(logits, &s->encoder, batch, err);
    ink__omp_leave(before);
    return st;
}

ink_status ink_encode(float *hidden, size_t hidden_len, ink_session *session, const ink_batch *batch,
                      ink_error *err)
{
    INK_TRY(ink__session_check(session, hidden, err));
    INK_TRY(ink__batch_check(session, batch, err));
    const size_t floats = batch->offsets[batch->B] * session->model->config.H;
    if (hidden_len < floats)
        return ink_fail(err, INK_E_SHAPE, "room for %zu floats, the hidden states are %zu", hidden_len,
                        floats);
    INK_TRY(forward(session, NULL, batch, err));
    memcpy(hidden, session->encoder.all.x, floats * sizeof *hidden);
    return INK_OK;
}

ink_status ink_logits(float *logits, size_t logits_len, ink_session *session, const ink_batch *batch,
                      ink_error *err)
{
    INK_TRY(ink__session_check(session, logits, err));
    INK_TRY(ink__head_check(session->model, err));
    const size_t C = ink_model_labels(session->model);
    INK_TRY(ink__batch_check(session, batch, err));
    if (logits_len / C < batch->B)
        return ink_fail(err, INK_E_SHAPE, "room for %zu floats, %zu sequences with %zu labels need %zu",
                        logits_len, batch->B, C, batch->B * C);
    INK_TRY(forward(session, logits, batch, err));
    for (size_t i = 0; i < batch->B * C; ++i)
        if (!isfinite(logits[i]))
            return ink_fail(err, INK_E_NUMERIC, "the score of sequence %zu for label \"%s\" is not finite",
                            i / C, ink_model_label(session->model, i % C));
    return INK_OK;
}

void ink__activate(float *scores, const ink_model *model, size_t n)
{
    const ink_calibration *calibration = model->calibration;
    ink__scores_of_logits(scores, n, ink_model_labels(model), model->config.output,
                          calibration ? (float)calibration->temperature : 1);
}

ink_status ink_classify(float *scores, size_t scores_len, ink_session *session, const ink_batch *batch,
                        ink_error *err)
{
    INK_TRY(ink_logits(scores, scores_len, session, batch, err));
    ink__activate(scores, session->model, batch->B);
    return INK_OK;
}

static void max_rows(float *v, const float *x, size_t S, size_t H)
{
    memcpy(v, x, H * sizeof *v);
    for (size_t r = 1; r < S; ++r)
        for (size_t h = 0; h < H; ++h)
            v[h] = x[r * H + h] > v[h] ? x[r * H + h] : v[h];
}

/* v [H] of the rows x [S,H] of one sequence. */
static void pool_one(float *v, const float *x, size_t S, size_t H, ink_pooling pooling)
{
    if (pooling == INK_POOLING_MAX)
        max_rows(v, x, S, H);
    else
        ink__mean_rows(v, x, pooling == INK_POOLING_CLS ? 1 : S, H);
}

void ink__normalize(float *v, size_t H)
{
    double squares = 0;
    for (size_t h = 0; h < H; ++h)
        squares += (double)v[h] * v[h];
    const double norm = sqrt(squares), factor = 1 / (norm > 1e-12 ? norm : 1e-12);
    for (size_t h = 0; h < H; ++h)
        v[h] = (float)(v[h] * factor);
}

void ink__pool(float *vectors, const ink_session *s, const ink_batch *batch, ink_pooling pooling,
               bool normalize)
{
    const size_t H = s->model->config.H;
    for (size_t b = 0; b < batch->B; ++b) {
        const size_t begin = batch->offsets[b];
        pool_one(vectors + b * H, s->encoder.all.x + begin * H, batch->offsets[b + 1] - begin, H,
                 pooling == INK_POOLING_AUTO ? s->model->pooling : pooling);
        if (normalize)
            ink__normalize(vectors + b * H, H);
    }
}

ink_status ink_embed(float *vectors, size_t vectors_len, ink_session *session, const ink_batch *batch,
                     ink_pooling pooling, bool normalize, ink_error *err)
{
    INK_TRY(ink__session_check(session, vectors, err));
    INK_TRY(ink__batch_check(session, batch, err));
    const size_t H = session->model->config.H, floats = batch->B * H;
    if (vectors_len < floats)
        return ink_fail(err, INK_E_SHAPE, "room for %zu floats, %zu vectors need %zu", vectors_len, batch->B,
                        floats);
    if (pooling < INK_POOLING_AUTO || pooling > INK_POOLING_MAX)
        return ink_fail(err, INK_E_ARG, "no pooling %d", (int)pooling);
    INK_TRY(forward(session, NULL, batch, err));
    ink__pool(vectors, session, batch, pooling, normalize);
    for (size_t i = 0; i < floats; ++i)
        if (!isfinite(vectors[i]))
            return ink_fail(err, INK_E_NUMERIC, "the vector of sequence %zu is not finite", i / H);
    return INK_OK;
}
