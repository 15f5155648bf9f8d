/* The sample program textclass: it teaches a tiny model, answers, and stops and goes on as it says. */
#include "cli/command.h"

#include <signal.h>

TestSuite(textclass, .init = setup, .fini = teardown);

#define TEXTCLASS INK_TEST_TEXTCLASS " . train.csv made"

static void write_train(int records)
{
    static char text[1 << 19] = "text,label\n";
    size_t n = strlen("text,label\n");
    for (int i = 0; i < records; ++i)
        n += (size_t)snprintf(text + n, sizeof text - n, "the movie %d was very %s,%s\n", i,
                              i % 2 ? "good" : "bad", i % 2 ? "praise" : "blame");
    scratch_write(dir, "train.csv", text, n);
}

Test(textclass, teaches_a_model_and_labels_every_line_with_what_it_learned)
{
    write_train(40);
    cr_assert(run("printf 'very good\\nvery bad' | " TEXTCLASS) == 0, "%s", err);
    size_t lines = 0;
    for (const char *line = out; *line; line = strchr(line, '\n') + 1, ++lines)
        cr_expect(strncmp(line, "praise ", 7) == 0 || strncmp(line, "blame ", 6) == 0, "%s", out);
    cr_expect(lines == 2, "%s", out);
    cr_expect(strstr(err, "made: accuracy ") && strstr(err, " on 4 records that it did not learn from"), "%s",
              err);
    char before[sizeof out];
    strcpy(before, out);
    cr_expect(run("printf 'very good\\nvery bad' | " TEXTCLASS) == 0, "%s", err);
    cr_expect(strcmp(out, before) == 0, "a finished model is not used as it is: %s, before %s", out, before);
    cr_expect(!strstr(err, "update "), "a finished model is trained again: %s", err);
}

Test(textclass, says_what_is_wrong_and_fails)
{
    write_train(40);
    cr_expect(run(INK_TEST_TEXTCLASS) == 2 && strstr(err, "usage: textclass"), "%s", err);
    cr_expect(run(INK_TEST_TEXTCLASS " nowhere train.csv made") == 1, "%s", err);
    cr_expect(strstr(err, "textclass: ") && strstr(err, "nowhere"), "%s", err);
}

/* The interrupt comes when the first of five epochs has left a checkpoint: hundreds of updates before the
 * end. */
Test(textclass, an_interrupt_leaves_a_checkpoint_and_the_same_command_goes_on)
{
    write_train(6000);
    const int status = run("(until [ -s made/last ]; do sleep 0.01; done) & waiter=$!; " TEXTCLASS
                           " & it=$!; wait $waiter; kill -INT $it; wait $it");
    cr_assert(status == 130, "exit %d: %s", status, err);
    cr_expect(strstr(err, "textclass: stopped after update "), "%s", err);
    cr_expect(run("echo 'very good' | " TEXTCLASS) == 0, "%s", err);
    cr_expect(strstr(out, "praise ") || strstr(out, "blame "), "%s", out);
}
