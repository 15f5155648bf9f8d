/* config.json as text: what the classifier needs is new, all else stays as it was written. */
#include "train/config_text.h"
#include "io/scratch.h"

TestSuite(config_text, .init = make_scratch, .fini = remove_scratch);

static ink_error err;
static ink__text out, base;

static const char *const labels[] = {"neg \"ative\"", "n\xC3\xA9utre", "pos"};

static ink_status classifier_of(const char *text, ink__task task, ink__dtype dtype)
{
    const ink__classifier c = {.arch = ink__arch_find("bert"),
                               .task = task,
                               .labels = task == INK__TASK_REGRESSION ? NULL : labels,
                               .C = task == INK__TASK_REGRESSION ? 1 : 3,
                               .dtype = dtype};
    base.len = 0;
    assert_ok(ink__text_cstr(&base, text, &err), err);
    return ink__config_text_classifier(&out, &base, "config.json", &c, &err);
}

static void expect_out(const char *wanted)
{
    cr_expect(out.len == strlen(wanted) && memcmp(out.data, wanted, out.len) == 0, "`%.*s`, wanted `%s`",
              (int)out.len, out.data, wanted);
}

Test(config_text, what_is_not_the_classifiers_stays_as_it_was_written)
{
    assert_ok(
        classifier_of(
            "\xEF\xBB\xBF { \"layer_norm_eps\" :1e-12,\"num_labels\": 2 ,\n\t\"id2label\":{\"0\":\"x\"},"
            "\"big\":12345678901234567890.10,\"torch_dtype\":\"float32\",\"n\":{\"dtype\":[1, 2.0]},"
            "\"s\":\"a\\u00e9,}\"}",
            INK__TASK_SINGLE, INK__BF16),
        err);
    expect_out(
        "{\n  \"layer_norm_eps\": 1e-12,\n  \"id2label\": {\n    \"0\": \"neg \\\"ative\\\"\",\n"
        "    \"1\": \"n\xC3\xA9utre\",\n    \"2\": \"pos\"\n  },\n  \"big\": 12345678901234567890.10,\n"
        "  \"torch_dtype\": \"bfloat16\",\n  \"n\": {\"dtype\":[1, 2.0]},\n  \"s\": \"a\\u00e9,}\",\n"
        "  \"architectures\": [\n    \"BertForSequenceClassification\"\n  ],\n"
        "  \"label2id\": {\n    \"neg \\\"ative\\\"\": 0,\n    \"n\xC3\xA9utre\": 1,\n    \"pos\": 2\n  },\n"
        "  \"problem_type\": \"single_label_classification\"\n}\n");
}

Test(config_text, tasks_and_dtypes_have_hugging_faces_names)
{
    assert_ok(classifier_of("{}", INK__TASK_REGRESSION, INK__F16), err);
    expect_out(
        "{\n  \"architectures\": [\n    \"BertForSequenceClassification\"\n  ],\n"
        "  \"id2label\": {\n    \"0\": \"LABEL_0\"\n  },\n  \"label2id\": {\n    \"LABEL_0\": 0\n  },\n"
        "  \"problem_type\": \"regression\",\n  \"dtype\": \"float16\"\n}\n");
    assert_ok(classifier_of("{\"problem_type\":null,\"dtype\":\"x\",\"id2label\":1,\"label2id\":2,"
                            "\"num_labels\":5,\"architectures\":[]}",
                            INK__TASK_MULTI, INK__F32),
              err);
    expect_out(
        "{\n  \"problem_type\": \"multi_label_classification\",\n  \"dtype\": \"float32\",\n"
        "  \"id2label\": {\n    \"0\": \"neg \\\"ative\\\"\",\n    \"1\": \"n\xC3\xA9utre\",\n    \"2\": "
        "\"pos\"\n  },\n"
        "  \"label2id\": {\n    \"neg \\\"ative\\\"\": 0,\n    \"n\xC3\xA9utre\": 1,\n    \"pos\": 2\n  },\n"
        "  \"architectures\": [\n    \"BertForSequenceClassification\"\n  ]\n}\n");
}

Test(config_text, a_base_that_is_not_an_object_is_refused)
{
    static const char *const bad[][2] = {
        {"", "is not JSON"},
        {"[]", "wanted an object"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{\"a\":1} x", "is not JSON"},
        {"{\"dtyp\\u0065\":1}", "duplicate"}, /* which would be there twice */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        expect_failure(classifier_of(bad[i][0], INK__TASK_SINGLE, INK__F32), err, INK_E_FORMAT, bad[i][1]);
}

Test(config_text, a_new_model_has_the_size_asked_for)
{
    static const struct {
        const char *size;
        size_t L, H;
    } sizes[] = {{"tiny", 2, 128}, {"mini", 4, 256}, {"small", 4, 512}, {"base", 12, 768}};
    ink_tokenizer *tokenizer;
    ink__json json;
    ink__config config;
    assert_ok(ink_tokenizer_open(&tokenizer, INK_TEST_DATA "/golden/bert-tiny-cls", &err), err);
    for (size_t i = 0; i < 4; ++i) {
        assert_ok(ink__config_text_start(&out, "bert", sizes[i].size, tokenizer, &err), err);
        assert_ok(ink__json_parse(&json, out.data, out.len, "config.json", &err), err);
        assert_ok(ink__config_read(&config, &json, &err), err);
        cr_expect(config.L == sizes[i].L && config.H == sizes[i].H && config.F == 4 * config.H);
        cr_expect(config.N == config.H / 64 && config.P == 512 && config.T == 2);
        cr_expect(config.V == ink_tokenizer_vocab_size(tokenizer));
        ink__config_free(&config);
        ink__json_close(&json);
    }
    ink_tokenizer_free(tokenizer);
}

Test(config_text, a_new_electra_has_narrow_embeddings)
{
    ink_tokenizer *tokenizer;
    ink__json json;
    ink__config config;
    assert_ok(ink_tokenizer_open(&tokenizer, INK_TEST_DATA "/golden/bert-tiny-cls", &err), err);
    assert_ok(ink__config_text_start(&out, "electra", "small", tokenizer, &err), err);
    assert_ok(ink__json_parse(&json, out.data, out.len, "config.json", &err), err);
    assert_ok(ink__config_read(&config, &json, &err), err);
    cr_expect(config.arch == ink__arch_find("electra") && config.H == 512 && config.E == 128 &&
              config.F == 2048 && config.N == 8 && config.L == 4);
    ink__config_free(&config);
    ink__json_close(&json);
    ink_tokenizer_free(tokenizer);
}

Test(config_text, a_file_says_all_but_what_is_the_tokenizers)
{
    ink_tokenizer *tokenizer;
    char wanted[300];
    assert_ok(ink_tokenizer_open(&tokenizer, INK_TEST_DATA "/golden/bert-tiny-cls", &err), err);
    const int cls = ink_tokenizer_id(tokenizer, "[CLS]", 5), sep = ink_tokenizer_id(tokenizer, "[SEP]", 5);
    const char *path = scratch_text("my.json", "{\"eps\":1e-12,\"vocab_size\":7,\"model_type\":\"roberta\"}");
    assert_ok(ink__config_text_start(&out, "bert", path, tokenizer, &err), err);
    snprintf(wanted, sizeof wanted,
             "{\n  \"eps\": 1e-12,\n  \"vocab_size\": %zu,\n  \"model_type\": \"roberta\",\n"
             "  \"pad_token_id\": 0,\n  \"cls_token_id\": %d,\n  \"bos_token_id\": %d,\n"
             "  \"sep_token_id\": %d,\n  \"eos_token_id\": %d\n}\n",
             ink_tokenizer_vocab_size(tokenizer), cls, cls, sep, sep);
    expect_out(wanted);
    expect_failure(ink__config_text_start(&out, "bert", "huge", tokenizer, &err), err, INK_E_ARG,
                   "\"huge\" is no size of a model and no file");
    scratch_text("my.json", "[]");
    expect_failure(ink__config_text_start(&out, "bert", path, tokenizer, &err), err, INK_E_FORMAT,
                   "wanted an object");
    ink_tokenizer_free(tokenizer);
}

Test(config_text, numbers_take_the_place_of_others)
{
    static const ink__config_number numbers[] = {{"hidden_size", 64}, {"new", 18446744073709551615u}};
    base.len = 0;
    assert_ok(ink__text_cstr(&base, "{\"a\":1.50,\"hidden_size\":\"x\",\"n\":{\"new\":1}}", &err), err);
    assert_ok(ink__config_text_numbers(&out, &base, "config.json", numbers, 2, &err), err);
    expect_out("{\n  \"a\": 1.50,\n  \"hidden_size\": 64,\n  \"n\": {\"new\":1},\n"
               "  \"new\": 18446744073709551615\n}\n");
}
