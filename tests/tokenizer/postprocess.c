/* Truncation of pairs against a table made by the package, and the placing of specials and types. */
#include "support.h"

/* golden/truncation.txt: lines of "A B MOST KEPT_A KEPT_B", from make_tokenizer_golden.py. */
Test(postprocess, pairs_are_cut_as_the_package_cuts_them)
{
    FILE *f = fopen(INK_TEST_DATA "/tokenizer/golden/truncation.txt", "r");
    size_t a, b, most, kept_a, kept_b, n = 0;
    cr_assert(f, "golden/truncation.txt");
    while (fscanf(f, "%zu %zu %zu %zu %zu", &a, &b, &most, &kept_a, &kept_b) == 5) {
        size_t x = a, y = b;
        ink__truncate_pair(&x, &y, most);
        cr_expect(x == kept_a && y == kept_b, "%zu and %zu in %zu: %zu and %zu, wanted %zu and %zu", a, b,
                  most, x, y, kept_a, kept_b);
        ++n;
    }
    cr_expect(n > 500, "%zu cases", n);
    fclose(f);
}

Test(postprocess, enormous_counts_do_not_overflow)
{
    size_t a = SIZE_MAX, b = SIZE_MAX;
    ink__truncate_pair(&a, &b, SIZE_MAX);
    cr_expect(a == SIZE_MAX / 2 && b == SIZE_MAX - SIZE_MAX / 2);
    a = SIZE_MAX, b = 3;
    ink__truncate_pair(&a, &b, 10);
    cr_expect(a == 7 && b == 3);
    a = 5, b = 0;
    ink__truncate_pair(&a, &b, 0);
    cr_expect(a == 0 && b == 0);
}

#define TEMPLATE                                                                                             \
    "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},"      \
    "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"ends\",\"type_id\":0}}],"       \
    "\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":3}},{\"SpecialToken\":{\"id\":\"ends\",\"type_id\":"  \
    "4}},"                                                                                                   \
    "{\"Sequence\":{\"id\":\"B\",\"type_id\":5}}],\"special_tokens\":{\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[" \
    "2],"                                                                                                    \
    "\"tokens\":[\"[CLS]\"]},\"ends\":{\"id\":\"ends\",\"ids\":[3,4],\"tokens\":[\"[SEP]\",\"[MASK]\"]}}}"

static ink_tokenizer *with_template(void)
{
    char json[1 << 14];
    const char *around = json_around("\"a\":5,\"b\":6,\"c\":7", UNCASED, "");
    const char *post = strstr(around, "{\"type\":\"BertProcessing\""), *model = strstr(around, ",\"model\"");
    snprintf(json, sizeof json, "%.*s%s%s", (int)(post - around), around, TEMPLATE, model);
    return tokenizer_of(json);
}

static void expect(const ink_tokenizer *t, const char *text, const char *pair, bool bare, size_t most,
                   const char *wanted, const char *types)
{
    ink_encoding e = {0};
    ink_encode_options o = {1, false, bare, most, false};
    char got[64] = "";
    assert_ok(ink_tokenizer_encode(&e, t, text, strlen(text), pair, pair ? strlen(pair) : 0, &o, &err), err);
    cr_expect(strcmp(encoding_text(&e, t), wanted) == 0, "%s, wanted %s", encoding_text(&e, t), wanted);
    for (size_t i = 0; i < e.length; ++i)
        got[i] = (char)('0' + e.types[i]);
    cr_expect(strcmp(got, types) == 0, "types %s, wanted %s", got, types);
    ink_encoding_free(&e);
}

Test(postprocess, specials_and_types_follow_the_template)
{
    ink_tokenizer *t = with_template();
    cr_expect(ink_tokenizer_specials(t, false) == 3 && ink_tokenizer_specials(t, true) == 2);
    expect(t, "a b", NULL, false, 0, "[CLS]@0-0 a@0-1 b@2-3 [SEP]@0-0 [MASK]@0-0", "00000");
    expect(t, "a b", "c", false, 0, "a@0-1 b@2-3 [SEP]@0-0 [MASK]@0-0 c@0-1", "33445");
    expect(t, "a b", "c", true, 0, "a@0-1 b@2-3 c@0-1", "335");
    expect(t, "a b a b", "c c", false, 4, "a@0-1 [SEP]@0-0 [MASK]@0-0 c@0-1", "3445");
    expect(t, "a b a b", "c c", true, 3, "a@0-1 b@2-3 c@0-1", "335");
    expect(t, "a b a b", "", false, 5, "a@0-1 b@2-3 a@4-5 [SEP]@0-0 [MASK]@0-0", "33344");
    expect(t, "", "c", false, 2, "[SEP]@0-0 [MASK]@0-0", "44");
    ink_tokenizer_free(t);
}

Test(postprocess, a_maximum_below_the_special_tokens_is_refused)
{
    ink_tokenizer *t = with_template();
    ink_encoding e = {0};
    ink_encode_options o = {1, false, false, 2, false};
    expect_failure(ink_tokenizer_encode(&e, t, "a", 1, NULL, 0, &o, &err), err, INK_E_ARG,
                   "a maximum of 2 tokens, but 3 special tokens are added");
    cr_expect(e.length == 0);
    o.no_specials = true;
    assert_ok(ink_tokenizer_encode(&e, t, "a b c", 5, NULL, 0, &o, &err), err);
    cr_expect(e.length == 2 && e.total == 3);
    o.version = 2;
    expect_failure(ink_tokenizer_encode(&e, t, "a", 1, NULL, 0, &o, &err), err, INK_E_ARG,
                   "version 2, wanted 1");
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}
