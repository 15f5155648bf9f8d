/* Attention through oneDNN: see attention.h. */
#include "attention/attention.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

/* For one padded length P, a multiple of INK__ROWS. */
struct length {
    ink__matmul *scores;  /* [P,P] = q [P,D] * k [P,D]^T */
    ink__matmul *context; /* [P,D] = p [P,P] * v [P,D]   */
    ink__rowwise *softmax;
};

struct ink__attention_dnnl {
    struct length *lengths; /* [n]: P = INK__ROWS, 2*INK__ROWS, ... */
    size_t n;
    float *q, *k, *v, *ctx; /* [P,D] each, rows past the sequence zero */
    float *scores;          /* [P,P] */
};

static ink_status make_length(struct length *len, ink__onednn *engine, size_t P, size_t D, size_t threads,
                              ink_error *err)
{
    INK_TRY(ink__matmul_create(&len->scores, engine, P, P, D, true, threads, err));
    INK_TRY(ink__matmul_create(&len->context, engine, P, D, P, false, threads, err));
    return ink__rowwise_create(&len->softmax, engine, INK__ROWWISE_SOFTMAX, P, 0, threads, err);
}

ink_status ink__attention_dnnl_create(ink__attention_dnnl **attention, ink__onednn *engine, size_t max_S,
                                      size_t D, size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(attention, 1, sizeof **attention, "attention", err));
    ink__attention_dnnl *a = *attention;
    const size_t P = ink__round_rows(max_S);
    ink_status st;
    INK_TRY_GOTO(ink__calloc(&a->lengths, P / INK__ROWS, sizeof *a->lengths, "attention", err));
    a->n = P / INK__ROWS;
    for (size_t i = 0; i < a->n; ++i)
        INK_TRY_GOTO(make_length(&a->lengths[i], engine, (i + 1) * INK__ROWS, D, threads, err));
    float **const buffers[] = {&a->q, &a->k, &a->v, &a->ctx};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; ++i)
        INK_TRY_GOTO(ink__aligned_alloc(buffers[i], P * D * sizeof(float), "attention", err));
    INK_TRY_GOTO(ink__aligned_alloc(&a->scores, P * P * sizeof(float), "attention", err));
done:
    if (st != INK_OK) {
        ink__attention_dnnl_free(a);
        *attention = NULL;
    }
    return st;
}

void ink__attention_dnnl_free(ink__attention_dnnl *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; ++i) {
        ink__matmul_free(a->lengths[i].scores);
        ink__matmul_free(a->lengths[i].context);
        ink__rowwise_free(a->lengths[i].softmax);
    }
    free(a->lengths);
    ink__aligned_free(a->q), ink__aligned_free(a->k), ink__aligned_free(a->v);
    ink__aligned_free(a->ctx), ink__aligned_free(a->scores);
    free(a);
}

/* dst [P,D] = scale * the D columns of S strided rows, then zeros. */
static void gather(float *dst, const float *src, size_t stride, float scale, size_t S, size_t P, size_t D)
{
    for (size_t i = 0; i < P; ++i)
        for (size_t d = 0; d < D; ++d)
            dst[i * D + d] = i < S ? scale * src[i * stride + d] : 0;
}

/* What the product cannot know: the bias, and who does not see whom. */
static void finish_scores(float *scores, size_t S, size_t P, const ink__attending *how, const float *bias)
{
    for (size_t i = 0; i < P; ++i) {
        size_t first = 0, end = S;
        if (i < S)
            ink__attending_keys(&first, &end, how, i, S);
        for (size_t j = 0; j < P; ++j)
            if (j < first || j >= end)
                scores[i * P + j] = -INFINITY;
            else if (bias && i < S)
                scores[i * P + j] += bias[(ptrdiff_t)i - (ptrdiff_t)j];
    }
}

static ink_status one_head(float *ctx, ink__attention_dnnl *a, const float *q, size_t S,
                           const ink__attending *how, const float *bias, ink_error *err)
{
    const size_t D = how->D, H = how->N * D, stride = 3 * H, P = ink__round_rows(S);
    struct length *len = &a->lengths[P / INK__ROWS - 1];
    gather(a->q, q, stride, 1.0f / sqrtf((float)D), S, P, D);
    gather(a->k, q + H, stride, 1, S, P, D);
    gather(a->v, q + 2 * H, stride, 1, S, P, D);
    INK_TRY(ink__matmul_run(a->scores, len->scores, a->q, a->k, err));
    finish_scores(a->scores, S, P, how, bias);
    INK_TRY(ink__rowwise_run(a->scores, len->softmax, a->scores, NULL, NULL, P, err));
    INK_TRY(ink__matmul_run(a->ctx, len->context, a->scores, a->v, err));
    for (size_t i = 0; i < S; ++i)
        for (size_t d = 0; d < D; ++d)
            ctx[i * H + d] = a->ctx[i * D + d];
    return INK_OK;
}

ink_status ink__attention_dnnl_forward(float *ctx, ink__attention_dnnl *attention, const float *qkv,
                                       const size_t *offsets, size_t B, const ink__attending *how,
                                       ink_error *err)
{
    const size_t D = how->D, H = how->N * D;
    for (size_t b = 0; b < B; ++b)
        for (size_t n = 0; n < how->N; ++n)
            INK_TRY(one_head(ctx + offsets[b] * H + n * D, attention, qkv + offsets[b] * 3 * H + n * D,
                             offsets[b + 1] - offsets[b], how, ink__attending_bias(how, n), err));
    return INK_OK;
}
