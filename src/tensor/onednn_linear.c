/* The products of a linear layer in training: see onednn.h. */
#include "core/memory.h"
#include "core/threads.h"
#include "tensor/onednn_exec.h"

#include <stdlib.h>
#include <string.h>

/* Row counts of the blocks, descending. Each block walks over W once, so few large ones are wanted. */
static const size_t steps[] = {1024, 512, 256, 128, 64, 32, INK__ROWS};
enum { STEPS = sizeof steps / sizeof *steps };

struct ink__trained_linear {
    size_t in, out, first; /* steps[first] is the largest block */
    struct ink__exec forward[STEPS], backward[STEPS], gradient[STEPS];
};

/* C [M,N] = A [M,K] B [K,N] + bias, each with its layout; `sum` adds to C. */
struct shape {
    size_t M, N, K;
    dnnl_format_tag_t a, b;
    bool bias, sum;
};

static ink_status make(struct ink__exec *exec, dnnl_engine_t engine, const struct shape *s,
                       dnnl_primitive_attr_t attr, ink_error *err)
{
    const dnnl_dim_t M = (dnnl_dim_t)s->M, N = (dnnl_dim_t)s->N, K = (dnnl_dim_t)s->K;
    ink__desc a = {0}, b = {0}, bias = {0}, c = {0};
    dnnl_primitive_desc_t pd = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&a, 2, (dnnl_dims_t){M, K}, dnnl_f32, s->a), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&b, 2, (dnnl_dims_t){K, N}, dnnl_f32, s->b), "product", err));
    INK_TRY_GOTO(
        ink__dnnl_check(ink__desc_make(&bias, 2, (dnnl_dims_t){1, N}, dnnl_f32, dnnl_ab), "product", err));
    INK_TRY_GOTO(
        ink__dnnl_check(ink__desc_make(&c, 2, (dnnl_dims_t){M, N}, dnnl_f32, dnnl_ab), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__matmul_desc(&pd, engine, INK__REF(a), INK__REF(b),
                                                  s->bias ? INK__REF(bias) : NULL, INK__REF(c), attr),
                                 "product", err));
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS};
    const ink__desc_ref descs[] = {INK__REF(a), INK__REF(b), INK__REF(c), INK__REF(bias)};
    st = ink__exec_make(exec, engine, pd, args, descs, s->bias ? 4 : 3, err);
done:
    ink__desc_drop(&a), ink__desc_drop(&b), ink__desc_drop(&bias), ink__desc_drop(&c);
    return st;
}

static ink_status adding(dnnl_primitive_attr_t attr, ink_error *err)
{
    dnnl_post_ops_t ops = NULL;
    INK_TRY(ink__dnnl_check(dnnl_post_ops_create(&ops), "post-op", err));
    dnnl_status_t status = ink__post_op_sum(ops);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_post_ops_destroy(ops);
    return ink__dnnl_check(status, "post-op", err);
}

static void drop(ink__trained_linear *l)
{
    for (size_t i = 0; i < STEPS; ++i) {
        ink__exec_drop(&l->forward[i]);
        ink__exec_drop(&l->backward[i]);
        ink__exec_drop(&l->gradient[i]);
    }
}

/* On failure some primitives are there and some are not. */
static ink_status fill(ink__trained_linear *l, dnnl_engine_t engine, size_t threads, ink_error *err)
{
    dnnl_primitive_attr_t plain = NULL, sum = NULL;
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(ink__user_scratchpad(&plain, err));
    INK_TRY_GOTO(ink__user_scratchpad(&sum, err));
    INK_TRY_GOTO(adding(sum, err));
    for (size_t i = l->first; i < STEPS; ++i) {
        const size_t R = steps[i];
        const struct shape forward = {R, l->out, l->in, dnnl_ab, dnnl_ba, true, false};
        const struct shape backward = {R, l->in, l->out, dnnl_ab, dnnl_ab, false, false};
        const struct shape gradient = {l->out, l->in, R, dnnl_ba, dnnl_ab, false, true};
        INK_TRY_GOTO(make(&l->forward[i], engine, &forward, plain, err));
        INK_TRY_GOTO(make(&l->backward[i], engine, &backward, plain, err));
        INK_TRY_GOTO(make(&l->gradient[i], engine, &gradient, sum, err));
        l->forward[i].alone = l->backward[i].alone = l->gradient[i].alone = threads == 1;
    }
done:
    ink__omp_leave(before);
    if (plain)
        dnnl_primitive_attr_destroy(plain);
    if (sum)
        dnnl_primitive_attr_destroy(sum);
    return st;
}

static bool all_split_safely(const ink__trained_linear *l)
{
    for (size_t i = l->first; i < STEPS; ++i)
        if (!ink__splits_safely(l->forward[i].kernel) || !ink__splits_safely(l->backward[i].kernel) ||
            !ink__splits_safely(l->gradient[i].kernel))
            return false;
    return true;
}

ink_status ink__trained_linear_create(ink__trained_linear **linear, ink__onednn *engine, size_t in,
                                      size_t out, size_t max_R, size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(linear, 1, sizeof **linear, "products", err));
    ink__trained_linear *l = *linear;
    l->in = in, l->out = out;
    while (l->first + 1 < STEPS && steps[l->first] > ink__round_rows(max_R))
        ++l->first;
    ink_status st = fill(l, engine->engine, threads, err);
    if (st == INK_OK && threads > 1 && !all_split_safely(l)) {
        drop(l);
        st = fill(l, engine->engine, 1, err);
    }
    if (st != INK_OK) {
        ink__trained_linear_free(l);
        *linear = NULL;
    }
    return st;
}

void ink__trained_linear_free(ink__trained_linear *linear)
{
    if (!linear)
        return;
    drop(linear);
    free(linear);
}

/* The largest block for `left` rows. */
static size_t block_of(const ink__trained_linear *l, size_t left)
{
    size_t i = l->first;
    while (steps[i] > ink__round_rows(left))
        ++i;
    return i;
}

ink_status ink__trained_linear_forward(float *y, ink__trained_linear *l, const float *x, const float *W,
                                       const float *b, size_t R, ink_error *err)
{
    for (size_t r = 0, i; r < R; r += steps[i]) {
        i = block_of(l, R - r);
        const void *const handles[] = {x + r * l->in, W, y + r * l->out, b};
        INK_TRY(ink__exec_run(&l->forward[i], handles, 4, err));
    }
    return INK_OK;
}

ink_status ink__trained_linear_backward(float *dx, ink__trained_linear *l, const float *dy, const float *W,
                                        size_t R, ink_error *err)
{
    for (size_t r = 0, i; r < R; r += steps[i]) {
        i = block_of(l, R - r);
        const void *const handles[] = {dy + r * l->out, W, dx + r * l->in};
        INK_TRY(ink__exec_run(&l->backward[i], handles, 3, err));
    }
    return INK_OK;
}

ink_status ink__trained_linear_gradient(float *dW, ink__trained_linear *l, float *dy, float *x, size_t R,
                                        ink_error *err)
{
    const size_t idle = ink__round_rows(R) - R;
    memset(dy + R * l->out, 0, idle * l->out * sizeof *dy);
    memset(x + R * l->in, 0, idle * l->in * sizeof *x);
    for (size_t r = 0, i; r < R; r += steps[i]) {
        i = block_of(l, R - r);
        const void *const handles[] = {dy + r * l->out, x + r * l->in, dW};
        INK_TRY(ink__exec_run(&l->gradient[i], handles, 3, err));
    }
    return INK_OK;
}
