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

Test(resume, bad_records_go_to_a_file_of_their_own_and_are_counted_by_kind)
{
    static const char jsonl[] =
        "{\"text\":\"good\"}\n{\"id\":\"x\",\"text\":5}\n\nnot json\n[1]\n{\"text\":\"bad\"}\n";
    scratch_write(dir, "in.jsonl", jsonl, sizeof jsonl - 1);
    cr_expect(run("inkling classify -m . in.jsonl -o out.jsonl --rejects bad.jsonl") == 1);
    cr_expect(strstr(err, "classify: 4 of 6 records failed (2 not a JSON object, 1 a blank line, "
                          "1 without a usable field); the first: in.jsonl: line 2: "),
              "%s", err);
    cr_expect(run("cat out.jsonl") == 0 && strncmp(out, "{\"id\":1,\"label\"", 15) == 0 &&
                  strstr(out, "}\n{\"id\":6,\"label\"") && !strstr(out, "error"),
              "%s", out);
    cr_expect(run("cat bad.jsonl") == 0 && strncmp(out, "{\"id\":\"x\",\"error\":\"", 18) == 0 &&
                  strstr(out, "}\n{\"id\":3,\"error\"") && strstr(out, "}\n{\"id\":5,\"error\""),
              "%s", out);
    expect_failure("inkling classify -m . in.jsonl -o x --rejects x", "cannot hold both");
    expect_failure("inkling classify -m . in.jsonl -o x --rejects in.jsonl", "is an input");
    cr_expect(run("inkling tokenize -m . in.jsonl --quiet --rejects bad2.jsonl >/dev/null; "
                  "cmp bad.jsonl bad2.jsonl && echo same") == 0 &&
              strstr(out, "same"));
}

Test(resume, shards_are_the_whole_and_can_be_gone_on_with)
{
    cr_expect(run("for i in $(seq 50); do echo \"good $i\"; done >in.txt; mkdir d; for i in $(seq 10 30); do "
                  "echo good $i >d/$i.txt; done; printf '\\xFF' >d/31.txt; inkling classify -m . --quiet "
                  "in.txt d >whole && for i in 1 2 3; do inkling classify -m . --quiet --shard $i/3 in.txt d "
                  "-o 'part.{shard}'; done; ls; paste -d '\\n' part.1-of-3 part.2-of-3 part.3-of-3 | "
                  "grep . | cmp - whole") == 0,
              "%s%s", out, err);
    cr_expect(strstr(out, "part.1-of-3\npart.2-of-3\npart.3-of-3\n"), "%s", out);
    cr_expect(run("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=3 inkling classify -m . --quiet --shard auto "
                  "in.txt d -o 'auto.{shard}' --resume && cmp auto.2-of-3 part.2-of-3") == 0,
              "%s%s", out, err);
    expect_usage("inkling classify -m . --shard 0/3", "--shard is \"0/3\", wanted I/N");
    expect_usage("inkling classify -m . --shard 4/3", "--shard is \"4/3\"");
    expect_usage("inkling classify -m . --shard 1/3x", "--shard is \"1/3x\"");
    expect_usage("inkling classify -m . --shard auto", "OMPI_COMM_WORLD_RANK");
    expect_usage("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=3 inkling classify -m . --shard auto -o x",
                 "put {shard} into its name");
}

/* A limit on the size of files stands for a disk that is full. */
Test(resume, a_full_disk_loses_nothing_before_it)
{
    cr_expect(run(RECORDS "inkling classify -m . in.jsonl --quiet -o whole.jsonl") == 0, "%s", err);
    cr_expect(run("(ulimit -f 1000; inkling classify -m . in.jsonl --quiet -o out.jsonl --resume)") == 1);
    cr_expect(strstr(err, "out.jsonl.part: cannot be written: File too large\n"), "%s", err);
    cr_expect(run("inkling classify -m . in.jsonl -o out.jsonl --resume && cmp out.jsonl whole.jsonl") == 0,
              "%s%s", out, err);
}

Test(resume, a_pipe_that_never_ends_gives_its_results_and_may_be_closed)
{
    cr_expect(run("(while echo good; do sleep 0.05; done) 2>/dev/null | timeout 60 $inkling classify -m . "
                  "--max-latency 0.2 | head -5") == 0);
    cr_expect(strstr(out, "\n{\"id\":5,") && err[0] == '\0', "%s%s", out, err);
    expect_usage("inkling classify -m . --max-latency 0", "--max-latency is \"0\"");
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

Test(resume, a_closed_terminal_stops_it_as_a_signal_does)
{
    cr_expect(run("mkfifo p; (echo good; exec sleep 30) >p & writer=$!; "
                  "$inkling classify -m . -o out.jsonl p & job=$!; sleep 1; kill -HUP $job; "
                  "wait $job; echo status $?; kill $writer; ls -A") >= 0);
    cr_expect(strstr(out, "status 129\n") && !strstr(out, ".inkling-"), "%s%s", out, err);
    cr_expect(strstr(err, "stopped by a signal after 1 records; nothing was written to out.jsonl"), "%s",
              err);
    cr_expect(run("mkfifo q; (echo good; sleep 2) >q & (trap '' HUP; exec $inkling classify -m . -o "
                  "out.jsonl q) & job=$!; "
                  "sleep 1; kill -HUP $job; wait $job; echo status $?") >= 0);
    cr_expect(strstr(out, "status 0\n"), "nohup: %s%s", out, err);
}

Test(resume, a_name_with_a_mark_for_shards_wants_shards)
{
    expect_usage("inkling classify -m . -o 'x.{shard}'", "x.{shard}: {shard} in a name is for --shard");
    expect_usage("inkling classify -m . --rejects 'x.{shard}'",
                 "x.{shard}: {shard} in a name is for --shard");
}
