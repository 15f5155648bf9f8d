/* inkling embed: a vector for every record. */
#include "job.h"

struct args {
    struct job_args job;
    int pooling;
    bool normalize;
};

static struct args defaults = {.job = JOB_DEFAULTS};

static const cli_opt options[] = {
    JOB_MODEL(struct args),
    {0, "pooling", CLI_CHOICE, offsetof(struct args, pooling), "auto|cls|mean|max",
     "how token vectors become one; auto is the model's own way, else mean", NULL},
    {0, "normalize", CLI_FLAG, offsetof(struct args, normalize), NULL,
     "make vectors of length 1, where the model does not already", NULL},
    JOB_KEEP(struct args),
    JOB_OUTPUT(struct args),
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
    {0},
};

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    int leave = cli_parse(&a, &first, &verb_embed, argc, argv);
    if (leave < 0)
        leave = job_check("embed", &a.job);
    if (leave >= 0)
        return leave;
    ink_error err;
    ink_model *model;
    ink_job_report report = {0};
    ink_job_options job;
    if (job_open_model(&model, &a.job, &err) != INK_OK)
        return cli_fail("embed", &err);
    job_options(&job, &a.job, argv + first);
    job.pooling = (ink_pooling)a.pooling;
    job.normalize = a.normalize;
    const ink_status status = ink_job_embed(&report, model, &job, &err);
    ink_model_free(model);
    return job_finish("embed", status, &err, &report, &a.job, argv + first);
}

const cli_verb verb_embed = {
    .name = "embed",
    .summary = "Makes a vector of every record: one JSON line each, in input order; -o NAME.npy writes a "
               "NumPy array\n"
               "instead. Inputs are files, folders (each file in it one document) or -; none means stdin.",
    .operands = "[FILE|FOLDER...]",
    .options = options,
    .limits = limits,
    .defaults = &defaults,
    .run = run,
};
