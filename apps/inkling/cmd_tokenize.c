/* inkling tokenize: ids, tokens and byte offsets of every record. */
#include "job.h"

struct args {
    struct job_args job;
};

static struct args defaults = {.job = JOB_DEFAULTS};

static const cli_opt options[] = {
    JOB_MODEL(struct args),
    JOB_OUTPUT(struct args),
    JOB_REJECTS(struct args),
    JOB_SHARD(struct args),
    JOB_LATENCY(struct args),
    JOB_RECORDS(struct args),
    JOB_LENGTHS(struct args, "all of it"),
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
    int leave = cli_parse(&a, &first, &verb_tokenize, argc, argv);
    if (leave < 0)
        leave = job_check("tokenize", &a.job);
    if (leave >= 0)
        return leave;
    ink_error err;
    ink_tokenizer *tokenizer;
    ink_job_report report = {0};
    ink_job_options job;
    if (ink_tokenizer_open(&tokenizer, a.job.model, &err) != INK_OK)
        return cli_fail("tokenize", &err);
    job_options(&job, &a.job, argv + first);
    const ink_status status = ink_job_tokenize(&report, tokenizer, &job, &err);
    ink_tokenizer_free(tokenizer);
    return job_finish("tokenize", status, &err, &report, &a.job, argv + first);
}

const cli_verb verb_tokenize = {
    .name = "tokenize",
    .summary =
        "Prints token ids, tokens and byte offsets of every record: one JSON line each, in input order.\n"
        "Inputs are files, folders (each file in it one document) or -; none means stdin. The directory\n"
        "needs only the tokenizer's files.",
    .operands = "[FILE|FOLDER...]",
    .options = options,
    .limits = limits,
    .defaults = &defaults,
    .run = run,
};
