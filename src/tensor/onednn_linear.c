/* The products of a linear layer in training: see onednn.h. */
#include "core/memory.h"
#include "core/threads.h"
#include "tensor/onednn_exec.h"

#include <stdlib.h>
#include <string.h>

/* Up to MOST rows are one block; of more, blocks of REGULAR rows until they are that few. A product copies W,
 * and a gradient walks over dW, once a block, so that small blocks would cost most of their time there; past
 * 512 rows nothing more is gained. */
enum { MOST = 1024, REGULAR = 512, COUNTS = MOST / INK__ROWS };

/* OVERWRITE and ADD are the gradient's. */
enum kind { FORWARD, BACKWARD, OVERWRITE, ADD, KINDS };

/* Primitives are made when a row count is first met: most never are. They share one scratchpad, as they run
 * one after the other. */
struct ink__trained_linear {
    size_t in, out, threads;
    dnnl_engine_t engine;
    struct ink__exec products[COUNTS][KINDS];
    void *scratchpad;
    size_t scratchpad_bytes;
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

/* For `threads` of them; x is empty on failure. */
static ink_status make_on(struct ink__exec *x, const ink__trained_linear *l, enum kind kind, size_t R,
                          size_t threads, ink_error *err)
{
    const struct shape shapes[KINDS] = {
        [FORWARD] = {R, l->out, l->in, dnnl_ab, dnnl_ba, true, false},
        [BACKWARD] = {R, l->in, l->out, dnnl_ab, dnnl_ab, false, false},
        [OVERWRITE] = {l->out, l->in, R, dnnl_ba, dnnl_ab, false, false},
        [ADD] = {l->out, l->in, R, dnnl_ba, dnnl_ab, false, true},
    };
    dnnl_primitive_attr_t attr = NULL;
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(ink__user_scratchpad(&attr, err));
    if (kind == ADD)
        INK_TRY_GOTO(adding(attr, err));
    INK_TRY_GOTO(make(x, l->engine, &shapes[kind], attr, err));
    x->alone = threads == 1;
done:
    ink__omp_leave(before);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return st;
}

/* *product of R rows, a multiple of INK__ROWS. */
static ink_status product_of(struct ink__exec **product, ink__trained_linear *l, enum kind kind, size_t R,
                             ink_error *err)
{
    struct ink__exec *x = *product = &l->products[R / INK__ROWS - 1][kind];
    if (x->primitive)
        return INK_OK;
    INK_TRY(make_on(x, l, kind, R, l->threads, err));
    if (l->threads > 1 && !ink__splits_safely(x->kernel)) {
        ink__exec_drop(x);
        INK_TRY(make_on(x, l, kind, R, 1, err));
    }
    if (x->scratchpad_bytes > l->scratchpad_bytes) {
        ink__aligned_free(l->scratchpad);
        l->scratchpad = x->scratchpad, l->scratchpad_bytes = x->scratchpad_bytes;
    } else
        ink__aligned_free(x->scratchpad);
    x->scratchpad = NULL;
    return INK_OK;
}

/* handles [n]: what the product reads and writes. */
static ink_status run(ink__trained_linear *l, enum kind kind, size_t R, const void *const *handles, int n,
                      ink_error *err)
{
    struct ink__exec *x;
    const void *all[INK__EXEC_ARGS];
    INK_TRY(product_of(&x, l, kind, R, err));
    memcpy(all, handles, (size_t)n * sizeof *all);
    if (x->n_args > n)
        all[n] = l->scratchpad;
    return ink__exec_run(x, all, x->n_args, err);
}

ink_status ink__trained_linear_create(ink__trained_linear **linear, ink__onednn *engine, size_t in,
                                      size_t out, size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(linear, 1, sizeof **linear, "products", err));
    **linear = (ink__trained_linear){.in = in, .out = out, .threads = threads, .engine = engine->engine};
    return INK_OK;
}

void ink__trained_linear_free(ink__trained_linear *linear)
{
    if (!linear)
        return;
    for (size_t i = 0; i < COUNTS; ++i)
        for (enum kind kind = 0; kind < KINDS; ++kind)
            ink__exec_drop(&linear->products[i][kind]);
    ink__aligned_free(linear->scratchpad);
    free(linear);
}

/* Rows of the next block. */
static size_t block_of(size_t left)
{
    return left > MOST ? REGULAR : ink__round_rows(left);
}

ink_status ink__trained_linear_forward(float *y, ink__trained_linear *l, const float *x, const float *W,
                                       const float *b, size_t R, ink_error *err)
{
    for (size_t r = 0, n; r < R; r += n) {
        n = block_of(R - r);
        const void *const handles[] = {x + r * l->in, W, y + r * l->out, b};
        INK_TRY(run(l, FORWARD, n, handles, 4, err));
    }
    return INK_OK;
}

ink_status ink__trained_linear_backward(float *dx, ink__trained_linear *l, const float *dy, const float *W,
                                        size_t R, ink_error *err)
{
    for (size_t r = 0, n; r < R; r += n) {
        n = block_of(R - r);
        const void *const handles[] = {dy + r * l->out, W, dx + r * l->in};
        INK_TRY(run(l, BACKWARD, n, handles, 3, err));
    }
    return INK_OK;
}

ink_status ink__trained_linear_gradient(float *dW, ink__trained_linear *l, float *dy, float *x, size_t R,
                                        bool add, ink_error *err)
{
    const size_t idle = ink__round_rows(R) - R;
    memset(dy + R * l->out, 0, idle * l->out * sizeof *dy);
    memset(x + R * l->in, 0, idle * l->in * sizeof *x);
    for (size_t r = 0, n; r < R; r += n) {
        n = block_of(R - r);
        const void *const handles[] = {dy + r * l->out, x + r * l->in, dW};
        INK_TRY(run(l, add || r > 0 ? ADD : OVERWRITE, n, handles, 3, err));
    }
    return INK_OK;
}
