/* inkling pretrain as a person meets it: what it reads, prints, refuses and leaves behind. */
#include "cli/command.h"

TestSuite(pretrain, .init = setup, .fini = teardown);

static void write_corpus(void)
{
    char text[16384];
    size_t used = 0;
    static const char *const words[] = {"the", "red", "fox", "and", "hen", "small", "grey", "sees"};
    unsigned seed = 3;
    for (int i = 0; i < 120; ++i) {
        for (int w = 0; w < 8; ++w, seed = seed * 1103515245u + 12345u)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s ", words[(seed >> 16) % 8]);
        used += (size_t)snprintf(text + used, sizeof text - used, "\n");
    }
    scratch_write(dir, "fox.txt", text, used);
    cr_assert(run("inkling train-tokenizer --type wordpiece --vocab-size 34 --quiet --out tok fox.txt") == 0,
              "%s", err);
}

#define PRETRAIN                                                                                             \
    "inkling pretrain --size tiny --tokenizer tok --corpus fox.txt --batch-size 8 --max-length 32 "

Test(pretrain, an_encoder_is_made_that_embed_and_finetune_take)
{
    write_corpus();
    cr_expect(run(PRETRAIN "--steps 4 --out model") == 0, "%s", err);
    cr_expect(out[0] == '\0' && strstr(err, "corpus: 120 documents") && strstr(err, "held out: perplexity") &&
                  strstr(err, "model: 4 updates"),
              "%s", err);
    cr_expect(run("echo the red fox | inkling embed -m model --quiet") == 0 && strstr(out, "embedding"), "%s",
              err);
    scratch_write(dir, "t.csv", "text,label\nred fox,a\nhen,b\nfox,a\ngrey hen,b\n", 43);
    cr_expect(run("inkling finetune --from model --train t.csv --dev t.csv --epochs 1 --out c --quiet") == 0,
              "%s", err);
    cr_expect(run(PRETRAIN "--steps 4 --out model --resume") == 0 && strstr(err, "nothing to do"), "%s", err);
    cr_expect(run(PRETRAIN "--steps 4 --out model --resume --quiet") == 0 && err[0] == '\0', "%s", err);
    cr_expect(run("inkling pretrain --from model --corpus fox.txt --tokens 600 --max-length 32 --out more "
                  "--quiet") == 0 &&
                  err[0] == '\0',
              "%s", err);
}

Test(pretrain, objective_rtd_makes_two_models_and_a_config_json_is_a_size)
{
    write_corpus();
    cr_expect(run(PRETRAIN "--objective rtd --steps 4 --out model") == 0, "%s", err);
    cr_expect(strstr(err, "of the replaced found; held out: perplexity") && strstr(err, "model: 4 updates"),
              "%s", err);
    cr_expect(
        run("for m in model model/generator; do echo the red fox | inkling embed -m $m --quiet; done") == 0,
        "%s", err);
    cr_expect(run(PRETRAIN "--objective rtd --steps 4 --out model --resume") == 0 &&
                  strstr(err, "nothing to do") && strstr(err, "of the replaced found"),
              "%s", err);
    cr_expect(run(PRETRAIN "--steps 4 --out model --resume") == 1 && strstr(err, "\"objective\" \"rtd\""),
              "%s", err);
    cr_expect(run("inkling pretrain --from model --objective rtd --corpus fox.txt --steps 2 --max-length 32 "
                  "--out more --quiet") == 0 &&
                  err[0] == '\0',
              "%s", err);
    cr_expect(run("inkling pretrain --size model/generator/config.json --tokenizer tok --corpus fox.txt "
                  "--steps 2 --max-length 32 --out sized --quiet && grep -q ElectraForMaskedLM "
                  "sized/config.json") == 0,
              "%s", err);
    cr_expect(run(PRETRAIN "--objective nsp --steps 4 --out m") == 2 && strstr(err, "mlm|rtd"), "%s", err);
}

Test(pretrain, compressed_files_and_folders_are_read)
{
    write_corpus();
    cr_assert(run("mkdir docs && split -l 30 fox.txt docs/part && gzip -k fox.txt") == 0, "%s", err);
    cr_expect(run(PRETRAIN "--steps 2 --out plain --quiet") == 0, "%s", err);
    cr_expect(
        run("inkling pretrain --size tiny --tokenizer tok --corpus fox.txt.gz --batch-size 8 --max-length "
            "32 --steps 2 --out packed --quiet && cmp plain/model.safetensors packed/model.safetensors") == 0,
        "%s%s", out, err);
    cr_expect(run("inkling pretrain --size tiny --tokenizer tok --corpus docs --batch-size 8 --max-length 32 "
                  "--steps 2 --out docs-model") == 0 &&
                  strstr(err, "corpus: 4 documents"),
              "%s", err);
}

/* The log's first lines tell that updates are being done. */
Test(pretrain, a_signal_stops_it_and_resume_goes_on)
{
    static const char flags[] = "--size tiny --tokenizer tok --corpus fox.txt --batch-size 8 --max-length 32 "
                                "--threads 1 --steps 400 --eval-steps 1000";
    write_corpus();
    const int status = run("$inkling pretrain %s --out out & p=$!; n=0; until [ -s out/log.jsonl ] || "
                           "[ $n -gt 600 ]; do sleep 0.02; n=$((n+1)); done; kill -TERM $p; wait $p",
                           flags);
    cr_expect(status == 143, "exit %d, %s", status, err);
    cr_expect(strstr(err, "the same command with --resume goes on"), "%s", err);
    cr_expect(run("test -e out/last && test ! -e out/model.safetensors") == 0, "%s", err);
    cr_expect(run("inkling pretrain %s --out out --resume", flags) == 0, "%s", err);
    cr_expect(strstr(err, "continued after update "), "%s", err);
    cr_expect(run("test -e out/pretrain.json && test ! -e out/last && test ! -e out/.tokens") == 0, "%s",
              err);
}

Test(pretrain, wrong_usage_is_told_with_status_2)
{
    static const char *const wrong[][2] = {
        {"--out m --steps 1", "--size and --tokenizer"},
        {"--size tiny --corpus f --out m --steps 1", "--tokenizer"},
        {"--size tiny --tokenizer t --out m --steps 1", "--corpus"},
        {"--from t --corpus f --steps 1", "--out"},
        {"--from t --corpus f --out m", "--minutes"},
        {"--from t --corpus f --out m --steps 1 --tokens 5", "--minutes"},
        {"--from t --size tiny --corpus f --out m --steps 1", "exclude"},
        {"--from t --corpus f --out m --steps 1 --mask-rate 2", "mask-rate"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
        cr_expect(run("inkling pretrain %s", wrong[i][0]) == 2 && strstr(err, wrong[i][1]), "%s: %s",
                  wrong[i][0], err);
    cr_expect(run("inkling pretrain --from missing --corpus f --out m --steps 1") == 1 &&
                  strstr(err, "missing"),
              "%s", err);
    cr_expect(run("inkling help pretrain") == 0 && strstr(out, "--mask-rate") && strstr(out, "0.15"), "%s",
              out);
}
