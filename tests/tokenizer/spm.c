/* SentencePiece: whole pipelines against what transformers' fast tokenizers made (make_spm_golden.py), bare
 * models against SentencePiece, small tokenizer.json files, and how ties are broken. */
#include "support.h"
#include "tokenizer/spm.h"

TestSuite(spm, .init = make_scratch, .fini = remove_scratch);

static const char *spm_path(const char *folder, const char *ending)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/tokenizer/spm/%s%s", INK_TEST_DATA, folder, ending);
    return path;
}

/* --- Whole pipelines --- */

static bool same_as_golden(const ink_encoding *e, const json_t *golden)
{
    const json_t *ids = json_object_get(golden, "ids"), *types = json_object_get(golden, "types");
    const json_t *offsets = json_object_get(golden, "offsets");
    bool same = json_array_size(ids) == e->length;
    for (size_t i = 0; same && i < e->length; ++i) {
        const json_t *span = json_array_get(offsets, i);
        same = json_number_value(json_array_get(ids, i)) == e->ids[i] &&
               json_number_value(json_array_get(types, i)) == e->types[i] &&
               json_number_value(json_array_get(span, 0)) == (double)e->spans[i].begin &&
               json_number_value(json_array_get(span, 1)) == (double)e->spans[i].end;
    }
    return same;
}

/* Each line of family.jsonl, as the directory has it. */
static void expect_golden(const char *family, const char *ending)
{
    static char file[512];
    char line[1 << 14];
    ink_tokenizer *t;
    ink_encoding e = {0};
    const ink_encode_options o = {1, true, false, 0, false};
    size_t n = 0;
    snprintf(file, sizeof file, "%s", spm_path(family, ".jsonl"));
    assert_ok(ink_tokenizer_open(&t, spm_path(family, ending), &err), err);
    FILE *lines = fopen(file, "r");
    cr_assert(lines, "%s cannot be read", file);
    for (; fgets(line, sizeof line, lines); ++n) {
        ink__json json;
        const char *text = NULL, *pair = NULL;
        assert_ok(ink__json_parse(&json, line, strlen(line), file, &err), err);
        assert_ok(ink__json_string(&text, &json, json.root, "text", &err), err);
        assert_ok(ink__json_string(&pair, &json, json.root, "pair", &err), err);
        assert_ok(ink_tokenizer_encode(&e, t, text, strlen(text), pair, pair ? strlen(pair) : 0, &o, &err),
                  err);
        cr_expect(same_as_golden(&e, json.root), "%s%s: line %zu, `%s`: %s", family, ending, n + 1, text,
                  encoding_text(&e, t));
        ink__json_close(&json);
    }
    fclose(lines);
    cr_expect(n > 15, "only %zu lines", n);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

Test(spm, a_model_file_becomes_what_transformers_makes_of_it)
{
    expect_golden("xlmr", "");
    expect_golden("camembert", "");
    expect_golden("albert", "");
}

Test(spm, a_tokenizer_json_with_a_unigram_model_says_the_same)
{
    expect_golden("xlmr", "-json");
    expect_golden("camembert", "-json");
    expect_golden("albert", "-json");
}

Test(spm, a_tokenizer_json_of_transformers_4_says_what_it_said_there)
{
    expect_golden("xlmr-older", "");
    expect_golden("albert-older", "");
}

Test(spm, the_older_files_beside_a_model_are_read)
{
    expect_golden("xlmr-files", "");
}

Test(spm, a_bpe_model_merges_as_its_pieces_are_scored)
{
    expect_golden("bpe", "");
    expect_golden("bpe-older", "");
}

Test(spm, what_is_no_token_becomes_its_bytes)
{
    expect_golden("bpe-bytes", "");
    expect_golden("unigram-bytes", "");
}

/* What the sentencepiece package makes of them. */
Test(spm, a_model_alone_is_sentencepiece_itself)
{
    expect_golden("bare-unigram", "");
    expect_golden("bare-bpe", "");
    expect_golden("bare-unigram-bytes", "");
    expect_golden("bare-bpe-bytes", "");
    expect_golden("bare-spaces", "");
}

Test(spm, special_tokens_written_in_a_text_are_plain_text)
{
    ink_tokenizer *t;
    ink_encoding e = {0};
    const char *text = "<s> </s> <mask> <pad>";
    assert_ok(ink_tokenizer_open(&t, spm_path("xlmr", ""), &err), err);
    assert_ok(ink_tokenizer_encode(&e, t, text, strlen(text), NULL, 0, NULL, &err), err);
    for (size_t i = 1; i + 1 < e.length; ++i)
        cr_expect(e.ids[i] >= 3 && (size_t)e.ids[i] + 1 < ink_tokenizer_vocab_size(t), "token %zu is %d", i,
                  (int)e.ids[i]);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

/* --- Small models --- */

/* Pieces "<unk>" and those given, as a tokenizer.json without a normalizer. */
static const char *unigram(const char *pieces, const char *more)
{
    static char out[1 << 14];
    snprintf(
        out, sizeof out,
        "{\"version\":\"1.0\",\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":{\"type\":"
        "\"Metaspace\",\"replacement\":\"\xE2\x96\x81\",\"prepend_scheme\":\"never\"},\"post_processor\":"
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],"
        "\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":0}}],"
        "\"special_tokens\":{}},\"model\":{\"type\":\"Unigram\",\"unk_id\":0,%s\"vocab\":[[\"<unk>\",0.0]%s]}"
        "}",
        more, pieces);
    return out;
}

static void expect_cut(const char *json, const char *text, const char *wanted)
{
    ink_tokenizer *t = tokenizer_of(json);
    ink_encoding e = {0};
    assert_ok(ink_tokenizer_encode(&e, t, text, strlen(text), NULL, 0, NULL, &err), err);
    const char *got = encoding_text(&e, t);
    cr_expect(strcmp(got, wanted) == 0, "`%s` became\n  %s, wanted\n  %s", text, got, wanted);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

/* What tokenizers 0.23.3 makes of them: sums in double, and of equal ones that whose last token starts first.
 */
Test(spm, of_two_ways_with_the_same_sum_the_last_token_starts_first)
{
    expect_cut(unigram(",[\"0\",-4.75],[\"00\",-5.125],[\"6\",-5.25],[\",\",-3.5]", ""), "6,000",
               "6@0-1 ,@1-2 0@2-3 00@3-5");
    expect_cut(unigram(",[\"0\",-4.75],[\"00\",-5.125]", ""), "0000000", "0@0-1 00@1-3 00@3-5 00@5-7");
}

/* -4.7 - 5.1 and -5.1 - 4.7 are the same, but not after -5.3 and -3.57, and rounded to floats otherwise. */
Test(spm, sums_are_rounded_as_doubles_from_left_to_right)
{
    expect_cut(unigram(",[\"0\",-4.7],[\"00\",-5.1],[\"6\",-5.3],[\",\",-3.57]", ""), "6,000",
               "6@0-1 ,@1-2 00@2-4 0@4-5");
    expect_cut(unigram(",[\"0\",-4.7],[\"00\",-5.1]", ""), "0000000", "00@0-2 00@2-4 0@4-5 00@5-7");
}

Test(spm, unknown_runs_are_one_token_or_their_bytes)
{
    expect_cut(unigram(",[\"a\",-1]", ""),
               "xy\xC3\xA9"
               "a",
               "<unk>@0-4 a@4-5");
    expect_cut(unigram(",[\"a\",-1],[\"<0x78>\",-2],[\"<0x79>\",-2]", "\"byte_fallback\":true,"), "xya",
               "<0x78>@0-2 <0x79>@0-2 a@2-3");
    expect_cut(unigram(",[\"a\",-1],[\"<0x78>\",-2]", "\"byte_fallback\":true,"), "xya", "<unk>@0-2 a@2-3");
}

Test(spm, what_a_tokenizer_json_may_not_say_is_named)
{
    static const struct {
        const char *from, *to, *sentence;
        ink_status status;
    } cases[] = {
        {"\"unk_id\":0", "\"unk_id\":9", "unk_id is 9, but there are 2 tokens", INK_E_FORMAT},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", "a normalizer is \"NFC\"",
         INK_E_UNSUPPORTED},
        {"\"Metaspace\"", "\"Whitespace\"", "pre_tokenizer has \"Whitespace\"", INK_E_UNSUPPORTED},
        {"[\"a\",-1]", "[\"<unk>\",-1]", "entries 0 and 1 of the model's \"vocab\" are both \"<unk>\"",
         INK_E_FORMAT},
        {"\"vocab\"", "\"vocabulary\"", "the model's \"vocab\" is missing, wanted a list", INK_E_FORMAT},
        {"\"unk_id\":0", "\"unk_id\":null", "the model has no unk_id", INK_E_UNSUPPORTED},
        {"[\"a\",-1]", "[\"a\"]", "entry 1 of the model's \"vocab\" is not [text, score]", INK_E_FORMAT},
        {"[\"a\",-1]", "[\"\",-1]", "piece 1 is empty", INK_E_FORMAT},
        {"[\"a\",-1]", "[\"a\",-1e300]", "the score of piece 1, \"a\", is -1e+300, which no float holds",
         INK_E_FORMAT},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"A?==\"}",
         "\"precompiled_charsmap\" is not base64", INK_E_FORMAT},
        {"\"normalizer\":null",
         "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAAAA==\"}",
         "the precompiled_charsmap of 4 bytes says that its trie has 0 bytes", INK_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char json[1 << 12];
        const char *whole = unigram(",[\"a\",-1]", ""), *at = strstr(whole, cases[i].from);
        ink_tokenizer *t;
        cr_assert(at);
        snprintf(json, sizeof json, "%.*s%s%s", (int)(at - whole), whole, cases[i].to,
                 at + strlen(cases[i].from));
        expect_failure(parse_tokenizer(&t, json), err, cases[i].status, cases[i].sentence);
        ink_tokenizer_free(t);
    }
}

/* Characters and merges over them, as a tokenizer.json with Metaspace. */
static const char *merging(const char *tokens, const char *merges, const char *options)
{
    static char out[1 << 14];
    snprintf(out, sizeof out,
             "{\"added_tokens\":[{\"id\":1,\"content\":\"ab\",\"single_word\":false,\"lstrip\":false,"
             "\"rstrip\":false,"
             "\"normalized\":false,\"special\":true}],\"normalizer\":null,\"pre_tokenizer\":{\"type\":"
             "\"Metaspace\","
             "\"replacement\":\"\xE2\x96\x81\",\"prepend_scheme\":\"never\"},\"post_processor\":{\"type\":"
             "\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{"
             "\"Sequence\":{"
             "\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":0}}],\"special_tokens\":{}"
             "},\"model\":{"
             "\"type\":\"BPE\",%s\"vocab\":{\"<unk>\":0,\"ab\":1%s},\"merges\":%s}}",
             options, tokens, merges);
    return out;
}

#define ABC ",\"a\":2,\"b\":3,\"c\":4,\"bc\":5"
#define UNK "\"unk_token\":\"<unk>\","

Test(spm, characters_merge_and_no_merge_makes_a_special_token)
{
    expect_cut(merging(ABC, "[\"a b\",\"b c\"]", UNK), "abc", "a@0-1 bc@1-3");
    expect_cut(merging(ABC, "[\"b c\"]", UNK "\"fuse_unk\":true,"), "xyabc", "<unk>@0-2 a@2-3 bc@3-5");
    expect_cut(merging(ABC, "[\"b c\"]", UNK), "xya", "<unk>@0-1 <unk>@1-2 a@2-3");
}

Test(spm, merges_that_do_not_fit_are_refused_in_a_sentence)
{
    static const struct {
        const char *tokens, *merges, *options, *sentence;
        ink_status status;
    } cases[] = {
        {ABC, "[\"a x\"]", UNK, "merge 1 needs the token \"x\"", INK_E_FORMAT},
        {ABC, "[\"b c\",\"c b\"]", UNK, "merge 2 needs the token \"cb\"", INK_E_FORMAT},
        {ABC, "[\"b c\",\"b c\"]", UNK, "merges 1 and 2 are the same pair", INK_E_FORMAT},
        {ABC, "[\"b c\"]", "", "the unk_token \"null\" is not in the vocabulary", INK_E_FORMAT},
        {ABC, "[\"b c\"]", "\"unk_token\":\"?\",", "the unk_token \"?\" is not in the vocabulary",
         INK_E_FORMAT},
        {ABC, "[\"b c\"]", UNK "\"byte_fallback\":true,", "there is no token \"<0x00>\"", INK_E_FORMAT},
        {ABC, "[\"b c\"]", UNK "\"ignore_merges\":true,", "\"ignore_merges\", wanted false",
         INK_E_UNSUPPORTED},
        {",\"a\":3", "[]", UNK, "has id 3", INK_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink_tokenizer *t;
        expect_failure(parse_tokenizer(&t, merging(cases[i].tokens, cases[i].merges, cases[i].options)), err,
                       cases[i].status, cases[i].sentence);
    }
}

/* transformers takes the last of two equal pieces. */
Test(spm, a_piece_that_is_there_twice_is_refused)
{
    ink_tokenizer *t;
    expect_failure(parse_tokenizer(&t, unigram(",[\"a\",-1],[\"a\",-2]", "")), err, INK_E_FORMAT,
                   "entries 1 and 2 of the model's \"vocab\" are both \"a\"");
}
