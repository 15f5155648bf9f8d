/* Any bytes as inkling_calibration.json, of a model that gives one label and of one that gives several. */
#include "fuzz.h"
#include "model/calibration.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *labels[] = {"negative", "positive"};
    ink_error err;
    ink__json json;
    if (ink__json_parse(&json, (const char *)data, size, "inkling_calibration.json", &err) != INK_OK)
        return 0;
    for (int kind = 0; kind < 3; ++kind) {
        const ink__config config = {.C = 2, .labels = labels, .output = (ink_activation)kind};
        ink_calibration *c;
        const ink_status st = ink__calibration_read(&c, &json, &config, "abc", &err);
        MUST((st == INK_OK) == (c != NULL));
        MUST(st == INK_OK || st == INK_E_FORMAT || st == INK_E_UNSUPPORTED || st == INK_E_MEMORY);
        if (c) {
            const float scores[] = {0.25f, 0.75f};
            MUST(c->temperature >= INK_TEMPERATURE_MIN && c->temperature <= INK_TEMPERATURE_MAX);
            MUST(c->max_error >= 0 && c->max_error <= 1 && isfinite(c->ratio));
            MUST(!c->thresholds || kind == INK_ACTIVATION_SIGMOID);
            MUST(!ink_calibration_abstains(c, scores, 2) || kind == INK_ACTIVATION_SOFTMAX);
        }
        ink__calibration_free(c);
    }
    ink__json_close(&json);
    return 0;
}
