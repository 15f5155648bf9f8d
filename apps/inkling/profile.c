/* Operations as CSV: see profile.h. */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One write a line, so that threads' lines do not mix. */
static void print_event(const ink_profile_event *e, void *user)
{
    char line[160];
    snprintf(line, sizeof line, "%s,%s,%zu,%zu,%zu,%zu,%zu,%.4f\n", ink_operation_name(e->operation),
             e->backend, e->layer, e->rows, e->in, e->out, e->threads, 1e3 * e->seconds);
    fputs(line, stderr);
}

void profile_options(ink_model_options *options)
{
    const char *verbose = getenv("INK_VERBOSE");
    if (!verbose || strcmp(verbose, "profile") != 0)
        return;
    fputs("operation,backend,layer,rows,in,out,threads,ms\n", stderr);
    options->profile = print_event;
}
