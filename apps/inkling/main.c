/* inkling: BERT-style text encoders from the command line. See `inkling help`. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_verb *find(const char *name)
{
    for (size_t i = 0; cli_verbs[i]; ++i)
        if (strcmp(cli_verbs[i]->name, name) == 0)
            return cli_verbs[i];
    return NULL;
}

static void print_overview(FILE *out)
{
    fprintf(
        out,
        "usage: inkling VERB [options] [FILE...]\n\nBERT-style text encoders on ordinary CPUs.\n\nverbs:\n");
    for (size_t i = 0; cli_verbs[i]; ++i)
        fprintf(out, "  %-15s %.*s\n", cli_verbs[i]->name, cli_brief(cli_verbs[i]), cli_verbs[i]->summary);
    fprintf(
        out,
        "\ninkling help VERB says more; inkling --version says which one this is.\n"
        "stdout is data, stderr is for people. Exit status: 0 done, 1 failed or some records did, 2 wrong "
        "usage.\n"
        "\nexample:\n  echo 'A lovely little film.' | inkling classify -m DIR\n");
}

/* Data that cannot be written must not look like success. */
static int leave(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("inkling: standard output");
        return status == EXIT_OK ? EXIT_FAILED : status;
    }
    return status;
}

/* A variable that is misspelt must not be passed over in silence. */
static void check_environment(void)
{
    const char *threads = getenv("INK_THREADS"), *verbose = getenv("INK_VERBOSE");
    if (threads && *threads) {
        const size_t digits = strspn(threads, "0123456789");
        const unsigned long n = digits && digits < 6 ? strtoul(threads, NULL, 10) : 0;
        if (threads[digits] || n < 1 || n > 1024)
            fprintf(stderr,
                    "inkling: INK_THREADS is \"%.80s\" and does nothing: wanted a number from 1 to 1024\n",
                    threads);
    }
    if (verbose && *verbose && strcmp(verbose, "profile") != 0)
        fprintf(stderr, "inkling: INK_VERBOSE is \"%.80s\" and does nothing: wanted \"profile\"\n", verbose);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("inkling %s\n", ink_version());
        return leave(EXIT_OK);
    }
    const bool help = strcmp(word, "help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
    const bool man = help && argc > 2 && strcmp(argv[2], "--man") == 0;
    const char *name = help ? argv[2 + man] : word;
    const cli_verb *verb = name ? find(name) : NULL;
    if (name && !verb)
        return cli_usage(NULL, "there is no verb \"%s\"", name);
    if (!help) {
        check_environment();
        return leave(verb->run(argc - 1, argv + 1));
    }
    if (man)
        cli_man(verb);
    else if (verb)
        cli_help(verb);
    else
        print_overview(stdout);
    return leave(EXIT_OK);
}
