/* Added tokens: in the text as it is and among its normalised characters, with every flag, and what counts as
 * plain text. Expected values agree with the package (encode_special_tokens set, unless parse_special). */
#include "support.h"

enum { WORD = 1, LEFT = 2, RIGHT = 4, NORMALIZED = 8, SPECIAL = 16 };

/* One entry of "added_tokens". */
static const char *entry(char *out, int id, const char *content, int flags)
{
    static const char *const no_yes[] = {"false", "true"};
    sprintf(out,
            "{\"id\":%d,\"content\":\"%s\",\"single_word\":%s,\"lstrip\":%s,\"rstrip\":%s,\"normalized\":%s,"
            "\"special\":%s}",
            id, content, no_yes[(flags & WORD) != 0], no_yes[(flags & LEFT) != 0],
            no_yes[(flags & RIGHT) != 0], no_yes[(flags & NORMALIZED) != 0], no_yes[(flags & SPECIAL) != 0]);
    return out;
}

/* A tokenizer that knows single letters, with one or two added tokens. */
static ink_tokenizer *with_added(const char *first, int first_flags, const char *second, int second_flags)
{
    char vocab[2000] = "", a[600], b[600], both[1300];
    int id = 5;
    for (char c = 'a'; c <= 'z'; ++c, id += 2)
        sprintf(vocab + strlen(vocab), "%s\"%c\":%d,\"##%c\":%d", c > 'a' ? "," : "", c, id, c, id + 1);
    sprintf(vocab + strlen(vocab), ",\"[\":57,\"]\":58");
    entry(a, 59, first, first_flags);
    if (second)
        snprintf(both, sizeof both, "%s,%s", a, entry(b, 60, second, second_flags));
    return tokenizer_of(json_around(vocab, UNCASED, second ? both : a));
}

static void expect(const ink_tokenizer *t, bool parse_special, const char *text, const char *wanted)
{
    ink_encoding e = {0};
    ink_encode_options o = {1, parse_special, true, 0, false};
    assert_ok(ink_tokenizer_encode(&e, t, text, strlen(text), NULL, 0, &o, &err), err);
    cr_expect(strcmp(encoding_text(&e, t), wanted) == 0, "`%s` became\n  %s, wanted\n  %s", text,
              encoding_text(&e, t), wanted);
    ink_encoding_free(&e);
}

Test(added, special_tokens_in_the_text_are_plain_text_unless_asked_for)
{
    ink_tokenizer *t = with_added("[X]", SPECIAL, NULL, 0);
    expect(t, false, "a [X]b", "a@0-1 [@2-3 x@3-4 ]@4-5 b@5-6");
    expect(t, true, "a [X]b", "a@0-1 [X]@2-5 b@5-6");
    expect(t, true, "a [x]b", "a@0-1 [@2-3 x@3-4 ]@4-5 b@5-6");
    ink_tokenizer_free(t);
}

Test(added, an_ordinary_added_token_is_always_found)
{
    ink_tokenizer *t = with_added("foo bar", 0, NULL, 0);
    expect(t, false, "a foo barb Foo", "a@0-1 foo bar@2-9 b@9-10 f@11-12 ##o@12-13 ##o@13-14");
    expect(t, true, "foo barfoo bar", "foo bar@0-7 foo bar@7-14");
    expect(t, false, "foo ba", "f@0-1 ##o@1-2 ##o@2-3 b@4-5 ##a@5-6");
    ink_tokenizer_free(t);
}

Test(added, a_normalized_token_is_found_in_any_case_and_with_marks)
{
    ink_tokenizer *t = with_added("Caf\xC3\xA9", NORMALIZED, NULL, 0);
    expect(t, false, "xCAFE\xCC\x81y cafe", "x@0-1 Caf\xC3\xA9@1-5 y@7-8 Caf\xC3\xA9@9-13");
    ink_tokenizer_free(t);
}

Test(added, the_longest_token_that_starts_first_wins)
{
    for (int flags = 0; flags <= NORMALIZED; flags += NORMALIZED) {
        ink_tokenizer *t = with_added("ab", flags, "abcd", flags);
        expect(t, false, "abcabcdab", "ab@0-2 c@2-3 abcd@3-7 ab@7-9");
        ink_tokenizer_free(t);
        t = with_added("ab", flags, "bcd", flags);
        expect(t, false, "abcd bcd", "ab@0-2 c@2-3 ##d@3-4 bcd@5-8");
        ink_tokenizer_free(t);
    }
}

Test(added, a_special_match_that_does_not_count_hides_what_is_inside)
{
    for (int flags = 0; flags <= NORMALIZED; flags += NORMALIZED) {
        ink_tokenizer *t = with_added("xyz", SPECIAL | flags, "yz", flags);
        expect(t, false, "xyz yz", "x@0-1 ##y@1-2 ##z@2-3 yz@4-6");
        expect(t, true, "xyz yz", "xyz@0-3 yz@4-6");
        ink_tokenizer_free(t);
    }
}

Test(added, single_word_tokens_stand_alone)
{
    for (int flags = WORD; flags <= (WORD | NORMALIZED); flags += NORMALIZED) {
        ink_tokenizer *t = with_added("ab", flags, NULL, 0);
        expect(t, false, "ab xab abx [ab]",
               "ab@0-2 x@3-4 ##a@4-5 ##b@5-6 a@7-8 ##b@8-9 ##x@9-10 [@11-12 ab@12-14 ]@14-15");
        expect(t, false,
               "\xE5\xAD\x97"
               "ab",
               flags & NORMALIZED ? "[UNK]@0-3 ab@3-5" : "[UNK]@0-3 a@3-4 ##b@4-5");
        expect(t, false, "ab\xE2\x82\xAC", flags & NORMALIZED ? "ab@0-2 [UNK]@2-5" : "ab@0-2 [UNK]@2-5");
        ink_tokenizer_free(t);
    }
}

Test(added, tokens_take_white_space_along_where_they_are_told_to)
{
    for (int n = 0; n <= NORMALIZED; n += NORMALIZED) {
        ink_tokenizer *t = with_added("ab", LEFT | n, "xy", RIGHT | n);
        expect(t, false, "c  ab  c", "c@0-1 ab@1-5 c@7-8");
        expect(t, false, "c  xy  c", "c@0-1 xy@3-7 c@7-8");
        expect(t, false, "xy  ab  xy \t", "xy@0-4 ab@4-6 xy@8-12");
        expect(t, false, " ab ab", "ab@0-3 ab@3-6");
        ink_tokenizer_free(t);
        t = with_added(" ", LEFT | RIGHT | n, NULL, 0);
        expect(t, false, "a   b  ", "a@0-1  @1-4 b@4-5  @5-7");
        ink_tokenizer_free(t);
    }
    /* Among normalised characters the spaces around a Chinese one are white space too. */
    ink_tokenizer *t = with_added("ab", RIGHT | NORMALIZED, NULL, 0);
    expect(t, false, "ab\xE5\xAD\x97 ab", "ab@0-5 [UNK]@2-5 ab@6-8");
    ink_tokenizer_free(t);
}

Test(added, overlapping_white_space_is_given_out_as_the_package_does)
{
    for (int n = 0; n <= NORMALIZED; n += NORMALIZED) {
        ink_tokenizer *u = with_added("ab", RIGHT | n, " c", LEFT | n);
        expect(u, false, "ab cd", "ab@0-3  c@3-4 d@4-5");
        ink_tokenizer_free(u);
    }
    ink_tokenizer *t = with_added("ab", RIGHT, " ", 0);
    expect(t, false, "ab   c", "ab@0-5  @2-3  @3-4  @4-5 c@5-6");
    ink_tokenizer_free(t);
}

Test(added, a_raw_token_is_looked_for_before_clean_up_and_ends_a_word)
{
    ink_tokenizer *t = with_added("\xC3\xA9", 0, NULL, 0);
    expect(t, false,
           "a\xC3\xA9"
           "b",
           "a@0-1 \xC3\xA9@1-3 b@3-4");
    expect(t, false,
           "ae\xCC\x81"
           "b",
           "a@0-1 ##e@1-2 ##b@4-5");
    expect(t, false, "\xC3\xC3\xA9\xA9", "\xC3\xA9@1-3"); /* ill-formed bytes around it */
    ink_tokenizer_free(t);
}

Test(added, of_equal_normalized_texts_the_smaller_id_is_found)
{
    ink_tokenizer *t = with_added("QQ", NORMALIZED, "qQ", NORMALIZED);
    expect(t, false, "qq QQ", "QQ@0-2 QQ@3-5");
    ink_tokenizer_free(t);
}

Test(added, of_two_definitions_the_last_counts_but_special_stays)
{
    char a[600], b[600], both[1300];
    snprintf(both, sizeof both, "%s,%s", entry(a, 5, "x", SPECIAL), entry(b, 5, "x", LEFT));
    ink_tokenizer *t = tokenizer_of(json_around("\"x\":5,\"y\":6", UNCASED, both));
    expect(t, true, "y x", "y@0-1 x@1-3");
    expect(t, false, "y x", "y@0-1 x@2-3");
    ink_tokenizer_free(t);
}

Test(added, patterns_find_the_longest_from_one_place)
{
    static const char *const all[] = {"b", "abc", "a", "abcde", "ab", "b"};
    ink__patterns set = {0};
    for (size_t i = 0; i < 6; ++i)
        assert_ok(ink__patterns_add(&set, strdup(all[i]), strlen(all[i]), i, &err), err);
    ink__patterns_seal(&set);
    cr_expect(set.n == 5, "%zu patterns", set.n);
    static const struct {
        const char *text;
        int value;
    } cases[] = {{"abcd", 1}, {"abcde", 3}, {"abx", 4}, {"ax", 2}, {"bb", 0}, {"c", -1}, {"\xFF", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__match m;
        ink__match_start(&m, &set);
        for (const char *p = cases[i].text; *p && ink__match_feed(&m, &set, (unsigned char)*p); ++p)
            ;
        cr_expect((m.longest ? (int)m.longest->value : -1) == cases[i].value, "%s", cases[i].text);
    }
    ink__patterns_free(&set);
}
