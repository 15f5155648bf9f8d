/* Any bytes as a JSON document from a model directory: every key asked for as every kind, and the whole read
 * as config.json. */
#include "fuzz.h"
#include "core/utf8.h"
#include "io/json.h"
#include "model/config.h"

#include <string.h>

static void ask(const ink__json *json, json_t *object, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        ink_error err;
        size_t size = 7;
        double number = 7;
        bool flag = true;
        const char *string = "";
        if (ink__json_size(&size, json, object, key, &err) != INK_OK)
            MUST(err.status == INK_E_FORMAT && size == 7);
        MUST(size <= (size_t)1 << 53);
        if (ink__json_double(&number, json, object, key, &err) != INK_OK)
            MUST(err.status == INK_E_FORMAT && number == 7);
        if (ink__json_bool(&flag, json, object, key, &err) != INK_OK)
            MUST(err.status == INK_E_FORMAT && flag);
        if (ink__json_string(&string, json, object, key, &err) != INK_OK)
            MUST(err.status == INK_E_FORMAT && !string[0]);
        MUST(ink__utf8_valid_prefix(string, strlen(string)) == strlen(string));
        if (json_is_object(value) && depth < 50)
            ask(json, value, depth + 1);
    }
}

static void read_config(const ink__json *json)
{
    ink_error err;
    ink__config config;
    const ink_status st = ink__config_read(&config, json, &err);
    if (st == INK_OK) {
        MUST(config.arch && config.H > 0 && config.N > 0 && config.H % config.N == 0 && config.C > 0);
        for (size_t c = 0; c < config.C; ++c)
            MUST(config.labels[c]);
    } else {
        MUST(st == INK_E_FORMAT || st == INK_E_UNSUPPORTED || st == INK_E_MEMORY);
        MUST(err.text[0] && !config.labels);
    }
    ink__config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ink_error err;
    ink__json json;
    if (ink__json_parse(&json, (const char *)data, size, "config.json", &err) == INK_OK) {
        ask(&json, json.root, 0);
        read_config(&json);
    } else
        MUST(err.text[0] && !json.root);
    ink__json_close(&json);
    return 0;
}
