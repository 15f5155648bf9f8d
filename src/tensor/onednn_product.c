/* Products with packed weights, in float and in integers: see onednn.h. */
#include "core/memory.h"
#include "core/threads.h"
#include "tensor/onednn_exec.h"

#include <stdlib.h>

const size_t ink__rungs[INK__RUNGS] = {256, 128, 64, INK__ROWS};

struct ink__product {
    dnnl_engine_t engine;
    size_t in, out, packed_bytes;
    bool integers;
    ink__desc packed;
    bool has_packed;
    struct ink__exec block[INK__RUNGS];
};

/* Arguments of one block's primitive: source, weights and destination, and a bias in float alone. */
struct block_descs {
    ink__desc src, weights, dst, bias;
};

static dnnl_status_t describe(struct block_descs *d, const ink__product *p, dnnl_dim_t M)
{
    const dnnl_dim_t K = (dnnl_dim_t)p->in, N = (dnnl_dim_t)p->out;
    const bool i = p->integers;
    dnnl_status_t st = ink__desc_make(&d->src, 2, (dnnl_dims_t){M, K}, i ? dnnl_u8 : dnnl_f32, dnnl_ab);
    if (st == dnnl_success)
        st = ink__desc_make(&d->weights, 2, (dnnl_dims_t){K, N}, i ? dnnl_s8 : dnnl_f32, dnnl_format_tag_any);
    if (st == dnnl_success)
        st = ink__desc_make(&d->dst, 2, (dnnl_dims_t){M, N}, i ? dnnl_s32 : dnnl_f32, dnnl_ab);
    if (st == dnnl_success && !i)
        st = ink__desc_make(&d->bias, 2, (dnnl_dims_t){1, N}, dnnl_f32, dnnl_ab);
    return st;
}

/* The first rung's primitive chooses the weights' layout, the others follow it. */
static dnnl_status_t block_desc(dnnl_primitive_desc_t *pd, ink__product *p, const struct block_descs *d,
                                dnnl_primitive_attr_t attr)
{
    const dnnl_status_t st = ink__matmul_desc(pd, p->engine, INK__REF(d->src),
                                              p->has_packed ? INK__REF(p->packed) : INK__REF(d->weights),
                                              p->integers ? NULL : INK__REF(d->bias), INK__REF(d->dst), attr);
    if (st != dnnl_success || p->has_packed)
        return st;
    ink__desc_ref chosen = dnnl_primitive_desc_query_md(*pd, dnnl_query_weights_md, 0);
    p->packed_bytes = dnnl_memory_desc_get_size(chosen);
    p->has_packed = true;
    return ink__desc_copy(&p->packed, chosen);
}

static ink_status product_block(ink__product *p, size_t i, dnnl_primitive_attr_t attr, ink_error *err)
{
    struct block_descs d = {0};
    dnnl_primitive_desc_t pd = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__dnnl_check(describe(&d, p, (dnnl_dim_t)ink__rungs[i]), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(block_desc(&pd, p, &d, attr), "product", err));
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS};
    const ink__desc_ref descs[] = {INK__REF(d.src), INK__REF(p->packed), INK__REF(d.dst), INK__REF(d.bias)};
    st = ink__exec_make(&p->block[i], p->engine, pd, args, descs, p->integers ? 3 : 4, err);
    pd = NULL;
done:
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    ink__desc_drop(&d.src), ink__desc_drop(&d.weights), ink__desc_drop(&d.dst), ink__desc_drop(&d.bias);
    return st;
}

static ink_status product_blocks(ink__product *p, size_t threads, ink_error *err)
{
    dnnl_primitive_attr_t attr = NULL;
    const int before = ink__omp_enter(threads);
    ink_status st;
    INK_TRY_GOTO(ink__user_scratchpad(&attr, err));
    for (size_t i = 0; i < INK__RUNGS; ++i) {
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
    for (size_t i = 0; i < INK__RUNGS; ++i)
        ink__exec_drop(&p->block[i]);
    if (p->has_packed)
        ink__desc_drop(&p->packed);
    p->has_packed = false;
}

static ink_status product_create(ink__product **product, ink__onednn *engine, bool integers, size_t in,
                                 size_t out, size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(product, 1, sizeof **product, "product", err));
    ink__product *p = *product;
    p->engine = engine->engine, p->in = in, p->out = out, p->integers = integers;
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

ink_status ink__product_create(ink__product **product, ink__onednn *engine, size_t in, size_t out,
                               size_t threads, ink_error *err)
{
    return product_create(product, engine, false, in, out, threads, err);
}

ink_status ink__product_create_int8(ink__product **product, ink__onednn *engine, size_t in, size_t out,
                                    size_t threads, ink_error *err)
{
    return product_create(product, engine, true, in, out, threads, err);
}

void ink__product_free(ink__product *product)
{
    if (!product)
        return;
    product_drop(product);
    free(product);
}

size_t ink__product_packed_bytes(const ink__product *product)
{
    return product->packed_bytes;
}

ink_status ink__product_pack(void *packed, ink__product *p, const void *W, ink_error *err)
{
    /* W [out,in] row-major is the [in,out] matrix oneDNN multiplies by, stored by columns: tag ba. */
    const dnnl_dims_t dims = {(dnnl_dim_t)p->in, (dnnl_dim_t)p->out};
    ink__desc plain = {0};
    dnnl_primitive_desc_t pd = NULL;
    struct ink__exec reorder = {0};
    ink_status st;
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&plain, 2, dims, p->integers ? dnnl_s8 : dnnl_f32, dnnl_ba),
                                 "packing", err));
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
    while (ink__rungs[i] > ink__round_rows(R))
        ++i;
    return ink__rungs[i];
}

static struct ink__exec *block_of(ink__product *product, size_t block)
{
    size_t i = 0;
    while (ink__rungs[i] != block)
        ++i;
    return &product->block[i];
}

ink_status ink__product_run(float *y, ink__product *product, const float *x, const float *packed,
                            const float *b, size_t block, ink_error *err)
{
    const void *const handles[] = {x, packed, y, b};
    return ink__exec_run(block_of(product, block), handles, 4, err);
}

ink_status ink__product_run_int8(int32_t *y, ink__product *product, const uint8_t *x, const int8_t *packed,
                                 size_t block, ink_error *err)
{
    const void *const handles[] = {x, packed, y};
    return ink__exec_run(block_of(product, block), handles, 3, err);
}

const char *ink__product_kernel(const ink__product *product, size_t i)
{
    return i < INK__RUNGS ? product->block[i].kernel : NULL;
}

/* The largest sums there are: where pairs of products meet in 16 bits, 2 * 255 * 127 does not fit. */
ink_status ink__int8_is_exact(bool *exact, ink__onednn *engine, ink_error *err)
{
    enum { IN = 64, OUT = 16 };
    ink__product *product = NULL;
    int8_t W[OUT * IN], *packed = NULL;
    uint8_t *x = NULL;
    int32_t y[INK__ROWS * OUT];
    ink_status st;
    *exact = true;
    INK_TRY_GOTO(ink__product_create_int8(&product, engine, IN, OUT, 1, err));
    INK_TRY_GOTO(ink__aligned_alloc(&packed, product->packed_bytes, "probe", err));
    INK_TRY_GOTO(ink__aligned_alloc(&x, INK__ROWS * IN, "probe", err));
    for (size_t i = 0; i < sizeof W; ++i)
        W[i] = i / IN % 2 ? -127 : 127;
    for (size_t i = 0; i < INK__ROWS * IN; ++i)
        x[i] = 255;
    INK_TRY_GOTO(ink__product_pack(packed, product, W, err));
    INK_TRY_GOTO(ink__product_run_int8(y, product, x, packed, INK__ROWS, err));
    for (size_t i = 0; i < INK__ROWS * OUT; ++i)
        *exact = *exact && y[i] == (i % 2 ? -1 : 1) * 255 * 127 * IN;
done:
    ink__product_free(product);
    ink__aligned_free(packed);
    ink__aligned_free(x);
    return st;
}
