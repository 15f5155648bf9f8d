/* Writing a directory in 8 bits (nn/quantize.h), and measuring it before it is there: see inkling/quantize.h.
 */
#include "core/memory.h"
#include "io/atomic_folder.h"
#include "io/file.h"
#include "model/companions.h"
#include "model/model.h"
#include "nn/quantize.h"
#include "tensor/convert.h"
#include "train/export.h"

#include <inkling/quantize.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- tensors --------------------------------------------------------------------------------------- */

/* Matrices of products, and tables; not the layer that ends in labels: it is small, and scores hang on it. */
static bool is_matrix(ink__slot slot)
{
    return slot == INK__WORD || slot == INK__POSITION || slot == INK__TYPE || ink__slot_is_product(slot);
}

struct writer {
    const ink_model *model;
    ink_quantized *result;
    bool *seen;           /* [count of the model's tensors] */
    ink__tensor *tensors; /* [n] to be written; those in 8 bits own data, scales own name and data */
    size_t n;
    float *matrix; /* room for one in floats */
    size_t capacity;
};

static ink_status add_int8(struct writer *w, const ink__tensor *from, ink_error *err)
{
    const size_t out = from->shape[0], in = from->shape[1], n = out * in;
    const char *end = ".scale";
    INK_TRY(ink__grow(&w->matrix, &w->capacity, n, sizeof *w->matrix, from->name, err));
    ink__tensor_to_f32(w->matrix, from);
    for (size_t i = 0; i < n; ++i)
        if (!isfinite(w->matrix[i]))
            return ink_fail(err, INK_E_NUMERIC, "weight %zu of %s is not finite", i, from->name);
    ink__tensor *Q = &w->tensors[w->n++], *scale = &w->tensors[w->n++];
    int8_t *bytes;
    float *factors;
    char *name;
    *Q = (ink__tensor){.name = from->name, .dtype = INK__I8, .rank = 2, .shape = {out, in}, .bytes = n};
    *scale = (ink__tensor){.dtype = INK__F32, .rank = 1, .shape = {out}, .bytes = out * sizeof *factors};
    INK_TRY(ink__calloc(&bytes, n, 1, from->name, err));
    Q->data = bytes;
    INK_TRY(ink__calloc(&factors, out, sizeof *factors, from->name, err));
    scale->data = factors;
    INK_TRY(ink__calloc(&name, strlen(from->name) + strlen(end) + 1, 1, from->name, err));
    scale->name = strcat(strcpy(name, from->name), end);
    ink_quantize_weights(bytes, factors, w->matrix, out, in);
    w->result->bytes_after += Q->bytes + scale->bytes;
    ++w->result->matrices;
    return INK_OK;
}

static ink_status add(struct writer *w, const ink__tensor *from, ink__slot slot, ink_error *err)
{
    if (!from || w->seen[ink__tensors_index(w->model->tensors, from)])
        return INK_OK;
    w->seen[ink__tensors_index(w->model->tensors, from)] = true;
    if (is_matrix(slot))
        return add_int8(w, from, err);
    w->tensors[w->n++] = *from;
    w->result->bytes_after += from->bytes;
    return INK_OK;
}

static ink_status add_all(struct writer *w, ink_error *err)
{
    const ink_model *m = w->model;
    const size_t count = ink__tensors_count(m->tensors);
    INK_TRY(ink__calloc(&w->seen, count, sizeof *w->seen, "tensors", err));
    INK_TRY(ink__calloc(&w->tensors, 2 * count, sizeof *w->tensors, "tensors", err));
    for (size_t i = 0; i < count; ++i)
        w->result->bytes_before += ink__tensors_at(m->tensors, i)->bytes;
    for (ink__slot slot = 0; slot < INK__MODEL_SLOTS; ++slot)
        INK_TRY(add(w, m->params.model[slot], slot, err));
    for (size_t l = 0; l < m->config.L; ++l)
        for (ink__slot slot = INK__MODEL_SLOTS; slot < INK__SLOTS; ++slot)
            INK_TRY(add(w, m->params.layers[l][slot], slot, err));
    return INK_OK;
}

static void writer_free(struct writer *w)
{
    for (size_t i = 0; i < w->n; ++i) {
        if (w->tensors[i].dtype != INK__I8)
            continue;
        free((void *)w->tensors[i].data); /* and the scale that follows it */
        free((void *)w->tensors[++i].data);
        free((void *)w->tensors[i].name);
    }
    free(w->tensors);
    free(w->seen);
    free(w->matrix);
}

/* ---- the directory --------------------------------------------------------------------------------- */

static ink_status write_weights(ink_quantized *result, const ink_model *model, const char *dir,
                                ink_error *err)
{
    struct writer w = {.model = model, .result = result};
    char *path = NULL;
    ink_status st;
    INK_TRY_GOTO(add_all(&w, err));
    INK_TRY_GOTO(ink__path_join(&path, dir, "model.safetensors", err));
    st = ink__tensors_write(path, w.tensors, w.n, err);
done:
    writer_free(&w);
    free(path);
    return st;
}

static ink_status write_config(const ink_model *model, const char *dir, ink_error *err)
{
    ink__text base = {0}, text = {0};
    ink_status st;
    INK_TRY_GOTO(ink__config_text_load(&base, model->dir, err));
    INK_TRY_GOTO(ink__config_text_int8(&text, &base, model->json.path, err));
    st = ink__export_config(dir, &text, err);
done:
    ink__text_free(&base);
    ink__text_free(&text);
    return st;
}

static ink_status write_all(ink_quantized *result, const ink_model *model, const char *dir, ink_error *err)
{
    INK_TRY(ink__companions_copy(dir, model->dir, INK__ALL_FILES, err));
    INK_TRY(write_config(model, dir, err));
    return write_weights(result, model, dir, err);
}

/* ---- what it costs --------------------------------------------------------------------------------- */

/* Opens dir such that its 8 bits are computed with, whatever this processor is. */
static ink_status open_int8(ink_model **model, bool *slow, const char *dir, ink_error *err)
{
    ink_model_options options = INK_MODEL_OPTIONS_INIT;
    INK_TRY(ink_model_open(model, dir, &options, err));
    *slow = (*model)->precision != INK_PRECISION_INT8;
    if (!*slow)
        return INK_OK;
    ink_model_free(*model);
    options.backend = INK_BACKEND_REF;
    return ink_model_open(model, dir, &options, err);
}

static ink_status judge(ink_quantized *result, double max_drop, ink_error *err)
{
    const ink_metric *metric = &result->evaluation->metrics[0];
    const ink_difference *d = &result->evaluation->differences[0];
    result->drop = metric->less_is_better ? 100 * d->value / d->first : -100 * d->value;
    if (d->value == 0)
        result->drop = 0; /* also where the error was 0 */
    if (isnan(result->drop))
        return ink_fail(err, INK_E_NUMERIC, "the %s of these records is undefined: nothing can be judged",
                        metric->title);
    if (result->drop > max_drop + 1e-6) /* a drop of the very size allowed may come out a little larger */
        return ink_fail(err, INK_E_NUMERIC,
                        "the %s is %.4f before and %.4f after, worse by %.2f points; at most %g are allowed",
                        metric->title, d->first, d->second, result->drop, max_drop);
    return INK_OK;
}

static ink_status measure(ink_quantized *result, const ink_model *model, const char *dir,
                          const ink_quantize_options *options, ink_error *err)
{
    ink_model *quantized = NULL;
    ink_evaluate_options check = *options->check;
    INK_TRY(open_int8(&quantized, &result->slow, dir, err));
    check.compare = quantized;
    const ink_status st = ink_evaluate(&result->evaluation, model, &check, err);
    ink_model_free(quantized);
    INK_TRY(st);
    return judge(result, options->max_drop, err);
}

static ink_status check_arguments(const ink_model *model, const char *dir,
                                  const ink_quantize_options *options, ink_error *err)
{
    struct stat info;
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_quantize_options has version %u, wanted 1", options->version);
    if (!(options->max_drop >= 0))
        return ink_fail(err, INK_E_ARG, "a largest drop of %g points, wanted 0 or more", options->max_drop);
    if (model->config.int8)
        return ink_fail(err, INK_E_ARG, "%s: is in 8 bits already, wanted a model of floats", model->dir);
    if (options->check && model->precision != INK_PRECISION_F32)
        return ink_fail(err, INK_E_ARG, "%s: is open in 8 bits, which shows no difference", model->dir);
    if (lstat(dir, &info) == 0)
        return ink_fail(err, INK_E_IO, "%s: is there already", dir);
    return INK_OK;
}

ink_status ink_quantize(ink_quantized *result, const ink_model *model, const char *dir,
                        const ink_quantize_options *options, ink_error *err)
{
    static const ink_quantize_options defaults = INK_QUANTIZE_OPTIONS_INIT;
    if (!result || !model || !dir)
        return ink_fail(err, INK_E_ARG, "ink_quantize: result, model and dir may not be NULL");
    *result = (ink_quantized){0};
    if (!options)
        options = &defaults;
    INK_TRY(check_arguments(model, dir, options, err));
    ink__atomic_folder *folder = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__atomic_folder_open(&folder, dir, err));
    INK_TRY_GOTO(write_all(result, model, ink__atomic_folder_path(folder), err));
    if (options->check)
        INK_TRY_GOTO(measure(result, model, ink__atomic_folder_path(folder), options, err));
    st = ink__atomic_folder_commit(folder, err);
done:
    ink__atomic_folder_free(folder);
    return st;
}
