/* JSON from outside: what parses, what is refused and where it is said to be, and the getters. */
#include "io/json.h"
#include "io/scratch.h"

TestSuite(json, .init = make_scratch, .fini = remove_scratch);

static ink_error err;
static ink__json json;

static ink_status parse(const char *text)
{
    /* Exactly as large as it is, so that a sanitizer sees a read beyond its end. */
    const size_t len = strlen(text);
    char *exact = calloc(len > 0 ? len : 1, 1);
    memcpy(exact, text, len);
    const ink_status st = ink__json_parse(&json, exact, len, "x.json", &err);
    free(exact);
    return st;
}

Test(json, what_is_not_json_is_refused_with_its_place)
{
    expect_failure(parse(""), err, INK_E_FORMAT, "x.json: line 1");
    expect_failure(parse("{\"a\": 1,\n \"b\" 2}"), err, INK_E_FORMAT,
                   "x.json: line 2, column 6: is not JSON");
    expect_failure(parse("{\"a\": 1} {"), err, INK_E_FORMAT, "is not JSON: end of file expected");
    expect_failure(parse("{\"a\": 01}"), err, INK_E_FORMAT, "is not JSON");
    expect_failure(parse("{\"a\": NaN}"), err, INK_E_FORMAT, "is not JSON");
    expect_failure(parse("{\"a\": 1e999}"), err, INK_E_FORMAT, "real number overflow");
    expect_failure(parse("[1]"), err, INK_E_FORMAT, "x.json: holds an array, wanted an object");
    cr_expect(json.root == NULL && json.path == NULL, "a failure leaves nothing behind");
}

Test(json, a_key_that_comes_twice_is_refused)
{
    expect_failure(parse("{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}"), err, INK_E_FORMAT,
                   "duplicate object key");
}

Test(json, depth_is_bounded)
{
    char text[10001];
    memset(text, '[', 10000);
    memcpy(text, "{\"a\":", 5);
    text[10000] = '\0';
    expect_failure(parse(text), err, INK_E_FORMAT, "maximum parsing depth");
}

Test(json, the_number_of_values_is_bounded)
{
    const size_t n = (size_t)10 << 20;
    char *text = malloc(2 * n + 8);
    memcpy(text, "{\"a\":[", 6);
    for (size_t i = 0; i < n; ++i)
        memcpy(text + 6 + 2 * i, "0,", 2);
    expect_failure(ink__json_parse(&json, text, 2 * n + 5, "x.json", &err), err, INK_E_FORMAT,
                   "more than 8388608 JSON values");
    for (size_t i = 0; i < 2 * n; i += 16)
        memcpy(text + i, "\\\",[{,,,,,,,,,,", 16);
    text[0] = '"', text[2 * n - 1] = '"';
    cr_expect(ink__json_modest(text, 2 * n), "what stands in a string does not count");
    free(text);
}

Test(json, bytes_that_are_not_utf8_and_lone_surrogates_are_replaced)
{
    const char *value = NULL;
    assert_ok(parse("\xEF\xBB\xBF{\"a\": \"x\xFFy\", \"b\": \"\\ud800\\udc00 \\uDC00 \\\\ud800 \\ud83d\", "
                    "\"c\": \"\\ud800"
                    "\\ud83d\\ude00\"}"),
              err);
    assert_ok(ink__json_string(&value, &json, json.root, "a", &err), err);
    cr_expect(strcmp(value, "x\xEF\xBF\xBDy") == 0, "%s", value);
    assert_ok(ink__json_string(&value, &json, json.root, "b", &err), err);
    cr_expect(strcmp(value, "\xF0\x90\x80\x80 \xEF\xBF\xBD \\ud800 \xEF\xBF\xBD") == 0, "%s", value);
    assert_ok(ink__json_string(&value, &json, json.root, "c", &err), err);
    cr_expect(strcmp(value, "\xEF\xBF\xBD\xF0\x9F\x98\x80") == 0, "%s", value);
    ink__json_close(&json);
    assert_ok(parse("{\"d\": \"\\u0041\\udc00\"}"), err);
    assert_ok(ink__json_string(&value, &json, json.root, "d", &err), err);
    cr_expect(strcmp(value, "A\xEF\xBF\xBD") == 0, "%s", value);
    ink__json_close(&json);
    /* The end of the text in the middle of an escape. */
    expect_failure(parse("{\"a\": \"\\ud8"), err, INK_E_FORMAT, "is not JSON");
    expect_failure(parse("{\"a\": \"\\ud800\\u"), err, INK_E_FORMAT, "is not JSON");
    expect_failure(parse("{\"a\": \"\\"), err, INK_E_FORMAT, "is not JSON");
}

Test(json, a_missing_or_null_key_leaves_the_default)
{
    size_t size = 7;
    double number = 0.5;
    bool flag = true;
    const char *string = "default";
    assert_ok(parse("{\"n\": null}"), err);
    static const char *const keys[] = {"n", "missing"};
    for (size_t i = 0; i < 2; ++i) {
        assert_ok(ink__json_size(&size, &json, json.root, keys[i], &err), err);
        assert_ok(ink__json_double(&number, &json, json.root, keys[i], &err), err);
        assert_ok(ink__json_bool(&flag, &json, json.root, keys[i], &err), err);
        assert_ok(ink__json_string(&string, &json, json.root, keys[i], &err), err);
    }
    cr_expect(size == 7 && number == 0.5 && flag && strcmp(string, "default") == 0);
    ink__json_close(&json);
}

Test(json, values_come_as_they_stand)
{
    size_t size = 0, largest = 0;
    double number = 0, whole = 0, huge = 0;
    bool flag = true;
    const char *string = NULL;
    assert_ok(parse("{\"size\": 768, \"largest\": 9007199254740992, \"number\": 1e-12, \"whole\": 3, "
                    "\"flag\": false, "
                    "\"huge\": 1000000000000000019884624838656, \"string\": \"gelu\"}"),
              err);
    assert_ok(ink__json_size(&size, &json, json.root, "size", &err), err);
    assert_ok(ink__json_size(&largest, &json, json.root, "largest", &err), err);
    assert_ok(ink__json_double(&number, &json, json.root, "number", &err), err);
    assert_ok(ink__json_double(&whole, &json, json.root, "whole", &err), err);
    assert_ok(ink__json_double(&huge, &json, json.root, "huge", &err), err);
    assert_ok(ink__json_bool(&flag, &json, json.root, "flag", &err), err);
    assert_ok(ink__json_string(&string, &json, json.root, "string", &err), err);
    cr_expect(size == 768 && largest == (size_t)1 << 53 && number == 1e-12 && whole == 3 && huge == 1e30 &&
              !flag);
    cr_expect(strcmp(string, "gelu") == 0);
    ink__json_close(&json);
}

Test(json, a_value_of_the_wrong_kind_is_named)
{
    size_t size = 7;
    double number = 0;
    bool flag = false;
    const char *string = "";
    assert_ok(
        parse(
            "{\"s\": \"x\", \"r\": 1.5, \"n\": -1, \"big\": 9007199254740994, \"huge\": 1e300, \"t\": true, "
            "\"z\": \"a\\u0000b\", \"l\": []}"),
        err);
    static const struct {
        const char *key, *wanted;
    } sizes[] = {{"s", "x.json: \"s\" is a string, wanted a whole number from 0 to 2^53"},
                 {"r", "\"r\" is 1.5, wanted a whole number"},
                 {"n", "\"n\" is -1, wanted a whole number"},
                 {"big", "\"big\" is 9007199254740994, wanted a whole number"},
                 {"huge", "\"huge\" is 1"},
                 {"t", "\"t\" is true, wanted a whole number"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        expect_failure(ink__json_size(&size, &json, json.root, sizes[i].key, &err), err, INK_E_FORMAT,
                       sizes[i].wanted);
    cr_expect(size == 7, "a failure leaves the value alone");
    expect_failure(ink__json_double(&number, &json, json.root, "l", &err), err, INK_E_FORMAT,
                   "\"l\" is an array, wanted a number");
    expect_failure(ink__json_bool(&flag, &json, json.root, "r", &err), err, INK_E_FORMAT,
                   "\"r\" is 1.5, wanted true or false");
    expect_failure(ink__json_string(&string, &json, json.root, "t", &err), err, INK_E_FORMAT,
                   "\"t\" is true, wanted a string");
    expect_failure(ink__json_string(&string, &json, json.root, "z", &err), err, INK_E_FORMAT, "NUL");
    ink__json_close(&json);
}

Test(json, files_are_read_and_named)
{
    const char *path = scratch_text("config.json", "{\"a\": 1}");
    assert_ok(ink__json_open(&json, path, &err), err);
    cr_expect(strcmp(json.path, path) == 0);
    ink__json_close(&json);
    expect_failure(ink__json_open(&json, scratch_path("none"), &err), err, INK_E_IO,
                   "none: cannot be opened");
    expect_failure(ink__json_open(&json, scratch_text("empty", ""), &err), err, INK_E_FORMAT, "is not JSON");
    expect_failure(ink__json_open_array(&json, path, &err), err, INK_E_FORMAT,
                   "holds an object, wanted an array");
    assert_ok(ink__json_open_array(&json, scratch_text("list.json", "[{\"a\": 1}]"), &err), err);
    cr_expect(json_array_size(json.root) == 1);
    ink__json_close(&json);
}
