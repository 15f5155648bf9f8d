/* The normalizer by itself: each switch, and what every character is aligned to. Expected values were worked
 * out from tokenizers' normalizer.rs and agree with the package. */
#include "tokenizer/normalize.h"
#include "support.h"

enum { CLEAN = 1, CJK = 2, STRIP = 4, LOWER = 8, ALL = 15 };

static const char *normalized(int switches, const char *text, size_t len)
{
    static char out[4096];
    ink__normalizer n = {.clean = switches & CLEAN,
                         .cjk = (switches & CJK) != 0,
                         .strip = (switches & STRIP) != 0,
                         .lower = (switches & LOWER) != 0};
    ink__stream s;
    ink__char ch;
    assert_ok(ink__normalizer_init(&n, &err), err);
    ink__stream_start(&s, &n, (const unsigned char *)text, 0, len);
    out[0] = '\0';
    while (ink__stream_next(&ch, &s))
        append_char(out, sizeof out, &ch);
    ink__normalizer_release(&n);
    return out;
}

static void expect(int switches, const char *text, const char *wanted)
{
    const char *got = normalized(switches, text, strlen(text));
    cr_expect(strcmp(got, wanted) == 0, "%s with %d became\n  %s, wanted\n  %s", text, switches, got, wanted);
}

Test(normalize, nothing_happens_with_every_switch_off)
{
    expect(0, "A\té", "A@0-1 U+0009@1-2 U+00E9@2-4");
    cr_expect(strcmp(normalized(0, "a\0b", 3), "a@0-1 U+0000@1-2 b@2-3") == 0, "NUL is a character");
}

Test(normalize, clean_up_drops_controls_and_flattens_white_space)
{
    expect(CLEAN, "a\tb\nc\rd", "a@0-1 _@1-2 b@2-3 _@3-4 c@4-5 _@5-6 d@6-7");
    expect(CLEAN,
           "a\xC2\xA0"
           "b\xE2\x80\xA8"
           "c",
           "a@0-1 _@1-3 b@3-4 _@4-7 c@7-8");
    /* U+000B, U+0085, a soft hyphen, a joiner, private use, U+FFFD: gone, and the words join. */
    expect(CLEAN,
           "a\x0B\xC2\x85\xC2\xAD\xE2\x80\x8D\xEE\x80\x80\xEF\xBF\xBD"
           "b",
           "a@0-1 b@15-16");
    /* Unassigned code points stay, and so does U+180F, which was one when the package's tables were made. */
    expect(CLEAN, "\xCD\xB8\xE1\xA0\x8F", "U+0378@0-2 U+180F@2-5");
}

Test(normalize, ill_formed_bytes_read_as_one_replacement_each_and_are_counted)
{
    static const char text[] = "a\x80\xE4\xBDZ\xED\xA0\x80\xF0\x9F";
    static const char marks[] = "a\xCC\x81\xFF\xCC\x81\xFF";
    expect(0, text, "a@0-1 U+FFFD@1-2 U+FFFD@2-4 Z@4-5 U+FFFD@5-6 U+FFFD@6-7 U+FFFD@7-8 U+FFFD@8-10");
    expect(ALL, text, "a@0-1 z@4-5");
    ink__normalizer n = {.clean = true, .strip = true};
    assert_ok(ink__normalizer_init(&n, &err), err);
    ink__stream s;
    ink__char ch;
    ink__stream_start(&s, &n, (const unsigned char *)text, 0, sizeof text - 1);
    while (ink__stream_next(&ch, &s))
        ;
    cr_expect(s.bad == 6, "%zu ill-formed sequences", s.bad);
    ink__stream_start(&s, &n, (const unsigned char *)marks, 0, sizeof marks - 1);
    while (ink__stream_next(&ch, &s))
        ;
    cr_expect(s.bad == 2, "%zu ill-formed sequences among marks", s.bad);
    ink__normalizer_release(&n);
}

Test(normalize, chinese_characters_get_spaces_that_are_aligned_to_them)
{
    expect(CJK,
           "a\xE5\xAD\x97"
           "b",
           "a@0-1 _@1-4 U+5B57@1-4 _@1-4 b@4-5");
    expect(CJK, "\xE3\x81\x82\xED\x95\x9C", "U+3042@0-3 U+D55C@3-6"); /* hiragana and Hangul do not */
    /* The package's table begins at U+2B920 where U+2B820 was meant. */
    expect(CJK, "\xF0\xAB\xA4\x9F\xF0\xAB\xA4\xA0", "U+2B91F@0-4 _@4-8 U+2B920@4-8 _@4-8");
    expect(CJK | STRIP, "\xEF\xA4\x80", "_@0-3 U+8C48@0-3 _@0-3"); /* a compatibility ideograph decomposes */
}

Test(normalize, decomposition_gives_all_parts_the_span_of_the_whole)
{
    expect(STRIP, "\xC3\xA9x", "e@0-2 x@2-3");
    expect(STRIP, "e\xCC\x81x", "e@0-1 x@3-4");
    expect(STRIP, "\xED\x95\x9C", "U+1112@0-3 U+1161@0-3 U+11AB@0-3");
    expect(STRIP, "\xE1\xBF\xAF", "`@0-3");           /* U+1FEF */
    expect(STRIP, "\xF0\x91\xA4\xB8", "U+11938@0-4"); /* newer than the package's tables */
    expect(STRIP, "\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\x95", "U+0915@0-3 U+0915@6-9"); /* a virama is a mark */
}

Test(normalize, kept_marks_are_put_in_order_and_the_spans_dealt_out_anew)
{
    /* U+302E (class 224, kept) then U+0334 (class 1, dropped): the second place is U+302E's now. */
    expect(STRIP, "a\xE3\x80\xAE\xCC\xB4", "a@0-1 U+302E@4-6");
    /* Dropped on both sides of it in the new order. */
    expect(STRIP, "a\xCC\x81\xE3\x80\xAE\xCC\xB4", "a@0-1 U+302E@3-6");
    /* Two kept ones of different classes change places: U+302E 224 and U+1D165 216. */
    expect(STRIP, "\xE3\x80\xAE\xF0\x9D\x85\xA5", "U+1D165@0-3 U+302E@3-7");
    /* U+1D15E is U+1D157 U+1D165: the mark that continues a decomposition takes the span before it, and
     * U+0334, which comes first in order, the place after U+1D15E. */
    expect(STRIP, "\xF0\x9D\x85\x9E", "U+1D157@0-4 U+1D165@0-4");
    expect(STRIP, "\xF0\x9D\x85\x9E\xCC\xB4x", "U+1D157@0-4 U+1D165@4-6 x@6-7");
    expect(STRIP, "\xF0\x9D\x85\x9E\xCC\xB4\xCC\x81", "U+1D157@0-4 U+1D165@4-6");
    expect(STRIP, "\xF0\x9D\x85\xA5\xE3\x80\xAE", "U+1D165@0-4 U+302E@4-7"); /* in order already */
    expect(STRIP, "\xE1\xAD\x84\xE0\xA5\x8D\xE1\xAD\x84",
           "U+1B44@0-3 U+1B44@6-9"); /* U+094D is of the same class */
    /* Characters that clean-up drops are not there to be counted. */
    expect(STRIP | CLEAN, "a\xE3\x80\xAE\xC2\xAD\xCC\xB4", "a@0-1 U+302E@6-8");
    /* A space ends a run. */
    expect(STRIP, "\xE3\x80\xAE \xCC\xB4", "U+302E@0-3 _@3-4");
}

Test(normalize, a_long_run_of_marks_is_ordered_as_a_short_one)
{
    enum { N = 3000 };
    ink__normalizer n = {.strip = true};
    assert_ok(ink__normalizer_init(&n, &err), err);
    unsigned char *text = malloc(7 * N);
    for (size_t i = 0; i < N; ++i)
        memcpy(text + 7 * i, "\xE3\x80\xAE\xF0\x9D\x85\xA5", 7); /* U+302E U+1D165 */
    ink__stream s;
    ink__char ch;
    ink__stream_start(&s, &n, text, 0, 7 * N);
    for (size_t i = 0; i < 2 * N; ++i) {
        cr_assert(ink__stream_next(&ch, &s));
        const size_t at = i / 2 * 7 + (i % 2 ? 3 : 0);
        cr_assert(ch.cp == (i < N ? 0x1D165u : 0x302Eu) && ch.begin == at, "place %zu: U+%04X at %zu", i,
                  (unsigned)ch.cp, ch.begin);
    }
    cr_expect(!ink__stream_next(&ch, &s));
    ink__normalizer_release(&n);
    free(text);
}

Test(normalize, lower_case_is_rusts)
{
    expect(LOWER, "AbC", "a@0-1 b@1-2 c@2-3");
    expect(LOWER, "\xC4\xB0x", "i@0-2 U+0307@0-2 x@2-3");       /* U+0130 becomes two */
    expect(LOWER, "\xCE\xA3\xCF\x82", "U+03C3@0-2 U+03C2@2-4"); /* no rule for a final sigma */
    expect(LOWER, "\xEA\x9F\x8B", "U+0264@0-3");                /* U+A7CB, Unicode 16 */
    expect(LOWER | STRIP, "\xC3\x89\xC4\xB0", "e@0-2 i@2-4");
    expect(LOWER, "\xE2\x84\xAA", "k@0-3"); /* the Kelvin sign */
}

Test(normalize, the_bytes_taken_straight_are_what_the_long_way_gives)
{
    for (int switches = 0; switches <= ALL; ++switches) {
        ink__normalizer n = {.clean = switches & CLEAN, .lower = (switches & LOWER) != 0};
        assert_ok(ink__normalizer_init(&n, &err), err);
        for (unsigned c = 0; c < 256; ++c) {
            const unsigned char byte = (unsigned char)c;
            ink__stream s;
            ink__char ch;
            ink__stream_start(&s, &n, &byte, 0, 1);
            if (n.plain[c])
                cr_expect(ink__stream_next(&ch, &s) && ch.cp == n.plain[c], "byte %u with %d", c, switches);
            cr_expect((n.plain[c] != 0) == (c < 128 && isalnum((int)c)), "byte %u with %d", c, switches);
        }
        ink__normalizer_release(&n);
    }
}
