/* inkling bench, and INK_VERBOSE=profile, as a person meets them. */
#include "cli/command.h"
#include "io/json.h"

TestSuite(cli_bench, .init = setup, .fini = teardown);

Test(cli_bench, prints_a_table_of_what_was_asked_for)
{
    cr_expect(run("inkling bench -m . --only encoder --rounds 1 --threads 2") == 0, "%s", err);
    cr_expect(strstr(out, "2 threads") && strstr(out, "short together") && strstr(out, "long  apart") &&
                  strstr(out, "attn_out+norm") && strstr(out, "% of bare products"),
              "%s", out);
    cr_expect(!strstr(out, "one text at a time") && !strstr(out, "MB/s"), "%s", out);
    cr_expect(run("inkling bench -m . --only latency --rounds 1") == 0, "%s", err);
    cr_expect(strstr(out, "one text at a time, ms") && !strstr(out, "encoder"), "%s", out);
    cr_expect(run("inkling bench -m . --only products --rounds 1") == 0, "%s", err);
    cr_expect(strstr(out, "a layer") && strstr(out, "bare int8"), "%s", out);
    cr_expect(err[0] == '\0', "%s", err);
    cr_expect(run("inkling bench -m . --only encoder --rounds 1 --precision int8") == 0, "%s", err);
    cr_expect(strstr(out, "short together") && strstr(out, "ff_out+norm"), "%s", out);
}

Test(cli_bench, json_goes_to_stdout_alone_or_beside_the_table_into_a_file)
{
    ink__json json;
    ink_error error;
    cr_expect(run("inkling bench -m . --only tokenizer --rounds 1 --json -") == 0, "%s", err);
    cr_assert(ink__json_parse(&json, out, strlen(out), "stdout", &error) == INK_OK, "%s", error.text);
    cr_expect(json_object_get(json_object_get(json.root, "tokenizer"), "mb_per_s") &&
              !json_object_get(json.root, "latency"));
    ink__json_close(&json);
    cr_expect(run("inkling bench -m . --only tokenizer --rounds 1 --json b.json") == 0, "%s", err);
    cr_expect(strstr(out, "MB/s"), "%s", out);
    slurp(out, sizeof out, "b.json");
    cr_expect(strncmp(out, "{\"model\":\".\",", 13) == 0, "%s", out);
}

Test(cli_bench, times_the_tokenizer_on_a_given_file)
{
    scratch_write(dir, "t.txt", "good\nbad movie\n", 15);
    cr_expect(run("inkling bench -m . --only tokenizer --rounds 1 t.txt") == 0, "%s", err);
    cr_expect(strstr(out, " 15 bytes, 7 tokens"), "%s", out);
}

Test(cli_bench, wrong_usage_and_failures_say_why)
{
    expect_usage("inkling bench", "--model is required");
    expect_usage("inkling bench -m . --only speed", "wanted all|products|encoder|latency|tokenizer");
    expect_usage("inkling bench -m . --rounds 0", "--rounds is \"0\"");
    expect_usage("inkling bench -m . --precision int4", "wanted auto|f32|int8");
    expect_usage("inkling bench -m . --threads x", "--threads is \"x\"");
    expect_usage("inkling bench -m . a.txt b.txt", "given \"b.txt\" as well");
    expect_failure("inkling bench -m /nonexistent", "/nonexistent");
    expect_failure("inkling bench -m . --rounds 100", "100 rounds, at most 99");
    expect_failure("inkling bench -m . missing.txt", "missing.txt: No such file");
    expect_failure("mkdir folder; inkling bench -m . folder", "folder: Is a directory");
    expect_failure("inkling bench -m . /dev/null", "the text for the tokenizer is empty");
    expect_failure("inkling bench -m . --only tokenizer --rounds 1 --json /nonexistent/b.json >/dev/null",
                   "/nonexistent/b.json");
    expect_failure("inkling bench -m . --only tokenizer --rounds 1 >/dev/full", "standard output");
    cr_expect(run("inkling help bench") == 0 && strstr(out, "(default: 5)") && err[0] == '\0');
}

Test(cli_bench, a_profile_is_a_csv_line_for_every_operation)
{
    static const char *const commands[] = {"classify", "embed"};
    for (size_t i = 0; i < 2; ++i) {
        cr_expect(run("echo good | INK_VERBOSE=profile $inkling %s -m . --quiet --threads 1", commands[i]) ==
                  0);
        static const char first[] =
            "operation,backend,layer,rows,in,out,threads,ms\nembedding,fused,0,3,32,32,1,";
        cr_expect(strncmp(err, first, sizeof first - 1) == 0, "%s", err);
        size_t lines = 0, commas = 0;
        for (const char *c = err; *c; ++c)
            lines += *c == '\n', commas += *c == ',';
        const size_t head = i == 0; /* embed has none */
        cr_expect(lines == 1 + 2 + 5 + head && commas == 7 * lines, "%s: %s", commands[i], err);
    }
    cr_expect(run("echo good | $inkling classify -m . --quiet") == 0 && err[0] == '\0', "%s", err);
}
