/* The calls that take texts: tokens of whole texts, or of windows of long ones, are packed into batches of at
 * most max_tokens rows, in order. See inkling/session.h. */
#include "core/memory.h"
#include "infer/session.h"
#include "tokenizer/windows.h"

#include <string.h>

/* What is computed of a batch, before the last step ... */
typedef ink_status compute_batch(float *out, size_t out_len, ink_session *s, const ink_batch *batch,
                                 const ink_text_options *options, ink_error *err);
/* ... which each text takes alone: out [n,width] in place. NULL: there is none. */
typedef void finish_texts(float *out, size_t n, const ink_session *s, const ink_text_options *options);

struct task {
    compute_batch *compute;
    finish_texts *finish;
    size_t width, max_length;
    ink_long_pooling pooling;
};

static ink_status logits_batch(float *out, size_t out_len, ink_session *s, const ink_batch *batch,
                               const ink_text_options *options, ink_error *err)
{
    (void)options;
    return ink_logits(out, out_len, s, batch, err);
}

static void finish_logits(float *out, size_t n, const ink_session *s, const ink_text_options *options)
{
    (void)options;
    ink__activate(out, s->model, n);
}

static ink_status vectors_batch(float *out, size_t out_len, ink_session *s, const ink_batch *batch,
                                const ink_text_options *options, ink_error *err)
{
    return ink_embed(out, out_len, s, batch, options->pooling, false, err);
}

static void finish_vectors(float *out, size_t n, const ink_session *s, const ink_text_options *options)
{
    const size_t H = s->model->config.H;
    for (size_t i = 0; i < n && (options->normalize || s->model->normalize); ++i)
        ink__normalize(out + i * H, H);
}

/* A call under way. */
struct pass {
    const struct task *task;
    const ink_text_options *options;
    ink_session *s;
    float *out;      /* [n,width] */
    ink_batch batch; /* sequences that are not yet computed */
    size_t done;     /* sequences that are, where each is a text */
    size_t text;     /* whose tokens come */
    ink_text_use use;
    size_t pooled; /* the text whose windows are in s->sums */
    double weight; /* of them together; 0: none is */
};

/* ---- windows to texts ------------------------------------------------------------------------------- */

/* The text whose windows were pooled is complete. One window alone keeps its bits: x * n / n is x. */
static void give_pooled(struct pass *p)
{
    float *out = p->out + p->pooled * p->task->width; /* [width] */
    const bool max = p->task->pooling == INK_LONG_POOLING_MAX;
    for (size_t i = 0; i < p->task->width && p->weight > 0; ++i)
        out[i] = (float)(max ? p->s->sums[i] : p->s->sums[i] / p->weight);
    p->weight = 0;
}

static void pool_window(struct pass *p, size_t owner, const float *x, size_t tokens)
{
    const ink_long_pooling pooling = p->task->pooling;
    const double weight = pooling == INK_LONG_POOLING_WEIGHTED ? (double)tokens : 1;
    double *sums = p->s->sums;
    if (owner != p->pooled)
        give_pooled(p);
    for (size_t i = 0; i < p->task->width; ++i) {
        const double add = weight * x[i];
        if (p->weight == 0)
            sums[i] = add;
        else if (pooling == INK_LONG_POOLING_MAX)
            sums[i] = add > sums[i] ? add : sums[i];
        else
            sums[i] += add;
    }
    p->pooled = owner, p->weight += weight;
}

/* ---- batches ---------------------------------------------------------------------------------------- */

static ink_status compute_windows(struct pass *p, ink_error *err)
{
    ink_session *s = p->s;
    const size_t width = p->task->width, B = p->batch.B;
    INK_TRY(ink__grow(&s->sums, &s->sums_capacity, width, sizeof *s->sums, "scores", err));
    INK_TRY(ink__grow(&s->windows, &s->windows_capacity, B * width, sizeof *s->windows, "scores", err));
    INK_TRY(p->task->compute(s->windows, B * width, s, &p->batch, p->options, err));
    for (size_t b = 0; b < B; ++b)
        pool_window(p, s->owners[b], s->windows + b * width, s->offsets[b + 1] - s->offsets[b]);
    return INK_OK;
}

static ink_status compute(struct pass *p, ink_error *err)
{
    const size_t width = p->task->width, B = p->batch.B;
    if (B == 0)
        return INK_OK;
    if (p->options->long_texts.how == INK_LONG_CHUNK)
        INK_TRY(compute_windows(p, err));
    else
        INK_TRY(p->task->compute(p->out + p->done * width, B * width, p->s, &p->batch, p->options, err));
    p->done += B, p->batch.B = 0;
    return INK_OK;
}

/* Adds a sequence of the text that is under way to the batch. */
static ink_status add(void *pass, const ink_encoding *e, ink_error *err)
{
    struct pass *p = pass;
    ink_session *s = p->s;
    const size_t length = e->length, max_tokens = s->encoder.max_tokens;
    if (length > max_tokens)
        return ink_fail(err, INK_E_SHAPE, "text %zu has %zu tokens, session planned for %zu", p->text, length,
                        max_tokens);
    if (s->offsets[p->batch.B] + length > max_tokens)
        INK_TRY(compute(p, err));
    const size_t first = s->offsets[p->batch.B];
    memcpy(s->ids + first, e->ids, length * sizeof *s->ids);
    memcpy(s->types + first, e->types, length * sizeof *s->types);
    s->owners[p->batch.B] = p->text;
    s->offsets[++p->batch.B] = first + length;
    ++p->use.windows, p->use.computed += length;
    return INK_OK;
}

static ink_status add_text(struct pass *p, const ink_text *text, const ink_encode_options *encode,
                           ink_error *err)
{
    const ink_long_texts *l = &p->options->long_texts;
    const ink_tokenizer *tokenizer = p->s->model->tokenizer;
    ink_encoding *e = &p->s->encoding;
    p->use = (ink_text_use){0};
    if (l->how == INK_LONG_CHUNK) {
        INK_TRY(ink__encode_windows(e, tokenizer, text->text, text->len, encode, l->stride, add, p, err));
        p->use.used = e->total;
    } else {
        INK_TRY(ink_tokenizer_encode(e, tokenizer, text->text, text->len, text->pair, text->pair_len, encode,
                                     err));
        INK_TRY(add(p, e, err));
        p->use.used = e->length;
    }
    p->use.tokens = e->total, p->use.bad_bytes = e->bad_bytes;
    return INK_OK;
}

static ink_status run(float *out, ink_text_use *uses, ink_session *s, const ink_text *texts, size_t n,
                      const ink_text_options *options, const struct task *task, ink_error *err)
{
    const ink_encode_options encode = {.version = 1,
                                       .parse_special = options->parse_special,
                                       .max_length = task->max_length,
                                       .head_tail = options->long_texts.how == INK_LONG_HEAD_TAIL};
    struct pass p = {.task = task,
                     .options = options,
                     .s = s,
                     .out = out,
                     .batch = {.ids = s->ids, .types = s->types, .offsets = s->offsets}};
    s->offsets[0] = 0;
    for (; p.text < n; ++p.text) {
        INK_TRY(add_text(&p, &texts[p.text], &encode, err));
        if (uses)
            uses[p.text] = p.use;
    }
    INK_TRY(compute(&p, err));
    give_pooled(&p);
    if (task->finish)
        task->finish(out, n, s, options);
    return INK_OK;
}

static ink_status run_texts(float *out, size_t out_len, ink_text_use *uses, ink_session *s,
                            const ink_text *texts, size_t n, const ink_text_options *options,
                            struct task *task, ink_error *err)
{
    static const ink_text_options defaults = INK_TEXT_OPTIONS_INIT;
    bool pairs = false;
    if (!options)
        options = &defaults;
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_text_options has version %u, wanted 1", options->version);
    if (n > 0 && !texts)
        return ink_fail(err, INK_E_ARG, "%zu texts, but texts is NULL", n);
    for (size_t i = 0; i < n; ++i) {
        if (!texts[i].text && texts[i].len > 0)
            return ink_fail(err, INK_E_ARG, "text %zu is NULL and %zu bytes long", i, texts[i].len);
        pairs = pairs || texts[i].pair;
    }
    INK_TRY(ink__long_check(&options->long_texts, pairs, err));
    if (out_len / task->width < n)
        return ink_fail(err, INK_E_SHAPE, "room for %zu floats, %zu texts of %zu need more", out_len, n,
                        task->width);
    if (options->max_length)
        task->max_length = options->max_length;
    if (options->long_texts.pooling != INK_LONG_POOLING_AUTO)
        task->pooling = options->long_texts.pooling;
    INK_TRY(ink__length_check(s->model, task->max_length, err));
    return run(out, uses, s, texts, n, options, task, err);
}

static ink_status head_texts(float *out, size_t out_len, ink_text_use *uses, ink_session *session,
                             const ink_text *texts, size_t n, const ink_text_options *options,
                             finish_texts *finish, ink_error *err)
{
    INK_TRY(ink__session_check(session, out, err));
    INK_TRY(ink__head_check(session->model, err));
    ink_model_info info;
    ink_model_get_info(&info, session->model);
    struct task task = {logits_batch, finish, ink_model_labels(session->model), info.max_length,
                        INK_LONG_POOLING_MEAN};
    return run_texts(out, out_len, uses, session, texts, n, options, &task, err);
}

ink_status ink_classify_texts(float *scores, size_t scores_len, ink_text_use *uses, ink_session *session,
                              const ink_text *texts, size_t n, const ink_text_options *options,
                              ink_error *err)
{
    return head_texts(scores, scores_len, uses, session, texts, n, options, finish_logits, err);
}

ink_status ink__logits_texts(float *logits, size_t logits_len, ink_text_use *uses, ink_session *session,
                             const ink_text *texts, size_t n, const ink_text_options *options, ink_error *err)
{
    return head_texts(logits, logits_len, uses, session, texts, n, options, NULL, err);
}

ink_status ink_embed_texts(float *vectors, size_t vectors_len, ink_text_use *uses, ink_session *session,
                           const ink_text *texts, size_t n, const ink_text_options *options, ink_error *err)
{
    INK_TRY(ink__session_check(session, vectors, err));
    ink_model_info info;
    ink_model_get_info(&info, session->model);
    struct task task = {vectors_batch, finish_vectors, info.hidden, info.embed_max_length,
                        INK_LONG_POOLING_WEIGHTED};
    return run_texts(vectors, vectors_len, uses, session, texts, n, options, &task, err);
}
