/* Operations on rows and plain products: see onednn.h. */
#include "core/memory.h"
#include "core/threads.h"
#include "tensor/onednn_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- row-wise operations --------------------------------------------------------------------------- */

struct ink__rowwise {
    size_t width;
    bool affine; /* takes gamma and beta */
    struct ink__exec block[INK__RUNGS];
};

static ink_status rowwise_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__rowwise_kind kind,
                               ink__desc_ref data, float eps, dnnl_primitive_attr_t attr, ink_error *err)
{
    switch (kind) {
    case INK__ROWWISE_GELU_ERF:
        return ink__dnnl_check(ink__eltwise_desc(pd, engine, dnnl_eltwise_gelu_erf, data, attr), "gelu", err);
    case INK__ROWWISE_GELU_TANH:
        return ink__dnnl_check(ink__eltwise_desc(pd, engine, dnnl_eltwise_gelu_tanh, data, attr), "gelu",
                               err);
    case INK__ROWWISE_RELU:
        return ink__dnnl_check(ink__eltwise_desc(pd, engine, dnnl_eltwise_relu, data, attr), "relu", err);
    case INK__ROWWISE_TANH:
        return ink__dnnl_check(ink__eltwise_desc(pd, engine, dnnl_eltwise_tanh, data, attr), "tanh", err);
    case INK__ROWWISE_LAYERNORM:
        return ink__dnnl_check(ink__layernorm_desc(pd, engine, data, eps, attr), "layer norm", err);
    case INK__ROWWISE_SOFTMAX:
        return ink__dnnl_check(ink__softmax_desc(pd, engine, data, attr), "softmax", err);
    }
    return ink_fail(err, INK_E_BACKEND, "no row-wise operation %d", (int)kind);
}

ink_status ink__rowwise_create(ink__rowwise **op, ink__onednn *engine, ink__rowwise_kind kind, size_t width,
                               float eps, size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(op, 1, sizeof **op, "row-wise operation", err));
    ink__rowwise *r = *op;
    r->width = width, r->affine = kind == INK__ROWWISE_LAYERNORM;
    dnnl_primitive_attr_t attr = NULL;
    ink__desc vector = {0}, data[INK__RUNGS] = {0};
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(ink__user_scratchpad(&attr, err));
    INK_TRY_GOTO(ink__dnnl_check(
        ink__desc_make(&vector, 1, (dnnl_dims_t){(dnnl_dim_t)width}, dnnl_f32, dnnl_a), "row", err));
    for (size_t i = 0; i < INK__RUNGS; ++i) {
        const dnnl_dims_t dims = {(dnnl_dim_t)ink__rungs[i], (dnnl_dim_t)width};
        INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&data[i], 2, dims, dnnl_f32, dnnl_ab), "rows", err));
        dnnl_primitive_desc_t pd = NULL;
        INK_TRY_GOTO(rowwise_desc(&pd, engine->engine, kind, INK__REF(data[i]), eps, attr, err));
        const int args[] = {DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_SCALE, DNNL_ARG_SHIFT};
        const ink__desc_ref descs[] = {INK__REF(data[i]), INK__REF(data[i]), INK__REF(vector),
                                       INK__REF(vector)};
        INK_TRY_GOTO(ink__exec_make(&r->block[i], engine->engine, pd, args, descs, r->affine ? 4 : 2, err));
    }
done:
    ink__omp_leave(before);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    for (size_t i = 0; i < INK__RUNGS; ++i)
        ink__desc_drop(&data[i]);
    ink__desc_drop(&vector);
    if (st != INK_OK) {
        ink__rowwise_free(r);
        *op = NULL;
    }
    return st;
}

void ink__rowwise_free(ink__rowwise *op)
{
    if (!op)
        return;
    for (size_t i = 0; i < INK__RUNGS; ++i)
        ink__exec_drop(&op->block[i]);
    free(op);
}

ink_status ink__rowwise_run(float *y, ink__rowwise *op, const float *x, const float *gamma, const float *beta,
                            size_t R, ink_error *err)
{
    R = ink__round_rows(R);
    while (R > 0) {
        size_t i = 0;
        while (ink__rungs[i] > R)
            ++i;
        const void *const handles[] = {x, y, gamma, beta};
        INK_TRY(ink__exec_run(&op->block[i], handles, op->affine ? 4 : 2, err));
        x += ink__rungs[i] * op->width, y += ink__rungs[i] * op->width, R -= ink__rungs[i];
    }
    return INK_OK;
}

/* ---- plain products -------------------------------------------------------------------------------- */

struct ink__matmul {
    struct ink__exec exec;
};

static ink_status matmul_make(struct ink__exec *exec, ink__onednn *engine, size_t M, size_t N, size_t K,
                              bool transposed, size_t threads, ink_error *err)
{
    const dnnl_dim_t m = (dnnl_dim_t)M, n = (dnnl_dim_t)N, k = (dnnl_dim_t)K;
    ink__desc a = {0}, b = {0}, c = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(ink__user_scratchpad(&attr, err));
    INK_TRY_GOTO(
        ink__dnnl_check(ink__desc_make(&a, 2, (dnnl_dims_t){m, k}, dnnl_f32, dnnl_ab), "product", err));
    INK_TRY_GOTO(
        ink__dnnl_check(ink__desc_make(&b, 2, (dnnl_dims_t){k, n}, dnnl_f32, transposed ? dnnl_ba : dnnl_ab),
                        "product", err));
    INK_TRY_GOTO(
        ink__dnnl_check(ink__desc_make(&c, 2, (dnnl_dims_t){m, n}, dnnl_f32, dnnl_ab), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(
        ink__matmul_desc(&pd, engine->engine, INK__REF(a), INK__REF(b), NULL, INK__REF(c), attr), "product",
        err));
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    const ink__desc_ref descs[] = {INK__REF(a), INK__REF(b), INK__REF(c)};
    st = ink__exec_make(exec, engine->engine, pd, args, descs, 3, err);
    exec->alone = threads == 1;
done:
    ink__omp_leave(before);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    ink__desc_drop(&a), ink__desc_drop(&b), ink__desc_drop(&c);
    return st;
}

ink_status ink__matmul_create(ink__matmul **op, ink__onednn *engine, size_t M, size_t N, size_t K,
                              bool transposed, size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(op, 1, sizeof **op, "product", err));
    struct ink__exec *exec = &(*op)->exec;
    ink_status st = matmul_make(exec, engine, M, N, K, transposed, threads, err);
    if (st == INK_OK && threads > 1 && !ink__splits_safely(exec->kernel)) {
        ink__exec_drop(exec);
        st = matmul_make(exec, engine, M, N, K, transposed, 1, err);
    }
    if (st != INK_OK) {
        ink__matmul_free(*op);
        *op = NULL;
    }
    return st;
}

void ink__matmul_free(ink__matmul *op)
{
    if (!op)
        return;
    ink__exec_drop(&op->exec);
    free(op);
}

ink_status ink__matmul_run(float *C, ink__matmul *op, const float *A, const float *B, ink_error *err)
{
    const void *const handles[] = {A, B, C};
    return ink__exec_run(&op->exec, handles, 3, err);
}
