/* JSON lines as records: ids as they stood, texts as they are meant, and a sentence for every bad line. */
#include "io/reader.h"

TestSuite(records_jsonl, .init = make_scratch, .fini = remove_scratch);

Test(records_jsonl, an_id_is_copied_as_it_stood)
{
    static const char *const ids[] = {"17",
                                      "1.10",
                                      "12345678901234567890",
                                      "\"a\\/b\"",
                                      "null",
                                      "true",
                                      "-0",
                                      "1e999",
                                      "\"\"",
                                      "1E+2",
                                      "\"\\u00e9\"",
                                      "\"\xC3\xA9\"",
                                      "[1, 2]",
                                      "{\"a\":[\"}\"]}",
                                      "\"\\\\\"",
                                      "\"\\\"\""};
    char text[4096] = "";
    for (size_t i = 0; i < sizeof ids / sizeof *ids; ++i)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"text\":\"t\",\"id\" : %s%s\n",
                 i % 2 ? " { " : "{", ids[i], i % 3 ? " }" : ",\"x\":[{\"id\":0}]}");
    open_text("x.jsonl", text);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; ++i)
        expect_record(ids[i], "t");
    expect_end();
}

Test(records_jsonl, without_an_id_the_number_stands_for_it)
{
    open_text("x.jsonl",
              "{\"text\":\"a\"}\n{\"id\":\"x\",\"text\":\"b\"}\r\n{\"text\":\"c\",\"x\":{\"id\":5}}");
    expect_record("1", "a");
    expect_record("\"x\"", "b");
    expect_record("3", "c");
    expect_end();
}

Test(records_jsonl, of_a_key_that_comes_twice_the_last_counts)
{
    open_text("x.jsonl", "{\"id\":1,\"text\":\"a\",\"text\":\"b\",\"id\":2}\n"
                         "{\"i\\u0064\":3,\"te\\u0078t\":\"c\"}\n");
    expect_record("2", "b");
    expect_record("3", "c");
    expect_end();
}

Test(records_jsonl, texts_are_unescaped_and_mended)
{
    open_text("x.jsonl", "{\"text\":\"a\\n\\u0000\\ud83d\\ude00\\/\"}\n"
                         "{\"text\":\"\\ud800x\\udc00\\\\ud800\"}\n"
                         "{\"text\":\"\xFF\",\"id\":\"\xC3\\ud800\"}\n"
                         "\xEF\xBB\xBF{\"text\":\"\"}\n");
    expect_record_bytes("1", "a\n\0\xF0\x9F\x98\x80/", 8);
    cr_expect(record.bad_bytes == 0);
    expect_record("2", "\xEF\xBF\xBDx\xEF\xBF\xBD\\ud800");
    cr_expect(record.bad_bytes == 2);
    expect_record("\"\xEF\xBF\xBD\\ufffd\"", "\xEF\xBF\xBD");
    cr_expect(record.bad_bytes == 3);
    expect_bad_record("4", "x.jsonl: line 4: is not JSON");
    expect_end();
}

Test(records_jsonl, numbers_of_any_size_spoil_nothing)
{
    char text[1000] = "{\"a\":";
    memset(text + 5, '7', 400);
    strcpy(text + 405,
           ",\"b\":[-1e999,1E+999,0.5e-9999,-0,10],\"c\":\"1e999\\\"2e999\",\"text\":\"t\",\"id\":1e400}\n"
           "{\"a\":1e999x,\"text\":\"t\"}\n{\"a\":01e999,\"text\":\"t\"}\n{\"a\":1e999,\"text\":1e999}\n");
    open_text("x.jsonl", text);
    expect_record("1e400", "t");
    expect_bad_record("2", "line 2: is not JSON");
    expect_bad_record("3", "line 3: is not JSON");
    expect_bad_record("4", "line 4: field \"text\" is a number, wanted a string");
    expect_end();
}

Test(records_jsonl, a_bad_line_says_what_is_wrong_and_keeps_its_id)
{
    open_text("x.jsonl",
              "{\"body\":\"b\",\"stars\":5,\"id\":\"r1\"}\n"
              "\n"
              " \t\r\n"
              "{\"text\":null,\"id\":2.50}\n"
              "{\"text\":[\"a\"]}\n"
              "{}\n"
              "{\"text\":\"a\"\n"
              "\"text\"\n"
              "[\"text\"]\n"
              "{\"text\":\"a\"} {\"text\":\"b\"}\n"
              "{\"a1\":1,\"a2\":1,\"a3\":1,\"a4\":1,\"a5\":1,\"a6\":1,\"a7\":1,\"a8\":1,\"a9\":1}\n");
    expect_bad_record("\"r1\"", "x.jsonl: line 1: no field \"text\" (fields: \"body\", \"stars\", \"id\"); "
                                "name one with --text NAME");
    expect_bad_record("2", "x.jsonl: line 2: a blank line where a JSON object was wanted");
    expect_bad_record("3", "line 3: a blank line");
    expect_bad_record("2.50", "line 4: field \"text\" is null, wanted a string");
    expect_bad_record("5", "line 5: field \"text\" is an array, wanted a string");
    expect_bad_record("6", "line 6: no field \"text\" (the object is empty)");
    expect_bad_record("7", "line 7: is not JSON");
    expect_bad_record("8", "line 8: is not JSON");
    expect_bad_record("9", "line 9: is an array, wanted an object");
    expect_bad_record("10", "line 10: is not JSON: end of file expected near '{'");
    expect_bad_record("11", "(fields: \"a1\", \"a2\", \"a3\", \"a4\", \"a5\", \"a6\", \"a7\", \"a8\", ...)");
    expect_end();
}

Test(records_jsonl, named_fields_must_be_there)
{
    ink__records_options options = {0};
    const char *path = scratch_text("x.jsonl", "{\"a\":\"A\",\"b\":\"B\",\"key\":7}\n"
                                               "{\"a\":\"A\",\"key\":8}\n"
                                               "{\"a\":\"A\",\"b\":1,\"key\":9}\n"
                                               "{\"a\":\"A\",\"b\":\"B\",\"id\":1}\n");
    options.inputs = &path, options.n_inputs = 1;
    options.text = "a", options.text_pair = "b", options.id = "key";
    assert_ok(ink__records_open(&records, &options, &err), err);
    expect_record("7", "A");
    cr_expect(same(record.pair, record.pair_len, "B", 1));
    expect_bad_record("8", "line 2: no field \"b\" (fields: \"a\", \"key\"); name one with --text-pair NAME");
    expect_bad_record("9", "line 3: field \"b\" is a number, wanted a string");
    expect_bad_record("4",
                      "line 4: no field \"key\" (fields: \"a\", \"b\", \"id\"); name one with --id NAME");
    expect_end();
}

Test(records_jsonl, a_file_that_is_one_array_is_refused_as_a_whole)
{
    open_text("x.json", "\n");
    expect_bad_record("1", "a blank line");
    expect_end();
    open_text("x.json", "  [{\"text\":\"a\"},\n{\"text\":\"b\"}]\n");
    expect_failure(next_record(), err, INK_E_FORMAT, "x.json: is one JSON array, wanted JSON Lines");
    expect_failure(next_record(), err, INK_E_FORMAT, "x.json: is one JSON array");
    cr_expect(ink__records_ready(records), "a failure does not wait");
    ink__records_free(records);
}

Test(records_jsonl, a_line_of_too_many_values_is_a_bad_record, .timeout = 60)
{
    const size_t n = (size_t)20 << 20;
    char *text = malloc(n + 16);
    memset(text, '[', n);
    memcpy(text, "{\"x\":", 5);
    memcpy(text + n, "\n{\"text\":\"t\"}", 14);
    open_bytes("x.jsonl", text, n + 13);
    free(text);
    expect_bad_record("1", "line 1: holds too many JSON values");
    expect_record("2", "t");
    expect_end();
}

Test(records_jsonl, a_line_over_the_limit_is_skipped_and_reported, .timeout = 60)
{
    const char *path = scratch_huge("x.jsonl", "{\"text\":\"", INK__RECORD_MAX, "\"}\n{\"text\":\"next\"}\n");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_bad_record("1", "x.jsonl: line 1: has 67108875 bytes, at most 67108864 are read");
    expect_record("2", "next");
    expect_end();
}

Test(records_jsonl, a_carriage_return_inside_an_id_becomes_a_space)
{
    open_text("x.jsonl", "{\"text\":\"a\",\r\"id\":[1,\r2]}\n{\"text\":\"a\rb\"}\n");
    expect_record("[1, 2]", "a");
    expect_bad_record("2", "line 2: is not JSON: control character");
    expect_end();
}
