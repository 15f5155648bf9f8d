/* Inputs one after the other: which format, which order, standard input, pipes, and what is refused at once.
 */
#include "io/reader.h"

#include <fcntl.h>
#include <signal.h>

TestSuite(records, .init = make_scratch, .fini = remove_scratch);

static ink_status open_one(const char *path, ink_format format)
{
    ink__records_options options = {0};
    options.inputs = &path, options.n_inputs = 1, options.format = format;
    return ink__records_open(&records, &options, &err);
}

Test(records, inputs_follow_each_other_each_in_its_format)
{
    const char *const paths[] = {scratch_text("a.txt", "\xEF\xBB\xBFone\ntwo"), scratch_text("empty.csv", ""),
                                 scratch_text("b.CSV", "\xEF\xBB\xBFtext\nthree\n"),
                                 scratch_text("c.ndjson", "\xEF\xBB\xBF{\"text\":\"four\"}\nx"),
                                 scratch_text("d", "five\n")};
    uint64_t read, total;
    open_inputs(paths, 5, INK_FORMAT_AUTO);
    ink__records_progress(&read, &total, records);
    cr_expect(read == 0 && total == 49, "%llu of %llu", (unsigned long long)read, (unsigned long long)total);
    expect_record("1", "one");
    expect_record("2", "two");
    expect_record("3", "three");
    expect_record("4", "four");
    expect_bad_record("5", "c.ndjson: line 2: is not JSON");
    expect_record("6", "five");
    ink__records_progress(&read, &total, records);
    cr_expect(read == total);
    expect_end();
}

Test(records, a_format_that_is_asked_for_comes_before_the_ending)
{
    const char *path = scratch_text("x.csv", "{\"text\":\"a\"}\n");
    open_inputs(&path, 1, INK_FORMAT_JSONL);
    expect_record("1", "a");
    expect_end();
    open_inputs(&path, 1, INK_FORMAT_LINES);
    expect_record("1", "{\"text\":\"a\"}");
    expect_end();
    path = scratch_text("x.tsv", "a\tb\n");
    open_inputs(&path, 1, INK_FORMAT_LINES);
    expect_record("1", "a\tb");
    expect_end();
    open_inputs(&path, 1, INK_FORMAT_DOCS);
    assert_ok(next_record(), err);
    cr_expect(same(record.text, record.text_len, "a\tb\n", 4));
    expect_end();
}

Test(records, what_cannot_be_read_is_refused_before_the_first_record)
{
    expect_failure(open_one("/nowhere/x", INK_FORMAT_AUTO), err, INK_E_IO,
                   "/nowhere/x: cannot be opened: No such file");
    expect_failure(open_one("", INK_FORMAT_AUTO), err, INK_E_IO, "No such file");
    const char *tsv = scratch_text("x.tsv", "");
    expect_failure(open_one(tsv, (ink_format)17), err, INK_E_ARG, "17 is no format of records");

    const char *const paths[] = {scratch_text("a", "one\n"), scratch_path("missing")};
    ink__records_options options = {0};
    options.inputs = paths, options.n_inputs = 2;
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_IO, "missing: cannot be opened");
    cr_expect(records == NULL);
    options.inputs = NULL;
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG, "2 inputs, but no paths");
    const char *const gap[] = {paths[0], NULL};
    options.inputs = gap;
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG, "input 2 of 2 has no path");
}

Test(records, an_ending_that_is_no_text_is_refused_where_no_format_is_asked_for)
{
    static const struct {
        const char *name, *says;
    } files[] = {
        {"x.xlsx", "x.xlsx: is by its name (.xlsx) a spreadsheet; save it as CSV"},
        {"X.PDF", "X.PDF: is by its name (.pdf) a document with formatting"},
        {"x.parquet", "(.parquet) a file of columns; write it as JSON lines or CSV"},
        {"x.csv.bz2", "(.bz2) compressed or packed in a way that is not read"},
        {"x.docx.gz", "(.docx) a document"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        const char *path = scratch_text(files[i].name, "");
        expect_failure(open_one(path, INK_FORMAT_AUTO), err, INK_E_UNSUPPORTED, files[i].says);
        assert_ok(open_one(path, INK_FORMAT_LINES), err);
        expect_end();
    }
}

Test(records, bytes_that_are_surely_no_text_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *says;
    } files[] = {
        {"\xFF\xFE", 2, "x.txt: is UTF-16, wanted UTF-8 (iconv"},
        {"\xFE\xFF", 2, "is UTF-16"},
        {"PK\3\4", 4, "is a zip archive"},
        {"\x1F\x8B\x08", 3, "is compressed by gzip; zcat makes text of it"},
        {"\x28\xB5\x2F\xFD", 4, "is compressed by zstd"},
        {"BZh91AY&SY", 10, "is compressed by bzip2"},
        {"%PDF-", 5, "is a PDF file"},
        {"PAR1\x15", 5, "is a Parquet file"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        open_bytes("x.txt", files[i].bytes, files[i].len);
        expect_failure(next_record(), err, INK_E_UNSUPPORTED, files[i].says);
        ink__records_free(records);
        open_bytes("x.txt", files[i].bytes, files[i].len - 1);
        assert_ok(next_record(), err);
        cr_expect(!at_end && !record.error, "`%s` is only the beginning", files[i].says);
        ink__records_free(records);
    }
}

Test(records, lines_have_no_fields_to_ask_for)
{
    const char *path = scratch_text("x.txt", "a\n");
    ink__records_options options = {0};
    options.inputs = &path, options.n_inputs = 1, options.text = "text";
    assert_ok(ink__records_open(&records, &options, &err), err);
    ink__records_free(records);
    options.text = "review";
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG,
                   "x.txt: is read as lines, which have no field \"review\"");
    options.text = NULL, options.text_pair = "b";
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG, "no field \"b\"");
    options.text_pair = NULL, options.id = "key";
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG, "no field \"key\"");
}

/* Makes standard input the reading end of a new pipe; returns the writing end. */
static int feed_stdin(void)
{
    int ends[2];
    cr_assert(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    return ends[1];
}

static void say(int fd, const char *text)
{
    cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

Test(records, standard_input_is_read_where_no_input_is_named_or_a_dash, .timeout = 10)
{
    const char *const paths[] = {scratch_text("a", "one\n"), "-", scratch_text("b", "three\n")};
    uint64_t read, total;
    int writer = feed_stdin();
    say(writer, "two\n");
    close(writer);
    open_inputs(paths, 3, INK_FORMAT_AUTO);
    expect_record("1", "one");
    expect_record("2", "two");
    expect_record("3", "three");
    ink__records_progress(&read, &total, records);
    cr_expect(read == 14 && total == 0, "a pipe's length is not known");
    expect_end();

    writer = feed_stdin();
    say(writer, "{\"text\":3}");
    close(writer);
    open_inputs(NULL, 0, INK_FORMAT_JSONL);
    expect_bad_record("1", "standard input: line 1: field \"text\" is a number");
    expect_end();
}

Test(records, a_reader_is_ready_when_the_next_record_need_not_be_waited_for, .timeout = 10)
{
    const int writer = feed_stdin();
    open_inputs(NULL, 0, INK_FORMAT_AUTO);
    cr_expect(!ink__records_ready(records), "nothing was written yet");
    say(writer, "\xEF");
    cr_expect(!ink__records_ready(records), "it may be a byte order mark");
    say(writer, "\xBB\xBFon");
    cr_expect(!ink__records_ready(records), "half a line");
    say(writer, "e\ntwo\nthr");
    cr_expect(ink__records_ready(records));
    cr_expect(ink__records_ready(records), "asking twice takes nothing");
    expect_record("1", "one");
    cr_expect(ink__records_ready(records));
    expect_record("2", "two");
    cr_expect(!ink__records_ready(records));
    close(writer);
    cr_expect(ink__records_ready(records), "the end of the pipe ends the line");
    expect_record("3", "thr");
    cr_expect(ink__records_ready(records), "the end needs no waiting");
    expect_end();
}

Test(records, a_csv_row_is_ready_when_its_quotes_are_closed, .timeout = 10)
{
    const int writer = feed_stdin();
    open_inputs(NULL, 0, INK_FORMAT_CSV);
    say(writer, "text\n\"a\n");
    cr_expect(!ink__records_ready(records));
    say(writer, "b\"\n");
    cr_expect(ink__records_ready(records));
    expect_record("1", "a\nb");
    close(writer);
    expect_end();
}

Test(records, a_named_pipe_is_not_opened_before_its_turn, .timeout = 10)
{
    const char *const paths[] = {scratch_text("a", "one\n"), scratch_path("pipe")};
    cr_assert(mkfifo(paths[1], 0600) == 0);
    open_inputs(paths, 2, INK_FORMAT_AUTO);
    expect_record("1", "one");
    cr_expect(!ink__records_ready(records), "the pipe has no writer yet");
    const int writer = open(paths[1], O_RDWR);
    say(writer, "two\n");
    expect_record("2", "two");
    close(writer);
    expect_end();
}

Test(records, a_byte_at_a_time_makes_the_same_records, .timeout = 20)
{
    static const char text[] = "\xEF\xBB\xBFid,text\r\n1,\"a \"\"q\"\"\r\n\xC3\xA9\"x\r\n\r\n2,b";
    const int writer = feed_stdin();
    open_inputs(NULL, 0, INK_FORMAT_CSV);
    for (size_t i = 0; i < sizeof text - 1; ++i) {
        if (i == 29)
            break;
        cr_expect(!ink__records_ready(records), "after %zu bytes", i);
        cr_assert(write(writer, text + i, 1) == 1);
    }
    cr_expect(ink__records_ready(records), "the first row is complete");
    say(writer, text + 29);
    close(writer);
    expect_record("\"1\"", "a \"q\"\r\n\xC3\xA9x");
    expect_record("\"2\"", "b");
    expect_end();
}

Test(records, a_pipe_made_non_blocking_by_somebody_is_waited_for, .timeout = 10)
{
    const int writer = feed_stdin();
    cr_assert(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) == 0);
    open_inputs(NULL, 0, INK_FORMAT_AUTO);
    if (fork() == 0) {
        usleep(50000);
        _exit(write(writer, "one\n", 4) != 4);
    }
    expect_record("1", "one");
    close(writer);
    expect_end();
}

Test(records, a_read_that_fails_is_reported_and_stays)
{
    close(STDIN_FILENO);
    cr_assert(open(scratch, O_RDONLY | O_DIRECTORY) == STDIN_FILENO);
    open_inputs(NULL, 0, INK_FORMAT_AUTO);
    expect_failure(next_record(), err, INK_E_IO, "standard input: cannot be read: Is a directory");
    expect_failure(next_record(), err, INK_E_IO, "standard input: cannot be read: Is a directory");
    ink__records_free(records);
}
