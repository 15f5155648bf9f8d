/* The pre-tokenizer by itself: where words end, what they stand for, and words too long to keep. */
#include "support.h"

/* "word[begin,end) ..." of an uncased text. */
static const char *words(const char *text, size_t len, size_t max_chars)
{
    static char out[4096];
    ink__normalizer n = {.clean = true, .cjk = true, .strip = true, .lower = true};
    ink__word word = {0};
    ink__stream s;
    size_t at = 0;
    bool found;
    assert_ok(ink__normalizer_init(&n, &err), err);
    ink__stream_start(&s, &n, (const unsigned char *)text, 0, len);
    ink__word_start(&word);
    out[0] = '\0';
    for (;;) {
        assert_ok(ink__pretokenize_next(&word, &found, &s, NULL, max_chars, &err), err);
        if (!found)
            break;
        cr_assert(word.overlong || word.len > 0);
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%.*s%s[%zu,%zu)", at ? " " : "", (int)word.len,
                               word.bytes, word.overlong ? "..." : "", word.begin, word.end);
        if (word.overlong)
            continue;
        const ink_span span = ink__word_span(&word, 0, word.len);
        cr_expect(span.begin == word.begin && span.end == word.end, "the span of all is the word's");
    }
    ink__normalizer_release(&n);
    ink__word_free(&word);
    return out;
}

static void expect(const char *text, size_t max_chars, const char *wanted)
{
    const char *got = words(text, strlen(text), max_chars);
    cr_expect(strcmp(got, wanted) == 0, "`%s` became\n  %s, wanted\n  %s", text, got, wanted);
}

Test(pretokenize, words_end_at_white_space_and_around_punctuation)
{
    expect("", 100, "");
    expect(" \t\n ", 100, "");
    expect("  Hello  world ", 100, "hello[2,7) world[9,14)");
    expect("a,b--c", 100, "a[0,1) ,[1,2) b[2,3) -[3,4) -[4,5) c[5,6)");
    expect("10$ 10\xE2\x82\xAC", 100, "10[0,2) $[2,3) 10\xE2\x82\xAC[4,9)"); /* the euro sign is a symbol */
    expect("a\xE3\x80\x82"
           "b\xC2\xBF",
           100, "a[0,1) \xE3\x80\x82[1,4) b[4,5) \xC2\xBF[5,7)");
    expect("\xE5\xAD\x97\xE5\xAD\x97", 100, "\xE5\xAD\x97[0,3) \xE5\xAD\x97[3,6)");
}

Test(pretokenize, dropped_characters_join_what_is_around_them)
{
    expect("wor\xC2\xADld", 100, "world[0,7)");
    expect("a\xE2\x80\x8D,", 100, "a[0,1) ,[4,5)");
    expect("\xC2\xAD \xCC\x81", 100, "");
}

/* The bytes of the first word's bytes [from, to) in an uncased text. */
static ink_span part_of(const char *text, size_t from, size_t to)
{
    ink__normalizer n = {.clean = true, .strip = true, .lower = true};
    ink__word word = {0};
    ink__stream s;
    bool found;
    assert_ok(ink__normalizer_init(&n, &err), err);
    ink__stream_start(&s, &n, (const unsigned char *)text, 0, strlen(text));
    ink__word_start(&word);
    assert_ok(ink__pretokenize_next(&word, &found, &s, NULL, 100, &err), err);
    cr_assert(found && to <= word.len);
    const ink_span span = ink__word_span(&word, from, to);
    ink__normalizer_release(&n);
    ink__word_free(&word);
    return span;
}

Test(pretokenize, a_part_of_a_word_knows_its_bytes)
{
    static const char mixed[] = "abc\xC3\x89\xC2\xAD"
                                "de\xCC\x81"
                                "f";
    static const char dropped[] = "ab\xC2\xAD"
                                  "cd";
    static const char behind[] =
        "\xD0\xB9\xCC\x81x"; /* U+0439 is U+0438 of as many bytes and a mark; both marks go */
    static const struct {
        const char *text;
        size_t from, to, begin, end;
    } parts[] = {{mixed, 0, 3, 0, 3},   {mixed, 2, 4, 2, 5},   {mixed, 3, 4, 3, 5},   {mixed, 4, 5, 7, 8},
                 {mixed, 5, 6, 8, 9},   {mixed, 6, 7, 11, 12}, {mixed, 3, 7, 3, 12},  {dropped, 0, 2, 0, 2},
                 {dropped, 1, 3, 1, 5}, {dropped, 2, 3, 4, 5}, {dropped, 3, 4, 5, 6}, {behind, 0, 2, 0, 2},
                 {behind, 2, 3, 4, 5}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        const ink_span span = part_of(parts[i].text, parts[i].from, parts[i].to);
        cr_expect(span.begin == parts[i].begin && span.end == parts[i].end, "%s, bytes %zu to %zu: [%zu,%zu)",
                  parts[i].text, parts[i].from, parts[i].to, span.begin, span.end);
    }
}

Test(pretokenize, a_word_with_too_many_characters_is_not_kept)
{
    expect("abcde abcdef,x", 5, "abcde[0,5) abcde...[6,12) ,[12,13) x[13,14)");
    expect("ab\xC3\xA9g", 3, "abe...[0,5)"); /* characters count after normalisation */
    expect("ab\xC3\xA9", 3, "abe[0,4)");
    expect("ab c", 0, "...[0,2) ...[3,4)");
    enum { N = 1 << 20 };
    char *text = malloc(N);
    memset(text, 'A', N);
    const char *got = words(text, N, 100);
    cr_expect(strstr(got, "aaa...[0,1048576)"), "%s", got);
    free(text);
}

Test(pretokenize, plain_bytes_are_taken_in_pieces_without_a_seam)
{
    char text[300], wanted[400];
    for (size_t n = 1; n < 200; ++n) {
        memset(text, 'x', n);
        text[n] = '\0';
        snprintf(wanted, sizeof wanted, "%s[0,%zu)", text, n);
        expect(text, 1000, wanted);
    }
}
