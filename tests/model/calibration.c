/* inkling_calibration.json: what is written reads back, and what is broken, hostile or another model's is a
 * sentence. */
#include "model/calibration.h"

#include <criterion/criterion.h>
#include <inkling.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *labels[] = {"no", "yes \"really\""};
static const ink__config single = {.C = 2, .labels = labels, .output = INK_ACTIVATION_SOFTMAX};
static const ink__config multi = {.C = 2, .labels = labels, .output = INK_ACTIVATION_SIGMOID};
static const ink__config value = {.C = 1, .labels = labels, .output = INK_ACTIVATION_NONE};

static ink_status read(ink_calibration **c, const char *text, size_t len, const ink__config *config,
                       ink_error *err)
{
    ink__json json;
    ink_status st = ink__json_parse(&json, text, len, "c.json", err);
    *c = NULL;
    if (st == INK_OK)
        st = ink__calibration_read(c, &json, config, "abc", err);
    ink__json_close(&json);
    return st;
}

Test(calibration, reads_back_as_it_was_written)
{
    const float thresholds[] = {0.1f, 0.999999f};
    const ink_calibration rule = {.temperature = (double)1.7490145f,
                                  .max_error = 0.05,
                                  .ratio = 10.884501f,
                                  .records = 872,
                                  .decided = 633,
                                  .wrong = 21,
                                  .precision = "f32"};
    const ink_calibration several = {
        .temperature = 0.01, .thresholds = thresholds, .records = 1, .precision = "int8"};
    ink__text text = {0};
    ink_calibration *c;
    ink_error err;
    cr_assert(ink__calibration_write(&text, &rule, &single, "abc", &err) == INK_OK);
    cr_assert(read(&c, text.data, text.len, &single, &err) == INK_OK, "%s", err.text);
    cr_expect((float)c->temperature == 1.7490145f && c->max_error == 0.05 && c->ratio == rule.ratio);
    cr_expect(c->records == 872 && c->decided == 633 && c->wrong == 21 && !c->thresholds);
    cr_expect(strcmp(c->precision, "f32") == 0);
    ink__calibration_free(c);
    text.len = 0;
    cr_assert(ink__calibration_write(&text, &several, &multi, "abc", &err) == INK_OK);
    cr_assert(read(&c, text.data, text.len, &multi, &err) == INK_OK, "%s", err.text);
    cr_expect((float)c->temperature == 0.01f && c->max_error == 0 && strcmp(c->precision, "int8") == 0);
    cr_assert(c->thresholds && c->thresholds[0] == 0.1f && c->thresholds[1] == 0.999999f);
    ink__calibration_free(c);
    /* Cut anywhere, it is a sentence. */
    for (size_t len = 0; len + 2 < text.len; ++len) {
        cr_expect(read(&c, text.data, len, &multi, &err) == INK_E_FORMAT && !c, "%zu bytes", len);
        cr_expect(err.text[0] != '\0');
    }
    ink__text_free(&text);
}

#define HEAD                                                                                                 \
    "{\"format\":\"inkling_calibration\",\"version\":1,\"labels\":[\"no\",\"yes \\\"really\\\"\"],"          \
    "\"head\":\"abc\",\"precision\":\"f32\",\"records\":9,"
#define RULE(rest)                                                                                           \
    HEAD "\"temperature\":1,\"abstain\":{\"max_error\":0.05,\"confidence\":0.95,\"ratio\":3" rest "}}"

Test(calibration, broken_files_are_one_sentence)
{
    static const struct {
        const char *text;
        const ink__config *config;
        ink_status status;
        const char *says;
    } broken[] = {
        {"", &single, INK_E_FORMAT, "c.json"},
        {"[]", &single, INK_E_FORMAT, "wanted an object"},
        {"{}", &single, INK_E_FORMAT, "\"format\" is \"\""},
        {"{\"format\":7}", &single, INK_E_FORMAT, "format"},
        {"{\"format\":\"inkling_calibration\"}", &single, INK_E_FORMAT, "no \"version\""},
        {"{\"format\":\"inkling_calibration\",\"version\":2}", &single, INK_E_UNSUPPORTED, "version 2"},
        {"{\"format\":\"inkling_calibration\",\"version\":-1}", &single, INK_E_FORMAT, "version"},
        {"{\"format\":\"inkling_calibration\",\"version\":1}", &single, INK_E_FORMAT, "no \"labels\""},
        {"{\"format\":\"inkling_calibration\",\"version\":1,\"labels\":{}}", &single, INK_E_FORMAT,
         "wanted an array"},
        {"{\"format\":\"inkling_calibration\",\"version\":1,\"labels\":[\"no\"]}", &single, INK_E_FORMAT,
         "1 values, the model has 2 labels"},
        {"{\"format\":\"inkling_calibration\",\"version\":1,\"labels\":[\"no\",7]}", &single, INK_E_FORMAT,
         "label 1"},
        {"{\"format\":\"inkling_calibration\",\"version\":1,\"labels\":[\"yes\",\"no\"]}", &single,
         INK_E_FORMAT, "label 0 is \"yes\", the model's is \"no\""},
        {HEAD "\"temperature\":1}", &value, INK_E_FORMAT, "regression"},
        {"{\"format\":\"inkling_calibration\",\"version\":1,\"labels\":[\"no\",\"yes \\\"really\\\"\"]}",
         &single, INK_E_FORMAT, "other weights"},
        {"{\"format\":\"inkling_calibration\",\"version\":1,\"labels\":[\"no\",\"yes \\\"really\\\"\"],"
         "\"head\":\"abc\"}",
         &single, INK_E_FORMAT, "precision"},
        {HEAD "\"x\":1}", &single, INK_E_FORMAT, "no \"temperature\""},
        {HEAD "\"temperature\":\"1\"}", &single, INK_E_FORMAT, "temperature"},
        {HEAD "\"temperature\":0}", &single, INK_E_FORMAT, "\"temperature\" is 0"},
        {HEAD "\"temperature\":-3}", &single, INK_E_FORMAT, "\"temperature\" is -3"},
        {HEAD "\"temperature\":1e308}", &single, INK_E_FORMAT, "temperature"},
        {HEAD "\"temperature\":1,\"thresholds\":[0.5,0.5]}", &single, INK_E_FORMAT, "one label a record"},
        {HEAD "\"temperature\":1,\"thresholds\":[0.5]}", &multi, INK_E_FORMAT, "1 values"},
        {HEAD "\"temperature\":1,\"thresholds\":0.5}", &multi, INK_E_FORMAT, "wanted an array"},
        {HEAD "\"temperature\":1,\"thresholds\":[0.5,1.5]}", &multi, INK_E_FORMAT, "threshold 1"},
        {HEAD "\"temperature\":1,\"thresholds\":[null,0.5]}", &multi, INK_E_FORMAT, "threshold 0"},
        {HEAD "\"temperature\":1,\"abstain\":true}", &single, INK_E_FORMAT, "wanted an object"},
        {HEAD "\"temperature\":1,\"abstain\":{}}", &single, INK_E_FORMAT, "no \"confidence\""},
        {RULE(""), &multi, INK_E_FORMAT, "several labels"},
        {RULE(",\"decided\":10"), &single, INK_E_FORMAT, "cannot be"},
        {RULE(",\"decided\":3,\"wrong\":4"), &single, INK_E_FORMAT, "4 wrong of 3 decided of 9"},
        {RULE(",\"ratio\":4"), &single, INK_E_FORMAT, "c.json"},
        {HEAD "\"temperature\":1,\"abstain\":{\"max_error\":0.05,\"confidence\":0.9,\"ratio\":3}}", &single,
         INK_E_FORMAT, "\"confidence\" is 0.9"},
        {HEAD "\"temperature\":1,\"abstain\":{\"max_error\":0.05,\"confidence\":0.95,\"ratio\":-3}}", &single,
         INK_E_FORMAT, "\"ratio\" is -3"},
        {HEAD "\"temperature\":1,\"abstain\":{\"max_error\":0,\"confidence\":0.95,\"ratio\":3}}", &single,
         INK_E_FORMAT, "\"max_error\" is 0"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; ++i) {
        ink_calibration *c;
        ink_error err = {.text = ""};
        const ink_status st = read(&c, broken[i].text, strlen(broken[i].text), broken[i].config, &err);
        cr_expect(st == broken[i].status && !c, "%s: %s", broken[i].text, ink_status_name(st));
        cr_expect(strstr(err.text, broken[i].says), "%s: %s", broken[i].text, err.text);
    }
    ink_calibration *c;
    const char *good = RULE(",\"decided\":3,\"wrong\":1,\"new\":[1]");
    cr_expect(read(&c, good, strlen(good), &single, NULL) == INK_OK, "keys it does not know are left alone");
    ink__calibration_free(c);
}

Test(calibration, a_record_is_withheld_by_the_ratio_of_its_two_best_scores)
{
    const ink_calibration rule = {.temperature = 1, .max_error = 0.05, .ratio = 3}, none = {.temperature = 1};
    const float sure[] = {0.1f, 0.75f, 0.15f}, unsure[] = {0.25f, 0.25f, 0.5f}, at[] = {0.75f, 0.25f};
    const float one[] = {0, 1, 0}, equal[] = {0.5f, 0.5f};
    const ink_calibration all = {.temperature = 1, .max_error = 0.05, .ratio = 0};
    cr_expect(!ink_calibration_abstains(&rule, sure, 3) && ink_calibration_abstains(&rule, unsure, 3));
    cr_expect(ink_calibration_abstains(&rule, at, 2), "more than three times, not just three times");
    cr_expect(!ink_calibration_abstains(&rule, one, 3));
    cr_expect(!ink_calibration_abstains(&all, equal, 2));
    cr_expect(!ink_calibration_abstains(&none, unsure, 3) && !ink_calibration_abstains(NULL, unsure, 3));
}

Test(calibration, a_temperature_divides_logits)
{
    float z[] = {2, 0, -1}, p[] = {2, 0, -1}, s[] = {3, -3};
    ink__scores_of_logits(p, 1, 3, INK_ACTIVATION_SOFTMAX, 2);
    const double sum = exp(1) + 1 + exp(-0.5);
    cr_expect(fabs((double)p[0] - exp(1) / sum) < 1e-6 && fabs((double)p[2] - exp(-0.5) / sum) < 1e-6);
    ink__scores_of_logits(s, 1, 2, INK_ACTIVATION_SIGMOID, 1.5f);
    cr_expect(fabs((double)s[0] - 1 / (1 + exp(-2))) < 1e-6);
    ink__scores_of_logits(z, 1, 3, INK_ACTIVATION_NONE, 2);
    cr_expect(z[0] == 2 && z[2] == -1, "values have none");
}
