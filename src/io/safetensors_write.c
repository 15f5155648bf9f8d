/* Writes safetensors files whose bytes are the reference writer's (huggingface/safetensors,
 * safetensors/src/tensor.rs, prepare): tensors by falling alignment of their dtype, then by name as bytes; a
 * compact header, __metadata__ first; spaces up to a multiple of 8. */
#include "io/file.h"
#include "io/jsontext.h"
#include "io/safetensors.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

static int by_dtype_and_name(const void *a, const void *b)
{
    const ink__tensor *x = *(const ink__tensor *const *)a, *y = *(const ink__tensor *const *)b;
    if (x->dtype != y->dtype)
        return x->dtype < y->dtype ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const ink__tensor *const *)a)->name, (*(const ink__tensor *const *)b)->name);
}

static ink_status check_tensor(const ink__tensor *tensor, const char *path, ink_error *err)
{
    const char *name = tensor->name;
    if (strcmp(name, "__metadata__") == 0)
        return ink_fail(err, INK_E_ARG, "%s: a tensor cannot be named \"__metadata__\"", path);
    if (ink__utf8_valid_prefix(name, strlen(name)) != strlen(name))
        return ink_fail(err, INK_E_ARG, "%s: the name of tensor \"%.160s\" is not UTF-8", path, name);
    if ((unsigned)tensor->dtype >= INK__DTYPES || tensor->rank > INK__MAX_RANK)
        return ink_fail(err, INK_E_ARG, "%s: tensor \"%.160s\" has dtype %d and rank %zu", path, name,
                        (int)tensor->dtype, tensor->rank);
    size_t bytes = ink__dtype_size(tensor->dtype);
    for (size_t i = 0; i < tensor->rank; ++i)
        if (!ink__mul(&bytes, bytes, tensor->shape[i]))
            return ink_fail(err, INK_E_ARG, "%s: the shape of tensor \"%.160s\" overflows", path, name);
    if (bytes != tensor->bytes)
        return ink_fail(err, INK_E_ARG, "%s: tensor \"%.160s\" has %zu bytes, its shape takes %zu", path,
                        name, tensor->bytes, bytes);
    return INK_OK;
}

/* `,"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}`; *offset moves past the tensor. */
static ink_status append_tensor(ink__text *header, size_t *offset, const ink__tensor *tensor,
                                const char *path, ink_error *err)
{
    const size_t begin = *offset;
    if (__builtin_add_overflow(begin, tensor->bytes, offset))
        return ink_fail(err, INK_E_ARG, "%s: the tensors' sizes overflow", path);
    INK_TRY(ink__text_cstr(header, ",", err));
    INK_TRY(ink__text_string(header, tensor->name, strlen(tensor->name), err));
    INK_TRY(ink__text_cstr(header, ":{\"dtype\":\"", err));
    INK_TRY(ink__text_cstr(header, ink__dtype_name(tensor->dtype), err));
    INK_TRY(ink__text_cstr(header, "\",\"shape\":[", err));
    for (size_t i = 0; i < tensor->rank; ++i) {
        if (i > 0)
            INK_TRY(ink__text_cstr(header, ",", err));
        INK_TRY(ink__text_uint(header, tensor->shape[i], err));
    }
    INK_TRY(ink__text_cstr(header, "],\"data_offsets\":[", err));
    INK_TRY(ink__text_uint(header, begin, err));
    INK_TRY(ink__text_cstr(header, ",", err));
    INK_TRY(ink__text_uint(header, *offset, err));
    return ink__text_cstr(header, "]}", err);
}

static ink_status make_header(ink__text *header, const ink__tensor *const *order, size_t n, const char *path,
                              ink_error *err)
{
    size_t offset = 0;
    INK_TRY(ink__text_cstr(header, "{\"__metadata__\":{\"format\":\"pt\"}", err));
    for (size_t i = 0; i < n; ++i)
        INK_TRY(append_tensor(header, &offset, order[i], path, err));
    INK_TRY(ink__text_cstr(header, "}", err));
    while (header->len % 8 != 0)
        INK_TRY(ink__text_cstr(header, " ", err));
    if (header->len > 100000000)
        return ink_fail(err, INK_E_ARG, "%s: a header of %zu bytes, at most 100000000 are allowed", path,
                        header->len);
    return INK_OK;
}

ink_status ink__tensors_write(const char *path, const ink__tensor *tensors, size_t n, ink_error *err)
{
    ink_status st;
    const ink__tensor **order = NULL;
    ink__atomic *file = NULL;
    ink__text header = {0};
    unsigned char length[8];
    INK_TRY_GOTO(ink__calloc(&order, n, sizeof *order, "tensors", err));
    for (size_t i = 0; i < n; ++i) {
        order[i] = &tensors[i];
        INK_TRY_GOTO(check_tensor(&tensors[i], path, err));
    }
    qsort(order, n, sizeof *order, by_name);
    for (size_t i = 1; i < n; ++i)
        if (by_name(&order[i - 1], &order[i]) == 0) {
            st = ink_fail(err, INK_E_ARG, "%s: two tensors are named \"%.160s\"", path, order[i]->name);
            goto done;
        }
    qsort(order, n, sizeof *order, by_dtype_and_name);
    INK_TRY_GOTO(make_header(&header, order, n, path, err));
    for (size_t i = 0; i < 8; ++i)
        length[i] = (unsigned char)((uint64_t)header.len >> 8 * i);

    INK_TRY_GOTO(ink__atomic_open(&file, path, err));
    INK_TRY_GOTO(ink__atomic_write(file, length, sizeof length, err));
    INK_TRY_GOTO(ink__atomic_write(file, header.data, header.len, err));
    for (size_t i = 0; i < n; ++i)
        INK_TRY_GOTO(ink__atomic_write(file, order[i]->data, order[i]->bytes, err));
    st = ink__atomic_commit(file, err);
done:
    ink__atomic_free(file);
    ink__text_free(&header);
    free(order);
    return st;
}
