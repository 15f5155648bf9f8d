/* inkling train-tokenizer as a person meets it: what it reads, prints, refuses and leaves behind. */
#include "cli/command.h"

TestSuite(train_tokenizer, .init = setup, .fini = teardown);

static void write_text(const char *name, const char *text)
{
    scratch_write(dir, name, text, strlen(text));
}

#define TEXT                                                                                                 \
    "the small red fox and the small grey fox\nthe red hen, the grey hen\nsmall foxes and small hens\n"      \
    "a fox and a hen and a fox\n"

static bool is_there(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

Test(train_tokenizer, a_directory_is_made_that_tokenize_and_finetune_open)
{
    write_text("fox.txt", TEXT);
    write_text("train.csv", "text,label\nthe red fox,a\nthe hen,b\nsmall foxes,a\nhens,b\nfox,a\na hen,b\n");
    static const char *const types[] = {"wordpiece", "unigram", "bpe"};
    static const int sizes[] = {48, 26, 40};
    for (int i = 0; i < 3; ++i) {
        cr_expect(run("inkling train-tokenizer --type %s --vocab-size %d --out tok%d fox.txt", types[i],
                      sizes[i], i) == 0,
                  "%s: %s", types[i], err);
        cr_expect(out[0] == '\0', "%s", out);
        cr_expect(atoi(strstr(err, ": ") + 2) == sizes[i] && strstr(err, " tokens from "), "%s", err);
        cr_expect(run("echo the red fox | inkling tokenize -m tok%d --quiet", i) == 0, "%s", err);
        cr_expect(strstr(out, "{\"id\":1,\"ids\":[2,") && strstr(out, ",3],"), "%s", out);
    }
    cr_expect(
        run("inkling finetune --size tiny --tokenizer tok1 --train train.csv --dev train.csv --epochs 1 "
            "--out model --quiet") == 0,
        "%s", err);
    cr_expect(run("echo the red fox | inkling classify -m model --quiet") == 0 && strstr(out, "\"label\""),
              "%s%s", out, err);
}

Test(train_tokenizer, all_that_other_verbs_read_gives_the_same_directory)
{
    write_text("fox.txt", TEXT);
    cr_assert(run("mkdir folder && split -l 2 fox.txt folder/part && gzip -k fox.txt && "
                  "sed 's/.*/{\"body\":\"&\"}/' fox.txt >fox.jsonl") == 0,
              "%s", err);
    static const char *const inputs[] = {"fox.txt", "<fox.txt",   "- <fox.txt",
                                         "folder",  "fox.txt.gz", "--text body fox.jsonl"};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; ++i) {
        cr_expect(run("inkling train-tokenizer --type wordpiece --vocab-size 40 --quiet --out out%zu %s", i,
                      inputs[i]) == 0 &&
                      err[0] == '\0',
                  "%s: %s", inputs[i], err);
        cr_expect(run("diff -r out0 out%zu", i) == 0, "%s: %s", inputs[i], out);
    }
}

Test(train_tokenizer, wrong_usage_is_told_before_anything_is_read)
{
    expect_usage("inkling train-tokenizer --out out none.txt", "--type is required");
    expect_usage("inkling train-tokenizer --type bpe none.txt", "--out is required");
    expect_usage("inkling train-tokenizer --type word --out out none.txt", "--type");
    expect_usage("inkling train-tokenizer --type bpe --vocab-size 3 --out out none.txt",
                 "--vocab-size is \"3\", wanted a whole number from 6");
    expect_usage("inkling train-tokenizer --type bpe --character-coverage 2 --out out none.txt",
                 "--character-coverage is \"2\", wanted a number from 0.98 to 1");
    cr_expect(run("inkling help train-tokenizer") == 0 && strstr(out, "(required)") &&
                  !strstr(out, "default: -1"),
              "%s", out);
}

Test(train_tokenizer, a_failure_is_one_sentence_and_leaves_nothing)
{
    write_text("fox.txt", TEXT);
    write_text("bad.jsonl", "{\"text\":\"the fox and the fox and the fox\"}\n{\"text\":\n");
    expect_failure("inkling train-tokenizer --type bpe --out out none.txt", "none.txt");
    expect_failure("inkling train-tokenizer --type wordpiece --out out fox.txt",
                   "a vocabulary of 30000 tokens is too large for this text");
    expect_failure("inkling train-tokenizer --type unigram --vocab-size 6 --out out fox.txt", "is too small");
    expect_failure("inkling train-tokenizer --type bpe --vocab-size 20 --out out bad.jsonl",
                   "bad.jsonl: line 2");
    expect_failure(
        "inkling train-tokenizer --type bpe --vocab-size 300 --byte-fallback --type wordpiece --out out "
        "fox.txt",
        "WordPiece has no byte fallback");
    cr_expect(!is_there("out"));
    cr_expect(run("ls -A | grep inkling") == 1, "left: %s", out);
    cr_expect(
        run("inkling train-tokenizer --type wordpiece --vocab-size 21 --on-error report --out out "
            "bad.jsonl") == 1 &&
            strstr(err, "1 of 2 records could not be used and were left out; the first: bad.jsonl: line 2"),
        "%s", err);
    cr_expect(is_there("out/vocab.txt"));
    expect_failure("inkling train-tokenizer --type bpe --vocab-size 30 --out out fox.txt",
                   "out: is not empty");
}

/* Before the command looks out for signals as well as after, and while it waits for its input. */
Test(train_tokenizer, a_signal_stops_it_and_leaves_nothing)
{
    cr_assert(run("mkfifo pipe") == 0, "%s", err);
    const int status =
        run("{ $inkling train-tokenizer --type unigram --out out --quiet - <pipe & job=$!; exec 3>pipe; "
            "echo a fox >&3; kill -TERM $job; exec 3>&-; wait $job; }");
    cr_expect(status == 143, "exit %d: %s", status, err);
    cr_expect(!is_there("out"));
    cr_expect(run("ls -A | grep inkling") == 1, "left: %s", out);
}

Test(train_tokenizer, a_progress_line_comes_where_it_is_asked_for)
{
    write_text("fox.txt", TEXT);
    cr_expect(run("inkling train-tokenizer --type bpe --vocab-size 40 --out out --quiet fox.txt") == 0 &&
                  !*err,
              "%s", err);
    cr_expect(run("inkling train-tokenizer --type bpe --vocab-size 40 --out out2 fox.txt") == 0, "%s", err);
    cr_expect(strchr(err, '\n') == err + strlen(err) - 1, "without a terminal it says more than the end: %s",
              err);
}
