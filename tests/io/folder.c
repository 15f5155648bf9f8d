/* Walking a folder: order, depth, and what happens when it changes underway. */
#include "io/folder.h"
#include "io/scratch.h"

#include <sys/socket.h>
#include <sys/un.h>

TestSuite(folder, .init = make_scratch, .fini = remove_scratch);

static ink_error err;
static ink__folder *folder;
static const char *path;
static ink__notes notes;

static bool next_is(const char *wanted)
{
    assert_ok(ink__folder_next(&path, folder, &err), err);
    const size_t n = strlen(scratch);
    return wanted ? path && strncmp(path, scratch, n) == 0 && strcmp(path + n, wanted) == 0 : !path;
}

Test(folder, a_slash_counts_when_names_are_ordered)
{
    static const char *const dirs[] = {"a", "a.b", "a-b", "aa"};
    for (int i = 0; i < 4; ++i) {
        char name[32];
        cr_assert(mkdir(scratch_path(dirs[i]), 0700) == 0);
        snprintf(name, sizeof name, "%s/x", dirs[i]);
        scratch_text(name, "");
    }
    scratch_text("a!", ""), scratch_text("a0", ""), scratch_text("\xFF", "");
    assert_ok(ink__folder_open(&folder, scratch, &notes, &err), err);
    static const char *const wanted[] = {"/a!", "/a-b/x", "/a.b/x", "/a/x", "/a0", "/aa/x", "/\xFF", NULL};
    for (int i = 0; i < 8; ++i)
        cr_expect(next_is(wanted[i]), "%s, wanted %s", path, wanted[i]);
    cr_expect(next_is(NULL), "the end stays the end");
    ink__folder_free(folder);
}

Test(folder, deep_trees_are_walked_and_given_up_half_way)
{
    char name[400] = "d";
    for (int i = 0; i < 60; ++i) {
        cr_assert(mkdir(scratch_path(name), 0700) == 0);
        strcat(name, "/d");
    }
    strcpy(name + strlen(name) - 1, "x");
    scratch_text(name, "");
    assert_ok(ink__folder_open(&folder, scratch, &notes, &err), err);
    assert_ok(ink__folder_next(&path, folder, &err), err);
    cr_expect(path && strlen(path) == strlen(scratch) + 1 + strlen(name));
    ink__folder_free(folder);
}

Test(folder, a_directory_that_vanishes_comes_as_a_path)
{
    cr_assert(mkdir(scratch_path("a"), 0700) == 0);
    scratch_text("b", "");
    assert_ok(ink__folder_open(&folder, scratch, &notes, &err), err);
    cr_assert(rmdir(scratch_path("a")) == 0);
    cr_expect(next_is("/a"), "%s", path);
    cr_expect(next_is("/b"));
    cr_expect(next_is(NULL));
    ink__folder_free(folder);
}

Test(folder, what_is_no_directory_is_refused)
{
    expect_failure(ink__folder_open(&folder, scratch_text("x", ""), &notes, &err), err, INK_E_IO,
                   "x: cannot be opened");
    cr_expect(!folder);
    expect_failure(ink__folder_open(&folder, "", &notes, &err), err, INK_E_IO, "cannot be opened");
    ink__folder_free(NULL);
}

Test(folder, what_is_no_file_is_passed_over_and_noted)
{
    char sentences[INK__NOTES_MAX][INK__NOTE_BYTES];
    scratch_text("a", "");
    cr_assert(mkdir(scratch_path("d"), 0700) == 0 && mkfifo(scratch_path("d/pipe"), 0600) == 0);
    assert_ok(ink__folder_open(&folder, scratch, &notes, &err), err);
    cr_expect(next_is("/a") && next_is(NULL));
    ink__folder_free(folder);
    cr_assert(notes.passed_over == 1 && ink__notes_sentences(sentences, &notes) == 1);
    cr_expect(strstr(sentences[0], "/d/pipe (a named pipe)"), "%s", sentences[0]);

    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int s = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", scratch_path("d/listen"));
    cr_assert(s >= 0 && bind(s, (struct sockaddr *)&name, sizeof name) == 0);
    cr_assert(symlink("/dev/null", scratch_path("d/c")) == 0 && symlink("pipe", scratch_path("d/link")) == 0);
    cr_assert(symlink("..", scratch_path("d/up")) == 0);
    scratch_text(".hidden", "");
    notes = (ink__notes){0};
    assert_ok(ink__folder_open(&folder, scratch, &notes, &err), err);
    cr_expect(next_is("/a") && next_is(NULL));
    ink__folder_free(folder);
    close(s);
    cr_expect(notes.passed_over == 4, "%d", (int)notes.passed_over);
    ink__notes_sentences(sentences, &notes);
    cr_expect(strstr(sentences[0], "/d/c (a device) and 3 more"), "%s", sentences[0]);
}
