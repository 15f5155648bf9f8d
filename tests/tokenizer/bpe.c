/* Byte-level BPE: words, merges, offsets and files. */
#include "tokenizer/bpe.h"
#include "tokenizer/bpe_pretokenize.h"
#include "tokenizer/open.h"
#include "cases.h"
#include "io/scratch.h"

static ink_error err;

/* --- Against the package -----------------------------------------------------------------------------------
 */

/* golden/bpe_cases.jsonl is what tokenizers 0.23.3 made of texts and options; see make_bpe_golden.py. */
Test(bpe, hard_cases_are_what_the_package_makes_of_them)
{
    check_cases("bpe_cases.jsonl", 401);
}

/* --- Words -------------------------------------------------------------------------------------------------
 */

Test(bpe, words_are_split_as_gpt2_splits_them)
{
    static const char *const cases[][2] = {
        {"the cat", "the| cat"},
        {"they're 'S's", "they|'re| '|S|'s"},
        {"a  b", "a| | b"},
        {"a \n\n b", "a| \n\n| b"},
        {"a\tb", "a|\t|b"},
        {"a \tb ", "a| |\t|b| "},
        {"x1y 22!?", "x|1|y| 22|!?"},
        {"I'm it'd can't we've I's", "I|'m| it|'d| can|'t| we|'ve| I|'s"},
        {"'ll'r'", "'ll|'|r|'"},
        {"caf\xC3\xA9s\xCC\x81x", "caf\xC3\xA9s|\xCC\x81|x"},
        {"\xC2\xB2\xD9\xA3\xE2\x85\xA0", "\xC2\xB2\xD9\xA3\xE2\x85\xA0"},
        {"a\xC2\xA0 b\xE3\x80\x80", "a|\xC2\xA0| b|\xE3\x80\x80"},
    };
    uint8_t classes[65536];
    ink__bpe_fill_classes(classes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const unsigned char *p = (const unsigned char *)cases[i][0], *end = p + strlen(cases[i][0]);
        char split[100] = "";
        for (size_t len, n = 0; p < end; p += len, ++n) {
            len = ink__bpe_split(classes, p, end);
            snprintf(split + strlen(split), sizeof split - strlen(split), "%s%.*s", n ? "|" : "", (int)len,
                     (const char *)p);
        }
        cr_expect(strcmp(split, cases[i][1]) == 0, "\"%s\", wanted \"%s\"", split, cases[i][1]);
    }
}

/* --- Merges ------------------------------------------------------------------------------------------------
 */

/* All 256 bytes and the tokens of `more`, which ends in NULL. */
static void fill_vocab(ink__vocab *vocab, const char *const *more)
{
    int32_t before, id = 0;
    for (unsigned b = 0; b < 256; ++b) {
        char utf8[4];
        const size_t len = ink__byte_char(utf8, (unsigned char)b);
        assert_ok(ink__vocab_add(vocab, &before, id++, utf8, len, "x", &err), err);
    }
    for (; *more; ++more)
        assert_ok(ink__vocab_add(vocab, &before, id++, *more, strlen(*more), "x", &err), err);
}

typedef struct text_of {
    const ink__vocab *vocab;
    char *out; /* tokens with | between them */
} text_of;

static void push_text(ink__sink *sink, const void *context, int32_t id, const ink__bpe_word *word,
                      size_t begin, size_t end)
{
    const text_of *t = context;
    const char *token = ink__vocab_token(t->vocab, id, NULL);
    (void)sink;
    cr_expect(strlen(token) == end - begin && memcmp(word->bytes + begin, token, end - begin) == 0,
              "token %s for bytes %zu to %zu", token, begin, end);
    sprintf(t->out + strlen(t->out), "%s%s", *t->out ? "|" : "", token);
}

static const char *const tokens[] = {"ab", "bc", "abc", "aa", "aaaa", "abab", "xy", "axy", NULL};
static const char *const pairs[][2] = {{"b", "c"}, {"a", "b"},   {"a", "bc"},
                                       {"a", "a"}, {"aa", "aa"}, {"ab", "ab"}};

static void make_model(ink__bpe *m, ink__vocab *vocab, bool ignore_merges)
{
    fill_vocab(vocab, tokens);
    assert_ok(ink__bpe_init(m, vocab, 6, &err), err);
    for (size_t i = 0; i < 6; ++i)
        assert_ok(
            ink__bpe_merge(m, pairs[i][0], strlen(pairs[i][0]), pairs[i][1], strlen(pairs[i][1]), "x", &err),
            err);
    assert_ok(ink__bpe_seal(m, -1, false, ignore_merges, "x", &err), err);
}

static const char *encode_word(const ink__bpe *m, const ink__vocab *vocab, const char *text)
{
    static char out[1000];
    ink_encoding none = {.capacity = SIZE_MAX};
    ink__sink sink = {.encoding = &none};
    ink__bpe_scratch memory = {0};
    const ink__bpe_word word = {(const unsigned char *)text, strlen(text), 0, NULL};
    const text_of to = {vocab, out};
    out[0] = '\0';
    assert_ok(ink__bpe_encode(&sink, &memory, m, &word, push_text, &to, &err), err);
    ink__bpe_scratch_free(&memory);
    return out;
}

Test(bpe, the_lowest_rank_merges_first_and_of_equals_the_leftmost)
{
    static const char *const cases[][2] = {
        {"abc", "abc"},        {"abcab", "abc|ab"}, {"aaa", "aa|a"}, {"aaaaa", "aaaa|a"},
        {"ababab", "abab|ab"}, {"aab", "a|ab"},     {"xy", "x|y"},   {"axy", "a|x|y"},
    };
    ink__vocab vocab = {0};
    ink__bpe m;
    make_model(&m, &vocab, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const char *got = encode_word(&m, &vocab, cases[i][0]);
        cr_expect(strcmp(got, cases[i][1]) == 0, "%s, wanted %s", got, cases[i][1]);
    }
    ink__bpe_release(&m);
    ink__vocab_free(&vocab);
}

Test(bpe, ignore_merges_takes_a_token_that_no_merge_makes)
{
    ink__vocab vocab = {0};
    ink__bpe m;
    make_model(&m, &vocab, true);
    cr_expect(strcmp(encode_word(&m, &vocab, "axy"), "axy") == 0, "%s", encode_word(&m, &vocab, "axy"));
    cr_expect(strcmp(encode_word(&m, &vocab, "axyx"), "a|x|y|x") == 0, "%s", encode_word(&m, &vocab, "axyx"));
    ink__bpe_release(&m);
    ink__vocab_free(&vocab);
}

/* Words of more than 32 bytes go another way, which 'z', that nothing merges with, may not show. */
Test(bpe, a_long_word_merges_like_its_parts)
{
    static const char *const parts[] = {"abcab", "aaaaa", "abababa", "aab", "bcbc", "cabcaaab", "baaaabc"};
    ink__vocab vocab = {0};
    ink__bpe m;
    char word[200] = "", wanted[400] = "";
    make_model(&m, &vocab, false);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        sprintf(word + strlen(word), "%sz", parts[i]);
        sprintf(wanted + strlen(wanted), "%s%s|z", i ? "|" : "", encode_word(&m, &vocab, parts[i]));
    }
    const char *got = encode_word(&m, &vocab, word);
    cr_expect(strlen(word) > 32 && strcmp(got, wanted) == 0, "%s, wanted %s", got, wanted);
    ink__bpe_release(&m);
    ink__vocab_free(&vocab);
}

/* --- Texts -------------------------------------------------------------------------------------------------
 */

Test(bpe, ill_formed_bytes_are_replacement_characters_with_offsets_of_their_own)
{
    ink_tokenizer *t = open_golden("bpe");
    ink_encoding bad = {0}, good = {0};
    const ink_encode_options bare = {1, false, true, 0, false};
    assert_ok(ink_tokenizer_encode(&bad, t, "a\xE5\xAD b", 5, NULL, 0, &bare, &err), err);
    assert_ok(ink_tokenizer_encode(&good, t, "a\xEF\xBF\xBD b", 6, NULL, 0, &bare, &err), err);
    cr_assert(bad.length == good.length && bad.bad_bytes == 1 && good.bad_bytes == 0, "%zu and %zu tokens",
              bad.length, good.length);
    for (size_t i = 0; i < bad.length; ++i)
        cr_expect(bad.ids[i] == good.ids[i], "token %zu", i);
    for (size_t i = 1; i <= 3; ++i)
        cr_expect(bad.spans[i].begin == 1 && bad.spans[i].end == 3, "%zu-%zu", bad.spans[i].begin,
                  bad.spans[i].end);
    ink_encoding_free(&bad);
    ink_encoding_free(&good);
    ink_tokenizer_free(t);
}

/* A text with a mark that NFC moves goes through the buffer, of 4096 bytes at first; its words must not
 * depend on where that is cut. */
Test(bpe, words_do_not_change_where_the_buffer_is_cut)
{
    static const char phrase[] = " they're 12\n\n we'll"; /* no added token, which would end a part */
    static char text[4096 + 300];
    ink_tokenizer *t = open_golden("bpe_modern");
    ink_encoding plain = {0}, through = {0};
    const ink_encode_options bare = {1, false, true, 0, false};
    for (size_t shift = 0; shift < sizeof phrase; ++shift) {
        size_t len = shift;
        memset(text, 'a', shift);
        while (len + sizeof phrase + 4 < sizeof text)
            len += (size_t)sprintf(text + len, "%s", phrase);
        assert_ok(ink_tokenizer_encode(&plain, t, text, len, NULL, 0, &bare, &err), err);
        memcpy(text + len, "?\xCC\x81", 3);
        assert_ok(ink_tokenizer_encode(&through, t, text, len + 3, NULL, 0, &bare, &err), err);
        cr_assert(plain.length > 1000 && through.length > plain.length, "%zu and %zu tokens", plain.length,
                  through.length);
        for (size_t i = 0; i < plain.length; ++i)
            cr_assert(plain.ids[i] == through.ids[i] && plain.spans[i].begin == through.spans[i].begin &&
                          plain.spans[i].end == through.spans[i].end,
                      "shift %zu: token %zu of %zu", shift, i, plain.length);
    }
    ink_encoding_free(&plain);
    ink_encoding_free(&through);
    ink_tokenizer_free(t);
}

Test(bpe, a_word_of_a_megabyte_is_encoded)
{
    enum { N = 1 << 20 };
    ink_tokenizer *t = open_golden("bpe");
    ink_encoding e = {0};
    char *text = malloc(N);
    memset(text, 'a', N);
    assert_ok(ink_tokenizer_encode(&e, t, text, N, NULL, 0, NULL, &err), err);
    cr_expect(e.length > 2 && e.spans[e.length - 2].end == N, "%zu tokens", e.length);
    free(text);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

/* --- Broken files ------------------------------------------------------------------------------------------
 */

/* A tokenizer.json with all bytes, `more` tokens from id 256 on, and these parts. */
static const char *json_of(const char *more, const char *merges, const char *options, const char *others)
{
    static char out[1 << 14];
    size_t len =
        (size_t)sprintf(out, "{\"model\":{\"type\":\"BPE\",%s\"merges\":%s,\"vocab\":{", options, merges);
    for (unsigned b = 0; b < 256; ++b) {
        char utf8[4];
        const int n = (int)ink__byte_char(utf8, (unsigned char)b);
        len += (size_t)sprintf(out + len, "%s\"%s%.*s\":%u", b ? "," : "", b == '"' || b == '\\' ? "\\" : "",
                               n, utf8, b);
    }
    sprintf(out + len, "%s}},%s}", more, others);
    return out;
}

#define LEVEL "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true}"

static ink_status parse(const char *json)
{
    ink_tokenizer *t = calloc(1, sizeof *t);
    const ink_status st = ink__tokenizer_parse_json(t, json, strlen(json), "tokenizer.json", &err);
    ink_tokenizer_free(t);
    return st;
}

Test(bpe, a_broken_tokenizer_json_is_refused_in_a_sentence)
{
    static const struct {
        const char *more, *merges, *options, *others;
        ink_status status;
        const char *wanted;
    } cases[] = {
        {"", "[\"a b\"]", "", LEVEL, INK_E_FORMAT, "merge 1 needs the token \"ab\""},
        {",\"ab\":256", "[\"a b\",[\"x\",\"yz\"]]", "", LEVEL, INK_E_FORMAT,
         "merge 2 needs the token \"yz\""},
        {",\"ab\":256", "[\"a b\",[\"a\",\"b\"]]", "", LEVEL, INK_E_FORMAT,
         "merges 1 and 2 are the same pair"},
        {",\"ab\":256", "[\"a b c\"]", "", LEVEL, INK_E_FORMAT, "merge 1 is a b c, wanted two tokens"},
        {",\"ab\":256", "[7]", "", LEVEL, INK_E_FORMAT, "merge 1 is a number, wanted two tokens"},
        {",\"ab\":256", "{}", "", LEVEL, INK_E_FORMAT, "\"merges\" is an object, wanted a list"},
        {",\"ab\":257", "[]", "", LEVEL, INK_E_FORMAT, "the token \"ab\" has id 257"},
        {",\"ab\":255", "[]", "", LEVEL, INK_E_FORMAT, "both have id 255"},
        {"", "[]", "\"unk_token\":\"[U]\",", LEVEL, INK_E_FORMAT, "the unknown token \"[U]\" is not in"},
        {"", "[]", "\"dropout\":0.1,", LEVEL, INK_E_UNSUPPORTED, "\"dropout\""},
        {"", "[]", "\"byte_fallback\":true,", LEVEL, INK_E_UNSUPPORTED, "\"byte_fallback\""},
        {"", "[]", "\"end_of_word_suffix\":\"</w>\",", LEVEL, INK_E_UNSUPPORTED, "end_of_word_suffix"},
        {"", "[]", "", "\"pre_tokenizer\":null", INK_E_UNSUPPORTED, "pre_tokenizer is null"},
        {"", "[]", "", "\"pre_tokenizer\":{\"type\":\"Split\"}", INK_E_UNSUPPORTED,
         "pre_tokenizer is \"Split\""},
        {"", "[]", "", "\"pre_tokenizer\":{\"type\":\"ByteLevel\"}", INK_E_FORMAT, "lacks \"trim_offsets\""},
        {"", "[]", "", LEVEL ",\"normalizer\":{\"type\":\"NFKC\"}", INK_E_UNSUPPORTED,
         "normalizer is \"NFKC\""},
        {"", "[]", "", LEVEL ",\"post_processor\":{\"type\":\"BertProcessing\"}", INK_E_UNSUPPORTED,
         "BertProcessing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        expect_failure(parse(json_of(cases[i].more, cases[i].merges, cases[i].options, cases[i].others)), err,
                       cases[i].status, cases[i].wanted);
    assert_ok(parse(json_of(",\"ab\":256", "[\"a b\"]", "", LEVEL)), err);
    expect_failure(parse("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}," LEVEL "}"), err, INK_E_FORMAT,
                   "the model's \"merges\" is missing, wanted a list");
    expect_failure(parse("{\"model\":{\"type\":\"BPE\",\"merges\":[]}," LEVEL "}"), err, INK_E_FORMAT,
                   "is missing");
    expect_failure(parse("{\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{\"a\":0}}," LEVEL "}"), err,
                   INK_E_FORMAT, "no token for byte 0x00 (U+0100)");
}

Test(bpe, broken_merges_are_refused_with_their_line, .init = make_scratch, .fini = remove_scratch)
{
    static const char *const cases[][2] = {
        {"#version: 0.2\na b\n\n", "line 3 is \"\", wanted two tokens"},
        {"a b\nx\n", "line 2 is \"x\", wanted two tokens"},
        {"a b c\n", "line 1 is \"a b c\", wanted two tokens"},
        {"a b\na c\n", "merge 2 needs the token \"ac\""},
        {"a b\na b\n", "merges 1 and 2 are the same pair"},
        {"a \xFF\n", "line 1 is not UTF-8"},
    };
    ink_tokenizer *t;
    const char *json = json_of(",\"ab\":256,\"<s>\":257,\"</s>\":258", "[]", "", LEVEL);
    char vocab[1 << 14];
    const char *open = strstr(json, "\"vocab\":") + strlen("\"vocab\":");
    snprintf(vocab, sizeof vocab, "%.*s", (int)(strstr(open, "}},") + 1 - open), open);
    scratch_text("vocab.json", vocab);
    expect_failure(ink_tokenizer_open(&t, scratch, &err), err, INK_E_IO, "merges.txt");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        scratch_text("merges.txt", cases[i][0]);
        expect_failure(ink_tokenizer_open(&t, scratch, &err), err, INK_E_FORMAT, cases[i][1]);
    }
    scratch_text("merges.txt", "#version: 0.2\r\na b\r\n");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    cr_expect(ink_tokenizer_id(t, "<mask>", 6) == 261 && ink_tokenizer_specials(t, true) == 4, "<mask> is %d",
              ink_tokenizer_id(t, "<mask>", 6));
    ink_tokenizer_free(t);
}
