/* Jobs that are stopped and gone on with: the bytes at the end, what is refused, and what damage costs. */
#include "infer/job_fixture.h"

#include <criterion/criterion.h>
#include <inkling.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS = 600 };

/* Records of varying length, every 50th of them broken, in a format with `head` on top. */
static void write_records(const struct fixture *f, const char *head, const char *good, const char *bad)
{
    static const char *const words[] = {"good", "bad", "movie", "the", "service", "never", "again", "was"};
    unsigned seed = 7;
    FILE *file = fopen(f->in, "wb");
    cr_assert(file);
    fputs(head, file);
    for (int i = 0; i < RECORDS; ++i) {
        char text[200] = "";
        for (unsigned w = random_next(&seed) % 20; w > 0; --w)
            strcat(strcat(text, words[random_next(&seed) % 8]), " ");
        fprintf(file, i % 50 == 49 ? bad : good, text);
    }
    fclose(file);
}

static void write_jsonl(const struct fixture *f)
{
    write_records(f, "", "{\"text\":\"%s\"}\n", "{\"body\":\"%s\"}\n");
}

static void run_whole(struct fixture *f)
{
    f->options.output = f->whole, f->options.resume = false;
    f->options.threads = 2;
    cr_assert(run_classify(f) == INK_OK, "%s", f->err.text);
    f->options.output = f->out, f->options.resume = true;
}

/* Goes on for about that many tokens. */
static void stop_after(struct fixture *f, size_t tokens)
{
    f->stopping = true, f->options.threads = 1, f->options.batch_tokens = tokens;
    cr_assert(run_classify(f) == INK_E_CANCELLED, "%s", f->err.text);
    f->stopping = false, f->options.threads = 2, f->options.batch_tokens = 40;
    cr_expect(f->report.records > f->report.resumed && f->report.records < RECORDS);
    cr_expect(is_there(f->part) && is_there(f->journal) && !is_there(f->out));
}

static void expect_refused(struct fixture *f, const char *says)
{
    struct stat before, after;
    cr_assert(stat(f->part, &before) == 0);
    cr_expect(run_classify(f) == INK_E_ARG);
    cr_expect(strstr(f->err.text, says), "%s, wanted %s", f->err.text, says);
    cr_expect(stat(f->part, &after) == 0 && before.st_size == after.st_size, "nothing is lost");
}

Test(resume, a_job_that_was_stopped_ends_in_the_same_bytes)
{
    struct fixture f;
    open_fixture(&f);
    write_jsonl(&f);
    run_whole(&f);
    const ink_job_report whole = f.report;
    for (size_t i = 0; i < 3; ++i)
        stop_after(&f, 1 + i * 1000);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out) && !is_there(f.part));
    cr_expect(f.report.records == RECORDS && f.report.failed == whole.failed &&
              f.report.truncated == whole.truncated && f.report.resumed > 100 && !f.report.complete);
    cr_expect(f.report.tokens > 0 && f.report.tokens < whole.tokens, "only this call's tokens");
    close_fixture(&f);
}

Test(resume, a_table_has_one_header_whenever_it_was_stopped)
{
    struct fixture f;
    size_t len;
    open_fixture(&f);
    write_jsonl(&f);
    f.options.output_format = INK_OUTPUT_CSV;
    f.options.long_texts.how = INK_LONG_CHUNK, f.options.max_length = 10;
    run_whole(&f);
    for (size_t i = 0; i < 3; ++i)
        stop_after(&f, 1 + i * 1000);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out) && f.report.resumed > 100);
    cr_assert(run_classify(&f) == INK_OK && f.report.complete, "%s", f.err.text);
    char *out = read_file(f.out, &len);
    cr_expect(strncmp(out, "id,label,", 9) == 0 && !strstr(out + 1, "id,label,"));
    free(out);
    f.options.output_format = INK_OUTPUT_TSV;
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "--output-format"), "%s", f.err.text);
    close_fixture(&f);
}

Test(resume, a_complete_job_is_left_alone)
{
    struct fixture f;
    struct stat before, after;
    open_fixture(&f);
    write_jsonl(&f);
    run_whole(&f);
    cr_assert(run_classify(&f) == INK_OK, "it begins where there is nothing: %s", f.err.text);
    cr_expect(same_files(f.whole, f.out) && stat(f.out, &before) == 0);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(f.report.complete && f.report.records == RECORDS && f.report.failed == RECORDS / 50 &&
              f.report.tokens == 0);
    cr_expect(stat(f.out, &after) == 0 && before.st_ino == after.st_ino &&
              before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    /* Killed between the journal's last entry and the new name. */
    cr_assert(rename(f.out, f.part) == 0);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out) && !is_there(f.part));
    /* Somebody has written to it since. */
    write_file(f.out, "mine\n", 5);
    cr_expect(run_classify(&f) == INK_E_ARG);
    cr_expect(strstr(f.err.text, "is not as the job left it"), "%s", f.err.text);
    /* It has been taken away: the job begins anew. */
    cr_assert(unlink(f.out) == 0);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out));
    close_fixture(&f);
}

Test(resume, another_model_option_or_input_is_refused_by_name)
{
    struct fixture f;
    open_fixture(&f);
    write_jsonl(&f);
    run_whole(&f);
    stop_after(&f, 100);
    f.options.all_scores = true;
    expect_refused(&f, "--all-scores not given, this time it is given");
    f.options.all_scores = false, f.options.max_length = 8;
    expect_refused(&f, "--max-length");
    f.options.max_length = 0, f.options.text = "body";
    expect_refused(&f, "--text text, this time it is body");
    f.options.text = NULL, f.inputs[1] = f.in, f.options.n_inputs = 2;
    expect_refused(&f, "a number of inputs of 1, this time it is 2");
    f.options.n_inputs = 1;
    ink_model *mine = f.model;
    char other[300];
    struct random_model different = shape;
    different.C = 4;
    snprintf(other, sizeof other, "%s/other", f.dir);
    cr_assert(mkdir(other, 0777) == 0);
    random_model_write(other, &different);
    cr_assert(ink_model_open(&f.model, other, NULL, &f.err) == INK_OK, "%s", f.err.text);
    expect_refused(&f, "was begun with another model");
    ink_model_free(f.model);
    f.model = mine;
    size_t len;
    char *records = read_file(f.in, &len);
    write_file(f.in, records, len - 1);
    expect_refused(&f, "bytes");
    records[12] ^= 1; /* a letter of the first text */
    write_file(f.in, records, len);
    expect_refused(&f, "the records that are done have changed");
    records[12] ^= 1;
    write_file(f.in, records, len);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out));
    free(records);
    close_fixture(&f);
}

Test(resume, every_format_is_passed_over_to_the_same_place)
{
    static const struct {
        ink_format format;
        const char *head, *good, *bad;
    } formats[] = {
        {INK_FORMAT_LINES, "", "%s\r\n", "%s\xFF\n"},
        {INK_FORMAT_CSV, "id,text\r\n", "1,\"a \"\"%s\"\"\r\nb\"\r\n", "1,%s,3\r\n"},
        {INK_FORMAT_TSV, "id\ttext\n", "1\t%s\n", "1\t%s\t3\n"},
        {INK_FORMAT_FASTTEXT, "", "__label__x %s\n", "%s\n"},
        {INK_FORMAT_BLOCKS, "\n", "%s\nmore\n \n\n", "%s\xFF\n\n"},
        {INK_FORMAT_JSONL, "\xEF\xBB\xBF", "{\"id\":[1,\r2],\"text\":\"%s\"}\r\n", "\n%.0s"},
    };
    struct fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; ++i) {
        f.options.format = formats[i].format;
        write_records(&f, formats[i].head, formats[i].good, formats[i].bad);
        run_whole(&f);
        stop_after(&f, 1 + 200 * i);
        stop_after(&f, 1000);
        cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
        cr_expect(same_files(f.whole, f.out), "format %zu", i);
        unlink(f.out), unlink(f.journal);
    }
    close_fixture(&f);
}

Test(resume, documents_are_passed_over_by_their_names)
{
    struct fixture f;
    open_fixture(&f);
    snprintf(f.in, sizeof f.in, "%s/docs", f.dir);
    cr_assert(mkdir(f.in, 0777) == 0);
    for (int i = 0; i < RECORDS; ++i) {
        char name[32];
        snprintf(name, sizeof name, "%03d.txt", i);
        scratch_write(f.in, name, "good movie", (size_t)(i % 11));
    }
    run_whole(&f);
    stop_after(&f, 100);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out));
    unlink(f.out), unlink(f.journal);
    stop_after(&f, 100);
    scratch_write(f.in, "000-new.txt", "bad", 3);
    expect_refused(&f, "the records that are done have changed");
    close_fixture(&f);
}

/* Sets a file's time of change to another. */
static void touch(const char *path, long seconds)
{
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    cr_assert(utimensat(AT_FDCWD, path, times, 0) == 0, "%s", path);
}

Test(resume, documents_that_were_changed_or_added_are_noticed)
{
    struct fixture f;
    char path[340];
    open_fixture(&f);
    snprintf(f.in, sizeof f.in, "%s/docs", f.dir);
    cr_assert(mkdir(f.in, 0777) == 0);
    for (int i = 0; i < RECORDS; ++i) {
        char name[32];
        snprintf(name, sizeof name, "%03d.txt", i);
        scratch_write(f.in, name, "good movie", 10);
        snprintf(path, sizeof path, "%s/%s", f.in, name);
        touch(path, 1000);
    }
    run_whole(&f);
    stop_after(&f, 100);
    snprintf(path, sizeof path, "%s/000.txt", f.in);
    scratch_write(f.in, "000.txt", "nice movie", 10);
    expect_refused(&f, "the records that are done have changed");
    scratch_write(f.in, "000.txt", "good movie", 10);
    touch(path, 1000);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out));
    cr_assert(run_classify(&f) == INK_OK && f.report.complete, "%s", f.err.text);
    scratch_write(f.in, "999.txt", "more", 4);
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "there were fewer records then"), "%s",
              f.err.text);
    snprintf(path, sizeof path, "%s/999.txt", f.in);
    unlink(path);
    cr_assert(run_classify(&f) == INK_OK && f.report.complete, "%s", f.err.text);
    snprintf(path, sizeof path, "%s/300.txt", f.in);
    touch(path, 2000);
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "made of other input"), "%s", f.err.text);
    close_fixture(&f);
}

Test(resume, a_complete_job_notices_an_edit_that_keeps_the_size)
{
    struct fixture f;
    size_t len;
    open_fixture(&f);
    write_jsonl(&f);
    run_whole(&f);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    touch(f.in, 1000);
    cr_expect(run_classify(&f) == INK_OK && f.report.complete, "only its time has changed: %s", f.err.text);
    char *records = read_file(f.in, &len);
    records[len - 5] ^= 1; /* in the last record */
    write_file(f.in, records, len);
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "have changed since"), "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out), "nothing is lost");
    free(records);
    close_fixture(&f);
}

Test(resume, damage_costs_work_and_never_a_byte)
{
    struct fixture f;
    size_t len, journal_len;
    open_fixture(&f);
    write_jsonl(&f);
    run_whole(&f);
    for (size_t i = 0; i < 5; ++i)
        stop_after(&f, 800);
    char *part = read_file(f.part, &len), *journal = read_file(f.journal, &journal_len);
    for (size_t i = 0; i < 12; ++i) {
        /* What a power cut may leave: either file cut short, or with zeros in it. */
        size_t part_kept = len, journal_kept = journal_len;
        char *zeroed = malloc(len);
        memcpy(zeroed, part, len);
        if (i < 4)
            part_kept = len * i / 4;
        else if (i < 8)
            journal_kept = journal_len - 1 - 40 * (i - 4);
        else
            memset(zeroed + len / 4 * (i - 8), 0, len / 4);
        unlink(f.out);
        write_file(f.part, zeroed, part_kept);
        write_file(f.journal, journal, journal_kept);
        cr_assert(run_classify(&f) == INK_OK, "damage %zu: %s", i, f.err.text);
        cr_expect(same_files(f.whole, f.out), "damage %zu", i);
        free(zeroed);
    }
    unlink(f.out);
    write_file(f.part, part, len);
    write_file(f.journal, journal, 10);
    cr_expect(run_classify(&f) == INK_OK && same_files(f.whole, f.out), "a journal that had only been begun");
    unlink(f.out);
    write_file(f.part, part, len);
    journal[30] ^= 1;
    write_file(f.journal, journal, journal_len);
    cr_expect(run_classify(&f) == INK_E_FORMAT && strstr(f.err.text, "is damaged"), "%s", f.err.text);
    write_file(f.journal, "no journal at all", 17);
    cr_expect(run_classify(&f) == INK_E_FORMAT && strstr(f.err.text, "is no journal"), "%s", f.err.text);
    free(part), free(journal);
    close_fixture(&f);
}

Test(resume, bad_records_of_their_own_file_are_gone_on_with_as_well)
{
    struct fixture f;
    char bad[300], whole_bad[300], bad_part[320];
    open_fixture(&f);
    snprintf(bad, sizeof bad, "%s/bad.jsonl", f.dir);
    snprintf(bad_part, sizeof bad_part, "%s.part", bad);
    snprintf(whole_bad, sizeof whole_bad, "%s/whole-bad.jsonl", f.dir);
    write_jsonl(&f);
    f.options.rejects = whole_bad;
    run_whole(&f);
    f.options.rejects = bad;
    stop_after(&f, 1500);
    stop_after(&f, 1500);
    cr_expect(f.report.failed > 0 && f.report.failed == f.report.failed_by[INK_BAD_FIELD]);
    f.options.rejects = NULL;
    expect_refused(&f, "--rejects");
    f.options.rejects = bad;
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out) && same_files(whole_bad, bad) && !is_there(bad_part));
    cr_expect(f.report.failed_by[INK_BAD_FIELD] == RECORDS / 50);
    /* Killed between the one name and the other. */
    cr_assert(rename(f.out, f.part) == 0);
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out) && same_files(whole_bad, bad) && !is_there(bad_part));
    close_fixture(&f);
}

Test(resume, a_shard_is_gone_on_with)
{
    struct fixture f;
    open_fixture(&f);
    write_jsonl(&f);
    f.options.shard = 2, f.options.shards = 3;
    run_whole(&f);
    cr_expect(f.report.records == RECORDS / 3);
    stop_after(&f, 500);
    stop_after(&f, 500);
    f.options.shard = 3;
    expect_refused(&f, "--shard 2/3, this time it is 3/3");
    f.options.shard = 2;
    cr_assert(run_classify(&f) == INK_OK, "%s", f.err.text);
    cr_expect(same_files(f.whole, f.out) && f.report.records == RECORDS / 3);
    f.options.shard = 4;
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "shard 4 of 3"), "%s", f.err.text);
    close_fixture(&f);
}

Test(resume, a_bad_record_that_stops_a_job_stops_it_again)
{
    struct fixture f;
    open_fixture(&f);
    write_jsonl(&f);
    run_whole(&f);
    f.options.stop_on_error = true;
    for (int i = 0; i < 2; ++i) {
        cr_expect(run_classify(&f) == INK_E_FORMAT && strstr(f.err.text, "line 50"), "%s", f.err.text);
        cr_expect(is_there(f.part) && !is_there(f.out));
    }
    close_fixture(&f);
}

Test(resume, an_output_that_cannot_be_gone_on_with_is_refused)
{
    struct fixture f;
    open_fixture(&f);
    write_jsonl(&f);
    f.options.resume = true, f.options.output = NULL;
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "standard output"), "%s", f.err.text);
    f.options.output = "/dev/null";
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "not a regular file"), "%s", f.err.text);
    f.options.output = f.out;
    write_file(f.out, "mine\n", 5);
    cr_expect(run_classify(&f) == INK_E_ARG && strstr(f.err.text, "is there already"), "%s", f.err.text);
    unlink(f.out);
    cr_expect(!is_there(f.journal));
    const ink_tokenizer *tokenizer = ink_model_tokenizer(f.model);
    cr_expect(ink_job_tokenize(&f.report, tokenizer, &f.options, &f.err) == INK_E_ARG);
    snprintf(f.out, sizeof f.out, "%s/out.npy", f.dir);
    cr_expect(ink_job_embed(&f.report, f.model, &f.options, &f.err) == INK_E_ARG);
    close_fixture(&f);
}
