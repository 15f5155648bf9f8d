/* Running the command as a person does: through the shell, in a scratch directory that holds a small model
 * with random weights and the labels "label 0", "label 1" and so on. */
#ifndef INK_TESTS_CLI_COMMAND_H
#define INK_TESTS_CLI_COMMAND_H

#include "support/random_model.h"

#include <criterion/criterion.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct random_model shape = {"bert", 32, 1, 4, 48, 40, 3, 3};

static char dir[256];
static char out[1 << 16], err[1 << 16];

static inline void setup(void)
{
    scratch_dir(dir);
    random_model_write(dir, &shape);
}

static inline void teardown(void)
{
    scratch_remove(dir);
}

static inline void slurp(char *text, size_t size, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    text[fread(text, 1, size - 1, f)] = '\0';
    fclose(f);
}

/* Runs "inkling ..." through the shell in the scratch directory, fills out and err, returns the exit status.
 */
static inline int run(const char *format, ...)
{
    char command[4096];
    va_list args;
    int n = snprintf(command, sizeof command, "cd %s && { inkling=%s; inkling() { $inkling \"$@\"; }; ", dir,
                     INK_TEST_BINARY);
    va_start(args, format);
    n += vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    va_end(args);
    snprintf(command + n, sizeof command - (size_t)n, "; } >stdout.txt 2>stderr.txt </dev/null");
    const int status = system(command);
    cr_assert(status >= 0 && WIFEXITED(status), "%s", command);
    slurp(out, sizeof out, "stdout.txt");
    slurp(err, sizeof err, "stderr.txt");
    return WEXITSTATUS(status);
}

static inline void expect_usage(const char *command, const char *says)
{
    cr_expect(run("%s", command) == 2, "%s", command);
    cr_expect(out[0] == '\0', "%s prints on stdout: %s", command, out);
    cr_expect(strstr(err, says), "%s says: %s", command, err);
}

static inline void expect_failure(const char *command, const char *says)
{
    const int status = run("%s", command);
    cr_expect(status == 1, "%s exits %d", command, status);
    cr_expect(strstr(err, says), "%s says: %s", command, err);
    cr_expect(strchr(err, '\n') == err + strlen(err) - 1, "%s says more than a sentence: %s", command, err);
}

#endif
