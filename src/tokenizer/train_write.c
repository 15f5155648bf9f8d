/* The files of a trained tokenizer, as Hugging Face's transformers and tokenizers read them. A WordPiece
 * directory is BertTokenizer's. SentencePiece's are PreTrainedTokenizerFast's, for which tokenizer.json is
 * all that counts: its other classes put their own special tokens and normalizers in the place of the file's.
 */
#include "tokenizer/train_write.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>

const char *const ink__train_specials[INK__TRAIN_SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

static ink_status write_file(const char *dir, const char *name, const char *bytes, size_t len, ink_error *err)
{
    ink__atomic *file = NULL;
    char *path;
    INK_TRY(ink__path_join(&path, dir, name, err));
    ink_status st = ink__atomic_open(&file, path, err);
    if (st == INK_OK)
        st = ink__atomic_write(file, bytes, len, err);
    if (st == INK_OK)
        st = ink__atomic_commit(file, err);
    ink__atomic_free(file);
    free(path);
    return st;
}

/* ---- the small files --------------------------------------------------------------------------------------
 */

#define SPECIAL_NAMES                                                                                        \
    "  \"cls_token\": \"[CLS]\",\n  \"mask_token\": \"[MASK]\",\n  \"pad_token\": \"[PAD]\",\n"              \
    "  \"sep_token\": \"[SEP]\",\n  \"unk_token\": \"[UNK]\"\n}\n"

/* `more` holds members of tokenizer_config.json. */
static ink_status write_configs(const char *dir, const char *more, ink_error *err)
{
    static const char map[] = "{\n" SPECIAL_NAMES;
    ink__text text = {0};
    ink_status st =
        ink__put(&text, err, "{\n", more,
                 "  \"model_input_names\": [\"input_ids\", \"token_type_ids\", \"attention_mask\"],\n"
                 "  \"model_max_length\": 512,\n" SPECIAL_NAMES,
                 NULL);
    if (st == INK_OK)
        st = write_file(dir, "tokenizer_config.json", text.data, text.len, err);
    if (st == INK_OK)
        st = write_file(dir, "special_tokens_map.json", map, sizeof map - 1, err);
    ink__text_free(&text);
    return st;
}

/* ---- tokenizer.json ---------------------------------------------------------------------------------------
 */

static ink_status put_head(ink__text *text, ink_error *err)
{
    INK_TRY(ink__text_cstr(
        text,
        "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [",
        err));
    for (size_t i = 0; i < INK__TRAIN_SPECIALS; ++i) {
        INK_TRY(ink__text_cstr(text, i ? ",\n    {\"id\": " : "\n    {\"id\": ", err));
        INK_TRY(ink__text_uint(text, i, err));
        INK_TRY(ink__put(text, err, ", \"content\": \"", ink__train_specials[i],
                         "\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                         "\"normalized\": false, \"special\": true}",
                         NULL));
    }
    return ink__text_cstr(text, "\n  ],\n", err);
}

/* [CLS] A [SEP] and [CLS] A [SEP] B [SEP], with types 0 and 1. */
static ink_status put_post_processor(ink__text *text, ink_error *err)
{
#define SPECIAL(name, type)  "{\"SpecialToken\": {\"id\": \"" name "\", \"type_id\": " type "}}"
#define SEQUENCE(name, type) "{\"Sequence\": {\"id\": \"" name "\", \"type_id\": " type "}}"
#define ENTRY(name, id)      "\"" name "\": {\"id\": \"" name "\", \"ids\": [" id "], \"tokens\": [\"" name "\"]}"
    return ink__put(
        text, err, "  \"post_processor\": {\n    \"type\": \"TemplateProcessing\",\n    \"single\": [",
        SPECIAL("[CLS]", "0"), ", ", SEQUENCE("A", "0"), ", ", SPECIAL("[SEP]", "0"), "],\n    \"pair\": [",
        SPECIAL("[CLS]", "0"), ", ", SEQUENCE("A", "0"), ", ", SPECIAL("[SEP]", "0"), ", ",
        SEQUENCE("B", "1"), ", ", SPECIAL("[SEP]", "1"), "],\n    \"special_tokens\": {", ENTRY("[CLS]", "2"),
        ", ", ENTRY("[SEP]", "3"), "}\n  },\n", NULL);
}

/* One member of the vocabulary of WordPiece and BPE. */
static ink_status put_entry(ink__text *text, const char *token, size_t len, size_t id, ink_error *err)
{
    INK_TRY(ink__text_cstr(text, id ? ",\n      " : "\n      ", err));
    INK_TRY(ink__text_string(text, token, len, err));
    INK_TRY(ink__text_cstr(text, ": ", err));
    return ink__text_uint(text, id, err);
}

/* ---- WordPiece
 * ---------------------------------------------------------------------------------------------- */

static ink_status put_wordpiece(ink__text *text, const ink__vocab *vocab, bool lowercase, ink_error *err)
{
    INK_TRY(put_head(text, err));
    INK_TRY(ink__put(text, err,
                     "  \"normalizer\": {\"type\": \"BertNormalizer\", \"clean_text\": true, "
                     "\"handle_chinese_chars\": true, \"strip_accents\": null, \"lowercase\": ",
                     lowercase ? "true" : "false",
                     "},\n  \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},\n", NULL));
    INK_TRY(put_post_processor(text, err));
    INK_TRY(ink__text_cstr(
        text,
        "  \"decoder\": {\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true},\n  \"model\": {\n"
        "    \"type\": \"WordPiece\",\n    \"unk_token\": \"[UNK]\",\n"
        "    \"continuing_subword_prefix\": \"##\",\n    \"max_input_chars_per_word\": 100,\n    \"vocab\": "
        "{",
        err));
    for (size_t i = 0; i < vocab->size; ++i) {
        size_t len;
        const char *token = ink__vocab_token(vocab, (int32_t)i, &len);
        INK_TRY(put_entry(text, token, len, i, err));
    }
    return ink__text_cstr(text, "\n    }\n  }\n}\n", err);
}

static ink_status put_lines(ink__text *text, const ink__vocab *vocab, ink_error *err)
{
    for (size_t i = 0; i < vocab->size; ++i) {
        size_t len;
        const char *token = ink__vocab_token(vocab, (int32_t)i, &len);
        INK_TRY(ink__text_bytes(text, token, len, err));
        INK_TRY(ink__text_bytes(text, "\n", 1, err));
    }
    return INK_OK;
}

ink_status ink__train_write_wordpiece(const char *dir, const ink__vocab *vocab, bool lowercase,
                                      ink_error *err)
{
    ink__text text = {0};
    ink_status st = put_lines(&text, vocab, err);
    INK_TRY_GOTO(st);
    INK_TRY_GOTO(write_file(dir, "vocab.txt", text.data, text.len, err));
    text.len = 0;
    INK_TRY_GOTO(put_wordpiece(&text, vocab, lowercase, err));
    INK_TRY_GOTO(write_file(dir, "tokenizer.json", text.data, text.len, err));
    st = write_configs(dir,
                       lowercase ? "  \"tokenizer_class\": \"BertTokenizer\",\n  \"do_lower_case\": true,\n"
                                   "  \"strip_accents\": null,\n  \"tokenize_chinese_chars\": true,\n"
                                 : "  \"tokenizer_class\": \"BertTokenizer\",\n  \"do_lower_case\": false,\n"
                                   "  \"strip_accents\": null,\n  \"tokenize_chinese_chars\": true,\n",
                       err);
done:
    ink__text_free(&text);
    return st;
}

/* ---- SentencePiece
 * ------------------------------------------------------------------------------------------ */

static ink_status put_unigram(ink__text *text, const ink__spm_model *model, ink_error *err)
{
    INK_TRY(ink__put(text, err, "    \"type\": \"Unigram\",\n    \"unk_id\": 1,\n    \"byte_fallback\": ",
                     model->byte_fallback ? "true" : "false", ",\n    \"vocab\": [", NULL));
    for (size_t i = 0; i < model->n; ++i) {
        INK_TRY(ink__text_cstr(text, i ? ",\n      [" : "\n      [", err));
        INK_TRY(ink__text_string(text, model->pieces[i].text, model->pieces[i].len, err));
        INK_TRY(ink__text_cstr(text, ", ", err));
        INK_TRY(ink__text_float(text, model->pieces[i].score, err));
        INK_TRY(ink__text_cstr(text, "]", err));
    }
    return ink__text_cstr(text, "\n    ]\n", err);
}

/* Unknown characters that follow each other are one token, as in SentencePiece. */
static ink_status put_bpe(ink__text *text, const ink__spm_model *model, ink_error *err)
{
    INK_TRY(ink__put(text, err,
                     "    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": \"[UNK]\",\n"
                     "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n"
                     "    \"fuse_unk\": true,\n    \"byte_fallback\": ",
                     model->byte_fallback ? "true" : "false",
                     ",\n    \"ignore_merges\": false,\n    \"vocab\": {", NULL));
    for (size_t i = 0; i < model->n; ++i)
        INK_TRY(put_entry(text, model->pieces[i].text, model->pieces[i].len, i, err));
    INK_TRY(ink__text_cstr(text, "\n    },\n    \"merges\": ", err));
    INK_TRY(ink__put_merges(text, model, err));
    return ink__text_cstr(text, "\n", err);
}

#define METASPACE                                                                                            \
    "{\"type\": \"Metaspace\", \"replacement\": \"\xE2\x96\x81\", \"prepend_scheme\": \"always\", "          \
    "\"split\": true}"

static ink_status put_spm(ink__text *text, const ink__spm_model *model, ink_error *err)
{
    INK_TRY(put_head(text, err));
    INK_TRY(ink__text_cstr(text, "  \"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"",
                           err));
    INK_TRY(ink__put_base64(text, (const unsigned char *)model->charsmap, model->charsmap_len, err));
    INK_TRY(ink__text_cstr(text,
                           "\"},\n  \"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": "
                           "[{\"type\": \"WhitespaceSplit\"}, " METASPACE "]},\n",
                           err));
    INK_TRY(put_post_processor(text, err));
    INK_TRY(
        ink__put(text, err, "  \"decoder\": ",
                 model->byte_fallback
                     ? "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": "
                       "{\"String\": \"\xE2\x96\x81\"}, \"content\": \" \"}, {\"type\": \"ByteFallback\"}, "
                       "{\"type\": \"Fuse\"}, {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, "
                       "\"stop\": 0}]}"
                     : METASPACE,
                 ",\n  \"model\": {\n", NULL));
    INK_TRY(model->type == INK__SPM_BPE ? put_bpe(text, model, err) : put_unigram(text, model, err));
    return ink__text_cstr(text, "  }\n}\n", err);
}

ink_status ink__train_write_spm(const char *dir, const ink__spm_model *model, const char *bytes, size_t len,
                                ink_error *err)
{
    ink__text text = {0};
    ink_status st = put_spm(&text, model, err);
    INK_TRY_GOTO(st);
    INK_TRY_GOTO(write_file(dir, "tokenizer.json", text.data, text.len, err));
    if (model->type == INK__SPM_UNIGRAM)
        INK_TRY_GOTO(write_file(dir, "spiece.model", bytes, len, err));
    st = write_configs(dir, "  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n", err);
done:
    ink__text_free(&text);
    return st;
}
