/* Labels and further fields of records: one or a list, as each format writes them, and a sentence where a
 * record has none. */
#include "io/reader.h"

TestSuite(records_labels, .init = make_scratch, .fini = remove_scratch);

static void open_labelled(const char *name, const char *text, const char *label)
{
    static const char *const more[] = {"domain", "stars"};
    const char *path = scratch_text(name, text);
    const ink__records_options options = {
        .inputs = &path, .n_inputs = 1, .label = label, .fields = more, .n_fields = 2};
    assert_ok(ink__records_open(&records, &options, &err), err);
}

/* The labels of the record, each behind a "|": "|a|b". */
static const char *labels_of(const ink__record *r)
{
    static char text[1024];
    size_t len = 0;
    for (size_t i = 0; i < r->n_labels; ++i)
        len += (size_t)snprintf(text + len, sizeof text - len, "|%.*s", (int)r->labels[i].len,
                                r->labels[i].text);
    text[len] = '\0';
    return text;
}

#define expect_labels(wanted_list, wanted)                                                                   \
    do {                                                                                                     \
        assert_ok(next_record(), err);                                                                       \
        cr_assert(!at_end && !record.error, "%s", at_end ? "no more records" : record.error);                \
        cr_expect(record.label_list == (wanted_list), "%s", labels_of(&record));                             \
        cr_expect_str_eq(labels_of(&record), wanted);                                                        \
    } while (0)

#define expect_bad(wanted)                                                                                   \
    do {                                                                                                     \
        assert_ok(next_record(), err);                                                                       \
        cr_assert(!at_end && record.error, "the record is fine, wanted `%s`", (wanted));                     \
        cr_expect(strstr(record.error, (wanted)), "the sentence is `%s`, wanted `%s` in it", record.error,   \
                  (wanted));                                                                                 \
        cr_expect(record.n_labels == 0 && !record.labels && !record.label_list && !record.fields);           \
    } while (0)

Test(records_labels, a_json_string_number_or_boolean_is_one_label)
{
    open_labelled("x.jsonl",
                  "{\"text\":\"a\",\"label\":\"very \\u00e9\"}\n"
                  "{\"text\":\"a\",\"label\":1.10 , \"labels\":[\"x\"]}\n"
                  "{\"text\":\"a\",\"label\":true}\n"
                  "{\"text\":\"a\",\"label\":\"x\",\"lab\\u0065l\" : -1e999}\n",
                  "label");
    expect_labels(false, "|very \xC3\xA9");
    expect_labels(false, "|1.10");
    expect_labels(false, "|true");
    expect_labels(false, "|-1e999");
    expect_end();
}

Test(records_labels, a_json_array_is_a_list_of_any_length)
{
    open_labelled("x.jsonl",
                  "{\"text\":\"a\",\"labels\":[\"joy, or not\", 7 ,false,\"\\\"]\"]}\n"
                  "{\"text\":\"a\",\"labels\":[]}\n"
                  "{\"text\":\"a\",\"label\":[ \"b\" ]}\n"
                  "{\"text\":\"a\",\"labels\":\"c\"}\n",
                  "label");
    expect_labels(true, "|joy, or not|7|false|\"]");
    expect_labels(true, "");
    expect_labels(true, "|b");
    expect_labels(false, "|c");
    expect_end();
}

Test(records_labels, a_json_record_without_a_label_says_file_and_line)
{
    open_labelled("x.jsonl",
                  "{\"text\":\"a\"}\n"
                  "{\"text\":\"a\",\"label\":null}\n"
                  "{\"text\":\"a\",\"label\":\"\"}\n"
                  "{\"text\":\"a\",\"label\":{\"a\":1}}\n"
                  "{\"text\":\"a\",\"labels\":[\"b\",null]}\n"
                  "{\"text\":\"a\",\"labels\":[[\"b\"]]}\n"
                  "{\"text\":\"a\",\"labels\":[\"\"]}\n",
                  "label");
    expect_bad("x.jsonl: line 1: no field \"label\" (fields: \"text\"); name one with --label NAME");
    expect_bad("x.jsonl: line 2: field \"label\" is null, wanted a label or a list of them");
    expect_bad("line 3: field \"label\" is empty");
    expect_bad("line 4: field \"label\" is an object");
    expect_bad("line 5: item 2 of field \"labels\" is null, wanted a label");
    expect_bad("line 6: item 1 of field \"labels\" is an array");
    expect_bad("line 7: item 1 of field \"labels\" is empty");
    expect_end();
}

Test(records_labels, a_field_that_was_named_has_no_substitute)
{
    open_labelled("x.jsonl", "{\"text\":\"a\",\"labels\":[\"b\"]}\n{\"text\":\"a\",\"topic\":\"t\"}\n",
                  "topic");
    expect_bad("line 1: no field \"topic\"");
    expect_labels(false, "|t");
    expect_end();
    open_labelled("x.csv", "text,labels\na,b\n", "topic");
    expect_failure(next_record(), err, INK_E_FORMAT,
                   "x.csv: no column \"topic\" (columns: \"text\", \"labels\"); name one with --label NAME");
    ink__records_free(records);
}

Test(records_labels, labels_that_are_not_wanted_are_not_read)
{
    open_labelled("x.jsonl", "{\"text\":\"a\",\"label\":null}\n", NULL);
    expect_labels(false, "");
    expect_end();
    open_labelled("x.csv", "text,label\na,\n", NULL);
    expect_labels(false, "");
    expect_end();
}

Test(records_labels, a_cell_is_one_label)
{
    open_labelled("x.csv", "label,text\n\"a, b\",x\n[1],x\n,x\n 5 ,\"y\nz\"\n", "label");
    expect_labels(false, "|a, b");
    cr_expect(record.line == 2 && strstr(record.source, "/x.csv"));
    expect_labels(false, "|[1]");
    expect_bad("x.csv: line 4: column \"label\" is empty, wanted a label");
    cr_expect(record.line == 4);
    expect_labels(false, "| 5 ");
    cr_expect(record.line == 5);
    expect_end();
}

Test(records_labels, a_cell_of_the_column_labels_is_a_list)
{
    open_labelled("x.csv",
                  "text,labels\n"
                  "x,joy\n"
                  "x,\" joy , great surprise,27\"\n"
                  "x,\n"
                  "x,  \n"
                  "x,[]\n"
                  "x,\"[\"\"joy\"\", 'it\\'s, so'  ,3.0 , True]\"\n"
                  "x,\"[\"\"\\u00e9\\ud83d\\ude00\\ud800\\n\\\"\"\"\", '\\xa0\\U0001F600\\q']\"\n"
                  "x,\"['\xC3\xA9']\"\n",
                  "label");
    expect_labels(true, "|joy");
    expect_labels(true, "|joy|great surprise|27");
    expect_labels(true, "");
    expect_labels(true, "");
    expect_labels(true, "");
    expect_labels(true, "|joy|it's, so|3.0|True");
    expect_labels(true, "|\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBD\n\"|\xC2\xA0\xF0\x9F\x98\x80q");
    expect_labels(true, "|\xC3\xA9");
    expect_end();
    open_labelled("x.csv", "labels,text\n\"a,b\",x\n", "labels");
    expect_labels(true, "|a|b");
    expect_end();
}

Test(records_labels, a_cell_that_is_no_list_says_so)
{
    static const char *const cells[] = {"a,,b",  "a,",        ",",      "[",    "[a",   "['a'",
                                        "['a]",  "['a' 'b']", "[,]",    "['']", "[a,]", "[a]b",
                                        "['a',", "['\\",      "['\\']", "[a]]"};
    char text[1000] = "text,labels\n";
    for (size_t i = 0; i < sizeof cells / sizeof *cells; ++i)
        snprintf(text + strlen(text), sizeof text - strlen(text), "x,\"%s\"\n", cells[i]);
    open_labelled("x.csv", text, "label");
    for (size_t i = 0; i < sizeof cells / sizeof *cells; ++i) {
        assert_ok(next_record(), err);
        cr_expect(!at_end && record.error && strstr(record.error, ": column \"labels\" is no list of labels"),
                  "%s: %s", cells[i], labels_of(&record));
    }
    expect_end();
}

Test(records_labels, the_column_label_comes_before_labels_and_one_must_be_there)
{
    open_labelled("x.csv", "labels,text,label\n\"a,b\",x,c\n", "label");
    expect_labels(false, "|c");
    expect_end();
    open_labelled("x.csv", "text,tag\nx,a\n", "label");
    expect_failure(next_record(), err, INK_E_FORMAT,
                   "x.csv: no column \"label\" (columns: \"text\", \"tag\"); name one with --label NAME");
    ink__records_free(records);
    open_labelled("x.csv", "text,label,label\nx,a,b\n", "label");
    expect_failure(next_record(), err, INK_E_FORMAT, "columns 2 and 3 are both named \"label\"");
    ink__records_free(records);
}

Test(records_labels, further_fields_come_along_as_text)
{
    open_labelled("x.jsonl",
                  "{\"text\":\"a\",\"domain\":\"b\\u0000c\",\"stars\":4.50}\n"
                  "{\"text\":\"a\",\"stars\":null,\"domain\":[1, \"x\"]}\n"
                  "{\"text\":\"a\",\"domain\":\"\"}\n",
                  NULL);
    assert_ok(next_record(), err);
    cr_expect(same(record.fields[0].text, record.fields[0].len, "b\0c", 3));
    cr_expect(same(record.fields[1].text, record.fields[1].len, "4.50", 4));
    cr_expect(record.line == 1 && strstr(record.source, "/x.jsonl"));
    assert_ok(next_record(), err);
    cr_expect(same(record.fields[0].text, record.fields[0].len, "[1, \"x\"]", 8));
    cr_expect(!record.fields[1].text);
    assert_ok(next_record(), err);
    cr_expect(record.fields[0].text && record.fields[0].len == 0 && !record.fields[1].text);
    cr_expect(record.line == 3);
    expect_end();
    open_labelled("x.csv", "stars,text\n\"a \"\"b\"\"\",x\n", NULL);
    assert_ok(next_record(), err);
    cr_expect(!record.fields[0].text, "there is no column \"domain\"");
    cr_expect(same(record.fields[1].text, record.fields[1].len, "a \"b\"", 5));
    expect_end();
}

Test(records_labels, lines_have_none)
{
    const char *path = scratch_text("x.txt", "a\n");
    static const char *const more[] = {"domain"};
    const ink__records_options labelled = {.inputs = &path, .n_inputs = 1, .label = "label"};
    const ink__records_options sliced = {.inputs = &path, .n_inputs = 1, .fields = more, .n_fields = 1};
    expect_failure(ink__records_open(&records, &labelled, &err), err, INK_E_ARG,
                   "x.txt: is read as lines, which have no labels; name another format");
    expect_failure(ink__records_open(&records, &sliced, &err), err, INK_E_ARG, "have no field \"domain\"");
    open_text("x.txt", "a\nb");
    expect_record("1", "a");
    cr_expect(record.line == 1 && record.n_labels == 0 && strstr(record.source, "/x.txt"));
    expect_record("2", "b");
    cr_expect(record.line == 2);
    expect_end();
}
