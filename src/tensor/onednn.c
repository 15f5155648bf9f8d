/* oneDNN: see onednn.h. Written for 2.6 (operation descriptor, then primitive descriptor) and 3.x (one call);
 * what differs stands in the first section. */
#include "tensor/onednn.h"
#include "core/memory.h"
#include "core/threads.h"

#include <dnnl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the two generations --------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc_t; /* a handle */
typedef const_dnnl_memory_desc_t desc_ref;
#define REF(desc) (desc)

static dnnl_status_t desc_make(desc_t *desc, int ndims, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(desc, ndims, dims, dnnl_f32, tag);
}

static void desc_drop(desc_t *desc)
{
    if (*desc)
        dnnl_memory_desc_destroy(*desc);
}

static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, desc_ref src,
                                 desc_ref weights, desc_ref bias, desc_ref dst, dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(pd, engine, src, weights, bias, dst, attr);
}

static dnnl_status_t eltwise_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t alg,
                                  desc_ref data, dnnl_primitive_attr_t attr)
{
    return dnnl_eltwise_forward_primitive_desc_create(pd, engine, dnnl_forward_inference, alg, data, data, 0,
                                                      0, attr);
}

static dnnl_status_t layernorm_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, desc_ref data, float eps,
                                    dnnl_primitive_attr_t attr)
{
    return dnnl_layer_normalization_forward_primitive_desc_create(
        pd, engine, dnnl_forward_inference, data, data, NULL, eps, dnnl_use_scale | dnnl_use_shift, attr);
}

static dnnl_status_t softmax_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, desc_ref data,
                                  dnnl_primitive_attr_t attr)
{
    return dnnl_softmax_forward_primitive_desc_create(pd, engine, dnnl_forward_inference,
                                                      dnnl_softmax_accurate, data, data, 1, attr);
}
#else
typedef dnnl_memory_desc_t desc_t; /* a struct */
typedef const dnnl_memory_desc_t *desc_ref;
#define REF(desc) (&(desc))

static dnnl_status_t desc_make(desc_t *desc, int ndims, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(desc, ndims, dims, dnnl_f32, tag);
}

static void desc_drop(desc_t *desc)
{
    (void)desc;
}

static dnnl_status_t matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, desc_ref src,
                                 desc_ref weights, desc_ref bias, desc_ref dst, dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t op;
    const dnnl_status_t status = dnnl_matmul_desc_init(&op, src, weights, bias, dst);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}

static dnnl_status_t eltwise_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t alg,
                                  desc_ref data, dnnl_primitive_attr_t attr)
{
    dnnl_eltwise_desc_t op;
    const dnnl_status_t status = dnnl_eltwise_forward_desc_init(&op, dnnl_forward_inference, alg, data, 0, 0);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}

static dnnl_status_t layernorm_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, desc_ref data, float eps,
                                    dnnl_primitive_attr_t attr)
{
    dnnl_layer_normalization_desc_t op;
    const dnnl_status_t status = dnnl_layer_normalization_forward_desc_init(
        &op, dnnl_forward_inference, data, NULL, eps, dnnl_use_scale | dnnl_use_shift);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}

static dnnl_status_t softmax_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, desc_ref data,
                                  dnnl_primitive_attr_t attr)
{
    dnnl_softmax_desc_t op;
    const dnnl_status_t status = dnnl_softmax_forward_desc_init(&op, dnnl_forward_inference, data, 1);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}
#endif

/* ---- engine ---------------------------------------------------------------------------------------- */

struct ink__onednn {
    dnnl_engine_t engine;
};

static ink_status check(dnnl_status_t status, const char *what, ink_error *err)
{
    static const char *const names[] = {
        "success",       "out of memory", "invalid arguments",     "not implemented",
        "iterator ends", "runtime error", "operation not required"};
    if (status == dnnl_success)
        return INK_OK;
    const size_t i = (size_t)status;
    return ink_fail(err, INK_E_BACKEND, "oneDNN: %s: %s", what,
                    i < sizeof names / sizeof *names ? names[i] : "unknown status");
}

void ink__onednn_version(char *text, size_t size)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, size, "%d.%d.%d", v->major, v->minor, v->patch);
}

ink_status ink__onednn_create(ink__onednn **engine, ink_error *err)
{
    INK_TRY(ink__calloc(engine, 1, sizeof **engine, "oneDNN engine", err));
    const ink_status st = check(dnnl_engine_create(&(*engine)->engine, dnnl_cpu, 0), "engine", err);
    if (st != INK_OK) {
        free(*engine);
        *engine = NULL;
    }
    return st;
}

void ink__onednn_free(ink__onednn *engine)
{
    if (!engine)
        return;
    dnnl_engine_destroy(engine->engine);
    free(engine);
}

/* ---- one primitive with its memory objects --------------------------------------------------------- */

enum { MAX_ARGS = 6 };

struct exec {
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    dnnl_exec_arg_t args[MAX_ARGS]; /* the scratchpad last */
    int n_args;
    void *scratchpad;
    char kernel[64];
    bool alone; /* runs on one thread whatever the caller has */
};

static void exec_drop(struct exec *x)
{
    for (int i = 0; i < x->n_args; ++i)
        dnnl_memory_destroy(x->args[i].memory);
    if (x->primitive)
        dnnl_primitive_destroy(x->primitive);
    if (x->stream)
        dnnl_stream_destroy(x->stream);
    ink__aligned_free(x->scratchpad);
    *x = (struct exec){0};
}

static ink_status exec_arg(struct exec *x, dnnl_engine_t engine, int arg, desc_ref desc, ink_error *err)
{
    INK_TRY(
        check(dnnl_memory_create(&x->args[x->n_args].memory, desc, engine, DNNL_MEMORY_NONE), "memory", err));
    x->args[x->n_args++].arg = arg;
    return INK_OK;
}

/* Takes pd over. On failure x is empty. */
static ink_status exec_make(struct exec *x, dnnl_engine_t engine, dnnl_primitive_desc_t pd, const int *args,
                            const desc_ref *descs, int n, ink_error *err)
{
    ink_status st;
    *x = (struct exec){0};
    const char *kernel = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &kernel);
    snprintf(x->kernel, sizeof x->kernel, "%s", kernel);
    INK_TRY_GOTO(check(dnnl_primitive_create(&x->primitive, pd), x->kernel, err));
    INK_TRY_GOTO(check(dnnl_stream_create(&x->stream, engine, dnnl_stream_default_flags), "stream", err));
    for (int i = 0; i < n; ++i)
        INK_TRY_GOTO(exec_arg(x, engine, args[i], descs[i], err));

    desc_ref pad = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    const size_t bytes = pad ? dnnl_memory_desc_get_size(pad) : 0;
    if (bytes > 0) {
        INK_TRY_GOTO(ink__aligned_alloc(&x->scratchpad, bytes, "oneDNN scratchpad", err));
        INK_TRY_GOTO(exec_arg(x, engine, DNNL_ARG_SCRATCHPAD, pad, err));
        INK_TRY_GOTO(check(dnnl_memory_set_data_handle(x->args[x->n_args - 1].memory, x->scratchpad),
                           "scratchpad", err));
    }
done:
    dnnl_primitive_desc_destroy(pd);
    if (st != INK_OK)
        exec_drop(x);
    return st;
}

/* handles [n] in the order of exec_make's args. */
static ink_status exec_run(struct exec *x, const void *const *handles, int n, ink_error *err)
{
    for (int i = 0; i < n; ++i)
        INK_TRY(check(dnnl_memory_set_data_handle(x->args[i].memory, (void *)(uintptr_t)handles[i]),
                      x->kernel, err));
    const int before = x->alone ? ink__omp_enter(1) : 0;
    dnnl_status_t status = dnnl_primitive_execute(x->primitive, x->stream, x->n_args, x->args);
    if (status == dnnl_success)
        status = dnnl_stream_wait(x->stream);
    if (x->alone)
        ink__omp_leave(before);
    return check(status, x->kernel, err);
}

/* Kernels for AVX-512 split rows over threads so that no bit depends on how many there are. Those of older
 * processors (gemm:jit) do not: they run on one. */
static bool splits_safely(const char *kernel)
{
    return strncmp(kernel, "brg", 3) == 0;
}

/* An attribute set under which primitives take their scratchpad from us: they allocate nothing per run, and
 * several may run at once. */
static ink_status user_scratchpad(dnnl_primitive_attr_t *attr, ink_error *err)
{
    INK_TRY(check(dnnl_primitive_attr_create(attr), "attributes", err));
    return check(dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user), "attributes",
                 err);
}

/* ---- products with packed weights ------------------------------------------------------------------ */

/* Block sizes, descending. The kernels reach their full rate from 16 rows on one thread; the large rungs
 * spare wide layers a second walk over weights that do not stay in cache. */
static const size_t rungs[] = {256, 64, INK__ROWS};
enum { RUNGS = sizeof rungs / sizeof *rungs };

struct ink__product {
    dnnl_engine_t engine;
    size_t in, out, packed_size;
    desc_t packed;
    bool has_packed;
    struct exec block[RUNGS];
};

static ink_status product_block(ink__product *p, size_t i, dnnl_primitive_attr_t attr, ink_error *err)
{
    const dnnl_dim_t M = (dnnl_dim_t)rungs[i], K = (dnnl_dim_t)p->in, N = (dnnl_dim_t)p->out;
    desc_t src = {0}, weights = {0}, bias = {0}, dst = {0};
    dnnl_primitive_desc_t pd = NULL;
    ink_status st;
    INK_TRY_GOTO(check(desc_make(&src, 2, (dnnl_dims_t){M, K}, dnnl_ab), "product", err));
    INK_TRY_GOTO(check(desc_make(&bias, 2, (dnnl_dims_t){1, N}, dnnl_ab), "product", err));
    INK_TRY_GOTO(check(desc_make(&dst, 2, (dnnl_dims_t){M, N}, dnnl_ab), "product", err));
    if (!p->has_packed) { /* the first rung chooses the layout, the others follow it */
        INK_TRY_GOTO(check(desc_make(&weights, 2, (dnnl_dims_t){K, N}, dnnl_format_tag_any), "product", err));
        INK_TRY_GOTO(check(matmul_desc(&pd, p->engine, REF(src), REF(weights), REF(bias), REF(dst), attr),
                           "product", err));
        desc_ref chosen = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        p->packed_size = dnnl_memory_desc_get_size(chosen) / sizeof(float);
#if DNNL_VERSION_MAJOR >= 3
        INK_TRY_GOTO(check(dnnl_memory_desc_clone(&p->packed, chosen), "product", err));
#else
        p->packed = *chosen;
#endif
        p->has_packed = true;
    } else {
        INK_TRY_GOTO(check(matmul_desc(&pd, p->engine, REF(src), REF(p->packed), REF(bias), REF(dst), attr),
                           "product", err));
    }
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};
    const desc_ref descs[] = {REF(src), REF(p->packed), REF(bias), REF(dst)};
    st = exec_make(&p->block[i], p->engine, pd, args, descs, 4, err);
    pd = NULL;
done:
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    desc_drop(&src), desc_drop(&weights), desc_drop(&bias), desc_drop(&dst);
    return st;
}

static ink_status product_blocks(ink__product *p, size_t threads, ink_error *err)
{
    dnnl_primitive_attr_t attr = NULL;
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(user_scratchpad(&attr, err));
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
        exec_drop(&p->block[i]);
    if (p->has_packed)
        desc_drop(&p->packed);
    p->has_packed = false;
}

ink_status ink__product_create(ink__product **product, ink__onednn *engine, size_t in, size_t out,
                               size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(product, 1, sizeof **product, "product", err));
    ink__product *p = *product;
    p->engine = engine->engine, p->in = in, p->out = out;
    ink_status st = product_blocks(p, threads, err);
    if (st == INK_OK && threads > 1 && !splits_safely(p->block[0].kernel)) {
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
    desc_t plain = {0};
    dnnl_primitive_desc_t pd = NULL;
    struct exec reorder = {0};
    ink_status st;
    INK_TRY_GOTO(check(desc_make(&plain, 2, (dnnl_dims_t){(dnnl_dim_t)p->in, (dnnl_dim_t)p->out}, dnnl_ba),
                       "packing", err));
    INK_TRY_GOTO(
        check(dnnl_reorder_primitive_desc_create(&pd, REF(plain), p->engine, REF(p->packed), p->engine, NULL),
              "packing", err));
    const int args[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
    const desc_ref descs[] = {REF(plain), REF(p->packed)};
    INK_TRY_GOTO(exec_make(&reorder, p->engine, pd, args, descs, 2, err));
    const void *const handles[] = {W, packed};
    st = exec_run(&reorder, handles, 2, err);
done:
    exec_drop(&reorder);
    desc_drop(&plain);
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
    return exec_run(&product->block[i], handles, 4, err);
}

const char *ink__product_kernel(const ink__product *product, size_t i)
{
    return i < RUNGS ? product->block[i].kernel : NULL;
}

/* ---- row-wise operations --------------------------------------------------------------------------- */

struct ink__rowwise {
    size_t width;
    bool affine; /* takes gamma and beta */
    struct exec block[RUNGS];
};

static ink_status rowwise_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__rowwise_kind kind,
                               desc_ref data, float eps, dnnl_primitive_attr_t attr, ink_error *err)
{
    switch (kind) {
    case INK__ROWWISE_GELU_ERF:
        return check(eltwise_desc(pd, engine, dnnl_eltwise_gelu_erf, data, attr), "gelu", err);
    case INK__ROWWISE_GELU_TANH:
        return check(eltwise_desc(pd, engine, dnnl_eltwise_gelu_tanh, data, attr), "gelu", err);
    case INK__ROWWISE_RELU:
        return check(eltwise_desc(pd, engine, dnnl_eltwise_relu, data, attr), "relu", err);
    case INK__ROWWISE_TANH:
        return check(eltwise_desc(pd, engine, dnnl_eltwise_tanh, data, attr), "tanh", err);
    case INK__ROWWISE_LAYERNORM:
        return check(layernorm_desc(pd, engine, data, eps, attr), "layer norm", err);
    case INK__ROWWISE_SOFTMAX:
        return check(softmax_desc(pd, engine, data, attr), "softmax", err);
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
    desc_t vector = {0}, data[RUNGS] = {0};
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(user_scratchpad(&attr, err));
    INK_TRY_GOTO(check(desc_make(&vector, 1, (dnnl_dims_t){(dnnl_dim_t)width}, dnnl_a), "row", err));
    for (size_t i = 0; i < RUNGS; ++i) {
        const dnnl_dims_t dims = {(dnnl_dim_t)rungs[i], (dnnl_dim_t)width};
        INK_TRY_GOTO(check(desc_make(&data[i], 2, dims, dnnl_ab), "rows", err));
        dnnl_primitive_desc_t pd = NULL;
        INK_TRY_GOTO(rowwise_desc(&pd, engine->engine, kind, REF(data[i]), eps, attr, err));
        const int args[] = {DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_SCALE, DNNL_ARG_SHIFT};
        const desc_ref descs[] = {REF(data[i]), REF(data[i]), REF(vector), REF(vector)};
        INK_TRY_GOTO(exec_make(&r->block[i], engine->engine, pd, args, descs, r->affine ? 4 : 2, err));
    }
done:
    ink__omp_leave(before);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    for (size_t i = 0; i < RUNGS; ++i)
        desc_drop(&data[i]);
    desc_drop(&vector);
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
        exec_drop(&op->block[i]);
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
        INK_TRY(exec_run(&op->block[i], handles, op->affine ? 4 : 2, err));
        x += rungs[i] * op->width, y += rungs[i] * op->width, R -= rungs[i];
    }
    return INK_OK;
}

/* ---- plain products -------------------------------------------------------------------------------- */

struct ink__matmul {
    struct exec exec;
};

static ink_status matmul_make(struct exec *exec, ink__onednn *engine, size_t M, size_t N, size_t K,
                              bool transposed, size_t threads, ink_error *err)
{
    const dnnl_dim_t m = (dnnl_dim_t)M, n = (dnnl_dim_t)N, k = (dnnl_dim_t)K;
    desc_t a = {0}, b = {0}, c = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(user_scratchpad(&attr, err));
    INK_TRY_GOTO(check(desc_make(&a, 2, (dnnl_dims_t){m, k}, dnnl_ab), "product", err));
    INK_TRY_GOTO(
        check(desc_make(&b, 2, (dnnl_dims_t){k, n}, transposed ? dnnl_ba : dnnl_ab), "product", err));
    INK_TRY_GOTO(check(desc_make(&c, 2, (dnnl_dims_t){m, n}, dnnl_ab), "product", err));
    INK_TRY_GOTO(check(matmul_desc(&pd, engine->engine, REF(a), REF(b), NULL, REF(c), attr), "product", err));
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    const desc_ref descs[] = {REF(a), REF(b), REF(c)};
    st = exec_make(exec, engine->engine, pd, args, descs, 3, err);
    exec->alone = threads == 1;
done:
    ink__omp_leave(before);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    desc_drop(&a), desc_drop(&b), desc_drop(&c);
    return st;
}

ink_status ink__matmul_create(ink__matmul **op, ink__onednn *engine, size_t M, size_t N, size_t K,
                              bool transposed, size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(op, 1, sizeof **op, "product", err));
    struct exec *exec = &(*op)->exec;
    ink_status st = matmul_make(exec, engine, M, N, K, transposed, threads, err);
    if (st == INK_OK && threads > 1 && !splits_safely(exec->kernel)) {
        exec_drop(exec);
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
    exec_drop(&op->exec);
    free(op);
}

ink_status ink__matmul_run(float *C, ink__matmul *op, const float *A, const float *B, ink_error *err)
{
    const void *const handles[] = {A, B, C};
    return exec_run(&op->exec, handles, 3, err);
}
