/* Any bytes as a text for byte-level BPE, and any bytes as its tokenizer.json. The first byte chooses: a
 * tokenizer and the options for the text that follows (then the second is the maximum length), or 255, after
 * which the rest is a file. */
#include "fuzz.h"
#include "tokenizer/bpe.h"
#include "tokenizer/open.h"

#include <string.h>

#define FLAGS(word, left, right, normalized)                                                                 \
    "\"single_word\":" word ",\"lstrip\":" left ",\"rstrip\":" right ",\"normalized\":" normalized           \
    ",\"special\":false}"
#define LEVEL(prefix, trim) "\"ByteLevel\",\"add_prefix_space\":" prefix ",\"trim_offsets\":" trim

/* What stands around the vocabulary of 256 bytes and these: 256 "ab", 257 "abab", 258 two spaces, 259 U+00E9.
 */
static const char *const parts[] = {
    "\"added_tokens\":[],\"pre_tokenizer\":{\"type\":" LEVEL("false", "true") "}",
    "\"added_tokens\":[{\"id\":260,\"content\":\"  \"," FLAGS(
        "false", "false", "false",
        "true") ",{\"id\":261,"
                "\"content\":\"<m>\"," FLAGS(
                    "false", "true", "true",
                    "false") "],\"normalizer\":{\"type\":\"NFC\"},"
                             "\"pre_tokenizer\":{\"type\":" LEVEL(
                                 "false", "true") "},\"post_processor\":{\"type\":" LEVEL("false",
                                                                                          "true") "}",
    "\"added_tokens\":[{\"id\":120,\"content\":\"x\"," FLAGS(
        "true", "true", "true",
        "true") ",{\"id\":233,"
                "\"content\":\"\xC3\xA9\"," FLAGS(
                    "false", "true", "false",
                    "true") "],\"normalizer\":{\"type\":\"NFC\"},"
                            "\"pre_tokenizer\":{\"type\":" LEVEL(
                                "true", "true") "},\"post_processor\":{\"type\":" LEVEL("true", "true") "}",
};
enum { TOKENIZERS = sizeof parts / sizeof *parts };

static ink_tokenizer *tokenizers[TOKENIZERS];
static ink_encoding encoding, part;
static ink_error err;

static void open_all(void)
{
    static char json[1 << 14];
    for (int i = 0; i < TOKENIZERS; ++i) {
        size_t len = (size_t)sprintf(json,
                                     "{%s,\"model\":{\"type\":\"BPE\",\"merges\":[\"a b\",\"ab ab\","
                                     "\"\xC4\xA0 \xC4\xA0\",\"\xC3\x83 \xC2\xA9\"],\"vocab\":{",
                                     parts[i]);
        for (unsigned b = 0; b < 256; ++b) {
            char utf8[4];
            const int n = (int)ink__byte_char(utf8, (unsigned char)b);
            len +=
                (size_t)sprintf(json + len, "\"%s%.*s\":%u,", b == '"' || b == '\\' ? "\\" : "", n, utf8, b);
        }
        sprintf(json + len, "\"ab\":256,\"abab\":257,\"\xC4\xA0\xC4\xA0\":258,\"\xC3\x83\xC2\xA9\":259}}}");
        tokenizers[i] = calloc(1, sizeof *tokenizers[i]);
        MUST(ink__tokenizer_parse_json(tokenizers[i], json, strlen(json), "x", &err) == INK_OK);
    }
}

static void check(const ink_encoding *e, size_t len, size_t most)
{
    MUST(e->length <= e->total && (most == 0 ? e->length == e->total : e->length <= most));
    for (size_t i = 0; i < e->length; ++i)
        MUST(e->spans[i].begin <= e->spans[i].end && e->spans[i].end <= len);
}

/* Without added tokens and NFC, a token's bytes are those of its span or part of a character there, and
 * together they are the text. */
static void check_bytes(const ink_encoding *e, const char *text, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < e->length && e->ids[i] < 256 + 4; ++i) {
        size_t n;
        const char *token = ink_tokenizer_token(tokenizers[0], e->ids[i]);
        n = e->ids[i] == 257 ? 4 : e->ids[i] >= 256 ? 2 : 1;
        MUST(token && e->spans[i].begin <= at && at + n <= e->spans[i].end);
        at += n;
    }
    MUST(at == len && text);
}

static void encode_text(const char *text, size_t len, unsigned choice, size_t most)
{
    const ink_tokenizer *t = tokenizers[choice % TOKENIZERS];
    const ink_encode_options o = {1, choice & 64, false, most, false},
                             all = {1, choice & 64, false, 0, false};
    MUST(ink_tokenizer_encode(&encoding, t, text, len, NULL, 0, &all, &err) == INK_OK);
    check(&encoding, len, 0);
    if (t == tokenizers[0] && encoding.bad_bytes == 0)
        check_bytes(&encoding, text, len);
    MUST(ink_tokenizer_encode(&part, t, text, len, NULL, 0, &o, &err) == INK_OK);
    check(&part, len, most);
    MUST(part.total == encoding.total);
    MUST(part.length == 0 || memcmp(part.ids, encoding.ids, part.length * sizeof *part.ids) == 0);
}

static void open_file(const char *bytes, size_t size)
{
    ink_tokenizer *t = calloc(1, sizeof *t);
    MUST(t);
    if (ink__tokenizer_parse_json(t, bytes, size, "x", &err) == INK_OK) {
        const ink_encode_options o = {1, true, false, 0, false};
        static const char text[] = "the  the\xCC\x81 's\n ab \xFF";
        MUST(ink_tokenizer_encode(&encoding, t, text, sizeof text - 1, text, 5, &o, &err) == INK_OK);
    } else {
        MUST(err.text[0] != '\0');
    }
    ink_tokenizer_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!tokenizers[0])
        open_all();
    if (size < 2)
        return 0;
    if (data[0] == 255) {
        open_file((const char *)data + 1, size - 1);
        return 0;
    }
    char *text = malloc(size - 2 + (size == 2)); /* to the byte, so that a read past the end is seen */
    MUST(text);
    memcpy(text, data + 2, size - 2);
    encode_text(text, size - 2, data[0], data[1]);
    free(text);
    return 0;
}
