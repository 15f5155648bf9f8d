/* inkling finetune as a person meets it: what it says, what it refuses and where the fault is, and that
 * nothing half written is left behind. */
#include "cli/command.h"

TestSuite(finetune, .init = setup, .fini = teardown, .timeout = 300);

static const char model_files[] = "config.json vocab.txt tokenizer_config.json model.safetensors";

static void write_text(const char *name, const char *text)
{
    scratch_write(dir, name, text, strlen(text));
}

/* Two kinds of reviews, told apart by one word: `name`.jsonl with n records. */
static void write_reviews(const char *name, int n)
{
    static const char *const words[] = {"hotel", "service", "room", "food", "movie", "staff", "price"};
    char *text = malloc((size_t)n * 120);
    size_t used = 0;
    cr_assert(text);
    for (int i = 0; i < n; ++i)
        used += (size_t)snprintf(text + used, 120,
                                 "{\"text\":\"the %s and the %s is %s %d\",\"label\":\"%s\"}\n", words[i % 7],
                                 words[i / 7 % 7], i % 2 ? "good" : "bad", i, i % 2 ? "good" : "bad");
    scratch_write(dir, name, text, used);
    free(text);
}

static bool is_there(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* The command fails with one sentence that ends the messages, and out is not there. */
static void expect_refused(const char *command, const char *says)
{
    const int status = run("inkling finetune --from . --out out %s", command);
    cr_expect(status == 1, "%s exits %d: %s", command, status, err);
    cr_expect(strstr(err, says), "%s says: %s", command, err);
    const size_t len = strlen(err);
    cr_expect(len > 0 && err[len - 1] == '\n', "%s", command);
    cr_expect(out[0] == '\0', "%s prints on stdout: %s", command, out);
    cr_expect(!is_there("out/model.safetensors") && !is_there("out/finetune.json"), "%s", command);
    cr_expect(!is_there("out"), "%s makes a directory", command);
}

Test(finetune, training_data_that_was_not_read_to_its_end_is_refused_or_said)
{
    static const char says[] = "train.jsonl.gz: its compressed data ends at byte ";
    write_reviews("train.jsonl", 40);
    cr_assert(run("gzip train.jsonl; printf rubbish >>train.jsonl.gz") == 0, "%s", err);
    expect_refused("--train train.jsonl.gz", says);
    cr_expect(
        run("inkling finetune --from . --train train.jsonl.gz --out out --epochs 1 --on-error report") == 0,
        "%s", err);
    cr_expect(strstr(err, says), "%s", err);
}

Test(finetune, a_run_tells_what_it_found_and_leaves_a_model_that_classifies)
{
    write_reviews("train.jsonl", 80);
    cr_expect(run("inkling finetune --from . --train train.jsonl --out out --epochs 6 --threads 1 "
                  "--learning-rate 3e-3 "
                  "--batch-size 8") == 0,
              "%s", err);
    cr_expect(out[0] == '\0', "stdout: %s", out);
    static const char *const lines[] = {"train: 80 records, 2 labels: bad 40, good 40",
                                        "dev: 8 records held out of train; their ids are in held-out.jsonl",
                                        "a new head for 2 labels is made from seed 42",
                                        "epoch 6.00: update 54 of 54", "out: dev accuracy "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i)
        cr_expect(strstr(err, lines[i]), "`%s` is not in:\n%s", lines[i], err);
    cr_expect(!strchr(err, '\r') && !strchr(err, '\033'), "a progress line in a pipe: %s", err);
    static const char *const files[] = {"config.json",   "model.safetensors", "vocab.txt",
                                        "finetune.json", "evaluation.json",   "report.html",
                                        "log.jsonl",     "held-out.jsonl",    "tokenizer_config.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char name[64];
        snprintf(name, sizeof name, "out/%s", files[i]);
        cr_expect(is_there(name), "%s", name);
    }
    cr_expect(run("ls -A out | wc -l") == 0 && atoi(out) == 9, "%s files", out);
    cr_expect(run("echo 'the staff is good' | inkling classify -m out --quiet") == 0 &&
                  strstr(out, "\"label\":\"good\""),
              "%s", out);
    cr_expect(run("inkling finetune --from . --train train.jsonl --out out --epochs 6 --threads 1 "
                  "--learning-rate 3e-3 "
                  "--batch-size 8 --resume") == 0,
              "%s", err);
    cr_expect(strstr(err, "out holds this run, finished: nothing to do"), "%s", err);
    cr_expect(run("inkling finetune --from . --train train.jsonl --out out") == 1);
    cr_expect(strstr(err, "out holds a finished run already: resume it, or choose another directory"), "%s",
              err);
}

Test(finetune, quiet_says_nothing)
{
    write_reviews("train.jsonl", 24);
    cr_expect(run("inkling finetune --from . --train train.jsonl --out out --epochs 1 --quiet") == 0);
    cr_expect(out[0] == '\0' && err[0] == '\0', "%s%s", out, err);
}

Test(finetune, wrong_usage_exits_with_2)
{
    expect_usage("inkling finetune", "--from is required (or --size and --tokenizer)");
    expect_usage("inkling finetune --from .", "--out is required");
    expect_usage("inkling finetune --from . --out out", "--train is required");
    expect_usage("inkling finetune --from . --out out --train t --size tiny",
                 "--from and --size exclude each other");
    expect_usage("inkling finetune --size tiny --out out --train t", "--tokenizer");
    expect_usage("inkling finetune --from . --out out --train t --task both", "--task");
    expect_usage("inkling finetune --from . --out out --train t --epochs many", "--epochs");
    expect_usage("inkling finetune --from . --out out --train t --batch-size 0", "--batch-size");
    expect_usage("inkling finetune --from . --out out --train t --optimizer lion", "--optimizer");
    cr_expect(!is_there("out"));
}

Test(finetune, bad_data_is_named_with_file_and_line)
{
    write_reviews("good.jsonl", 30);
    write_text("one.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"x\"}\n");
    write_text("field.jsonl",
               "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\"}\n{\"text\":\"c\",\"label\":\"y\"}\n");
    write_text("text.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"txt\":\"b\",\"label\":\"y\"}\n");
    write_text("dev.jsonl", "{\"text\":\"a\",\"label\":\"good\"}\n{\"text\":\"b\",\"label\":\"fine\"}\n");
    write_text("words.csv", "text,label\na,0.5\nb,much\nc,2\n");
    write_text("broken.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\n");
    write_text("columns.csv", "review,stars\na,1\nb,2\n");
    write_text("empty.jsonl", "");
    write_text("single.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"y\"}\n");
    expect_refused("--train nowhere.jsonl", "nowhere.jsonl");
    expect_refused("--train field.jsonl", "field.jsonl: line 2");
    expect_refused("--train text.jsonl", "text.jsonl: line 2");
    expect_refused("--train broken.jsonl", "broken.jsonl: line 2");
    expect_refused("--train columns.csv", "columns.csv");
    expect_refused("--train one.jsonl",
                   "one.jsonl: all 2 records have the label \"x\", wanted two labels at least");
    expect_refused("--train good.jsonl --dev dev.jsonl",
                   "dev.jsonl: line 2: label \"fine\" is not known; there are ");
    expect_refused("--train good.jsonl --dev empty.jsonl", "empty.jsonl");
    expect_refused("--train empty.jsonl", "empty.jsonl");
    expect_refused("--train words.csv --task regression",
                   "words.csv: line 3: label \"much\" is not a number");
    expect_refused("--train good.jsonl --task regression",
                   "good.jsonl: line 1: label \"bad\" is not a number");
    expect_refused("--train single.jsonl", "2 records are too few to hold some of them out");
    expect_refused("--train good.jsonl --learning-rate 1e30", "a learning rate of 1e+30, wanted 0 to 1000");
    expect_refused("--train good.jsonl --class-weights nowhere.json", "nowhere.json");
    cr_expect(run("inkling finetune --from nowhere --out out --train good.jsonl") == 1 &&
                  strstr(err, "nowhere"),
              "%s", err);
}

Test(finetune, bad_records_are_left_out_and_counted_when_asked)
{
    write_reviews("train.jsonl", 40);
    cr_expect(
        run("echo '{\"text\":\"b\"}' >> train.jsonl; inkling finetune --from . --train train.jsonl --out out "
            "--epochs 1 --on-error report") == 0,
        "%s", err);
    cr_expect(strstr(err, "1 records could not be used and were left out. The first: train.jsonl: line 41"),
              "%s", err);
}

Test(finetune, a_byte_order_mark_is_no_part_of_the_data)
{
    char text[4096] = "\xEF\xBB\xBFtext,label\n";
    for (int i = 0; i < 30; ++i)
        snprintf(text + strlen(text), 100, "the room is %s %d,%s\n", i % 2 ? "good" : "bad", i,
                 i % 2 ? "good" : "bad");
    write_text("bom.csv", text);
    write_text("plain.csv", text + 3);
    cr_expect(run("inkling finetune --from . --train bom.csv --out a --epochs 1") == 0, "%s", err);
    cr_expect(run("inkling finetune --from . --train plain.csv --out b --epochs 1") == 0, "%s", err);
    cr_expect(run("cmp a/model.safetensors b/model.safetensors") == 0, "%s", err);
}

Test(finetune, a_loss_that_is_not_finite_ends_the_run_at_its_update)
{
    write_reviews("train.jsonl", 40);
    cr_expect(run("inkling finetune --from . --train train.jsonl --out out --learning-rate 1000 "
                  "--weight-decay 1000 "
                  "--lr-scheduler constant --warmup-ratio 0 --batch-size 4 --epochs 9 --eval-steps 1") == 1);
    const char *last = strstr(err, "inkling finetune: ");
    cr_expect(last && strstr(last, "update ") && strstr(last, "finite") + 0 != NULL, "%s", err);
    cr_expect(is_there("out/last") && !is_there("out/model.safetensors") && !is_there("out/finetune.json"));
}

/* ulimit -f counts blocks of 512 or 1024 bytes, by the shell. */
Test(finetune, a_full_disk_leaves_nothing_half_written)
{
    static const char flags[] =
        "--from . --train train.jsonl --out out --threads 1 --epochs 4 --batch-size 4 --eval-steps 5";
    write_reviews("train.jsonl", 60);
    cr_expect(run("inkling finetune %s --out whole", flags) == 0, "%s", err);
    for (int blocks = 0; blocks <= 400; blocks += 80) {
        const int status =
            run("(ulimit -f %d && $inkling finetune %s --resume >o.txt 2>e.txt); s=$?; cat e.txt >&2; "
                "exit $s",
                blocks, flags);
        if (status == 0)
            break;
        cr_expect(status == 1, "%d blocks: exit %d, %s", blocks, status, err);
        cr_expect(!is_there("out/model.safetensors") && !is_there("out/finetune.json"), "%d blocks", blocks);
        cr_expect(run("ls -A out | grep -c tmp") != 0, "%d blocks: a temporary stays", blocks);
    }
    cr_expect(run("inkling finetune %s --resume", flags) == 0, "%s", err);
    cr_expect(
        run("for f in %s finetune.json report.html evaluation.json; do cmp out/$f whole/$f || exit 1; done",
            model_files) == 0,
        "%s", err);
}

/* SIGINT is ignored by what a shell puts in the background. */
Test(finetune, a_signal_stops_it_cleanly_and_resume_goes_on)
{
    static const char flags[] =
        "--from . --train train.jsonl --threads 1 --epochs 100 --batch-size 4 --eval-steps 5000";
    write_reviews("train.jsonl", 60);
    /* Waits for the log's first lines, so that training is under way. */
    const int status = run("$inkling finetune %s --out out & p=$!; n=0; until [ -s out/log.jsonl ] || "
                           "[ $n -gt 600 ]; do sleep 0.02; n=$((n+1)); done; kill -TERM $p; wait $p",
                           flags);
    cr_expect(status == 143, "exit %d, %s", status, err);
    cr_expect(strstr(err, "the same command with --resume goes on"), "%s", err);
    cr_expect(is_there("out/last") && !is_there("out/model.safetensors"), "%s", err);
    cr_expect(run("inkling finetune %s --out out --resume", flags) == 0, "%s", err);
    cr_expect(strstr(err, "continued after update "), "%s", err);
    cr_expect(is_there("out/finetune.json") && !is_there("out/last"), "%s", err);
}
