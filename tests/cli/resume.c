/* Batch jobs as the night shift meets them: killed, stopped, and started again. */
#include "cli/command.h"

TestSuite(resume, .init = setup, .fini = teardown);

#define RECORDS "yes '{\"text\":\"good movie, bad service\"}' | head -20000 >in.jsonl; "

Test(resume, a_killed_job_goes_on_to_the_same_bytes)
{
    cr_expect(run(RECORDS "inkling classify -m . in.jsonl --quiet -o whole.jsonl") == 0, "%s", err);
    cr_expect(run("$inkling classify -m . in.jsonl --quiet -o out.jsonl --resume & sleep 0.3; "
                  "kill -9 $!; wait $!; inkling classify -m . in.jsonl -o out.jsonl --resume "
                  "&& cmp out.jsonl whole.jsonl && ls -A") == 0,
              "%s%s", out, err);
    cr_expect(strstr(out, "out.jsonl.journal\n") && !strstr(out, ".part"), "%s", out);
    cr_expect(run("inkling classify -m . in.jsonl -o out.jsonl --resume") == 0);
    cr_expect(strcmp(err, "out.jsonl is complete: 20000 records, 0 of them failed\n") == 0, "%s", err);
    expect_failure("inkling classify -m . in.jsonl -o out.jsonl --resume --all-scores", "--all-scores");
    expect_usage("inkling classify -m . in.jsonl --resume", "name it with -o");
}

Test(resume, a_signal_finishes_what_is_under_way_even_when_the_pipe_is_silent)
{
    cr_expect(run("mkfifo p; (echo good; exec sleep 30) >p & writer=$!; "
                  "$inkling classify -m . -o out.jsonl --resume p & job=$!; sleep 1; kill -TERM $job; "
                  "wait $job; echo status $?; kill $writer; cat out.jsonl.part") >= 0);
    cr_expect(strstr(out, "status 143\n{\"id\":1,\"label\""), "%s%s", out, err);
    cr_expect(strstr(err, "stopped by a signal after 1 records; the same command goes on with out.jsonl"),
              "%s", err);
}
