/* fastText's lines as records: labels in front, then the text. */
#include "io/reader.h"

TestSuite(records_fasttext, .init = make_scratch, .fini = remove_scratch);

static void open_labelled(const char *name, const char *text)
{
    const char *path = scratch_text(name, text);
    const ink__records_options options = {
        .inputs = &path, .n_inputs = 1, .format = INK_FORMAT_FASTTEXT, .label = "label"};
    assert_ok(ink__records_open(&records, &options, &err), err);
}

static bool label_is(size_t i, const char *wanted)
{
    return i < record.n_labels && same(record.labels[i].text, record.labels[i].len, wanted, strlen(wanted));
}

Test(records_fasttext, labels_stand_in_front_of_the_text)
{
    open_labelled("x.txt", "\xEF\xBB\xBF__label__pos  A good film .\r\n"
                           "__label__a\t__label__b,c __label__\xC3\xA9 text with __label__x \n"
                           " __label__only\n"
                           "__label__bad\xFF t\xFFt");
    expect_record("1", "A good film .");
    cr_expect(record.n_labels == 1 && !record.label_list && label_is(0, "pos"));
    expect_record("2", "text with __label__x ");
    cr_expect(record.n_labels == 3 && record.label_list);
    cr_expect(label_is(0, "a") && label_is(1, "b,c") && label_is(2, "\xC3\xA9"));
    expect_record("3", "");
    cr_expect(label_is(0, "only") && record.line == 3);
    expect_record("4", "t\xEF\xBF\xBDt");
    cr_expect(label_is(0, "bad\xEF\xBF\xBD") && record.bad_bytes == 2);
    expect_end();
}

Test(records_fasttext, a_line_without_a_label_is_bad_where_labels_are_wanted)
{
    open_labelled("x.txt", "text\n\n__label__ text\n__label_x text\n__label__y\n");
    expect_bad_record("1", "x.txt: line 1: no label, wanted the likes of \"__label__positive\" in front");
    expect_bad_record("2", "x.txt: line 2: no label");
    expect_bad_record("3", "x.txt: line 3: a label is empty");
    expect_bad_record("4", "line 4: no label");
    expect_record("5", "");
    expect_end();
}

Test(records_fasttext, without_a_wish_for_labels_they_are_skipped)
{
    open_text("x.ft", "__label__a __label__ good\n  plain\n\n__label__");
    expect_record("1", "good");
    cr_expect(record.n_labels == 0);
    expect_record("2", "  plain");
    expect_record("3", "");
    expect_record("4", "");
    expect_end();
    open_text("x.FASTTEXT", "");
    expect_end();
}

Test(records_fasttext, nul_is_a_space_between_labels)
{
    open_bytes("x.ft", "__label__a\0b\0c\n", 15);
    expect_record_bytes("1", "b\0c", 3);
    expect_end();
}

Test(records_fasttext, there_are_no_fields_to_ask_for)
{
    const char *path = scratch_text("x.ft", "a\n");
    ink__records_options options = {.inputs = &path, .n_inputs = 1, .text = "review"};
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG,
                   "x.ft: is read as fastText lines, which have no field \"review\"");
    options.text = NULL, options.label = "topic";
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG, "no field \"topic\"");
}

Test(records_fasttext, a_line_over_the_limit_is_skipped_and_reported, .timeout = 60)
{
    const char *path = scratch_huge("x.ft", "__label__a ", INK__RECORD_MAX, "\n__label__b two\n");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_bad_record("1", "x.ft: line 1: has 67108875 bytes, at most 67108864 are read");
    expect_record("2", "two");
    expect_end();
}
