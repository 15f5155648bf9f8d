/* inkling evaluate as a person meets it: what it prints, writes, refuses and leaves behind. */
#include "cli/command.h"

#include "io/json.h"

#include <math.h>

enum { N = 60 };

TestSuite(evaluate, .init = setup, .fini = teardown);

static ink__json json;

static const json_t *open_json(const char *name)
{
    char path[512];
    ink_error e;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    cr_assert(ink__json_open(&json, path, &e) == INK_OK, "%s", e.text);
    return json.root;
}

static double number(const json_t *object, const char *key, const char *part)
{
    const json_t *x = json_object_get(json_object_get(object, key), part);
    return json_is_number(x) ? json_number_value(x) : NAN;
}

static bool is_there(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static void write_text(const char *name, const char *text)
{
    scratch_write(dir, name, text, strlen(text));
}

static void write_texts(void)
{
    static const char *const words[] = {"good", "bad", "the", "movie", "service", "never", "very", "great"};
    char text[N * 64];
    size_t n = 0;
    for (unsigned i = 0; i < N; ++i)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %s %s %s %u\n", words[i % 8], words[i / 8],
                              words[(i * 5 + 1) % 8], words[(i * i) % 8], i);
    scratch_write(dir, "texts.txt", text, n);
}

/* Labels of the texts as the model gives them, but the first `wrong` of them another one: data.jsonl, with a
 * field "half" that tells the first half, "b", from the second, "a". */
static void write_labelled(int wrong)
{
    char *lines = malloc(N * 400);
    size_t n = 0;
    int i = 0;
    cr_assert(lines);
    write_texts();
    cr_assert(run("inkling classify -m . texts.txt --quiet") == 0, "%s", err);
    char texts[N * 64];
    slurp(texts, sizeof texts, "texts.txt");
    char *text = texts;
    for (const char *line = out; i < N; line = strchr(line, '\n') + 1, ++i) {
        const char *label = strstr(line, "\"label\":\"label ");
        cr_assert(label);
        const int c = label[15] - '0';
        char *end = strchr(text, '\n');
        n += (size_t)snprintf(lines + n, N * 400 - n,
                              "{\"id\":\"r%d\",\"text\":\"%.*s\",\"label\":\"label %d\",\"half\":\"%s\"}\n",
                              i, (int)(end - text), text, i < wrong ? (c + 1) % 3 : c, i < N / 2 ? "b" : "a");
        text = end + 1;
    }
    scratch_write(dir, "data.jsonl", lines, n);
    free(lines);
}

Test(evaluate, a_model_agrees_with_itself)
{
    write_labelled(0);
    cr_expect(run("inkling evaluate -m . data.jsonl --json e.json") == 0, "%s", err);
    cr_expect(strstr(out, "60 records") && strstr(out, "accuracy                 1.0000  1.0000 to 1.0000"),
              "%s", out);
    cr_expect(strstr(err, "60 records"), "%s", err);
    const json_t *e = open_json("e.json");
    cr_expect(json_number_value(json_object_get(e, "n")) == N);
    cr_expect(number(e, "accuracy", "value") == 1 && number(e, "accuracy", "low") == 1);
    cr_expect(number(e, "macro_f1", "value") == 1);
    ink__json_close(&json);
}

Test(evaluate, mistakes_are_counted_and_written_worst_first)
{
    write_labelled(15);
    cr_expect(run("inkling evaluate -m . data.jsonl --json e.json --mistakes m.jsonl --report r.html") == 0,
              "%s", err);
    const json_t *e = open_json("e.json");
    cr_expect(fabs(number(e, "accuracy", "value") - 0.75) < 1e-6);
    cr_expect(number(e, "accuracy", "low") < 0.75 && number(e, "accuracy", "high") > 0.75);
    ink__json_close(&json);
    slurp(out, sizeof out, "m.jsonl");
    double last = INFINITY;
    int lines = 0;
    for (const char *line = out; *line; line = strchr(line, '\n') + 1, ++lines) {
        const char *loss = strstr(line, "\"loss\":");
        cr_assert(loss && strncmp(line, "{\"id\":\"r", 8) == 0, "%s", line);
        cr_expect(strtod(loss + 7, NULL) <= last, "line %d", lines);
        cr_expect(strtol(line + 8, NULL, 10) < 15, "a right record is among the mistakes: %s", line);
        last = strtod(loss + 7, NULL);
    }
    cr_expect(lines == 15, "%d lines", lines);
    slurp(out, sizeof out, "r.html");
    cr_expect(strstr(out, "15 of 15") && strstr(out, "Reliability") && strstr(out, "Confusion matrix"));
}

Test(evaluate, the_same_bytes_come_out_whatever_the_threads_and_batches)
{
    char first[sizeof out];
    write_labelled(15);
    cr_expect(run("inkling evaluate -m . data.jsonl --quiet --json - --slice half") == 0, "%s", err);
    cr_expect(out[0] == '{' && err[0] == '\0', "the JSON alone is on stdout: %.60s", out);
    strcpy(first, out);
    cr_expect(
        run("inkling evaluate -m . data.jsonl --quiet --json - --slice half --threads 3 --batch-tokens 40") ==
        0);
    cr_expect(strcmp(first, out) == 0);
    cr_expect(run("inkling evaluate -m . data.jsonl --quiet --json - --slice half --seed 1") == 0);
    cr_expect(strcmp(first, out) != 0, "another seed, other resamples");
}

Test(evaluate, an_unknown_label_is_a_sentence_with_its_place_and_nothing_is_written)
{
    write_labelled(0);
    cr_expect(run("sed -i '7s/\"label\":\"label ./\"label\":\"lable 1/' data.jsonl") == 0);
    expect_failure(
        "inkling evaluate -m . data.jsonl --quiet --json e.json --report r.html --mistakes m.jsonl",
        "data.jsonl: line 7: the model does not know the label \"lable 1\"; it knows label 0, label "
        "1, label 2");
    cr_expect(!is_there("e.json") && !is_there("r.html") && !is_there("m.jsonl"));
    cr_expect(out[0] == '\0');
    cr_expect(run("inkling evaluate -m . data.jsonl --on-error report --json e.json") == 1);
    cr_expect(strstr(err, "1 of 60 records failed") && strstr(err, "line 7"), "%s", err);
    cr_expect(strstr(out, "59 records") && strstr(out, "! 1 of 60 records could not be used"), "%s", out);
    const json_t *e = open_json("e.json");
    cr_expect(json_number_value(json_object_get(e, "n")) == 59 &&
              json_number_value(json_object_get(e, "left_out")) == 1);
    ink__json_close(&json);
}

Test(evaluate, what_is_missing_is_named)
{
    write_text("empty.jsonl", "");
    expect_failure("inkling evaluate -m . empty.jsonl --json e.json", "the input is empty");
    write_text("bare.jsonl", "{\"text\":\"good\"}\n");
    expect_failure("inkling evaluate -m . bare.jsonl --quiet", "bare.jsonl: line 1: no field \"label\"");
    write_text("all.jsonl", "{\"text\":\"good\"}\n{\"text\":\"good\",\"label\":\"x\"}\n");
    cr_expect(run("inkling evaluate -m . all.jsonl --on-error report --quiet") == 1);
    cr_expect(strstr(err, "none of the 2 records can be used; the first: all.jsonl: line 1"), "%s", err);
    write_text("list.jsonl", "{\"text\":\"good\",\"labels\":[\"label 0\",\"label 1\"]}\n");
    expect_failure("inkling evaluate -m . list.jsonl --quiet",
                   "list.jsonl: line 1: 2 labels, and the model gives each record one");
    write_labelled(3);
    cr_expect(run("{ gzip -c data.jsonl; echo rubbish; } >data.jsonl.gz; inkling evaluate -m . data.jsonl.gz "
                  "--on-error report --json -") == 1);
    cr_expect(strstr(err, "data.jsonl.gz: its compressed data ends at byte ") &&
                  strstr(out, "not be read to their ends"),
              "%s%s", out, err);
    expect_failure("inkling evaluate -m . data.jsonl.gz --quiet", "data.jsonl.gz: its compressed data ends");
    expect_failure("inkling evaluate -m . data.jsonl --quiet --slice whole",
                   "no record has the field \"whole\"");
    expect_failure("inkling evaluate -m . data.jsonl --quiet --compare /nonexistent", "/nonexistent");
    expect_failure("echo good | inkling evaluate -m . --quiet", "have no labels");
    cr_expect(run("inkling evaluate -m . data.jsonl --quiet --json /dev/full") == 1);
    cr_expect(strstr(err, "/dev/full") && strstr(out, "accuracy"), "the table is printed all the same");
}

/* None of them reads the model, which is not there. */
Test(evaluate, an_output_that_cannot_be_written_is_told_before_any_work)
{
    static const char *const cases[][2] = {
        {"--json /nonexistent/e.json",
         "/nonexistent/e.json: cannot be written: the folder /nonexistent does not exist"},
        {"--report .", ".: cannot be written: Is a directory"},
        {"--mistakes config.json/m.jsonl", "config.json/m.jsonl: cannot be written: Not a directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        cr_expect(run("inkling evaluate -m nowhere data.jsonl %s", cases[i][0]) == 1, "%s", cases[i][0]);
        cr_expect(strstr(err, cases[i][1]), "%s says: %s", cases[i][0], err);
    }
    cr_expect(run("inkling evaluate -m nowhere data.jsonl --json e.json") == 1 && strstr(err, "nowhere"),
              "%s", err);
}

Test(evaluate, wrong_usage_exits_2)
{
    expect_usage("inkling evaluate", "--model is required");
    write_labelled(0);
    expect_usage("inkling evaluate -m . data.jsonl --json - --mistakes -", "only one output");
    expect_usage("inkling evaluate -m . data.jsonl --mistakes ./data.jsonl", "is an input");
    expect_usage("inkling evaluate -m . data.jsonl --mistakes x --report x", "named twice");
    expect_usage("inkling evaluate -m . data.jsonl -o x", "there is no option");
}

Test(evaluate, one_label_alone_has_no_auc_and_says_so)
{
    char lines[4096] = "";
    for (int i = 0; i < 30; ++i)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "good movie %d,label 1\n", i);
    char csv[5000];
    snprintf(csv, sizeof csv, "text,label\n%s", lines);
    write_text("one.csv", csv);
    cr_expect(run("inkling evaluate -m . one.csv --json e.json") == 0, "%s", err);
    cr_expect(strstr(out, "! 2 of 3 labels have no records: label 0, label 2."), "%s", out);
    cr_expect(strstr(out, "! Only 30 records"), "%s", out);
    const json_t *e = open_json("e.json");
    cr_expect(json_is_null(json_object_get(json_object_get(e, "auc"), "value")));
    cr_expect(number(e, "baseline", "value") == 1);
    ink__json_close(&json);
}

Test(evaluate, groups_are_measured_apart_and_their_gap_is_told)
{
    write_labelled(15); /* all of them in the first half */
    cr_expect(run("inkling evaluate -m . data.jsonl --slice half --json e.json --report r.html") == 0, "%s",
              err);
    cr_expect(strstr(out, "gap in accuracy between a and b: 0.5000"), "%s", out);
    const json_t *e = open_json("e.json"), *slice = json_object_get(e, "slice");
    cr_expect(number(json_object_get(json_object_get(slice, "groups"), "b"), "accuracy", "value") == 0.5);
    cr_expect(number(json_object_get(json_object_get(slice, "groups"), "a"), "accuracy", "value") == 1);
    const json_t *gap = json_object_get(json_object_get(slice, "gap"), "accuracy");
    const double low = json_number_value(json_object_get(gap, "low"));
    const double high = json_number_value(json_object_get(gap, "high"));
    cr_expect(low > 0.25 && low < 0.5 && high > 0.5 && high < 0.75, "%g to %g", low, high);
    ink__json_close(&json);
    expect_failure("seq 101 | sed 's/.*/{\"text\":\"good\",\"label\":\"label 0\",\"g\":\"&\"}/' >g.jsonl; "
                   "inkling evaluate -m . g.jsonl --slice g --quiet",
                   "more than 100 values");
}

Test(evaluate, two_models_are_compared_on_the_same_records)
{
    write_labelled(15);
    cr_expect(run("inkling evaluate -m . data.jsonl --compare . --json e.json --report r.html") == 0, "%s",
              err);
    cr_expect(strstr(out, "McNemar's test (exact): p = 1.0000"), "%s", out);
    const json_t *e = open_json("e.json"), *compare = json_object_get(e, "compare");
    cr_expect(number(json_object_get(compare, "accuracy"), "difference", "value") == 0);
    cr_expect(number(compare, "accuracy", "p") == 1);
    ink__json_close(&json);
    /* The same weights under other names of the labels: what was label 0 is label 2 now. */
    cr_expect(run("mkdir o; cp *.json vocab.txt model.safetensors o; sed -i 's/\"0\":\"label "
                  "0\"/\"0\":\"label X\"/; "
                  "s/\"2\":\"label 2\"/\"2\":\"label 0\"/; s/label X/label 2/' o/config.json; "
                  "inkling evaluate -m . data.jsonl --compare o --quiet --json e.json") == 0,
              "%s", err);
    e = open_json("e.json");
    compare = json_object_get(e, "compare");
    cr_expect(number(compare, "accuracy", "second") < 0.75);
    cr_expect(json_number_value(json_object_get(json_object_get(compare, "mcnemar"), "only_first")) > 0);
    ink__json_close(&json);
    expect_failure(
        "sed -i 's/label 1/another/' o/config.json; inkling evaluate -m . data.jsonl --compare o --quiet",
        "o has no label \"label 1\"");
}

Test(evaluate, several_labels_a_record)
{
    cr_expect(run("sed -i 's/^{/{\"problem_type\":\"multi_label_classification\",/' config.json") == 0);
    write_text("m.jsonl",
               "{\"text\":\"good movie\",\"labels\":[\"label 0\",\"label 2\"]}\n"
               "{\"text\":\"bad\",\"labels\":[]}\n{\"text\":\"never\",\"labels\":[\"label 1\"]}\n");
    cr_expect(run("inkling evaluate -m . m.jsonl --json e.json --report r.html --mistakes w.jsonl") == 0,
              "%s", err);
    cr_expect(strstr(out, "subset accuracy") && strstr(out, "Hamming loss") && strstr(out, "samples F1"),
              "%s", out);
    const json_t *e = open_json("e.json");
    cr_expect(json_number_value(
                  json_object_get(json_object_get(json_object_get(e, "labels"), "label 2"), "n")) == 1);
    cr_expect(strcmp(json_string_value(json_object_get(e, "task")), "multi") == 0);
    ink__json_close(&json);
}

Test(evaluate, values_are_measured_and_what_is_no_number_is_refused)
{
    static const struct random_model one = {"bert", 32, 1, 4, 48, 40, 1, 3};
    random_model_write(dir, &one);
    cr_expect(run("sed -i 's/^{/{\"problem_type\":\"regression\",/' config.json") == 0);
    write_text("v.csv", "text,label\ngood,1.5\nbad,-2e-1\nnever again,3\nthe movie, 4 \n");
    cr_expect(run("inkling evaluate -m . v.csv --json e.json --report r.html --mistakes w.jsonl") == 0, "%s",
              err);
    cr_expect(strstr(out, "Spearman") && strstr(out, "always saying the mean"), "%s", out);
    const json_t *e = open_json("e.json");
    cr_expect(number(e, "rmse", "value") > 0 && number(e, "mae", "value") > 0);
    ink__json_close(&json);
    cr_expect(run("wc -l <w.jsonl") == 0 && atoi(out) == 4);
    static const char *const bad[] = {"five", "nan", "inf", "0x10", "1,5", "1e999", "--1", ".", "1e", "1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        char line[100], says[100];
        snprintf(line, sizeof line, "{\"text\":\"good\",\"label\":1}\n{\"text\":\"bad\",\"label\":\"%s\"}\n",
                 bad[i]);
        write_text("bad.jsonl", line);
        snprintf(says, sizeof says, "bad.jsonl: line 2: the label \"%s\" is", bad[i]);
        expect_failure("inkling evaluate -m . bad.jsonl --quiet --json bad.json", says);
        cr_expect(!is_there("bad.json"));
    }
}

Test(evaluate, hostile_names_and_texts_stay_text)
{
    cr_expect(run("sed -i 's|\"label 0\"|\"<script>alert(1)</script>\"|; s|\"label "
                  "1\"|\"a\\\\u001b[31m\\&\\\\\"b\"|' "
                  "config.json") == 0);
    write_text("h.jsonl",
               "{\"id\":\"<img src=x onerror=y>\",\"text\":\"</p><script>x()</script> \\u0000 \\u202e &amp; "
               "<b>\",\"label\":\"<script>alert(1)</script>\",\"g\":\"<i>\"}\n"
               "{\"text\":\"good\",\"label\":\"label 2\",\"g\":\"<i>\"}\n"
               "{\"text\":\"bad & worse\",\"label\":\"a\\u001b[31m&\\\"b\",\"g\":\"\"}\n");
    cr_expect(
        run("inkling evaluate -m . h.jsonl --report r.html --mistakes m.jsonl --json e.json --slice g") == 0,
        "%s", err);
    cr_expect(!strchr(out, '\x1b'), "an escape reaches the terminal");
    cr_expect(strstr(out, "a?[31m&\"b"), "%s", out);
    slurp(out, sizeof out, "r.html");
    const char *body = strstr(out, "<body>");
    cr_assert(body);
    cr_expect(!strstr(body, "<script") && !strstr(body, "<img") && !strstr(body, "<i>") &&
              !strchr(body, '\x1b'));
    cr_expect(strstr(body, "&lt;script&gt;alert(1)"));
    (void)open_json("e.json");
    ink__json_close(&json);
}
