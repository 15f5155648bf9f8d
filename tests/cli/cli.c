/* The command as a person or script meets it: exit status, what is on stdout and what on stderr. */
#include "cli/command.h"

TestSuite(cli, .init = setup, .fini = teardown);

Test(cli, help_goes_to_stdout_and_is_success)
{
    static const char *const commands[] = {
        "inkling help",
        "inkling -h",
        "inkling --help",
        "inkling help classify",
        "inkling classify -h",
        "inkling classify --help",
        "inkling help embed",
        "inkling help tokenize",
        "inkling help info",
        "inkling help evaluate",
        "inkling help bench",
        "inkling help finetune",
        "inkling help quantize",
        "inkling help calibrate",
        "inkling help pretrain",
        "inkling help train-tokenizer",
        "inkling help completion",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) {
        cr_expect(run("%s", commands[i]) == 0, "%s", commands[i]);
        cr_expect(strncmp(out, "usage: inkling", 14) == 0 && err[0] == '\0', "%s", commands[i]);
        for (const char *line = out, *end; (end = strchr(line, '\n')); line = end + 1)
            cr_expect(end - line <= 120, "%s prints a line of %zu bytes", commands[i], (size_t)(end - line));
    }
    cr_expect(run("inkling help classify") == 0);
    cr_expect(strstr(out, "--all-scores") && strstr(out, "(default: text)") &&
              strstr(out, "(default: report)"));
    cr_expect(run("inkling --version") == 0 && strcmp(out, "inkling 0.1.0\n") == 0);
}

Test(cli, wrong_usage_exits_2_and_says_why)
{
    expect_usage("inkling", "usage: inkling");
    expect_usage("inkling clasify", "there is no verb \"clasify\"");
    expect_usage("inkling help clasify", "there is no verb \"clasify\"");
    expect_usage("inkling classify", "--model is required");
    expect_usage("inkling classify -m", "-m needs a value");
    expect_usage("inkling classify -m . --frobnicate", "there is no option --frobnicate");
    expect_usage("inkling classify -m . -x", "there is no option -x");
    expect_usage("inkling classify -m . --threads 0", "--threads is \"0\", wanted a whole number from 1");
    expect_usage("inkling classify -m . --threads -2", "--threads is \"-2\"");
    expect_usage("inkling classify -m . --threads 2x", "--threads is \"2x\"");
    expect_usage("inkling classify -m . --max-length 99999999999999999999999", "--max-length");
    expect_usage("inkling classify -m . --format xml",
                 "wanted auto|lines|docs|jsonl|csv|tsv|fasttext|blocks");
    expect_usage("inkling classify -m . --delimiter ''",
                 "--delimiter is \"\", wanted one ASCII character, or tab");
    expect_usage("inkling classify -m . --delimiter ';;'", "--delimiter is \";;\"");
    expect_usage("inkling classify -m . --form xml", "--form (short for --format) is \"xml\"");
    expect_usage("inkling classify -m . --max 3", "--max is short for several: --max-l");
    expect_usage("inkling classify -m . --quiet=1", "--quiet takes no value");
    expect_usage("inkling classify -m . --he=1", "--help takes no value");
    expect_usage("inkling finetune --lr 1e-4", "--lr (short for --lr-scheduler) is \"1e-4\", wanted linear|");
    expect_usage("inkling info -m . extra", "takes no operand, given \"extra\"");
}

Test(cli, options_may_follow_files_and_two_dashes_end_them)
{
    scratch_write(dir, "a.txt", "good\n", 5);
    scratch_write(dir, "-b.txt", "bad\n", 4);
    cr_expect(run("inkling tokenize a.txt -m .") == 0, "%s", err);
    cr_expect(strstr(out, "\"good\""));
    cr_expect(run("inkling tokenize -m . -- -b.txt a.txt") == 0, "%s", err);
    cr_expect(strstr(out, "\"bad\"") && strstr(out, "{\"id\":2,"));
    cr_expect(run("inkling tokenize -m. --form=lines a.txt") == 0,
              "an unambiguous beginning of an option: %s", err);
}

Test(cli, classifies_lines_from_stdin)
{
    cr_expect(run("printf 'good\\n\\nthe movie' | inkling classify -m .") == 0, "%s", err);
    const char *second = strchr(out, '\n') + 1, *third = strchr(second, '\n') + 1;
    cr_expect(strncmp(out, "{\"id\":1,\"label\":\"label ", 23) == 0, "%s", out);
    cr_expect(strncmp(second, "{\"id\":2,", 8) == 0 && strncmp(third, "{\"id\":3,", 8) == 0);
    cr_expect(strstr(err, "3 records"));
    cr_expect(!strchr(err, '\r'), "no progress line outside a terminal");
    cr_expect(run("printf 'good\\n' | inkling classify --quiet -m . -") == 0 && err[0] == '\0');
}

Test(cli, no_records_are_no_failure_but_worth_a_word)
{
    static const char *const verbs[] = {"classify", "embed", "tokenize"};
    for (size_t i = 0; i < 3; ++i) {
        char says[80];
        snprintf(says, sizeof says, "inkling %s: no records in standard input\n", verbs[i]);
        cr_expect(run("inkling %s -m . </dev/null", verbs[i]) == 0 && out[0] == '\0', "%s", out);
        cr_expect(strcmp(err, says) == 0, "%s", err);
    }
    cr_expect(run("echo id,text >a.csv; inkling classify -m . a.csv -o a.out && cat a.out") == 0 &&
              out[0] == '\0');
    cr_expect(strcmp(err, "inkling classify: no records in a.csv\n") == 0, "%s", err);
    cr_expect(run("mkdir d; inkling classify -m . d a.csv a.csv") == 0 && out[0] == '\0');
    cr_expect(strcmp(err, "inkling classify: no records in d and 2 more\n") == 0, "%s", err);
    cr_expect(run("inkling classify -m . --quiet d") == 0 && err[0] == '\0', "%s", err);
}

Test(cli, reads_csv_and_names_columns)
{
    static const char csv[] = "id,review,stars\r\n7,\"good, \"\"very\"\" good\r\nmovie\",5\r\n8,bad,1\r\n";
    scratch_write(dir, "r.csv", csv, sizeof csv - 1);
    cr_expect(run("inkling classify -m . --text review r.csv") == 0, "%s", err);
    cr_expect(strncmp(out, "{\"id\":\"7\",", 10) == 0 && strstr(out, "{\"id\":\"8\","), "%s", out);
    expect_failure("inkling classify -m . r.csv", "review");
}

Test(cli, reads_csv_as_european_excel_writes_it)
{
    static const char csv[] = "id;text;label\r\n7;\"good; very good\";label 1\r\n8;bad, bad;label 0\r\n";
    scratch_write(dir, "r.csv", csv, sizeof csv - 1);
    expect_failure("inkling classify -m . r.csv", "--delimiter ';'");
    cr_expect(run("inkling tokenize -m . --delimiter ';' r.csv") == 0, "%s", err);
    cr_expect(strncmp(out, "{\"id\":\"7\",", 10) == 0 && strstr(out, "{\"id\":\"8\","), "%s", out);
    cr_expect(run("inkling evaluate -m . --delimiter ';' r.csv") == 0 && strstr(out, "2 records"), "%s%s",
              out, err);
    cr_expect(run("tr ';' '\\t' <r.csv | inkling tokenize -m . --format csv --delimiter tab") == 0, "%s",
              err);
    cr_expect(strstr(out, "{\"id\":\"8\","), "%s", out);
    cr_expect(run("inkling tokenize -m . --delimiter '\\t' --text 'id;text;label' r.csv") == 0, "%s", err);
    expect_failure("echo good | inkling classify -m . --delimiter ';' -", "-: is read as lines");
}

Test(cli, failures_are_one_sentence_with_the_place_and_exit_1)
{
    expect_failure("inkling classify -m /nonexistent a.txt", "/nonexistent");
    expect_failure("inkling classify -m . missing.txt", "missing.txt");
    expect_failure("echo good | inkling classify -m . -o /nonexistent/out", "/nonexistent/out");
    expect_failure("echo good | inkling classify -m . --max-length 41", "40 positions");
    expect_failure("echo good | inkling classify -m . --max-length 1", "special tokens");
    expect_failure("echo good | inkling classify -m . --quiet >/dev/full", "standard output");
    expect_failure("echo good | inkling classify -m . --quiet -o /dev/full", "/dev/full");
    expect_failure("inkling info -m . --json >/dev/full", "standard output");
}

Test(cli, every_format_is_read_by_its_ending_or_by_its_name)
{
    cr_expect(run("printf 'text\\tid\\ngood\\t7\\n' >a.tsv; mkdir -p d/e; printf bad >d/e/x.txt; "
                  "printf '__label__a the movie\\n' >b.ft; printf '{\"text\":\"good\"}' | gzip >c.jsonl.gz; "
                  "inkling tokenize -m . --quiet a.tsv d b.ft c.jsonl.gz") == 0,
              "%s", err);
    cr_expect(strstr(out, "{\"id\":\"7\",") && strstr(out, "{\"id\":\"d/e/x.txt\",") &&
                  strstr(out, "{\"id\":3,") && strstr(out, "{\"id\":4,") && !strstr(out, "label"),
              "%s", out);
    static const struct {
        const char *format, *input, *says;
    } formats[] = {
        {"lines", "good\\n\\nbad", "{\"id\":3,"},
        {"docs", "good\\n\\nbad", "{\"id\":1,"},
        {"jsonl", "{\\\"text\\\":\\\"good\\\",\\\"id\\\":1.50}", "{\"id\":1.50,"},
        {"csv", "id,text\\na,good\\n", "{\"id\":\"a\","},
        {"tsv", "id\\ttext\\na\\tgood\\n", "{\"id\":\"a\","},
        {"fasttext", "__label__good bad", "{\"id\":1,\"ids\""},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; ++i) {
        cr_expect(run("printf \"%s\" | inkling tokenize -m . --quiet --format %s", formats[i].input,
                      formats[i].format) == 0,
                  "%s: %s", formats[i].format, err);
        cr_expect(strstr(out, formats[i].says), "%s: %s", formats[i].format, out);
    }
    expect_failure("echo x >t.xlsx; inkling tokenize -m . t.xlsx",
                   "t.xlsx: is by its name (.xlsx) a spreadsheet");
    expect_failure("inkling tokenize -m . d --text review", "d: is read as documents, which have no field");
    expect_failure("head -c 20 c.jsonl.gz >e.jsonl.gz; inkling tokenize -m . e.jsonl.gz --quiet",
                   "e.jsonl.gz: ends in the middle of its compressed data");
    cr_expect(run("mkdir f; inkling classify -m . f") == 0 && out[0] == '\0',
              "an empty folder is no failure");
}

Test(cli, what_is_no_file_in_a_folder_is_said_and_not_waited_for)
{
    cr_expect(run("mkdir d; printf good >d/a.txt; mkfifo d/p d/q; inkling classify -m . d") == 0, "%s", err);
    cr_expect(strstr(out, "d/a.txt") && !strstr(out, "d/p"), "%s", out);
    cr_expect(
        strstr(err,
               "inkling classify: passed over, because they are no files: d/p (a named pipe) and 1 more\n"),
        "%s", err);
    cr_expect(run("inkling classify -m . --quiet d") == 0 && err[0] == '\0', "%s", err);
}

Test(cli, rubbish_behind_gzip_data_costs_no_result_and_is_said)
{
    cr_expect(
        run("printf 'good\\nbad\\n' | gzip -n >a.txt.gz; printf rubbish >>a.txt.gz; cp a.txt.gz b.txt.gz;"
            "inkling classify -m . a.txt.gz b.txt.gz --quiet -o a.out; echo status $?; cat a.out") == 0);
    cr_expect(strncmp(out, "status 1\n{\"id\":1,", 17) == 0 && strstr(out, "{\"id\":4,") &&
                  !strstr(out, "error"),
              "%s", out);
    cr_expect(strstr(err, "inkling classify: a.txt.gz: its compressed data ends at byte 29; what follows is "
                          "something else and was not read; nor were the ends of 1 more inputs\n"),
              "%s", err);
    expect_failure("inkling classify -m . a.txt.gz --quiet --on-error stop -o b.out", "ends at byte 29");
    cr_expect(run("ls") == 0 && !strstr(out, "b.out"), "%s", out);
}

Test(cli, a_failed_record_makes_the_exit_status_1_and_the_rest_is_done)
{
    static const char jsonl[] = "{\"text\":\"good\"}\n{\"text\":5}\n{\"text\":\"bad\"}\n";
    scratch_write(dir, "in.jsonl", jsonl, sizeof jsonl - 1);
    cr_expect(run("inkling classify -m . in.jsonl -o out.jsonl") == 1);
    cr_expect(strstr(err, "1 of 3 records failed") && strstr(err, "line 2"), "%s", err);
    slurp(out, sizeof out, "out.jsonl");
    cr_expect(strstr(out, "{\"id\":1,\"label\"") && strstr(out, "{\"id\":2,\"error\"") &&
              strstr(out, "{\"id\":3,\"label\""));
    cr_expect(run("inkling classify -m . in.jsonl --on-error stop -o stopped.jsonl || ls") == 0);
    cr_expect(strstr(out, "out.jsonl") && !strstr(out, "stopped.jsonl"), "%s", out);
}

Test(cli, an_output_that_cannot_be_is_noticed_before_anything_is_read)
{
    static const char *const commands[] = {
        "classify -m . -o nodir/x",
        "embed -m . -o nodir/x",
        "tokenize -m . -o nodir/x",
        "evaluate -m . --json nodir/x",
        "evaluate -m . --format jsonl --mistakes nodir/x -",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) {
        cr_expect(run("echo good | { inkling %s; echo $?; cat; }", commands[i]) == 0);
        cr_expect(strcmp(out, "1\ngood\n") == 0, "%s: %s", commands[i], out);
        cr_expect(strstr(err, ": nodir/x: cannot be written: the folder nodir") &&
                      strstr(err, " does not exist\n"),
                  "%s", err);
    }
    cr_expect(run("mkdir d; echo good | { inkling evaluate -m . --report d; echo $?; cat; }") == 0);
    cr_expect(strcmp(out, "1\ngood\n") == 0 && strstr(err, "d: cannot be written: Is a directory"), "%s",
              err);
}

Test(cli, a_job_that_stops_counts_what_it_wrote)
{
    cr_expect(run("{ printf '{\"text\":\"good\"}\\n{\"text\":\"bad\"}\\n{\"text\":5}\\n'; yes "
                  "'{\"text\":\"good\"}' | head -50; } "
                  ">in.jsonl; inkling classify -m . --on-error stop in.jsonl") == 1);
    cr_expect(strstr(out, "{\"id\":2,") && !strstr(out, "{\"id\":3,"), "%s", out);
    cr_expect(strncmp(err, "2 records, 6 tokens in ", 23) == 0 &&
                  strstr(err, "\ninkling classify: in.jsonl: line 3: "),
              "%s", err);
    /* Nothing is in x, so there is nothing to count. */
    expect_failure("inkling classify -m . --on-error stop in.jsonl -o x",
                   "inkling classify: in.jsonl: line 3: ");
}

Test(cli, a_quote_that_is_never_closed_costs_what_is_behind_it)
{
    cr_expect(
        run("printf 'id,text\\na,good\\nb,bad\\nc,\"never\\nd,good\\n' >q.csv; echo 'good movie' >z.txt; "
            "inkling classify -m . q.csv z.txt -o q.jsonl") == 1);
    cr_expect(strstr(err, "1 of 4 records failed (1 a row that does not fit its header); the first: q.csv: "
                          "line 4: a quote is "
                          "opened here and never closed"),
              "%s", err);
    cr_expect(run("cut -c-18 q.jsonl") == 0 &&
                  strcmp(out, "{\"id\":\"a\",\"label\":\n{\"id\":\"b\",\"label\":\n"
                              "{\"id\":3,\"error\":\"q\n{\"id\":4,\"label\":\"l\n") == 0,
              "%s", out);
    expect_failure("inkling classify -m . q.csv --quiet --on-error stop -o s.jsonl", "never closed");
}

Test(cli, a_variable_that_is_misspelt_is_named)
{
    cr_expect(run("echo good | INK_THREADS=two INK_VERBOSE=1 inkling classify -m . --quiet") == 0);
    cr_expect(strcmp(err, "inkling: INK_THREADS is \"two\" and does nothing: wanted a number from 1 to 1024\n"
                          "inkling: INK_VERBOSE is \"1\" and does nothing: wanted \"profile\"\n") == 0,
              "%s", err);
    cr_expect(run("echo good | INK_THREADS=2 inkling classify -m . --quiet") == 0 && !*err, "%s", err);
}

Test(cli, a_closed_pipe_ends_quietly)
{
    cr_expect(
        run("(yes 'good movie' | head -20000 | { $inkling classify -m .; echo status $? >&2; } | head -1) "
            "2>&1 >one") == 0 &&
            strcmp(out, "status 141\n") == 0,
        "%s", out);
    cr_expect(run("yes 'good movie' | head -20000 | inkling tokenize -m . | head -1") == 0);
    cr_expect(strncmp(out, "{\"id\":1,", 8) == 0);
    cr_expect(err[0] == '\0', "%s", err);
}

Test(cli, a_slow_pipe_gets_each_result_when_it_is_there)
{
    cr_expect(run("(echo good; sleep 2; echo bad) | $inkling tokenize -m . --quiet | "
                  "{ read -r line; echo at $(date +%%s); cat >/dev/null; }; echo end $(date +%%s)") == 0);
    long first, end;
    cr_expect(sscanf(out, "at %ld\nend %ld", &first, &end) == 2 && end - first >= 1, "%s", out);
}

Test(cli, a_signal_leaves_no_half_written_file)
{
    /* The job waits for more input when the signal comes; the next record lets it notice. */
    cr_expect(run("mkfifo p; (echo good; sleep 1; echo bad; sleep 1; echo bad) >p & $inkling classify -m . "
                  "-o out.jsonl p & "
                  "sleep 0.6; kill -TERM $!; wait $!; echo status $?; ls -A | grep -c tmp") >= 0);
    cr_expect(strstr(out, "status 143"), "%s%s", out, err);
    cr_expect(strstr(out, "\n0\n"), "a temporary file stays: %s", out);
    cr_expect(strstr(err, "nothing was written to out.jsonl"), "%s", err);
}

Test(cli, a_signal_between_the_last_record_and_the_end_of_input_counts)
{
    cr_expect(run("mkfifo p; (echo good; exec sleep 2) >p & $inkling classify -m . -o out.jsonl p & "
                  "sleep 0.8; kill -TERM $!; wait $!; echo status $?; test -e out.jsonl && echo there") >= 0);
    cr_expect(strstr(out, "status 143") && !strstr(out, "there"), "%s%s", out, err);
}

Test(cli, info_tells_sizes_labels_and_threads)
{
    cr_expect(run("inkling info -m .") == 0, "%s", err);
    cr_expect(strstr(out, "architecture       bert\n") && strstr(out, "label 0, label 1, label 2") &&
                  strstr(out, "threads_from "),
              "%s", out);
    cr_expect(run("inkling info -m . --json") == 0);
    cr_expect(out[0] == '{' && strstr(out, "\"labels\":[\"label 0\",\"label 1\",\"label 2\"]"), "%s", out);
    cr_expect(run("INK_THREADS=3 INK_BACKEND=ref inkling info -m . --json") == 0);
    cr_expect(strstr(out, "\"backend\":\"ref\"") && strstr(out, "\"threads\":3,"), "%s", out);
}

Test(cli, embed_writes_lines_and_arrays)
{
    cr_expect(run("printf 'good\\nbad\\n' | inkling embed -m . -o v.npy") == 0, "%s", err);
    cr_expect(run("head -c 6 v.npy") == 0 && memcmp(out, "\x93NUMPY", 6) == 0);
    cr_expect(run("printf 'good\\n' | inkling embed -m . --pooling cls --normalize") == 0);
    cr_expect(strncmp(out, "{\"id\":1,\"embedding\":[", 21) == 0);
}
