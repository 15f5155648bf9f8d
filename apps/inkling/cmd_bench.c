/* inkling bench: how fast a model is here, and how fast it could be. */
#include "bench_table.h"
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct args {
    const char *model, *json;
    size_t threads, rounds;
    int only, precision;
};

static struct args defaults = {.rounds = 5};

static const cli_opt options[] = {
    {'m', "model", CLI_STR, offsetof(struct args, model), "DIR",
     "the model: a Hugging Face directory (required)", NULL},
    {0, "only", CLI_CHOICE, offsetof(struct args, only), "all|products|encoder|latency|tokenizer",
     "measure nothing else", NULL},
    {0, "precision", CLI_CHOICE, offsetof(struct args, precision), "auto|f32|int8",
     "what products compute in; auto is as the weights are stored", NULL},
    {0, "rounds", CLI_SIZE, offsetof(struct args, rounds), "N", "turns everything has, at most 99", NULL},
    {0, "threads", CLI_SIZE, offsetof(struct args, threads), "N", "computing threads",
     "what the affinity mask and cgroup allow"},
    {0, "json", CLI_STR, offsetof(struct args, json), "FILE", "write all numbers as JSON; - is stdout", NULL},
    {0},
};

/* The beginning of a file of texts, enough to time a tokenizer on: *text [*len], to be freed. False: errno
 * says why. */
static bool read_text(char **text, size_t *len, const char *path)
{
    enum { MOST = 4 << 20 };
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!f)
        return false;
    *text = malloc(MOST);
    *len = *text ? fread(*text, 1, MOST, f) : 0;
    const bool ok = *text && !ferror(f);
    if (f != stdin)
        fclose(f);
    return ok;
}

static int bench(const struct args *a, const ink_bench_options *o)
{
    ink_error err;
    ink_model *model;
    ink_bench b;
    ink_model_options how = INK_MODEL_OPTIONS_INIT;
    how.precision = (ink_precision)a->precision;
    if (ink_model_open(&model, a->model, &how, &err) != INK_OK)
        return cli_fail("bench", &err);
    ink_status st = ink_bench_run(&b, model, o, &err);
    if (st == INK_OK && (!a->json || strcmp(a->json, "-") != 0))
        bench_table(&b, model, a->model);
    if (st == INK_OK && a->json)
        st = ink_bench_write_json(&b, model, a->json, &err);
    ink_model_free(model);
    return st == INK_OK ? EXIT_OK : cli_fail("bench", &err);
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    const int leave = cli_parse(&a, &first, &verb_bench, argc, argv);
    if (leave >= 0)
        return leave;
    if (!a.model)
        return cli_usage("bench", "--model is required");
    if (argv[first] && argv[first + 1])
        return cli_usage("bench", "takes one file of texts, given \"%s\" as well", argv[first + 1]);
    ink_bench_options o = INK_BENCH_OPTIONS_INIT;
    o.parts = a.only ? 1u << (a.only - 1) : 0;
    o.threads = a.threads, o.rounds = a.rounds;
    char *text = NULL;
    if (argv[first] && !read_text(&text, &o.text_len, argv[first])) {
        fprintf(stderr, "inkling bench: %s: ", argv[first]);
        perror(NULL);
        free(text);
        return EXIT_FAILED;
    }
    o.text = text;
    const int status = bench(&a, &o);
    free(text);
    return status;
}

const cli_verb verb_bench = {
    .name = "bench",
    .summary =
        "Measures a model on this machine: oneDNN's bare products, which are the limit; the products as "
        "the\n"
        "encoder runs them; the encoder on short and long texts with its share of that limit and the time "
        "by\n"
        "operation; the latency of single texts; the tokenizer, on FILE (a text a line) or on sentences "
        "of its\n"
        "own. \"together\" is all threads on each operation, \"apart\" a batch for each thread, as jobs "
        "do it.\n"
        "Nothing else should run meanwhile.",
    .operands = "[FILE]",
    .options = options,
    .defaults = &defaults,
    .run = run,
};
