/* Tokenizer files: which are read, what they may say, and the sentence for each thing that is wrong. */
#include "support.h"

TestSuite(open, .init = make_scratch, .fini = remove_scratch);

#define VOCAB "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nworld\nWorld\n##s\ncaf\xC3\xA9\ncafe\n"

/* What a tokenizer opened from the scratch directory makes of a text. */
static const char *opened(const char *text, bool parse_special)
{
    static ink_encoding e;
    ink_tokenizer *t;
    const ink_encode_options o = {1, parse_special, false, 0, false};
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    assert_ok(ink_tokenizer_encode(&e, t, text, strlen(text), NULL, 0, &o, &err), err);
    const char *got = encoding_text(&e, t);
    ink_tokenizer_free(t);
    return got;
}

static void expect(const char *text, bool parse_special, const char *wanted)
{
    const char *got = opened(text, parse_special);
    cr_expect(strcmp(got, wanted) == 0, "`%s` became\n  %s, wanted\n  %s", text, got, wanted);
}

static void refuse(ink_status status, const char *sentence)
{
    ink_tokenizer *t = (ink_tokenizer *)&err;
    expect_failure(ink_tokenizer_open(&t, scratch, &err), err, status, sentence);
    cr_expect(t == NULL);
    ink_tokenizer_free(t);
}

static void config(const char *json)
{
    scratch_text("tokenizer_config.json", json);
}

/* --- vocab.txt --- */

Test(open, a_vocabulary_alone_is_uncased_bert)
{
    ink_tokenizer *t;
    scratch_text("vocab.txt", VOCAB);
    expect("Hello WORLDs caf\xC3\xA9", false,
           "[CLS]@0-0 hello@0-5 world@6-11 ##s@11-12 cafe@13-18 [SEP]@0-0");
    expect("[MASK]hello", true, "[CLS]@0-0 [MASK]@0-6 hello@6-11 [SEP]@0-0");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    cr_expect(ink_tokenizer_vocab_size(t) == 11 && strcmp(ink_tokenizer_kind(t), "WordPiece") == 0);
    cr_expect(ink_tokenizer_model_max_length(t) == SIZE_MAX);
    cr_expect(ink_tokenizer_specials(t, false) == 2 && ink_tokenizer_specials(t, true) == 3);
    cr_expect(strcmp(ink_tokenizer_token(t, 8), "##s") == 0 && ink_tokenizer_id(t, "##s", 3) == 8);
    cr_expect(!ink_tokenizer_token(t, -1) && !ink_tokenizer_token(t, 11) &&
              !ink_tokenizer_token(t, INT32_MAX));
    cr_expect(ink_tokenizer_id(t, "none", 4) == -1 && ink_tokenizer_id(t, "", 0) == -1);
    ink_tokenizer_free(t);
}

Test(open, the_config_says_how_to_normalise)
{
    scratch_text("vocab.txt", VOCAB);
    config(
        "{\"do_lower_case\":false,\"model_max_length\":512,\"tokenizer_class\":\"DistilBertTokenizerFast\"}");
    expect("World world caf\xC3\xA9", false, "[CLS]@0-0 World@0-5 world@6-11 caf\xC3\xA9@12-17 [SEP]@0-0");
    config("{\"do_lower_case\":false,\"strip_accents\":true}");
    expect("World caf\xC3\xA9", false, "[CLS]@0-0 World@0-5 cafe@6-11 [SEP]@0-0");
    config("{\"strip_accents\":false,\"truncation_side\":\"right\"}");
    expect("WORLD CAF\xC3\x89", false, "[CLS]@0-0 world@0-5 caf\xC3\xA9@6-11 [SEP]@0-0");
    config("{\"tokenize_chinese_chars\":false,\"strip_accents\":null}");
    expect("hello\xE5\xAD\x97s", false, "[CLS]@0-0 [UNK]@0-9 [SEP]@0-0");
}

Test(open, the_config_says_how_long_a_text_may_be)
{
    static const struct {
        const char *json;
        size_t length;
    } cases[] = {{"{\"model_max_length\":512}", 512},
                 {"{\"model_max_length\":1000000000000000019884624838656}", SIZE_MAX},
                 {"{\"model_max_length\":null}", SIZE_MAX},
                 {"{\"max_len\":128}", 128}};
    scratch_text("vocab.txt", VOCAB);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink_tokenizer *t;
        config(cases[i].json);
        assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
        cr_expect(ink_tokenizer_model_max_length(t) == cases[i].length, "%s", cases[i].json);
        ink_tokenizer_free(t);
    }
}

Test(open, lines_end_at_line_feeds_and_lose_white_space_at_their_end)
{
    ink_tokenizer *t;
    scratch_text("vocab.txt", "[PAD]\r\n[UNK] \r\n[CLS]\t\n[SEP]\n\xE2\x80\xA8\na\xE2\x80\xA8"
                              "b\n a\n\nlast");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    cr_expect(ink_tokenizer_id(t, "[UNK]", 5) == 1 && ink_tokenizer_id(t, "[CLS]", 5) == 2);
    cr_expect(ink_tokenizer_id(t,
                               "a\xE2\x80\xA8"
                               "b",
                               5) == 5,
              "U+2028 ends no line");
    cr_expect(ink_tokenizer_id(t, " a", 2) == 6 && ink_tokenizer_id(t, "last", 4) == 8);
    /* Two lines are empty once trimmed: the last counts, as for any token that comes twice. */
    cr_expect(ink_tokenizer_id(t, "", 0) == 7 && ink_tokenizer_token(t, 4) == NULL);
    ink_tokenizer_free(t);
}

Test(open, special_tokens_can_have_other_names_and_flags)
{
    scratch_text("vocab.txt", VOCAB "<s>\n</s>\n");
    config("{\"cls_token\":\"<s>\",\"sep_token\":{\"__type\":\"AddedToken\",\"content\":\"</"
           "s>\",\"lstrip\":true,"
           "\"rstrip\":false,\"normalized\":false,\"single_word\":false},\"unk_token\":\"world\"}");
    expect("what  </s>[SEP]", true,
           "<s>@0-0 world@0-4 </s>@4-10 world@10-11 world@11-14 world@14-15 </s>@0-0");
    expect("</s>", false, "<s>@0-0 world@0-1 world@1-2 world@2-3 world@3-4 </s>@0-0");
}

Test(open, a_special_token_that_a_file_names_is_special_and_gets_an_id_if_it_has_none)
{
    ink_tokenizer *t;
    scratch_text("vocab.txt", VOCAB);
    config(
        "{\"bos_token\":\"<b>\",\"mask_token\":{\"content\":\"world\",\"special\":false,\"rstrip\":true}}");
    expect("<b>world  hello", true, "[CLS]@0-0 <b>@0-3 world@3-10 hello@10-15 [SEP]@0-0");
    expect("world  hello", false, "[CLS]@0-0 world@0-5 hello@7-12 [SEP]@0-0");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    cr_expect(ink_tokenizer_id(t, "<b>", 3) == 11 && ink_tokenizer_vocab_size(t) == 12);
    ink_tokenizer_free(t);
    /* Those that go by their usual names without being asked for are not made up. */
    scratch_text("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n");
    config("{}");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    cr_expect(ink_tokenizer_vocab_size(t) == 3 && ink_tokenizer_id(t, "[MASK]", 6) == -1);
    ink_tokenizer_free(t);
}

Test(open, added_tokens_come_from_the_config)
{
    scratch_text("vocab.txt", VOCAB);
    config("{\"added_tokens_decoder\":{\"12\":{\"content\":\"<y>\",\"special\":false},"
           "\"11\":{\"content\":\"<x>\",\"special\":true,\"lstrip\":true}},\"mask_token\":\"<x>\"}");
    expect("hello <x> <Y>", true, "[CLS]@0-0 hello@0-5 <x>@5-9 <y>@10-13 [SEP]@0-0");
    expect("<x>", false, "[CLS]@0-0 [UNK]@0-1 [UNK]@1-2 [UNK]@2-3 [SEP]@0-0");
    config("{\"additional_special_tokens\":[\"<z>\",{\"content\":\"hello\",\"normalized\":false}]}");
    expect("<z>hello Hello", true, "[CLS]@0-0 <z>@0-3 hello@3-8 hello@9-14 [SEP]@0-0");
}

Test(open, older_files_beside_the_vocabulary_count_too)
{
    scratch_text("vocab.txt", VOCAB);
    config("{\"mask_token\":\"[MASK]\"}");
    scratch_text("special_tokens_map.json", "{\"mask_token\":{\"content\":\"world\",\"lstrip\":true}}");
    scratch_text("added_tokens.json", "{\"<y>\":11}");
    expect("hello world <Y> [MASK]", true,
           "[CLS]@0-0 hello@0-5 world@5-11 <y>@12-15 [UNK]@16-17 [UNK]@17-21 [UNK]@21-22 [SEP]@0-0");
    scratch_text("added_tokens.json", "{\"<y>\":\"11\"}");
    refuse(INK_E_FORMAT, "added_tokens.json: added token \"<y>\" is not a text with an id");
    scratch_text("added_tokens.json", "{\"11\":{\"content\":\"<y>\"}}");
    refuse(INK_E_FORMAT, "added_tokens.json: added token \"11\" is not a text with an id");
    config("{\"added_tokens_decoder\":{}}"); /* the newer way, which leaves them aside */
    expect("hello world <Y>", true,
           "[CLS]@0-0 hello@0-5 world@6-11 [UNK]@12-13 [UNK]@13-14 [UNK]@14-15 [SEP]@0-0");
}

Test(open, what_is_wrong_with_a_vocabulary_is_said)
{
    refuse(INK_E_IO, "has neither tokenizer.json nor vocab.txt");
    scratch_text("vocab.txt", "");
    refuse(INK_E_FORMAT, "vocab.txt: is empty, wanted a token in each line");
    scratch_text("vocab.txt", "[PAD]\n[UNK]\n\xFF\n");
    refuse(INK_E_FORMAT, "vocab.txt: line 3 is not UTF-8");
    scratch_text("vocab.txt", "[PAD]\n[CLS]\n[SEP]\n");
    refuse(INK_E_FORMAT, "vocab.txt: the unknown token \"[UNK]\" is not in the vocabulary of 3 tokens");
    scratch_text("vocab.txt", "[PAD]\n[UNK]\n[SEP]\n");
    refuse(INK_E_FORMAT, "vocab.txt: the special token \"[CLS]\" is not among the 3 tokens");
    scratch_text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n");
    refuse(INK_E_FORMAT, "vocab.txt: the special token \"[SEP]\" is not among the 3 tokens");
}

Test(open, what_is_wrong_with_the_config_is_said)
{
    static const struct {
        const char *json, *sentence;
        ink_status status;
    } cases[] = {
        {"{", "tokenizer_config.json: line 1", INK_E_FORMAT},
        {"{\"do_lower_case\":\"yes\"}", "\"do_lower_case\" is a string, wanted true or false", INK_E_FORMAT},
        {"{\"truncation_side\":\"left\"}", "truncation_side is \"left\"; texts are cut on the right only",
         INK_E_UNSUPPORTED},
        {"{\"do_basic_tokenize\":false}", "do_basic_tokenize is false", INK_E_UNSUPPORTED},
        {"{\"tokenizer_class\":\"BertJapaneseTokenizer\"}", "tokenizer_class is \"BertJapaneseTokenizer\"",
         INK_E_UNSUPPORTED},
        {"{\"cls_token\":\"<s>\"}", "the special token \"<s>\" is not among the 11 tokens", INK_E_FORMAT},
        {"{\"cls_token\":7}", "\"cls_token\" is neither a string nor an object with \"content\"",
         INK_E_FORMAT},
        {"{\"added_tokens_decoder\":{\"4\":{\"content\":\"hello\"}}}",
         "the added token \"hello\" has id 4, but in the vocabulary it has id 5", INK_E_FORMAT},
        {"{\"added_tokens_decoder\":{\"20\":{\"content\":\"<x>\"}}}",
         "the added token \"<x>\" has id 20, but the next free id is 11", INK_E_FORMAT},
        {"{\"added_tokens_decoder\":{\"x\":{\"content\":\"<x>\"}}}",
         "added token \"x\" is not an id with \"content\"", INK_E_FORMAT},
        {"{\"added_tokens_decoder\":{\"11\":5}}", "is not an id with \"content\"", INK_E_FORMAT},
        {"{\"added_tokens_decoder\":{\"11\":{\"content\":\"\xCC\x81\",\"normalized\":true}}}",
         "nothing is left of the added token", INK_E_FORMAT},
        {"{\"model_max_length\":\"x\"}", "\"model_max_length\" is a string, wanted a number", INK_E_FORMAT},
    };
    scratch_text("vocab.txt", VOCAB);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        config(cases[i].json);
        refuse(cases[i].status, cases[i].sentence);
    }
}

/* --- tokenizer.json --- */

/* A good file in which `old` is replaced by `new`, or removed. */
static const char *changed(const char *old, const char *new)
{
    static char out[1 << 15];
    const char *json = json_around("\"hello\":5,\"##s\":6", UNCASED,
                                   "{\"id\":4,\"content\":\"[MASK]\",\"single_word\":false,\"lstrip\":false,"
                                   "\"rstrip\":false,\"normalized\":false,\"special\":true}");
    const char *at = strstr(json, old);
    cr_assert(at, "the good file has no %s", old);
    snprintf(out, sizeof out, "%.*s%s%s", (int)(at - json), json, new, at + strlen(old));
    return out;
}

Test(open, tokenizer_json_comes_before_the_vocabulary)
{
    scratch_text("vocab.txt", "broken");
    scratch_text("tokenizer.json", changed("\"truncation\":null", "\"truncation\":{\"max_length\":1}"));
    config("{\"model_max_length\":64,\"do_lower_case\":false}");
    expect("HELLOS [MASK]", true, "[CLS]@0-0 hello@0-5 ##s@5-6 [MASK]@7-13 [SEP]@0-0");
    config("{\"truncation_side\":\"left\"}");
    refuse(INK_E_UNSUPPORTED, "texts are cut on the right only");
}

Test(open, components_may_stand_in_a_sequence_of_one_or_be_no_normalizer)
{
    scratch_text("tokenizer.json", changed(UNCASED, "{\"type\":\"Sequence\",\"normalizers\":[" UNCASED "]}"));
    expect("HELLO", false, "[CLS]@0-0 hello@0-5 [SEP]@0-0");
    scratch_text("tokenizer.json", changed(UNCASED, "null"));
    expect("HELLO hello", false, "[CLS]@0-0 [UNK]@0-5 hello@6-11 [SEP]@0-0");
    scratch_text("tokenizer.json",
                 changed("{\"type\":\"BertPreTokenizer\"}",
                         "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"BertPreTokenizer\"}]}"));
    expect("hello", false, "[CLS]@0-0 hello@0-5 [SEP]@0-0");
}

#define PIECE(kind, id) "{\"" kind "\":{\"id\":\"" id "\",\"type_id\":0}}"
#define BERT_PROCESSING "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]}"
#define TEMPLATE(single, pair, specials)                                                                     \
    "{\"type\":\"TemplateProcessing\",\"single\":[" single "],\"pair\":[" pair                               \
    "],\"special_tokens\":{" specials "}}"
#define A     PIECE("Sequence", "A")
#define B     PIECE("Sequence", "B")
#define CLS   PIECE("SpecialToken", "[CLS]")
#define CLS_2 "\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[2],\"tokens\":[\"[CLS]\"]}"

Test(open, what_is_wrong_with_tokenizer_json_is_said)
{
    static const struct {
        const char *old, *new, *sentence;
        ink_status status;
    } cases[] = {
        {"\"version\":\"1.0\"", "\"version\":\"2.0\"", "tokenizer.json: version is \"2.0\"",
         INK_E_UNSUPPORTED},
        {"\"model\":", "\"modle\":", "tokenizer.json: has no \"model\"", INK_E_FORMAT},
        {"\"type\":\"WordPiece\"", "\"type\":\"WordLevel\"", "model is \"WordLevel\", wanted WordPiece",
         INK_E_UNSUPPORTED},
        {"\"unk_token\"", "\"unknown\"", "the model lacks \"unk_token\"", INK_E_FORMAT},
        {"\"continuing_subword_prefix\":\"##\"", "\"continuing_subword_prefix\":null",
         "the model lacks \"continuing_subword_prefix\"", INK_E_FORMAT},
        {"\"max_input_chars_per_word\":100", "\"max_input_chars_per_word\":1.5",
         "\"max_input_chars_per_word\" is 1.5, wanted a whole number", INK_E_FORMAT},
        {"\"unk_token\":\"[UNK]\"", "\"unk_token\":\"<unk>\"",
         "the unknown token \"<unk>\" is not in the vocabulary of 7", INK_E_FORMAT},
        {"\"##s\":6", "\"##s\":7",
         "the token \"##s\" has id 7; the ids of 7 tokens are whole numbers from 0 to 6", INK_E_FORMAT},
        {"\"##s\":6", "\"##s\":5", "the tokens \"hello\" and \"##s\" both have id 5", INK_E_FORMAT},
        {"\"##s\":6", "\"##s\":-1", "the token \"##s\" has id -1", INK_E_FORMAT},
        {"\"##s\":6", "\"##s\":5.5", "the token \"##s\" has id 5.5", INK_E_FORMAT},
        {"\"##s\":6", "\"##s\":\"6\"", "the token \"##s\" has id -1", INK_E_FORMAT},
        {"\"##s\":6", "\"##s\":4294967302", "the token \"##s\" has id 4294967302", INK_E_FORMAT},
        {"\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"[MASK]\":4,\"hello\":5,\"##s\":6", "",
         "has no tokens", INK_E_FORMAT},
        {"\"vocab\":{", "\"vocab\":[],\"was\":{", "the model's \"vocab\" is an array", INK_E_FORMAT},
        {UNCASED, "{\"type\":\"NFKC\"}", "normalizer is \"NFKC\", wanted BertNormalizer or null",
         INK_E_UNSUPPORTED},
        {UNCASED, "{\"type\":\"Sequence\",\"normalizers\":[]}", "normalizer is a Sequence of 0",
         INK_E_UNSUPPORTED},
        {UNCASED, "{\"clean_text\":true}", "normalizer has no \"type\"", INK_E_FORMAT},
        {UNCASED, "7", "normalizer has no \"type\"", INK_E_FORMAT},
        {"\"lowercase\":true", "\"lower\":true", "normalizer lacks \"lowercase\"", INK_E_FORMAT},
        {"\"lowercase\":true", "\"lowercase\":1", "\"lowercase\" is 1, wanted true or false", INK_E_FORMAT},
        {"{\"type\":\"BertPreTokenizer\"}", "{\"type\":\"Whitespace\"}",
         "pre_tokenizer is \"Whitespace\", wanted BertPreTokenizer", INK_E_UNSUPPORTED},
        {"{\"type\":\"BertPreTokenizer\"}", "null", "pre_tokenizer is null, wanted BertPreTokenizer",
         INK_E_UNSUPPORTED},
        {BERT_PROCESSING, "null", "post_processor is null, wanted TemplateProcessing", INK_E_UNSUPPORTED},
        {BERT_PROCESSING, "{\"type\":\"RobertaProcessing\"}", "post_processor is \"RobertaProcessing\"",
         INK_E_UNSUPPORTED},
        {"[\"[CLS]\",2]", "[\"[CLS]\",9]", "no token of the vocabulary has the id 9 of \"[CLS]\"",
         INK_E_FORMAT},
        {"[\"[CLS]\",2]", "[\"[CLS]\",5]", "\"[CLS]\" has id 5, which is \"hello\" in the vocabulary",
         INK_E_FORMAT},
        {"[\"[CLS]\",2]", "[\"[CLS]\",2.5]", "has the id 2.5", INK_E_FORMAT},
        {"[\"[CLS]\",2]", "7", "has the id -1 of \"\"", INK_E_FORMAT},
        {BERT_PROCESSING, TEMPLATE(CLS, A "," B, CLS_2), "\"single\" does not have each text once",
         INK_E_UNSUPPORTED},
        {BERT_PROCESSING, TEMPLATE(A, B "," A, CLS_2), "\"pair\" does not have each text once",
         INK_E_UNSUPPORTED},
        {BERT_PROCESSING, TEMPLATE(A, A "," B "," B, CLS_2), "\"pair\" does not have each text once",
         INK_E_UNSUPPORTED},
        {BERT_PROCESSING, TEMPLATE(A "," CLS, A "," B, ""),
         "\"special_tokens\" has no ids and tokens for \"[CLS]\"", INK_E_FORMAT},
        {BERT_PROCESSING, TEMPLATE("{\"Text\":{}}", A "," B, CLS_2), "piece 1 of \"single\" is neither",
         INK_E_FORMAT},
        {BERT_PROCESSING, TEMPLATE("{\"Sequence\":{}}", A "," B, CLS_2),
         "piece 1 of \"single\" has no \"id\"", INK_E_FORMAT},
        {BERT_PROCESSING,
         TEMPLATE(A "," CLS "," CLS "," CLS "," CLS "," CLS "," CLS "," CLS "," CLS "," CLS "," CLS "," CLS
                    "," CLS "," CLS "," CLS "," CLS "," CLS "," CLS,
                  A "," B, CLS_2),
         "more than 16 special tokens", INK_E_UNSUPPORTED},
        {"\"id\":4,", "", "entry 1 of \"added_tokens\" has no \"id\" and \"content\"", INK_E_FORMAT},
        {"\"id\":4,", "\"id\":5,", "the added token \"[MASK]\" has id 5, but in the vocabulary it has id 4",
         INK_E_FORMAT},
        {"\"content\":\"[MASK]\"", "\"content\":\"<x>\"",
         "the added token \"<x>\" has id 4, but the next free id is 7", INK_E_FORMAT},
        {"\"lstrip\":false,", "", "an added token lacks \"lstrip\", wanted true or false", INK_E_FORMAT},
        {"\"added_tokens\":[", "\"added_tokens\":{},\"was\":[",
         "\"added_tokens\" is an object, wanted a list", INK_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        scratch_text("tokenizer.json", changed(cases[i].old, cases[i].new));
        refuse(cases[i].status, cases[i].sentence);
    }
}

Test(open, every_cut_of_a_file_is_refused)
{
    const char *json = changed("\"hello\"", "\"hell\"");
    const size_t len = strlen(json);
    ink_tokenizer *t;
    char cut[1 << 15];
    for (size_t n = 0; n < len; n += 7) {
        snprintf(cut, sizeof cut, "%.*s", (int)n, json);
        cr_expect(parse_tokenizer(&t, cut) == INK_E_FORMAT, "cut to %zu bytes", n);
    }
}
