/* What evaluate, quantize and calibrate share: labelled records and what became of them. See job.h. */
#include "job.h"

#include <stdio.h>
#include <string.h>

void job_evaluate_options(ink_evaluate_options *options, const struct job_args *args, const char *label,
                          char **inputs)
{
    const ink_evaluate_options init = INK_EVALUATE_OPTIONS_INIT;
    ink_job_options job;
    job_options(&job, args, inputs);
    *options = init;
    options->inputs = job.inputs, options->n_inputs = job.n_inputs, options->format = job.format;
    options->delimiter = job.delimiter;
    options->text = job.text, options->text_pair = job.text_pair, options->id = job.id;
    options->label = label;
    options->threads = job.threads, options->max_length = job.max_length;
    options->batch_tokens = job.batch_tokens;
    options->leave_out_bad = !job.stop_on_error;
    options->parse_special = job.parse_special;
    options->long_texts = job.long_texts;
    options->progress = job.progress, options->user = job.user;
}

void job_evaluate_report(ink_job_report *report, const ink_evaluation *e)
{
    memset(report, 0, sizeof *report);
    if (!e)
        return;
    report->records = e->records + e->left_out, report->failed = e->left_out;
    report->truncated = e->truncated, report->tokens = e->tokens, report->bad_bytes = e->bad_bytes;
    report->seconds = e->seconds;
    snprintf(report->first_error, sizeof report->first_error, "%s", e->first_error);
    report->unread = e->unread;
    memcpy(report->notes, e->notes, sizeof report->notes);
}
