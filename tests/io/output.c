/* A job's output: standard output or a file, and what is said when the bytes find no place. */
#include "io/output.h"
#include "io/scratch.h"

#include <fcntl.h>
#include <signal.h>

TestSuite(output, .init = make_scratch, .fini = remove_scratch);

static ink_error err;
static ink__output *output;

/* Makes standard output this descriptor, which is closed. */
static void stdout_is(int fd)
{
    cr_assert(fd >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO);
    close(fd);
}

Test(output, a_file_is_there_whole_or_not_at_all)
{
    const char *path = scratch_path("out");
    assert_ok(ink__output_open(&output, path, &err), err);
    assert_ok(ink__output_write(output, "one\n", 4, &err), err);
    assert_ok(ink__output_flush(output, &err), err);
    ink__output_free(output);
    cr_expect(entries_in(scratch) == 0, "no commit, no file");

    assert_ok(ink__output_open(&output, path, &err), err);
    assert_ok(ink__output_write(output, "one\n", 4, &err), err);
    assert_ok(ink__output_rewrite(output, 0, "O", 1, &err), err);
    assert_ok(ink__output_write(output, "two\n", 4, &err), err);
    assert_ok(ink__output_commit(output, &err), err);
    ink__output_free(output);
    cr_expect(holds(path, "One\ntwo\n"));
}

Test(output, standard_output_is_written_in_pieces_and_on_demand)
{
    static const char *const names[] = {NULL, "-"};
    const char *path = scratch_text("out", "");
    for (int i = 0; i < 2; ++i) {
        struct stat info;
        char piece[1000];
        memset(piece, 'x', sizeof piece);
        stdout_is(open(path, O_WRONLY | O_TRUNC));
        assert_ok(ink__output_open(&output, names[i], &err), err);
        assert_ok(ink__output_write(output, "one\n", 4, &err), err);
        cr_expect(holds(path, ""), "it is collected");
        assert_ok(ink__output_flush(output, &err), err);
        cr_expect(holds(path, "one\n"), "until it is asked for");
        for (int n = 0; n < 100; ++n)
            assert_ok(ink__output_write(output, piece, sizeof piece, &err), err);
        cr_expect(stat(path, &info) == 0 && info.st_size >= 65536, "or there is much of it");
        expect_failure(ink__output_rewrite(output, 0, "O", 1, &err), err, INK_E_IO, "cannot be changed");
        assert_ok(ink__output_commit(output, &err), err);
        ink__output_free(output);
        cr_expect(stat(path, &info) == 0 && info.st_size == 100004);
    }
}

Test(output, a_full_disk_is_reported)
{
    stdout_is(open("/dev/full", O_WRONLY));
    assert_ok(ink__output_open(&output, NULL, &err), err);
    assert_ok(ink__output_write(output, "one\n", 4, &err), err);
    expect_failure(ink__output_commit(output, &err), err, INK_E_IO,
                   "standard output: cannot be written: No space left on device");
    ink__output_free(output);
    become_nobody();
    assert_ok(ink__output_open(&output, "/dev/full", &err), err);
    assert_ok(ink__output_write(output, "one\n", 4, &err), err);
    expect_failure(ink__output_flush(output, &err), err, INK_E_IO,
                   "/dev/full: cannot be written: No space left");
    ink__output_free(output);
    become_ourselves_again();
}

Test(output, a_closed_pipe_is_reported_where_the_signal_is_ignored)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert(pipe(ends) == 0);
    close(ends[0]);
    stdout_is(ends[1]);
    assert_ok(ink__output_open(&output, "-", &err), err);
    assert_ok(ink__output_write(output, "one\n", 4, &err), err);
    expect_failure(ink__output_flush(output, &err), err, INK_E_IO,
                   "standard output: cannot be written: Broken pipe");
    ink__output_free(output);
}

Test(output, a_place_that_cannot_be_written_is_refused_at_once)
{
    expect_failure(ink__output_open(&output, "/nowhere/x", &err), err, INK_E_IO,
                   "/nowhere/x: cannot be written: the folder ");
    cr_expect(output == NULL);
    close(STDOUT_FILENO);
    assert_ok(ink__output_open(&output, NULL, &err), err);
    assert_ok(ink__output_write(output, "one\n", 4, &err), err);
    expect_failure(ink__output_commit(output, &err), err, INK_E_IO,
                   "standard output: cannot be written: Bad file");
    ink__output_free(output);
}
