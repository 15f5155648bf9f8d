/* config.json: see config.h. Keys and defaults are those of Hugging Face's configuration classes. */
#include "model/config.h"
#include "core/memory.h"
#include "model/arch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t ink__config_longest(const ink__config *config)
{
    return config->arch->positions_skip_padding ? config->P - config->pad - 1 : config->P;
}

static ink_status read_sizes(ink__config *config, const ink__json *json, ink_error *err)
{
    for (const ink__config_key *key = config->arch->sizes; key->key; ++key) {
        size_t *value = (size_t *)((char *)config + key->offset);
        *value = key->absent;
        INK_TRY(ink__json_size(value, json, json->root, key->key, err));
        if (*value < key->least || *value > INT32_MAX)
            return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is %zu, wanted %zu to %d", json->path, key->key,
                            *value, key->least, INT32_MAX);
    }
    if (config->E == 0)
        config->E = config->H;
    config->projected = config->E != config->H;
    if (config->H % config->N != 0)
        return ink_fail(err, INK_E_FORMAT, "%s: hidden size %zu is not a multiple of %zu attention heads",
                        json->path, config->H, config->N);
    if (config->arch->positions_skip_padding && config->pad + 2 > config->P)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu positions, of which the padding token %zu leaves none",
                        json->path, config->P, config->pad);
    return INK_OK;
}

static ink_status read_eps(ink__config *config, const ink__json *json, ink_error *err)
{
    double eps = config->arch->eps_absent;
    const char *key = config->arch->eps_key;
    if (key)
        INK_TRY(ink__json_double(&eps, json, json->root, key, err));
    if (!(eps >= 0 && eps < 1))
        return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is %g, wanted 0 to 1", json->path, key, eps);
    config->norm_eps = (float)eps;
    return INK_OK;
}

ink_status ink__config_activation(ink__activation *activation, const ink__json *json, const char *key,
                                  const char *absent, ink_error *err)
{
    static const struct {
        const char *name;
        ink__activation kind;
    } known[] = {
        {"gelu", INK__GELU},           {"gelu_new", INK__GELU_TANH}, {"gelu_pytorch_tanh", INK__GELU_TANH},
        {"gelu_fast", INK__GELU_TANH}, {"relu", INK__RELU},          {"tanh", INK__TANH},
    };
    const char *name = absent;
    INK_TRY(ink__json_string(&name, json, json->root, key, err));
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (strcmp(name, known[i].name) == 0) {
            *activation = known[i].kind;
            return INK_OK;
        }
    return ink_fail(
        err, INK_E_UNSUPPORTED,
        "%s: \"%s\" is \"%s\"; Inkling does gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, tanh",
        json->path, key, name);
}

ink_status ink__config_steps(ink__config *config, size_t n, ink_error *err)
{
    free(config->steps);
    config->n_steps = 0;
    INK_TRY(ink__calloc(&config->steps, n, sizeof *config->steps, "layers", err));
    config->n_steps = n;
    for (size_t i = 0; i < n; ++i)
        config->steps[i] = (ink__step){.layer = i, .window = SIZE_MAX};
    return INK_OK;
}

static ink_status read_steps(ink__config *config, const ink__json *json, ink_error *err)
{
    enum { LAYERS_MAX = 4096 }; /* a lie must not cost memory before it is found out */
    if (config->L > LAYERS_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu layers, at most %d", json->path, config->L, LAYERS_MAX);
    config->groups = config->L, config->inner = 1;
    if (config->arch->plan)
        return config->arch->plan(config, json, err);
    return ink__config_steps(config, config->L, err);
}

static ink_status read_drops(ink__config *config, const ink__json *json, ink_error *err)
{
    for (const ink__drop_key *k = config->arch->drops; k->key; ++k) {
        double *p = &config->drops[k->drop];
        if (k->absent >= 0)
            *p = k->absent;
        INK_TRY(ink__json_double(p, json, json->root, k->key, err));
        if (!(*p >= 0 && *p < 1))
            return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is %g, wanted a probability below 1", json->path,
                            k->key, *p);
    }
    return INK_OK;
}

static ink_status read_labels(ink__config *config, const ink__json *json, ink_error *err)
{
    const json_t *id2label = json_object_get(json->root, "id2label");
    if (json_is_object(id2label)) {
        config->C = json_object_size(id2label);
    } else if (!id2label || json_is_null(id2label)) {
        config->C = 2; /* Hugging Face's default */
        INK_TRY(ink__json_size(&config->C, json, json->root, "num_labels", err));
    } else {
        return ink_fail(err, INK_E_FORMAT, "%s: \"id2label\" is not an object", json->path);
    }
    if (config->C == 0 || config->C > 1 << 20)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu labels, wanted 1 to %d", json->path, config->C, 1 << 20);
    INK_TRY(ink__calloc(&config->labels, config->C, sizeof *config->labels, "labels", err));
    for (size_t c = 0; c < config->C; ++c) {
        char key[32], fallback[40];
        snprintf(key, sizeof key, "%zu", c);
        snprintf(fallback, sizeof fallback, "LABEL_%zu", c);
        const char *name = fallback;
        if (json_is_object(id2label)) {
            name = NULL;
            INK_TRY(ink__json_string(&name, json, id2label, key, err));
            if (!name)
                return ink_fail(err, INK_E_FORMAT, "%s: \"id2label\" has %zu entries but none for \"%zu\"",
                                json->path, config->C, c);
        }
        INK_TRY(ink__strndup(&config->labels[c], name, strlen(name), err));
    }
    return INK_OK;
}

/* Softmax, sigmoid or none: by problem_type, else by the number of labels, as Hugging Face's pipeline. */
static ink_status read_output(ink__config *config, const ink__json *json, ink_error *err)
{
    static const struct {
        const char *name;
        ink_activation output;
    } known[] = {
        {"single_label_classification", INK_ACTIVATION_SOFTMAX},
        {"multi_label_classification", INK_ACTIVATION_SIGMOID},
        {"regression", INK_ACTIVATION_NONE},
    };
    config->output = config->C == 1 ? INK_ACTIVATION_SIGMOID : INK_ACTIVATION_SOFTMAX;
    const char *type = NULL;
    INK_TRY(ink__json_string(&type, json, json->root, "problem_type", err));
    if (!type)
        return INK_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (strcmp(type, known[i].name) == 0) {
            config->output = known[i].output;
            return INK_OK;
        }
    return ink_fail(err, INK_E_FORMAT,
                    "%s: \"problem_type\" is \"%s\", wanted single_label_classification, "
                    "multi_label_classification or regression",
                    json->path, type);
}

/* A token classifier's or multiple-choice head has a sequence classifier's tensor names but not its meaning.
 */
static void read_head_kind(ink__config *config, const ink__json *json)
{
    const json_t *names = json_object_get(json->root, "architectures"), *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        const char *text = json_is_string(name) ? json_string_value(name) : "";
        if (strstr(text, "ForTokenClassification") || strstr(text, "ForMultipleChoice"))
            config->token_head = true;
        if (strstr(text, "ForSequenceClassification"))
            config->sequence_head = true;
    }
}

/* What config.json says of weights that are not floats. */
static ink_status read_quantization(ink__config *config, const ink__json *json, ink_error *err)
{
    const json_t *how = json_object_get(json->root, "quantization_config");
    const char *method = NULL;
    if (!how || json_is_null(how))
        return INK_OK;
    INK_TRY(ink__json_string(&method, json, how, "method", err));
    if (!method)
        INK_TRY(ink__json_string(&method, json, how, "quant_method", err));
    config->int8 = method && strcmp(method, INK__INT8_METHOD) == 0;
    if (config->int8)
        return INK_OK;
    return ink_fail(
        err, INK_E_UNSUPPORTED,
        "%s: the weights were quantized with \"%s\"; Inkling reads floats and its own " INK__INT8_METHOD,
        json->path, method ? method : "");
}

static ink_status read_all(ink__config *config, const ink__json *json, ink_error *err)
{
    const char *type = NULL, *positions = "absolute";
    INK_TRY(ink__json_string(&type, json, json->root, "model_type", err));
    if (!type)
        return ink_fail(err, INK_E_FORMAT, "%s: no \"model_type\"", json->path);
    config->arch = ink__arch_find(type);
    if (!config->arch) {
        char names[256];
        ink__arch_names(names, sizeof names);
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: \"model_type\" is \"%s\"; Inkling does %s", json->path,
                        type, names);
    }
    INK_TRY(ink__json_string(&positions, json, json->root, "position_embedding_type", err));
    if (strcmp(positions, "absolute") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: \"position_embedding_type\" is \"%s\"; Inkling does absolute", json->path,
                        positions);
    INK_TRY(read_sizes(config, json, err));
    INK_TRY(read_eps(config, json, err));
    INK_TRY(ink__config_activation(&config->activation, json, config->arch->activation_key,
                                   config->arch->activation_absent, err));
    config->head_activation = config->arch->head_activation;
    INK_TRY(read_steps(config, json, err));
    INK_TRY(read_drops(config, json, err));
    INK_TRY(read_quantization(config, json, err));
    INK_TRY(read_labels(config, json, err));
    INK_TRY(read_output(config, json, err));
    read_head_kind(config, json);
    return INK_OK;
}

ink_status ink__config_read(ink__config *config, const ink__json *json, ink_error *err)
{
    *config = (ink__config){0};
    const ink_status st = read_all(config, json, err);
    if (st != INK_OK)
        ink__config_free(config);
    return st;
}

void ink__config_free(ink__config *config)
{
    for (size_t c = 0; config->labels && c < config->C; ++c)
        free(config->labels[c]);
    free(config->labels);
    free(config->steps);
    *config = (ink__config){0};
}
