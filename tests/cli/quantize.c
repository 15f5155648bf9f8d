/* inkling quantize as a person meets it: what it writes, measures, refuses and leaves behind. */
#include "cli/command.h"

TestSuite(quantize, .init = setup, .fini = teardown);

enum { N = 40 };

static bool is_there(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* Nothing but the model's files, what the test wrote and the command's own output. */
static void expect_nothing_left(void)
{
    run("ls -A | grep -c -e tmp -e small");
    cr_expect(strcmp(out, "0\n") == 0, "%s entries are left", out);
}

/* Records whose truth is what the model itself says, so that before means an accuracy of 1. */
static void write_dev(void)
{
    char text[N * 80];
    size_t n = 0;
    for (int i = 0; i < N; ++i)
        n += (size_t)snprintf(text + n, sizeof text - n, "{\"text\":\"the %d films and %d books\"}\n", i * 7,
                              i);
    scratch_write(dir, "texts.jsonl", text, n);
    cr_assert(
        run("inkling classify -m . texts.jsonl -o said.jsonl --quiet && "
            "paste -d' ' texts.jsonl said.jsonl | "
            "sed -E 's/}.*(\"label\":\"[^\"]*\"|\"value\":[^,}]*).*/,\\1}/; s/value/label/' > dev.jsonl") ==
            0,
        "%s", err);
}

Test(quantize, a_directory_is_written_that_every_verb_opens)
{
    cr_assert(run("inkling quantize -m . -o small") == 0, "%s", err);
    cr_expect(strstr(out, "weights: ") && strstr(out, "matrices in 8 bits"), "%s", out);
    cr_expect(strstr(err, "nothing was measured: give --dev"), "%s", err);
    cr_expect(
        run("grep -q '\"method\": \"inkling_int8\"' small/config.json && cmp vocab.txt small/vocab.txt && "
            "cmp tokenizer_config.json small/tokenizer_config.json") == 0);
    cr_expect(run("! grep -q quant_method small/config.json") == 0, "transformers would open it");
    cr_expect(run("test $(wc -c < small/model.safetensors) -lt $(wc -c < model.safetensors)") == 0);
    cr_expect(run("inkling info -m small") == 0 && strstr(out, "I8"), "%s", out);
    cr_expect(run("echo 'a good film' | inkling classify -m small") == 0 && strstr(out, "\"label\""), "%s",
              err);
    cr_expect(run("echo 'a good film' | inkling embed -m small --precision f32") == 0, "%s", err);
}

Test(quantize, both_models_are_measured_and_a_table_says_how_they_differ)
{
    write_dev();
    cr_assert(run("inkling quantize -m . -o small --dev dev.jsonl --max-drop 100") == 0, "%s%s", out, err);
    cr_expect(strstr(out, "first: in floats; second: in 8 bits") && strstr(out, "accuracy") &&
                  strstr(out, "McNemar's test"),
              "%s", out);
    cr_expect(strstr(out, "1.0000") && strstr(err, "40 records"), "%s%s", out, err);
    cr_expect(is_there("small/model.safetensors"));
}

/* A model of one value, and records whose truth is what its floats say: whatever 8 bits change is an error.
 */
Test(quantize, a_model_that_has_lost_too_much_is_not_written)
{
    static const struct random_model value = {"bert", 32, 1, 4, 48, 40, 1, 3};
    random_model_write(dir, &value);
    cr_assert(run("sed -i 's/{/{\"problem_type\":\"regression\",/' config.json") == 0);
    write_dev();
    const int status = run("inkling quantize -m . -o small --dev dev.jsonl --quiet");
    cr_expect(status == 1 && strstr(err, "the MSE is 0.0000 before and ") &&
                  strstr(err, "at most 0.5 are allowed"),
              "%d: %s", status, err);
    cr_expect(strstr(out, "Pearson"), "the table is shown all the same: %s", out);
    cr_expect(!is_there("small"));
    expect_nothing_left();
    cr_expect(run("inkling quantize -m . -o small --dev dev.jsonl --max-drop 1e30") == 0, "%s", err);
    cr_expect(is_there("small/model.safetensors"));
}

Test(quantize, a_processor_without_exact_8_bit_products_says_so)
{
    write_dev();
    cr_assert(run("export DNNL_MAX_CPU_ISA=AVX2; inkling quantize -m . -o small") == 0, "%s", err);
    cr_expect(strstr(err, "computing in f32 here: ") && strstr(err, "VNNI"), "%s", err);
    cr_assert(
        run("export DNNL_MAX_CPU_ISA=AVX2; inkling quantize -m . -o other --dev dev.jsonl --max-drop 100") ==
            0,
        "%s", err);
    cr_expect(strstr(err, "measured without this processor's 8-bit products"), "%s", err);
}

Test(quantize, wrong_usage_is_refused)
{
    expect_usage("inkling quantize -o small", "--model is required");
    expect_usage("inkling quantize -m .", "--out is required");
    expect_usage("inkling quantize -m . -o small --max-drop -1", "max-drop");
    cr_expect(run("inkling quantize --help") == 0 && strstr(out, "--max-drop"), "%s", out);
}

Test(quantize, failures_are_one_sentence_and_leave_nothing)
{
    expect_failure("inkling quantize -m nowhere -o small", "nowhere");
    expect_failure("inkling quantize -m . -o no/such/place", "no/such");
    expect_failure("mkdir full && inkling quantize -m . -o full", "full: is there already");
    expect_failure("inkling quantize -m . -o small --dev missing.jsonl", "missing.jsonl");
    expect_nothing_left();
    expect_failure("echo '{\"text\":\"a\",\"label\":\"none such\"}' > odd.jsonl; "
                   "inkling quantize -m . -o small --dev odd.jsonl",
                   "none such");
    expect_nothing_left();
    cr_assert(run("inkling quantize -m . -o done --quiet") == 0, "%s", err);
    expect_failure("inkling quantize -m done -o small", "8 bits already");
    expect_failure("inkling finetune --from done --train odd.jsonl --out small",
                   "start from the model of floats");
    expect_nothing_left();
}
