/* vocab.txt with the settings of the files beside it, as transformers' BertTokenizer reads them where there
 * is no tokenizer.json: tokenizer_config.json and, where that has no added_tokens_decoder, the older
 * special_tokens_map.json and added_tokens.json. */
#include "tokenizer/bert.h"
#include "tokenizer/open.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>

/* --- vocab.txt -------------------------------------------------------------------------------------------
 */

/* Length without the white space at the end, which the package cuts off ("\r" is some). */
static size_t trim_end(const char *line, size_t len)
{
    while (len > 0) {
        size_t from = len - 1;
        uint32_t cp;
        while (from > 0 && ((unsigned char)line[from] & 0xC0) == 0x80)
            --from;
        ink__utf8_decode(&cp, (const unsigned char *)line + from, (const unsigned char *)line + len);
        if (!(ink__unicode_class(cp) & INK__SPACE))
            break;
        len = from;
    }
    return len;
}

/* A token a line, its id the line's number from 0. Only "\n" ends a line: U+2028 is a token of BERT's Chinese
 * vocabulary. Of equal lines the last counts, and the ids of the others have no token. */
static ink_status read_lines(ink__vocab *vocab, const char *text, size_t len, const char *path,
                             ink_error *err)
{
    size_t lines = 0, n = 0;
    const char *end = text + len;
    for (const char *p = text; p < end; ++lines) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        p = line_end ? line_end + 1 : end;
    }
    if (lines == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: is empty, wanted a token in each line", path);
    if (lines >= INT32_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu lines, which is more than there are ids", path, lines);
    INK_TRY(ink__vocab_reserve(vocab, lines, len, err));
    for (const char *p = text; p < end; ++n) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        const size_t line_len = (size_t)((line_end ? line_end : end) - p);
        int32_t before;
        if (ink__utf8_valid_prefix(p, line_len) < line_len)
            return ink_fail(err, INK_E_FORMAT, "%s: line %zu is not UTF-8", path, n + 1);
        INK_TRY(ink__vocab_add(vocab, &before, (int32_t)n, p, trim_end(p, line_len), path, err));
        p = line_end ? line_end + 1 : end;
    }
    return INK_OK;
}

/* --- Special tokens ----------------------------------------------------------------------------------------
 */

static const char *const keys[INK__NAMED] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                             "pad_token", "cls_token", "mask_token"};

/* A special token as files give it, a string or an AddedToken object. */
static ink_status read_special(ink__named *special, const ink__json *json, const json_t *value,
                               const char *key, ink_error *err)
{
    const json_t *content = json_is_object(value) ? json_object_get(value, "content") : value;
    if (!json_is_string(content) || strlen(json_string_value(content)) != json_string_length(content))
        return ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is neither a string nor an object with \"content\"",
                        json->path, key);
    special->content = json_string_value(content);
    special->given = true;
    special->token = (ink__added_token){.special = true};
    if (!json_is_object(value))
        return INK_OK;
    INK_TRY(ink__added_flags(&special->token, json, value, false, err));
    special->token.special = true;
    return INK_OK;
}

ink_status ink__named_read(ink__named named[INK__NAMED], const ink__json *json, ink_error *err)
{
    for (int i = 0; json->root && i < INK__NAMED; ++i) {
        const json_t *value = json_object_get(json->root, keys[i]);
        if (value && !json_is_null(value))
            INK_TRY(read_special(&named[i], json, value, keys[i], err));
    }
    return INK_OK;
}

/* The lists of further special tokens; of the two names the newer one counts. */
static ink_status add_extras(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    const char *key = "extra_special_tokens";
    const json_t *list = json_object_get(json->root, key);
    if (json_array_size(list) == 0 && json_object_size(list) == 0) {
        key = "additional_special_tokens";
        list = json_object_get(json->root, key);
    }
    void *at = json_object_iter((json_t *)list);
    const size_t n = json_array_size(list) + json_object_size(list);
    for (size_t i = 0; i < n; ++i) {
        ink__named special = {0};
        INK_TRY(read_special(&special, json, at ? json_object_iter_value(at) : json_array_get(list, i), key,
                             err));
        INK_TRY(ink__tokenizer_add(t, special.token, special.content, strlen(special.content), NULL,
                                   json->path, err));
        at = at ? json_object_iter_next((json_t *)list, at) : NULL;
    }
    return INK_OK;
}

/* --- added_tokens_decoder, added_tokens.json
 * ------------------------------------------------------------------ */

typedef struct listed_token {
    double id;
    const char *content;
    size_t len;
    ink__added_token token;
} listed_token;

static int by_id(const void *a, const void *b)
{
    const listed_token *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* {"30522": {"content": "<x>", ...}} or, in the older file, {"<x>": 30522}; added in the order of their ids.
 * These flags count more than those a special token has elsewhere. */
static ink_status add_listed(ink_tokenizer *t, const ink__json *json, const json_t *object, bool older,
                             ink_error *err)
{
    ink_status st = INK_OK;
    listed_token *listed;
    size_t n = 0;
    const char *key;
    json_t *value;
    INK_TRY(ink__calloc(&listed, json_object_size(object), sizeof *listed, "added tokens", err));
    json_object_foreach((json_t *)object, key, value)
    {
        listed_token *l = &listed[n++];
        const json_t *content = json_object_get(value, "content");
        char *end = "";
        l->token.rank = 1;
        if (older && json_is_number(value)) {
            l->id = json_number_value(value);
            l->content = key, l->len = strlen(key);
            l->token.normalized = true;
        } else if (!older && json_is_string(content)) {
            l->id = (double)strtoull(key, &end, 10);
            l->content = json_string_value(content), l->len = json_string_length(content);
            INK_TRY_GOTO(ink__added_flags(&l->token, json, value, false, err));
        }
        if (!l->content || *end != '\0' || end == key) {
            st = ink_fail(err, INK_E_FORMAT, "%s: added token \"%.80s\" is not %s", json->path, key,
                          older ? "a text with an id" : "an id with \"content\"");
            goto done;
        }
    }
    if (n > 0)
        qsort(listed, n, sizeof *listed, by_id);
    for (size_t i = 0; i < n; ++i)
        INK_TRY_GOTO(ink__tokenizer_add(t, listed[i].token, listed[i].content, listed[i].len, &listed[i].id,
                                        json->path, err));
done:
    free(listed);
    return st;
}

ink_status ink__added_read_decoder(ink_tokenizer *t, const ink__json *json, const json_t *decoder,
                                   ink_error *err)
{
    return add_listed(t, json, decoder, false, err);
}

/* Opens dir/name, or leaves *json empty where there is no such file. */
static ink_status open_optional(ink__json *json, const char *dir, const char *name, ink_error *err)
{
    char *path;
    *json = (ink__json){0};
    if (!ink__file_exists(dir, name))
        return INK_OK;
    INK_TRY(ink__path_join(&path, dir, name, err));
    const ink_status st = ink__json_open(json, path, err);
    free(path);
    return st;
}

ink_status ink__beside_open(ink__json *map, ink__json *list, const char *dir, const ink__json *config,
                            ink_error *err)
{
    *map = *list = (ink__json){0};
    if (json_is_object(json_object_get(config->root, "added_tokens_decoder")))
        return INK_OK;
    INK_TRY(open_optional(map, dir, "special_tokens_map.json", err));
    return open_optional(list, dir, "added_tokens.json", err);
}

/* --- Settings ----------------------------------------------------------------------------------------------
 */

static ink_status check_class(const ink__json *config, ink_error *err)
{
    static const char *const same[] = {"BertTokenizer",       "DistilBertTokenizer", "ElectraTokenizer",
                                       "MobileBertTokenizer", "ConvBertTokenizer",   "SqueezeBertTokenizer",
                                       "LayoutLMTokenizer",   "LxmertTokenizer",     "RetriBertTokenizer",
                                       "TokenizersBackend"};
    const char *class = "BertTokenizer";
    INK_TRY(ink__json_string(&class, config, config->root, "tokenizer_class", err));
    const char *fast = strstr(class, "Fast");
    const size_t len = fast && fast[4] == '\0' ? (size_t)(fast - class) : strlen(class);
    for (size_t i = 0; i < sizeof same / sizeof *same; ++i)
        if (strlen(same[i]) == len && memcmp(same[i], class, len) == 0)
            return INK_OK;
    return ink_fail(err, INK_E_UNSUPPORTED,
                    "%s: tokenizer_class is \"%.80s\", wanted BertTokenizer or one like it", config->path,
                    class);
}

static ink_status read_settings(ink__bert_config *bert, const ink__json *config, ink_error *err)
{
    bool basic = true;
    if (config->root) {
        INK_TRY(check_class(config, err));
        INK_TRY(ink__json_bool(&basic, config, config->root, "do_basic_tokenize", err));
        if (!basic)
            return ink_fail(err, INK_E_UNSUPPORTED,
                            "%s: do_basic_tokenize is false, on which versions of transformers disagree",
                            config->path);
        INK_TRY(ink__json_bool(&bert->lower, config, config->root, "do_lower_case", err));
        INK_TRY(ink__json_bool(&bert->cjk, config, config->root, "tokenize_chinese_chars", err));
    }
    bert->strip = bert->lower;
    return config->root ? ink__json_bool(&bert->strip, config, config->root, "strip_accents", err) : INK_OK;
}

ink_status ink__named_id(int32_t *id, const ink_tokenizer *t, const ink__named *named, const char *path,
                         ink_error *err)
{
    *id = ink_tokenizer_id(t, named->content, strlen(named->content));
    if (*id < 0)
        return ink_fail(err, INK_E_FORMAT, "%s: the special token \"%.80s\" is not among the %zu tokens",
                        path, named->content, t->vocab.size);
    return INK_OK;
}

ink_status ink__listed_add(ink_tokenizer *t, const ink__json *config, const ink__json *list, ink_error *err)
{
    const json_t *decoder = json_object_get(config->root, "added_tokens_decoder");
    if (json_is_object(decoder))
        INK_TRY(add_listed(t, config, decoder, false, err));
    return list->root ? add_listed(t, list, list->root, true, err) : INK_OK;
}

ink_status ink__named_add(ink_tokenizer *t, const ink__named named[INK__NAMED], const char *path,
                          const ink__json *config, const ink__json *map, ink_error *err)
{
    for (int i = 0; i < INK__NAMED; ++i) {
        const char *content = named[i].content;
        if (content && (named[i].given || ink_tokenizer_id(t, content, strlen(content)) >= 0))
            INK_TRY(ink__tokenizer_add(t, named[i].token, content, strlen(content), NULL, path, err));
    }
    if (map->root)
        INK_TRY(add_extras(t, map, err));
    return config->root ? add_extras(t, config, err) : INK_OK;
}

/* [CLS] and [SEP] have to be there before any token is made up from its name alone. */
static ink_status add_tokens(ink_tokenizer *t, const ink__named named[INK__NAMED], const char *path,
                             const ink__json *config, const ink__json *map, const ink__json *list,
                             ink_error *err)
{
    int32_t cls, sep;
    INK_TRY(ink__listed_add(t, config, list, err));
    INK_TRY(ink__named_id(&cls, t, &named[INK__CLS], path, err));
    INK_TRY(ink__named_id(&sep, t, &named[INK__SEP], path, err));
    INK_TRY(ink__named_add(t, named, path, config, map, err));
    t->single = (ink__template){{{cls, 0}, {sep, 0}}, .before = 1, .n = 2};
    t->pair = (ink__template){{{cls, 0}, {sep, 0}, {sep, 1}}, .before = 1, .middle = 1, .n = 3, .type_b = 1};
    return ink__tokenizer_seal_added(t, path, err);
}

static ink_status read_all(ink_tokenizer *t, const char *path, const ink__json *config, const ink__json *map,
                           const ink__json *list, ink_error *err)
{
    ink__bert_config bert = {
        .clean = true, .cjk = true, .lower = true, .prefix = "##", .prefix_len = 2, .max_chars = 100};
    static const char *const usual[INK__NAMED] = {NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
    ink__named named[INK__NAMED];
    ink__map text;
    for (int i = 0; i < INK__NAMED; ++i)
        named[i] = (ink__named){.content = usual[i], .token.special = true};
    INK_TRY(read_settings(&bert, config, err));
    INK_TRY(ink__named_read(named, config, err));
    INK_TRY(ink__named_read(named, map, err));

    INK_TRY(ink__map_open(&text, path, err));
    const ink_status st = read_lines(&t->vocab, (const char *)text.data, text.size, path, err);
    ink__map_close(&text);
    INK_TRY(st);
    bert.unk = named[INK__UNK].content;
    INK_TRY(ink__bert_init(t, &bert, path, err));
    return add_tokens(t, named, path, config, map, list, err);
}

ink_status ink__tokenizer_from_vocab(ink_tokenizer *t, const char *dir, const ink__json *config,
                                     ink_error *err)
{
    ink_status st = INK_OK;
    ink__json map = {0}, list = {0};
    char *path = NULL;
    INK_TRY_GOTO(ink__path_join(&path, dir, "vocab.txt", err));
    INK_TRY_GOTO(ink__beside_open(&map, &list, dir, config, err));
    st = read_all(t, path, config, &map, &list, err);
done:
    ink__json_close(&map);
    ink__json_close(&list);
    free(path);
    return st;
}
