/* What tests of whole jobs share: a small model with random weights, files, and options that name them. */
#ifndef INK_TESTS_INFER_JOB_FIXTURE_H
#define INK_TESTS_INFER_JOB_FIXTURE_H

#include "support/random_model.h"

#include <criterion/criterion.h>
#include <inkling.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct random_model shape = {"bert", 32, 1, 4, 48, 40, 3, 3};

struct fixture {
    char dir[256], in[300], out[300], whole[300], part[320], journal[320];
    const char *inputs[2];
    ink_model *model;
    ink_job_options options; /* in to out */
    ink_job_report report;
    ink_error err;
    bool stopping; /* the callback stops the job, after its first unit */
};

static inline int stop(const ink_job_progress *progress, void *user)
{
    (void)progress;
    return ((struct fixture *)user)->stopping;
}

static inline void open_fixture(struct fixture *f)
{
    const ink_job_options init = INK_JOB_OPTIONS_INIT;
    memset(f, 0, sizeof *f);
    scratch_dir(f->dir);
    random_model_write(f->dir, &shape);
    cr_assert(ink_model_open(&f->model, f->dir, NULL, &f->err) == INK_OK, "%s", f->err.text);
    snprintf(f->in, sizeof f->in, "%s/in.jsonl", f->dir);
    snprintf(f->out, sizeof f->out, "%s/out.jsonl", f->dir);
    snprintf(f->whole, sizeof f->whole, "%s/whole.jsonl", f->dir);
    snprintf(f->part, sizeof f->part, "%s.part", f->out);
    snprintf(f->journal, sizeof f->journal, "%s.journal", f->out);
    f->inputs[0] = f->in;
    f->options = init;
    f->options.inputs = f->inputs, f->options.n_inputs = 1;
    f->options.output = f->out;
    f->options.threads = 2;
    f->options.progress = stop, f->options.user = f;
}

static inline void close_fixture(struct fixture *f)
{
    ink_model_free(f->model);
    scratch_remove(f->dir);
}

static inline ink_status run_classify(struct fixture *f)
{
    return ink_job_classify(&f->report, f->model, &f->options, &f->err);
}

static inline bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Terminated, too; free() it. */
static inline char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    fseek(file, 0, SEEK_END);
    *len = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*len + 1);
    cr_assert(bytes && fread(bytes, 1, *len, file) == *len);
    bytes[*len] = '\0';
    fclose(file);
    return bytes;
}

static inline void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, "%s", path);
}

static inline bool same_files(const char *a, const char *b)
{
    size_t n, m;
    char *x = read_file(a, &n), *y = read_file(b, &m);
    const bool same = n == m && memcmp(x, y, n) == 0;
    free(x), free(y);
    return same;
}

#endif
