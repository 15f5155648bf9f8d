/* Reading, writing and applying a calibration: see calibration.h. */
#include "model/calibration.h"
#include "core/digest.h"
#include "core/memory.h"
#include "io/file.h"
#include "model/arch.h"
#include "nn/softmax.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- applying -------------------------------------------------------------------------------------- */

void ink__scores_of_logits(float *x, size_t n, size_t C, ink_activation activation, float temperature)
{
    if (activation == INK_ACTIVATION_NONE)
        return;
    for (size_t i = 0; temperature != 1 && i < n * C; ++i)
        x[i] /= temperature;
    if (activation == INK_ACTIVATION_SOFTMAX)
        ink_softmax_forward(x, x, n, C);
    else
        ink_sigmoid_forward(x, x, n * C);
}

float ink__score_ratio(const float *scores, size_t C)
{
    float best = 0, second = 0;
    for (size_t c = 0; c < C; ++c) {
        if (scores[c] > best)
            second = best, best = scores[c];
        else if (scores[c] > second)
            second = scores[c];
    }
    return second > 0 ? best / second : INFINITY;
}

bool ink_calibration_abstains(const ink_calibration *calibration, const float *scores, size_t C)
{
    return calibration && calibration->max_error > 0 && !(ink__score_ratio(scores, C) > calibration->ratio);
}

/* ---- the head -------------------------------------------------------------------------------------- */

void ink__head_digest(char digest[INK__HEAD_DIGEST], const ink__params *params)
{
    static const ink__slot slots[] = {INK__HEAD_OUT_W, INK__HEAD_OUT_B};
    ink__digest d = {0};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; ++i)
        if (params->model[slots[i]])
            d = ink__digest_of(d, params->model[slots[i]]->data, params->model[slots[i]]->bytes);
    snprintf(digest, INK__HEAD_DIGEST, "%016llx%016llx", (unsigned long long)d.high,
             (unsigned long long)d.low);
}

/* ---- reading --------------------------------------------------------------------------------------- */

static ink_status check_format(const ink__json *json, ink_error *err)
{
    const char *format = "";
    size_t version = 0;
    INK_TRY(ink__json_string(&format, json, json->root, "format", err));
    INK_TRY(ink__json_size(&version, json, json->root, "version", err));
    if (strcmp(format, "inkling_calibration") != 0)
        return ink_fail(err, INK_E_FORMAT, "%s: \"format\" is \"%.100s\", wanted inkling_calibration",
                        json->path, format);
    if (version == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: no \"version\"", json->path);
    if (version != 1)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: is of version %zu, this Inkling reads 1", json->path,
                        version);
    return INK_OK;
}

/* The array of C values, or NULL where there is none; one of another length or kind is a sentence. */
static ink_status find_array(const json_t **array, const ink__json *json, const char *key, size_t C,
                             ink_error *err)
{
    *array = json_object_get(json->root, key);
    if (!*array || json_is_null(*array)) {
        *array = NULL;
        return INK_OK;
    }
    if (!json_is_array(*array))
        return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is %s, wanted an array", json->path, key,
                        ink__json_kind(*array));
    if (json_array_size(*array) != C)
        return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" has %zu values, the model has %zu labels", json->path,
                        key, json_array_size(*array), C);
    return INK_OK;
}

static ink_status check_model(const ink__json *json, const ink__config *config, const char *head,
                              ink_error *err)
{
    const json_t *labels;
    const char *named = "";
    if (config->output == INK_ACTIVATION_NONE)
        return ink_fail(err, INK_E_FORMAT, "%s: calibrates labels, but the model is a regression",
                        json->path);
    INK_TRY(find_array(&labels, json, "labels", config->C, err));
    if (!labels)
        return ink_fail(err, INK_E_FORMAT, "%s: no \"labels\"", json->path);
    for (size_t c = 0; c < config->C; ++c) {
        const char *label = json_string_value(json_array_get(labels, c));
        if (!label || strcmp(label, config->labels[c]) != 0)
            return ink_fail(err, INK_E_FORMAT, "%s: label %zu is \"%.100s\", the model's is \"%.100s\"",
                            json->path, c, label ? label : "", config->labels[c]);
    }
    INK_TRY(ink__json_string(&named, json, json->root, "head", err));
    if (strcmp(named, head) != 0)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: was fitted with other weights than are here; calibrate again, or remove it",
                        json->path);
    return INK_OK;
}

/* A number that must be there, from least to most. */
static ink_status read_number(double *value, const ink__json *json, const json_t *object, const char *key,
                              double least, double most, ink_error *err)
{
    *value = NAN;
    INK_TRY(ink__json_double(value, json, object, key, err));
    if (isnan(*value))
        return ink_fail(err, INK_E_FORMAT, "%s: no \"%s\"", json->path, key);
    if (!(*value >= least && *value <= most))
        return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is %g, wanted %g to %g", json->path, key, *value,
                        least, most);
    return INK_OK;
}

static ink_status read_thresholds(ink_calibration *c, float *thresholds, const ink__json *json,
                                  const ink__config *config, ink_error *err)
{
    const json_t *array;
    INK_TRY(find_array(&array, json, "thresholds", config->C, err));
    if (!array)
        return INK_OK;
    if (config->output != INK_ACTIVATION_SIGMOID)
        return ink_fail(err, INK_E_FORMAT, "%s: has thresholds, but the model gives one label a record",
                        json->path);
    for (size_t i = 0; i < config->C; ++i) {
        const json_t *x = json_array_get(array, i);
        const double value = json_is_number(x) ? json_number_value(x) : NAN;
        if (!(value >= 0 && value <= 1))
            return ink_fail(err, INK_E_FORMAT, "%s: threshold %zu is not a number from 0 to 1", json->path,
                            i);
        thresholds[i] = (float)value;
    }
    c->thresholds = thresholds;
    return INK_OK;
}

static ink_status read_abstain(ink_calibration *c, const ink__json *json, const ink__config *config,
                               ink_error *err)
{
    const json_t *rule = json_object_get(json->root, "abstain");
    double confidence, ratio;
    size_t decided = 0, wrong = 0;
    if (!rule || json_is_null(rule))
        return INK_OK;
    if (!json_is_object(rule))
        return ink_fail(err, INK_E_FORMAT, "%s: \"abstain\" is %s, wanted an object", json->path,
                        ink__json_kind(rule));
    if (config->output != INK_ACTIVATION_SOFTMAX)
        return ink_fail(err, INK_E_FORMAT, "%s: has an abstain rule, but the model gives several labels",
                        json->path);
    INK_TRY(read_number(&confidence, json, rule, "confidence", 0.95, 0.95, err));
    INK_TRY(read_number(&ratio, json, rule, "ratio", 0, 3e38, err));
    INK_TRY(read_number(&c->max_error, json, rule, "max_error", 1e-9, 1, err));
    INK_TRY(ink__json_size(&decided, json, rule, "decided", err));
    INK_TRY(ink__json_size(&wrong, json, rule, "wrong", err));
    if (wrong > decided || decided > c->records)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu wrong of %zu decided of %llu records cannot be",
                        json->path, wrong, decided, (unsigned long long)c->records);
    c->ratio = (float)ratio, c->decided = decided, c->wrong = wrong;
    return INK_OK;
}

static ink_status read_all(ink_calibration *c, float *thresholds, const ink__json *json,
                           const ink__config *config, const char *head, ink_error *err)
{
    const char *precision = "";
    size_t records = 0;
    INK_TRY(check_format(json, err));
    INK_TRY(check_model(json, config, head, err));
    INK_TRY(ink__json_string(&precision, json, json->root, "precision", err));
    if (strcmp(precision, "f32") != 0 && strcmp(precision, "int8") != 0)
        return ink_fail(err, INK_E_FORMAT, "%s: \"precision\" is \"%.100s\", wanted f32 or int8", json->path,
                        precision);
    c->precision = strcmp(precision, "f32") == 0 ? "f32" : "int8";
    INK_TRY(ink__json_size(&records, json, json->root, "records", err));
    c->records = records;
    INK_TRY(read_number(&c->temperature, json, json->root, "temperature", INK_TEMPERATURE_MIN,
                        INK_TEMPERATURE_MAX, err));
    INK_TRY(read_thresholds(c, thresholds, json, config, err));
    return read_abstain(c, json, config, err);
}

ink_status ink__calibration_read(ink_calibration **calibration, const ink__json *json,
                                 const ink__config *config, const char *head, ink_error *err)
{
    ink_calibration *c;
    *calibration = NULL;
    /* One block: thresholds stand behind it. */
    INK_TRY(ink__calloc(&c, 1, sizeof *c + config->C * sizeof *c->thresholds, "a calibration", err));
    const ink_status st = read_all(c, (float *)(c + 1), json, config, head, err);
    if (st == INK_OK)
        *calibration = c;
    else
        free(c);
    return st;
}

ink_status ink__calibration_open(ink_calibration **calibration, const char *dir, const ink__config *config,
                                 const ink__params *params, ink_error *err)
{
    ink__json json = {0};
    char head[INK__HEAD_DIGEST], *path = NULL;
    ink_status st;
    *calibration = NULL;
    if (!ink__file_exists(dir, INK__CALIBRATION_FILE))
        return INK_OK;
    INK_TRY_GOTO(ink__path_join(&path, dir, INK__CALIBRATION_FILE, err));
    INK_TRY_GOTO(ink__json_open(&json, path, err));
    if (!params->has_head) {
        st = ink_fail(err, INK_E_FORMAT, "%s: calibrates labels, but the model has no classification head",
                      path);
        goto done;
    }
    ink__head_digest(head, params);
    st = ink__calibration_read(calibration, &json, config, head, err);
done:
    ink__json_close(&json);
    free(path);
    return st;
}

void ink__calibration_free(ink_calibration *calibration)
{
    free(calibration);
}

/* ---- writing --------------------------------------------------------------------------------------- */

static ink_status put_string(ink__text *text, const char *before, const char *value, ink_error *err)
{
    INK_TRY(ink__text_cstr(text, before, err));
    return ink__text_string(text, value, strlen(value), err);
}

static ink_status put_float(ink__text *text, const char *before, float value, ink_error *err)
{
    INK_TRY(ink__text_cstr(text, before, err));
    return ink__text_float(text, value, err);
}

static ink_status put_count(ink__text *text, const char *before, uint64_t value, ink_error *err)
{
    INK_TRY(ink__text_cstr(text, before, err));
    return ink__text_uint(text, value, err);
}

ink_status ink__calibration_write(ink__text *text, const ink_calibration *c, const ink__config *config,
                                  const char *head, ink_error *err)
{
    INK_TRY(ink__text_cstr(
        text, "{\n  \"format\": \"inkling_calibration\",\n  \"version\": 1,\n  \"labels\": [", err));
    for (size_t i = 0; i < config->C; ++i)
        INK_TRY(put_string(text, i ? ", " : "", config->labels[i], err));
    INK_TRY(put_string(text, "],\n  \"head\": ", head, err));
    INK_TRY(put_string(text, ",\n  \"precision\": ", c->precision, err));
    INK_TRY(put_count(text, ",\n  \"records\": ", c->records, err));
    INK_TRY(put_float(text, ",\n  \"temperature\": ", (float)c->temperature, err));
    if (c->thresholds) {
        INK_TRY(ink__text_cstr(text, ",\n  \"thresholds\": [", err));
        for (size_t i = 0; i < config->C; ++i)
            INK_TRY(put_float(text, i ? ", " : "", c->thresholds[i], err));
        INK_TRY(ink__text_cstr(text, "]", err));
    }
    if (c->max_error > 0) {
        INK_TRY(put_float(text, ",\n  \"abstain\": {\"max_error\": ", (float)c->max_error, err));
        INK_TRY(put_float(text, ", \"confidence\": 0.95, \"ratio\": ", c->ratio, err));
        INK_TRY(put_count(text, ", \"decided\": ", c->decided, err));
        INK_TRY(put_count(text, ", \"wrong\": ", c->wrong, err));
        INK_TRY(ink__text_cstr(text, "}", err));
    }
    return ink__text_cstr(text, "\n}\n", err);
}
