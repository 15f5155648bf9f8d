/* Man pages from the option tables: `inkling help --man [VERB]`, in the man(7) macros. */
#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text as roff takes it: hyphens that can be copied, no line that looks like a request. */
static void print_text(const char *text)
{
    for (const char *p = text; *p; ++p) {
        if (p == text || p[-1] == '\n')
            if (*p == '.' || *p == '\'')
                fputs("\\&", stdout);
        switch (*p) {
        case '\\':
            fputs("\\(rs", stdout);
            break;
        case '-':
            fputs("\\-", stdout);
            break;
        case '\'':
            fputs("\\(aq", stdout);
            break;
        case '`':
            fputs("\\(ga", stdout);
            break;
        case '~':
            fputs("\\(ti", stdout);
            break;
        case '^':
            fputs("\\(ha", stdout);
            break;
        default:
            putchar(*p);
        }
    }
}

static void print_font(char font, const char *text)
{
    printf("\\f%c", font);
    print_text(text);
    fputs("\\fR", stdout);
}

/* NAME, the section that every page begins with: "inkling-classify - labels every record of the inputs". */
static void print_head(const char *dashed, const char *brief, int brief_len)
{
    char name[64], words[256];
    snprintf(words, sizeof words, "%.*s", brief_len, brief);
    if (islower((unsigned char)words[1])) /* no name in capitals */
        words[0] = (char)tolower((unsigned char)words[0]);
    size_t n = 0;
    for (; dashed[n] && n + 1 < sizeof name; ++n)
        name[n] = (char)toupper((unsigned char)dashed[n]);
    name[n] = '\0';
    printf(".TH \"%s\" 1 \"\" \"Inkling %s\" \"Inkling\"\n.SH NAME\n", name, ink_version());
    print_text(dashed);
    fputs(" \\- ", stdout);
    print_text(words);
    putchar('\n');
}

static void print_options(const cli_verb *verb)
{
    char value[CLI_DEFAULT_BYTES];
    puts(".SH OPTIONS");
    for (const cli_opt *opt = verb->options; opt->name; ++opt) {
        puts(".TP");
        if (opt->letter)
            printf("\\fB\\-%c\\fR, ", opt->letter);
        fputs("\\fB\\-\\-", stdout);
        print_text(opt->name);
        fputs("\\fR", stdout);
        if (opt->operand) {
            putchar(' ');
            print_font('I', opt->operand);
        }
        putchar('\n');
        print_text(opt->help);
        print_text(cli_default(value, sizeof value, verb, opt));
        putchar('\n');
    }
    puts(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nprint the options");
}

static void print_status(void)
{
    puts(".SH EXIT STATUS\n"
         ".TP\n0\neverything done\n"
         ".TP\n1\nthe command failed, or some records did\n"
         ".TP\n2\nwrong usage\n"
         ".TP\n130, 143\nSIGINT or SIGTERM stopped it");
}

static void print_environment(void)
{
    puts(".SH ENVIRONMENT\n"
         ".TP\n\\fBINK_BACKEND\\fR\n"
         "fused (default), dnnl, or ref: the passes between the matrix products. All agree within rounding.\n"
         ".TP\n\\fBINK_THREADS\\fR\n"
         "how many threads to use instead of what the affinity mask and the CPU quota allow\n"
         ".TP\n\\fBINK_VERBOSE\\fR\n"
         "profile: classify, embed and evaluate print a CSV line an operation on stderr");
}

static void print_overview(void)
{
    static const char brief[] = "BERT-style text encoders on ordinary CPUs";
    print_head("inkling", brief, (int)strlen(brief));
    puts(".SH SYNOPSIS\n\\fBinkling\\fR \\fIVERB\\fR [\\fIoptions\\fR] [\\fIFILE\\fR...]\n"
         ".br\n\\fBinkling help\\fR [\\fB\\-\\-man\\fR] [\\fIVERB\\fR]\n"
         ".br\n\\fBinkling \\-\\-version\\fR\n"
         ".SH DESCRIPTION\n"
         "Labels texts, turns them into vectors, and trains and checks the models that do, without Python.\n"
         "A model is a directory as Hugging Face's transformers writes it. stdout is data, stderr is for\n"
         "people. A page inkling\\-VERB(1) has the options of each verb.\n"
         ".SH VERBS");
    for (size_t i = 0; cli_verbs[i]; ++i) {
        fputs(".TP\n", stdout);
        print_font('B', cli_verbs[i]->name);
        printf("\n%.*s\n", cli_brief(cli_verbs[i]), cli_verbs[i]->summary);
    }
}

/* The page itself left out. */
static void print_see_also(const cli_verb *verb)
{
    fputs(".SH SEE ALSO\n", stdout);
    if (verb)
        fputs("\\fBinkling\\fR(1)", stdout);
    for (size_t i = 0; cli_verbs[i]; ++i) {
        if (cli_verbs[i] == verb)
            continue;
        fputs(verb || i > 0 ? ",\n\\fBinkling\\-" : "\\fBinkling\\-", stdout);
        print_text(cli_verbs[i]->name);
        fputs("\\fR(1)", stdout);
    }
    putchar('\n');
}

void cli_man(const cli_verb *verb)
{
    if (verb) {
        char name[64];
        snprintf(name, sizeof name, "inkling-%s", verb->name);
        print_head(name, verb->summary, cli_brief(verb));
        fputs(".SH SYNOPSIS\n\\fBinkling ", stdout);
        print_text(verb->name);
        fputs("\\fR [\\fIoptions\\fR]", stdout);
        if (*verb->operands) {
            putchar(' ');
            print_font('I', verb->operands);
        }
        fputs("\n.SH DESCRIPTION\n", stdout);
        print_text(verb->summary);
        putchar('\n');
        print_options(verb);
    } else {
        print_overview();
    }
    print_status();
    if (!verb)
        print_environment();
    print_see_also(verb);
}
