/* oneDNN, written for 2.6 (operation descriptor, then primitive descriptor) and 3.x (one call); what differs
 * stands in the first section. See onednn_exec.h. */
#include "core/memory.h"
#include "core/threads.h"
#include "tensor/onednn_exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the two generations --------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3
dnnl_status_t ink__desc_make(ink__desc *desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t type,
                             dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(desc, ndims, dims, type, tag);
}

dnnl_status_t ink__desc_copy(ink__desc *desc, ink__desc_ref from)
{
    return dnnl_memory_desc_clone(desc, from);
}

void ink__desc_drop(ink__desc *desc)
{
    if (*desc)
        dnnl_memory_desc_destroy(*desc);
}

dnnl_status_t ink__matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref src,
                               ink__desc_ref weights, ink__desc_ref bias, ink__desc_ref dst,
                               dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(pd, engine, src, weights, bias, dst, attr);
}

dnnl_status_t ink__eltwise_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t alg,
                                ink__desc_ref data, dnnl_primitive_attr_t attr)
{
    return dnnl_eltwise_forward_primitive_desc_create(pd, engine, dnnl_forward_inference, alg, data, data, 0,
                                                      0, attr);
}

dnnl_status_t ink__layernorm_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref data,
                                  float eps, dnnl_primitive_attr_t attr)
{
    return dnnl_layer_normalization_forward_primitive_desc_create(
        pd, engine, dnnl_forward_inference, data, data, NULL, eps, dnnl_use_scale | dnnl_use_shift, attr);
}

dnnl_status_t ink__softmax_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref data,
                                dnnl_primitive_attr_t attr)
{
    return dnnl_softmax_forward_primitive_desc_create(pd, engine, dnnl_forward_inference,
                                                      dnnl_softmax_accurate, data, data, 1, attr);
}
dnnl_status_t ink__post_op_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_f32);
}
#else
dnnl_status_t ink__desc_make(ink__desc *desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t type,
                             dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(desc, ndims, dims, type, tag);
}

dnnl_status_t ink__desc_copy(ink__desc *desc, ink__desc_ref from)
{
    *desc = *from;
    return dnnl_success;
}

void ink__desc_drop(ink__desc *desc)
{
    (void)desc;
}

dnnl_status_t ink__matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref src,
                               ink__desc_ref weights, ink__desc_ref bias, ink__desc_ref dst,
                               dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t op;
    const dnnl_status_t status = dnnl_matmul_desc_init(&op, src, weights, bias, dst);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}

dnnl_status_t ink__eltwise_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t alg,
                                ink__desc_ref data, dnnl_primitive_attr_t attr)
{
    dnnl_eltwise_desc_t op;
    const dnnl_status_t status = dnnl_eltwise_forward_desc_init(&op, dnnl_forward_inference, alg, data, 0, 0);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}

dnnl_status_t ink__layernorm_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref data,
                                  float eps, dnnl_primitive_attr_t attr)
{
    dnnl_layer_normalization_desc_t op;
    const dnnl_status_t status = dnnl_layer_normalization_forward_desc_init(
        &op, dnnl_forward_inference, data, NULL, eps, dnnl_use_scale | dnnl_use_shift);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}

dnnl_status_t ink__softmax_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref data,
                                dnnl_primitive_attr_t attr)
{
    dnnl_softmax_desc_t op;
    const dnnl_status_t status = dnnl_softmax_forward_desc_init(&op, dnnl_forward_inference, data, 1);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
}
dnnl_status_t ink__post_op_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f);
}
#endif

/* ---- engine ---------------------------------------------------------------------------------------- */

ink_status ink__dnnl_check(dnnl_status_t status, const char *what, ink_error *err)
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
    const ink_status st = ink__dnnl_check(dnnl_engine_create(&(*engine)->engine, dnnl_cpu, 0), "engine", err);
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

void ink__exec_drop(struct ink__exec *x)
{
    for (int i = 0; i < x->n_args; ++i)
        dnnl_memory_destroy(x->args[i].memory);
    if (x->primitive)
        dnnl_primitive_destroy(x->primitive);
    if (x->stream)
        dnnl_stream_destroy(x->stream);
    ink__aligned_free(x->scratchpad);
    *x = (struct ink__exec){0};
}

static ink_status exec_arg(struct ink__exec *x, dnnl_engine_t engine, int arg, ink__desc_ref desc,
                           ink_error *err)
{
    INK_TRY(ink__dnnl_check(dnnl_memory_create(&x->args[x->n_args].memory, desc, engine, DNNL_MEMORY_NONE),
                            "memory", err));
    x->args[x->n_args++].arg = arg;
    return INK_OK;
}

ink_status ink__exec_make(struct ink__exec *x, dnnl_engine_t engine, dnnl_primitive_desc_t pd,
                          const int *args, const ink__desc_ref *descs, int n, ink_error *err)
{
    ink_status st;
    *x = (struct ink__exec){0};
    const char *kernel = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &kernel);
    snprintf(x->kernel, sizeof x->kernel, "%s", kernel);
    INK_TRY_GOTO(ink__dnnl_check(dnnl_primitive_create(&x->primitive, pd), x->kernel, err));
    INK_TRY_GOTO(
        ink__dnnl_check(dnnl_stream_create(&x->stream, engine, dnnl_stream_default_flags), "stream", err));
    for (int i = 0; i < n; ++i)
        INK_TRY_GOTO(exec_arg(x, engine, args[i], descs[i], err));

    ink__desc_ref pad = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    const size_t bytes = pad ? dnnl_memory_desc_get_size(pad) : 0;
    x->scratchpad_bytes = bytes;
    if (bytes > 0) {
        INK_TRY_GOTO(ink__aligned_alloc(&x->scratchpad, bytes, "oneDNN scratchpad", err));
        INK_TRY_GOTO(exec_arg(x, engine, DNNL_ARG_SCRATCHPAD, pad, err));
        INK_TRY_GOTO(ink__dnnl_check(
            dnnl_memory_set_data_handle(x->args[x->n_args - 1].memory, x->scratchpad), "scratchpad", err));
    }
done:
    dnnl_primitive_desc_destroy(pd);
    if (st != INK_OK)
        ink__exec_drop(x);
    return st;
}

ink_status ink__exec_run(struct ink__exec *x, const void *const *handles, int n, ink_error *err)
{
    for (int i = 0; i < n; ++i)
        INK_TRY(ink__dnnl_check(dnnl_memory_set_data_handle(x->args[i].memory, (void *)(uintptr_t)handles[i]),
                                x->kernel, err));
    const int before = x->alone ? ink__omp_enter(1) : 0;
    dnnl_status_t status = dnnl_primitive_execute(x->primitive, x->stream, x->n_args, x->args);
    if (status == dnnl_success)
        status = dnnl_stream_wait(x->stream);
    if (x->alone)
        ink__omp_leave(before);
    return ink__dnnl_check(status, x->kernel, err);
}

bool ink__splits_safely(const char *kernel)
{
    return strncmp(kernel, "brg", 3) == 0;
}

ink_status ink__user_scratchpad(dnnl_primitive_attr_t *attr, ink_error *err)
{
    INK_TRY(ink__dnnl_check(dnnl_primitive_attr_create(attr), "attributes", err));
    return ink__dnnl_check(dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user),
                           "attributes", err);
}
