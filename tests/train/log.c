/* The story of a run: its lines, and how it goes on after a run was stopped at any byte. */
#include "train/log.h"
#include "io/scratch.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

TestSuite(log, .init = make_scratch, .fini = remove_scratch);

static ink_error err;

static void write_step(ink__log *log, uint64_t step)
{
    ink__log_start(log, step);
    ink__log_number(log, "loss", 1.0 / (double)(step + 1));
    assert_ok(ink__log_write(log, &err), err);
}

Test(log, a_line_has_its_step_first_and_its_times_last)
{
    ink__log *log;
    const char *path = scratch_text("log.jsonl", "what an older run left\n");
    assert_ok(ink__log_create(&log, path, &err), err);
    ink__log_start(log, 20);
    ink__log_number(log, "epoch", 0.5);
    ink__log_number(log, "loss", NAN);
    ink__log_number(log, "learning_rate", 2e-5);
    ink__log_count(log, "tokens", 12345678901);
    ink__log_string(log, "best \"so far\"", "yes\n");
    ink__log_time(log, 1.25, 8000);
    assert_ok(ink__log_write(log, &err), err);
    ink__log_start(log, 21);
    assert_ok(ink__log_write(log, &err), err);
    assert_ok(ink__log_sync(log, &err), err);
    ink__log_free(log);
    size_t len;
    char *bytes = read_back(&len, path);
    const char *wanted =
        "{\"step\":20,\"epoch\":0.5,\"loss\":null,\"learning_rate\":0.00002,\"tokens\":12345678901,"
        "\"best \\\"so far\\\"\":\"yes\\n\",\"time\":{\"seconds\":1.25,\"tokens_per_s\":8000}}\n"
        "{\"step\":21}\n";
    cr_expect(strcmp(bytes, wanted) == 0, "`%s`, wanted `%s`", bytes, wanted);
    free(bytes);
}

Test(log, a_run_stopped_at_any_byte_leaves_the_same_log_when_it_is_resumed)
{
    ink__log *log;
    size_t len;
    const char *path = scratch_path("whole.jsonl");
    assert_ok(ink__log_create(&log, path, &err), err);
    for (uint64_t step = 0; step <= 12; ++step) {
        write_step(log, step);
        if (step % 5 == 0)
            write_step(log, step); /* an evaluation's */
    }
    ink__log_free(log);
    char *whole = read_back(&len, path);
    for (size_t cut = 0; cut <= len; ++cut) {
        size_t lines = 0;
        for (size_t i = 0; i < cut; ++i)
            lines += whole[i] == '\n';
        /* The last checkpoint was written after the last of the steps 0, 4 and 8 that is whole. */
        const uint64_t at = lines >= 11 ? 8 : lines >= 6 ? 4 : 0;
        path = scratch_bytes("cut.jsonl", whole, lines >= 2 ? cut : 0);
        if (lines < 2) { /* no checkpoint yet: a new run */
            assert_ok(ink__log_create(&log, path, &err), err);
            write_step(log, 0);
            write_step(log, 0);
        } else {
            assert_ok(ink__log_resume(&log, path, at, &err), err);
        }
        for (uint64_t step = at + 1; step <= 12; ++step) {
            write_step(log, step);
            if (step % 5 == 0)
                write_step(log, step);
        }
        ink__log_free(log);
        cr_expect(holds(path, whole), "cut at %zu of %zu", cut, len);
    }
    free(whole);
}

Test(log, a_file_that_is_not_there_starts_empty)
{
    ink__log *log;
    const char *path = scratch_path("log.jsonl");
    assert_ok(ink__log_resume(&log, path, 7, &err), err);
    write_step(log, 9);
    ink__log_free(log);
    cr_expect(holds(path, "{\"step\":9,\"loss\":0.1}\n"));
}

Test(log, a_file_that_no_run_wrote_is_left_alone)
{
    static const char *const lines[] = {
        "hello\n",
        "\n",
        "{\"step\":}\n",
        "{\"step\":1,\"loss\":2\n",
        "{\"step\":1x}\n",
        "{\"step\":-1}\n",
        "{\"step\":99999999999999999999}\n",
        "{\"step\":\n",
        "{}\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i) {
        ink__log *log;
        char text[128];
        snprintf(text, sizeof text, "{\"step\":1}\n%s{\"step\":3}\n", lines[i]);
        const char *path = scratch_text("log.jsonl", text);
        expect_failure(ink__log_resume(&log, path, 2, &err), err, INK_E_FORMAT,
                       "log.jsonl: line 2 is not of a run's log");
        cr_expect(!log && holds(path, text), "%s", lines[i]);
    }
}

Test(log, places_that_cannot_be_written_are_named, .timeout = 5)
{
    ink__log *log;
    cr_assert(mkfifo(scratch_path("pipe"), 0600) == 0);
    expect_failure(ink__log_create(&log, scratch_path("none/log"), &err), err, INK_E_IO, "No such file");
    expect_failure(ink__log_create(&log, scratch, &err), err, INK_E_IO, "Is a directory");
    expect_failure(ink__log_create(&log, scratch_path("pipe"), &err), err, INK_E_IO,
                   "pipe: is not a regular file");
    cr_expect(!log);
}

Test(log, a_disk_that_is_full_is_an_error_that_resuming_mends)
{
    ink__log *log;
    const char *path = scratch_path("log.jsonl");
    const struct rlimit limit = {30, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_ok(ink__log_create(&log, path, &err), err);
    write_step(log, 0);
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    ink__log_start(log, 1);
    ink__log_number(log, "loss", 0.5);
    expect_failure(ink__log_write(log, &err), err, INK_E_IO, "log.jsonl: cannot be written: File too large");
    ink__log_free(log);
    cr_assert(setrlimit(RLIMIT_FSIZE, &none) == 0);
    assert_ok(ink__log_resume(&log, path, 0, &err), err);
    write_step(log, 1);
    ink__log_free(log);
    cr_expect(holds(path, "{\"step\":0,\"loss\":1}\n{\"step\":1,\"loss\":0.5}\n"));
}
