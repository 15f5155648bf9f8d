/* Directories that are broken, lie, or are not what Inkling does: each gets one sentence that names the
 * place. */
#include "io/safetensors.h"
#include "support/random_model.h"

#include <criterion/criterion.h>
#include <inkling.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct random_model shape = {"bert", 32, 2, 4, 48, 40, 3, 11};

#define CONFIG(rest)                                                                                         \
    "{\"model_type\":\"bert\",\"vocab_size\":239,\"hidden_size\":32,\"num_hidden_layers\":2,"                \
    "\"num_attention_heads\":4,\"intermediate_size\":48,\"max_position_embeddings\":40,"                     \
    "\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"}" rest "}"

/* A file that stands in place of the good one, and what the refusal says. content NULL: the file is gone. */
static const struct {
    const char *file, *content;
    ink_status status;
    const char *says;
} broken[] = {
    {"config.json", NULL, INK_E_IO, "config.json"},
    {"config.json", "", INK_E_FORMAT, "config.json"},
    {"config.json", "[]", INK_E_FORMAT, "wanted an object"},
    {"config.json", "{\"model_type\": \"bert\"", INK_E_FORMAT, "line 1"},
    {"config.json", "{}", INK_E_FORMAT, "no \"model_type\""},
    {"config.json", "{\"model_type\": 7}", INK_E_FORMAT, "model_type"},
    {"config.json", "{\"model_type\": \"gpt2\"}", INK_E_UNSUPPORTED, "\"gpt2\"; Inkling does bert"},
    {"config.json", CONFIG(",\"position_embedding_type\":\"relative_key\""), INK_E_UNSUPPORTED,
     "relative_key"},
    {"config.json", CONFIG(",\"hidden_act\":\"swish9\""), INK_E_UNSUPPORTED, "swish9"},
    {"config.json", CONFIG(",\"layer_norm_eps\":-1"), INK_E_FORMAT, "layer_norm_eps"},
    {"config.json", CONFIG(",\"problem_type\":\"guess\""), INK_E_FORMAT, "\"guess\""},
    {"config.json", "{\"model_type\":\"bert\",\"hidden_size\":0}", INK_E_FORMAT, "\"hidden_size\" is 0"},
    {"config.json", "{\"model_type\":\"bert\",\"hidden_size\":-32}", INK_E_FORMAT, "hidden_size"},
    {"config.json", "{\"model_type\":\"bert\",\"hidden_size\":1e300}", INK_E_FORMAT, "hidden_size"},
    {"config.json", "{\"model_type\":\"bert\",\"hidden_size\":33,\"num_attention_heads\":4}", INK_E_FORMAT,
     "not a multiple of 4"},
    {"config.json", "{\"model_type\":\"bert\",\"num_hidden_layers\":2000000000}", INK_E_FORMAT,
     "2000000000 layers"},
    {"config.json", "{\"model_type\":\"bert\",\"id2label\":{\"0\":\"a\",\"7\":\"b\"}}", INK_E_FORMAT,
     "none for \"1\""},
    {"config.json", "{\"model_type\":\"bert\",\"id2label\":3}", INK_E_FORMAT, "id2label"},
    {"config.json", "{\"model_type\":\"bert\",\"num_labels\":9007199254740992}", INK_E_FORMAT, "labels"},
    /* Sizes that disagree with the tensors: all of them are named. */
    {"config.json", "{\"model_type\":\"bert\",\"vocab_size\":239,\"hidden_size\":96,\"num_hidden_layers\":2}",
     INK_E_FORMAT, "bert.embeddings.word_embeddings.weight is [239,32], config.json wants [239,96]"},
    {"config.json", CONFIG(",\"type_vocab_size\":3"), INK_E_FORMAT, "token_type_embeddings"},
    {"config.json", "{\"model_type\":\"modernbert\",\"max_position_embeddings\":2000000000}",
     INK_E_UNSUPPORTED, "2000000000 positions"},
    {"config.json", "{\"model_type\":\"modernbert\",\"layer_types\":[\"full_attention\"]}", INK_E_FORMAT,
     "layer_types"},
    {"config.json", "{\"model_type\":\"albert\",\"num_hidden_groups\":13}", INK_E_FORMAT, "13 groups"},
    {"config.json", "{\"model_type\":\"roberta\",\"max_position_embeddings\":2}", INK_E_FORMAT,
     "2 positions"},
    {"model.safetensors", NULL, INK_E_IO, "model.safetensors"},
    {"model.safetensors", "", INK_E_FORMAT, "model.safetensors"},
    {"model.safetensors", "not safetensors at all, but long enough to have a length", INK_E_FORMAT,
     "model.safetensors"},
    {"vocab.txt", NULL, INK_E_IO, "vocab.txt"},
    {"vocab.txt", "", INK_E_FORMAT, "vocab.txt"},
    {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n", INK_E_FORMAT, "239: tokens are missing"},
    {"vocab.txt", "a\nb\nc\n", INK_E_FORMAT, "[UNK]"},
    {"tokenizer_config.json", "{\"do_lower_case\": \"yes\"}", INK_E_FORMAT, "do_lower_case"},
    {"modules.json", "{}", INK_E_FORMAT, "wanted an array"},
    {"modules.json", "[{\"type\":\"sentence_transformers.models.Dense\",\"path\":\"2_Dense\"}]",
     INK_E_UNSUPPORTED, "\"Dense\""},
    {"modules.json", "[{\"type\":\"x.Pooling\",\"path\":\"../../etc\"}]", INK_E_FORMAT,
     "leaves the directory"},
    {"modules.json", "[{\"type\":\"x.Pooling\",\"path\":\"1_Pooling\"}]", INK_E_IO, "1_Pooling/config.json"},
    {"sentence_bert_config.json", "{\"max_seq_length\": -4}", INK_E_FORMAT, "max_seq_length"},
};

static void expect_refusal(const char *dir, ink_status status, const char *says)
{
    ink_error err = {0};
    ink_model *model = (ink_model *)&err;
    const ink_status st = ink_model_open(&model, dir, NULL, &err);
    cr_expect(st == status, "%s instead of %s: %s (wanted \"%s\")", ink_status_name(st),
              ink_status_name(status), err.text, says);
    cr_expect(model == NULL);
    cr_expect(strstr(err.text, says) != NULL, "\"%s\" does not say \"%s\"", err.text, says);
    cr_expect(strchr(err.text, '\n') == NULL);
}

Test(open, each_broken_file_is_named_in_one_sentence)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; ++i) {
        char dir[256], path[512];
        scratch_dir(dir);
        random_model_write(dir, &shape);
        snprintf(path, sizeof path, "%s/%s", dir, broken[i].file);
        if (broken[i].content)
            scratch_write(dir, broken[i].file, broken[i].content, strlen(broken[i].content));
        else
            cr_assert(remove(path) == 0);
        expect_refusal(dir, broken[i].status, broken[i].says);
        scratch_remove(dir);
    }
}

Test(open, a_file_or_nothing_in_place_of_the_directory_is_refused)
{
    expect_refusal("/nonexistent/model", INK_E_IO, "/nonexistent/model");
    expect_refusal("/etc/hostname", INK_E_IO, "is a file, wanted a model directory");
    expect_refusal("", INK_E_IO, "config.json");
}

Test(open, a_pickle_gets_a_hint)
{
    char dir[256], path[512];
    scratch_dir(dir);
    random_model_write(dir, &shape);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    remove(path);
    scratch_write(dir, "pytorch_model.bin", "PK\3\4", 4);
    expect_refusal(dir, INK_E_UNSUPPORTED, "pytorch_model.bin");
    expect_refusal(dir, INK_E_UNSUPPORTED, "safetensors");
    scratch_remove(dir);
}

/* Rewrites the model with some tensors changed: *change returns false to leave one out. */
static void rewrite(const char *dir, bool (*change)(ink__tensor *t))
{
    char path[512];
    ink_error err;
    ink__tensors *file;
    static ink__tensor kept[256];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    cr_assert(ink__tensors_open(&file, path, &err) == INK_OK, "%s", err.text);
    for (size_t i = 0; i < ink__tensors_count(file); ++i) {
        kept[n] = *ink__tensors_at(file, i);
        n += change(&kept[n]);
    }
    cr_assert(ink__tensors_write(path, kept, n, &err) == INK_OK, "%s", err.text);
    ink__tensors_free(file);
}

static bool without_two(ink__tensor *t)
{
    return strcmp(t->name, "bert.encoder.layer.1.output.dense.bias") != 0 &&
           strcmp(t->name, "bert.embeddings.LayerNorm.weight") != 0;
}

static bool renamed(ink__tensor *t)
{
    if (strcmp(t->name, "bert.encoder.layer.0.output.dense.bias") == 0)
        t->name = "bert.encoder.layer.0.output.dense.bais";
    return true;
}

static bool integers(ink__tensor *t)
{
    if (strcmp(t->name, "bert.encoder.layer.0.output.dense.bias") == 0)
        t->dtype = INK__I32;
    return true;
}

static bool without_classifier(ink__tensor *t)
{
    return strncmp(t->name, "classifier.", 11) != 0;
}

static bool without_pooler(ink__tensor *t)
{
    return strncmp(t->name, "bert.pooler.", 12) != 0;
}

static bool two_labels(ink__tensor *t)
{
    if (strncmp(t->name, "classifier.", 11) == 0) {
        t->shape[0] = 2;
        t->bytes = t->bytes / 3 * 2;
    }
    return true;
}

Test(open, missing_unexpected_and_misshapen_tensors_are_all_named)
{
    static const struct {
        bool (*change)(ink__tensor *t);
        ink_status status;
        const char *says[2];
    } cases[] = {
        {without_two,
         INK_E_FORMAT,
         {"bert.encoder.layer.1.output.dense.bias", "bert.embeddings.LayerNorm.weight"}},
        {renamed,
         INK_E_FORMAT,
         {"missing: bert.encoder.layer.0.output.dense.bias",
          "unexpected: bert.encoder.layer.0.output.dense.bais"}},
        {integers, INK_E_UNSUPPORTED, {"bert.encoder.layer.0.output.dense.bias is I32", "F32, F16 and BF16"}},
        {without_pooler, INK_E_FORMAT, {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}},
        {two_labels,
         INK_E_FORMAT,
         {"classifier.weight is [2,32], config.json wants [3,32]", "classifier.bias"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char dir[256];
        scratch_dir(dir);
        random_model_write(dir, &shape);
        rewrite(dir, cases[i].change);
        for (size_t j = 0; j < 2; ++j)
            expect_refusal(dir, cases[i].status, cases[i].says[j]);
        scratch_remove(dir);
    }
}

Test(open, a_model_without_a_head_embeds_but_does_not_classify)
{
    char dir[256];
    ink_error err;
    ink_model *model;
    ink_session *session;
    scratch_dir(dir);
    random_model_write(dir, &shape);
    rewrite(dir, without_classifier);
    cr_assert(ink_model_open(&model, dir, NULL, &err) == INK_OK, "%s", err.text);
    cr_expect(ink_model_labels(model) == 0 && ink_model_label(model, 0) == NULL);
    cr_assert(ink_session_create(&session, model, NULL, &err) == INK_OK, "%s", err.text);
    const ink_text text = {"good", 4, NULL, 0};
    float out[32];
    cr_expect(ink_classify_texts(out, 32, NULL, session, &text, 1, NULL, &err) == INK_E_ARG);
    cr_expect(strstr(err.text, "no classification head"), "%s", err.text);
    cr_expect(ink_embed_texts(out, 32, NULL, session, &text, 1, NULL, &err) == INK_OK, "%s", err.text);
    ink_session_free(session);
    ink_model_free(model);
    scratch_remove(dir);
}

Test(open, a_token_classifiers_head_is_not_taken_for_a_sequence_classifiers)
{
    char dir[256];
    ink_error err;
    ink_model *model;
    scratch_dir(dir);
    random_model_write(dir, &shape);
    static const char config[] = CONFIG(",\"architectures\":[\"BertForTokenClassification\"]");
    scratch_write(dir, "config.json", config, strlen(config));
    rewrite(dir, without_pooler);
    cr_assert(ink_model_open(&model, dir, NULL, &err) == INK_OK, "%s", err.text);
    cr_expect(ink_model_labels(model) == 0);
    ink_model_free(model);
    scratch_remove(dir);
}

Test(open, every_cut_of_the_weights_is_refused_and_none_crashes)
{
    char dir[256], path[512];
    scratch_dir(dir);
    random_model_write(dir, &shape);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    struct stat info;
    cr_assert(stat(path, &info) == 0);
    for (off_t size = info.st_size - 1; size >= 0; size -= 1 + size / 23) {
        cr_assert(truncate(path, size) == 0);
        expect_refusal(dir, INK_E_FORMAT, "model.safetensors");
    }
    scratch_remove(dir);
}

Test(open, a_saved_model_has_the_same_bytes_and_opens_again)
{
    char dir[256], copy[256], command[1024];
    ink_error err;
    ink_model *model;
    scratch_dir(dir), scratch_dir(copy);
    random_model_write(dir, &shape);
    cr_assert(ink_model_open(&model, dir, NULL, &err) == INK_OK, "%s", err.text);
    cr_assert(ink_model_save(model, copy, &err) == INK_OK, "%s", err.text);
    ink_model_free(model);
    snprintf(command, sizeof command, "diff -r %s %s", dir, copy);
    cr_expect(system(command) == 0);
    cr_expect(ink_model_open(&model, copy, NULL, &err) == INK_OK, "%s", err.text);
    ink_model_free(model);
    cr_expect(ink_model_open(&model, dir, NULL, &err) == INK_OK &&
                  ink_model_save(model, "/nonexistent", &err) == INK_E_IO,
              "%s", err.text);
    ink_model_free(model);
    cr_expect(ink_model_open(&model, dir, NULL, &err) == INK_OK &&
              ink_model_save(model, dir, &err) == INK_E_ARG);
    ink_model_free(model);
    scratch_remove(dir), scratch_remove(copy);
}

/* Files that Hugging Face's own writer made. */
Test(open, goldens_come_back_byte_for_byte)
{
    static const char *const names[] = {"bert-bare", "bert-tiny-cls", "bert-f16",
                                        "bert-bf16", "bert-legacy",   "distilbert-odd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        char from[512], copy[256], command[1024];
        ink_error err;
        ink_model *model;
        scratch_dir(copy);
        snprintf(from, sizeof from, "%s/golden/%s", INK_TEST_DATA, names[i]);
        cr_assert(ink_model_open(&model, from, NULL, &err) == INK_OK, "%s", err.text);
        cr_assert(ink_model_save(model, copy, &err) == INK_OK, "%s", err.text);
        ink_model_free(model);
        snprintf(command, sizeof command, "cmp %s/model.safetensors %s/model.safetensors", from, copy);
        cr_expect(system(command) == 0, "%s", names[i]);
        cr_expect(ink_model_open(&model, copy, NULL, &err) == INK_OK, "%s", err.text);
        ink_model_free(model);
        scratch_remove(copy);
    }
}

Test(open, a_bad_backend_name_is_an_error)
{
    char dir[256];
    scratch_dir(dir);
    random_model_write(dir, &shape);
    setenv("INK_BACKEND", "cuda", 1);
    expect_refusal(dir, INK_E_ARG, "wanted ref, dnnl or fused");
    scratch_remove(dir);
}
