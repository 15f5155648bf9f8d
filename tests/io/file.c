/* Mapped and atomic files: what appears, when, with which mode, and what is said when it cannot. */
#include "io/file.h"
#include "io/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

TestSuite(file, .init = make_scratch, .fini = remove_scratch);

static ink_error err;

Test(file, a_map_holds_the_bytes_of_the_file)
{
    ink__map map;
    assert_ok(ink__map_open(&map, scratch_bytes("a", "x\0y", 3), &err), err);
    cr_expect(map.size == 3 && memcmp(map.data, "x\0y", 3) == 0);
    ink__map_close(&map);
    assert_ok(ink__map_open(&map, scratch_text("empty", ""), &err), err);
    cr_expect(map.size == 0 && map.data && map.data[0] == '\0');
    ink__map_close(&map);
}

Test(file, what_cannot_be_mapped_is_named_with_the_reason, .timeout = 5)
{
    ink__map map;
    const char *pipe_path = scratch_path("pipe");
    cr_assert(mkfifo(pipe_path, 0600) == 0);
    expect_failure(ink__map_open(&map, "/nowhere/x", &err), err, INK_E_IO,
                   "/nowhere/x: cannot be opened: No such file or directory");
    expect_failure(ink__map_open(&map, scratch, &err), err, INK_E_IO, "is a directory, wanted a file");
    expect_failure(ink__map_open(&map, pipe_path, &err), err, INK_E_IO, "pipe: is not a regular file");
    expect_failure(ink__map_open(&map, "", &err), err, INK_E_IO, "No such file");
}

Test(file, paths_are_joined_with_one_slash)
{
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}, {"a/b", "", "a/b/"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char *path;
        assert_ok(ink__path_join(&path, cases[i][0], cases[i][1], &err), err);
        cr_expect(strcmp(path, cases[i][2]) == 0, "%s and %s give %s", cases[i][0], cases[i][1], path);
        free(path);
    }
    scratch_text("here", "");
    cr_expect(ink__file_exists(scratch, "here"));
    cr_expect(!ink__file_exists(scratch, "there"));
    cr_expect(!ink__file_exists("/", "tmp"), "a directory is no file");
}

Test(file, an_atomic_file_appears_with_commit_and_not_before)
{
    ink__atomic *file;
    const char *path = scratch_text("out", "old");
    assert_ok(ink__atomic_open(&file, path, &err), err);
    assert_ok(ink__atomic_write(file, "new ", 4, &err), err);
    assert_ok(ink__atomic_write(file, "", 0, &err), err);
    assert_ok(ink__atomic_write(file, "text", 4, &err), err);
    cr_expect(holds(path, "old"), "the old file must stand until commit");
    assert_ok(ink__atomic_commit(file, &err), err);
    ink__atomic_free(file);
    cr_expect(holds(path, "new text"));
    cr_expect(entries_in(scratch) == 1, "nothing may be left beside it");
}

Test(file, an_atomic_file_freed_without_commit_leaves_nothing)
{
    ink__atomic *file;
    assert_ok(ink__atomic_open(&file, scratch_path("out"), &err), err);
    assert_ok(ink__atomic_write(file, "text", 4, &err), err);
    cr_expect(entries_in(scratch) == 1, "the temporary is in the same directory");
    ink__atomic_free(file);
    cr_expect(entries_in(scratch) == 0);
}

static void begin_and_die(const char *path)
{
    ink__atomic *file;
    int status;
    const pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0)
        _exit(ink__atomic_open(&file, path, NULL) == INK_OK ? 0 : 1);
    cr_assert(waitpid(child, &status, 0) == child && status == 0);
}

Test(file, what_a_killed_process_left_of_this_file_goes_and_what_a_living_one_writes_stays)
{
    ink__atomic *mine, *again;
    const char *path = strdup(scratch_path("out"));
    begin_and_die(path);
    begin_and_die(scratch_path("other"));
    cr_expect(entries_in(scratch) == 2);
    assert_ok(ink__atomic_open(&mine, path, &err), err);
    cr_expect(entries_in(scratch) == 2, "the dead one's is gone, and that of another file is not");
    assert_ok(ink__atomic_open(&again, path, &err), err);
    cr_expect(entries_in(scratch) == 3, "two may write at once");
    assert_ok(ink__atomic_write(mine, "mine", 4, &err), err);
    assert_ok(ink__atomic_commit(mine, &err), err);
    assert_ok(ink__atomic_commit(again, &err), err);
    ink__atomic_free(mine), ink__atomic_free(again);
    cr_expect(holds(path, "") && entries_in(scratch) == 2, "the last one counts");
    free((void *)path);
}

Test(file, the_name_may_be_as_long_as_a_name_may_be)
{
    ink__atomic *file;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_ok(ink__atomic_open(&file, scratch_path(name), &err), err);
    assert_ok(ink__atomic_commit(file, &err), err);
    ink__atomic_free(file);
    cr_expect(access(scratch_path(name), F_OK) == 0);
}

static unsigned mode_after_writing(const char *path)
{
    ink__atomic *file;
    struct stat info;
    assert_ok(ink__atomic_open(&file, path, &err), err);
    assert_ok(ink__atomic_commit(file, &err), err);
    ink__atomic_free(file);
    cr_assert(stat(path, &info) == 0);
    return info.st_mode & 07777;
}

Test(file, a_replaced_file_keeps_its_mode_and_a_new_one_has_the_umasks)
{
    umask(027);
    cr_expect(mode_after_writing(scratch_path("new")) == 0640);
    const char *old = scratch_text("old", "");
    chmod(old, 0604);
    cr_expect(mode_after_writing(old) == 0604);
}

Test(file, a_symbolic_link_stays_one_and_its_target_is_replaced)
{
    ink__atomic *file;
    struct stat info;
    cr_assert(mkdir(scratch_path("far"), 0700) == 0);
    const char *target = scratch_text("far/target", "something longer"), *link_path = scratch_path("link");
    cr_assert(symlink("far/target", link_path) == 0);
    assert_ok(ink__atomic_open(&file, link_path, &err), err);
    assert_ok(ink__atomic_write(file, "new", 3, &err), err);
    assert_ok(ink__atomic_commit(file, &err), err);
    ink__atomic_free(file);
    cr_expect(lstat(link_path, &info) == 0 && S_ISLNK(info.st_mode));
    cr_expect(holds(target, "new"));
}

Test(file, a_file_that_is_write_protected_is_not_replaced)
{
    ink__atomic *file;
    const char *path = scratch_text("protected", "old");
    chmod(path, 0444);
    if (geteuid() == 0)
        cr_assert(chown(path, 65534, 65534) == 0);
    become_nobody(); /* root may write anything */
    expect_failure(ink__atomic_open(&file, path, &err), err, INK_E_IO,
                   "cannot be written: Permission denied");
    cr_expect(file == NULL);
    become_ourselves_again();
}

Test(file, what_cannot_be_written_is_named_with_the_reason)
{
    ink__atomic *file;
    expect_failure(ink__atomic_open(&file, "/nowhere/x", &err), err, INK_E_IO, "/nowhere does not exist");
    expect_failure(ink__atomic_open(&file, scratch, &err), err, INK_E_IO, "it is a directory");
    expect_failure(ink__atomic_open(&file, "", &err), err, INK_E_IO, "cannot be written: No such file");
    expect_failure(ink__atomic_open(&file, "/dev/null/x", &err), err, INK_E_IO, "Not a directory");
}

Test(file, a_device_is_written_in_place)
{
    ink__atomic *file;
    struct stat info;
    become_nobody();
    assert_ok(ink__atomic_open(&file, "/dev/null", &err), err);
    assert_ok(ink__atomic_write(file, "text", 4, &err), err);
    assert_ok(ink__atomic_commit(file, &err), err);
    ink__atomic_free(file);
    become_ourselves_again();
    cr_expect(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode), "/dev/null is still a device");
}

Test(file, a_full_disk_is_reported)
{
    ink__atomic *file;
    become_nobody();
    assert_ok(ink__atomic_open(&file, "/dev/full", &err), err);
    expect_failure(ink__atomic_write(file, "text", 4, &err), err, INK_E_IO,
                   "/dev/full: cannot be written: No space left on device");
    ink__atomic_free(file);
    become_ourselves_again();
}

Test(file, a_file_over_the_size_limit_is_reported_and_removed)
{
    ink__atomic *file;
    char bytes[8192] = {0};
    signal(SIGXFSZ, SIG_IGN);
    assert_ok(ink__atomic_open(&file, scratch_path("out"), &err), err);
    const struct rlimit limit = {5000, 5000};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    expect_failure(ink__atomic_write(file, bytes, sizeof bytes, &err), err, INK_E_IO,
                   "out: cannot be written: File too large");
    ink__atomic_free(file);
    cr_expect(entries_in(scratch) == 0);
}

Test(file, bytes_that_were_written_can_be_rewritten)
{
    ink__atomic *file;
    const char *path = scratch_path("out");
    assert_ok(ink__atomic_open(&file, path, &err), err);
    assert_ok(ink__atomic_write(file, "abcdef", 6, &err), err);
    assert_ok(ink__atomic_rewrite(file, 1, "XY", 2, &err), err);
    expect_failure(ink__atomic_rewrite(file, 5, "XY", 2, &err), err, INK_E_ARG, "only 6 were written");
    expect_failure(ink__atomic_rewrite(file, SIZE_MAX, "XY", 2, &err), err, INK_E_ARG, "only 6 were written");
    assert_ok(ink__atomic_write(file, "g", 1, &err), err);
    assert_ok(ink__atomic_commit(file, &err), err);
    ink__atomic_free(file);
    cr_expect(holds(path, "aXYdefg"), "writing goes on at the end");
}

Test(file, a_pipe_cannot_be_rewritten)
{
    ink__atomic *file;
    const char *path = scratch_path("pipe");
    cr_assert(mkfifo(path, 0600) == 0);
    const int reader = open(path, O_RDWR);
    assert_ok(ink__atomic_open(&file, path, &err), err);
    assert_ok(ink__atomic_write(file, "abc", 3, &err), err);
    expect_failure(ink__atomic_rewrite(file, 0, "X", 1, &err), err, INK_E_IO, "Illegal seek");
    assert_ok(ink__atomic_commit(file, &err), err);
    ink__atomic_free(file);
    char bytes[8];
    cr_expect(read(reader, bytes, sizeof bytes) == 3 && memcmp(bytes, "abc", 3) == 0);
    close(reader);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

/* Pushes a megabyte through a pipe with a slow reader, while a timer interrupts. */
static void push_through_a_slow_pipe(int flags)
{
    enum { BYTES = 1 << 20 };
    int ends[2], status;
    cr_assert(pipe2(ends, flags) == 0);
    const pid_t child = fork();
    if (child == 0) {
        static char piece[7001];
        size_t total = 0;
        close(ends[1]);
        fcntl(ends[0], F_SETFL, 0);
        /* Slower than the timer now and then, so that a write is interrupted before its first byte. */
        for (ssize_t n, reads = 0; (n = read(ends[0], piece, sizeof piece)) > 0; total += (size_t)n)
            usleep(++reads % 40 == 0 ? 20000 : 300);
        _exit(total == BYTES ? 0 : 1);
    }
    close(ends[0]);
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: write() returns EINTR */
    sigaction(SIGALRM, &action, NULL);
    const struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    char *bytes = calloc(1, BYTES);
    const ink_status st = ink__write_all(ends[1], bytes, BYTES, "the pipe", &err);
    setitimer(ITIMER_REAL, &never, NULL);
    close(ends[1]);
    free(bytes);
    cr_expect(st == INK_OK, "%s", err.text);
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(status == 0, "the reader must have seen every byte");
}

Test(file, an_interrupted_write_goes_on, .timeout = 30)
{
    push_through_a_slow_pipe(0);
}

Test(file, a_write_that_would_block_waits, .timeout = 30)
{
    push_through_a_slow_pipe(O_NONBLOCK);
}

Test(file, a_closed_pipe_is_reported)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert(pipe(ends) == 0);
    close(ends[0]);
    expect_failure(ink__write_all(ends[1], "x", 1, "the pipe", &err), err, INK_E_IO,
                   "the pipe: cannot be written: Broken pipe");
    close(ends[1]);
}
