/* Where results go: see job_output.h. */
#include "infer/job_output.h"
#include "infer/job_table.h"

#include <string.h>
#include <sys/stat.h>

static bool is_file(struct stat *info, const char *path)
{
    return path && strcmp(path, "-") != 0 && stat(path, info) == 0 && S_ISREG(info->st_mode);
}

/* What replaces the file of its name, and that shall not be an input. */
static ink_status check_name(const char *path, const ink_job_options *options, ink_error *err)
{
    struct stat out, in;
    if (!is_file(&out, path))
        return INK_OK;
    for (size_t i = 0; i < options->n_inputs; ++i)
        if (stat(options->inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return ink_fail(err, INK_E_ARG, "%s: is an input and cannot be the output as well", path);
    return INK_OK;
}

static ink_status check_names(const ink_job_options *options, ink_error *err)
{
    struct stat a, b;
    INK_TRY(check_name(options->output, options, err));
    INK_TRY(check_name(options->rejects, options, err));
    if (!options->rejects)
        return INK_OK;
    if (strcmp(options->rejects, options->output ? options->output : "-") == 0 ||
        (is_file(&a, options->output) && is_file(&b, options->rejects) && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino))
        return ink_fail(err, INK_E_ARG, "%s: cannot hold both the results and the bad records",
                        options->rejects);
    return INK_OK;
}

static ink_status write_header(ink__job_output *out, uint64_t records, bool again, ink_error *err)
{
    ink__text header = {0};
    if (!out->work->header)
        return INK_OK;
    ink_status st = out->work->header(&header, out->work, records, err);
    if (st == INK_OK)
        st = again ? ink__output_rewrite(out->output, 0, header.data, header.len, err)
                   : ink__output_write(out->output, header.data, header.len, err);
    ink__text_free(&header);
    return st;
}

/* A table's header, unless it is there. */
static ink_status write_columns(ink__job_output *out, ink_error *err)
{
    if (!out->work->table || out->resume.standing[INK__ENTRY_BYTES] > 0)
        return INK_OK;
    const char *header = ink__columns_header(out->work->table);
    if (out->resume.journal)
        ink__resume_begin(&out->resume, header);
    return ink__output_write(out->output, header, strlen(header), err);
}

/* Without resume a file appears whole or not at all. */
ink_status ink__job_output_open(ink__job_output *out, ink_job_report *report, ink__records *records,
                                const ink__work *work, const ink_job_options *options, ink_error *err)
{
    out->work = work, out->options = options;
    INK_TRY(check_names(options, err));
    if (!options->resume) {
        INK_TRY(ink__output_open(&out->output, options->output, err));
        if (options->rejects)
            INK_TRY(ink__output_open(&out->rejects, options->rejects, err));
        INK_TRY(write_columns(out, err));
        return write_header(out, 0, false, err);
    }
    if (!work->verb || work->header)
        return ink_fail(err, INK_E_ARG, "this job cannot be resumed: only lines of labels or vectors can");
    INK_TRY(ink__resume_open(&out->resume, work, options, err));
    ink__resume_report(report, &out->resume);
    if (report->complete)
        return ink__resume_verify(&out->resume, records, err);
    INK_TRY(ink__resume_skip(&out->resume, records, err));
    INK_TRY(ink__resume_outputs(&out->output, &out->rejects, &out->resume, err));
    return write_columns(out, err);
}

/* What is written after a failure does not count: part of what came before may be missing. */
static ink_status note(ink__job_output *out, ink_status st)
{
    out->lost = out->lost || st != INK_OK;
    return st;
}

ink_status ink__job_output_write(ink__job_output *out, const ink__result *result, ink_error *err)
{
    if (out->work->take)
        return out->work->take(out->work, result, err);
    INK_TRY(note(out, ink__output_write(out->output, result->out.data, result->out.len, err)));
    if (!out->rejects)
        return INK_OK;
    return note(out, ink__output_write(out->rejects, result->rejects.data, result->rejects.len, err));
}

void ink__job_output_move(ink__job_output *out, const ink__result *result, const ink_job_report *report)
{
    if (out->resume.journal)
        ink__resume_move(&out->resume, result, report);
}

ink_status ink__job_output_flush(ink__job_output *out, ink_error *err)
{
    INK_TRY(note(out, ink__output_flush(out->output, err)));
    return out->rejects ? note(out, ink__output_flush(out->rejects, err)) : INK_OK;
}

ink_status ink__job_output_mark(ink__job_output *out, ink_error *err)
{
    if (!out->resume.journal || out->lost || !ink__resume_moved(&out->resume))
        return INK_OK;
    INK_TRY(ink__job_output_flush(out, err));
    return ink__resume_mark(&out->resume, err);
}

ink_status ink__job_output_finish(ink__job_output *out, ink_status st, const ink_job_report *report,
                                  ink_error *err)
{
    if (st != INK_OK) {
        (void)ink__job_output_mark(out, NULL);
        (void)ink__job_output_flush(out, NULL);
        return st;
    }
    INK_TRY(write_header(out, report->records, true, err));
    if (out->resume.journal)
        return ink__resume_finish(&out->resume, out->output, out->rejects, err);
    if (out->rejects)
        INK_TRY(ink__output_commit(out->rejects, err));
    return ink__output_commit(out->output, err);
}

void ink__job_output_free(ink__job_output *out)
{
    ink__output_free(out->output);
    ink__output_free(out->rejects);
    ink__resume_close(&out->resume);
}
