/* Tab-separated values as records: quoted as spreadsheets write them, or not at all. */
#include "io/reader.h"

TestSuite(records_tsv, .init = make_scratch, .fini = remove_scratch);

Test(records_tsv, fields_are_quoted_as_in_csv)
{
    open_text("x.tsv", "\xEF\xBB\xBFid\t\"text\"\tstars\r\n"
                       "1\t\"a \"\"b\"\", c\r\nd\te\"\t5\r\n"
                       "\r\n"
                       "2\t x, \t\n"
                       "\"3\"\t\"\"\t5");
    expect_record("\"1\"", "a \"b\", c\r\nd\te");
    expect_record("\"2\"", " x, ");
    cr_expect(record.line == 5);
    expect_record("\"3\"", "");
    expect_end();
}

Test(records_tsv, a_row_with_text_behind_a_closing_quote_is_read_as_it_stands)
{
    open_text("x.tab", "id\ttext\r\n"
                       "1\t\"Good\" is not \"good\"\r\n"
                       "\"2\"\t\"A\"\" b\"c\"\"\n"
                       "3\tsay \"x\"\n"
                       "4\t\"\"a\"\"\xFF\n"
                       "5\t\"well\"");
    expect_record("\"1\"", "\"Good\" is not \"good\"");
    expect_record("\"\\\"2\\\"\"", "\"A\"\" b\"c\"\"");
    expect_record("\"3\"", "say \"x\"");
    expect_record("\"4\"", "\"\"a\"\"\xEF\xBF\xBD");
    cr_expect(record.bad_bytes == 1, "%zu", record.bad_bytes);
    expect_record("\"5\"", "well");
    expect_end();
    open_text("x.tsv", "\"a\"b\ttext\n1\tx\n");
    expect_record("1", "x");
    expect_end();
}

Test(records_tsv, a_quote_that_swallows_lines_is_a_bad_record)
{
    open_text("x.tsv", "id\ttext\n"
                       "1\t\"The best\n"
                       "2\t\"Great\" fun\n"
                       "3\tfine\n"
                       "4\t\"never\n");
    expect_bad_record("\"1\"", "x.tsv: line 2: a quoted field has text behind its closing quote in line 3");
    expect_record("\"3\"", "fine");
    expect_bad_record("3", "x.tsv: line 5: a quote is opened here and never closed");
    expect_end();
}

Test(records_tsv, a_row_of_the_wrong_length_is_a_bad_record)
{
    open_text("x.tsv", "id\ttext\n1,a\n2\ta\tb\n3\tc\n");
    expect_bad_record("\"1,a\"", "x.tsv: line 2: 1 field, the header has 2");
    expect_bad_record("\"2\"", "x.tsv: line 3: 3 fields, the header has 2");
    expect_record("\"3\"", "c");
    expect_end();
}

Test(records_tsv, a_header_made_for_another_delimiter_gets_a_hint)
{
    open_text("x.tsv", "id,text\n1,a\n");
    expect_failure(next_record(), err, INK_E_FORMAT,
                   "x.tsv: no column \"text\" (columns: \"id,text\"); there is no tab in it: is it CSV");
    ink__records_free(records);
    open_text("x.csv", "id\ttext\n1\ta\n");
    expect_failure(next_record(), err, INK_E_FORMAT, "; there are tabs in it: is it TSV (--format tsv)?");
    ink__records_free(records);
    open_text("x.csv", "id;text\n1;a\n");
    expect_failure(next_record(), err, INK_E_FORMAT,
                   "; its columns seem to be separated by \";\" (--delimiter ';')");
    ink__records_free(records);
    open_text("x.csv", "body\na\n");
    expect_failure(next_record(), err, INK_E_FORMAT, "x.csv: no column \"text\" (columns: \"body\")");
    cr_expect(!strstr(err.text, "is it"), "%s", err.text);
    ink__records_free(records);
}

Test(records_tsv, labels_and_ids_come_from_columns)
{
    const char *path = scratch_text("x.tsv", "sentence\tlabels\tidx\na\tjoy, anger\t7\nb\t\t8\n");
    const ink__records_options options = {
        .inputs = &path, .n_inputs = 1, .text = "sentence", .id = "idx", .label = "label"};
    assert_ok(ink__records_open(&records, &options, &err), err);
    expect_record("\"7\"", "a");
    cr_assert(record.n_labels == 2 && record.label_list);
    cr_expect(same(record.labels[1].text, record.labels[1].len, "anger", 5));
    expect_record("\"8\"", "b");
    cr_expect(record.n_labels == 0 && record.label_list);
    expect_end();
}

Test(records_tsv, nul_bad_bytes_and_empty_files_are_as_in_csv)
{
    open_bytes("x.tsv", "text\tb\nx\0\xFF\ty\n", 13);
    expect_record_bytes("1", "x\0\xEF\xBF\xBD", 5);
    cr_expect(record.bad_bytes == 1);
    expect_end();
    open_text("x.tsv", "");
    expect_end();
    open_text("x.tsv", "text\tid");
    expect_end();
}

Test(records_tsv, a_row_over_the_limit_is_skipped_and_reported, .timeout = 100)
{
    const char *path = scratch_huge("x.tsv", "id\ttext\n1\t\"", INK__RECORD_MAX, "\"\n2\tb\n");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_bad_record("\"1\"", "x.tsv: line 2: the row has 67108869 bytes, at most 67108864 are read");
    expect_record("\"2\"", "b");
    expect_end();
}
