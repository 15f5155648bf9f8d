/* Whole jobs: order, bad records, every output, and what a failure leaves behind. */
#include "infer/job_fixture.h"

#include <criterion/criterion.h>
#include <inkling.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { H = 32 };

/* n records whose texts vary in length, with id "r<i>". */
static void write_records(const struct fixture *f, size_t n, unsigned seed)
{
    static const char *const words[] = {"good", "bad", "movie", "the", "service", "never", "again", "was"};
    FILE *file = fopen(f->in, "wb");
    cr_assert(file);
    for (size_t i = 0; i < n; ++i) {
        fprintf(file, "{\"id\":\"r%zu\",\"text\":\"", i);
        for (unsigned w = random_next(&seed) % 30; w > 0; --w)
            fprintf(file, "%s ", words[random_next(&seed) % 8]);
        fprintf(file, "\"}\n");
    }
    fclose(file);
}

static char *classify(struct fixture *f, size_t *len)
{
    cr_assert(run_classify(f) == INK_OK, "%s", f->err.text);
    return read_file(f->out, len);
}

Test(job, output_is_the_same_bytes_for_any_threads_and_batches)
{
    struct fixture f;
    size_t len, other_len;
    open_fixture(&f);
    write_records(&f, 500, 7);
    f.options.threads = 1;
    char *expected = classify(&f, &len);
    cr_expect(f.report.records == 500 && f.report.failed == 0);
    static const size_t threads[] = {1, 2, 5}, batches[] = {1, 40, 333};
    for (size_t t = 0; t < 3; ++t)
        for (size_t b = 0; b < 3; ++b) {
            f.options.threads = threads[t], f.options.batch_tokens = batches[b];
            char *other = classify(&f, &other_len);
            cr_expect(len == other_len && memcmp(expected, other, len) == 0, "%zu threads, %zu tokens",
                      threads[t], batches[b]);
            free(other);
        }
    /* And the records are in the input's order. */
    const char *line = expected;
    for (size_t i = 0; i < 500; ++i) {
        char begin[32];
        snprintf(begin, sizeof begin, "{\"id\":\"r%zu\",", i);
        cr_assert(line && strncmp(line, begin, strlen(begin)) == 0, "line %zu", i);
        line = strchr(line, '\n') + 1;
    }
    cr_expect(*line == '\0');
    free(expected);
    close_fixture(&f);
}

Test(job, windows_of_long_texts_do_not_depend_on_threads_and_batches)
{
    struct fixture f;
    size_t len, other_len, windows = 0;
    open_fixture(&f);
    write_records(&f, 200, 7);
    f.options.threads = 1, f.options.max_length = 12;
    f.options.long_texts = (ink_long_texts){INK_LONG_CHUNK, 2, INK_LONG_POOLING_MEAN};
    char *expected = classify(&f, &len);
    cr_expect(f.report.records == 200 && f.report.failed == 0 && f.report.truncated == 0);
    for (const char *at = expected; (at = strstr(at, ",\"windows\":"));)
        windows += strtoul(at += 11, NULL, 10);
    cr_expect(windows > 300 && !strstr(expected, "\"truncated\":true"), "%zu windows", windows);
    f.options.batch_tokens = 333, f.options.threads = 5;
    char *other = classify(&f, &other_len);
    cr_expect(len == other_len && memcmp(expected, other, len) == 0);
    free(expected), free(other);
    f.options.text_pair = "b";
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "pairs"), "%s", f.err.text);
    close_fixture(&f);
}

#define WRITE(f, text) scratch_write((f).dir, "in.jsonl", text, strlen(text))

Test(job, a_line_says_what_the_contract_says)
{
    struct fixture f;
    size_t len;
    open_fixture(&f);
    WRITE(f, "{\"text\":\"good\"}\n");
    char *line = classify(&f, &len);
    int label;
    double score;
    cr_expect(
        sscanf(line,
               "{\"id\":1,\"label\":\"label %d\",\"score\":%lf,\"tokens\":3,\"used\":3,\"truncated\":false}",
               &label, &score) == 2 &&
            score > 0.33 && score <= 1,
        "%s", line);
    free(line);
    f.options.all_scores = true;
    f.options.max_length = 5;
    WRITE(f, "{\"id\":1.10,\"text\":\"good bad good bad good\"}\n");
    line = classify(&f, &len);
    cr_expect(strncmp(line, "{\"id\":1.10,\"label\":", 19) == 0, "%s", line);
    cr_expect(strstr(line, ",\"scores\":{\"label 0\":") != NULL, "%s", line);
    cr_expect(strstr(line, ",\"tokens\":7,\"used\":5,\"truncated\":true}\n") != NULL, "%s", line);
    cr_expect(f.report.truncated == 1);
    free(line);
    close_fixture(&f);
}

Test(job, a_field_that_no_record_has_stops_it_early)
{
    struct fixture f;
    open_fixture(&f);
    write_records(&f, 5000, 7);
    f.options.text = "txt";
    cr_expect(run_classify(&f) == INK_E_FORMAT);
    cr_expect(strstr(f.err.text, "not one of the first ") &&
                  strstr(f.err.text, "no field \"txt\" (fields: \"id\""),
              "%s", f.err.text);
    cr_expect(f.report.records >= 1000 && f.report.records < 5000, "%llu records",
              (unsigned long long)f.report.records);
    close_fixture(&f);
}

Test(job, a_bad_record_is_reported_in_its_place)
{
    struct fixture f;
    size_t len;
    open_fixture(&f);
    WRITE(f, "{\"id\":\"a\",\"text\":\"good\"}\n{\"id\":\"b\",\"body\":\"x\"}\nnot "
             "json\n{\"id\":\"c\",\"text\":\"bad\"}\n");
    char *out = classify(&f, &len);
    cr_expect(f.report.records == 4 && f.report.failed == 2);
    cr_expect(strstr(f.report.first_error, "line 2"), "%s", f.report.first_error);
    const char *second = strchr(out, '\n') + 1, *third = strchr(second, '\n') + 1,
               *fourth = strchr(third, '\n') + 1;
    cr_expect(strncmp(second, "{\"id\":\"b\",\"error\":\"", 18) == 0, "%s", second);
    cr_expect(strncmp(third, "{\"id\":3,\"error\":\"", 17) == 0, "%s", third);
    cr_expect(strncmp(fourth, "{\"id\":\"c\",\"label\":", 18) == 0, "%s", fourth);
    free(out);
    close_fixture(&f);
}

static size_t files_in(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    while (readdir(d))
        ++n;
    closedir(d);
    return n;
}

Test(job, a_failure_leaves_neither_output_nor_temporary)
{
    struct fixture f;
    open_fixture(&f);
    WRITE(f, "{\"text\":\"good\"}\nbroken\n");
    const size_t before = files_in(f.dir);
    f.options.stop_on_error = true;
    cr_expect(run_classify(&f) == INK_E_FORMAT);
    cr_expect(strstr(f.err.text, "line 2"), "%s", f.err.text);
    cr_expect(access(f.out, F_OK) != 0);
    cr_expect(files_in(f.dir) == before);
    /* An output that was there before stays. */
    scratch_write(f.dir, "out.jsonl", "old\n", 4);
    cr_expect(run_classify(&f) == INK_E_FORMAT);
    size_t len;
    char *old = read_file(f.out, &len);
    cr_expect(strcmp(old, "old\n") == 0);
    free(old);
    close_fixture(&f);
}

Test(job, a_report_of_a_job_that_stopped_counts_what_was_done)
{
    struct fixture f;
    open_fixture(&f);
    WRITE(f, "{\"text\":\"good\"}\n{\"text\":\"\xFF\"}\nbroken\n{\"text\":\"\xFF\"}\n{\"text\":\"bad\"}\n");
    f.options.stop_on_error = true;
    cr_expect(run_classify(&f) == INK_E_FORMAT);
    cr_expect(f.report.records == 2 && f.report.failed == 1 && f.report.bad_bytes == 1,
              "%d records, %d failed, %d bad bytes", (int)f.report.records, (int)f.report.failed,
              (int)f.report.bad_bytes);
    close_fixture(&f);
}

Test(job, a_full_disk_is_an_error)
{
    struct fixture f;
    open_fixture(&f);
    write_records(&f, 20, 3);
    f.options.output = "/dev/full";
    cr_expect(run_classify(&f) == INK_E_IO);
    cr_expect(strstr(f.err.text, "/dev/full") && strstr(f.err.text, "No space left"), "%s", f.err.text);
    close_fixture(&f);
}

static int stop_soon(const ink_job_progress *progress, void *user)
{
    ++*(int *)user;
    return 1;
}

Test(job, a_callback_can_stop_it)
{
    struct fixture f;
    int calls = 0;
    open_fixture(&f);
    write_records(&f, 20000, 3);
    f.options.progress = stop_soon, f.options.user = &calls;
    f.options.batch_tokens = 1;
    cr_expect(run_classify(&f) == INK_E_CANCELLED);
    cr_expect(calls >= 1 && f.report.records < 20000, "%d calls, %llu records", calls,
              (unsigned long long)f.report.records);
    cr_expect(access(f.out, F_OK) != 0);
    close_fixture(&f);
}

static size_t resident(void)
{
    size_t pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "r");
    cr_assert(f && fscanf(f, "%zu %zu", &ignored, &pages) == 2);
    fclose(f);
    return pages * 4096;
}

/* Both jobs warm the same workers, so what is left to differ is what a record leaves behind. Where the
 * allocator keeps its arenas moves a job by a megabyte or two from run to run; 32 bytes a record would be
 * six. */
Test(job, memory_does_not_grow_with_the_input)
{
    struct fixture f;
    open_fixture(&f);
    write_records(&f, 20000, 3);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    const size_t small = resident();
    write_records(&f, 200000, 3);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    const size_t large = resident();
    cr_expect(f.report.records == 200000);
    /* Quarantined memory under a sanitizer is not the job's. */
#if !defined(__SANITIZE_ADDRESS__)
    cr_expect(large < small + (4 << 20), "%zu bytes after 20,000 records, %zu after 200,000", small, large);
#else
    (void)small, (void)large;
#endif
    close_fixture(&f);
}

Test(job, vectors_go_out_as_lines_or_as_an_array)
{
    struct fixture f;
    size_t len;
    char npy[300];
    open_fixture(&f);
    WRITE(f, "{\"text\":\"good\"}\nbroken\n{\"text\":\"the movie was bad\"}\n");
    f.options.normalize = true;
    cr_assert(ink_job_embed(&f.report, f.model, &f.options, &f.err) == INK_OK, "%s", f.err.text);
    char *lines = read_file(f.out, &len);
    snprintf(npy, sizeof npy, "%s/out.npy", f.dir);
    f.options.output = npy;
    cr_assert(ink_job_embed(&f.report, f.model, &f.options, &f.err) == INK_OK, "%s", f.err.text);
    char *array = read_file(npy, &len);
    cr_assert(len == 128 + 3 * H * sizeof(float));
    cr_expect(memcmp(array,
                     "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 32), }",
                     68) == 0);
    cr_expect(array[127] == '\n');
    float rows[3][H];
    memcpy(rows, array + 128, sizeof rows);
    cr_expect(isnan(rows[1][0]) && isnan(rows[1][H - 1]), "a bad record's row is NaN");
    const char *p = strstr(lines, "\"embedding\":[") + 13;
    double norm = 0;
    for (size_t h = 0; h < H; ++h) {
        char *end;
        const float value = strtof(p, &end);
        cr_expect(value == rows[0][h], "number %zu: %g and %g", h, value, rows[0][h]);
        norm += (double)value * value;
        p = end + 1;
    }
    cr_expect(fabs(norm - 1) < 1e-6);
    free(lines), free(array);
    close_fixture(&f);
}

Test(job, tokenize_prints_ids_tokens_and_offsets)
{
    struct fixture f;
    size_t len;
    open_fixture(&f);
    WRITE(f, "{\"id\":\"x\",\"text\":\"Good movie!\"}\n");
    const ink_tokenizer *tokenizer = ink_model_tokenizer(f.model);
    cr_assert(ink_job_tokenize(&f.report, tokenizer, &f.options, &f.err) == INK_OK, "%s", f.err.text);
    char *line = read_file(f.out, &len);
    cr_expect(strcmp(line, "{\"id\":\"x\",\"ids\":[2,115,118,41,3],\"tokens\":[\"[CLS]\",\"good\",\"movie\","
                           "\"!\",\"[SEP]\"],"
                           "\"offsets\":[[0,0],[0,4],[5,10],[10,11],[0,0]]}\n") == 0,
              "%s", line);
    free(line);
    close_fixture(&f);
}

Test(job, an_input_is_not_overwritten)
{
    struct fixture f;
    open_fixture(&f);
    WRITE(f, "{\"text\":\"good\"}\n");
    f.options.output = f.in;
    cr_expect(run_classify(&f) == INK_E_ARG);
    cr_expect(strstr(f.err.text, "is an input"), "%s", f.err.text);
    size_t len;
    char *same = read_file(f.in, &len);
    cr_expect(strcmp(same, "{\"text\":\"good\"}\n") == 0);
    free(same);
    close_fixture(&f);
}

Test(job, options_that_make_no_sense_are_refused)
{
    struct fixture f;
    open_fixture(&f);
    WRITE(f, "{\"text\":\"good\"}\n");
    f.options.max_length = 41;
    cr_expect(run_classify(&f) == INK_E_ARG);
    cr_expect(strstr(f.err.text, "40 positions"), "%s", f.err.text);
    f.options.max_length = 0, f.options.version = 3;
    cr_expect(run_classify(&f) == INK_E_ARG);
    f.options.version = 1, f.options.threads = 4000;
    cr_expect(run_classify(&f) == INK_E_ARG);
    cr_expect(ink_job_classify(NULL, f.model, &f.options, &f.err) == INK_E_ARG);
    cr_expect(access(f.out, F_OK) != 0);
    close_fixture(&f);
}
