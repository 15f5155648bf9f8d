/* Where a job stands, and going on with it: see job_resume.h. */
#include "infer/job_resume.h"
#include "core/memory.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ink_status with_ending(char **name, const char *path, const char *ending, ink_error *err)
{
    const size_t n = strlen(path), more = strlen(ending);
    INK_TRY(ink__calloc(name, n + more + 1, 1, "a path", err));
    memcpy(*name, path, n);
    memcpy(*name + n, ending, more);
    return INK_OK;
}

static bool is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

/* A rename would put a file in the place of a pipe or a link. */
static ink_status check_name(const char *path, ink_error *err)
{
    struct stat info;
    if (!path || strcmp(path, "-") == 0)
        return ink_fail(err, INK_E_ARG, "standard output cannot be resumed: name a file with -o");
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return ink_fail(err, INK_E_ARG, "%s: is not a regular file and cannot be resumed", path);
    return INK_OK;
}

/* The part or, of a job that came to its end, the file itself. */
static const char *name_of(const ink__growing *file)
{
    return file->path && is_there(file->part) ? file->part : file->path;
}

/* Reads how far the output is. */
static ink_status find_standing(ink__resume *r, ink_error *err)
{
    const char *const outputs[2] = {name_of(&r->output), name_of(&r->rejects)};
    INK_TRY(ink__journal_find(r->standing, r->journal, outputs, err));
    const bool in_place = outputs[0] == r->output.path && is_there(r->output.path);
    r->in_place = in_place && r->standing[INK__STANDING_COMPLETE];
    if (!in_place || r->in_place)
        return INK_OK;
    return ink_fail(
        err, INK_E_ARG,
        "%s: is not as the job left it, by %s: it has been changed, or is another's; name another "
        "output to begin anew",
        r->output.path, r->journal_path);
}

static ink_status name_growing(ink__growing *file, const char *path, ink_error *err)
{
    file->path = path;
    return path ? with_ending(&file->part, path, ".part", err) : INK_OK;
}

/* When files were last changed, and what else there is among the inputs. */
static void look_at_inputs(ink__resume *r, const ink_job_options *o)
{
    r->streams = o->n_inputs == 0;
    for (size_t i = 0; i < o->n_inputs; ++i) {
        struct stat info;
        if (strcmp(o->inputs[i], "-") == 0 || stat(o->inputs[i], &info) != 0 ||
            !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
            r->streams = true;
            continue;
        }
        const uint64_t when[2] = {(uint64_t)info.st_mtim.tv_sec, (uint64_t)info.st_mtim.tv_nsec};
        r->folders = r->folders || S_ISDIR(info.st_mode);
        r->times = ink__crc32c_add(&r->crc, (uint32_t)r->times, when, sizeof when);
    }
}

ink_status ink__resume_open(ink__resume *r, const ink__work *work, const ink_job_options *options,
                            ink_error *err)
{
    char *settings = NULL;
    ink_status st;
    *r = (ink__resume){0};
    ink__crc32c_init(&r->crc);
    INK_TRY(check_name(options->output, err));
    if (options->rejects)
        INK_TRY(check_name(options->rejects, err));
    INK_TRY_GOTO(name_growing(&r->output, options->output, err));
    INK_TRY_GOTO(name_growing(&r->rejects, options->rejects, err));
    INK_TRY_GOTO(with_ending(&r->journal_path, options->output, ".journal", err));
    if (is_there(options->output) && !is_there(r->journal_path)) {
        st = ink_fail(err, INK_E_ARG,
                      "%s: is there already, and no %s says which job made it; name another output",
                      options->output, r->journal_path);
        goto done;
    }
    look_at_inputs(r, options);
    INK_TRY_GOTO(ink__settings_make(&settings, work, options, err));
    INK_TRY_GOTO(ink__journal_open(&r->journal, r->journal_path, INK__STANDING_NUMBERS, err));
    if (!ink__journal_settings(r->journal)) {
        INK_TRY_GOTO(ink__journal_begin(r->journal, settings, err));
        st = ink__sync_parent(r->journal_path, r->journal_path, err);
    } else {
        INK_TRY_GOTO(ink__settings_compare(ink__journal_settings(r->journal), settings, r, err));
        st = find_standing(r, err);
    }
    r->marked = r->standing[INK__STANDING_INPUT];
done:
    free(settings);
    return st;
}

static ink_status other_input(const ink__resume *r, const char *what, ink_error *err)
{
    return ink_fail(err, INK_E_ARG, "%s: was %s other input: %s; name another output to begin anew",
                    r->output.path, r->in_place ? "made of" : "begun with", what);
}

static ink_status pass_over(const ink__resume *r, ink__records *records, ink_error *err)
{
    const uint64_t n = r->standing[INK__STANDING_INPUT];
    uint32_t check;
    bool end;
    INK_TRY(ink__records_skip(&check, &end, records, n, err));
    if (end)
        return other_input(r, "there were more records then", err);
    if (n > 0 && check != r->standing[INK__STANDING_INPUT_CHECK])
        return other_input(r, "the records that are done have changed since", err);
    return INK_OK;
}

ink_status ink__resume_skip(ink__resume *r, ink__records *records, ink_error *err)
{
    if (r->standing[INK__STANDING_COMPLETE])
        return INK_OK;
    INK_TRY(pass_over(r, records, err));
    r->standing[INK__STANDING_TIMES] = r->times;
    return INK_OK;
}

ink_status ink__resume_verify(const ink__resume *r, ink__records *records, ink_error *err)
{
    ink__record record;
    bool end;
    if (r->streams || (!r->folders && r->times == r->standing[INK__STANDING_TIMES]))
        return INK_OK;
    INK_TRY(pass_over(r, records, err));
    INK_TRY(ink__records_next(&record, &end, records, err));
    return end ? INK_OK : other_input(r, "there were fewer records then", err);
}

ink_status ink__resume_outputs(ink__output **output, ink__output **rejects, ink__resume *r, ink_error *err)
{
    const uint64_t *standing = r->standing;
    const bool renamed = r->rejects.path && standing[INK__STANDING_COMPLETE] && !is_there(r->rejects.part);
    INK_TRY(ink__output_open_part(output, r->output.path, r->output.part, standing[INK__ENTRY_BYTES], err));
    if (r->rejects.path && !renamed)
        INK_TRY(ink__output_open_part(rejects, r->rejects.path, r->rejects.part, standing[INK__ENTRY_BYTES_2],
                                      err));
    return ink__journal_cut(r->journal, err);
}

void ink__resume_report(ink_job_report *report, const ink__resume *r)
{
    report->resumed = report->records = r->standing[INK__STANDING_RECORDS];
    report->failed = r->standing[INK__STANDING_FAILED];
    report->truncated = r->standing[INK__STANDING_TRUNCATED];
    report->bad_bytes = r->standing[INK__STANDING_BAD_BYTES];
    for (size_t k = 0; k < INK_BADS; ++k)
        report->failed_by[k] = r->standing[INK__STANDING_FAILED_BY + k];
    report->complete = r->in_place;
}

/* Moves a file's length and, behind it, its check. */
static void add_bytes(uint64_t *length_and_check, const ink__resume *r, const char *bytes, size_t len)
{
    length_and_check[0] += len;
    length_and_check[1] = ink__crc32c_add(&r->crc, (uint32_t)length_and_check[1], bytes, len);
}

void ink__resume_begin(ink__resume *r, const char *bytes)
{
    add_bytes(r->standing + INK__ENTRY_BYTES, r, bytes, strlen(bytes));
}

void ink__resume_move(ink__resume *r, const ink__result *result, const ink_job_report *report)
{
    uint64_t *standing = r->standing;
    add_bytes(standing + INK__ENTRY_BYTES, r, result->out.data, result->out.len);
    add_bytes(standing + INK__ENTRY_BYTES_2, r, result->rejects.data, result->rejects.len);
    standing[INK__STANDING_INPUT] = result->through;
    standing[INK__STANDING_INPUT_CHECK] = result->check;
    standing[INK__STANDING_RECORDS] = report->records;
    standing[INK__STANDING_FAILED] = report->failed;
    standing[INK__STANDING_TRUNCATED] = report->truncated;
    standing[INK__STANDING_BAD_BYTES] = report->bad_bytes;
    for (size_t k = 0; k < INK_BADS; ++k)
        standing[INK__STANDING_FAILED_BY + k] = report->failed_by[k];
}

bool ink__resume_moved(const ink__resume *r)
{
    return r->standing[INK__STANDING_INPUT] != r->marked;
}

ink_status ink__resume_mark(ink__resume *r, ink_error *err)
{
    r->marked = r->standing[INK__STANDING_INPUT];
    return ink__journal_add(r->journal, r->standing, false, err);
}

ink_status ink__resume_finish(ink__resume *r, ink__output *output, ink__output *rejects, ink_error *err)
{
    INK_TRY(ink__output_sync(output, err));
    if (rejects)
        INK_TRY(ink__output_sync(rejects, err));
    if (!r->standing[INK__STANDING_COMPLETE]) {
        r->standing[INK__STANDING_COMPLETE] = 1;
        INK_TRY(ink__journal_add(r->journal, r->standing, true, err));
    }
    if (rejects)
        INK_TRY(ink__output_commit(rejects, err));
    return ink__output_commit(output, err);
}

void ink__resume_close(ink__resume *r)
{
    ink__journal_close(r->journal);
    free(r->output.part);
    free(r->rejects.part);
    free(r->journal_path);
    *r = (ink__resume){0};
}
