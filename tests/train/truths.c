/* Labels as truths: names found, numbers read. */
#include "train/truths.h"

#include <criterion/criterion.h>

#include <string.h>

static const char *const names[] = {"b", "a", "", "ab", "\xE4\xBD\xA0"};

static ink__string string(const char *text)
{
    return (ink__string){text, strlen(text)};
}

Test(truths, names_are_found_whole_and_nothing_else_is)
{
    ink__truths t;
    cr_assert(ink__truths_create(&t, INK_ACTIVATION_SOFTMAX, names, 5, NULL) == INK_OK);
    for (size_t c = 0; c < 5; ++c)
        cr_expect(ink__truths_find(&t, names[c], strlen(names[c])) == c, "%s", names[c]);
    cr_expect(ink__truths_find(&t, "abc", 3) == SIZE_MAX && ink__truths_find(&t, "a\0", 2) == SIZE_MAX);
    ink__truths_free(&t);
}

Test(truths, two_labels_of_one_name_are_refused)
{
    static const char *const same[] = {"a", "b", "a"};
    ink__truths t;
    ink_error err;
    cr_expect(ink__truths_create(&t, INK_ACTIVATION_SOFTMAX, same, 3, &err) == INK_E_FORMAT);
    cr_expect(strstr(err.text, "two labels named \"a\""), "%s", err.text);
}

Test(truths, sets_hold_each_label_once)
{
    ink__truths t;
    uint8_t set[5];
    ink_error err;
    const ink__string labels[] = {string("ab"), string("b"), string("ab")}, other[] = {string("c")};
    cr_assert(ink__truths_create(&t, INK_ACTIVATION_SIGMOID, names, 5, NULL) == INK_OK);
    cr_expect(ink__truths_set(set, &t, labels, 3, NULL) == INK_OK);
    cr_expect(set[0] == 1 && set[1] == 0 && set[2] == 0 && set[3] == 1 && set[4] == 0);
    cr_expect(ink__truths_set(set, &t, labels, 0, NULL) == INK_OK && set[0] == 0);
    cr_expect(ink__truths_set(set, &t, other, 1, &err) == INK_E_FORMAT && strstr(err.text, "\"c\""), "%s",
              err.text);
    ink__truths_free(&t);
}

Test(truths, values_are_decimal_numbers)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},   {"-1.25", -1.25}, {"+3", 3},      {" 4.5 ", 4.5},
                {".5", .5}, {"5.", 5},        {"1e-3", 1e-3}, {"2E2", 200}};
    static const char *const bad[] = {
        "",     " ",   "nan",  "inf",
        "0x10", "1,5", "1e",   "e5",
        "-",    "1 2", "1e39", "00000000000000000000000000000000000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        double value = -99;
        const ink__string s = string(good[i].text);
        cr_expect(ink__truths_value(&value, &s, 1, NULL) == INK_OK && value == good[i].value, "%s",
                  good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        double value;
        const ink__string s = string(bad[i]);
        cr_expect(ink__truths_value(&value, &s, 1, NULL) == INK_E_FORMAT, "%s", bad[i]);
    }
}
