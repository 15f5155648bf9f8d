/* Any bytes as a JSON document from a model directory, and every key asked for as every kind. */
#include "fuzz.h"
#include "core/utf8.h"
#include "io/json.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ink_error err;
    ink__json json;
    if (ink__json_parse(&json, (const char *)data, size, "config.json", &err) == INK_OK)
        ask(&json, json.root, 0);
    else
        MUST(err.text[0] && !json.root);
    ink__json_close(&json);
    return 0;
}
