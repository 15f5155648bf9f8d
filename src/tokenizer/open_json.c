/* tokenizer.json of Hugging Face's tokenizers, version 1.0, where it describes a BERT tokenizer. Its
 * truncation, padding and decoder are of no concern here. Strict: what the package would refuse or what would
 * make two readers of the file disagree is an error, and what Inkling does not do is named. */
#include "tokenizer/bert.h"
#include "tokenizer/open.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* *part = root[key], or what is inside where that is a Sequence of one; NULL where it is null. *type is its
 * type. */
static ink_status component(const json_t **part, const char **type, const ink__json *json, const char *key,
                            const char *list_key, ink_error *err)
{
    *part = json_object_get(json->root, key);
    *type = NULL;
    if (!*part || json_is_null(*part)) {
        *part = NULL;
        return INK_OK;
    }
    for (int depth = 0; depth < 2; ++depth) {
        if (!json_is_object(*part))
            break;
        INK_TRY(ink__json_string(type, json, *part, "type", err));
        if (!*type || strcmp(*type, "Sequence") != 0)
            break;
        const json_t *list = json_object_get(*part, list_key);
        if (json_array_size(list) != 1)
            return ink_fail(err, INK_E_UNSUPPORTED, "%s: %s is a Sequence of %zu, wanted one BERT component",
                            json->path, key, json_array_size(list));
        *part = json_array_get(list, 0);
        *type = NULL;
    }
    if (!*type)
        return ink_fail(err, INK_E_FORMAT, "%s: %s has no \"type\"", json->path, key);
    return INK_OK;
}

static ink_status unsupported(const ink__json *json, const char *key, const char *type, const char *wanted,
                              ink_error *err)
{
    if (!type)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: %s is null, wanted %s", json->path, key, wanted);
    return ink_fail(err, INK_E_UNSUPPORTED, "%s: %s is \"%.80s\", wanted %s", json->path, key, type, wanted);
}

/* Fails where the object lacks the key. */
static ink_status need(const ink__json *json, const json_t *object, const char *what, const char *key,
                       ink_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return ink_fail(err, INK_E_FORMAT, "%s: %s lacks \"%s\"", json->path, what, key);
    return INK_OK;
}

/* --- normalizer, pre_tokenizer, model --------------------------------------------------------------------
 */

static ink_status read_normalizer(ink__bert_config *config, const ink__json *json, ink_error *err)
{
    static const char *const keys[] = {"clean_text", "handle_chinese_chars", "lowercase"};
    bool *const flags[] = {&config->clean, &config->cjk, &config->lower};
    const json_t *part;
    const char *type;
    INK_TRY(component(&part, &type, json, "normalizer", "normalizers", err));
    if (!part)
        return INK_OK;
    if (strcmp(type, "BertNormalizer") != 0)
        return unsupported(json, "normalizer", type, "BertNormalizer or null", err);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        INK_TRY(need(json, part, "normalizer", keys[i], err));
        INK_TRY(ink__json_bool(flags[i], json, part, keys[i], err));
    }
    config->strip = config->lower;
    return ink__json_bool(&config->strip, json, part, "strip_accents", err);
}

static ink_status read_pre_tokenizer(const ink__json *json, ink_error *err)
{
    const json_t *part;
    const char *type;
    INK_TRY(component(&part, &type, json, "pre_tokenizer", "pretokenizers", err));
    if (!part || strcmp(type, "BertPreTokenizer") != 0)
        return unsupported(json, "pre_tokenizer", type, "BertPreTokenizer", err);
    return INK_OK;
}

/* The ids of n tokens are exactly 0 to n-1. */
ink_status ink__vocab_read(ink__vocab *vocab, const ink__json *json, const json_t *object, ink_error *err)
{
    const size_t n = json_object_size(object);
    size_t text_len = 0;
    const char *text;
    json_t *value;
    if (!json_is_object(object))
        return ink_fail(err, INK_E_FORMAT, "%s: the model's \"vocab\" is %s, wanted an object", json->path,
                        ink__json_kind(object));
    if (n == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: the model's \"vocab\" has no tokens", json->path);
    json_object_foreach((json_t *)object, text, value) text_len += strlen(text);
    INK_TRY(ink__vocab_reserve(vocab, n, text_len, err));
    json_object_foreach((json_t *)object, text, value)
    {
        const double id = json_is_number(value) ? json_number_value(value) : -1;
        int32_t before;
        if (!(id >= 0 && id < (double)n && id == floor(id)))
            return ink_fail(
                err, INK_E_FORMAT,
                "%s: the token \"%.80s\" has id %.17g; the ids of %zu tokens are whole numbers from 0 "
                "to %zu",
                json->path, text, id, n, n - 1);
        INK_TRY(ink__vocab_add(vocab, &before, (int32_t)id, text, strlen(text), json->path, err));
    }
    return INK_OK;
}

static ink_status read_model(ink_tokenizer *t, ink__bert_config *config, const ink__json *json,
                             ink_error *err)
{
    static const char *const keys[] = {"unk_token", "continuing_subword_prefix", "max_input_chars_per_word",
                                       "vocab"};
    const json_t *model = json_object_get(json->root, "model");
    const char *type = "WordPiece";
    if (!json_is_object(model))
        return ink_fail(err, INK_E_FORMAT, "%s: has no \"model\"", json->path);
    INK_TRY(ink__json_string(&type, json, model, "type", err));
    if (strcmp(type, "WordPiece") != 0)
        return unsupported(json, "model", type, "WordPiece", err);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i)
        INK_TRY(need(json, model, "the model", keys[i], err));
    INK_TRY(ink__json_string(&config->unk, json, model, "unk_token", err));
    INK_TRY(ink__json_string(&config->prefix, json, model, "continuing_subword_prefix", err));
    config->prefix_len = strlen(config->prefix);
    INK_TRY(ink__json_size(&config->max_chars, json, model, "max_input_chars_per_word", err));
    return ink__vocab_read(&t->vocab, json, json_object_get(model, "vocab"), err);
}

/* --- added_tokens ----------------------------------------------------------------------------------------
 */

ink_status ink__added_read(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    const json_t *list = json_object_get(json->root, "added_tokens");
    if (list && !json_is_null(list) && !json_is_array(list))
        return ink_fail(err, INK_E_FORMAT, "%s: \"added_tokens\" is %s, wanted a list", json->path,
                        ink__json_kind(list));
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *object = json_array_get(list, i), *content = json_object_get(object, "content");
        const json_t *id = json_object_get(object, "id");
        ink__added_token token = {0};
        if (!json_is_string(content) || !json_is_number(id))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: entry %zu of \"added_tokens\" has no \"id\" and \"content\"", json->path,
                            i + 1);
        const double said = json_number_value(id);
        INK_TRY(ink__added_flags(&token, json, object, true, err));
        INK_TRY(ink__tokenizer_add(t, token, json_string_value(content), json_string_length(content), &said,
                                   json->path, err));
    }
    return INK_OK;
}

/* --- post_processor --------------------------------------------------------------------------------------
 */

ink_status ink__template_put(ink__template *template, const ink_tokenizer *t, const ink__json *json,
                             const json_t *id, const json_t *text, size_t type, ink_error *err)
{
    const double number = json_is_number(id) ? json_number_value(id) : -1;
    const char *name = json_is_string(text) ? json_string_value(text) : "";
    const int32_t at = number >= 0 && number < INT32_MAX ? (int32_t)number : -1;
    const char *there = ink_tokenizer_token(t, at);
    if (!there || (double)at != number)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: post_processor: no token of the vocabulary has the id %.17g of \"%.80s\"",
                        json->path, number, name);
    if (strcmp(there, name) != 0)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: post_processor: \"%.80s\" has id %d, which is \"%.80s\" in the vocabulary",
                        json->path, name, (int)at, there);
    if (type > INT32_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: post_processor: a type_id of %zu", json->path, type);
    if (template->n == INK__SPECIALS_MAX)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: post_processor: more than %d special tokens", json->path,
                        (int)INK__SPECIALS_MAX);
    template->specials[template->n++] = (ink__special){at, (int32_t)type};
    return INK_OK;
}

/* A list of pieces, {"SpecialToken": {...}} or {"Sequence": {...}}, in which A, and for a pair then B, stands
 * once. */
static ink_status read_pieces(ink__template *template, const ink_tokenizer *t, const ink__json *json,
                              const json_t *part, const char *key, size_t n_texts, ink_error *err)
{
    const json_t *list = json_object_get(part, key), *specials = json_object_get(part, "special_tokens");
    size_t texts = 0;
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *piece = json_array_get(list, i);
        const json_t *sequence = json_object_get(piece, "Sequence"),
                     *special = json_object_get(piece, "SpecialToken");
        const json_t *object = sequence ? sequence : special;
        const char *id = NULL;
        size_t type = 0;
        if (!json_is_object(object))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: post_processor: piece %zu of \"%s\" is neither Sequence nor SpecialToken",
                            json->path, i + 1, key);
        INK_TRY(ink__json_string(&id, json, object, "id", err));
        INK_TRY(ink__json_size(&type, json, object, "type_id", err));
        if (!id)
            return ink_fail(err, INK_E_FORMAT, "%s: post_processor: piece %zu of \"%s\" has no \"id\"",
                            json->path, i + 1, key);
        if (sequence) {
            if (texts == n_texts || strcmp(id, texts == 0 ? "A" : "B") != 0 || type > INT32_MAX)
                return ink_fail(err, INK_E_UNSUPPORTED,
                                "%s: post_processor: \"%s\" does not have each text once, in order",
                                json->path, key);
            if (texts++ == 0)
                template->before = template->n, template->type_a = (int32_t)type;
            else
                template->middle = template->n - template->before, template->type_b = (int32_t)type;
            continue;
        }
        const json_t *entry = json_object_get(specials, id), *ids = json_object_get(entry, "ids");
        const json_t *tokens = json_object_get(entry, "tokens");
        if (json_array_size(ids) == 0 || json_array_size(ids) != json_array_size(tokens))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: post_processor: \"special_tokens\" has no ids and tokens for \"%.80s\"",
                            json->path, id);
        for (size_t k = 0; k < json_array_size(ids); ++k)
            INK_TRY(ink__template_put(template, t, json, json_array_get(ids, k), json_array_get(tokens, k),
                                      type, err));
    }
    if (texts != n_texts)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: post_processor: \"%s\" does not have each text once, in order", json->path, key);
    return INK_OK;
}

ink_status ink__template_read(ink_tokenizer *t, const ink__json *json, const json_t *part, ink_error *err)
{
    INK_TRY(read_pieces(&t->single, t, json, part, "single", 1, err));
    return read_pieces(&t->pair, t, json, part, "pair", 2, err);
}

/* [CLS] A [SEP], [CLS] A [SEP] B [SEP]. */
static ink_status read_bert_processing(ink_tokenizer *t, const ink__json *json, const json_t *part,
                                       ink_error *err)
{
    const json_t *cls = json_object_get(part, "cls"), *sep = json_object_get(part, "sep");
    for (int texts = 1; texts <= 2; ++texts) {
        ink__template *template = texts == 1 ? &t->single : &t->pair;
        INK_TRY(ink__template_put(template, t, json, json_array_get(cls, 1), json_array_get(cls, 0), 0, err));
        for (size_t type = 0; type < (size_t)texts; ++type)
            INK_TRY(ink__template_put(template, t, json, json_array_get(sep, 1), json_array_get(sep, 0), type,
                                      err));
        template->before = 1;
        template->middle = (size_t)texts - 1;
    }
    t->pair.type_b = 1;
    return INK_OK;
}

static ink_status read_post_processor(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    const json_t *part;
    const char *type;
    INK_TRY(component(&part, &type, json, "post_processor", "processors", err));
    if (part && strcmp(type, "BertProcessing") == 0)
        return read_bert_processing(t, json, part, err);
    if (!part || strcmp(type, "TemplateProcessing") != 0)
        return unsupported(json, "post_processor", type, "TemplateProcessing or BertProcessing", err);
    return ink__template_read(t, json, part, err);
}

/* --- The file --------------------------------------------------------------------------------------------
 */

static bool model_is(const ink__json *json, const char *type)
{
    const json_t *value = json_object_get(json_object_get(json->root, "model"), "type");
    return json_is_string(value) && strcmp(json_string_value(value), type) == 0;
}

static ink_status read_root(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    ink__bert_config config = {0};
    const char *version = "1.0";
    INK_TRY(ink__json_string(&version, json, json->root, "version", err));
    if (strcmp(version, "1.0") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: version is \"%.40s\", wanted \"1.0\"", json->path,
                        version);
    if (model_is(json, "BPE"))
        return ink__has_metaspace(json) ? ink__tokenizer_read_spm_bpe(t, json, err)
                                        : ink__tokenizer_read_bpe(t, json, err);
    if (model_is(json, "Unigram"))
        return ink__tokenizer_read_unigram(t, json, err);
    INK_TRY(read_model(t, &config, json, err));
    INK_TRY(read_normalizer(&config, json, err));
    INK_TRY(read_pre_tokenizer(json, err));
    INK_TRY(ink__bert_init(t, &config, json->path, err));
    INK_TRY(ink__added_read(t, json, err));
    INK_TRY(ink__tokenizer_seal_added(t, json->path, err));
    return read_post_processor(t, json, err);
}

ink_status ink__tokenizer_from_json(ink_tokenizer *tokenizer, const char *path, ink_error *err)
{
    ink__json json;
    INK_TRY(ink__json_open(&json, path, err));
    const ink_status st = read_root(tokenizer, &json, err);
    ink__json_close(&json);
    return st;
}

ink_status ink__tokenizer_parse_json(ink_tokenizer *tokenizer, const char *bytes, size_t len,
                                     const char *path, ink_error *err)
{
    ink__json json;
    INK_TRY(ink__json_parse(&json, bytes, len, path, err));
    const ink_status st = read_root(tokenizer, &json, err);
    ink__json_close(&json);
    return st;
}
