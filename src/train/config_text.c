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

ink_status ink__config_text_load(ink__text *text, const char *dir, ink_error *err)
{
    char *path;
    ink__map map = {0};
    text->len = 0;
    INK_TRY(ink__path_join(&path, dir, "config.json", err));
    ink_status st = ink__map_open(&map, path, err);
    if (st == INK_OK)
        st = ink__text_bytes(text, (const char *)map.data, map.size, err);
    ink__map_close(&map);
    free(path);
    return st;
}

/* ---- a new model ----------------------------------------------------------------------------------- */

static int32_t padding_id(const ink_tokenizer *tokenizer)
{
    static const char *const names[] = {"[PAD]", "<pad>"};
    for (size_t i = 0; i < 2; ++i) {
        const int32_t id = ink_tokenizer_id(tokenizer, names[i], strlen(names[i]));
        if (id >= 0)
            return id;
    }
    return 0;
}

ink_status ink__config_text_new(ink__text *text, const char *size, const ink_tokenizer *tokenizer,
                                ink_error *err)
{
    static const struct {
        const char *name;
        unsigned layers, hidden;
    } sizes[] = {{"tiny", 2, 128}, {"mini", 4, 256}, {"small", 4, 512}, {"base", 12, 768}};
    char json[1024];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        if (strcmp(sizes[i].name, size) != 0)
            continue;
        const unsigned H = sizes[i].hidden;
        snprintf(json, sizeof json,
                 "{\n  \"architectures\": [\n    \"BertModel\"\n  ],\n"
                 "  \"attention_probs_dropout_prob\": 0.1,\n  \"classifier_dropout\": null,\n"
                 "  \"dtype\": \"float32\",\n  \"hidden_act\": \"gelu\",\n  \"hidden_dropout_prob\": 0.1,\n"
                 "  \"hidden_size\": %u,\n  \"initializer_range\": 0.02,\n  \"intermediate_size\": %u,\n"
                 "  \"layer_norm_eps\": 1e-12,\n  \"max_position_embeddings\": 512,\n"
                 "  \"model_type\": \"bert\",\n  \"num_attention_heads\": %u,\n  \"num_hidden_layers\": %u,\n"
                 "  \"pad_token_id\": %d,\n  \"position_embedding_type\": \"absolute\",\n"
                 "  \"type_vocab_size\": 2,\n  \"use_cache\": true,\n  \"vocab_size\": %zu\n}\n",
                 H, 4 * H, H / 64, sizes[i].layers, (int)padding_id(tokenizer),
                 ink_tokenizer_vocab_size(tokenizer));
        text->len = 0;
        return ink__text_cstr(text, json, err);
    }
    return ink_fail(err, INK_E_ARG, "\"%s\" is no size of a model; there are tiny, mini, small, base", size);
}

/* ---- members that are replaced
 * -------------------------------------------------------------------------------- */

typedef ink_status write_member(ink__text *text, const ink__classifier *c, ink_error *err);

static ink_status write_architectures(ink__text *text, const ink__classifier *c, ink_error *err)
{
    INK_TRY(ink__text_cstr(text, "[\n    \"", err));
    INK_TRY(ink__text_cstr(text, c->arch->sequence_class, err));
    return ink__text_cstr(text, "\"\n  ]", err);
}

static ink_status write_masked(ink__text *text, const ink__classifier *c, ink_error *err)
{
    INK_TRY(ink__text_cstr(text, "[\n    \"", err));
    INK_TRY(ink__text_cstr(text, c->arch->masked_class, err));
    return ink__text_cstr(text, "\"\n  ]", err);
}

static ink_status write_dtype(ink__text *text, const ink__classifier *c, ink_error *err)
{
    return ink__text_cstr(text,
                          c->dtype == INK__F16    ? "\"float16\""
                          : c->dtype == INK__BF16 ? "\"bfloat16\""
                                                  : "\"float32\"",
                          err);
}

static ink_status write_problem(ink__text *text, const ink__classifier *c, ink_error *err)
{
    return ink__text_cstr(text,
                          c->task == INK__TASK_REGRESSION ? "\"regression\""
                          : c->task == INK__TASK_MULTI    ? "\"multi_label_classification\""
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

static ink_status write_id2label(ink__text *text, const ink__classifier *c, ink_error *err)
{
    return write_labels(text, c, false, err);
}

static ink_status write_label2id(ink__text *text, const ink__classifier *c, ink_error *err)
{
    return write_labels(text, c, true, err);
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

static const struct member of_masked[] = {
    {"architectures", write_masked, true},
    {"dtype", write_dtype, true},
    {"torch_dtype", write_dtype, false},
    {"problem_type", NULL, false},
};

static ink_status write_int8(ink__text *text, const ink__classifier *unused, ink_error *err)
{
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
                          const ink__classifier *c, ink_error *err)
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
            INK_TRY(m < members->n ? members->all[m].write(text, c, err)
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
        INK_TRY(member->write(text, c, err));
    }
    return ink__text_cstr(text, "\n}\n", err);
}

static ink_status replace(ink__text *text, const ink__text *base, const char *path,
                          const struct members *members, const ink__classifier *classifier, ink_error *err)
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
    INK_TRY_GOTO(rewrite(text, bytes, bytes + len, members, classifier, err));
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
    return replace(text, base, path, &members, classifier, err);
}

ink_status ink__config_text_int8(ink__text *text, const ink__text *base, const char *path, ink_error *err)
{
    const struct members members = {of_int8, sizeof of_int8 / sizeof *of_int8};
    return replace(text, base, path, &members, NULL, err);
}

ink_status ink__config_text_masked(ink__text *text, const ink__text *base, const char *path,
                                   const ink__arch *arch, ink__dtype dtype, ink_error *err)
{
    const struct members members = {of_masked, sizeof of_masked / sizeof *of_masked};
    const ink__classifier as = {.arch = arch, .dtype = dtype};
    return replace(text, base, path, &members, &as, err);
}
