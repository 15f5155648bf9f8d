/* inkling completion: scripts that complete the command in a shell, made of the verbs' option tables. What a
 * value may be is read off its operand: FILE and DIR are paths, words in small letters ("auto" of "I/N|auto")
 * stand for themselves, and anything else is the user's to think of. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const cli_opt options[] = {{0}};

enum { WORDS_BYTES = 512 };

/* What to offer for an operand. */
struct offer {
    char words[WORDS_BYTES]; /* "auto f32 int8", or "" */
    bool files, dirs;
};

static void add_word(char *words, const char *word, size_t len)
{
    const size_t used = strlen(words);
    if (used + len + 2 <= WORDS_BYTES)
        sprintf(words + used, "%s%.*s", used ? " " : "", (int)len, word);
}

/* operand may be NULL: nothing. */
static void read_operand(struct offer *offer, const char *operand)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    *offer = (struct offer){0};
    for (const char *p = operand ? operand : ""; *p;) {
        const size_t len = strcspn(p, "[]|., /=");
        if (len > 0 && strspn(p, small) == len)
            add_word(offer->words, p, len);
        else if ((len >= 4 && strncmp(p, "FILE", 4) == 0) || (len == 6 && strncmp(p, "FOLDER", 6) == 0))
            offer->files = true;
        else if (len == 3 && strncmp(p, "DIR", 3) == 0)
            offer->dirs = true;
        p += len + (p[len] != '\0');
    }
}

static void print_verbs(void)
{
    for (size_t i = 0; cli_verbs[i]; ++i)
        printf("%s ", cli_verbs[i]->name);
    fputs("help", stdout);
}

/* ---- bash -------------------------------------------------------------------------------------------- */

static void print_bash_offer(const struct offer *offer)
{
    if (offer->words[0])
        printf(" _inkling_add -W '%s';", offer->words);
    if (offer->files || offer->dirs)
        printf(" _inkling_add %s;", offer->files ? "-f" : "-d");
}

static void print_bash_verb(const cli_verb *verb)
{
    struct offer offer;
    printf("    %s)\n        case $prev in\n", verb->name);
    for (const cli_opt *opt = verb->options; opt->name; ++opt) {
        if (opt->kind == CLI_FLAG)
            continue;
        read_operand(&offer, opt->operand);
        fputs("        ", stdout);
        if (opt->letter)
            printf("-%c | ", opt->letter);
        printf("--%s)", opt->name);
        print_bash_offer(&offer);
        puts(" return ;;");
    }
    fputs("        esac\n        case $cur in\n        -*) _inkling_add -W '", stdout);
    for (const cli_opt *opt = verb->options; opt->name; ++opt)
        printf("--%s ", opt->name);
    fputs("--help'; return ;;\n        esac\n       ", stdout);
    read_operand(&offer, verb->operands);
    print_bash_offer(&offer);
    puts(" return ;;");
}

static void print_bash(void)
{
    fputs("# Completes the command inkling in bash. Made by: inkling completion bash\n"
          "\n"
          "# Adds what compgen finds; paths become -o filenames, which quotes them and marks folders.\n"
          "_inkling_add()\n"
          "{\n"
          "    local found\n"
          "    mapfile -t found < <(compgen \"$@\" -- \"$cur\")\n"
          "    COMPREPLY+=(\"${found[@]}\")\n"
          "    [[ $1 == -W ]] || compopt -o filenames 2>/dev/null\n"
          "}\n"
          "\n"
          "_inkling()\n"
          "{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    COMPREPLY=()\n"
          "    # --name=value comes as three words.\n"
          "    if [[ $cur == = ]]; then\n"
          "        cur=\n"
          "    elif [[ $prev == = ]]; then\n"
          "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        _inkling_add -W '",
          stdout);
    print_verbs();
    fputs(" --help --version'\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    for (size_t i = 0; cli_verbs[i]; ++i)
        print_bash_verb(cli_verbs[i]);
    fputs("    help) _inkling_add -W '--man ", stdout);
    print_verbs();
    puts("' ;;\n"
         "    esac\n"
         "}\n"
         "\n"
         "complete -F _inkling inkling");
}

/* ---- zsh --------------------------------------------------------------------------------------------- */

/* Inside single quotes and a spec of _arguments or _describe: `special` get a backslash. */
static void print_zsh_text(const char *text, int len, const char *special)
{
    for (int i = 0; i < len; ++i) {
        if (text[i] == '\'')
            fputs("'\\''", stdout);
        else if (text[i] == '\n')
            putchar(' ');
        else
            printf(strchr(special, text[i]) ? "\\%c" : "%c", text[i]);
    }
}

/* ":FILE:_files" */
static void print_zsh_offer(const char *operand)
{
    struct offer offer;
    read_operand(&offer, operand);
    putchar(':');
    print_zsh_text(operand, (int)strlen(operand), "\\:");
    putchar(':');
    const char *paths = offer.files ? "_files" : "_directories";
    if (offer.words[0] && (offer.files || offer.dirs))
        printf(" _inkling_either %s %s", paths, offer.words);
    else if (offer.words[0])
        printf("(%s)", offer.words);
    else if (offer.files || offer.dirs)
        fputs(paths, stdout);
    else
        putchar(' ');
}

static void print_zsh_verb(const cli_verb *verb)
{
    printf("    %s)\n        _arguments \\\n", verb->name);
    for (const cli_opt *opt = verb->options; opt->name; ++opt) {
        const bool again = opt->kind == CLI_LIST || opt->kind == CLI_NAMES, flag = opt->kind == CLI_FLAG;
        fputs("            ", stdout);
        if (again)
            fputs("'*'", stdout);
        else if (opt->letter)
            printf("'(-%c --%s)'", opt->letter, opt->name);
        if (opt->letter)
            printf("{-%c%s,--%s%s}", opt->letter, flag ? "" : "+", opt->name, flag ? "" : "=");
        else
            printf("--%s%s", opt->name, flag ? "" : "=");
        fputs("'[", stdout);
        print_zsh_text(opt->help, (int)strlen(opt->help), "\\[]");
        putchar(']');
        if (!flag)
            print_zsh_offer(opt->operand ? opt->operand : "");
        puts("' \\");
    }
    fputs("            '(-h --help)'{-h,--help}'[print the options]'", stdout);
    if (*verb->operands) {
        fputs(" \\\n            '*", stdout);
        print_zsh_offer(verb->operands);
        putchar('\'');
    }
    puts(" ;;");
}

static void print_zsh(void)
{
    puts("#compdef inkling\n"
         "# Completes the command inkling in zsh. Made by: inkling completion zsh\n"
         "\n"
         "# usage: _inkling_either FUNCTION WORD...: a word, or a path as the function finds them\n"
         "_inkling_either()\n"
         "{\n"
         "    _alternative \"words:word:(${argv[2,-1]})\" \"paths:path:$1\"\n"
         "}\n"
         "\n"
         "_inkling()\n"
         "{\n"
         "    local -a verbs\n"
         "    verbs=(");
    for (size_t i = 0; cli_verbs[i]; ++i) {
        printf("        '%s:", cli_verbs[i]->name);
        print_zsh_text(cli_verbs[i]->summary, cli_brief(cli_verbs[i]), "\\:");
        puts("'");
    }
    puts("        'help:Prints the options of a verb'\n"
         "    )\n"
         "    if ((CURRENT == 2)); then\n"
         "        _describe verb verbs\n"
         "        return\n"
         "    fi\n"
         "    local verb=$words[2]\n"
         "    shift words\n"
         "    ((CURRENT--))\n"
         "    case $verb in");
    for (size_t i = 0; cli_verbs[i]; ++i)
        print_zsh_verb(cli_verbs[i]);
    puts("    help) _describe verb verbs ;;\n"
         "    esac\n"
         "}\n"
         "\n"
         "if [[ $funcstack[1] == _inkling ]]; then\n"
         "    _inkling \"$@\"\n"
         "else\n"
         "    compdef _inkling inkling\n"
         "fi");
}

static int run(int argc, char **argv)
{
    int first;
    const int leave = cli_parse(NULL, &first, &verb_completion, argc, argv);
    if (leave >= 0)
        return leave;
    const char *shell = argv[first];
    if (!shell || argv[first + 1])
        return cli_usage("completion", "wanted one shell, bash or zsh");
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else
        return cli_usage("completion", "there is no script for \"%s\", wanted bash or zsh", shell);
    return EXIT_OK;
}

const cli_verb verb_completion = {
    .name = "completion",
    .summary = "Prints the script that completes verbs, options and values in a shell: for bash,\n"
               "`source <(inkling completion bash)`; for zsh, a file _inkling in a folder of $fpath.",
    .operands = "bash|zsh",
    .options = options,
    .run = run,
};
