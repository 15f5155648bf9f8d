/* What classify prints beside its label: fields of the input, the best labels, and those above a threshold.
 */
#include "cli/command.h"

TestSuite(pass_through, .init = setup, .fini = teardown);

Test(pass_through, fields_come_out_as_they_stood)
{
    static const char jsonl[] =
        "{\"id\":7,\"n\":1.10,\"text\":\"good\",\"big\":123456789012345678901,\"o\":{\"a\": [1,\"\\u00e9\"]},"
        "\"label\":\"gold\",\"input_x\":null}\n{\"text\":\"bad\",\"k\\\"ey\":true}\n";
    scratch_write(dir, "in.jsonl", jsonl, sizeof jsonl - 1);
    cr_expect(run("inkling classify -m . in.jsonl --quiet --keep n,o --keep label") == 0, "%s", err);
    cr_expect(
        strstr(out,
               "\"truncated\":false,\"n\":1.10,\"o\":{\"a\": [1,\"\\u00e9\"]},\"input_label\":\"gold\"}\n"),
        "%s", out);
    cr_expect(strstr(out, "\"truncated\":false}\n"), "a record without the fields: %s", out);
    cr_expect(run("inkling classify -m . in.jsonl --quiet --keep all") == 0, "%s", err);
    cr_expect(strstr(out, "false,\"n\":1.10,\"big\":123456789012345678901,\"o\":{\"a\": [1,\"\\u00e9\"]},"
                          "\"input_label\":\"gold\",\"input_input_x\":null}\n"),
              "%s", out);
    cr_expect(strstr(out, "false,\"k\\\"ey\":true}\n"), "%s", out);
    cr_expect(run("inkling embed -m . in.jsonl --quiet --keep n") == 0 && strstr(out, "],\"n\":1.10}\n"),
              "%s", err);
}

Test(pass_through, cells_of_a_table_come_out_as_strings)
{
    static const char csv[] = "id,\"na\"\"me\",text,stars\n1,\"a \"\"b\"\"\nc\",good,5\n2,x,bad\n";
    scratch_write(dir, "in.csv", csv, sizeof csv - 1);
    cr_expect(run("inkling classify -m . in.csv --quiet --keep all") == 1, "%s", err);
    cr_expect(strstr(out, "false,\"na\\\"me\":\"a \\\"b\\\"\\nc\",\"stars\":\"5\"}\n{\"id\":\"2\",\"error\""),
              "%s", out);
    cr_expect(run("inkling classify -m . in.csv --quiet --keep stars") == 1, "%s", err);
    cr_expect(strstr(out, "false,\"stars\":\"5\"}\n"), "%s", out);
    expect_failure("inkling classify -m . in.csv --quiet --keep price", "no column \"price\"");
    expect_failure("echo good | inkling classify -m . --quiet --keep price", "have no field \"price\"");
    expect_usage("inkling classify -m . --keep a,,b", "--keep holds an empty name");
}

Test(pass_through, the_best_labels_come_in_order_of_their_scores)
{
    double s[3];
    int l[3];
    cr_expect(run("echo good | inkling classify -m . --quiet --top-k 9") == 0, "%s", err);
    const char *top = strstr(out, ",\"top\":[");
    cr_assert(
        top &&
            sscanf(top,
                   ",\"top\":[{\"label\":\"label %d\",\"score\":%lf},{\"label\":\"label %d\",\"score\":%lf},"
                   "{\"label\":\"label %d\",\"score\":%lf}]",
                   &l[0], &s[0], &l[1], &s[1], &l[2], &s[2]) == 6,
        "%s", out);
    cr_expect(s[0] >= s[1] && s[1] >= s[2] && l[0] + l[1] + l[2] == 3 && l[0] != l[1], "%s", out);
    cr_expect(run("echo good | inkling classify -m . --quiet --top-k 1") == 0);
    top = strstr(out, ",\"top\":[{");
    cr_expect(top && !strstr(top, "},{"), "%s", out);
}

Test(pass_through, a_threshold_is_for_labels_that_stand_alone)
{
    expect_failure("echo good | inkling classify -m . --quiet --threshold 0.3", "is for multi-label models");
    expect_usage("inkling classify -m . --threshold 1.5", "--threshold is \"1.5\", wanted a number from");
    cr_expect(run("sed -i 's/^{/{\"problem_type\":\"multi_label_classification\",/' config.json; "
                  "echo good | inkling classify -m . --quiet --threshold 0.000001") == 0,
              "%s", err);
    cr_expect(strstr(out, "label 0") && strstr(out, "label 1") && strstr(out, "label 2"), "%s", out);
    cr_expect(run("echo good | inkling classify -m . --quiet --threshold 1 --top-k 1") == 0);
    cr_expect(strstr(out, "\"labels\":[],\"top\":[{\"label\""), "%s", out);
}

#define BEGINS(text) (strncmp(out, text, sizeof text - 1) == 0)

Test(pass_through, tables_have_a_header_and_the_same_columns_in_every_row)
{
    static const char jsonl[] =
        "{\"text\":\"good\",\"x\":\"p\\tq\\n\\u00e9 \\\"z\\\",\\\\\",\"y\":[1, 2]}\n"
        "{\"id\":\"k,\",\"x\":1}\n{\"id\":3,\"text\":\"\",\"x\":null,\"label\":1.10}\n";
    scratch_write(dir, "in.jsonl", jsonl, sizeof jsonl - 1);
    cr_expect(run("inkling classify -m . in.jsonl --quiet --keep x,y,label --output-format csv") == 1, "%s",
              err);
    cr_expect(BEGINS("id,label,score,tokens,used,truncated,x,y,input_label,error\n1,label "), "%s", out);
    cr_expect(
        strstr(out,
               ",3,3,false,\"p\tq\n\xC3\xA9 \"\"z\"\",\\\",\"[1, 2]\",,\n\"k,\",,,,,,,,,\"in.jsonl: line 2: "
               "no field \"\"text\"\""),
        "%s", out);
    cr_expect(strstr(out, ",2,2,false,,,1.10,\n"), "%s", out);
    cr_expect(
        run("inkling classify -m . in.jsonl --quiet --keep x --output-format tsv --rejects bad --top-k 2 "
            "--all-scores --long chunk") == 1,
        "%s", err);
    cr_expect(
        BEGINS("id\tlabel\tscore\ttop_1\ttop_1_score\ttop_2\ttop_2_score\tscore_label 0\tscore_label 1\t"
               "score_label 2\ttokens\tused\ttruncated\twindows\tx\n1\t"),
        "%s", out);
    cr_expect(strstr(out, "\t3\t3\tfalse\t1\tp\\tq\\n\xC3\xA9 \"z\",\\\\\n3\t"), "%s", out);
    cr_expect(run("cat bad") == 0 && BEGINS("{\"id\":\"k,\",\"error\":"), "%s", out);
    cr_expect(run("inkling classify -m . --quiet --output-format csv --format jsonl") == 0);
    cr_expect(strcmp(out, "id,label,score,tokens,used,truncated,error\n") == 0, "no records: %s", out);
    expect_failure("inkling classify -m . in.jsonl --keep all --output-format csv",
                   "name the fields to keep");
    expect_failure("inkling classify -m . in.jsonl --keep x,x --output-format csv", "would be named \"x\"");
}

Test(pass_through, several_labels_and_values_are_columns)
{
    cr_expect(run("sed -i 's/^{/{\"problem_type\":\"multi_label_classification\",/' config.json; printf "
                  "'good\n\n' | "
                  "inkling classify -m . --quiet --threshold 0.000001 --output-format tsv") == 0,
              "%s", err);
    float s[3];
    cr_expect(
        sscanf(
            out,
            "id\tlabels\tlabel_scores\ttokens\tused\ttruncated\terror\n1\t[\"label 0\",\"label 1\",\"label "
            "2\"]\t[%f,%f,%f]\t3\t3\tfalse\t\n",
            s, s + 1, s + 2) == 3,
        "%s", out);
    cr_expect(run("echo good | inkling classify -m . --quiet --threshold 1 --output-format csv") == 0 &&
                  strstr(out, "\n1,[],[],3,3,false,\n"),
              "%s", out);
    cr_expect(run("sed -i 's/multi_label_classification/regression/' config.json; echo good | "
                  "inkling classify -m . --quiet --output-format csv") == 0 &&
                  BEGINS("id,value_label 0,value_label 1,value_label 2,tokens,"),
              "%s %s", out, err);
    cr_expect(strstr(out, ",3,3,false,\n"), "%s", out);
}
