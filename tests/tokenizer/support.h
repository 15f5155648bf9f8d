/* What the tokenizer's tests share: a tokenizer from JSON text, and encodings as text to compare. */
#ifndef INK_TESTS_TOKENIZER_SUPPORT_H
#define INK_TESTS_TOKENIZER_SUPPORT_H

#include "io/scratch.h"
#include "tokenizer/bert.h"
#include "tokenizer/open.h"

#include <ctype.h>
#include <inttypes.h>

static ink_error err;

/* "a@0-1 U+00E9@1-3": a character and its bytes, with those that are not printable ASCII by number. */
static inline void append_char(char *out, size_t size, const ink__char *ch)
{
    const size_t at = strlen(out);
    if (ch->cp > ' ' && ch->cp < 0x7F)
        snprintf(out + at, size - at, "%s%c@%zu-%zu", at ? " " : "", (int)ch->cp, ch->begin, ch->end);
    else if (ch->cp == ' ')
        snprintf(out + at, size - at, "%s_@%zu-%zu", at ? " " : "", ch->begin, ch->end);
    else
        snprintf(out + at, size - at, "%sU+%04X@%zu-%zu", at ? " " : "", (unsigned)ch->cp, ch->begin,
                 ch->end);
}

/* "CLS@0-0 un@0-2 ##want@2-6": the tokens of an encoding and their bytes. */
static inline const char *encoding_text(const ink_encoding *e, const ink_tokenizer *t)
{
    static char out[1 << 16];
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < e->length && at < sizeof out - 200; ++i)
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s@%zu-%zu", i ? " " : "",
                               ink_tokenizer_token(t, e->ids[i]), e->spans[i].begin, e->spans[i].end);
    return out;
}

/* A tokenizer.json around a vocabulary, given as `"token":id,...` after the five usual special tokens. */
static inline const char *json_around(const char *vocab, const char *normalizer, const char *added)
{
    static char out[1 << 15];
    snprintf(
        out, sizeof out,
        "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[%s],\"normalizer\":%s,"
        "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":{\"type\":\"BertProcessing\","
        "\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]},\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]"
        "\","
        "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{\"[PAD]\":0,"
        "\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"[MASK]\":4%s%s}}}",
        added, normalizer, *vocab ? "," : "", vocab);
    return out;
}

#define UNCASED                                                                                              \
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null," \
    "\"lowercase\":true}"

static inline ink_status parse_tokenizer(ink_tokenizer **t, const char *json)
{
    *t = calloc(1, sizeof **t);
    const ink_status st = ink__tokenizer_parse_json(*t, json, strlen(json), "tokenizer.json", &err);
    if (st != INK_OK) {
        ink_tokenizer_free(*t);
        *t = NULL;
    }
    return st;
}

static inline ink_tokenizer *tokenizer_of(const char *json)
{
    ink_tokenizer *t;
    assert_ok(parse_tokenizer(&t, json), err);
    return t;
}

#endif
