/* CSV as records: the values of Python's csv module on hostile files, and a sentence where they end. */
#include "io/reader.h"

#include <jansson.h>
#include <sys/resource.h>

TestSuite(records_csv, .init = make_scratch, .fini = remove_scratch);

Test(records_csv, quotes_commas_and_line_breaks_are_part_of_a_field)
{
    open_text("x.csv", "\xEF\xBB\xBFid,\"text\",stars\r\n"
                       "1,\"a \"\"b\"\", c\r\nd\",5\r\n"
                       "\r\n"
                       "2, x ,\n"
                       "\"3\",\"\",5");
    expect_record("\"1\"", "a \"b\", c\r\nd");
    expect_record("\"2\"", " x ");
    expect_record("\"3\"", "");
    expect_end();
}

Test(records_csv, without_an_id_column_the_number_stands_for_it)
{
    open_text("x.csv", "text\n\"a\"\nb");
    expect_record("1", "a");
    expect_record("2", "b");
    expect_end();
}

Test(records_csv, an_id_becomes_a_json_string)
{
    open_text("x.csv", "text,id\nt,\"a\"\"\\\n\xFF\xC3\xA9\"\n");
    expect_record("\"a\\\"\\\\\\n\xEF\xBF\xBD\xC3\xA9\"", "t");
    cr_expect(record.bad_bytes == 1);
    expect_end();
}

Test(records_csv, bytes_that_are_not_utf8_are_counted_in_the_whole_record)
{
    open_bytes("x.csv", "a,text,b\n\xFF,x\0\xE2\x82,\xFE\xFE\nfine,y,z\n", 28);
    expect_record_bytes("1", "x\0\xEF\xBF\xBD", 5);
    cr_expect(record.bad_bytes == 4, "%zu", record.bad_bytes);
    expect_record("2", "y");
    cr_expect(record.bad_bytes == 0);
    expect_end();
}

Test(records_csv, a_row_of_the_wrong_length_is_a_bad_record_with_its_line)
{
    open_text("x.csv", "id,text\n"
                       "1,\"two\r\nlines\"\r\n"
                       "2\n"
                       "\n"
                       "3,a,b\r"
                       "4,ok\r\n"
                       "5,\n");
    expect_record("\"1\"", "two\r\nlines");
    expect_bad_record("\"2\"", "x.csv: line 4: 1 field, the header has 2");
    expect_bad_record("\"3\"", "x.csv: line 6: 3 fields, the header has 2");
    expect_record("\"4\"", "ok");
    expect_record("\"5\"", "");
    expect_end();
    open_text("x.csv", "text\ra\rb\n\nc\r\nd\n");
    for (const uint64_t *line = (const uint64_t[]){2, 3, 5, 6}, *end = line + 4; line < end; ++line) {
        assert_ok(next_record(), err);
        cr_expect(record.line == *line, "line %zu, wanted %zu", (size_t)record.line, (size_t)*line);
    }
    expect_end();
    open_text("x.csv", "text,id\na,1,2\n");
    /* What stands in the place of the id may be a piece of the text. */
    expect_bad_record("1", "line 2: 3 fields, the header has 2");
    expect_end();
}

Test(records_csv, a_missing_column_is_named_with_those_there_are)
{
    open_text("x.csv", "id,body,\"star\"\"s\"\n1,a,5\n");
    expect_failure(
        next_record(), err, INK_E_FORMAT,
        "x.csv: no column \"text\" (columns: \"id\", \"body\", \"star\"s\"); name one with --text NAME");
    ink__records_free(records);
    open_text("x.csv", "text,text\na,b\n");
    expect_failure(next_record(), err, INK_E_FORMAT,
                   "x.csv: line 1: columns 1 and 2 are both named \"text\"");
    ink__records_free(records);
    static const char *const names[][3] = {{"text", "b", NULL}, {"text", NULL, "key"}};
    for (int i = 0; i < 2; ++i) {
        ink__records_options options = {0};
        const char *path = scratch_text("x.csv", "\n\ntext,id\na,b\n");
        options.inputs = &path, options.n_inputs = 1, options.text_pair = names[i][1],
        options.id = names[i][2];
        assert_ok(ink__records_open(&records, &options, &err), err);
        expect_failure(next_record(), err, INK_E_FORMAT,
                       i ? "no column \"key\" (columns: \"text\", \"id\"); name one with --id NAME"
                         : "no column \"b\" (columns: \"text\", \"id\"); name one with --text-pair NAME");
        ink__records_free(records);
    }
}

static ink_status open_delimited(const char *path, ink_format format, char delimiter)
{
    const ink__records_options options = {
        .inputs = &path, .n_inputs = 1, .format = format, .delimiter = delimiter};
    return ink__records_open(&records, &options, &err);
}

Test(records_csv, another_delimiter_leaves_commas_in_their_fields)
{
    const char *path =
        scratch_text("x.csv", "\xEF\xBB\xBFid;text;stars\r\n1;\"a; b\";2,5\r\n2;a, b;3\r\n3;a \"b\" c;\r\n");
    assert_ok(open_delimited(path, INK_FORMAT_AUTO, ';'), err);
    expect_record("\"1\"", "a; b");
    expect_record("\"2\"", "a, b");
    expect_record("\"3\"", "a \"b\" c");
    expect_end();
    assert_ok(open_delimited(scratch_text("x.txt", "id|text\n1|\"a|\"b\n"), INK_FORMAT_CSV, '|'), err);
    expect_record("\"1\"", "a|b");
    expect_end();
    /* A tab makes it TSV, wherever it is asked for. */
    for (int i = 0; i < 2; ++i) {
        path = scratch_text(i ? "x.tsv" : "x.csv", "text\tid\n\"a\" b\t7\n");
        assert_ok(open_delimited(path, INK_FORMAT_AUTO, '\t'), err);
        expect_record("\"7\"", "\"a\" b");
        expect_end();
    }
}

Test(records_csv, a_delimiter_that_cannot_be_is_refused)
{
    const char *path = scratch_text("x.csv", "text\na\n");
    for (const char *c = "\"\n\r\xC3"; *c; ++c)
        expect_failure(open_delimited(path, INK_FORMAT_AUTO, *c), err, INK_E_ARG,
                       "cannot be the delimiter of CSV");
    expect_failure(open_delimited(scratch_text("x.tsv", "text\n"), INK_FORMAT_AUTO, ';'), err, INK_E_ARG,
                   "x.tsv: is read as TSV, whose delimiter is no choice");
    expect_failure(open_delimited(scratch_text("x.txt", "a\n"), INK_FORMAT_AUTO, ';'), err, INK_E_ARG,
                   "x.txt: is read as lines, whose delimiter is no choice");
    assert_ok(open_delimited(scratch_text("x.csv", "id,text\n1,a\n"), INK_FORMAT_AUTO, ';'), err);
    expect_failure(next_record(), err, INK_E_FORMAT, "seem to be separated by \",\" (--delimiter ',')");
    ink__records_free(records);
}

Test(records_csv, an_empty_file_has_no_records)
{
    open_text("x.csv", "");
    expect_end();
    open_text("x.csv", "\n\r\n");
    expect_end();
    open_text("x.csv", "id,text");
    expect_end();
}

Test(records_csv, a_quote_that_is_never_closed_is_found_where_it_opens)
{
    open_text("x.csv", "id,text\n1,a\n\"2\n\",b\n\"3\n\n\",\"c\n4,d\n");
    expect_record("\"1\"", "a");
    expect_record("\"2\\n\"", "b");
    expect_bad_record(
        "3", "x.csv: line 7: a quote is opened here and never closed: no record behind it can be read");
    expect_end();
    open_text("x.csv", "id,\"text\n1,a\n");
    expect_failure(next_record(), err, INK_E_FORMAT,
                   "x.csv: line 1: a quote is opened here and never closed");
    ink__records_free(records);
}

Test(records_csv, a_header_that_does_not_end_is_refused)
{
    const char *path = scratch_huge("x.csv", "text,", 2 << 20, "\na,b\n");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_failure(next_record(), err, INK_E_FORMAT, "x.csv: its header line has more than 1048576 bytes");
    ink__records_free(records);
}

Test(records_csv, a_row_over_the_limit_is_skipped_and_reported_in_bounded_memory, .timeout = 100)
{
    const size_t size = (size_t)400 << 20;
    const char *path = scratch_huge("x.csv", "id,text\n1,\"", size, "\n,\"\"\",x\n2,b\n");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_bad_record("\"1\"", "x.csv: line 2: the row has 419430411 bytes, at most 67108864 are read");
    expect_record("\"2\"", "b");
    expect_end();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    cr_expect(usage.ru_maxrss < MEMORY_LIMIT_KIB, "%ld KiB", usage.ru_maxrss);
}

/* One file of tests/golden/io/csv.jsonl and the rows that Python finds in it. */
static void compare_with_python(const json_t *golden)
{
    const json_t *csv = json_object_get(golden, "csv"), *rows = json_object_get(golden, "rows");
    const char *bytes = json_string_value(csv);
    const char *path = scratch_bytes("x.csv", bytes, json_string_length(csv));
    ink__records_options options = {0};
    options.inputs = &path, options.n_inputs = 1, options.text_pair = "text_b";
    assert_ok(ink__records_open(&records, &options, &err), err);
    for (size_t i = 0; i < json_array_size(rows); ++i) {
        const json_t *row = json_array_get(rows, i);
        cr_assert(next_record() == INK_OK && !at_end, "row %zu of `%s`", i, bytes);
        if (json_array_size(row) != 3) {
            char wanted[64];
            snprintf(wanted, sizeof wanted, ": %zu field%s, the header has 3", json_array_size(row),
                     json_array_size(row) == 1 ? "" : "s");
            cr_assert(record.error && strstr(record.error, wanted), "row %zu of `%s`: %s, wanted %s", i,
                      bytes, record.error, wanted);
            continue;
        }
        const json_t *text = json_array_get(row, 1), *pair = json_array_get(row, 2);
        cr_assert(!record.error, "row %zu of `%s`: %s", i, bytes, record.error);
        cr_assert(same(record.text, record.text_len, json_string_value(text), json_string_length(text)),
                  "row %zu of `%s`: text `%.*s`", i, bytes, (int)record.text_len, record.text);
        cr_assert(same(record.pair, record.pair_len, json_string_value(pair), json_string_length(pair)),
                  "row %zu of `%s`: pair `%.*s`", i, bytes, (int)record.pair_len, record.pair);
        json_t *id = json_loadb(record.id, record.id_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        cr_assert(json_equal(id, json_array_get(row, 0)), "row %zu of `%s`: id %.*s", i, bytes,
                  (int)record.id_len, record.id);
        json_decref(id);
    }
    if (json_is_true(json_object_get(golden, "unclosed")))
        cr_assert(next_record() == INK_E_FORMAT || (record.error && strstr(record.error, "never closed")),
                  "`%s` does not close its quote", bytes);
    else
        cr_assert(next_record() == INK_OK && at_end, "`%s` has no more rows", bytes);
    ink__records_free(records);
}

Test(records_csv, values_are_those_of_pythons_csv_module, .timeout = 60)
{
    FILE *file = fopen(INK_TEST_DATA "/golden/io/csv.jsonl", "rb");
    cr_assert(file, "tests/golden/io/csv.jsonl is missing");
    size_t n = 0;
    for (json_t *golden; (golden = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)); ++n) {
        compare_with_python(golden);
        json_decref(golden);
    }
    fclose(file);
    cr_expect(n == 600, "%zu files compared", n);
}
