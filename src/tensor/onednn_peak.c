/* Bare packed products: see onednn_peak.h. */
#include "tensor/onednn_peak.h"
#include "core/memory.h"
#include "core/threads.h"
#include "tensor/onednn_exec.h"

#include <stdlib.h>

struct ink__peak {
    struct ink__exec exec;
    size_t threads;
    void *x, *W, *y;
};

/* Room for what desc describes, full of numbers of no meaning: floats in [-1,1), or bytes. */
static ink_status fill(void *out, ink__desc_ref desc, bool floats, ink_error *err)
{
    const size_t bytes = dnnl_memory_desc_get_size(desc);
    unsigned char *p;
    INK_TRY(ink__aligned_alloc(&p, bytes, "product", err));
    *(void **)out = p;
    uint32_t state = 1;
    for (size_t i = 0; i < (floats ? bytes / sizeof(float) : bytes); ++i) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes' "quick and dirty" generator */
        if (floats)
            ((float *)(void *)p)[i] = (float)(int32_t)state / 2147483648.0f;
        else
            p[i] = (unsigned char)(state >> 24);
    }
    return INK_OK;
}

static ink_status make(ink__peak *p, dnnl_engine_t engine, dnnl_dim_t M, dnnl_dim_t K, dnnl_dim_t N,
                       bool int8, ink_error *err)
{
    ink__desc x = {0}, W = {0}, y = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    ink_status st;
    const dnnl_data_type_t of_x = int8 ? dnnl_u8 : dnnl_f32, of_W = int8 ? dnnl_s8 : dnnl_f32,
                           of_y = int8 ? dnnl_s32 : dnnl_f32;
    INK_TRY_GOTO(ink__user_scratchpad(&attr, err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&x, 2, (dnnl_dims_t){M, K}, of_x, dnnl_ab), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&W, 2, (dnnl_dims_t){K, N}, of_W, dnnl_format_tag_any),
                                 "product", err));
    INK_TRY_GOTO(ink__dnnl_check(ink__desc_make(&y, 2, (dnnl_dims_t){M, N}, of_y, dnnl_ab), "product", err));
    INK_TRY_GOTO(ink__dnnl_check(
        ink__matmul_desc(&pd, engine, INK__REF(x), INK__REF(W), NULL, INK__REF(y), attr), "product", err));
    ink__desc_ref packed = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    INK_TRY_GOTO(fill(&p->x, INK__REF(x), !int8, err));
    INK_TRY_GOTO(fill(&p->W, packed, !int8, err));
    INK_TRY_GOTO(fill(&p->y, INK__REF(y), true, err));
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    const ink__desc_ref descs[] = {INK__REF(x), packed, INK__REF(y)};
    st = ink__exec_make(&p->exec, engine, pd, args, descs, 3, err);
    pd = NULL;
done:
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    ink__desc_drop(&x), ink__desc_drop(&W), ink__desc_drop(&y);
    return st;
}

ink_status ink__peak_create(ink__peak **peak, ink__onednn *engine, size_t M, size_t in, size_t out, bool int8,
                            size_t threads, ink_error *err)
{
    INK_TRY(ink__calloc(peak, 1, sizeof **peak, "product", err));
    (*peak)->threads = threads;
    const int before = ink__omp_enter(threads);
    const ink_status st =
        make(*peak, engine->engine, (dnnl_dim_t)M, (dnnl_dim_t)in, (dnnl_dim_t)out, int8, err);
    ink__omp_leave(before);
    if (st != INK_OK) {
        ink__peak_free(*peak);
        *peak = NULL;
    }
    return st;
}

void ink__peak_free(ink__peak *peak)
{
    if (!peak)
        return;
    ink__exec_drop(&peak->exec);
    ink__aligned_free(peak->x);
    ink__aligned_free(peak->W);
    ink__aligned_free(peak->y);
    free(peak);
}

ink_status ink__peak_run(ink__peak *peak, ink_error *err)
{
    const void *const handles[] = {peak->x, peak->W, peak->y};
    const int before = ink__omp_enter(peak->threads);
    const ink_status st = ink__exec_run(&peak->exec, handles, 3, err);
    ink__omp_leave(before);
    return st;
}

const char *ink__peak_kernel(const ink__peak *peak)
{
    return peak->exec.kernel;
}
