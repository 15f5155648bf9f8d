/* Where a job's results go: the output, the file of the bad records, and the journal that says how far both
 * are. */
#ifndef INK_INFER_JOB_OUTPUT_H
#define INK_INFER_JOB_OUTPUT_H

#include "infer/job_resume.h"

typedef struct ink__job_output {
    const ink__work *work;
    const ink_job_options *options;
    ink__output *output, *rejects; /* rejects NULL: bad records go to output */
    ink__resume resume;            /* without a journal where that is not wanted */
    bool lost;                     /* not all that was collected could be written: nothing more is marked */
} ink__job_output;

/* Starts as {0}. Opens everything, or where a job is gone on with finds out where it stands: report says so,
 * and records are passed over. report->complete: there is nothing to do, and nothing is open. */
ink_status ink__job_output_open(ink__job_output *out, ink_job_report *report, ink__records *records,
                                const ink__work *work, const ink_job_options *options, ink_error *err);

/* Collects a unit's lines. */
ink_status ink__job_output_write(ink__job_output *out, const ink__result *result, ink_error *err);

/* The unit that was written is counted in report, and can be marked. */
void ink__job_output_move(ink__job_output *out, const ink__result *result, const ink_job_report *report);

ink_status ink__job_output_flush(ink__job_output *out, ink_error *err);

/* Tells the journal, if there is one and something to tell. */
ink_status ink__job_output_mark(ink__job_output *out, ink_error *err);

/* Puts the results of a job that went well (st INK_OK) in their place. Of any other, what was finished stays
 * on stdout, or to be gone on with. Returns st, or what goes wrong. */
ink_status ink__job_output_finish(ink__job_output *out, ink_status st, const ink_job_report *report,
                                  ink_error *err);

void ink__job_output_free(ink__job_output *out);

#endif
