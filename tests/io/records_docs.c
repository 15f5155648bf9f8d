/* Documents as records: a file is a text, a folder its files, and what is wrong with one spoils no other. */
#include "io/reader.h"
#include "io/packed.h"

#include <fcntl.h>

TestSuite(records_docs, .init = make_scratch, .fini = remove_scratch);

static void make_dir(const char *name)
{
    cr_assert(mkdir(scratch_path(name), 0700) == 0, "%s", name);
}

static void open_scratch(const char *name, ink_format format)
{
    const char *path = scratch_path(name);
    open_inputs(&path, 1, format);
}

/* "<scratch>/name" as JSON, in one of a few static buffers. */
static const char *id_of(const char *name)
{
    static char ids[4][600];
    static int next;
    char *id = ids[next++ % 4];
    snprintf(id, sizeof ids[0], "\"%s/%s\"", scratch, name);
    return id;
}

Test(records_docs, a_folder_is_its_files_in_byte_order_of_their_paths)
{
    make_dir("d"), make_dir("d/a"), make_dir("d/a/z"), make_dir("d/empty"), make_dir("d/.hidden");
    scratch_text("d/a/z/1", "a/z/1"), scratch_text("d/a/x", "a/x"), scratch_text("d/a-b", "a-b");
    scratch_text("d/a0", "a0"), scratch_text("d/B.csv", "text\nB\r\n"), scratch_text("d/\xC3\xA9", "e");
    scratch_text("d/.hidden/x", "no"), scratch_text("d/.DS_Store", "no");
    cr_assert(mkfifo(scratch_path("d/fifo"), 0600) == 0);
    uint64_t read, total;
    open_scratch("d", INK_FORMAT_AUTO);
    ink__records_progress(&read, &total, records);
    cr_expect(total == 0);
    expect_record(id_of("d/B.csv"), "text\nB\r\n");
    expect_record(id_of("d/a-b"), "a-b");
    expect_record(id_of("d/a/x"), "a/x");
    expect_record(id_of("d/a/z/1"), "a/z/1");
    cr_expect(strstr(record.source, "/d/a/z/1") && record.line == 0);
    expect_record(id_of("d/a0"), "a0");
    expect_record(id_of("d/\xC3\xA9"), "e");
    expect_end();
    open_scratch("d/a/", INK_FORMAT_AUTO);
    expect_record(id_of("d/a/x"), "a/x");
    expect_record(id_of("d/a/z/1"), "a/z/1");
    expect_end();
    open_scratch("d/empty", INK_FORMAT_AUTO);
    expect_end();
}

Test(records_docs, links_to_files_are_followed_and_circles_are_not)
{
    make_dir("d"), make_dir("d/sub"), make_dir("other");
    scratch_text("d/sub/x", "x"), scratch_text("other/y", "y");
    cr_assert(symlink("../other/y", scratch_path("d/link")) == 0);
    cr_assert(symlink("..", scratch_path("d/sub/up")) == 0);
    cr_assert(symlink("nowhere", scratch_path("d/broken")) == 0);
    cr_assert(symlink("d", scratch_path("named")) == 0);
    open_scratch("named", INK_FORMAT_AUTO);
    expect_bad_record(id_of("named/broken"), "/named/broken: cannot be opened: No such file");
    expect_record(id_of("named/link"), "y");
    expect_record(id_of("named/sub/x"), "x");
    expect_end();
}

Test(records_docs, a_file_that_cannot_be_read_is_a_bad_record)
{
    char out[1000];
    make_dir("d"), make_dir("d/closed");
    scratch_text("d/closed/x", "x");
    scratch_bytes("d/cut.gz", out, pack_gzip(out, sizeof out, "text", 4) - 3);
    scratch_text("d/plain.zst", "plain");
    scratch_bytes("d/utf16", "\xFF\xFEx\0", 4);
    scratch_text("d/word.docx", "PK\3\4");
    scratch_text("d/z", "fine");
    chmod(scratch_path("d/closed"), 0);
    chmod(scratch_path("d"), 0755);
    become_nobody();
    open_scratch("d", INK_FORMAT_AUTO);
    expect_bad_record(id_of("d/closed"), "/d/closed: cannot be opened: Permission denied");
    expect_bad_record(id_of("d/cut.gz"), "/d/cut.gz: ends in the middle of its compressed data");
    expect_bad_record(id_of("d/plain.zst"), "/d/plain.zst: its zstd data is broken");
    expect_bad_record(id_of("d/utf16"), "/d/utf16: is UTF-16");
    expect_bad_record(id_of("d/word.docx"), "/d/word.docx: is a zip archive");
    expect_record(id_of("d/z"), "fine");
    cr_expect(record.number == 6);
    expect_end();
    become_ourselves_again();
    chmod(scratch_path("d/closed"), 0700);
}

Test(records_docs, text_is_mended_and_keeps_its_line_breaks)
{
    make_dir("d");
    scratch_bytes("d/a\xFF\"", "\xEF\xBB\xBFone\r\n\0t\xFFo\n", 13);
    scratch_text("d/b", "");
    open_scratch("d", INK_FORMAT_AUTO);
    expect_record_bytes(id_of("d/a\xEF\xBF\xBD\\\""), "one\r\n\0t\xEF\xBF\xBDo\n", 12);
    cr_expect(record.bad_bytes == 1, "%zu", record.bad_bytes);
    expect_record(id_of("d/b"), "");
    expect_end();
}

Test(records_docs, inputs_mix_each_in_its_own_way)
{
    char out[1000];
    make_dir("d");
    scratch_bytes("d/x.txt.gz", out, pack_gzip(out, sizeof out, "one\n", 4));
    const char *const paths[] = {scratch_path("d"), scratch_text("x.csv", "text\ntwo\n"),
                                 scratch_text("x.txt", "three")};
    open_inputs(paths, 3, INK_FORMAT_AUTO);
    expect_record(id_of("d/x.txt.gz"), "one\n");
    expect_record("2", "two");
    expect_record("3", "three");
    expect_end();
    open_inputs(paths, 3, INK_FORMAT_DOCS);
    expect_record(id_of("d/x.txt.gz"), "one\n");
    expect_record(id_of("x.csv"), "text\ntwo\n");
    expect_record(id_of("x.txt"), "three");
    expect_end();
    open_inputs(paths, 1, INK_FORMAT_LINES);
    expect_record("1", "one");
    expect_end();
}

Test(records_docs, standard_input_is_one_document_with_a_number, .timeout = 10)
{
    int ends[2];
    cr_assert(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    open_inputs(NULL, 0, INK_FORMAT_DOCS);
    cr_assert(write(ends[1], "a\nb\n", 4) == 4);
    cr_expect(!ink__records_ready(records), "more may come");
    close(ends[1]);
    expect_record("1", "a\nb\n");
    expect_end();
}

Test(records_docs, documents_have_no_fields)
{
    make_dir("d");
    const char *path = scratch_path("d");
    ink__records_options options = {.inputs = &path, .n_inputs = 1, .id = "key"};
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG,
                   "/d: is read as documents, which have no field \"key\"");
    options.id = NULL, options.label = "label";
    expect_failure(ink__records_open(&records, &options, &err), err, INK_E_ARG, "which have no labels");
}

Test(records_docs, a_document_over_the_limit_is_reported_and_not_read_to_its_end, .timeout = 60)
{
    make_dir("d");
    scratch_huge("d/a", "", INK__RECORD_MAX - 1, "x");
    scratch_huge("d/b", "", INK__RECORD_MAX, "x");
    scratch_huge("d/c", "", (size_t)1 << 40, "x");
    scratch_text("d/d", "fine");
    open_scratch("d", INK_FORMAT_AUTO);
    assert_ok(next_record(), err);
    cr_expect(!record.error && record.text_len == INK__RECORD_MAX);
    expect_bad_record(id_of("d/b"), "/d/b: has more than the 67108864 bytes that are read of a document");
    expect_bad_record(id_of("d/c"), "/d/c: has more than the 67108864 bytes");
    expect_record(id_of("d/d"), "fine");
    expect_end();
}

Test(records_docs, a_million_files_would_be_walked_a_directory_at_a_time)
{
    char name[64];
    make_dir("d");
    for (int i = 0; i < 40; ++i) {
        snprintf(name, sizeof name, "d/%02d", i);
        make_dir(name);
        for (int j = 0; j < 30; ++j) {
            snprintf(name, sizeof name, "d/%02d/%02d", i, j);
            scratch_text(name, name);
        }
    }
    open_scratch("d", INK_FORMAT_AUTO);
    for (int i = 0; i < 1200; ++i) {
        snprintf(name, sizeof name, "d/%02d/%02d", i / 30, i % 30);
        expect_record(id_of(name), name);
    }
    expect_end();
}
