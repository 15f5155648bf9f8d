/* JSON output: escapes, and numbers that say neither too little nor too much. */
#include "io/jsontext.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ink_error err;

static bool text_is(ink__text *text, const char *wanted)
{
    const bool same = text->len == strlen(wanted) && memcmp(text->data, wanted, text->len) == 0;
    cr_expect(same, "`%.*s`, wanted `%s`", (int)text->len, text->data, wanted);
    text->len = 0;
    return same;
}

Test(jsontext, strings_are_escaped_as_far_as_json_demands)
{
    ink__text text = {0};
    char controls[32];
    for (int i = 0; i < 32; ++i)
        controls[i] = (char)i;
    cr_expect(ink__text_string(&text, controls, 32, &err) == INK_OK);
    text_is(&text, "\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\"
                   "u000f\\u0010\\u0011"
                   "\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u00"
                   "1e\\u001f\"");
    const char *others = " \"q\" a\\b a/b \x7F \xC3\xA9 \xE2\x80\xA8 \xF0\x9F\x98\x80";
    cr_expect(ink__text_string(&text, others, strlen(others), &err) == INK_OK);
    text_is(&text, "\" \\\"q\\\" a\\\\b a/b \x7F \xC3\xA9 \xE2\x80\xA8 \xF0\x9F\x98\x80\"");
    cr_expect(ink__text_string(&text, NULL, 0, &err) == INK_OK);
    text_is(&text, "\"\"");
    ink__text_free(&text);
}

Test(jsontext, pieces_follow_each_other)
{
    ink__text text = {0};
    for (int i = 0; i < 1000; ++i)
        cr_assert(ink__text_cstr(&text, "abc", &err) == INK_OK &&
                  ink__text_bytes(&text, "d\0e", 3, &err) == INK_OK);
    cr_expect(text.len == 6000 && memcmp(text.data + 5994, "abcd\0e", 6) == 0);
    cr_expect(ink__text_bytes(&text, "", SIZE_MAX, &err) == INK_E_MEMORY);
    cr_expect(text.len == 6000 && memcmp(text.data, "abcd\0e", 6) == 0,
              "a failure leaves the text as it was");
    ink__text_free(&text);
    cr_expect(text.data == NULL && text.capacity == 0);
}

Test(jsontext, whole_numbers_have_all_their_digits)
{
    ink__text text = {0};
    static const uint64_t numbers[] = {0, 7, 10, 4294967296, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        char wanted[24];
        snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)numbers[i]);
        cr_expect(ink__text_uint(&text, numbers[i], &err) == INK_OK);
        text_is(&text, wanted);
    }
    ink__text_free(&text);
}

Test(jsontext, scores_have_six_decimals)
{
    ink__text text = {0};
    static const struct {
        double value;
        const char *wanted;
    } cases[] = {
        {0.9980119, "0.998012"}, {0, "0.000000"},     {1, "1.000000"},     {-2.5, "-2.500000"},
        {5e-7, "0.000000"},      {NAN, "null"},       {-INFINITY, "null"}, {123456789.5, "123456789.500000"},
        {0.9999999, "1.000000"}, {1e-300, "0.000000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        cr_expect(ink__text_fixed6(&text, cases[i].value, &err) == INK_OK);
        text_is(&text, cases[i].wanted);
    }
    char wanted[400];
    snprintf(wanted, sizeof wanted, "%.6f", -DBL_MAX);
    cr_expect(ink__text_fixed6(&text, -DBL_MAX, &err) == INK_OK);
    text_is(&text, wanted);
    ink__text_free(&text);
}

Test(jsontext, floats_have_the_fewest_digits)
{
    ink__text text = {0};
    static const struct {
        float value;
        const char *wanted;
    } cases[] = {{0, "0"},
                 {-0.0f, "-0"},
                 {1, "1"},
                 {0.1f, "0.1"},
                 {-0.3f, "-0.3"},
                 {120, "120"},
                 {1.0f / 3, "0.33333334"},
                 {16777216, "16777216"},
                 {123456.789f, "123456.79"},
                 {1e9f, "1e9"},
                 {999999999.0f, "1e9"},
                 {0.0001f, "0.0001"},
                 {0.00001234f, "0.00001234"},
                 {0.00000123f, "1.23e-6"},
                 {1.5e-7f, "1.5e-7"},
                 {FLT_MAX, "3.4028235e38"},
                 {FLT_MIN, "1.1754944e-38"},
                 {1e-45f, "1e-45"},
                 {9.8e-45f, "1e-44"},
                 {NAN, "null"},
                 {INFINITY, "null"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        cr_expect(ink__text_float(&text, cases[i].value, &err) == INK_OK);
        text_is(&text, cases[i].wanted);
    }
    ink__text_free(&text);
}

static size_t digits_of(const char *number)
{
    size_t n = 0, zeros = 0;
    for (; *number && *number != 'e'; ++number)
        if (*number >= '0' && *number <= '9') {
            zeros = *number == '0' ? zeros + 1 : 0;
            n += n > 0 || *number != '0';
        }
    return n > zeros ? n - zeros : n;
}

/* Every float reads back as itself, from no more digits than the C library needs. */
Test(jsontext, floats_read_back_as_themselves)
{
    ink__text text = {0};
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < 300000; ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        uint32_t bits = (uint32_t)(state >> 20);
        if (i % 3) /* two of three in the range of embeddings: 2^-20 to 2^4 */
            bits = (bits & 0x807FFFFF) | (107 + bits % 25) << 23;
        float value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        text.len = 0;
        cr_assert(ink__text_float(&text, value, &err) == INK_OK &&
                  ink__text_bytes(&text, "", 1, &err) == INK_OK);
        back = strtof(text.data, NULL);
        cr_assert(memcmp(&back, &value, sizeof back) == 0, "%a is written as %s", (double)value, text.data);
        char shortest[40];
        int precision = 1;
        do
            snprintf(shortest, sizeof shortest, "%.*g", precision, (double)value);
        while (strtof(shortest, NULL) != value && ++precision <= 9);
        cr_assert(digits_of(text.data) <= digits_of(shortest), "%a is written as %s, %s is enough",
                  (double)value, text.data, shortest);
    }
    ink__text_free(&text);
}
