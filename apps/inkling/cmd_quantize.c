/* inkling quantize: a model of floats in, one in 8 bits out, measured on the way. */
#include "evaluate_table.h"
#include "job.h"

#include <stdio.h>
#include <string.h>

struct args {
    struct job_args job;
    const char *out, *label;
    cli_list dev;
    double max_drop;
};

enum { ON_ERROR_STOP = 1 };

static struct args defaults = {
    .job = {.output = "-", .text = "text", .on_error = ON_ERROR_STOP}, .label = "label", .max_drop = 0.5};

static const cli_opt options[] = {
    JOB_MODEL(struct args),
    {'o', "out", CLI_STR, offsetof(struct args, out), "DIR",
     "the directory that becomes the model; it may not be there yet (required)", NULL},
    {0, "dev", CLI_LIST, offsetof(struct args, dev), "FILE",
     "labelled records to measure both models on; may come again", "nothing is measured"},
    {0, "max-drop", CLI_REAL, offsetof(struct args, max_drop), "X",
     "points (0.01) the first metric may fall by; percent, where less is better", NULL},
    {0, "label", CLI_STR, offsetof(struct args, label), "NAME",
     "field of the truth; label stands for a list labels as well", NULL},
    JOB_RECORDS(struct args),
    JOB_LENGTHS(struct args, "the model's own"),
    JOB_BATCH(struct args),
    {0},
};

static void print_sizes(const ink_quantized *q)
{
    printf("weights: %.1f MB before, %.1f MB after; %zu matrices in 8 bits\n", (double)q->bytes_before / 1e6,
           (double)q->bytes_after / 1e6, q->matrices);
}

/* Whether 8 bits are computed with on this processor is found out by opening what was written. */
static ink_status say_unmeasured(const char *dir, ink_error *err)
{
    ink_model *model;
    ink_model_info info;
    const ink_status st = ink_model_open(&model, dir, NULL, err);
    if (st != INK_OK)
        return st;
    ink_model_get_info(&info, model);
    if (strcmp(info.precision, "int8") != 0)
        fprintf(stderr, "computing in %s here: %s\n", info.precision, info.precision_why);
    fputs("nothing was measured: give --dev to see what it costs\n", stderr);
    ink_model_free(model);
    return INK_OK;
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    int status = cli_parse(&a, &first, &verb_quantize, argc, argv);
    if (status >= 0)
        return status;
    if (!a.job.model)
        return cli_usage("quantize", "--model is required");
    if (!a.out)
        return cli_usage("quantize", "--out is required");
    ink_error err;
    ink_model *model = NULL;
    ink_quantized result = {0};
    ink_evaluate_options check;
    char *inputs[CLI_LIST_MAX + 1] = {NULL};
    ink_quantize_options o = INK_QUANTIZE_OPTIONS_INIT;
    o.max_drop = a.max_drop;
    a.job.output = a.out;
    a.job.precision = INK_PRECISION_F32;
    ink_status st = job_open_model(&model, &a.job, &err);
    if (st == INK_OK && a.dev.n) {
        memcpy(inputs, a.dev.items, a.dev.n * sizeof *inputs);
        job_evaluate_options(&check, &a.job, a.label, inputs);
        o.check = &check;
    }
    if (st == INK_OK)
        st = ink_quantize(&result, model, a.out, &o, &err);
    if (st == INK_OK && ink_model_calibration(model) && !a.job.quiet)
        fputs("the calibration was left out, for scores in 8 bits are others: calibrate the new directory\n",
              stderr);
    if (st == INK_OK || result.evaluation)
        print_sizes(&result);
    if (result.evaluation) {
        evaluate_comparison(result.evaluation, "in floats", "in 8 bits");
        if (result.slow && !a.job.quiet)
            fputs(
                "measured without this processor's 8-bit products, which are not exact: on it the directory "
                "computes in floats\n",
                stderr);
    } else if (st == INK_OK && !a.job.quiet) {
        st = say_unmeasured(a.out, &err);
    }
    fflush(stdout);
    ink_job_report report;
    job_evaluate_report(&report, result.evaluation);
    if (a.dev.n)
        status = job_finish("quantize", st, &err, &report, &a.job, inputs);
    else
        status = st == INK_OK ? EXIT_OK : cli_fail("quantize", &err);
    ink_evaluation_free(result.evaluation);
    ink_model_free(model);
    return status;
}

const cli_verb verb_quantize = {
    .name = "quantize",
    .summary = "Writes a model with its weights in 8 bits: a quarter of the size of F32, and faster. With "
               "--dev both "
               "are\n"
               "measured, and nothing is written where the new one is worse by more than --max-drop.",
    .operands = "",
    .options = options,
    .defaults = &defaults,
    .run = run,
};
