/* inkling evaluate: how good a model is on labelled records. */
#include "evaluate_table.h"
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct args {
    struct job_args job;
    const char *label, *compare, *slice, *json, *report, *mistakes;
    size_t seed;
};

enum { ON_ERROR_STOP = 1 };

static struct args defaults = {
    .job = {.output = "-", .text = "text", .on_error = ON_ERROR_STOP}, .label = "label", .seed = 42};

static const cli_opt options[] = {
    JOB_MODEL(struct args),
    {0, "label", CLI_STR, offsetof(struct args, label), "NAME",
     "field of the truth; label stands for a list labels as well", NULL},
    {0, "compare", CLI_STR, offsetof(struct args, compare), "DIR",
     "another model of the same labels, measured on the same records and computed as it is stored", NULL},
    {0, "slice", CLI_STR, offsetof(struct args, slice), "NAME",
     "field whose values make groups that are measured apart", NULL},
    {0, "json", CLI_STR, offsetof(struct args, json), "FILE", "write all numbers as JSON; - is stdout", NULL},
    {0, "report", CLI_STR, offsetof(struct args, report), "FILE", "write a page with charts (HTML)", NULL},
    {0, "mistakes", CLI_STR, offsetof(struct args, mistakes), "FILE",
     "write the mistakes with their texts, worst first, as JSON lines", NULL},
    {0, "seed", CLI_COUNT, offsetof(struct args, seed), "N", "of the resamples that make the intervals",
     NULL},
    JOB_RECORDS(struct args),
    JOB_LENGTHS(struct args, "the model's own"),
    JOB_LONG(struct args),
    JOB_BATCH(struct args),
    JOB_PRECISION(struct args),
    {0},
};

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* Whether path can surely not be written, with errno: hours of work shall not end so. */
static bool is_unwritable(const char *path)
{
    char folder[4096];
    struct stat info;
    const char *slash = strrchr(path, '/');
    const size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) { /* devices and pipes are written in place */
        const bool is_folder = S_ISDIR(info.st_mode), is_open = access(path, W_OK) == 0;
        errno = is_folder ? EISDIR : errno;
        return is_folder || !is_open;
    }
    if (len >= sizeof folder)
        return false;
    memcpy(folder, path, len);
    snprintf(folder + len, sizeof folder - len, "%s", len ? "" : ".");
    return access(folder, W_OK | X_OK) != 0; /* the file is written beside its name and renamed */
}

/* EXIT_OK, or the status to leave with: outputs replace what has their name, and stdout holds one thing. */
static int check_outputs(const struct args *a, char **inputs)
{
    const char *const outputs[] = {a->json, a->report, a->mistakes};
    size_t n_stdout = 0;
    for (size_t i = 0; i < 3; ++i) {
        n_stdout += is_stdout(outputs[i]);
        for (char **input = inputs; outputs[i] && *input; ++input)
            if (same_file(outputs[i], *input))
                return cli_usage("evaluate", "%s is an input and cannot be an output as well", *input);
        for (size_t j = 0; j < i; ++j)
            if (outputs[i] && outputs[j] && !is_stdout(outputs[i]) && strcmp(outputs[i], outputs[j]) == 0)
                return cli_usage("evaluate", "%s is named twice as an output", outputs[i]);
    }
    if (n_stdout > 1)
        return cli_usage("evaluate", "only one output can go to stdout");
    for (size_t i = 0; i < 3; ++i)
        if (outputs[i] && !is_stdout(outputs[i]) && is_unwritable(outputs[i])) {
            const char *slash = strrchr(outputs[i], '/');
            if (errno == ENOENT && slash)
                fprintf(stderr, "inkling evaluate: %s: cannot be written: the folder %.*s does not exist\n",
                        outputs[i], (int)(slash - outputs[i]), outputs[i]);
            else
                fprintf(stderr, "inkling evaluate: %s: cannot be written: %s\n", outputs[i], strerror(errno));
            return EXIT_FAILED;
        }
    return EXIT_OK;
}

static int write_outputs(const struct args *a, const ink_evaluation *e)
{
    ink_error err;
    char title[1100];
    snprintf(title, sizeof title, "Evaluation of %.500s%s%.500s", a->job.model, a->compare ? " beside " : "",
             a->compare ? a->compare : "");
    /* First what cannot fail: an output that cannot be written shall not cost the numbers. */
    if (!is_stdout(a->json) && !is_stdout(a->mistakes) && !is_stdout(a->report))
        evaluate_table(e, a->job.model, a->compare);
    if ((a->json && ink_evaluation_write_json(e, a->json, &err) != INK_OK) ||
        (a->mistakes && ink_evaluation_write_mistakes(e, a->mistakes, &err) != INK_OK) ||
        (a->report && ink_evaluation_write_report(e, a->report, title, &err) != INK_OK))
        return cli_fail("evaluate", &err);
    return EXIT_OK;
}

static ink_status evaluate(ink_evaluation **e, const struct args *a, const ink_model *model,
                           const ink_model *compare, char **inputs, ink_error *err)
{
    ink_evaluate_options o;
    job_evaluate_options(&o, &a->job, a->label, inputs);
    o.slice = a->slice, o.compare = compare;
    o.keep_mistakes = a->mistakes || a->report;
    o.seed = a->seed;
    return ink_evaluate(e, model, &o, err);
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    int status = cli_parse(&a, &first, &verb_evaluate, argc, argv);
    if (status >= 0)
        return status;
    if (!a.job.model)
        return cli_usage("evaluate", "--model is required");
    status = check_outputs(&a, argv + first);
    if (status != EXIT_OK)
        return status;
    ink_error err;
    ink_model *model = NULL, *compare = NULL;
    ink_evaluation *e = NULL;
    ink_status st = job_open_model(&model, &a.job, &err);
    if (st == INK_OK && a.compare)
        st = ink_model_open(&compare, a.compare, NULL, &err);
    if (st == INK_OK)
        st = evaluate(&e, &a, model, compare, argv + first, &err);
    ink_job_report report;
    job_evaluate_report(&report, e);
    status = job_finish("evaluate", st, &err, &report, &a.job, argv + first);
    if (e) {
        const int written = write_outputs(&a, e);
        status = written == EXIT_OK ? status : written;
    }
    ink_evaluation_free(e);
    ink_model_free(compare);
    ink_model_free(model);
    return status;
}

const cli_verb verb_evaluate = {
    .name = "evaluate",
    .summary = "Measures a model on labelled records: metrics with 95% intervals, label by label, as a "
               "table. Inputs\n"
               "are files or -; none means stdin.",
    .operands = "[FILE...]",
    .options = options,
    .defaults = &defaults,
    .run = run,
};
