/* Options of the verbs: one table per verb is its parser, its help, its man page and its completion. */
#ifndef INKLING_CLI_H
#define INKLING_CLI_H

#include <inkling.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef enum cli_kind {
    CLI_STR,    /* const char * */
    CLI_LIST,   /* cli_list: the option may come again */
    CLI_NAMES,  /* cli_list: names with commas between them; the option may come again */
    CLI_SIZE,   /* size_t, at least 1 */
    CLI_COUNT,  /* size_t, may be 0 */
    CLI_REAL,   /* double, at least 0 */
    CLI_CHAR,   /* char: one ASCII character, or a tab by name */
    CLI_FLAG,   /* bool */
    CLI_CHOICE, /* int: place in `choices`, "a|b|c"; a default below 0 is none of them */
} cli_kind;

enum { CLI_LIST_MAX = 256 };
typedef struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t n;
} cli_list;

typedef struct cli_opt {
    char letter; /* 0: none */
    const char *name;
    cli_kind kind;
    size_t offset;       /* in the verb's args */
    const char *operand; /* "FILE"; for CLI_CHOICE the choices */
    const char *help;
    const char *unset; /* what an unset value means, for the help; NULL: its own value is shown */
} cli_opt;

/* The range of a number, where it is narrower than what its kind says. */
typedef struct cli_limit {
    const char *name; /* of the option */
    double least, most;
} cli_limit;

typedef struct cli_verb {
    const char *name, *summary;
    const char *operands;    /* "[FILE...]", or "" where the verb takes none */
    const cli_opt *options;  /* ends with name NULL */
    const cli_limit *limits; /* the same; or NULL */
    void *defaults;          /* args as they are before parsing: the help prints them */
    int (*run)(int argc, char **argv);
} cli_verb;

extern const cli_verb verb_classify, verb_embed, verb_tokenize, verb_evaluate, verb_finetune, verb_quantize,
    verb_calibrate, verb_info, verb_bench, verb_train_tokenizer, verb_completion;

extern const cli_verb *const cli_verbs[]; /* all of them; ends with NULL */

/* Parses argv into args. Returns -1 when the verb shall run; else the exit status to leave with, after help
 * on stdout (0) or a complaint on stderr (2). Operands are argv[*first] on. */
int cli_parse(void *args, int *first, const cli_verb *verb, int argc, char **argv);

void cli_help(const cli_verb *verb);

/* The man page inkling-VERB(1) on stdout, made of the same table; NULL: inkling(1). */
void cli_man(const cli_verb *verb);

/* " (default: 5)", or "" where there is nothing to say, in text. */
enum { CLI_DEFAULT_BYTES = 256 };
const char *cli_default(char *text, size_t size, const cli_verb *verb, const cli_opt *opt);

/* Length of what a verb does in a few words: its summary up to the first colon or full stop. */
int cli_brief(const cli_verb *verb);

/* One sentence on stderr, "inkling VERB: ..."; returns EXIT_USAGE. */
int cli_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a failure of the library; returns EXIT_FAILED. */
int cli_fail(const char *verb, const ink_error *err);

/* "text" on stdout as a JSON string. */
void cli_print_json(const char *text);

#endif
