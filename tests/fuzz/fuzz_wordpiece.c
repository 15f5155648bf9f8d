/* Any bytes as a text, under every option. The first byte chooses the tokenizer and the options, the second
 * the maximum length, the third where the pair begins. */
#include "fuzz.h"
#include "tokenizer/open.h"

#include <string.h>

#define FLAGS(word, left, right, normalized, special)                                                        \
    "\"single_word\":" word ",\"lstrip\":" left ",\"rstrip\":" right ",\"normalized\":" normalized           \
    ",\"special\":" special "}"
#define ADDED                                                                                                \
    "{\"id\":4,\"content\":\"[MASK]\"," FLAGS(                                                               \
        "false", "true", "false", "false",                                                                   \
        "true") ",{\"id\":20,\"content\":\"foo\"," FLAGS("true", "true", "true", "true",                     \
                                                         "false") ",{\"id\":21,\"content\":\" "              \
                                                                  "\"," FLAGS(                               \
                                                                      "false", "true", "true", "false",      \
                                                                      "false") ",{\"id\":"                   \
                                                                               "22,"                         \
                                                                               "\"content\""                 \
                                                                               ":\"  "                       \
                                                                               "\"," FLAGS(                  \
                                                                                   "false", "true", "true",  \
                                                                                   "true",                   \
                                                                                   "false") ",{\"id\":23,"   \
                                                                                            "\"content\":"   \
                                                                                            "\"\xC3\x89\""   \
                                                                                            "," FLAGS("tru"  \
                                                                                                      "e",   \
                                                                                                      "fals" \
                                                                                                      "e",   \
                                                                                                      "tru"  \
                                                                                                      "e",   \
                                                                                                      "tru"  \
                                                                                                      "e",   \
                                                                                                      "tru"  \
                                                                                                      "e")
#define TOKENIZER(normalizer, added)                                                                         \
    "{\"added_tokens\":[" added "],\"normalizer\":" normalizer                                               \
    ",\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":{\"type\":\"BertProcessing\","    \
    "\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]},\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]"   \
    "\","                                                                                                    \
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":9,\"vocab\":{\"[PAD]\":0,\"[UNK]\":"  \
    "1,"                                                                                                     \
    "\"[CLS]\":2,\"[SEP]\":3,\"[MASK]\":4,\"a\":5,\"##a\":6,\"b\":7,\"##b\":8,\"ab\":9,\"##ab\":10,\"e\":"   \
    "11,"                                                                                                    \
    "\"##e\":12,\"\xCC\x81\":13,\"##\xCC\x81\":14,\"\xE3\x80\xAE\":15,\"##\xE3\x80\xAE\":16,\"##o\":17,"     \
    "\"f\":18,\"\xE5\xAD\x97\":19}}}"
#define BERT(strip, lower)                                                                                   \
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_"                \
    "accents\":" strip ",\"lowercase\":" lower "}"

enum { TOKENIZERS = 4 };

static ink_tokenizer *tokenizers[TOKENIZERS];
static ink_encoding whole, part;
static ink_error err;

static void open_all(void)
{
    static const char *const files[TOKENIZERS] = {TOKENIZER(BERT("null", "true"), ""), TOKENIZER("null", ""),
                                                  TOKENIZER(BERT("true", "false"), ADDED),
                                                  TOKENIZER(BERT("false", "true"), ADDED)};
    for (int i = 0; i < TOKENIZERS; ++i) {
        tokenizers[i] = calloc(1, sizeof *tokenizers[i]);
        MUST(ink__tokenizer_parse_json(tokenizers[i], files[i], strlen(files[i]), "x", &err) == INK_OK);
    }
}

static void check(const ink_encoding *e, const ink_tokenizer *t, size_t text_len, size_t pair_len,
                  size_t most)
{
    MUST(e->length <= e->total && (most == 0 ? e->length == e->total : e->length <= most));
    for (size_t i = 0; i < e->length; ++i) {
        const size_t len = e->types[i] ? pair_len : text_len;
        MUST(ink_tokenizer_token(t, e->ids[i]) && (e->types[i] == 0 || e->types[i] == 1));
        MUST(e->spans[i].end <= len && e->spans[i].begin <= e->spans[i].end);
        MUST(e->spans[i].begin < e->spans[i].end ||
             (e->spans[i].end == 0 && (e->ids[i] == 2 || e->ids[i] == 3)));
    }
}

/* Encodes text[from, to) and checks that whole has just these tokens from place n on. */
static size_t check_part(size_t n, const ink_tokenizer *t, const char *text, size_t from, size_t to)
{
    const ink_encode_options bare = {1, false, true, 0, false};
    MUST(ink_tokenizer_encode(&part, t, text + from, to - from, NULL, 0, &bare, &err) == INK_OK);
    MUST(n + part.length <= whole.length);
    for (size_t i = 0; i < part.length; ++i)
        MUST(part.ids[i] == whole.ids[n + i] && part.spans[i].begin + from == whole.spans[n + i].begin &&
             part.spans[i].end + from == whole.spans[n + i].end);
    return n + part.length;
}

/* Without added tokens, what is left and right of a space are two texts. */
static void check_parts(const ink_tokenizer *t, const char *text, size_t len)
{
    const char *space = memchr(text, ' ', len);
    const size_t middle = space ? (size_t)(space - text) : len;
    const size_t n = check_part(0, t, text, 0, middle);
    MUST(check_part(n, t, text, middle, len) == whole.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!tokenizers[0])
        open_all();
    if (size < 3)
        return 0;
    const ink_tokenizer *t = tokenizers[data[0] % TOKENIZERS];
    const size_t len = size - 3, text_len = data[0] & 64 ? data[2] * len / 255 : len;
    const char *text = (const char *)data + 3, *pair = data[0] & 64 ? text + text_len : NULL;
    const ink_encode_options options = {1, (data[0] & 16) != 0, (data[0] & 32) != 0, data[1], false};
    const size_t specials = options.no_specials ? 0 : ink_tokenizer_specials(t, pair != NULL);
    const ink_status st =
        ink_tokenizer_encode(&whole, t, text, text_len, pair, len - text_len, &options, &err);
    if (options.max_length > 0 && options.max_length < specials) {
        MUST(st == INK_E_ARG);
        return 0;
    }
    MUST(st == INK_OK);
    check(&whole, t, text_len, len - text_len, options.max_length);

    const ink_encode_options bare = {1, options.parse_special, true, 0, false};
    MUST(ink_tokenizer_encode(&whole, t, text, len, NULL, 0, &bare, &err) == INK_OK);
    check(&whole, t, len, 0, 0);
    if (data[0] % TOKENIZERS < 2)
        check_parts(t, text, len);
    return 0;
}
