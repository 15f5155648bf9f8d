/* SentencePiece's model files: the checks that stand before SentencePiece, directories that do not fit
 * together, the precompiled rules, and where what comes out differs from the packages. */
#include "support.h"
#include "tokenizer/spm.h"

#include <math.h>

TestSuite(spm_model, .init = make_scratch, .fini = remove_scratch);

/* --- ModelProtos --- */

/* Writes these pieces as they are, sound or not, and reads them back. */
static ink_status reread(ink__spm_model *model)
{
    ink__spm_model back;
    char *bytes;
    size_t len;
    assert_ok(ink__spm_model_write(&bytes, &len, model, &err), err);
    const ink_status st = ink__spm_model_read(&back, bytes, len, "m.model", &err);
    if (st == INK_OK) {
        cr_expect(back.n == model->n && back.unk == model->unk && back.type == model->type);
        ink__spm_model_free(&back);
    }
    free(bytes);
    return st;
}

Test(spm_model, what_is_wrong_with_a_model_is_said)
{
    static const struct {
        ink__spm_piece pieces[3];
        int32_t type;
        ink_status status;
        const char *sentence;
    } cases[] = {
        {{{"<unk>", 5, 0, 2}, {"a", 1, 0, 1}, {"b", 1, 0, 1}},
         3,
         INK_E_UNSUPPORTED,
         "type is word, wanted unigram"},
        {{{"<unk>", 5, 0, 2}, {"a", 1, 0, 1}, {"a", 1, 0, 1}},
         1,
         INK_E_FORMAT,
         "the piece \"a\" is there twice"},
        {{{"<unk>", 5, 0, 2}, {"a", 1, 0, 1}, {"", 0, 0, 1}}, 1, INK_E_FORMAT, "piece 2 is empty"},
        {{{"<unk>", 5, 0, 2}, {"a\0b", 3, 0, 1}, {"b", 1, 0, 1}}, 1, INK_E_FORMAT, "piece 1 has a NUL"},
        {{{"<unk>", 5, 0, 2}, {"\xFF", 1, 0, 1}, {"b", 1, 0, 1}}, 1, INK_E_FORMAT, "is not UTF-8"},
        {{{"<unk>", 5, 0, 2}, {"a", 1, NAN, 1}, {"b", 1, 0, 1}},
         1,
         INK_E_FORMAT,
         "score of piece 1, \"a\", is not"},
        {{{"<unk>", 5, 0, 1}, {"a", 1, 0, 1}, {"b", 1, 0, 1}},
         1,
         INK_E_FORMAT,
         "0 pieces are of the type UNKNOWN"},
        {{{"<unk>", 5, 0, 2}, {"a", 1, 0, 2}, {"b", 1, 0, 1}},
         1,
         INK_E_FORMAT,
         "2 pieces are of the type UNKNOWN"},
        {{{"<unk>", 5, 0, 2}, {"a", 1, 0, 3}, {"b", 1, 0, 3}},
         1,
         INK_E_FORMAT,
         "no piece is of the type NORMAL"},
        {{{"<unk>", 5, 0, 2}, {"a", 1, 0, 6}, {"b", 1, 0, 1}}, 1, INK_E_FORMAT, "is not written as <0xNN>"},
        {{{"<unk>", 5, 0, 2}, {"<0x61>", 6, 0, 6}, {"b", 1, 0, 1}},
         1,
         INK_E_FORMAT,
         "1 byte pieces, but byte_fallback"},
        {{{"<unk>", 5, 0, 2}, {"a", 1, 0, 7}, {"b", 1, 0, 1}}, 1, INK_E_FORMAT, "a type that there is not"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__spm_model model = {.n = 3, .type = cases[i].type};
        ink__spm_piece pieces[3];
        memcpy(pieces, cases[i].pieces, sizeof pieces);
        model.pieces = pieces;
        expect_failure(reread(&model), err, cases[i].status, cases[i].sentence);
    }
}

/* Bytes that are no ModelProto, or one that SentencePiece would read out of bounds. */
Test(spm_model, bytes_that_lie_about_themselves_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *sentence;
    } cases[] = {
        {"", 0, "a SentencePiece model of 0 pieces, wanted 1 to"},
        {"\x0A", 1, "a number does not end at byte 1"},
        {"\x0A\x7F"
         "a",
         3, "a field is longer than what is left of it at byte 2"},
        {"\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10, "a field is longer than what is left of it"},
        {"\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12, "a number does not end"},
        {"\x0A\x03\x0A\x09"
         "a",
         5, "a field is longer than what is left of it at byte 4"},
        {"\x0A\x03\x15\x01\x02", 5, "the file ends inside a field"},
        {"\x11\x01\x02", 3, "the file ends inside a field"},
        {"\x02\x00", 2, "a field has an impossible number"},
        {"\x0B", 1, "a field has an unknown wire type"},
        {"\x0F", 1, "a field has an unknown wire type"},
        {"version https://git-lfs.github.com/spec/v1", 42, "not a SentencePiece model"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__spm_model model;
        expect_failure(ink__spm_model_read(&model, cases[i].bytes, cases[i].len, "m.model", &err), err,
                       INK_E_FORMAT, cases[i].sentence);
    }
}

Test(spm_model, pieces_that_sentencepiece_could_not_bear_are_refused)
{
    static char texts[70][4], longest[4098];
    ink__spm_piece pieces[72] = {{"<unk>", 5, 0, INK__SPM_UNKNOWN}, {"a", 1, 0, INK__SPM_NORMAL}};
    ink__spm_model model = {.pieces = pieces, .n = 72, .type = INK__SPM_BPE};
    for (size_t i = 0; i < 70; ++i) {
        snprintf(texts[i], sizeof texts[i], "u%02zu", i);
        pieces[i + 2] = (ink__spm_piece){texts[i], 3, 0, INK__SPM_USER_DEFINED};
    }
    expect_failure(reread(&model), err, INK_E_UNSUPPORTED, "70 user-defined pieces, at most 64 are taken");
    model.n = 66;
    assert_ok(reread(&model), err);
    memset(longest, 'x', sizeof longest - 1);
    pieces[1] = (ink__spm_piece){longest, 4097, 0, INK__SPM_NORMAL};
    expect_failure(reread(&model), err, INK_E_FORMAT, "piece 1 has 4097 bytes, at most 4096 are taken");
    pieces[1] = (ink__spm_piece){"a", 1, -INFINITY, INK__SPM_NORMAL};
    expect_failure(reread(&model), err, INK_E_FORMAT, "the score of piece 1, \"a\", is not finite");
    pieces[1].score = 0;
    model.charsmap = "\xFF\xFF\xFF\xFF", model.charsmap_len = 4;
    expect_failure(reread(&model), err, INK_E_FORMAT,
                   "the precompiled_charsmap of 4 bytes says that its trie has");
}

/* A directory with a model of these pieces, and this tokenizer_config.json unless it is empty. */
static void put_model(const ink__spm_model *model, const char *config)
{
    char *bytes;
    size_t len;
    assert_ok(ink__spm_model_write(&bytes, &len, model, &err), err);
    FILE *f = fopen(scratch_path("spiece.model"), "wb");
    cr_assert(f && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
    free(bytes);
    if (*config)
        scratch_text("tokenizer_config.json", config);
}

Test(spm_model, a_directory_that_does_not_fit_together_is_refused_in_a_sentence)
{
#define PIECES(first, second, third)                                                                         \
    {                                                                                                        \
        first, second, third,                                                                                \
        {                                                                                                    \
            "a", 1, -1, INK__SPM_NORMAL                                                                      \
        }                                                                                                    \
    }
#define U(text)                                                                                              \
    {                                                                                                        \
        text, sizeof text - 1, 0, INK__SPM_UNKNOWN                                                           \
    }
#define C(text)                                                                                              \
    {                                                                                                        \
        text, sizeof text - 1, 0, INK__SPM_CONTROL                                                           \
    }
#define N(text)                                                                                              \
    {                                                                                                        \
        text, sizeof text - 1, -1, INK__SPM_NORMAL                                                           \
    }
    static const struct {
        ink__spm_piece pieces[4];
        const char *config;
        ink_status status;
        const char *sentence;
    } cases[] = {
        {PIECES(U("<unk>"), C("<s>"), C("</s>")), "{\"tokenizer_class\":\"T5Tokenizer\"}", INK_E_UNSUPPORTED,
         "tokenizer_class is \"T5Tokenizer\"; of SentencePiece models"},
        {PIECES(C("<s>"), C("</s>"), U("<unk>")), "{\"tokenizer_class\":\"AlbertTokenizer\"}",
         INK_E_UNSUPPORTED, "the unknown piece is number 2 of 4, which a AlbertTokenizer does not expect"},
        {PIECES(C("<pad>"), U("<unk>"), N("b")), "{\"tokenizer_class\":\"CamembertTokenizer\"}",
         INK_E_UNSUPPORTED, "the unknown piece is number 1 of 4, which a CamembertTokenizer does not expect"},
        {PIECES(C("<pad>"), U("<unk>"), N("b")), "{\"tokenizer_class\":\"AlbertTokenizer\"}", INK_E_FORMAT,
         "\"[CLS]\" or \"[SEP]\" is not among the tokens"},
        {PIECES(U("<unk>"), C("<s>"), C("</s>")),
         "{\"tokenizer_class\":\"XLMRobertaTokenizer\",\"mask_token\":\"a\"}", INK_E_FORMAT,
         "the piece \"a\" is also a special token with an id of its own"},
        {PIECES(U("<unk>"), C("<s>"), C("</s>")),
         "{\"tokenizer_class\":\"XLMRobertaTokenizer\",\"mask_token\":7}", INK_E_FORMAT,
         "\"mask_token\" is neither"},
        {PIECES(U("<unk>"), C("<s>"), C("</s>")),
         "{\"tokenizer_class\":\"XLMRobertaTokenizer\",\"added_tokens_decoder\":{\"2\":{\"content\":\"x\"}}}",
         INK_E_FORMAT, "the added token \"x\" has id 2, but the next free id is"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__spm_piece pieces[4];
        ink_tokenizer *t;
        memcpy(pieces, cases[i].pieces, sizeof pieces);
        put_model(&(ink__spm_model){.pieces = pieces, .n = 4, .type = INK__SPM_UNIGRAM}, cases[i].config);
        expect_failure(ink_tokenizer_open(&t, scratch, &err), err, cases[i].status, cases[i].sentence);
    }
    scratch_text("spiece.model", "no model");
    ink_tokenizer *t;
    expect_failure(ink_tokenizer_open(&t, scratch, &err), err, INK_E_FORMAT, "not a SentencePiece model");
}

Test(spm_model, a_model_that_nothing_names_is_opened_as_it_is)
{
    ink__spm_piece pieces[4] = PIECES(U("<unk>"), C("<s>"), N("\xE2\x96\x81"));
    ink_tokenizer *t;
    put_model(&(ink__spm_model){.pieces = pieces,
                                .n = 4,
                                .type = INK__SPM_UNIGRAM,
                                .dummy_prefix = true,
                                .remove_spaces = true,
                                .escape_spaces = true},
              "");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    cr_expect(strcmp(ink_tokenizer_kind(t), "SentencePiece") == 0 && ink_tokenizer_specials(t, true) == 0);
    ink_tokenizer_free(t);
    scratch_text("config.json", "{\"model_type\":\"t5\"}");
    expect_failure(ink_tokenizer_open(&t, scratch, &err), err, INK_E_UNSUPPORTED, "model_type is \"t5\"");
}

Test(spm_model, a_model_cut_anywhere_is_refused_or_sound)
{
    size_t len;
    char *bytes = read_back(&len, INK_TEST_DATA "/tokenizer/spm/albert/spiece.model");
    for (size_t n = 0; n < len; ++n) {
        ink__spm_model model;
        char *part = malloc(n + 1);
        memcpy(part, bytes, n);
        if (ink__spm_model_read(&model, part, n, "m.model", &err) == INK_OK)
            ink__spm_model_free(&model);
        else
            cr_expect(err.status == INK_E_FORMAT, "cut at %zu: %s", n, err.text);
        free(part);
    }
    free(bytes);
}

/* --- The precompiled rules --- */

enum { UNITS = 512 };

/* "a" becomes "b": the root's children lie from unit 256 on, the value of "a" at 256 ^ 1. */
static size_t small_map(unsigned char *out, uint32_t *units, const char *replacements, size_t len)
{
    const uint32_t size = UNITS * 4;
    memcpy(out, &size, 4);
    memcpy(out + 4, units, size);
    memcpy(out + 4 + size, replacements, len);
    return 4 + size + len;
}

static void sound_units(uint32_t units[UNITS])
{
    memset(units, 0, UNITS * sizeof *units);
    units[0] = 256u << 10;
    units[256 ^ 'a'] = 'a' | 1u << 8 | ('a' ^ 1u) << 10; /* its children: (256 ^ 'a') ^ ('a' ^ 1) */
    units[256 ^ 1] = 1u << 31;
}

Test(spm_model, a_rule_is_found_by_its_text)
{
    uint32_t units[UNITS];
    unsigned char bytes[UNITS * 4 + 64];
    ink__charsmap map;
    sound_units(units);
    const size_t len = small_map(bytes, units, "b", 2);
    assert_ok(ink__charsmap_open(&map, bytes, len, "m", &err), err);
    const char *by = ink__charsmap_find(&map, (const unsigned char *)"a", 1);
    cr_expect(by && strcmp(by, "b") == 0);
    cr_expect(!ink__charsmap_find(&map, (const unsigned char *)"b", 1));
    ink__charsmap_release(&map);
}

Test(spm_model, rules_that_would_lead_out_of_their_trie_are_refused)
{
    static const struct {
        size_t at;
        uint32_t unit;
        const char *replacements;
        size_t len;
        const char *sentence;
    } cases[] = {
        {0, 0x3FFFFFu << 10, "b", 2, "points to unit"},
        {256 ^ 'a', 'a' | 1u << 8 | 0x1000u << 10, "b", 2, "points to unit"},
        {256 ^ 'a', 'a' | 1u << 8, "b", 2, "should be a value"},
        {256 ^ 1, 1u << 31 | 7, "b", 2, "points to byte 7, which starts no character of its 2 bytes"},
        {256 ^ 1, 1u << 31 | 1, "\xC3\xA9", 3, "points to byte 1, which starts no character"},
        {1, 0, "b", 1, "do not end in NUL"},
        {1, 0, "\xC3", 2, "are not UTF-8"},
        {0, 256u << 10 | 1u << 8, "b", 2, "a rule for the empty text"},
        {256 ^ 'a', 'a' | (uint32_t)'a' << 10, "b", 2, "goes round in circles"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        uint32_t units[UNITS];
        unsigned char bytes[UNITS * 4 + 64];
        ink__charsmap map;
        sound_units(units);
        units[cases[i].at] = cases[i].unit;
        const size_t len = small_map(bytes, units, cases[i].replacements, cases[i].len);
        expect_failure(ink__charsmap_open(&map, bytes, len, "m", &err), err, INK_E_FORMAT, cases[i].sentence);
        ink__charsmap_release(&map);
    }
}

/* --- What differs from the packages, and why --- */

/* transformers 5.23 reads a BPE model beside a tokenizer_config.json as Unigram, scores and all, which is
 * none of the model's encodings; "bpe.jsonl" was made by the merges that transformers 4 made of it, and
 * SentencePiece cuts the same way. Its Unigram, asked not to look for special tokens, still gives their ids,
 * because they are pieces; here no text does. It loses what special_tokens_map.json lists under
 * "additional_special_tokens" beside a model, which transformers 4 gave ids after all others: so does this.
 */
Test(spm_model, further_special_tokens_beside_a_model_are_not_lost)
{
    ink__spm_piece pieces[4] = PIECES(U("<unk>"), C("<s>"), C("</s>"));
    ink_tokenizer *t;
    put_model(&(ink__spm_model){.pieces = pieces, .n = 4, .type = INK__SPM_UNIGRAM},
              "{\"tokenizer_class\":\"XLMRobertaTokenizer\"}");
    scratch_text("special_tokens_map.json", "{\"additional_special_tokens\":[\"<y>\",\"<x>\"]}");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    cr_expect(ink_tokenizer_id(t, "<mask>", 6) == 5, "%d", ink_tokenizer_id(t, "<mask>", 6));
    cr_expect(ink_tokenizer_id(t, "<y>", 3) == 6 && ink_tokenizer_id(t, "<x>", 3) == 7);
    ink_tokenizer_free(t);
}

/* Of bare unigram models, ways to cut a text whose sums of scores are equal, or differ by less than a float
 * is rounded, are told apart by rounding alone. The library (0.1.97 to 0.2.0) compares a sum as a double with
 * one that was rounded to a float, the package (0.2.3) both as floats: dots may be ".." "." in the one and
 * "." ".." in the other. Either is right; the scores are the same. On 287,351 texts and models of 8,000 and
 * 32,000 pieces, trained on English and on Chinese, that made 425 to 1,376 texts differ, and nothing else
 * did. */
Test(spm_model, a_bare_model_breaks_ties_as_the_library_does)
{
    ink__spm_piece pieces[6] = {U("<unk>"),
                                N("\xE2\x96\x81"),
                                {".", 1, -4.7F, INK__SPM_NORMAL},
                                {"..", 2, -5.1F, INK__SPM_NORMAL},
                                {"a", 1, -5.3F, INK__SPM_NORMAL},
                                {"b", 1, -3.57F, INK__SPM_NORMAL}};
    ink_tokenizer *t;
    ink_encoding e = {0};
    put_model(&(ink__spm_model){.pieces = pieces,
                                .n = 6,
                                .type = INK__SPM_UNIGRAM,
                                .dummy_prefix = true,
                                .remove_spaces = true,
                                .escape_spaces = true},
              "");
    assert_ok(ink_tokenizer_open(&t, scratch, &err), err);
    assert_ok(ink_tokenizer_encode(&e, t, "a...b", 5, NULL, 0, NULL, &err), err);
    const char *got = encoding_text(&e, t);
    cr_expect(strcmp(got, "\xE2\x96\x81@0-0 a@0-1 ..@1-3 .@3-4 b@4-5") == 0 ||
                  strcmp(got, "\xE2\x96\x81@0-0 a@0-1 .@1-2 ..@2-4 b@4-5") == 0,
              "%s", got);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}
