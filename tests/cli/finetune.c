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
    static const char *const lines[] = {
        "train: 80 records, 2 labels: bad 40, good 40",
        "dev: 8 of them are held out, 72 are trained on; the ids of dev are in "
        "held-out.jsonl",
        "a new head for 2 labels is made from seed 42", "epoch 6.00: update 54 of 54", "out: dev accuracy "};
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
    /* The page opens with what came of it, and the chart of dev has something to compare with. */
    cr_expect(run("grep -q '<title>Finetuned on train.jsonl, from .</title>' out/report.html && "
                  "grep -q 'class=\"verdict\"><strong>accuracy [01].[0-9]*</strong> on 8 records held out' "
                  "out/report.html && "
                  "[ $(grep -n 'class=\"verdict\"' out/report.html | cut -d: -f1) -lt "
                  "$(grep -n '<h2>The run' out/report.html | cut -d: -f1) ] && "
                  "grep -q '>always saying &quot;bad&quot;</text>' out/report.html && "
                  "grep -q '>mean score of a bin</text>' out/report.html && "
                  "! grep -q 'running mean' out/report.html") == 0,
              "out/report.html");
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

Test(finetune, a_teacher_is_asked_and_what_it_says_is_told)
{
    write_reviews("train.jsonl", 80);
    write_text("u.txt", "the staff is good\nthe price is bad\n\nthe staff is good\n");
    cr_assert(run("inkling finetune --from . --train train.jsonl --out large --epochs 6 --learning-rate 3e-3 "
                  "--batch-size 8 --quiet && gzip -k u.txt && mkdir more && printf 'a hotel' >more/a.txt") ==
                  0,
              "%s", err);
    cr_expect(
        run("inkling finetune --from . --train train.jsonl --teacher large --unlabelled u.txt.gz "
            "--unlabelled more --distill-weight 0.8 --temperature 3 --epochs 1 --progress --out small") == 0,
        "%s", err);
    static const char *const lines[] = {"unlabelled: 3 texts; left out are 1 that repeat one of them, 0 that",
                                        "/83 texts", "teacher: 83 texts scored, ", "teacher: dev accuracy ",
                                        "training records the label they have"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i)
        cr_expect(strstr(err, lines[i]), "`%s` is not in:\n%s", lines[i], err);
    cr_expect(!is_there("small/teacher") && is_there("small/finetune.json"));
    cr_expect(run("grep -c '\"distill_weight\": 0.8' small/finetune.json") == 0, "%s", err);
    expect_refused("--train train.jsonl --teacher nowhere", "nowhere");
    expect_refused("--train train.jsonl --teacher large --unlabelled missing.txt", "missing.txt");
    cr_expect(run("inkling finetune --from . --out out --teacher large --train - <train.jsonl") == 1 &&
                  strstr(err, "standard input can be read only once"),
              "%s", err);
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
    static const char *const numbers[][2] = {
        {"epochs many", "--epochs is \"many\", wanted a number from 1e-06 to 1000000"},
        {"epochs 0", "--epochs is \"0\", wanted a number from 1e-06 to 1000000"},
        {"batch-size 0", "--batch-size is \"0\", wanted a whole number from 1 to 1048576"},
        {"batch-size 8.5", "--batch-size is \"8.5\", wanted a whole number from 1 to 1048576"},
        {"gradient-accumulation-steps 0", "--gradient-accumulation-steps is \"0\""},
        {"learning-rate 1e30", "--learning-rate is \"1e30\", wanted a number from 0 to 1000"},
        {"learning-rate -1", "--learning-rate is \"-1\""},
        {"warmup-ratio 1.5", "--warmup-ratio is \"1.5\", wanted a number from 0 to 1"},
        {"weight-decay 1e4", "--weight-decay is \"1e4\""},
        {"max-grad-norm 1e31", "--max-grad-norm is \"1e31\""},
        {"dropout 1", "--dropout is \"1\", wanted a number from 0 to 0.9"},
        {"label-smoothing 1", "--label-smoothing is \"1\", wanted a number from 0 to 0.999"},
        {"layer-lr-decay 0", "--layer-lr-decay is \"0\""},
        {"temperature 0", "--temperature is \"0\", wanted a number from 0.01 to 1000"},
        {"distill-weight 1.5", "--distill-weight is \"1.5\", wanted a number from 0 to 1"},
        {"seeds 0", "--seeds is \"0\", wanted a whole number from 1 to 1000"},
        {"seeds 1001", "--seeds is \"1001\""},
        {"seed x", "--seed is \"x\", wanted a whole number from 0\n"},
        {"threads 0", "--threads is \"0\", wanted a whole number from 1 to 1024"},
        {"batch-tokens 99999999", "--batch-tokens is \"99999999\""},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        char command[200];
        snprintf(command, sizeof command, "inkling finetune --from . --out out --train t --%s",
                 numbers[i][0]);
        expect_usage(command, numbers[i][1]);
    }
    expect_usage("inkling finetune --from . --out out --train t --optimizer lion", "--optimizer");
    expect_usage("inkling finetune --from . --out out --train t --unlabelled u",
                 "--unlabelled wants the --teacher");
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
            "--epochs 1 --on-error report") == 1,
        "%s", err);
    cr_expect(strstr(err, "1 record could not be used and was left out. The first: train.jsonl: line 41"),
              "%s", err);
    cr_expect(is_there("out/finetune.json") && is_there("out/model.safetensors"), "%s", err);
    cr_expect(run("cat train.jsonl train.jsonl > twice.jsonl; inkling finetune --from . --train twice.jsonl "
                  "--out quiet --epochs 1 --on-error report --quiet") == 1);
    cr_expect(strcmp(err, "inkling finetune: 2 records could not be used and were left out; the first: "
                          "twice.jsonl: line 41: no field \"label\" (fields: \"text\"); "
                          "name one with --label NAME\n") == 0,
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

Test(finetune, a_run_that_diverges_saves_its_model_and_exits_with_1)
{
    write_reviews("train.jsonl", 60);
    const char *flags =
        "--train train.jsonl --epochs 10 --learning-rate 100 --optimizer sgd --max-grad-norm 0 "
        "--warmup-ratio 0";
    cr_expect(run("inkling finetune --from . %s --out out --quiet", flags) == 1, "%s", err);
    cr_expect(strstr(err, "inkling finetune: The run diverged: its loss began at 0."), "%s", err);
    cr_expect(is_there("out/model.safetensors") && is_there("out/finetune.json"), "%s", err);
    cr_expect(run("grep -c '\"diverged\": true' out/finetune.json") == 0, "%s", err);
    /* Finished is finished: resuming tells it again, and has nothing to do. */
    cr_expect(run("inkling finetune --from . %s --out out --resume", flags) == 0, "%s", err);
    cr_expect(strstr(err, "nothing to do") && strstr(err, "The run diverged"), "%s", err);
}

Test(finetune, small_data_are_gone_through_more_often_unless_told)
{
    write_reviews("train.jsonl", 200);
    cr_expect(run("inkling finetune --from . --train train.jsonl --out out") == 0, "%s", err);
    cr_expect(strstr(err, "34 epochs, not 3, for the data are small: an epoch is 6 updates\n"), "%s", err);
    cr_expect(strstr(err, "update 204 of 204"), "%s", err);
    cr_expect(run("grep '\"epochs\": 34' out/finetune.json && grep '\"default_epochs\": true' "
                  "out/finetune.json") == 0);
    cr_expect(run("inkling finetune --from . --train train.jsonl --out told --epochs 3") == 0, "%s", err);
    cr_expect(strstr(err, "update 18 of 18") && !strstr(err, "for the data are small"), "%s", err);
}

Test(finetune, whole_numbers_are_classes_and_said_to_be)
{
    char text[6000] = "";
    for (int i = 0; i < 60; ++i)
        snprintf(text + strlen(text), 100, "{\"text\":\"room %d\",\"label\":%d}\n", i, 1 + i % 5);
    write_text("stars.jsonl", text);
    cr_expect(run("inkling finetune --from . --train stars.jsonl --out out --epochs 1") == 0, "%s", err);
    cr_expect(
        strstr(err, "the labels are whole numbers and taken for the names of classes; --task regression"),
        "%s", err);
    cr_expect(run("inkling finetune --from . --train stars.jsonl --out r --epochs 1 --task regression") == 0);
    cr_expect(!strstr(err, "whole numbers"), "%s", err);
}

Test(finetune, two_processes_do_not_train_in_one_folder)
{
    write_reviews("train.jsonl", 60);
    const int status = run(
        "$inkling finetune --from . --train train.jsonl --out out --epochs 2000 --eval-steps 100000 & p=$!; "
        "n=0; until [ -s out/log.jsonl ] || [ $n -gt 600 ]; do sleep 0.02; n=$((n+1)); done; "
        "$inkling finetune --from . --train train.jsonl --out out --resume 2>second.txt; s=$?; "
        "kill -KILL $p; wait $p 2>/dev/null; cat second.txt >&2; exit $s");
    cr_expect(status == 1 && strstr(err, "out: another process is training in this folder"), "exit %d, %s",
              status, err);
    /* The lock went with the process. */
    cr_expect(run("inkling finetune --from . --train train.jsonl --out out --epochs 1 --resume") == 0, "%s",
              err);
}

Test(finetune, a_place_that_cannot_be_written_is_told_before_the_data_are_read)
{
    write_text("file", "x");
    cr_expect(run("mkdir full && echo x > full/notes.txt && mkdir empty") == 0);
    static const char *const cases[][2] = {
        {"file", "file is a file, wanted a directory, or none yet"},
        {"full", "full holds files of something else, \"notes.txt\" for one: choose another directory"},
        {"no/such", "no/such: cannot be made: No such file or directory"},
        {"file/out", "file/out: cannot be used: Not a directory"},
        {".", "holds a model, which would be overwritten"},
        {"empty", "nowhere.jsonl"},
        {"new", "nowhere.jsonl"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        cr_expect(run("inkling finetune --from . --train nowhere.jsonl --out %s", cases[i][0]) == 1);
        cr_expect(strstr(err, cases[i][1]), "%s: %s", cases[i][0], err);
        cr_expect(run("inkling finetune --from . --train nowhere.jsonl --seeds 2 --out %s", cases[i][0]) ==
                  1);
        cr_expect(strstr(err, strcmp(cases[i][0], ".") == 0 ? "holds a model already" : cases[i][1]),
                  "%s: %s", cases[i][0], err);
    }
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
