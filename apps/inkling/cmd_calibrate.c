/* inkling calibrate: scores that mean what they say, thresholds, and a rule by which the model abstains. */
#include "evaluate_table.h"
#include "job.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct args {
    struct job_args job;
    const char *out, *label;
    cli_list dev;
    int threshold_for;
    double min_precision, min_recall, max_error;
    size_t seed;
};

enum { ON_ERROR_STOP = 1, FOR_NONE = 1 };

static struct args defaults = {
    .job = {.output = "-", .text = "text", .on_error = ON_ERROR_STOP}, .label = "label", .seed = 42};

static const cli_opt options[] = {
    JOB_MODEL(struct args),
    {'o', "out", CLI_STR, offsetof(struct args, out), "DIR",
     "the directory that becomes the model; it may not be there yet (required)", NULL},
    {0, "dev", CLI_LIST, offsetof(struct args, dev), "FILE",
     "labelled records that it was not trained on; give it once a file (required)", NULL},
    {0, "max-error", CLI_REAL, offsetof(struct args, max_error), "E",
     "abstain, so that at most E of what is decided is wrong, with 95% confidence", "never"},
    {0, "threshold-for", CLI_CHOICE, offsetof(struct args, threshold_for), "f1|none",
     "of a multi-label model: each label's threshold has the best F1, or stays 0.5", NULL},
    {0, "min-precision", CLI_REAL, offsetof(struct args, min_precision), "P",
     "instead: each threshold finds the most at a precision of P", "none"},
    {0, "min-recall", CLI_REAL, offsetof(struct args, min_recall), "P",
     "instead: each threshold is the highest that finds a share of P", "none"},
    {0, "label", CLI_STR, offsetof(struct args, label), "NAME",
     "field of the truth; label stands for a list labels as well", NULL},
    {0, "seed", CLI_COUNT, offsetof(struct args, seed), "N", "of the resamples that make the intervals",
     NULL},
    JOB_RECORDS(struct args),
    JOB_LENGTHS(struct args, "the model's own"),
    JOB_LONG(struct args),
    JOB_BATCH(struct args),
    JOB_PRECISION(struct args),
    {0},
};

static const cli_limit limits[] = {
    {"max-error", 0.000001, 0.999},
    {"min-precision", 0.000001, 1},
    {"min-recall", 0.000001, 1},
    {0},
};

static void fill_options(ink_calibrate_options *o, ink_evaluate_options *dev, const struct args *a,
                         char **inputs)
{
    const ink_calibrate_options init = INK_CALIBRATE_OPTIONS_INIT;
    job_evaluate_options(dev, &a->job, a->label, inputs);
    dev->seed = a->seed;
    *o = init;
    o->dev = dev;
    o->max_error = a->max_error;
    if (a->threshold_for == FOR_NONE)
        o->thresholds = INK_THRESHOLDS_NONE;
    if (a->min_precision > 0)
        o->thresholds = INK_THRESHOLDS_PRECISION, o->at_least = a->min_precision;
    if (a->min_recall > 0)
        o->thresholds = INK_THRESHOLDS_RECALL, o->at_least = a->min_recall;
}

static void print_temperature(const ink_calibrated *c)
{
    printf("temperature %.4f, fitted on %llu records%s\n", c->calibration->temperature,
           (unsigned long long)c->calibration->records,
           c->temperature_found ? "" : ": they are labelled rightly at any, and show none");
}

static void say_not_reached(const ink_calibrated *c, const struct args *a)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_labels; ++i)
        n += !c->labels[i].reached;
    if (n > 0)
        fprintf(stderr, "inkling calibrate: %zu of %zu labels do not reach a %s of %g on these records%s\n",
                n, c->n_labels, a->min_precision > 0 ? "precision" : "recall",
                a->min_precision > 0 ? a->min_precision : a->min_recall,
                a->min_precision > 0 ? ", and are never given" : "");
}

static void print_abstain(const ink_calibrated *c, const ink_model *model)
{
    const ink_calibration *k = c->calibration;
    if (!(k->max_error > 0))
        return;
    printf("\nat most %g of what is decided is wrong, with 95%% confidence:\n", k->max_error);
    if (k->ratio < 1)
        printf("every record is decided\n");
    else if (ink_model_labels(model) == 2)
        printf("it decides where the score is above %.6f", (double)k->ratio / (1 + (double)k->ratio));
    else
        printf("it decides where the score is more than %.4g times the second best", (double)k->ratio);
    printf("%s%llu of %llu of these records (%.1f%%), of which %llu are wrong (%.4f)\n",
           k->ratio < 1 ? "" : ":\n", (unsigned long long)k->decided, (unsigned long long)k->records,
           100 * (double)k->decided / (double)k->records, (unsigned long long)k->wrong,
           (double)k->wrong / (double)k->decided);
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    int status = cli_parse(&a, &first, &verb_calibrate, argc, argv);
    if (status >= 0)
        return status;
    if (!a.job.model)
        return cli_usage("calibrate", "--model is required");
    if (!a.out)
        return cli_usage("calibrate", "--out is required");
    if (!a.dev.n)
        return cli_usage("calibrate", "--dev is required");
    if ((a.min_precision > 0) + (a.min_recall > 0) + (a.threshold_for == FOR_NONE) > 1)
        return cli_usage("calibrate",
                         "--min-precision, --min-recall and --threshold-for none exclude each other");
    ink_error err;
    ink_model *model = NULL;
    ink_calibrated result = {0};
    ink_calibrate_options o;
    ink_evaluate_options dev;
    char *inputs[CLI_LIST_MAX + 1] = {NULL};
    memcpy(inputs, a.dev.items, a.dev.n * sizeof *inputs);
    a.job.output = a.out;
    ink_status st = job_open_model(&model, &a.job, &err);
    if (st == INK_OK) {
        fill_options(&o, &dev, &a, inputs);
        st = ink_calibrate(&result, model, a.out, &o, &err);
    }
    if (result.evaluation) {
        print_temperature(&result);
        evaluate_thresholds(result.labels, result.n_labels);
        say_not_reached(&result, &a);
        print_abstain(&result, model);
        evaluate_comparison(result.evaluation, "before",
                            "after, each fifth of the records by a fit to the others");
    }
    fflush(stdout);
    ink_job_report report;
    job_evaluate_report(&report, result.evaluation);
    status = job_finish("calibrate", st, &err, &report, &a.job, inputs);
    ink_calibrated_free(&result);
    ink_model_free(model);
    return status;
}

const cli_verb verb_calibrate = {
    .name = "calibrate",
    .summary = "Writes a model whose scores are right as often as they say: a temperature, thresholds for "
               "several labels,\n"
               "and with --max-error a rule by which it abstains. classify and evaluate apply them.",
    .operands = "",
    .options = options,
    .limits = limits,
    .defaults = &defaults,
    .run = run,
};
