/* Blocks of lines as records: a blank line parts them. */
#include "io/reader.h"

TestSuite(records_blocks, .init = make_scratch, .fini = remove_scratch);

static void open_blocks(const char *text)
{
    const char *path = scratch_text("x.txt", text);
    open_inputs(&path, 1, INK_FORMAT_BLOCKS);
}

Test(records_blocks, lines_up_to_a_blank_one_are_a_text)
{
    open_blocks("\xEF\xBB\xBFTitle\r\nA line.\r\n\r\nNext\n \t\n\n\n  Last one\nand its end");
    expect_record("1", "Title\nA line.");
    cr_expect(record.line == 1);
    expect_record("2", "Next");
    cr_expect(record.line == 4);
    expect_record("3", "  Last one\nand its end");
    cr_expect(record.line == 8);
    expect_end();
}

Test(records_blocks, blank_lines_alone_are_no_text)
{
    open_blocks("\n\n \n");
    expect_end();
    open_blocks("");
    expect_end();
    open_blocks("\n\na\n\n\n");
    expect_record("1", "a");
    expect_end();
}

Test(records_blocks, ill_formed_bytes_are_mended_and_nul_is_no_space)
{
    const char *path = scratch_bytes("x.txt", "a\xFF\nb\n\n\0\n\nc\n", 11);
    open_inputs(&path, 1, INK_FORMAT_BLOCKS);
    expect_record("1", "a\xEF\xBF\xBD\nb");
    cr_expect(record.bad_bytes == 1);
    expect_record_bytes("2", "\0", 1);
    expect_record("3", "c");
    expect_end();
}

Test(records_blocks, every_input_ends_its_last_block)
{
    const char *paths[] = {scratch_text("a.txt", "one\ntwo\n"), scratch_text("b.txt", "three\n")};
    open_inputs(paths, 2, INK_FORMAT_BLOCKS);
    expect_record("1", "one\ntwo");
    expect_record("2", "three");
    cr_expect(record.line == 1);
    expect_end();
}

Test(records_blocks, lines_that_come_in_pieces_are_the_same_block)
{
    enum { LINES = 30000, LINE = 20 };
    static char text[LINES * LINE + 8];
    for (size_t i = 0; i < LINES; ++i)
        snprintf(text + i * LINE, LINE + 1, "line %013zu.\n", i);
    memcpy(text + LINES * LINE, "\nend", 4);
    const char *path = scratch_bytes("x.txt", text, LINES * LINE + 4);
    open_inputs(&path, 1, INK_FORMAT_BLOCKS);
    expect_record_bytes("1", text, LINES * LINE - 1);
    expect_record("2", "end");
    cr_expect(record.line == LINES + 2);
    expect_end();
}

Test(records_blocks, a_block_over_the_limit_is_skipped_and_reported, .timeout = 60)
{
    const char *path = scratch_huge("x.txt", "a\n", INK__RECORD_MAX - 1, "\nb\n\ntwo\n");
    open_inputs(&path, 1, INK_FORMAT_BLOCKS);
    expect_bad_record("1",
                      "x.txt: line 1: the lines from here to the next blank one have more than 67108864");
    expect_record("2", "two");
    expect_end();
}

Test(records_blocks, there_are_no_fields_to_ask_for)
{
    const char *path = scratch_text("x.txt", "a\n");
    const ink__records_options options = {
        .inputs = &path, .n_inputs = 1, .format = INK_FORMAT_BLOCKS, .text = "review"};
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG,
                   "x.txt: is read as blocks of lines, which have no field \"review\"");
}
