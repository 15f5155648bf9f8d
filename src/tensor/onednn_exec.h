/* The inside of src/tensor's oneDNN files: descriptors, and one primitive with the memory it runs on. Where
 * 2.6 and 3.x differ, the difference stands in onednn_exec.c. */
#ifndef INK_TENSOR_ONEDNN_EXEC_H
#define INK_TENSOR_ONEDNN_EXEC_H

#include "tensor/onednn.h"

#include <dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t ink__desc; /* a handle */
typedef const_dnnl_memory_desc_t ink__desc_ref;
#define INK__REF(desc) (desc)
#else
typedef dnnl_memory_desc_t ink__desc; /* a struct */
typedef const dnnl_memory_desc_t *ink__desc_ref;
#define INK__REF(desc) (&(desc))
#endif

struct ink__onednn {
    dnnl_engine_t engine;
};

/* Block sizes, descending. The kernels reach nearly their full rate from 16 rows on one thread; the large
 * rungs spare wide layers a second walk over weights that do not stay in cache. */
enum { INK__RUNGS = 4 };
extern const size_t ink__rungs[INK__RUNGS];

/* ink_fail with what oneDNN's code means. */
ink_status ink__dnnl_check(dnnl_status_t status, const char *what, ink_error *err);

dnnl_status_t ink__desc_make(ink__desc *desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t type,
                             dnnl_format_tag_t tag);
dnnl_status_t ink__desc_copy(ink__desc *desc, ink__desc_ref from);
void ink__desc_drop(ink__desc *desc);

dnnl_status_t ink__matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref src,
                               ink__desc_ref weights, ink__desc_ref bias, ink__desc_ref dst,
                               dnnl_primitive_attr_t attr);
dnnl_status_t ink__eltwise_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t alg,
                                ink__desc_ref data, dnnl_primitive_attr_t attr);
dnnl_status_t ink__layernorm_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref data,
                                  float eps, dnnl_primitive_attr_t attr);
dnnl_status_t ink__softmax_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, ink__desc_ref data,
                                dnnl_primitive_attr_t attr);
dnnl_status_t ink__post_op_sum(dnnl_post_ops_t ops); /* adds to what the output holds */

enum { INK__EXEC_ARGS = 6 };

struct ink__exec {
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    dnnl_exec_arg_t args[INK__EXEC_ARGS]; /* the scratchpad last */
    int n_args;
    void *scratchpad; /* [scratchpad_bytes], owned; NULL: the caller passes one to each run, a last handle */
    size_t scratchpad_bytes;
    char kernel[64];
    bool alone; /* runs on one thread whatever the caller has */
};

/* Takes pd over. On failure x is empty. */
ink_status ink__exec_make(struct ink__exec *x, dnnl_engine_t engine, dnnl_primitive_desc_t pd,
                          const int *args, const ink__desc_ref *descs, int n, ink_error *err);
void ink__exec_drop(struct ink__exec *x);

/* handles [n] in the order of ink__exec_make's args. */
ink_status ink__exec_run(struct ink__exec *x, const void *const *handles, int n, ink_error *err);

/* Kernels for AVX-512 split rows over threads so that no bit depends on how many there are. Those of older
 * processors (gemm:jit) do not: they run on one. */
bool ink__splits_safely(const char *kernel);

/* An attribute set under which primitives take their scratchpad from us: they allocate nothing per run, and
 * several may run at once. */
ink_status ink__user_scratchpad(dnnl_primitive_attr_t *attr, ink_error *err);

#endif
