/* inkling classify: label every record. */
#include "job.h"

#include <stdio.h>
#include <string.h>

struct args {
    struct job_args job;
    bool all_scores;
    size_t top_k;
    double threshold;
    int output_format;
};

static struct args defaults = {.job = JOB_DEFAULTS};

static const cli_opt options[] = {
    JOB_MODEL(struct args),
    {0, "all-scores", CLI_FLAG, offsetof(struct args, all_scores), NULL, "print the score of every label",
     NULL},
    {0, "top-k", CLI_SIZE, offsetof(struct args, top_k), "N", "print the N best labels, too", NULL},
    {0, "threshold", CLI_REAL, offsetof(struct args, threshold), "X",
     "score from which a label of a multi-label model counts", "as calibrated, else 0.5"},
    JOB_KEEP(struct args),
    JOB_OUTPUT(struct args),
    {0, "output-format", CLI_CHOICE, offsetof(struct args, output_format), "jsonl|csv|tsv",
     "of the results: lines of JSON, or a table with a header", NULL},
    JOB_REJECTS(struct args),
    JOB_SHARD(struct args),
    JOB_LATENCY(struct args),
    JOB_RESUME(struct args),
    JOB_RECORDS(struct args),
    JOB_LENGTHS(struct args, "the model's own"),
    JOB_LONG(struct args),
    JOB_BATCH(struct args),
    JOB_PRECISION(struct args),
    {0},
};

static const cli_limit limits[] = {
    JOB_LATENCY_LIMIT,
    {"threshold", 0.000001, 1},
    {0},
};

/* FILE.csv is read as a table wherever it is an input: that it is none as an output is said. */
static void say_lines(const struct args *a)
{
    static const char *const endings[] = {".csv", ".tsv"};
    const size_t len = strlen(a->job.output);
    for (size_t i = 0; i < 2 && a->output_format == 0 && !a->job.quiet; ++i)
        if (len > 4 && strcmp(a->job.output + len - 4, endings[i]) == 0)
            fprintf(stderr,
                    "inkling classify: %s will hold lines of JSON; --output-format %s writes a table\n",
                    a->job.output, endings[i] + 1);
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    int leave = cli_parse(&a, &first, &verb_classify, argc, argv);
    if (leave < 0)
        leave = job_check("classify", &a.job);
    if (leave >= 0)
        return leave;
    ink_error err;
    ink_model *model;
    ink_job_report report = {0};
    ink_job_options job;
    if (job_open_model(&model, &a.job, &err) != INK_OK)
        return cli_fail("classify", &err);
    job_options(&job, &a.job, argv + first);
    job.all_scores = a.all_scores;
    job.top_k = a.top_k;
    job.threshold = a.threshold;
    job.output_format = (ink_output_format)a.output_format;
    say_lines(&a);
    const ink_status status = ink_job_classify(&report, model, &job, &err);
    ink_model_free(model);
    return job_finish("classify", status, &err, &report, &a.job, argv + first);
}

const cli_verb verb_classify = {
    .name = "classify",
    .summary = "Labels every record of the inputs: one JSON line each, in input order. Inputs are files,\n"
               "folders (each file in it one document) or -; none means stdin.",
    .operands = "[FILE|FOLDER...]",
    .options = options,
    .limits = limits,
    .defaults = &defaults,
    .run = run,
};
