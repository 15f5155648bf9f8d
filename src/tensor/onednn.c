/* Products with packed weights, operations on rows, and plain products: see onednn.h. */
#include "core/memory.h"
#include "core/threads.h"
#include "tensor/onednn_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- products with packed weights ------------------------------------------------------------------ */

/* Block sizes, descending. The kernels reach their full rate from 16 rows on one thread; the large rungs
 * spare wide layers a second walk over weights that do not stay in cache. */
static const size_t rungs[] = {256, 128, 64, INK__ROWS};
enum { RUNGS = sizeof rungs / sizeof *rungs };

struct ink__product {
    dnnl_engine_t engine;
    size_t in, out, packed_size;
    ink__desc packed;
    bool has_packed;
    struct ink__exec block[RUNGS];
};

static ink_status product_block(ink__product *p, size_t i, dnnl_primitive_attr_t attr, ink_error *err)
{
    const dnnl_dim_t M = (dnnl_dim_t)rungs[i], K = (dnnl_dim_t)p->in, N = (dnnl_dim_t)p->out;
    ink__desc src = {0}, weights = {0}, bias = {0}, dst = {0};
    dnnl_primitive_desc_t pd = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&src, 2, (dnnl_dims_t){M, K}, dnnl_ab), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&bias, 2, (dnnl_dims_t){1, N}, dnnl_ab), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&dst, 2, (dnnl_dims_t){M, N}, dnnl_ab), "product", err));
    if (!p->has_packed) { /* the first rung chooses the layout, the others follow it */
        INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&weights, 2, (dnnl_dims_t){K, N}, dnnl_format_tag_any),
                                     "product", err));
        INK_TRY_GOTO(ink__dnnl_check(ink__matmul_desc(&pd, p->engine, INK__REF(src), INK__REF(weights),
                                                      INK__REF(bias), INK__REF(dst), attr),
                                     "product", err));
        ink__desc_ref chosen = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        p->packed_size = dnnl_memory_desc_get_size(chosen) / sizeof(float);
#if DNNL_VERSION_MAJOR >= 3
        INK_TRY_GOTO(ink__dnnl_check(dnnl_memory_desc_clone(&p->packed, chosen), "product", err));
#else
        p->packed = *chosen;
#endif
        p->has_packed = true;
    } else {
        INK_TRY_GOTO(ink__dnnl_check(ink__matmul_desc(&pd, p->engine, INK__REF(src), INK__REF(p->packed),
                                                      INK__REF(bias), INK__REF(dst), attr),
                                     "product", err));
    }
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};
    const ink__desc_ref descs[] = {INK__REF(src), INK__REF(p->packed), INK__REF(bias), INK__REF(dst)};
    st = ink__exec_make(&p->block[i], p->engine, pd, args, descs, 4, err);
    pd = NULL;
done:
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    ink__desc_drop(&src), ink__desc_drop(&weights), ink__desc_drop(&bias), ink__desc_drop(&dst);
    return st;
}

static ink_status product_blocks(ink__product *p, size_t threads, ink_error *err)
{
    dnnl_primitive_attr_t attr = NULL;
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(ink__user_scratchpad(&attr, err));
    for (size_t i = 0; i < RUNGS; ++i) {
        INK_TRY_GOTO(product_block(p, i, attr, err));
        p->block[i].alone = threads == 1;
    }
done:
    ink__omp_leave(before);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return st;
}

static void product_drop(ink__product *p)
{
    for (size_t i = 0; i < RUNGS; ++i)
        ink__exec_drop(&p->block[i]);
    if (p->has_packed)
        ink__desc_drop(&p->packed);
    p->has_packed = false;
}

ink_status ink__product_create(ink__product **product, ink__onednn *engine, size_t in, size_t out,
                               size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(product, 1, sizeof **product, "product", err));
    ink__product *p = *product;
    p->engine = engine->engine, p->in = in, p->out = out;
    ink_status st = product_blocks(p, threads, err);
    if (st == INK_OK && threads > 1 && !ink__splits_safely(p->block[0].kernel)) {
        product_drop(p);
        st = product_blocks(p, 1, err);
    }
    if (st != INK_OK) {
        ink__product_free(p);
        *product = NULL;
    }
    return st;
}

void ink__product_free(ink__product *product)
{
    if (!product)
        return;
    product_drop(product);
    free(product);
}

size_t ink__product_packed_size(const ink__product *product)
{
    return product->packed_size;
}

ink_status ink__product_pack(float *packed, ink__product *p, const float *W, ink_error *err)
{
    /* W [out,in] row-major is the [in,out] matrix oneDNN multiplies by, stored by columns: tag ba. */
    ink__desc plain = {0};
    dnnl_primitive_desc_t pd = NULL;
    struct ink__exec reorder = {0};
    ink_status st;
    INK_TRY_GOTO(ink__dnnl_check(
        ink__desc_make(&plain, 2, (dnnl_dims_t){(dnnl_dim_t)p->in, (dnnl_dim_t)p->out}, dnnl_ba), "packing",
        err));
    INK_TRY_GOTO(ink__dnnl_check(dnnl_reorder_primitive_desc_create(&pd, INK__REF(plain), p->engine,
                                                                    INK__REF(p->packed), p->engine, NULL),
                                 "packing", err));
    const int args[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
    const ink__desc_ref descs[] = {INK__REF(plain), INK__REF(p->packed)};
    INK_TRY_GOTO(ink__exec_make(&reorder, p->engine, pd, args, descs, 2, err));
    const void *const handles[] = {W, packed};
    st = ink__exec_run(&reorder, handles, 2, err);
done:
    ink__exec_drop(&reorder);
    ink__desc_drop(&plain);
    return st;
}

size_t ink__product_block(const ink__product *product, size_t R)
{
    (void)product;
    size_t i = 0;
    while (rungs[i] > ink__round_rows(R))
        ++i;
    return rungs[i];
}

ink_status ink__product_run(float *y, ink__product *product, const float *x, const float *packed,
                            const float *b, size_t block, ink_error *err)
{
    size_t i = 0;
    while (rungs[i] != block)
        ++i;
    const void *const handles[] = {x, packed, b, y};
    return ink__exec_run(&product->block[i], handles, 4, err);
}

const char *ink__product_kernel(const ink__product *product, size_t i)
{
    return i < RUNGS ? product->block[i].kernel : NULL;
}

/* ---- row-wise operations --------------------------------------------------------------------------- */

struct ink__rowwise {
    size_t width;
    bool affine; /* takes gamma and beta */
    struct ink__exec block[RUNGS];
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
    ink__desc vector = {0}, data[RUNGS] = {0};
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(ink__user_scratchpad(&attr, err));
    INK_TRY_GOTO(
        ink__dnnl_check(ink__desc_make(&vector, 1, (dnnl_dims_t){(dnnl_dim_t)width}, dnnl_a), "row", err));
    for (size_t i = 0; i < RUNGS; ++i) {
        const dnnl_dims_t dims = {(dnnl_dim_t)rungs[i], (dnnl_dim_t)width};
        INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&data[i], 2, dims, dnnl_ab), "rows", err));
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
    for (size_t i = 0; i < RUNGS; ++i)
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
    for (size_t i = 0; i < RUNGS; ++i)
        ink__exec_drop(&op->block[i]);
    free(op);
}

ink_status ink__rowwise_run(float *y, ink__rowwise *op, const float *x, const float *gamma, const float *beta,
                            size_t R, ink_error *err)
{
    R = ink__round_rows(R);
    while (R > 0) {
        size_t i = 0;
        while (rungs[i] > R)
            ++i;
        const void *const handles[] = {x, y, gamma, beta};
        INK_TRY(ink__exec_run(&op->block[i], handles, op->affine ? 4 : 2, err));
        x += rungs[i] * op->width, y += rungs[i] * op->width, R -= rungs[i];
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
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&a, 2, (dnnl_dims_t){m, k}, dnnl_ab), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&b, 2, (dnnl_dims_t){k, n}, transposed ? dnnl_ba : dnnl_ab),
                                 "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&c, 2, (dnnl_dims_t){m, n}, dnnl_ab), "product", err));
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
