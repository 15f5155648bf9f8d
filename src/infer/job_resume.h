/* Jobs that can be stopped and gone on with. While OUT is made it is OUT.part, and OUT.journal (io/journal.h)
 * says what it is the output of and how far it is; when it is complete it is renamed, and the journal stays,
 * so that a later --resume can tell whether it is the same job. */
#ifndef INK_INFER_JOB_RESUME_H
#define INK_INFER_JOB_RESUME_H

#include "core/crc32c.h"
#include "infer/job.h"
#include "io/journal.h"
#include "io/output.h"

/* The numbers of a journal's entry, behind those that io/journal.h knows. All are of OUT from its beginning,
 * whoever wrote it. */
enum {
    INK__STANDING_COMPLETE = INK__ENTRY_OWN,
    INK__STANDING_INPUT, /* records that were taken from the input, and the check of the last one */
    INK__STANDING_INPUT_CHECK,
    INK__STANDING_RECORDS,
    INK__STANDING_FAILED,
    INK__STANDING_TRUNCATED,
    INK__STANDING_BAD_BYTES,
    INK__STANDING_FAILED_BY,
    INK__STANDING_TIMES = INK__STANDING_FAILED_BY + INK_BADS, /* a check of when the inputs were changed */
    INK__STANDING_NUMBERS
};

/* One file that grows. */
typedef struct ink__growing {
    const char *path; /* NULL: there is none */
    char *part;
} ink__growing;

typedef struct ink__resume {
    ink__growing output, rejects;
    char *journal_path;
    ink__journal *journal;
    uint64_t standing[INK__STANDING_NUMBERS]; /* where the next record goes; zeros at the beginning */
    uint64_t marked;                          /* records of the input that the journal's last entry counts */
    ink__crc32c crc;
    uint64_t times; /* INK__STANDING_TIMES as it is now */
    bool folders;   /* an input is one: what is in it must be looked at */
    bool streams;   /* an input is no file: it cannot be read twice */
    bool in_place;  /* the output has its final name: the job is complete, and nothing is left to do */
} ink__resume;

/* Finds out where the job stands, and changes nothing that was written. INK_E_ARG: OUT is not a file that can
 * be gone on with, or belongs to another job (the text says what differs). */
ink_status ink__resume_open(ink__resume *resume, const ink__work *work, const ink_job_options *options,
                            ink_error *err);

/* Passes over the records that are done. INK_E_ARG: they are others than they were. */
ink_status ink__resume_skip(ink__resume *resume, ink__records *records, ink_error *err);

/* Of a complete job: the inputs still hold what it was made of, no more and no less. Files whose time of
 * change is as it was are not read, nor is stdin. INK_E_ARG: they are others. */
ink_status ink__resume_verify(const ink__resume *resume, ink__records *records, ink_error *err);

/* Opens the output, and the file of the bad records if there is one, where they stand. */
ink_status ink__resume_outputs(ink__output **output, ink__output **rejects, ink__resume *resume,
                               ink_error *err);

/* These bytes, terminated, are written at the output's beginning. */
void ink__resume_begin(ink__resume *resume, const char *bytes);

/* What has been done before. */
void ink__resume_report(ink_job_report *report, const ink__resume *resume);

/* The output of one more unit has been written, and report counts it. */
void ink__resume_move(ink__resume *resume, const ink__result *result, const ink_job_report *report);

/* True if there is something new to tell the journal. */
bool ink__resume_moved(const ink__resume *resume);

/* Says in the journal that `standing` has been reached: all of it must have been written. */
ink_status ink__resume_mark(ink__resume *resume, ink_error *err);

/* The same at the very end, with everything on disk, and puts the output in place. */
ink_status ink__resume_finish(ink__resume *resume, ink__output *output, ink__output *rejects, ink_error *err);

void ink__resume_close(ink__resume *resume);

/* *settings = a JSON object of all that the output depends on; free() it. */
ink_status ink__settings_make(char **settings, const ink__work *work, const ink_job_options *options,
                              ink_error *err);
/* INK_E_ARG names the first thing in which `found`, the settings of a journal, differs from `mine`. */
ink_status ink__settings_compare(const char *found, const char *mine, const ink__resume *resume,
                                 ink_error *err);

#endif
