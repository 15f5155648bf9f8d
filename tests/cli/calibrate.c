/* inkling calibrate as a person meets it, and what the verbs make of a calibrated directory. */
#include "cli/command.h"

#include "io/json.h"

#include <math.h>

TestSuite(calibrate, .init = setup, .fini = teardown);

enum { N = 240 };

static const struct random_model two = {"bert", 32, 1, 4, 48, 40, 2, 3};

static bool is_there(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static void expect_nothing_left(void)
{
    run("ls -A | grep -c -e tmp -e made");
    cr_expect(strcmp(out, "0\n") == 0, "%s entries are left", out);
}

/* Texts labelled as the model does, but every `wrong`th of the `n_unsure` that it is least sure of another
 * way; 0: none. dev.jsonl. */
static void write_dev(int n_unsure, int wrong)
{
    static char text[N * 120];
    static struct {
        double score;
        int c;
    } said[N];
    size_t n = 0;
    for (int i = 0; i < N; ++i)
        n += (size_t)snprintf(text + n, sizeof text - n, "the %d films and %d %s\n", i * 7, i,
                              i % 3 ? "books" : "great movies");
    scratch_write(dir, "texts.txt", text, n);
    cr_assert(run("inkling classify -m . texts.txt --quiet") == 0, "%s", err);
    const char *line = out;
    for (int i = 0; i < N; ++i, line = strchr(line, '\n') + 1) {
        said[i].c = strstr(line, "\"label\":\"label ")[15] - '0';
        said[i].score = strtod(strstr(line, "\"score\":") + 8, NULL);
    }
    n = 0;
    for (int i = 0; i < N; ++i) {
        int rank = 0;
        for (int j = 0; j < N; ++j)
            rank += said[j].score < said[i].score || (said[j].score == said[i].score && j < i);
        const int c = wrong && rank < n_unsure && rank % wrong == 0 ? 1 - said[i].c : said[i].c;
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "{\"text\":\"the %d films and %d %s\",\"label\":\"label %d\"}\n", i * 7, i,
                              i % 3 ? "books" : "great movies", c);
    }
    scratch_write(dir, "dev.jsonl", text, n);
}

static void start(int n_unsure, int wrong)
{
    random_model_write(dir, &two);
    write_dev(n_unsure, wrong);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        ++n;
    return n;
}

Test(calibrate, a_directory_is_written_that_decides_with_a_stated_error)
{
    start(120, 2);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made --max-error 0.1") == 0, "%s%s", out, err);
    cr_expect(strstr(out, "temperature ") && strstr(out, "fitted on 240 records") &&
                  strstr(out, "at most 0.1 of what is decided is wrong, with 95% confidence") &&
                  strstr(out, "it decides where the score is above 0.") && strstr(out, "ECE") &&
                  strstr(out, "each fifth of the records by a fit to the others"),
              "%s", out);
    cr_expect(strstr(err, "240 records"), "%s", err);
    cr_expect(run("cmp config.json made/config.json && cmp vocab.txt made/vocab.txt && "
                  "cmp model.safetensors made/model.safetensors") == 0,
              "what transformers reads is as it was");
    cr_expect(run("inkling info -m made") == 0 && strstr(out, "at most 0.1 of what is decided wrong"), "%s",
              out);
    cr_expect(run("inkling info -m .") == 0 && strstr(out, "calibrated         no"), "%s", out);
    cr_assert(run("inkling classify -m made texts.txt --quiet") == 0, "%s", err);
    const size_t withheld = count(out, ",\"abstain\":true,\"tokens\":");
    cr_expect(withheld > 0 && withheld < N && count(out, "\"label\":") == N, "%zu withheld", withheld);
    cr_expect(count(out, ",\"abstain\":false,\"tokens\":") == N - withheld, "%s", out);
    /* The file says of these records what classify does with them. */
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"decided\": %zu,", N - withheld);
    cr_expect(run("cat made/inkling_calibration.json") == 0 && strstr(out, wanted), "%s: %s", wanted, out);
    /* A field of that name passes through under another. */
    cr_assert(
        run("echo '{\"text\":\"a\",\"abstain\":1}' | inkling classify -m made --format jsonl --keep all") ==
        0);
    cr_expect(strstr(out, "\"input_abstain\":1"), "%s", out);
}

Test(calibrate, evaluate_tells_before_and_after_and_what_is_decided)
{
    ink__json json;
    ink_error e;
    char path[512];
    start(120, 2);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made --max-error 0.1 --quiet") == 0, "%s", err);
    cr_assert(run("inkling evaluate -m . dev.jsonl --json plain.json --quiet") == 0, "%s", err);
    cr_expect(!strstr(out, "calibrated"), "%s", out);
    cr_assert(run("inkling evaluate -m made dev.jsonl --json made.json --report r.html --quiet") == 0, "%s",
              err);
    cr_expect(strstr(out, "ECE at T = 1") && strstr(out, "coverage: decided") && strstr(out, "risk: wrong"),
              "%s", out);
    snprintf(path, sizeof path, "%s/made.json", dir);
    cr_assert(ink__json_open(&json, path, &e) == INK_OK, "%s", e.text);
    const json_t *c = json_object_get(json.root, "calibration"), *abstain = json_object_get(c, "abstain");
    const double decided = json_number_value(json_object_get(abstain, "decided"));
    const double wrong = json_number_value(json_object_get(abstain, "wrong"));
    const json_t *risk = json_object_get(abstain, "risk"), *coverage = json_object_get(abstain, "coverage");
    cr_expect(fabs(json_number_value(json_object_get(risk, "value")) - wrong / decided) < 1e-6);
    cr_expect(fabs(json_number_value(json_object_get(coverage, "value")) - decided / N) < 1e-6);
    cr_expect(wrong / decided < 0.1 && decided > N / 4 && decided < N, "%g of %g", wrong, decided);
    cr_expect(json_number_value(json_object_get(risk, "low")) < wrong / decided + 1e-9 &&
              json_number_value(json_object_get(risk, "high")) > wrong / decided);
    const json_t *before = json_object_get(json_object_get(c, "uncalibrated"), "ece");
    const double ece = json_number_value(json_object_get(before, "value"));
    const double loss = json_number_value(json_object_get(json_object_get(json.root, "log_loss"), "value"));
    const json_t *was = json_object_get(json_object_get(c, "uncalibrated"), "log_loss");
    cr_expect(loss < json_number_value(json_object_get(was, "value")), "the temperature lowers it");
    ink__json_close(&json);
    snprintf(path, sizeof path, "%s/plain.json", dir);
    cr_assert(ink__json_open(&json, path, &e) == INK_OK, "%s", e.text);
    const json_t *plain = json_object_get(json_object_get(json.root, "ece"), "value");
    cr_expect(fabs(json_number_value(plain) - ece) < 1e-6, "before is what the directory was");
    cr_expect(!json_object_get(json.root, "calibration"));
    ink__json_close(&json);
    cr_expect(run("grep -q '>Calibration<' r.html && grep -q 'abstain rule' r.html") == 0);
}

/* Labels of its own, and scores far from 0.5. */
static void start_multi(void)
{
    start(120, 2);
    cr_assert(run("sed -i 's/{/{\"problem_type\":\"multi_label_classification\",/' config.json && "
                  "sed -i -E 's/\"label\":(\"[^\"]*\")/\"labels\":[\\1]/' dev.jsonl") == 0);
}

Test(calibrate, labels_get_thresholds_of_their_own)
{
    start_multi();
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made") == 0, "%s%s", out, err);
    cr_expect(strstr(out, "threshold  records") && strstr(out, "label 0") && strstr(out, "micro F1"), "%s",
              out);
    cr_expect(run("inkling info -m made") == 0 && strstr(out, "a threshold for each label"), "%s", out);
    cr_assert(run("inkling classify -m made texts.txt --quiet --threshold 0.5") == 0, "%s", err);
    const size_t at_half = count(out, "\"score\":");
    cr_assert(run("inkling classify -m made texts.txt --quiet") == 0, "%s", err);
    cr_expect(count(out, "\"score\":") != at_half,
              "the thresholds make a difference, --threshold overrides them");
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made-2 --min-recall 1 --quiet") == 0, "%s", err);
    cr_expect(count(out, "1.0000\n") == 2, "every record is found: %s", out);
    cr_assert(run("inkling evaluate -m made-2 dev.jsonl --quiet") == 0, "%s", err);
    cr_expect(strstr(out, "micro recall             1.0000"), "%s", out);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made-3 --threshold-for none --quiet") == 0);
    cr_expect(count(out, "0.500000") == 2, "%s", out);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made-4 --min-precision 1 --quiet") == 0);
    expect_failure("inkling calibrate -m . --dev dev.jsonl -o made-5 --max-error 0.1",
                   "gives several labels a record");
    /* Labels in another order keep their thresholds when two models are compared. */
    cr_assert(run("inkling evaluate -m made --compare made dev.jsonl --quiet") == 0, "%s", err);
    cr_expect(strstr(out, "only the first is right on 0, only the second on 0"), "%s", out);
    cr_assert(run("inkling evaluate -m . --compare made-2 dev.jsonl --quiet") == 0, "%s", err);
    cr_expect(count(out, "   1.0000      ") > 0, "the other's thresholds are its own: %s", out);
}

Test(calibrate, a_model_that_is_never_wrong_shows_no_temperature)
{
    start(0, 0);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made --max-error 0.05") == 0, "%s", err);
    cr_expect(strstr(out, "temperature 1.0000") && strstr(out, "show none") &&
                  strstr(out, "every record is decided"),
              "%s", out);
    cr_expect(run("inkling classify -m made texts.txt --quiet | sed 's/,\"abstain\":false//' >a && "
                  "inkling classify -m . texts.txt --quiet >b && cmp a b") == 0,
              "%s", out);
    cr_expect(run("inkling classify -m made texts.txt --quiet | grep -c abstain.:false") == 0 &&
                  atoi(out) == N,
              "%s", out);
}

Test(calibrate, an_error_that_cannot_be_had_is_a_sentence_that_says_what_can)
{
    start(240, 3);
    expect_failure("inkling calibrate -m . --dev dev.jsonl -o made --max-error 0.01 --quiet",
                   "the least that can be had is 0.");
    char command[200];
    snprintf(command, sizeof command,
             "inkling calibrate -m . --dev dev.jsonl -o made --quiet --max-error %.5s",
             strstr(err, "can be had is ") + 14);
    expect_nothing_left();
    cr_expect(run("%s", command) == 0, "%s: %s", command, err);
}

Test(calibrate, directories_in_8_bits_are_calibrated_in_8_bits)
{
    start(120, 2);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made --quiet") == 0, "%s", err);
    cr_assert(run("inkling quantize -m made -o small") == 0, "%s", err);
    cr_expect(strstr(err, "the calibration was left out"), "%s", err);
    cr_expect(!is_there("small/inkling_calibration.json"));
    cr_assert(run("inkling calibrate -m small --dev dev.jsonl -o made-small --max-error 0.3 --quiet") == 0,
              "%s", err);
    cr_expect(run("inkling classify -m made-small texts.txt --quiet") == 0, "%s", err);
    cr_expect(run("cmp small/model.safetensors made-small/model.safetensors") == 0);
    cr_assert(run("inkling calibrate -m made --dev dev.jsonl -o made-again --quiet && "
                  "cmp made/inkling_calibration.json made-again/inkling_calibration.json") == 0,
              "a calibration starts from the logits: %s", err);
    run("export DNNL_MAX_CPU_ISA=AVX2; sed -i 's/\"f32\"/\"int8\"/' made/inkling_calibration.json; "
        "echo a | inkling classify -m made");
    cr_expect(strstr(err, "computing in f32, but calibrated in int8"), "%s", err);
}

Test(calibrate, a_resumed_job_refuses_another_calibration)
{
    start(120, 2);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made --quiet") == 0, "%s", err);
    cr_assert(run("inkling classify -m made texts.txt -o labels --resume --quiet") == 0, "%s", err);
    cr_assert(
        run("sed -i -E 's/\"temperature\": [0-9.]+/\"temperature\": 3/' made/inkling_calibration.json") == 0);
    expect_failure("inkling classify -m made texts.txt -o labels --resume --quiet", "another model");
}

Test(calibrate, a_broken_calibration_is_a_sentence_for_every_verb)
{
    start(0, 0);
    cr_assert(run("inkling calibrate -m . --dev dev.jsonl -o made --quiet") == 0, "%s", err);
    cr_assert(run("cp made/inkling_calibration.json good; echo '{' > made/inkling_calibration.json") == 0);
    expect_failure("echo a | inkling classify -m made", "inkling_calibration.json");
    expect_failure("inkling evaluate -m made dev.jsonl", "inkling_calibration.json");
    expect_failure("inkling info -m made", "inkling_calibration.json");
    /* Another model's weights under it. */
    cr_assert(run("cp good made/inkling_calibration.json && inkling info -m made") == 0, "%s", err);
    static const struct random_model other = {"bert", 32, 1, 4, 48, 40, 2, 4};
    random_model_write(dir, &other);
    expect_failure("cp good inkling_calibration.json; echo a | inkling classify -m .", "other weights");
}

Test(calibrate, wrong_usage_and_failures_leave_nothing)
{
    start(0, 0);
    expect_usage("inkling calibrate --dev dev.jsonl -o made", "--model is required");
    expect_usage("inkling calibrate -m . --dev dev.jsonl", "--out is required");
    expect_usage("inkling calibrate -m . -o made", "--dev is required");
    expect_usage("inkling calibrate -m . --dev dev.jsonl -o made --max-error 1", "max-error");
    expect_usage("inkling calibrate -m . --dev dev.jsonl -o made --max-error 0", "max-error");
    expect_usage("inkling calibrate -m . --dev dev.jsonl -o made --min-precision 0.9 --min-recall 0.9",
                 "exclude each other");
    expect_failure("inkling calibrate -m . --dev dev.jsonl -o made --min-precision 0.9",
                   "one label a record");
    expect_failure("inkling calibrate -m . --dev none.jsonl -o made", "none.jsonl");
    expect_failure("mkdir full && inkling calibrate -m . --dev dev.jsonl -o full", "full: is there already");
    expect_failure("inkling calibrate -m . --dev dev.jsonl -o no/such/place --quiet", "no/such");
    expect_failure("sed -i 's/{/{\"problem_type\":\"regression\",\"num_labels\":1,/' config.json; "
                   "inkling calibrate -m . --dev dev.jsonl -o made",
                   "is a regression");
    expect_nothing_left();
}
