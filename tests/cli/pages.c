/* Man pages and completions: they hold every option of the help, and their readers find no fault in them. */
#include "cli/command.h"

enum { NAMES_MAX = 64 };

struct names {
    char items[NAMES_MAX][64];
    size_t n;
};

TestSuite(pages, .init = setup, .fini = teardown);

static void add(struct names *names, const char *text, size_t len)
{
    cr_assert(names->n < NAMES_MAX && len < sizeof names->items[0]);
    snprintf(names->items[names->n++], sizeof names->items[0], "%.*s", (int)len, text);
}

/* Of the overview's lines "  classify        Labels ...". */
static struct names read_verbs(void)
{
    struct names verbs = {.n = 0};
    cr_assert(run("inkling help") == 0);
    const char *line = strstr(out, "\nverbs:\n");
    cr_assert(line);
    for (line += 8; strncmp(line, "  ", 2) == 0; line = strchr(line, '\n') + 1)
        add(&verbs, line + 2, strcspn(line + 2, " "));
    cr_assert(verbs.n >= 9);
    return verbs;
}

/* Of the help's lines "  -m, --model DIR ..." and "      --top-k N ...": "model", "top-k". */
static struct names read_flags(const char *verb)
{
    struct names flags = {.n = 0};
    cr_assert(run("inkling help %s", verb) == 0);
    const char *line = strstr(out, "\noptions:\n");
    cr_assert(line, "%s", verb);
    for (line = strchr(line + 1, '\n') + 1; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line + 6, "--", 2) == 0)
            add(&flags, line + 8, strcspn(line + 8, " \n"));
    cr_assert(flags.n > 0, "%s", verb);
    return flags;
}

/* What bash offers for the last word. */
static void complete(const char *words)
{
    cr_expect(
        run("inkling completion bash >inkling.bash && bash --norc -c '. ./inkling.bash; COMP_WORDS=(\"$@\"); "
            "COMP_CWORD=$(($# - 1)); _inkling; printf \"%%s\\n\" \"${COMPREPLY[@]}\"' - %s",
            words) == 0);
    cr_expect(err[0] == '\0', "%s: %s", words, err);
}

static bool offers(const char *word)
{
    char line[192], all[sizeof out + 1];
    snprintf(line, sizeof line, "\n%s\n", word);
    snprintf(all, sizeof all, "\n%s", out);
    return strstr(all, line) != NULL;
}

static void expect_offers(const char *words, const char *wanted)
{
    complete(words);
    cr_expect(strcmp(out, wanted) == 0, "%s offers: %s", words, out);
}

Test(pages, every_option_of_the_help_is_in_bash_zsh_and_the_man_page)
{
    static char zsh[1 << 16];
    const struct names verbs = read_verbs();
    cr_assert(run("inkling completion zsh") == 0);
    memcpy(zsh, out, sizeof zsh);
    for (size_t v = 0; v < verbs.n; ++v) {
        const struct names flags = read_flags(verbs.items[v]);
        char text[160];
        snprintf(text, sizeof text, "inkling %s --", verbs.items[v]);
        complete(text);
        for (size_t f = 0; f < flags.n; ++f) {
            snprintf(text, sizeof text, "--%s", flags.items[f]);
            cr_expect(offers(text), "bash does not know %s %s", verbs.items[v], text);
        }
        snprintf(text, sizeof text, "\n    %s)\n", verbs.items[v]);
        char *part = strstr(zsh, text), *end = part ? strstr(part, " ;;\n") : NULL;
        cr_assert(end, "zsh does not know %s", verbs.items[v]);
        *end = '\0';
        for (size_t f = 0; f < flags.n; ++f) {
            snprintf(text, sizeof text, "--%s", flags.items[f]);
            const char *at = part;
            while ((at = strstr(at, text)) && !strchr("='}[", at[strlen(text)]))
                ++at;
            cr_expect(at, "zsh does not know %s %s", verbs.items[v], text);
        }
        *end = ' ';
        cr_assert(run("inkling help --man %s", verbs.items[v]) == 0);
        for (size_t f = 0; f < flags.n; ++f) {
            char *to = text + sprintf(text, "\\fB\\-\\-");
            for (const char *p = flags.items[f]; *p; ++p)
                to += sprintf(to, *p == '-' ? "\\-" : "%c", *p);
            strcpy(to, "\\fR");
            cr_expect(strstr(out, text), "the man page of %s has no --%s", verbs.items[v], flags.items[f]);
        }
    }
}

Test(pages, bash_offers_verbs_values_and_paths)
{
    expect_offers("inkling cl", "classify\n");
    expect_offers("inkling help cl", "classify\n");
    expect_offers("inkling help --", "--man\n");
    expect_offers("inkling completion ''", "bash\nzsh\n");
    expect_offers("inkling classify --format js", "jsonl\n");
    expect_offers("inkling classify --format = js", "jsonl\n");
    expect_offers("inkling classify --format =", "auto\nlines\ndocs\njsonl\ncsv\ntsv\nfasttext\nblocks\n");
    expect_offers("inkling classify --on-error ''", "report\nstop\n");
    expect_offers("inkling classify --shard ''", "auto\n");
    expect_offers("inkling classify --top-k ''", "\n");
    expect_offers("inkling classify --quiet --all", "--all-scores\n");
    cr_assert(run("mkdir 'my model' 'my data'; touch 'my texts.csv' my.json") == 0);
    expect_offers("inkling classify my.", "my.json\n");
    complete("inkling classify -m 'my'");
    cr_expect(offers("my model") && offers("my data") && !offers("my texts.csv"), "%s", out);
    complete("inkling classify -o my");
    cr_expect(offers("my texts.csv") && offers("my.json"), "%s", out);
    complete("inkling finetune --class-weights ''");
    cr_expect(offers("balanced") && offers("my.json"), "%s", out);
    complete("inkling info ''");
    cr_expect(strcmp(out, "\n") == 0, "info takes no operand: %s", out);
}

Test(pages, shells_and_man_page_readers_find_nothing_wrong)
{
    const struct names verbs = read_verbs();
    cr_expect(run("inkling completion bash | bash -n") == 0 && err[0] == '\0', "%s", err);
    if (run("command -v zsh") == 0)
        cr_expect(run("inkling completion zsh >_inkling; zsh -n _inkling") == 0 && err[0] == '\0', "%s", err);
    const bool groff = run("command -v groff") == 0, mandoc = run("command -v mandoc") == 0;
    for (size_t v = 0; v <= verbs.n; ++v) {
        const char *verb = v < verbs.n ? verbs.items[v] : "";
        cr_expect(run("inkling help --man %s >page.1; grep -c '^\\.SH' page.1", verb) == 0 && atoi(out) >= 5,
                  "%s%s", verb, out);
        if (groff) {
            cr_expect(run("groff -ww -man -Tascii page.1 >page.txt") == 0 && err[0] == '\0', "%s: %s", verb,
                      err);
            cr_expect(run("test -s page.txt") == 0);
        }
        /* Pages have the version's number, and no date. */
        if (mandoc)
            cr_expect(run("mandoc -T lint -W warning page.1 | grep -v 'missing date'") == 1, "%s: %s", verb,
                      out);
    }
}

Test(pages, wrong_usage_of_help_and_completion_says_what_was_wanted)
{
    expect_usage("inkling help --man clasify", "there is no verb \"clasify\"");
    expect_usage("inkling completion", "wanted one shell, bash or zsh");
    expect_usage("inkling completion bash zsh", "wanted one shell, bash or zsh");
    expect_usage("inkling completion fish", "\"fish\", wanted bash or zsh");
}
