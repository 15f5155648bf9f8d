/* Option tables behind getopt_long: see cli.h. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 48, LONG_ONLY = 256 };

int cli_usage(const char *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "inkling%s%s: ", verb ? " " : "", verb ? verb : "");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry: inkling help%s%s\n", verb ? " " : "", verb ? verb : "");
    va_end(args);
    return EXIT_USAGE;
}

int cli_fail(const char *verb, const ink_error *err)
{
    fprintf(stderr, "inkling %s: %s\n", verb, err->text);
    return EXIT_FAILED;
}

void cli_print_json(const char *text)
{
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p; ++p) {
        if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else if (*p < 0x20)
            printf("\\u%04x", *p);
        else
            putchar(*p);
    }
    putchar('"');
}

/* Place of name in "a|b|c", or -1. */
static int choice_of(const char *choices, const char *name)
{
    const size_t len = strlen(name);
    for (int i = 0; *choices; ++i) {
        const size_t n = strcspn(choices, "|");
        if (n == len && memcmp(choices, name, n) == 0)
            return i;
        choices += n + (choices[n] == '|');
    }
    return -1;
}

static bool add(cli_list *list, const cli_opt *opt, const char *verb, const char *value)
{
    if (list->n == CLI_LIST_MAX) {
        cli_usage(verb, "--%s comes more than %d times", opt->name, CLI_LIST_MAX);
        return false;
    }
    list->items[list->n++] = value;
    return true;
}

/* Splits a,b,c where it stands. */
static bool add_names(cli_list *list, const cli_opt *opt, const char *verb, char *names)
{
    for (char *name; (name = strsep(&names, ","));) {
        if (!*name) {
            cli_usage(verb, "--%s holds an empty name", opt->name);
            return false;
        }
        if (!add(list, opt, verb, name))
            return false;
    }
    return true;
}

/* What a number may be: from *least to *most, which is infinite where nothing limits it. */
static void find_limits(double *least, double *most, const cli_opt *opt, const cli_verb *verb)
{
    *least = opt->kind == CLI_SIZE, *most = INFINITY;
    for (const cli_limit *limit = verb->limits; limit && limit->name; ++limit)
        if (strcmp(limit->name, opt->name) == 0)
            *least = limit->least, *most = limit->most;
}

/* The same words whatever is wrong with a number: no number at all, or one out of its range. */
static bool complain(const cli_opt *opt, const cli_verb *verb, const char *value, double least, double most)
{
    const char *what = opt->kind == CLI_REAL ? "number" : "whole number";
    if (isinf(most))
        cli_usage(verb->name, "--%s is \"%s\", wanted a %s from %g", opt->name, value, what, least);
    else
        cli_usage(verb->name, "--%s is \"%s\", wanted a %s from %g to %.7g", opt->name, value, what, least,
                  most);
    return false;
}

static bool set_size(size_t *place, const cli_opt *opt, const cli_verb *verb, const char *value)
{
    char *end;
    double least, most;
    find_limits(&least, &most, opt, verb);
    errno = 0;
    const unsigned long long n = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno || (double)n < least || (double)n > most)
        return complain(opt, verb, value, least, most);
    *place = (size_t)n;
    return true;
}

static bool set_real(double *place, const cli_opt *opt, const cli_verb *verb, const char *value)
{
    char *end;
    double least, most;
    find_limits(&least, &most, opt, verb);
    const double x = strtod(value, &end);
    if (end == value || *end || !(x >= least && x <= most) || x > 1e300)
        return complain(opt, verb, value, least, most);
    *place = x;
    return true;
}

static bool set_char(char *place, const cli_opt *opt, const char *verb, const char *value)
{
    if (strcmp(value, "tab") == 0 || strcmp(value, "\\t") == 0)
        value = "\t";
    if (!value[0] || value[1] || (unsigned char)value[0] > 127) {
        cli_usage(verb, "--%s is \"%s\", wanted one ASCII character, or tab", opt->name, value);
        return false;
    }
    *place = value[0];
    return true;
}

/* Writes value where the option says; false after a complaint. */
static bool set(void *args, const cli_opt *opt, const cli_verb *verb, const char *value)
{
    void *place = (char *)args + opt->offset;
    switch (opt->kind) {
    case CLI_FLAG:
        *(bool *)place = true;
        return true;
    case CLI_STR:
        *(const char **)place = value;
        return true;
    case CLI_LIST:
        return add(place, opt, verb->name, value);
    case CLI_NAMES:
        return add_names(place, opt, verb->name, optarg);
    case CLI_SIZE:
    case CLI_COUNT:
        return set_size(place, opt, verb, value);
    case CLI_CHAR:
        return set_char(place, opt, verb->name, value);
    case CLI_REAL:
        return set_real(place, opt, verb, value);
    case CLI_CHOICE: {
        const int i = choice_of(opt->operand, value);
        if (i < 0) {
            cli_usage(verb->name, "--%s is \"%s\", wanted %s", opt->name, value, opt->operand);
            return false;
        }
        *(int *)place = i;
        return true;
    }
    }
    return false;
}

int cli_parse(void *args, int *first, const cli_verb *verb, int argc, char **argv)
{
    struct option longs[OPTIONS_MAX] = {{0}};
    char shorts[2 * OPTIONS_MAX + 4] = "+:h";
    size_t n = 0, used = strlen(shorts);
    for (const cli_opt *opt = verb->options; opt->name && n + 2 < OPTIONS_MAX; ++opt, ++n) {
        const int has_value = opt->kind == CLI_FLAG ? no_argument : required_argument;
        longs[n] = (struct option){opt->name, has_value, NULL, LONG_ONLY + (int)n};
        if (opt->letter) {
            shorts[used++] = opt->letter;
            if (has_value == required_argument)
                shorts[used++] = ':';
        }
    }
    longs[n] = (struct option){"help", no_argument, NULL, 'h'};

    /* Options may follow operands: each round parses up to the next operand, which is moved to the front. */
    int operands = 1;
    optind = 1, opterr = 0;
    while (optind < argc) {
        const int at = optind, c = getopt_long(argc, argv, shorts, longs, NULL);
        if (c == -1) {
            if (optind > at || optind >= argc) /* "--": the rest are operands */
                break;
            argv[operands++] = argv[optind++];
            continue;
        }
        if (c == 'h') {
            cli_help(verb);
            return EXIT_OK;
        }
        if (c == '?' || c == ':') {
            const char *what = argv[at];
            return cli_usage(verb->name, c == ':' ? "%s needs a value" : "there is no option %s", what);
        }
        const cli_opt *opt = verb->options;
        if (c >= LONG_ONLY)
            opt += c - LONG_ONLY;
        else
            while (opt->letter != c)
                ++opt;
        if (!set(args, opt, verb, optarg))
            return EXIT_USAGE;
    }
    while (optind < argc)
        argv[operands++] = argv[optind++];
    argv[operands] = NULL;
    *first = 1;
    if (operands > 1 && !*verb->operands)
        return cli_usage(verb->name, "takes no operand, given \"%s\"", argv[1]);
    return -1;
}

/* The value an option has when it is not given. */
static void print_default(const cli_opt *opt, const void *defaults)
{
    const void *place = (const char *)defaults + opt->offset;
    if (opt->kind == CLI_FLAG)
        return;
    if (opt->unset) {
        printf(" (default: %s)", opt->unset);
    } else if (opt->kind == CLI_STR) {
        const char *value = *(const char *const *)place;
        if (value)
            printf(" (default: %s)", value);
    } else if (opt->kind == CLI_SIZE || opt->kind == CLI_COUNT) {
        if (*(const size_t *)place || opt->kind == CLI_COUNT)
            printf(" (default: %zu)", *(const size_t *)place);
    } else if (opt->kind == CLI_REAL) {
        printf(" (default: %g)", *(const double *)place);
    } else if (opt->kind == CLI_CHOICE && *(const int *)place >= 0) {
        const char *choice = opt->operand;
        for (int i = *(const int *)place; i > 0; --i)
            choice += strcspn(choice, "|") + 1;
        printf(" (default: %.*s)", (int)strcspn(choice, "|"), choice);
    }
}

void cli_help(const cli_verb *verb)
{
    printf("usage: inkling %s [options]%s%s\n\n%s\n\noptions:\n", verb->name, *verb->operands ? " " : "",
           verb->operands, verb->summary);
    for (const cli_opt *opt = verb->options; opt->name; ++opt) {
        char left[80];
        char letter[5] = "    ";
        if (opt->letter)
            snprintf(letter, sizeof letter, "-%c, ", opt->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, opt->name, opt->operand ? " " : "",
                 opt->operand ? opt->operand : "");
        if (strlen(left) > 24)
            printf("  %s\n  %-24s  %s", left, "", opt->help);
        else
            printf("  %-24s  %s", left, opt->help);
        print_default(opt, verb->defaults);
        putchar('\n');
    }
    printf("  %-24s  print this help\n", "-h, --help");
}
