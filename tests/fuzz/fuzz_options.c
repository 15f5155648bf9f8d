/* Any words as the command line of any verb: the first byte chooses the verb, every line is a word. What a
 * table's parser leaves behind is in the range that the table states. */
#include "fuzz.h"

#include "../../apps/inkling/cli.h"

#include <getopt.h>
#include <string.h>

enum { WORDS_MAX = 300, ARGS_BYTES = 1 << 16 };

static size_t choices_of(const char *operand)
{
    size_t n = 1;
    for (; *operand; ++operand)
        n += *operand == '|';
    return n;
}

static void expect_ranges(const cli_verb *verb, const char *args)
{
    for (const cli_opt *opt = verb->options; opt->name; ++opt) {
        const void *place = args + opt->offset;
        MUST(opt->offset < ARGS_BYTES - sizeof(cli_list));
        if (opt->kind == CLI_CHOICE)
            MUST(*(const int *)place >= 0 && (size_t) * (const int *)place < choices_of(opt->operand));
        if (opt->kind == CLI_REAL)
            MUST(*(const double *)place >= 0 && *(const double *)place <= 1e300);
        if (opt->kind == CLI_LIST || opt->kind == CLI_NAMES)
            MUST(((const cli_list *)place)->n <= CLI_LIST_MAX);
        if (opt->kind == CLI_STR && *(const char *const *)place)
            MUST(strlen(*(const char *const *)place) < (size_t)1 << 20);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    static _Alignas(64) char args[ARGS_BYTES]; /* larger than any verb's */
    char *argv[WORDS_MAX + 2] = {"inkling"};
    int argc = 1, first = 0;
    size_t verbs = 0;
    if (size == 0)
        return 0;
    while (cli_verbs[verbs])
        ++verbs;
    if (!nowhere) {
        nowhere = fopen("/dev/null", "w");
        MUST(nowhere);
    }
    char *words = malloc(size);
    MUST(words);
    memcpy(words, data + 1, size - 1);
    words[size - 1] = '\0';
    for (char *next = words, *word; argc <= WORDS_MAX && (word = strsep(&next, "\n"));)
        argv[argc++] = word;
    optind = 0; /* getopt begins anew: it keeps its place in words that are gone */
    (void)getopt(1, (char *[]){"inkling", NULL}, "+");
    FILE *out = stdout, *err = stderr;
    const cli_verb *verb = cli_verbs[data[0] % verbs];
    memset(args, 0, sizeof args);
    stdout = stderr = nowhere;
    const int status = cli_parse(args, &first, verb, argc, argv);
    stdout = out, stderr = err;
    MUST(status == -1 || status == EXIT_OK || status == EXIT_USAGE);
    if (status == -1) {
        MUST(first == 1);
        for (int i = first; argv[i]; ++i)
            MUST(i < argc);
        expect_ranges(verb, args);
    }
    free(words);
    return 0;
}
