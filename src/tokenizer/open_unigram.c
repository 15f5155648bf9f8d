/* tokenizer.json whose model is Unigram, or BPE over characters, with the normalizers and pre-tokenizers that
 * transformers gives the SentencePiece families (XLM-RoBERTa, CamemBERT, ALBERT). Strict: what is not one of
 * these is named. */
#include "tokenizer/open.h"
#include "tokenizer/spm.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* The "type" of a component. */
static ink_status type_of(const char **type, const ink__json *json, const json_t *part, const char *what,
                          ink_error *err)
{
    *type = NULL;
    if (json_is_object(part))
        INK_TRY(ink__json_string(type, json, part, "type", err));
    if (!*type)
        return ink_fail(err, INK_E_FORMAT, "%s: a %s has no \"type\"", json->path, what);
    return INK_OK;
}

/* --- normalizer ----------------------------------------------------------------------------------------- */

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Base64, RFC 4648. *bytes is malloc'd. */
static ink_status decode_base64(unsigned char **bytes, size_t *len, const ink__json *json, const char *text,
                                ink_error *err)
{
    size_t n = strlen(text), bits = 0;
    uint32_t held = 0;
    const bool whole = n % 4 == 0;
    for (int i = 0; i < 2 && n > 0 && text[n - 1] == '='; ++i)
        --n;
    *len = 0;
    INK_TRY(ink__calloc(bytes, n / 4 * 3 + 3, 1, "normalisation rules", err));
    for (size_t i = 0; i < n; ++i) {
        const int digit = digit_of(text[i]);
        if (digit < 0 || !whole) {
            free(*bytes);
            *bytes = NULL;
            return ink_fail(err, INK_E_FORMAT, "%s: \"precompiled_charsmap\" is not base64", json->path);
        }
        held = held << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            (*bytes)[(*len)++] = (unsigned char)(held >> bits);
        }
    }
    return INK_OK;
}

static ink_status read_charsmap(ink__spm_stages *stages, const ink__json *json, const json_t *part,
                                ink_error *err)
{
    const char *text = "";
    unsigned char *bytes;
    size_t len;
    INK_TRY(ink__json_string(&text, json, part, "precompiled_charsmap", err));
    if (*text == '\0')
        return ink_fail(err, INK_E_FORMAT, "%s: Precompiled has no \"precompiled_charsmap\"", json->path);
    INK_TRY(decode_base64(&bytes, &len, json, text, err));
    const ink_status st = ink__spm_add_charsmap(stages, bytes, len, json->path, err);
    free(bytes);
    return st;
}

static ink_status read_replace(ink__spm_stages *stages, const ink__json *json, const json_t *part,
                               ink_error *err)
{
    const json_t *pattern = json_object_get(part, "pattern");
    const char *string = NULL, *regex = NULL, *content = NULL;
    INK_TRY(ink__json_string(&string, json, pattern, "String", err));
    INK_TRY(ink__json_string(&regex, json, pattern, "Regex", err));
    INK_TRY(ink__json_string(&content, json, part, "content", err));
    if (!content || !string == !regex)
        return ink_fail(err, INK_E_FORMAT, "%s: Replace wants a \"pattern\" of one kind and a \"content\"",
                        json->path);
    if (regex ? strcmp(regex, " {2,}") != 0 : *string == '\0')
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: Replace has the pattern \"%.80s\", wanted a text or the expression \" {2,}\"",
                        json->path, regex ? regex : string);
    return ink__spm_add_replace(stages, string, content, err);
}

static ink_status read_normalizer(ink__spm_stages *stages, const ink__json *json, const json_t *part,
                                  int depth, ink_error *err)
{
    static const struct {
        const char *type;
        ink__step_kind kind;
    } plain[] = {{"Lowercase", INK__STEP_LOWERCASE},
                 {"NFKD", INK__STEP_NFKD},
                 {"StripAccents", INK__STEP_STRIP_ACCENTS},
                 {"Strip", INK__STEP_STRIP}};
    const char *type;
    INK_TRY(type_of(&type, json, part, "normalizer", err));
    if (strcmp(type, "Precompiled") == 0)
        return read_charsmap(stages, json, part, err);
    if (strcmp(type, "Replace") == 0)
        return read_replace(stages, json, part, err);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; ++i) {
        ink__step step = {.kind = plain[i].kind};
        if (strcmp(type, plain[i].type) != 0)
            continue;
        INK_TRY(ink__json_bool(&step.left, json, part, "strip_left", err));
        INK_TRY(ink__json_bool(&step.right, json, part, "strip_right", err));
        return ink__spm_add_step(stages, step, err);
    }
    if (strcmp(type, "Sequence") != 0 || depth > 4)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: a normalizer is \"%.80s\", wanted Precompiled, Replace, Strip, NFKD, "
                        "StripAccents, Lowercase or a Sequence",
                        json->path, type);
    const json_t *list = json_object_get(part, "normalizers");
    for (size_t i = 0; i < json_array_size(list); ++i)
        INK_TRY(read_normalizer(stages, json, json_array_get(list, i), depth + 1, err));
    return INK_OK;
}

/* --- pre_tokenizer -------------------------------------------------------------------------------------- */

static ink_status read_metaspace(ink__spm_stages *stages, const ink__json *json, const json_t *part,
                                 ink_error *err)
{
    static const char *const schemes[] = {"always", "first", "never"};
    const char *replacement = "", *scheme = "always";
    bool add_prefix_space = true;
    INK_TRY(ink__json_string(&replacement, json, part, "replacement", err));
    INK_TRY(ink__json_string(&scheme, json, part, "prepend_scheme", err));
    INK_TRY(ink__json_bool(&add_prefix_space, json, part, "add_prefix_space", err));
    INK_TRY(ink__json_bool(&stages->split, json, part, "split", err));
    if (strcmp(replacement, "\xE2\x96\x81") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: Metaspace puts \"%.80s\" for a space, wanted U+2581",
                        json->path, replacement);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; ++i) {
        if (strcmp(scheme, schemes[i]) != 0)
            continue;
        stages->prepend = (ink__prepend)i;
        if (!add_prefix_space && stages->prepend != INK__PREPEND_NEVER)
            break;
        return INK_OK;
    }
    return ink_fail(err, INK_E_FORMAT, "%s: Metaspace has prepend_scheme \"%.80s\" and add_prefix_space %s",
                    json->path, scheme, add_prefix_space ? "true" : "false");
}

bool ink__has_metaspace(const ink__json *json)
{
    const json_t *part = json_object_get(json->root, "pre_tokenizer");
    const json_t *list = json_object_get(part, "pretokenizers");
    const size_t n = json_array_size(list);
    const char *type = json_string_value(json_object_get(n ? json_array_get(list, n - 1) : part, "type"));
    return type && strcmp(type, "Metaspace") == 0;
}

/* Metaspace, alone or after WhitespaceSplit. */
static ink_status read_pre_tokenizer(ink__spm_stages *stages, const ink__json *json, ink_error *err)
{
    const json_t *part = json_object_get(json->root, "pre_tokenizer");
    const char *type = "null";
    if (part && !json_is_null(part))
        INK_TRY(type_of(&type, json, part, "pre_tokenizer", err));
    if (strcmp(type, "Sequence") == 0) {
        const json_t *list = json_object_get(part, "pretokenizers");
        for (size_t i = 0, n = json_array_size(list); i < n; ++i) {
            part = json_array_get(list, i);
            INK_TRY(type_of(&type, json, part, "pre_tokenizer", err));
            if (strcmp(type, i + 1 < n ? "WhitespaceSplit" : "Metaspace") != 0)
                break;
            stages->whitespace_split |= i + 1 < n;
        }
    }
    if (strcmp(type, "Metaspace") == 0)
        return read_metaspace(stages, json, part, err);
    return ink_fail(err, INK_E_UNSUPPORTED,
                    "%s: pre_tokenizer has \"%.80s\", wanted Metaspace, alone or after WhitespaceSplit",
                    json->path, type);
}

/* --- model ---------------------------------------------------------------------------------------------- */

/* The vocabulary is a list of [text, score]; a token's id is its place. */
static ink_status read_vocab(double *scores, ink_tokenizer *t, const ink__json *json, const json_t *list,
                             ink_error *err)
{
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *entry = json_array_get(list, i), *text = json_array_get(entry, 0);
        const json_t *score = json_array_get(entry, 1);
        int32_t before;
        if (!json_is_string(text) || !json_is_number(score))
            return ink_fail(err, INK_E_FORMAT, "%s: entry %zu of the model's \"vocab\" is not [text, score]",
                            json->path, i);
        const char *bytes = json_string_value(text);
        const size_t len = json_string_length(text);
        INK_TRY(ink__vocab_add(&t->vocab, &before, (int32_t)i, bytes, len, json->path, err));
        if (before >= 0)
            return ink_fail(err, INK_E_FORMAT,
                            "%s: entries %d and %zu of the model's \"vocab\" are both \"%.80s\"", json->path,
                            (int)before, i, bytes);
        scores[i] = json_number_value(score);
    }
    return INK_OK;
}

static ink_status read_model(ink__spm_stages *stages, ink_tokenizer *t, const ink__json *json,
                             double **scores, size_t *n, ink_error *err)
{
    const json_t *model = json_object_get(json->root, "model"), *list = json_object_get(model, "vocab");
    size_t unk = SIZE_MAX;
    *n = json_array_size(list);
    if (*n == 0 || *n >= INT32_MAX)
        return ink_fail(err, INK_E_FORMAT, "%s: the model's \"vocab\" is %s, wanted a list of tokens",
                        json->path, ink__json_kind(list));
    INK_TRY(ink__json_size(&unk, json, model, "unk_id", err));
    if (unk == SIZE_MAX)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: the model has no unk_id", json->path);
    if (unk >= *n)
        return ink_fail(err, INK_E_FORMAT, "%s: unk_id is %zu, but there are %zu tokens", json->path, unk,
                        *n);
    stages->unk = (int32_t)unk;
    INK_TRY(ink__json_bool(&stages->byte_fallback, json, model, "byte_fallback", err));
    INK_TRY(ink__calloc(scores, *n, sizeof **scores, "the tokens' scores", err));
    return read_vocab(*scores, t, json, list, err);
}

static ink_status read_post_processor(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    const json_t *part = json_object_get(json->root, "post_processor");
    const char *type = "null";
    if (part && !json_is_null(part))
        INK_TRY(type_of(&type, json, part, "post_processor", err));
    if (strcmp(type, "TemplateProcessing") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: post_processor is \"%.80s\", wanted TemplateProcessing",
                        json->path, type);
    return ink__template_read(t, json, part, err);
}

static ink_status read_stages(ink__spm_stages *stages, ink_tokenizer *t, const ink__json *json,
                              ink_error *err)
{
    const json_t *normalizer = json_object_get(json->root, "normalizer");
    if (normalizer && !json_is_null(normalizer))
        INK_TRY(read_normalizer(stages, json, normalizer, 0, err));
    INK_TRY(read_pre_tokenizer(stages, json, err));
    INK_TRY(ink__added_read(t, json, err));
    return ink__tokenizer_seal_added(t, json->path, err);
}

ink_status ink__tokenizer_read_unigram(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    ink_status st = INK_OK;
    ink__spm_stages *stages;
    double *scores = NULL;
    size_t n;
    INK_TRY_GOTO(ink__spm_init(&stages, t, err));
    INK_TRY_GOTO(read_model(stages, t, json, &scores, &n, err));
    INK_TRY_GOTO(read_stages(stages, t, json, err));
    INK_TRY_GOTO(ink__spm_build(t, scores, n, json->path, err));
    st = read_post_processor(t, json, err);
done:
    free(scores);
    return st;
}

ink_status ink__tokenizer_read_spm_bpe(ink_tokenizer *t, const ink__json *json, ink_error *err)
{
    ink__bpe_options options = {0};
    ink__spm_stages *stages;
    INK_TRY(ink__spm_init(&stages, t, err));
    INK_TRY(ink__bpe_read(&stages->merges, &options, t, json, err));
    const size_t n = t->vocab.size;
    stages->unk = options.unk ? ink__vocab_find(&t->vocab, options.unk, strlen(options.unk)) : -1;
    if (stages->unk < 0)
        return ink_fail(err, INK_E_FORMAT, "%s: the unk_token \"%.80s\" is not in the vocabulary", json->path,
                        options.unk ? options.unk : "null");
    if (options.ignore_merges)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: beside Metaspace, the BPE model has \"ignore_merges\", wanted false",
                        json->path);
    INK_TRY(ink__bpe_seal_chars(&stages->merges, stages->unk, options.fuse_unk, options.byte_fallback,
                                json->path, err));
    INK_TRY(read_stages(stages, t, json, err));
    INK_TRY(ink__spm_build_merges(t, n, err));
    return read_post_processor(t, json, err);
}
