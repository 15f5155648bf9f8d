/* config.json as text: see config_text.h. Parsing and printing would turn 1e-12 into 9.9999999999999998e-13,
 * so members that stay are copied as they stand. */
#include "train/config_text.h"
#include "core/memory.h"
#include "io/file.h"
#include "io/json.h"
#include "io/jsonwalk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static ink_status load_file(ink__text *text, const char *path, ink_error *err)
{
    ink__map map = {0};
    text->len = 0;
    INK_TRY(ink__map_open(&map, path, err));
    const ink_status st = ink__text_bytes(text, (const char *)map.data, map.size, err);
    ink__map_close(&map);
    return st;
}

ink_status ink__config_text_load(ink__text *text, const char *dir, ink_error *err)
{
    char *path;
    INK_TRY(ink__path_join(&path, dir, "config.json", err));
    const ink_status st = load_file(text, path, err);
    free(path);
    return st;
}

/* ---- a new model ----------------------------------------------------------------------------------- */

/* The id of a special token by either of its usual names, or -1. */
static int32_t special_id(const ink_tokenizer *tokenizer, const char *berts, const char *robertas)
{
    const int32_t id = ink_tokenizer_id(tokenizer, berts, strlen(berts));
    return id >= 0 ? id : ink_tokenizer_id(tokenizer, robertas, strlen(robertas));
}

static int32_t padding_id(const ink_tokenizer *tokenizer)
{
    const int32_t id = special_id(tokenizer, "[PAD]", "<pad>");
    return id >= 0 ? id : 0;
}

static const struct size {
    const char *name;
    unsigned layers, hidden;
} sizes[] = {{"tiny", 2, 128}, {"mini", 4, 256}, {"small", 4, 512}, {"base", 12, 768}};

static const struct size *find_size(const char *name)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        if (strcmp(sizes[i].name, name) == 0)
            return &sizes[i];
    return NULL;
}

/* What the families' configurations differ in: the class, and a member of ELECTRA's. */
static const struct family {
    const char *name, *class, *embeddings;
} families[] = {{"bert", "BertModel", ""}, {"electra", "ElectraModel", "  \"embedding_size\": 128,\n"}};

static ink_status write_new(ink__text *text, const struct family *family, const struct size *size,
                            const ink_tokenizer *tokenizer, ink_error *err)
{
    char json[1024];
    const unsigned H = size->hidden;
    snprintf(json, sizeof json,
             "{\n  \"architectures\": [\n    \"%s\"\n  ],\n"
             "  \"attention_probs_dropout_prob\": 0.1,\n  \"classifier_dropout\": null,\n"
             "  \"dtype\": \"float32\",\n%s  \"hidden_act\": \"gelu\",\n  \"hidden_dropout_prob\": 0.1,\n"
             "  \"hidden_size\": %u,\n  \"initializer_range\": 0.02,\n  \"intermediate_size\": %u,\n"
             "  \"layer_norm_eps\": 1e-12,\n  \"max_position_embeddings\": 512,\n"
             "  \"model_type\": \"%s\",\n  \"num_attention_heads\": %u,\n  \"num_hidden_layers\": %u,\n"
             "  \"pad_token_id\": %d,\n  \"position_embedding_type\": \"absolute\",\n"
             "  \"type_vocab_size\": 2,\n  \"use_cache\": true,\n  \"vocab_size\": %zu\n}\n",
             family->class, family->embeddings, H, 4 * H, family->name, H / 64, size->layers,
             (int)padding_id(tokenizer), ink_tokenizer_vocab_size(tokenizer));
    text->len = 0;
    return ink__text_cstr(text, json, err);
}

bool ink__config_text_is_file(const char *size)
{
    struct stat info;
    return !find_size(size) && stat(size, &info) == 0 && S_ISREG(info.st_mode);
}

/* Replaces *text by base with the tokenizer's vocabulary and special tokens; Hugging Face's classes would put
 * those of their own vocabulary in the place of ids that are not there. */
static ink_status write_tokens(ink__text *text, const ink__text *base, const char *path,
                               const ink_tokenizer *tokenizer, ink_error *err)
{
    const int32_t begin = special_id(tokenizer, "[CLS]", "<s>"), end = special_id(tokenizer, "[SEP]", "</s>");
    ink__config_number numbers[INK__CONFIG_NUMBERS] = {{"vocab_size", ink_tokenizer_vocab_size(tokenizer)},
                                                       {"pad_token_id", (size_t)padding_id(tokenizer)}};
    size_t n = 2;
    if (begin >= 0) {
        numbers[n++] = (ink__config_number){"cls_token_id", (size_t)begin};
        numbers[n++] = (ink__config_number){"bos_token_id", (size_t)begin};
    }
    if (end >= 0) {
        numbers[n++] = (ink__config_number){"sep_token_id", (size_t)end};
        numbers[n++] = (ink__config_number){"eos_token_id", (size_t)end};
    }
    return ink__config_text_numbers(text, base, path, numbers, n, err);
}

ink_status ink__config_text_start(ink__text *text, const char *family, const char *size,
                                  const ink_tokenizer *tokenizer, ink_error *err)
{
    const struct size *found = find_size(size);
    if (found)
        return write_new(text, &families[strcmp(family, families[1].name) == 0], found, tokenizer, err);
    if (!ink__config_text_is_file(size))
        return ink_fail(
            err, INK_E_ARG,
            "\"%s\" is no size of a model and no file; there are tiny, mini, small, base, and any "
            "config.json",
            size);
    ink__text file = {0};
    ink_status st = load_file(&file, size, err);
    if (st == INK_OK)
        st = write_tokens(text, &file, size, tokenizer, err);
    ink__text_free(&file);
    return st;
}

/* ---- members that are replaced --------------------------------------------------------------------- */

/* What members are written from. */
struct values {
    const ink__classifier *classifier;
    const char *class;
    ink__dtype dtype;
    const ink__config_number *numbers; /* that the first members of a table are */
};

typedef ink_status write_member(ink__text *text, const struct values *v, size_t m, ink_error *err);

static ink_status write_architectures(ink__text *text, const struct values *v, size_t m, ink_error *err)
{
    (void)m;
    INK_TRY(ink__text_cstr(text, "[\n    \"", err));
    INK_TRY(ink__text_cstr(text, v->class, err));
    return ink__text_cstr(text, "\"\n  ]", err);
}

static ink_status write_number(ink__text *text, const struct values *v, size_t m, ink_error *err)
{
    return ink__text_uint(text, v->numbers[m].value, err);
}

static ink_status write_dtype(ink__text *text, const struct values *v, size_t m, ink_error *err)
{
    (void)m;
    return ink__text_cstr(text,
                          v->dtype == INK__F16    ? "\"float16\""
                          : v->dtype == INK__BF16 ? "\"bfloat16\""
                                                  : "\"float32\"",
                          err);
}

static ink_status write_problem(ink__text *text, const struct values *v, size_t m, ink_error *err)
{
    (void)m;
    return ink__text_cstr(text,
                          v->classifier->task == INK__TASK_REGRESSION ? "\"regression\""
                          : v->classifier->task == INK__TASK_MULTI    ? "\"multi_label_classification\""
                                                                      : "\"single_label_classification\"",
                          err);
}

/* A regression has one output, which Hugging Face wants named like this. */
static const char *label_name(const ink__classifier *c, size_t i)
{
    return c->task == INK__TASK_REGRESSION ? "LABEL_0" : c->labels[i];
}

static ink_status write_labels(ink__text *text, const ink__classifier *c, bool by_name, ink_error *err)
{
    for (size_t i = 0; i < c->C; ++i) {
        const char *name = label_name(c, i);
        INK_TRY(ink__text_cstr(text, i ? ",\n    " : "{\n    ", err));
        if (by_name) {
            INK_TRY(ink__text_string(text, name, strlen(name), err));
            INK_TRY(ink__text_cstr(text, ": ", err));
            INK_TRY(ink__text_uint(text, i, err));
        } else {
            INK_TRY(ink__text_cstr(text, "\"", err));
            INK_TRY(ink__text_uint(text, i, err));
            INK_TRY(ink__text_cstr(text, "\": ", err));
            INK_TRY(ink__text_string(text, name, strlen(name), err));
        }
    }
    return ink__text_cstr(text, "\n  }", err);
}

static ink_status write_id2label(ink__text *text, const struct values *v, size_t m, ink_error *err)
{
    (void)m;
    return write_labels(text, v->classifier, false, err);
}

static ink_status write_label2id(ink__text *text, const struct values *v, size_t m, ink_error *err)
{
    (void)m;
    return write_labels(text, v->classifier, true, err);
}

/* What is written anew, in place of what was there or at the end. */
struct member {
    const char *key;
    write_member *write; /* NULL: left out, for id2label says it */
    bool always;         /* also where the base has none */
};

struct members {
    const struct member *all;
    size_t n;
};

enum { MEMBERS_MAX = 8 };

static const struct member of_classifier[] = {
    {"architectures", write_architectures, true},
    {"id2label", write_id2label, true},
    {"label2id", write_label2id, true},
    {"problem_type", write_problem, true},
    {"dtype", write_dtype, true},
    {"torch_dtype", write_dtype, false}, /* what older versions of transformers call it */
    {"num_labels", NULL, false},
};

static const struct member of_pretrained[] = {
    {"architectures", write_architectures, true},
    {"dtype", write_dtype, true},
    {"torch_dtype", write_dtype, false},
    {"problem_type", NULL, false},
};

static ink_status write_int8(ink__text *text, const struct values *v, size_t m, ink_error *err)
{
    (void)v, (void)m;
    return ink__text_cstr(text,
                          "{\n    \"activations\": \"uint8, by row, as they come\",\n    \"bits\": 8,\n"
                          "    \"method\": \"" INK__INT8_METHOD "\",\n"
                          "    \"weights\": \"int8, by output channel, times NAME.scale\"\n  }",
                          err);
}

static const struct member of_int8[] = {{"quantization_config", write_int8, true}};

static size_t find_member(const struct members *members, const char *key, size_t len)
{
    for (size_t i = 0; i < members->n; ++i)
        if (strlen(members->all[i].key) == len && memcmp(members->all[i].key, key, len) == 0)
            return i;
    return members->n;
}

/* Older versions of transformers have another name for dtype; where it is there, the newer one is not added.
 */
static size_t named_today(const struct members *members, size_t m)
{
    return strcmp(members->all[m].key, "torch_dtype") == 0 ? find_member(members, "dtype", 5) : m;
}

static ink_status start_member(ink__text *text, size_t *n, ink_error *err)
{
    return ink__text_cstr(text, (*n)++ ? ",\n  " : "{\n  ", err);
}

/* p to end is one JSON object. */
static ink_status rewrite(ink__text *text, const char *p, const char *end, const struct members *members,
                          const struct values *v, ink_error *err)
{
    bool seen[MEMBERS_MAX] = {false};
    size_t n = 0;
    for (p = ink__jsonwalk_space(p, end) + 1;; ++p) {
        p = ink__jsonwalk_space(p, end);
        if (*p == '}')
            break;
        const char *key = p, *key_end = ink__jsonwalk_string(p, end);
        const char *value = ink__jsonwalk_space(ink__jsonwalk_space(key_end, end) + 1, end);
        const char *value_end = ink__jsonwalk_value(value, end);
        const size_t m = find_member(members, key + 1, (size_t)(key_end - key) - 2);
        p = ink__jsonwalk_space(value_end, end);
        if (m < members->n)
            seen[m] = seen[named_today(members, m)] = true;
        if (m == members->n || members->all[m].write) {
            INK_TRY(start_member(text, &n, err));
            INK_TRY(ink__text_bytes(text, key, (size_t)(key_end - key), err));
            INK_TRY(ink__text_cstr(text, ": ", err));
            INK_TRY(m < members->n ? members->all[m].write(text, v, m, err)
                                   : ink__text_bytes(text, value, (size_t)(value_end - value), err));
        }
        if (*p == '}')
            break;
    }
    for (size_t m = 0; m < members->n; ++m) {
        const struct member *member = &members->all[m];
        if (seen[m] || !member->always)
            continue;
        INK_TRY(start_member(text, &n, err));
        INK_TRY(ink__text_string(text, member->key, strlen(member->key), err));
        INK_TRY(ink__text_cstr(text, ": ", err));
        INK_TRY(member->write(text, v, m, err));
    }
    return ink__text_cstr(text, "\n}\n", err);
}

static ink_status replace(ink__text *text, const ink__text *base, const char *path,
                          const struct members *members, const struct values *v, ink_error *err)
{
    ink_status st;
    ink__json json = {0};
    char *mended = NULL;
    const char *bytes = base->data;
    size_t len = base->len, bad = 0;
    text->len = 0;
    INK_TRY_GOTO(ink__json_parse(&json, bytes, len, path, err));
    if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        bytes += 3, len -= 3;
    INK_TRY_GOTO(ink__json_mend(&mended, &len, &bad, bytes, err));
    if (mended)
        bytes = mended;
    INK_TRY_GOTO(rewrite(text, bytes, bytes + len, members, v, err));
    /* A key that hides behind an escape ("num\u005flabels") would now be there twice. */
    ink__json_close(&json);
    st = ink__json_parse(&json, text->data, text->len, path, err);
done:
    ink__json_close(&json);
    free(mended);
    return st;
}

ink_status ink__config_text_classifier(ink__text *text, const ink__text *base, const char *path,
                                       const ink__classifier *classifier, ink_error *err)
{
    const struct members members = {of_classifier, sizeof of_classifier / sizeof *of_classifier};
    const struct values values = {
        .classifier = classifier, .class = classifier->arch->sequence_class, .dtype = classifier->dtype};
    return replace(text, base, path, &members, &values, err);
}

ink_status ink__config_text_int8(ink__text *text, const ink__text *base, const char *path, ink_error *err)
{
    const struct members members = {of_int8, sizeof of_int8 / sizeof *of_int8};
    return replace(text, base, path, &members, NULL, err);
}

ink_status ink__config_text_pretrained(ink__text *text, const ink__text *base, const char *path,
                                       const char *class, ink__dtype dtype, ink_error *err)
{
    const struct members members = {of_pretrained, sizeof of_pretrained / sizeof *of_pretrained};
    const struct values values = {.class = class, .dtype = dtype};
    return replace(text, base, path, &members, &values, err);
}

ink_status ink__config_text_numbers(ink__text *text, const ink__text *base, const char *path,
                                    const ink__config_number *numbers, size_t n, ink_error *err)
{
    struct member all[INK__CONFIG_NUMBERS];
    const struct members members = {all, n};
    const struct values values = {.numbers = numbers};
    for (size_t i = 0; i < n; ++i)
        all[i] = (struct member){numbers[i].key, write_number, true};
    return replace(text, base, path, &members, &values, err);
}
