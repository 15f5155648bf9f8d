/* tokenizer.json where its model is byte-level BPE (RoBERTa, ModernBERT): what open_json.c does for BERT.
 * What real files of these models do not use is refused by its name. */
#include "tokenizer/byte_level.h"
#include "tokenizer/open.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* *parts [n] = the components under root[key]: one, or those of a Sequence; none where it is null. */
enum { PARTS_MAX = 8 };
typedef struct component_list {
    const json_t *parts[PARTS_MAX];
    const char *types[PARTS_MAX];
    size_t n;
} component_list;

static ink_status read_type(const char **type, const ink__json *json, const char *key, const json_t *part,
                            ink_error *err)
{
    *type = NULL;
    if (json_is_object(part))
        INK_TRY(ink__json_string(type, json, part, "type", err));
    return *type ? INK_OK : ink_fail(err, INK_E_FORMAT, "%s: %s has no \"type\"", json->path, key);
}

static ink_status read_components(component_list *list, const ink__json *json, const char *key,
                                  const char *list_key, ink_error *err)
{
    const json_t *part = json_object_get(json->root, key);
    const char *type;
    list->n = 0;
    if (!part || json_is_null(part))
        return INK_OK;
    INK_TRY(read_type(&type, json, key, part, err));
    const json_t *sequence = strcmp(type, "Sequence") == 0 ? json_object_get(part, list_key) : NULL;
    const size_t n = sequence ? json_array_size(sequence) : 1;
    if (n > PARTS_MAX)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: %s is a Sequence of %zu", json->path, key, n);
    for (; list->n < n; ++list->n) {
        list->parts[list->n] = sequence ? json_array_get(sequence, list->n) : part;
        INK_TRY(read_type(&list->types[list->n], json, key, list->parts[list->n], err));
    }
    return INK_OK;
}

static ink_status unsupported(const ink__json *json, const char *key, const char *type, const char *wanted,
                              ink_error *err)
{
    return ink_fail(err, INK_E_UNSUPPORTED, "%s: %s is \"%.80s\"; beside a BPE model, wanted %s", json->path,
                    key, type, wanted);
}

/* Two flags that the package insists on. */
static ink_status read_flags(bool *trim, bool *prefix, const ink__json *json, const char *key,
                             const json_t *part, ink_error *err)
{
    const char *const keys[] = {"trim_offsets", "add_prefix_space"};
    bool *const flags[] = {trim, prefix};
    for (int i = 0; i < 2; ++i) {
        if (!json_is_boolean(json_object_get(part, keys[i])))
            return ink_fail(err, INK_E_FORMAT, "%s: %s lacks \"%s\", wanted true or false", json->path, key,
                            keys[i]);
        INK_TRY(ink__json_bool(flags[i], json, part, keys[i], err));
    }
    return INK_OK;
}

/* --- model -------------------------------------------------------------------------------------------------
 */

/* What the package can do and no encoder uses. */
static ink_status refuse_options(const ink__json *json, const json_t *model, ink_error *err)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    double dropout = 0;
    INK_TRY(ink__json_double(&dropout, json, model, "dropout", err));
    if (dropout != 0)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: the BPE model has a \"dropout\" of %g, wanted null",
                        json->path, dropout);
    for (int i = 0; i < 2; ++i) {
        const char *affix = "";
        INK_TRY(ink__json_string(&affix, json, model, affixes[i], err));
        if (*affix)
            return ink_fail(err, INK_E_UNSUPPORTED, "%s: the BPE model has the \"%s\" \"%.40s\", wanted null",
                            json->path, affixes[i], affix);
    }
    return INK_OK;
}

/* A merge is "a b" or, in newer files, ["a", "b"]. */
static ink_status read_merge(ink__bpe *bpe, const ink__json *json, const json_t *merge, size_t number,
                             ink_error *err)
{
    const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
    const char *text = json_string_value(merge);
    if (json_array_size(merge) == 2 && json_is_string(left) && json_is_string(right))
        return ink__bpe_merge(bpe, json_string_value(left), json_string_length(left),
                              json_string_value(right), json_string_length(right), json->path, err);
    const char *space = text ? memchr(text, ' ', json_string_length(merge)) : NULL;
    const size_t left_len = space ? (size_t)(space - text) : 0;
    const size_t right_len = space ? json_string_length(merge) - left_len - 1 : 0;
    if (!space || memchr(space + 1, ' ', right_len))
        return ink_fail(err, INK_E_FORMAT, "%s: merge %zu is %s%.80s, wanted two tokens with a space between",
                        json->path, number, text ? "" : ink__json_kind(merge), text ? text : "");
    return ink__bpe_merge(bpe, text, left_len, space + 1, right_len, json->path, err);
}

static ink_status read_merges(ink__bpe *bpe, const ink__json *json, const json_t *list, ink_error *err)
{
    if (!json_is_array(list))
        return ink_fail(err, INK_E_FORMAT, "%s: the model's \"merges\" is %s, wanted a list", json->path,
                        ink__json_kind(list));
    for (size_t i = 0; i < json_array_size(list); ++i)
        INK_TRY(read_merge(bpe, json, json_array_get(list, i), i + 1, err));
    return INK_OK;
}

ink_status ink__bpe_read(ink__bpe *bpe, ink__bpe_options *options, ink_tokenizer *t, const ink__json *json,
                         ink_error *err)
{
    const json_t *model = json_object_get(json->root, "model"), *merges = json_object_get(model, "merges");
    INK_TRY(refuse_options(json, model, err));
    INK_TRY(ink__json_string(&options->unk, json, model, "unk_token", err));
    INK_TRY(ink__json_bool(&options->fuse_unk, json, model, "fuse_unk", err));
    INK_TRY(ink__json_bool(&options->ignore_merges, json, model, "ignore_merges", err));
    INK_TRY(ink__json_bool(&options->byte_fallback, json, model, "byte_fallback", err));
    INK_TRY(ink__vocab_read(&t->vocab, json, json_object_get(model, "vocab"), err));
    INK_TRY(ink__bpe_init(bpe, &t->vocab, json_array_size(merges), err));
    return read_merges(bpe, json, merges, err);
}

static ink_status read_model(ink_tokenizer *t, ink__bpe *bpe, ink__byte_level_config *config,
                             const ink__json *json, ink_error *err)
{
    ink__bpe_options options = {0};
    INK_TRY(ink__bpe_read(bpe, &options, t, json, err));
    if (options.byte_fallback)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: the BPE model has \"byte_fallback\", wanted false",
                        json->path);
    config->unk = options.unk;
    config->fuse_unk = options.fuse_unk;
    config->ignore_merges = options.ignore_merges;
    return INK_OK;
}

/* --- normalizer, pre_tokenizer -----------------------------------------------------------------------------
 */

static ink_status read_normalizer(ink__byte_level_config *config, const ink__json *json, ink_error *err)
{
    component_list list;
    INK_TRY(read_components(&list, json, "normalizer", "normalizers", err));
    for (size_t i = 0; i < list.n; ++i)
        if (strcmp(list.types[i], "NFC") != 0)
            return unsupported(json, "normalizer", list.types[i], "NFC or null", err);
    config->nfc = list.n > 0; /* a second time changes nothing */
    return INK_OK;
}

static ink_status read_pre_tokenizer(ink__byte_level_config *config, const ink__json *json, ink_error *err)
{
    component_list list;
    bool trim, use_regex = true;
    INK_TRY(read_components(&list, json, "pre_tokenizer", "pretokenizers", err));
    if (list.n != 1)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: pre_tokenizer is %s; beside a BPE model, wanted ByteLevel alone", json->path,
                        list.n == 0 ? "null" : "a Sequence of several");
    if (strcmp(list.types[0], "ByteLevel") != 0)
        return unsupported(json, "pre_tokenizer", list.types[0], "ByteLevel", err);
    INK_TRY(read_flags(&trim, &config->prefix_space, json, "pre_tokenizer", list.parts[0], err));
    INK_TRY(ink__json_bool(&use_regex, json, list.parts[0], "use_regex", err));
    config->whole_parts = !use_regex;
    return INK_OK;
}

/* --- post_processor ----------------------------------------------------------------------------------------
 */

/* <s> A </s>, <s> A </s></s> B </s>; all types are 0. */
static ink_status read_roberta(ink_tokenizer *t, const ink__json *json, const json_t *part, ink_error *err)
{
    const json_t *cls = json_object_get(part, "cls"), *sep = json_object_get(part, "sep");
    for (int texts = 1; texts <= 2; ++texts) {
        ink__template *template = texts == 1 ? &t->single : &t->pair;
        INK_TRY(ink__template_put(template, t, json, json_array_get(cls, 1), json_array_get(cls, 0), 0, err));
        for (int i = 0; i < 2 * texts - 1; ++i)
            INK_TRY(
                ink__template_put(template, t, json, json_array_get(sep, 1), json_array_get(sep, 0), 0, err));
        template->before = 1;
        template->middle = texts == 1 ? 0 : 2;
    }
    return INK_OK;
}

static ink_status read_post_processor(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    component_list list;
    size_t templates = 0, trims = 0;
    INK_TRY(read_components(&list, json, "post_processor", "processors", err));
    t->pair.type_b = 1; /* where nothing says otherwise */
    for (size_t i = 0; i < list.n; ++i) {
        const char *type = list.types[i];
        bool trim = false, prefix = false;
        if (strcmp(type, "TemplateProcessing") == 0) {
            ++templates;
            INK_TRY(ink__template_read(t, json, list.parts[i], err));
        } else if (strcmp(type, "RobertaProcessing") == 0) {
            ++templates;
            t->pair.type_b = 0;
            INK_TRY(read_flags(&trim, &prefix, json, "post_processor", list.parts[i], err));
            INK_TRY(read_roberta(t, json, list.parts[i], err));
        } else if (strcmp(type, "ByteLevel") == 0) {
            INK_TRY(read_flags(&trim, &prefix, json, "post_processor", list.parts[i], err));
        } else {
            return unsupported(json, "post_processor", type,
                               "RobertaProcessing, TemplateProcessing or ByteLevel", err);
        }
        trims += trim;
        if (trim)
            ink__byte_level_trim(t, prefix);
        if (templates > 1 || trims > 1)
            return ink_fail(err, INK_E_UNSUPPORTED, "%s: post_processor is a Sequence in which two %s",
                            json->path, trims > 1 ? "trim offsets" : "add special tokens");
    }
    return INK_OK;
}

/* --- The file ----------------------------------------------------------------------------------------------
 */

ink_status ink__tokenizer_read_bpe(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    ink_status st = INK_OK;
    ink__bpe bpe = {0};
    ink__byte_level_config config = {0};
    INK_TRY_GOTO(read_model(t, &bpe, &config, json, err));
    INK_TRY_GOTO(read_normalizer(&config, json, err));
    INK_TRY_GOTO(read_pre_tokenizer(&config, json, err));
    st = ink__byte_level_init(t, &bpe, &config, json->path, err);
    bpe = (ink__bpe){0}; /* is the tokenizer's now */
    INK_TRY_GOTO(st);
    INK_TRY_GOTO(ink__added_read(t, json, err));
    INK_TRY_GOTO(ink__tokenizer_seal_added(t, json->path, err));
    st = read_post_processor(t, json, err);
done:
    ink__bpe_release(&bpe);
    return st;
}
