/* Pretraining by replaced tokens: the two directories that are written and what opens them; runs that go on
 * with both, or that were stopped; sizes from a config.json; what cannot be is refused by name. */
#include "io/safetensors.h"
#include "train/pretrain.h"

TestSuite(pretrain_replaced, .init = make_scratch, .fini = remove_scratch);

static const char *corpus_lines(void)
{
    return lines("c.txt", 60, 60);
}

/* A tiny model from random weights. */
static ink_pretrain_options replacing(const char *const *corpus, const char *out)
{
    ink_pretrain_options o = pretraining(corpus, out);
    o.from = NULL, o.size = "tiny", o.tokenizer = start_dir, o.objective = "rtd";
    return o;
}

static bool has(const char *dir, const char *tensor)
{
    ink__tensors *tensors;
    assert_ok(ink__tensors_open_dir(&tensors, dir, &err), err);
    const bool there = ink__tensors_find(tensors, tensor) != NULL;
    ink__tensors_free(tensors);
    return there;
}

static const char *inside(const char *dir, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return keep(path);
}

static void expect_in(const char *dir, const char *name, const char *what)
{
    size_t len;
    char *text = read_in(&len, dir, name);
    cr_expect(strstr(text, what), "%s/%s: no %s in %s", dir, name, what, text);
    free(text);
}

/* Both directories have the same tables. */
static void expect_tied(const char *out, const char *generator)
{
    static const char *const tables[] = {"electra.embeddings.word_embeddings.weight",
                                         "electra.embeddings.position_embeddings.weight",
                                         "electra.embeddings.token_type_embeddings.weight"};
    ink__tensors *a, *b;
    assert_ok(ink__tensors_open_dir(&a, out, &err), err);
    assert_ok(ink__tensors_open_dir(&b, generator, &err), err);
    for (size_t i = 0; i < 3; ++i) {
        const ink__tensor *x = ink__tensors_find(a, tables[i]), *y = ink__tensors_find(b, tables[i]);
        cr_assert(x && y && x->bytes == y->bytes && x->dtype == y->dtype, "%s", tables[i]);
        cr_expect(memcmp(x->data, y->data, x->bytes) == 0, "%s", tables[i]);
    }
    ink__tensors_free(a);
    ink__tensors_free(b);
}

Test(pretrain_replaced, both_models_are_written_open_and_go_on)
{
    const char *corpus = corpus_lines(), *out = lasting("out"), *generator = inside(out, "generator");
    ink_pretrain_options o = replacing(&corpus, out);
    ink_model *model;
    assert_ok(pretrain(&o), err);
    const ink_replacing *r = &found.held_out_replacing;
    cr_expect(isfinite(r->generator_loss) && isfinite(r->discriminator_loss) &&
              fabs(found.held_out_loss - r->generator_loss - 50 * r->discriminator_loss) < 1e-9 * found.loss);
    cr_expect(r->discriminator_accuracy > 0.3 && r->discriminator_accuracy <= 1 && r->found >= 0);
    expect_in(out, "config.json", "\"ElectraForPreTraining\"");
    expect_in(generator, "config.json", "\"ElectraForMaskedLM\"");
    expect_in(generator, "config.json", "\"hidden_size\": 64");
    expect_in(out, "log.jsonl", "\"replaced_found\":");
    expect_in(out, "pretrain.json", "\"held_out_replaced_found\":");
    cr_expect(has(out, "discriminator_predictions.dense_prediction.bias") &&
              !has(out, "generator_lm_head.bias") && !has(out, "classifier.dense.weight"));
    cr_expect(has(generator, "generator_lm_head.bias") &&
              has(generator, "generator_predictions.LayerNorm.weight") &&
              has(generator, "electra.embeddings_project.weight") &&
              !has(generator, "discriminator_predictions.dense.weight"));
    expect_tied(out, generator);
    for (int i = 0; i < 2; ++i) {
        assert_ok(ink_model_open(&model, i ? generator : out, NULL, &err), err);
        cr_expect(ink_model_labels(model) == 0);
        ink_model_free(model);
    }
    o.resume = true;
    const double before = r->discriminator_loss;
    assert_ok(pretrain(&o), err);
    cr_expect(found.was_complete && fabs(r->discriminator_loss - before) < 1e-9);

    /* Both go on, the saved type with them. */
    ink_pretrain_options more = pretraining(&corpus, lasting("more"));
    more.from = out, more.objective = "rtd", more.save_dtype = "bf16";
    const double generators = r->generator_loss;
    assert_ok(pretrain(&more), err);
    cr_expect(!strstr(said, "new one is made"), "%s", said);
    cr_expect(r->generator_loss < generators, "%g, then %g", generators, r->generator_loss);
    expect_in(inside(more.out, "generator"), "config.json", "\"bfloat16\"");
    expect_in(more.out, "config.json", "\"bfloat16\"");
    expect_tied(more.out, inside(more.out, "generator"));
    /* By itself the discriminator gets a new generator; a generator is an encoder as any. */
    char command[700];
    snprintf(command, sizeof command, "rm -r %s/generator", more.out);
    cr_assert(system(command) == 0);
    o = more, o.from = more.out, o.out = lasting("third");
    assert_ok(pretrain(&o), err);
    cr_expect(strstr(said, "generator is not there: a new one is made from seed 42"), "%s", said);
    o.from = generator, o.out = lasting("fourth"), o.objective = "mlm";
    assert_ok(pretrain(&o), err);
    cr_expect(!strstr(said, "new one is made"), "%s", said);
}

Test(pretrain_replaced, stopped_and_resumed_it_ends_in_the_same_bytes_whatever_the_threads)
{
    static const char *const files[] = {"model.safetensors",     "config.json",
                                        "pretrain.json",         "log.jsonl",
                                        "generator/config.json", "generator/model.safetensors"};
    const char *corpus = corpus_lines(), *whole = lasting("whole"), *parts = lasting("parts");
    ink_pretrain_options o = replacing(&corpus, whole);
    o.batch_ramp = 0.5, o.gradient_accumulation_steps = 2;
    assert_ok(pretrain(&o), err);
    o.out = parts, o.resume = true, watch.stop_every = 3, o.threads = 2;
    size_t stops = 0;
    ink_status st;
    while ((st = pretrain(&o)) == INK_E_CANCELLED)
        cr_assert(++stops < 20 && is_in(parts, "last") && !is_in(parts, "generator"));
    watch.stop_every = 0;
    assert_ok(st, err);
    cr_expect(stops >= 2, "%zu stops", stops);
    expect_same_run(whole, parts, files, sizeof files / sizeof *files);
}

/* Eight lines, seen until generator and discriminator half know them: by the running means, for what is held
 * out is so little that nothing of it may be replaced. */
Test(pretrain_replaced, a_tiny_model_finds_what_was_replaced)
{
    const char *corpus = lines("c.txt", 200, 8);
    ink_pretrain_options o = replacing(&corpus, lasting("out"));
    o.steps = 1000, o.batch_size = 16, o.eval_steps = 1000;
    assert_ok(pretrain(&o), err);
    cr_expect(last_replacing.found > 0.1 && last_replacing.discriminator_accuracy > 0.95,
              "%g found, accuracy %g", last_replacing.found, last_replacing.discriminator_accuracy);
    cr_expect(last_replacing.generator_loss < 1 && found.held_out_accuracy > 0.7, "loss %g, %g guessed",
              last_replacing.generator_loss, found.held_out_accuracy);
}

/* Of every family that learns by masked tokens, and with the tokenizer's sizes. */
Test(pretrain_replaced, a_config_json_says_what_a_new_model_is)
{
    static const char *const models[] = {"bert-odd",          "roberta-cls",   "distilbert-odd",
                                         "electra-projected", "albert-groups", "modernbert-narrow",
                                         "mpnet-odd"};
    const char *corpus = corpus_lines();
    for (size_t i = 0; i < sizeof models / sizeof *models; ++i) {
        const char *out = lasting(models[i]);
        ink_pretrain_options o = replacing(&corpus, out);
        ink_model *model;
        ink_model_info info;
        char path[300];
        snprintf(path, sizeof path, INK_TEST_DATA "/golden/%s/config.json", models[i]);
        o.size = path, o.objective = "mlm", o.steps = 2, o.max_length = 12;
        assert_ok(pretrain(&o), err);
        assert_ok(ink_model_open(&model, out, NULL, &err), err);
        ink_model_get_info(&info, model);
        cr_expect(info.vocab == ink_tokenizer_vocab_size(ink_model_tokenizer(model)) && info.labels == 0,
                  "%s", models[i]);
        ink_model_free(model);
    }
}

Test(pretrain_replaced, a_config_json_that_changed_meanwhile_is_told)
{
    static const char text[] = "{\"model_type\":\"electra\",\"embedding_size\":16,\"hidden_size\":32,"
                               "\"num_attention_heads\":2,\"num_hidden_layers\":1,\"intermediate_size\":64,"
                               "\"hidden_dropout_prob\":0.%c}";
    char config[400];
    const char *corpus = corpus_lines(), *out = lasting("out");
    ink_pretrain_options o = replacing(&corpus, out);
    snprintf(config, sizeof config, text, '1');
    o.size = keep(scratch_text("my.json", config)), watch.stop_every = 3;
    cr_assert(pretrain(&o) == INK_E_CANCELLED);
    watch.stop_every = 0, o.resume = true;
    snprintf(config, sizeof config, text, '2');
    scratch_text("my.json", config);
    expect_failure(pretrain(&o), err, INK_E_ARG, "contents of the file of sizes have changed");
    snprintf(config, sizeof config, text, '1');
    scratch_text("my.json", config);
    assert_ok(pretrain(&o), err);
    cr_expect(found.steps == 10);
}

Test(pretrain_replaced, what_cannot_be_is_refused_by_name)
{
    const char *corpus = corpus_lines(), *out = lasting("out");
    const ink_pretrain_options good = replacing(&corpus, out);
    ink_pretrain_options o;
#define REFUSED(status, sentence, ...)                                                                       \
    do {                                                                                                     \
        o = good;                                                                                            \
        __VA_ARGS__;                                                                                         \
        expect_failure(pretrain(&o), err, status, sentence);                                                 \
        cr_expect(!is_in(scratch, "out"));                                                                   \
    } while (0)
    REFUSED(INK_E_ARG, "no objective \"clm\", wanted mlm or rtd", o.objective = "clm");
    REFUSED(INK_E_ARG, "is a model of the family bert", o.size = NULL, o.from = start_dir);
    REFUSED(INK_E_ARG, "is a model of the family bert",
            o.size = INK_TEST_DATA "/golden/bert-odd/config.json");
    REFUSED(INK_E_ARG, "is no size of a model and no file", o.size = "huge");
    REFUSED(INK_E_ARG, "is no size of a model and no file", o.size = scratch);
    static const char *const configs[][2] = {
        {"[]", "wanted an object"},
        {"{\"model_type\":", "is not JSON"},
        {"{}", "model_type"},
        {"{\"model_type\":\"t5\"}", "t5"},
        {"{\"model_type\":\"electra\",\"hidden_size\":100,\"num_attention_heads\":3}", "not a multiple"},
        {"{\"model_type\":\"electra\",\"hidden_size\":-1}", "hidden_size"},
        {"{\"model_type\":\"electra\",\"quantization_config\":{\"method\":\"inkling_int8\"}}", "8 bits"},
        {"{\"model_type\":\"electra\",\"embedding_size\":2147483647,\"max_position_embeddings\":2147483647,"
         "\"type_vocab_size\":2147483647,\"hidden_size\":64}",
         ""},
        {"{\"model_type\":\"electra\",\"hidden_size\":2147483584,\"num_attention_heads\":64,"
         "\"intermediate_size\":2147483647,\"num_hidden_layers\":64}",
         ""},
    };
    for (size_t i = 0; i < sizeof configs / sizeof *configs; ++i) {
        const char *path = keep(scratch_text("config.json", configs[i][0]));
        o = good, o.size = path;
        const ink_status st = pretrain(&o);
        cr_expect(st != INK_OK && st != INK_E_CANCELLED && strstr(err.text, configs[i][1]), "%zu: %s: %s", i,
                  ink_status_name(st), err.text);
    }
}

Test(pretrain_replaced, a_generator_that_does_not_fit_is_refused)
{
    const char *corpus = corpus_lines(), *out = lasting("first"), *generator = inside(out, "generator");
    ink_pretrain_options o = replacing(&corpus, out);
    char command[1500];
    o.steps = 1;
    assert_ok(pretrain(&o), err);
    o.size = NULL, o.from = out;
    static const struct {
        const char *what, *sentence;
    } damages[] = {
        {"cp %s/config.json %s/config.json", "wrong shape"},          /* another width */
        {"echo x > %s/model.safetensors; : %s", "model.safetensors"}, /* no weights */
        {"rm -r %s/generator; cp -r " INK_TEST_DATA "/golden/bert-odd %s", "is a bert, beside an electra"},
        {"rm -r %s/generator; cp -r " INK_TEST_DATA "/golden/electra-projected %s",
         "of the second model is [150,20], that of the first [239,128]"},
        {"rm -r %s/generator; : > %s", "is a file"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; ++i) {
        snprintf(command, sizeof command, damages[i].what, i == 1 ? generator : out, generator);
        cr_assert(system(command) == 0, "%s", command);
        o.out = lasting("second");
        const ink_status st = pretrain(&o);
        cr_expect(st != INK_OK && strstr(err.text, damages[i].sentence), "%zu: %s: %s", i,
                  ink_status_name(st), err.text);
    }
}
