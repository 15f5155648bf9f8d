/* Labelled records in memory: their tokens are the tokenizer's, their labels those of the task that they look
 * like, and what cannot be learned is refused with file and line. */
#include "train/data.h"

TestSuite(dataset, .init = open_tokenizer, .fini = close_tokenizer);

/* The tokens are those that encoding the text by itself gives. */
static void expect_tokens(const ink__dataset *d, size_t i, const char *text, const char *pair,
                          size_t max_length)
{
    ink_encoding e = {0};
    const ink_encode_options how = {.version = 1, .max_length = max_length};
    assert_ok(
        ink_tokenizer_encode(&e, tokenizer, text, strlen(text), pair, pair ? strlen(pair) : 0, &how, &err),
        err);
    const size_t first = d->offsets[i];
    cr_assert(d->offsets[i + 1] - first == e.length, "record %zu has %zu tokens, wanted %zu", i,
              d->offsets[i + 1] - first, e.length);
    cr_expect(memcmp(d->ids + first, e.ids, e.length * sizeof *e.ids) == 0, "record %zu", i);
    cr_expect(d->rows[i].tokens == e.total);
    cr_expect(!d->types == !pair);
    if (pair)
        cr_expect(memcmp(d->types + first, e.types, e.length * sizeof *e.types) == 0, "record %zu", i);
    ink_encoding_free(&e);
}

Test(dataset, texts_become_tokens_and_labels_numbers_in_byte_order)
{
    ink__dataset d;
    read_set(&d, "a.csv", "id,text,label\nx,good film,pos\ny,,neg\nz,a film,Zed\nx,bad,neg\n");
    cr_expect(d.n == 4 && d.task == INK__TASK_SINGLE && d.names.n == 3 && !d.values);
    expect_text(d.names.names[0], "Zed");
    expect_text(d.names.names[1], "neg");
    expect_text(d.names.names[2], "pos");
    expect_text(labels_of(&d), "pos|neg|Zed|neg|");
    expect_text(record_ids(&d), "\"x\" \"y\" \"z\" \"x\"");
    expect_tokens(&d, 0, "good film", NULL, 0);
    expect_tokens(&d, 1, "", NULL, 0);
    expect_tokens(&d, 3, "bad", NULL, 0);
    cr_expect(d.rows[3].line == 5 && d.n_sources == 1);
    ink__dataset_free(&d);
}

Test(dataset, pairs_have_token_types_and_long_texts_are_cut)
{
    ink__dataset d;
    const char *path =
        scratch_text("p.jsonl", "{\"a\":\"one two three four\",\"b\":\"five six\",\"label\":1}\n"
                                "{\"a\":\"one\",\"b\":\"\",\"label\":0}\n");
    ink__dataset_options options = options_for(&path);
    options.records.text = "a", options.records.text_pair = "b";
    options.max_length = 6;
    assert_ok(ink__dataset_read(&d, &options, &err), err);
    expect_tokens(&d, 0, "one two three four", "five six", 6);
    expect_tokens(&d, 1, "one", "", 6);
    cr_expect(d.offsets[1] == 6);
    ink__dataset_free(&d);
}

Test(dataset, any_number_of_threads_gives_the_same_set)
{
    enum { N = 9000 };
    char *text = calloc(N, 64);
    size_t used = 0;
    for (int i = 0; i < N; ++i)
        used += (size_t)sprintf(text + used, "{\"text\":\"film %d is %s\",\"label\":\"%d\"}\n", i,
                                i % 3 ? "good" : "", i % 7);
    ink__dataset d[2];
    const char *path = scratch_text("many.jsonl", text);
    for (size_t t = 0; t < 2; ++t) {
        ink__dataset_options options = options_for(&path);
        options.threads = 1 + 2 * t;
        assert_ok(ink__dataset_read(&d[t], &options, &err), err);
        cr_assert(d[t].n == N);
    }
    cr_expect(memcmp(d[0].offsets, d[1].offsets, (N + 1) * sizeof *d[0].offsets) == 0);
    cr_expect(memcmp(d[0].ids, d[1].ids, d[0].offsets[N] * sizeof *d[0].ids) == 0);
    cr_expect(memcmp(d[0].labels, d[1].labels, N * sizeof *d[0].labels) == 0);
    cr_expect(memcmp(d[0].rows, d[1].rows, N * sizeof *d[0].rows) == 0);
    for (int i = 0; i < N; i += 7) {
        char one[64];
        snprintf(one, sizeof one, "film %d is %s", i, i % 3 ? "good" : "");
        expect_tokens(&d[1], (size_t)i, one, NULL, 0);
    }
    ink__dataset_free(&d[0]);
    ink__dataset_free(&d[1]);
    free(text);
}

Test(dataset, the_task_is_what_the_labels_look_like)
{
    static const struct {
        const char *labels[2];
        ink__task task;
    } cases[] = {
        {{"0", "1"}, INK__TASK_SINGLE},
        {{"0", "100000"}, INK__TASK_SINGLE},
        {{"1.5", "2"}, INK__TASK_REGRESSION},
        {{"1e3", "-2"}, INK__TASK_REGRESSION},
        {{"1.0", "a"}, INK__TASK_SINGLE},
        {{"nan", "0.5"}, INK__TASK_SINGLE},
        {{"\"1.5\"", "2"}, INK__TASK_REGRESSION},
        {{"[\"a\"]", "[]"}, INK__TASK_MULTI},
        {{"\"a\"", "[\"b\",\"a\"]"}, INK__TASK_MULTI},
        {{"true", "false"}, INK__TASK_SINGLE},
        {{"\"0x1p3\"", "1.5"}, INK__TASK_SINGLE},
        {{"\"inf\"", "1.5"}, INK__TASK_SINGLE},
        {{"\" -.5\"", "+1"}, INK__TASK_REGRESSION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char text[256];
        const char *const *l = cases[i].labels;
        const bool quote[2] = {!strchr("0123456789-\"[tf", l[0][0]), !strchr("0123456789-\"[tf", l[1][0])};
        snprintf(text, sizeof text, "{\"text\":\"x\",\"label\":%s%s%s}\n{\"text\":\"y\",\"label\":%s%s%s}\n",
                 quote[0] ? "\"" : "", l[0], quote[0] ? "\"" : "", quote[1] ? "\"" : "", l[1],
                 quote[1] ? "\"" : "");
        ink__dataset d;
        read_set(&d, "t.jsonl", text);
        cr_expect(d.task == cases[i].task, "%s and %s are task %d", l[0], l[1], (int)d.task);
        ink__dataset_free(&d);
    }
}

Test(dataset, a_regression_has_values_and_no_labels)
{
    ink__dataset d;
    read_set(&d, "r.csv", "text,label\na,1.25\nb,-3e2\nc,1.25\n");
    cr_assert(d.task == INK__TASK_REGRESSION && d.values && d.names.n == 0);
    cr_expect(d.values[0] == 1.25f && d.values[1] == -300 && d.values[2] == 1.25f);
    cr_expect(d.label_offsets[3] == 0);
    ink__dataset_free(&d);
    assert_ok(read_task(&d, "r.csv", "text,label\na,1\nb,5\n", INK__TASK_REGRESSION), err);
    cr_expect(d.values[1] == 5);
    ink__dataset_free(&d);
}

Test(dataset, several_labels_are_kept_each_once)
{
    ink__dataset d;
    read_set(&d, "m.jsonl",
             "{\"text\":\"a\",\"labels\":[\"joy\",\"anger\",\"joy\"]}\n"
             "{\"text\":\"b\",\"labels\":[]}\n{\"text\":\"c\",\"labels\":[\"joy\"]}\n");
    expect_text(labels_of(&d), "joy,anger||joy|");
    cr_expect(d.names.n == 2 && strcmp(d.names.names[0], "anger") == 0);
    ink__dataset_free(&d);
    assert_ok(read_task(&d, "m.csv", "text,label\na,x\nb,y\n", INK__TASK_MULTI), err);
    cr_expect(d.task == INK__TASK_MULTI);
    expect_text(labels_of(&d), "x|y|");
    ink__dataset_free(&d);
}

Test(dataset, what_cannot_be_learned_is_refused_with_file_and_line)
{
    static const struct {
        const char *name, *text;
        ink__task task;
        const char *wanted;
    } cases[] = {
        {"a.csv", "text,label\na,1.5\nb,abc\n", INK__TASK_REGRESSION,
         "a.csv: line 3: label \"abc\" is not a number"},
        {"a.csv", "text,label\na,1.5\nb,nan\n", INK__TASK_REGRESSION,
         "a.csv: line 3: label \"nan\" is not a number"},
        {"a.csv", "text,label\na,1e39\nb,1\n", INK__TASK_REGRESSION,
         "a.csv: line 2: label \"1e39\" is not a number"},
        {"a.jsonl", "{\"text\":\"x\",\"labels\":[1,2]}\n", INK__TASK_REGRESSION,
         "a.jsonl: line 1: 2 labels, wanted one"},
        {"a.jsonl", "{\"text\":\"x\",\"label\":\"a\"}\n{\"text\":\"y\",\"labels\":[]}\n", INK__TASK_SINGLE,
         "a.jsonl: line 2: 0 labels, wanted one"},
        {"a.jsonl", "{\"text\":\"x\"}\n", INK__TASK_AUTO, "a.jsonl: line 1"},
        {"a.jsonl", "{\"label\":\"x\"}\n", INK__TASK_AUTO, "a.jsonl: line 1"},
        {"a.jsonl", "{\"text\":\"x\",\"label\":\"a\\u0000b\"}\n", INK__TASK_AUTO,
         "a.jsonl: line 1: a label with a NUL"},
        {"a.jsonl", "", INK__TASK_AUTO, "a.jsonl: no record that can be used"},
        {"a.csv", "text,label\n", INK__TASK_AUTO, "a.csv: no record that can be used"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__dataset d;
        expect_failure(read_task(&d, cases[i].name, cases[i].text, cases[i].task), err, INK_E_FORMAT,
                       cases[i].wanted);
        cr_expect(d.n == 0 && !d.ids);
    }
}

Test(dataset, bad_records_are_counted_where_they_may_be)
{
    ink__dataset d;
    const char *path =
        scratch_text("b.jsonl", "{\"text\":\"x\",\"label\":\"a\"}\nnonsense\n{\"text\":\"y\"}\n"
                                "{\"text\":\"z\",\"label\":\"b\"}\n");
    ink__dataset_options options = options_for(&path);
    expect_failure(ink__dataset_read(&d, &options, &err), err, INK_E_FORMAT, "b.jsonl: line 2");
    options.skip_bad = true;
    assert_ok(ink__dataset_read(&d, &options, &err), err);
    cr_expect(d.n == 2 && d.skipped == 2 && strstr(d.first_skipped, "b.jsonl: line 2"), "%s",
              d.first_skipped);
    expect_text(labels_of(&d), "a|b|");
    ink__dataset_free(&d);
}

Test(dataset, labels_follow_a_given_order_and_unknown_ones_are_named)
{
    ink__dataset d;
    static const char *const names[] = {"pos", "neutral", "neg"}, *const twice[] = {"pos", "neg", "pos"};
    read_set(&d, "a.csv", "text,label\na,neg\nb,pos\n");
    assert_ok(ink__dataset_map_labels(&d, names, 3, &err), err);
    cr_expect(d.names.n == 3 && d.labels[0] == 2 && d.labels[1] == 0);
    expect_text(labels_of(&d), "neg|pos|");
    expect_failure(ink__dataset_map_labels(&d, twice, 3, &err), err, INK_E_ARG, "\"pos\" comes twice");
    expect_failure(ink__dataset_map_labels(&d, names, 2, &err), err, INK_E_FORMAT,
                   "a.csv: line 2: label \"neg\" is not known; there are \"pos\", \"neutral\"");
    expect_text(labels_of(&d), "neg|pos|");
    ink__dataset_free(&d);
}

Test(dataset, one_class_alone_is_nothing_to_learn)
{
    ink__dataset d;
    read_set(&d, "one.csv", "text,label\na,x\nb,x\n");
    expect_failure(ink__dataset_check_classes(&d, &err), err, INK_E_FORMAT,
                   "one.csv: all 2 records have the label \"x\", wanted two labels at least");
    ink__dataset_free(&d);
    read_set(&d, "none.jsonl", "{\"text\":\"a\",\"labels\":[]}\n");
    expect_failure(ink__dataset_check_classes(&d, &err), err, INK_E_FORMAT, "none of 1 records has a label");
    ink__dataset_free(&d);
    read_set(&d, "two.csv", "text,label\na,x\nb,y\n");
    assert_ok(ink__dataset_check_classes(&d, &err), err);
    ink__dataset_free(&d);
}

Test(dataset, a_set_is_divided_in_order)
{
    ink__dataset d, out;
    read_set(&d, "d.jsonl",
             "{\"text\":\"a b\",\"labels\":[\"x\",\"y\"]}\n{\"text\":\"c\",\"labels\":[]}\n"
             "{\"text\":\"d e f\",\"labels\":[\"y\"]}\n{\"text\":\"g\",\"labels\":[\"x\"]}\n");
    assert_ok(ink__dataset_divide(&out, &d, (const bool[]){true, false, false, true}, &err), err);
    expect_text(record_ids(&out), "1 4");
    expect_text(labels_of(&out), "x,y|x|");
    expect_text(record_ids(&d), "2 3");
    expect_text(labels_of(&d), "|y|");
    expect_tokens(&out, 1, "g", NULL, 0);
    expect_tokens(&d, 1, "d e f", NULL, 0);
    assert_ok(ink__dataset_divide(NULL, &d, (const bool[]){true, false}, &err), err);
    expect_text(record_ids(&d), "3");
    expect_tokens(&d, 0, "d e f", NULL, 0);
    ink__dataset_free(&d);
    ink__dataset_free(&out);
}

Test(dataset, tasks_have_names)
{
    ink__task task;
    assert_ok(ink__task_find(&task, "multi", &err), err);
    cr_expect(task == INK__TASK_MULTI);
    expect_failure(ink__task_find(&task, "several", &err), err, INK_E_ARG,
                   "\"several\" is no task; there are auto, single, multi, regression");
}

Test(dataset, texts_without_labels_are_read_and_put_behind_records)
{
    ink__dataset d, more;
    read_set(&d, "d.jsonl", "{\"id\":\"a\",\"text\":\"good hotel\",\"label\":0.5}\n");
    const size_t tokens = d.offsets[1];
    const char *path = scratch_text("u.txt", "bad\nit is good\n");
    ink__dataset_options options = options_for(&path);
    options.unlabelled = true, options.task = d.task;
    assert_ok(ink__dataset_read(&more, &options, &err), err);
    cr_expect(more.n == 2 && more.task == INK__TASK_REGRESSION && more.label_offsets[2] == 0);
    const ink__digest before = ink__dataset_digest(&d);
    assert_ok(ink__dataset_append(&d, &more, &err), err);
    cr_assert(d.n == 3 && d.offsets[3] == tokens + more.offsets[2]);
    cr_expect(memcmp(d.ids + tokens, more.ids, more.offsets[2] * sizeof *d.ids) == 0);
    cr_expect(d.values[0] == 0.5f && d.values[1] == 0 && d.values[2] == 0);
    expect_text(record_ids(&d), "\"a\" 1 2");
    char place[600];
    cr_expect(strstr(ink__dataset_place(place, sizeof place, &d, 2), "u.txt: line 2: "), "%s", place);
    cr_expect(memcmp(&d.rows[2].text, &more.rows[1].text, sizeof d.rows[2].text) == 0);
    const ink__digest after = ink__dataset_digest(&d);
    cr_expect(memcmp(&before, &after, sizeof before) != 0, "another set has another digest");
    ink__dataset_free(&more);
    ink__dataset_free(&d);
}
