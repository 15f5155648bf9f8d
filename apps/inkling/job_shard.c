/* Shards: which of n equal processes this one is, from --shard or from mpirun's environment. */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 4096 }; /* PATH_MAX */

static const char mark[] = "{shard}";

/* *value = the whole number, of digits alone, that text begins with; returns what follows it, or NULL. */
static const char *read_number(size_t *value, const char *text)
{
    char *end;
    errno = 0;
    if (!text || text[0] < '0' || text[0] > '9')
        return NULL;
    *value = strtoul(text, &end, 10);
    return errno ? NULL : end;
}

static int from_environment(const char *verb, struct job_args *args)
{
    size_t rank = 0;
    const char *a = read_number(&rank, getenv("OMPI_COMM_WORLD_RANK"));
    const char *b = read_number(&args->shards, getenv("OMPI_COMM_WORLD_SIZE"));
    if (!a || *a || !b || *b || rank >= args->shards)
        return cli_usage(verb, "--shard auto wants OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE, as mpirun "
                               "sets them");
    args->shard = rank + 1;
    return -1;
}

/* *name = the same with "{shard}" replaced by "2-of-8", in `named`, which outlives the job. */
static int name_file(const char *verb, const struct job_args *args, const char **name, char *named,
                     const char *option)
{
    const char *at = *name ? strstr(*name, mark) : NULL;
    if (!at && args->shards > 1 && *name && strcmp(*name, "-") != 0 && strcmp(args->shard_text, "auto") == 0)
        return cli_usage(verb, "%s %s: every process would write it; put %s into its name", option, *name,
                         mark);
    if (!at)
        return -1;
    const int n = snprintf(named, NAME_BYTES, "%.*s%zu-of-%zu%s", (int)(at - *name), *name, args->shard,
                           args->shards, at + strlen(mark));
    if (n < 0 || n >= NAME_BYTES)
        return cli_usage(verb, "%s: the name is too long", option);
    *name = named;
    return -1;
}

int job_shard(const char *verb, struct job_args *args)
{
    static char output[NAME_BYTES], rejects[NAME_BYTES];
    const char *text = args->shard_text, *const names[] = {args->output, args->rejects};
    for (size_t i = 0; !text && i < 2; ++i)
        if (names[i] && strstr(names[i], mark))
            return cli_usage(verb, "%s: %s in a name is for --shard", names[i], mark);
    if (!text)
        return -1;
    if (strcmp(text, "auto") == 0) {
        const int leave = from_environment(verb, args);
        if (leave >= 0)
            return leave;
    } else {
        const char *end = read_number(&args->shard, text);
        end = end && *end == '/' ? read_number(&args->shards, end + 1) : NULL;
        if (!end || *end || args->shard < 1 || args->shard > args->shards)
            return cli_usage(verb, "--shard is \"%s\", wanted I/N with I from 1 to N, or auto", text);
    }
    const int leave = name_file(verb, args, &args->output, output, "-o");
    return leave >= 0 ? leave : name_file(verb, args, &args->rejects, rejects, "--rejects");
}
