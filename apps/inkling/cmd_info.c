/* inkling info: what a model directory holds, and how this machine would run it. */
#include "cli.h"

#include <stdio.h>

struct args {
    const char *model;
    bool json;
};

static struct args defaults;

static const cli_opt options[] = {
    {'m', "model", CLI_STR, offsetof(struct args, model), "DIR",
     "the model: a Hugging Face directory (required)", NULL},
    {0, "json", CLI_FLAG, offsetof(struct args, json), NULL, "print one JSON object instead of a table",
     NULL},
    {0},
};

static const char *const activations[] = {"softmax", "sigmoid", "none"};
static const char *const poolings[] = {"auto", "cls", "mean", "max"};

/* Either form of one fact. */
static void print_text(const struct args *a, const char *key, const char *value)
{
    if (a->json) {
        printf(",\"%s\":", key);
        cli_print_json(value);
    } else {
        printf("%-18s %s\n", key, value);
    }
}

static void print_size(const struct args *a, const char *key, size_t value)
{
    if (a->json)
        printf(",\"%s\":%zu", key, value);
    else
        printf("%-18s %zu\n", key, value);
}

static void print_labels(const struct args *a, const ink_model *model, size_t C)
{
    enum { SHOWN = 8 }; /* in the table */
    printf(a->json ? ",\"labels\":[" : "%-18s ", "labels");
    for (size_t c = 0; c < C && (a->json || c < SHOWN); ++c) {
        if (a->json) {
            printf(c ? "," : "");
            cli_print_json(ink_model_label(model, c));
        } else {
            printf("%s%s", c ? ", " : "", ink_model_label(model, c));
        }
    }
    if (a->json)
        printf("]");
    else
        printf(C == 0      ? "none: the model has no classification head\n"
               : C > SHOWN ? ", ... (%zu)\n"
                           : "\n",
               C);
}

/* "temperature 1.61, at most 0.05 of what is decided wrong, fitted on 872 records" -- or no. */
static void print_calibration(const struct args *a, const ink_calibration *c)
{
    char text[200];
    size_t n = 0;
    if (!c) {
        print_text(a, "calibrated", "no");
        return;
    }
    n += (size_t)snprintf(text, sizeof text, "temperature %.4g", c->temperature);
    if (c->thresholds)
        n += (size_t)snprintf(text + n, sizeof text - n, ", a threshold for each label");
    if (c->max_error > 0)
        n += (size_t)snprintf(text + n, sizeof text - n, ", at most %g of what is decided wrong",
                              c->max_error);
    snprintf(text + n, sizeof text - n, "; in %s on %llu records", c->precision,
             (unsigned long long)c->records);
    print_text(a, "calibrated", text);
}

static void print_info(const struct args *a, const ink_model *model)
{
    ink_model_info info;
    const char *why;
    const size_t threads = ink_threads_default(&why);
    ink_model_get_info(&info, model);
    const ink_tokenizer *tokenizer = ink_model_tokenizer(model);
    if (a->json) {
        printf("{\"model\":");
        cli_print_json(a->model);
    } else {
        printf("%-18s %s\n", "model", a->model);
    }
    print_text(a, "architecture", info.architecture);
    print_size(a, "layers", info.layers);
    print_size(a, "hidden", info.hidden);
    print_size(a, "heads", info.heads);
    print_size(a, "feed_forward", info.feed_forward);
    print_size(a, "vocab", info.vocab);
    print_size(a, "positions", info.positions);
    print_size(a, "parameters", info.parameters);
    print_text(a, "stored_as", info.dtype);
    print_text(a, "precision", info.precision);
    print_text(a, "precision_from", info.precision_why);
    print_text(a, "tokenizer", ink_tokenizer_kind(tokenizer));
    print_size(a, "max_length", info.max_length);
    print_size(a, "embed_max_length", info.embed_max_length);
    print_labels(a, model, info.labels);
    if (info.labels)
        print_text(a, "activation", activations[info.activation]);
    if (info.labels)
        print_calibration(a, ink_model_calibration(model));
    print_text(a, "pooling", poolings[info.pooling]);
    print_text(a, "normalize", info.normalize ? "yes" : "no");
    print_text(a, "backend", info.backend);
    print_text(a, "instructions", info.isa);
    print_size(a, "threads", threads);
    print_text(a, "threads_from", why);
    if (a->json)
        printf("}\n");
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    const int leave = cli_parse(&a, &first, &verb_info, argc, argv);
    if (leave >= 0)
        return leave;
    if (!a.model)
        return cli_usage("info", "--model is required");
    ink_error err;
    ink_model *model;
    if (ink_model_open(&model, a.model, NULL, &err) != INK_OK)
        return cli_fail("info", &err);
    print_info(&a, model);
    ink_model_free(model);
    return EXIT_OK;
}

const cli_verb verb_info = {
    .name = "info",
    .summary = "Prints what a model is: architecture, sizes, labels, tokenizer, precision; and how it would "
               "run here:\n"
               "backend, instruction set, threads and why so many.",
    .operands = "",
    .options = options,
    .defaults = &defaults,
    .run = run,
};
