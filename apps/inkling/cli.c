/* Option tables behind getopt_long: see cli.h. */
#include "cli.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 96, LONG_ONLY = 256 };

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

/* An option as it stands on the command line. */
struct given {
    const cli_opt *opt;
    const cli_verb *verb;
    const char *name; /* as complaints call it: an abbreviation is spelled out */
    char *value;      /* NULL for a flag */
};

static bool add(cli_list *list, const struct given *g, const char *value)
{
    if (list->n == CLI_LIST_MAX) {
        cli_usage(g->verb->name, "--%s comes more than %d times", g->name, CLI_LIST_MAX);
        return false;
    }
    list->items[list->n++] = value;
    return true;
}

/* Splits a,b,c where it stands. */
static bool add_names(cli_list *list, const struct given *g)
{
    char *names = g->value;
    for (char *name; (name = strsep(&names, ","));) {
        if (!*name) {
            cli_usage(g->verb->name, "--%s holds an empty name", g->name);
            return false;
        }
        if (!add(list, g, name))
            return false;
    }
    return true;
}

/* What a number may be: from *least to *most, which is infinite where nothing limits it. */
static void find_limits(double *least, double *most, const struct given *g)
{
    *least = g->opt->kind == CLI_SIZE, *most = INFINITY;
    for (const cli_limit *limit = g->verb->limits; limit && limit->name; ++limit)
        if (strcmp(limit->name, g->opt->name) == 0)
            *least = limit->least, *most = limit->most;
}

/* The same words whatever is wrong with a number: no number at all, or one out of its range. */
static bool complain(const struct given *g, double least, double most)
{
    const char *what = g->opt->kind == CLI_REAL ? "number" : "whole number";
    if (isinf(most))
        cli_usage(g->verb->name, "--%s is \"%s\", wanted a %s from %g", g->name, g->value, what, least);
    else
        cli_usage(g->verb->name, "--%s is \"%s\", wanted a %s from %g to %.7g", g->name, g->value, what,
                  least, most);
    return false;
}

static bool set_size(size_t *place, const struct given *g)
{
    char *end;
    double least, most;
    find_limits(&least, &most, g);
    errno = 0;
    const unsigned long long n = strtoull(g->value, &end, 10);
    if (g->value[0] < '0' || g->value[0] > '9' || *end || errno || (double)n < least || (double)n > most)
        return complain(g, least, most);
    *place = (size_t)n;
    return true;
}

static bool set_real(double *place, const struct given *g)
{
    char *end;
    double least, most;
    find_limits(&least, &most, g);
    const double x = strtod(g->value, &end);
    if (end == g->value || *end || !(x >= least && x <= most) || x > 1e300)
        return complain(g, least, most);
    *place = x;
    return true;
}

static bool set_char(char *place, const struct given *g)
{
    const char *value = g->value;
    if (strcmp(value, "tab") == 0 || strcmp(value, "\\t") == 0)
        value = "\t";
    if (!value[0] || value[1] || (unsigned char)value[0] > 127) {
        cli_usage(g->verb->name, "--%s is \"%s\", wanted one ASCII character, or tab", g->name, value);
        return false;
    }
    *place = value[0];
    return true;
}

static bool set_choice(int *place, const struct given *g)
{
    const int i = choice_of(g->opt->operand, g->value);
    if (i < 0) {
        cli_usage(g->verb->name, "--%s is \"%s\", wanted %s", g->name, g->value, g->opt->operand);
        return false;
    }
    *place = i;
    return true;
}

/* Writes the value where the option says; false after a complaint. */
static bool set(void *args, const struct given *g)
{
    void *place = (char *)args + g->opt->offset;
    switch (g->opt->kind) {
    case CLI_FLAG:
        *(bool *)place = true;
        return true;
    case CLI_STR:
        *(const char **)place = g->value;
        return true;
    case CLI_LIST:
        return add(place, g, g->value);
    case CLI_NAMES:
        return add_names(place, g);
    case CLI_SIZE:
    case CLI_COUNT:
        return set_size(place, g);
    case CLI_CHAR:
        return set_char(place, g);
    case CLI_REAL:
        return set_real(place, g);
    case CLI_CHOICE:
        return set_choice(place, g);
    }
    return false;
}

/* getopt takes any beginning that only one name has: "lr (short for --lr-scheduler)" keeps a complaint about
 * the value clear to somebody who meant another option. text is room for it. */
static const char *spell(char *text, size_t size, const cli_opt *opt, const char *word)
{
    const size_t n = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
    if (n == 0 || n == strlen(opt->name))
        return opt->name;
    snprintf(text, size, "%.*s (short for --%s)", (int)n, word + 2, opt->name);
    return text;
}

/* Why getopt refused word: no such option, the beginning of several, or a flag with a value. */
static int reject(const cli_verb *verb, const char *word)
{
    static const cli_opt help = {.name = "help"};
    char found[512] = "";
    size_t n_found = 0, used = 0;
    const size_t n = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
    for (const cli_opt *opt = verb->options; n > 0 && opt; opt = opt == &help ? NULL : opt + 1) {
        if (!opt->name)
            opt = &help;
        if (strncmp(opt->name, word + 2, n) != 0)
            continue;
        if (opt->name[n] == '\0') /* the name itself, whatever else begins so */
            return cli_usage(verb->name, "--%s takes no value", opt->name);
        if (used < sizeof found)
            used +=
                (size_t)snprintf(found + used, sizeof found - used, "%s--%s", used ? ", " : "", opt->name);
        ++n_found;
    }
    if (n_found > 1)
        return cli_usage(verb->name, "%.*s is short for several: %s", (int)n + 2, word, found);
    if (n_found == 1)
        return cli_usage(verb->name, "%s takes no value", found);
    return cli_usage(verb->name, "there is no option %s", word);
}

int cli_parse(void *args, int *first, const cli_verb *verb, int argc, char **argv)
{
    struct option longs[OPTIONS_MAX] = {{0}};
    char shorts[2 * OPTIONS_MAX + 4] = "+:h";
    size_t n = 0, used = strlen(shorts);
    for (const cli_opt *opt = verb->options; opt->name; ++opt, ++n) {
        assert(n + 2 < OPTIONS_MAX);
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
            return c == '?' ? reject(verb, argv[at]) : cli_usage(verb->name, "%s needs a value", argv[at]);
        }
        const cli_opt *opt = verb->options;
        if (c >= LONG_ONLY)
            opt += c - LONG_ONLY;
        else
            while (opt->letter != c)
                ++opt;
        char name[128];
        const struct given g = {opt, verb, spell(name, sizeof name, opt, argv[at]), optarg};
        if (!set(args, &g))
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

int cli_brief(const cli_verb *verb)
{
    return (int)strcspn(verb->summary, ":.");
}

const char *cli_default(char *text, size_t size, const cli_verb *verb, const cli_opt *opt)
{
    const void *place = (const char *)verb->defaults + opt->offset;
    const char *value = opt->unset;
    text[0] = '\0';
    if (opt->kind == CLI_FLAG)
        return text;
    if (!value && opt->kind == CLI_STR)
        value = *(const char *const *)place;
    if (value) {
        snprintf(text, size, " (default: %s)", value);
    } else if (opt->kind == CLI_SIZE || opt->kind == CLI_COUNT) {
        if (*(const size_t *)place || opt->kind == CLI_COUNT)
            snprintf(text, size, " (default: %zu)", *(const size_t *)place);
    } else if (opt->kind == CLI_REAL) {
        snprintf(text, size, " (default: %g)", *(const double *)place);
    } else if (opt->kind == CLI_CHOICE && *(const int *)place >= 0) {
        const char *choice = opt->operand;
        for (int i = *(const int *)place; i > 0; --i)
            choice += strcspn(choice, "|") + 1;
        snprintf(text, size, " (default: %.*s)", (int)strcspn(choice, "|"), choice);
    }
    return text;
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
        char value[CLI_DEFAULT_BYTES];
        puts(cli_default(value, sizeof value, verb, opt));
    }
    printf("  %-24s  print this help\n", "-h, --help");
}
