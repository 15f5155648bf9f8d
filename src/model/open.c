/* Opening a Hugging Face directory, and what can be asked of it: see inkling/model.h. */
#include "core/threads.h"
#include "io/file.h"
#include "model/companions.h"
#include "model/model.h"
#include "tensor/convert.h"
#include "tensor/fused.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Vocabularies may be shorter than the embedding table only by its rounding up to a multiple of 8 for speed;
 * any other gap means lines are missing, and ids after the first missing one would be wrong. */
static ink_status check_vocabulary(const ink_model *model, ink_error *err)
{
    enum { PADDING = 128 };
    const size_t tokens = ink_tokenizer_vocab_size(model->tokenizer), V = model->config.V;
    const bool padded = tokens < V && V % 8 == 0 && V - tokens < PADDING;
    if (tokens == V || padded)
        return INK_OK;
    return ink_fail(err, INK_E_FORMAT,
                    "%s: the tokenizer has %zu tokens but config.json says vocab_size %zu: %s", model->dir,
                    tokens, V, tokens > V ? "its ids do not fit the model" : "tokens are missing");
}

/* 8 bits where they are asked for or stored, if this processor multiplies them exactly. */
static ink_status choose_precision(ink_model *model, ink_precision wanted, ink_error *err)
{
    const bool asked = wanted != INK_PRECISION_AUTO;
    model->precision = asked ? wanted : model->config.int8 ? INK_PRECISION_INT8 : INK_PRECISION_F32;
    model->precision_why = asked ? "as asked" : "as the weights are stored";
    if (model->precision == INK_PRECISION_F32 || model->backend->plain)
        return INK_OK;
    if (!model->backend->int8) {
        if (asked)
            return ink_fail(err, INK_E_UNSUPPORTED, "the %s backend computes in floats only",
                            model->backend->name);
        model->precision = INK_PRECISION_F32, model->precision_why = "the backend computes in floats only";
        return INK_OK;
    }
    bool exact;
    ink__onednn *engine;
    INK_TRY(ink__onednn_create(&engine, err));
    const ink_status st = ink__int8_is_exact(&exact, engine, err);
    ink__onednn_free(engine);
    if (st == INK_OK && !exact)
        model->precision = INK_PRECISION_F32,
        model->precision_why = "8-bit products overflow on this processor, which has no VNNI";
    if (st == INK_OK && exact)
        model->backend = model->backend->int8;
    return st;
}

static ink_status open_all(ink_model *model, const char *dir, const ink_model_options *options,
                           ink_error *err)
{
    struct stat info;
    INK_TRY(ink__strndup(&model->dir, dir, strlen(dir), err));
    if (stat(dir, &info) == 0 && !S_ISDIR(info.st_mode))
        return ink_fail(err, INK_E_IO, "%s: is a file, wanted a model directory", dir);
    INK_TRY(ink__backend_choose(&model->backend, options->backend, err));
    model->profile = options->profile, model->profile_user = options->profile_user;
    if (options->precision < INK_PRECISION_AUTO || options->precision > INK_PRECISION_INT8)
        return ink_fail(err, INK_E_ARG, "no precision %d", (int)options->precision);
    char *path;
    INK_TRY(ink__path_join(&path, dir, "config.json", err));
    const ink_status st = ink__json_open(&model->json, path, err);
    free(path);
    INK_TRY(st);
    INK_TRY(ink__config_read(&model->config, &model->json, err));
    INK_TRY(ink__tensors_open_dir(&model->tensors, dir, err));
    INK_TRY(ink__params_bind(&model->params, &model->config, model->tensors, dir, err));
    INK_TRY(ink__pooling_read(model, err));
    INK_TRY(ink_tokenizer_open(&model->tokenizer, dir, err));
    INK_TRY(check_vocabulary(model, err));
    INK_TRY(choose_precision(model, options->precision, err));
    INK_TRY(ink__calibration_open(&model->calibration, dir, &model->config, &model->params, err));
    const int before = ink__omp_enter(ink_threads_default(NULL));
    const ink__packing packing = {model->backend->plain, model->precision == INK_PRECISION_INT8};
    const ink_status packed =
        ink__weights_create(&model->weights, &model->config, &model->params, packing, err);
    ink__omp_leave(before);
    return packed;
}

ink_status ink_model_open(ink_model **model, const char *dir, const ink_model_options *options,
                          ink_error *err)
{
    static const ink_model_options defaults = INK_MODEL_OPTIONS_INIT;
    if (!model || !dir)
        return ink_fail(err, INK_E_ARG, "ink_model_open: model and dir may not be NULL");
    *model = NULL;
    if (!options)
        options = &defaults;
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_model_options has version %u, wanted 1", options->version);
    ink_model *opened;
    INK_TRY(ink__calloc(&opened, 1, sizeof *opened, "model", err));
    const ink_status st = open_all(opened, dir, options, err);
    if (st != INK_OK)
        ink_model_free(opened);
    else
        *model = opened;
    return st;
}

void ink_model_free(ink_model *model)
{
    if (!model)
        return;
    ink__weights_free(&model->weights);
    ink_tokenizer_free(model->tokenizer);
    ink__calibration_free(model->calibration);
    ink__params_free(&model->params);
    ink__tensors_free(model->tensors);
    ink__config_free(&model->config);
    ink__json_close(&model->json);
    free(model->dir);
    free(model);
}

static const char *dtype_of(const ink_model *model)
{
    if (model->config.int8)
        return ink__dtype_name(INK__I8);
    ink__dtype first = INK__DTYPES;
    for (size_t i = 0; i < ink__tensors_count(model->tensors); ++i) {
        const ink__dtype dtype = ink__tensors_at(model->tensors, i)->dtype;
        if (!ink__is_float(dtype)) /* a buffer */
            continue;
        if (first != INK__DTYPES && dtype != first)
            return "mixed";
        first = dtype;
    }
    return ink__dtype_name(first);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void ink_model_get_info(ink_model_info *info, const ink_model *model)
{
    const ink__config *c = &model->config;
    const size_t positions = ink__config_longest(c);
    const size_t longest = smaller(ink_tokenizer_model_max_length(model->tokenizer), positions);
    *info = (ink_model_info){
        .architecture = c->arch->model_type,
        .backend = model->backend->name,
        .isa = ink__fused_best()->isa,
        .dtype = dtype_of(model),
        .precision = model->precision == INK_PRECISION_INT8 ? "int8" : "f32",
        .precision_why = model->precision_why,
        .hidden = c->H,
        .layers = c->n_steps,
        .heads = c->N,
        .feed_forward = c->F,
        .vocab = c->V,
        .positions = positions,
        .token_types = c->T,
        .parameters = model->params.count,
        .labels = ink_model_labels(model),
        .activation = c->output,
        .pooling = model->pooling,
        .normalize = model->normalize,
        .max_length = longest,
        .embed_max_length = model->embed_max_length ? smaller(model->embed_max_length, positions) : longest,
    };
}

size_t ink_model_labels(const ink_model *model)
{
    return model->params.has_head ? model->config.C : 0;
}

const char *ink_model_label(const ink_model *model, size_t c)
{
    return c < ink_model_labels(model) ? model->config.labels[c] : NULL;
}

const ink_calibration *ink_model_calibration(const ink_model *model)
{
    return model->calibration;
}

const ink_tokenizer *ink_model_tokenizer(const ink_model *model)
{
    return model->tokenizer;
}

ink_status ink__model_digest(ink__digest *digest, const ink_model *model, ink_error *err)
{
    ink__digest d = {0};
    for (size_t i = 0; i < ink__tensors_count(model->tensors); ++i) {
        const ink__tensor *tensor = ink__tensors_at(model->tensors, i);
        d = ink__digest_of(d, tensor->name, strlen(tensor->name));
        d = ink__digest_of(d, tensor->data, tensor->bytes);
    }
    *digest = d;
    return ink__companions_digest(digest, model->dir, INK__WITH_WEIGHTS, err);
}
