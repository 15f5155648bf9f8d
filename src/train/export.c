/* Hugging Face directories written: see export.h. */
#include "train/export.h"
#include "core/memory.h"
#include "io/file.h"
#include "io/atomic_folder.h"
#include "model/companions.h"
#include "tensor/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ink_status ink__save_dtype_find(ink__dtype *dtype, const char *name, ink_error *err)
{
    static const struct {
        const char *name;
        ink__dtype dtype;
    } known[] = {{"f32", INK__F32}, {"f16", INK__F16}, {"bf16", INK__BF16}};
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (strcmp(known[i].name, name) == 0) {
            *dtype = known[i].dtype;
            return INK_OK;
        }
    return ink_fail(err, INK_E_ARG, "weights cannot be saved as \"%s\"; there are f32, f16, bf16", name);
}

static ink_status check_finite(const ink__tensor *tensor, ink__dtype dtype, ink_error *err)
{
    /* From halfway to the next power of two on, rounding gives infinity. */
    const float most = dtype == INK__F16 ? 65520.0f : dtype == INK__BF16 ? 0x1.ffp127f : INFINITY;
    const unsigned char *bytes = tensor->data;
    for (size_t i = 0; i < tensor->bytes / sizeof(float); ++i) {
        float x;
        memcpy(&x, bytes + i * sizeof x, sizeof x);
        if (!isfinite(x))
            return ink_fail(err, INK_E_NUMERIC, "weight %zu of %s is not finite", i, tensor->name);
        if (fabsf(x) >= most)
            return ink_fail(err, INK_E_NUMERIC, "weight %zu of %s is %g, too large for %s", i, tensor->name,
                            (double)x, ink__dtype_name(dtype));
    }
    return INK_OK;
}

/* tensors [n] = those to write; *converted holds the data of the converted ones. */
static ink_status convert(ink__tensor *tensors, unsigned char **converted, const ink__export *what,
                          ink_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < what->n; ++i) {
        tensors[i] = what->tensors[i];
        if (tensors[i].dtype != INK__F32)
            continue;
        INK_TRY(check_finite(&tensors[i], what->dtype, err));
        if (what->dtype != INK__F32)
            bytes += tensors[i].bytes / 2;
    }
    INK_TRY(ink__calloc(converted, bytes, 1, "weights", err));
    unsigned char *next = *converted;
    for (size_t i = 0; i < what->n && what->dtype != INK__F32; ++i) {
        if (tensors[i].dtype != INK__F32)
            continue;
        ink__from_f32(next, tensors[i].data, what->dtype, tensors[i].bytes / sizeof(float));
        tensors[i].data = next, tensors[i].dtype = what->dtype, tensors[i].bytes /= 2;
        next += tensors[i].bytes;
    }
    return INK_OK;
}

ink_status ink__export_file(const char *dir, const char *name, const char *bytes, size_t len, ink_error *err)
{
    char *path = NULL;
    ink__atomic *file = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__path_join(&path, dir, name, err));
    INK_TRY_GOTO(ink__atomic_open(&file, path, err));
    INK_TRY_GOTO(ink__atomic_write(file, bytes, len, err));
    st = ink__atomic_commit(file, err);
done:
    ink__atomic_free(file);
    free(path);
    return st;
}

ink_status ink__export_config(const char *dir, const ink__text *text, ink_error *err)
{
    return ink__export_file(dir, "config.json", text->data, text->len, err);
}

ink_status ink__export_write(const ink__export *what, ink_error *err)
{
    ink_status st;
    ink__tensor *tensors = NULL;
    unsigned char *converted = NULL;
    ink__atomic_folder *folder = NULL;
    char *path = NULL;
    INK_TRY_GOTO(ink__calloc(&tensors, what->n, sizeof *tensors, "tensors", err));
    INK_TRY_GOTO(convert(tensors, &converted, what, err));
    INK_TRY_GOTO(ink__atomic_folder_open(&folder, what->dir, err));
    INK_TRY_GOTO(ink__companions_copy(ink__atomic_folder_path(folder), what->tokenizer_dir,
                                      INK__TOKENIZER_FILES, err));
    INK_TRY_GOTO(ink__export_config(ink__atomic_folder_path(folder), what->config, err));
    INK_TRY_GOTO(ink__path_join(&path, ink__atomic_folder_path(folder), "model.safetensors", err));
    INK_TRY_GOTO(ink__tensors_write(path, tensors, what->n, err));
    st = ink__atomic_folder_commit(folder, err);
done:
    ink__atomic_folder_free(folder);
    free(converted);
    free(tensors);
    free(path);
    return st;
}

ink_status ink__export_store(const ink__export *what, const ink__store *store, ink_error *err)
{
    ink__export all = *what;
    all.n = 0;
    ink__tensor *tensors;
    INK_TRY(ink__calloc(&tensors, store->count, sizeof *tensors, "tensors", err));
    for (size_t i = 0; i < store->count; ++i) {
        const ink__parameter *p = &store->list[i];
        if (!ink__store_has(store, p))
            continue;
        tensors[all.n++] = (ink__tensor){.name = p->name,
                                         .dtype = INK__F32,
                                         .rank = p->rank,
                                         .shape = {p->shape[0], p->shape[1]},
                                         .data = store->values + p->at,
                                         .bytes = p->n * sizeof(float)};
    }
    all.tensors = tensors;
    const ink_status st = ink__export_write(&all, err);
    free(tensors);
    return st;
}
