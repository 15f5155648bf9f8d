/* Lines as records: where a line ends, what its bytes become, and how long it may be. */
#include "io/reader.h"

#include <sys/resource.h>

TestSuite(records_lines, .init = make_scratch, .fini = remove_scratch);

Test(records_lines, a_line_ends_with_a_newline_or_the_file)
{
    open_text("x.txt", "one\r\ntwo\n\n\r\nth\rree\r\r\nlast\r");
    expect_record("1", "one");
    expect_record("2", "two");
    expect_record("3", "");
    expect_record("4", "");
    expect_record("5", "th\rree\r");
    expect_record("6", "last\r");
    cr_expect(record.number == 6);
    expect_end();
}

Test(records_lines, a_newline_at_the_end_begins_no_record)
{
    open_text("x.txt", "one\n");
    expect_record("1", "one");
    expect_end();
    open_text("x.txt", "\n");
    expect_record("1", "");
    expect_end();
    open_text("empty", "");
    expect_end();
    open_text("x.txt", "\xEF\xBB\xBF");
    expect_end();
    open_text("x.txt", "\xEF\xBB");
    expect_record("1", "\xEF\xBF\xBD");
    expect_end();
}

Test(records_lines, a_byte_order_mark_is_skipped_at_the_start_only)
{
    open_text("x.txt", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo");
    expect_record("1", "one");
    expect_record("2", "\xEF\xBB\xBFtwo");
    expect_end();
}

Test(records_lines, bytes_that_are_not_utf8_are_replaced_and_counted)
{
    open_text("x.txt", "a\xFF\xC3(\xE2\x82\nfine\n\xED\xA0\x80");
    expect_record("1", "a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD");
    cr_expect(record.bad_bytes == 3, "%zu", record.bad_bytes);
    expect_record("2", "fine");
    cr_expect(record.bad_bytes == 0);
    expect_record("3", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    cr_expect(record.bad_bytes == 3);
    expect_end();
}

Test(records_lines, nul_is_a_character_like_any_other)
{
    open_bytes("x.txt", "a\0b\n\0", 5);
    expect_record_bytes("1", "a\0b", 3);
    expect_record_bytes("2", "\0", 1);
    expect_end();
}

Test(records_lines, lines_longer_than_the_buffer_arrive_whole)
{
    enum { LONG = 3000000 };
    char *text = malloc(LONG + 8);
    for (int i = 0; i < LONG; ++i)
        text[i] = (char)('a' + i % 23);
    memcpy(text + LONG, "\r\nnext\n", 7);
    open_bytes("x.txt", text, LONG + 7);
    expect_record_bytes("1", text, LONG);
    expect_record("2", "next");
    expect_end();
    free(text);
}

Test(records_lines, a_line_over_the_limit_is_skipped_and_reported, .timeout = 60)
{
    const char *path = scratch_huge("x.txt", "one\n", INK__RECORD_MAX, "\r\n");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_record("1", "one");
    assert_ok(next_record(), err);
    cr_expect(!record.error && record.text_len == INK__RECORD_MAX, "a line as long as the limit is read");
    expect_end();

    path = scratch_huge("x.txt", "one\n", INK__RECORD_MAX + 1, "\r\ntwo\n");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_record("1", "one");
    expect_bad_record("2", "x.txt: line 2: has 67108865 bytes, at most 67108864 are read");
    expect_record("3", "two");
    expect_end();
}

Test(records_lines, memory_is_bounded_whatever_the_line, .timeout = 60)
{
    const size_t size = (size_t)1 << 30;
    const char *path = scratch_huge("x.txt", "", size, "\nlast");
    open_inputs(&path, 1, INK_FORMAT_AUTO);
    expect_bad_record("1", "line 1: has 1073741824 bytes");
    expect_record("2", "last");
    expect_end();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    cr_expect(usage.ru_maxrss < MEMORY_LIMIT_KIB, "%ld KiB", usage.ru_maxrss);
}
