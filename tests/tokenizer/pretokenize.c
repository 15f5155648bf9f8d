/* The pre-tokenizer by itself: where words end, what they stand for, and words too long to keep. */
#include "support.h"
#include "core/random.h"
#include "core/utf8.h"

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

/* --- Plain bytes, which skip the normalizer --------------------------------------------------------------
 */

/* A way through a text: with the normalizer's table of plain bytes, or without it. */
struct way {
    ink__normalizer normalizer;
    ink__word word;
    ink__stream stream;
    bool found;
};

static void start(struct way *way, const char *text, size_t len)
{
    ink__stream_start(&way->stream, &way->normalizer, (const unsigned char *)text, 0, len);
    ink__word_start(&way->word);
}

static void step(struct way *way, size_t max_chars)
{
    assert_ok(ink__pretokenize_next(&way->word, &way->found, &way->stream, NULL, max_chars, &err), err);
}

static bool same_words(const ink__word *a, const ink__word *b)
{
    if (a->begin != b->begin || a->end != b->end || a->overlong != b->overlong)
        return false;
    if (a->overlong)
        return true;
    if (a->len != b->len || a->chars != b->chars || memcmp(a->bytes, b->bytes, a->len) != 0)
        return false;
    for (size_t i = 0; i < a->len; ++i) {
        const ink_span x = ink__word_span(a, i, i + 1), y = ink__word_span(b, i, i + 1);
        if (x.begin != y.begin || x.end != y.end)
            return false;
    }
    return true;
}

/* Where the two ways part, or SIZE_MAX. */
static size_t parting(struct way *fast, struct way *slow, const char *text, size_t len, size_t max_chars)
{
    start(fast, text, len), start(slow, text, len);
    do {
        const size_t at = slow->stream.pos;
        step(fast, max_chars), step(slow, max_chars);
        if (fast->found != slow->found || (slow->found && !same_words(&fast->word, &slow->word)))
            return at;
    } while (slow->found);
    return fast->stream.bad == slow->stream.bad ? SIZE_MAX : len;
}

/* Bit i of switches is one of the normalizer's. */
static void open_ways(struct way *fast, struct way *slow, unsigned switches)
{
    *fast = (struct way){
        .normalizer = {
            .clean = switches & 1, .cjk = switches & 2, .strip = switches & 4, .lower = switches & 8}};
    *slow = *fast;
    assert_ok(ink__normalizer_init(&fast->normalizer, &err), err);
    assert_ok(ink__normalizer_init(&slow->normalizer, &err), err);
    memset(slow->normalizer.plain, 0, sizeof slow->normalizer.plain);
}

static void close_way(struct way *way)
{
    ink__normalizer_release(&way->normalizer);
    ink__word_free(&way->word);
}

Test(pretokenize, plain_bytes_beside_every_code_point_are_what_the_normalizer_makes_of_them)
{
    enum { CHUNK = 1024 };
    static char text[CHUNK * 10];
    for (unsigned switches = 0; switches < 16; switches += 15) {
        struct way fast, slow;
        open_ways(&fast, &slow, switches);
        for (uint32_t first = 0; first < 0x110000; first += CHUNK) {
            size_t len = 0;
            for (uint32_t cp = first; cp < first + CHUNK; ++cp) {
                if (cp >= 0xD800 && cp <= 0xDFFF)
                    continue;
                text[len++] = 'x', text[len++] = 'Y';
                len += ink__utf8_encode(text + len, cp);
                text[len++] = 'Z', text[len++] = '0';
                if (cp % 3 == 0)
                    text[len++] = ' ';
            }
            const size_t at = parting(&fast, &slow, text, len, 100);
            cr_expect(at == SIZE_MAX, "switches %x, U+%04X and on: they part at byte %zu of `%.*s`", switches,
                      (unsigned)first, at, at < len ? (int)(len - at < 40 ? len - at : 40) : 0, text + at);
        }
        close_way(&fast), close_way(&slow);
    }
}

Test(pretokenize, plain_bytes_in_random_texts_are_what_the_normalizer_makes_of_them)
{
    static const char *const parts[] = {"a",
                                        "B",
                                        "7",
                                        " ",
                                        "Hello",
                                        "\t",
                                        ",",
                                        "-",
                                        "\x7F",
                                        "\xC2\xAD",
                                        "\xC3\x89",
                                        "\xCC\x81",
                                        "\xE5\xAD\x97",
                                        "\xEA\xB0\x80",
                                        "\xC4\xB0",
                                        "\xD0\xB9",
                                        "\xE3\x80\xAE",
                                        "\xCC\xB4",
                                        "\xF0\x9F\x98\x80",
                                        "\xFF",
                                        "\xE4\xBD",
                                        "\xF0\x9D\x85\x9E",
                                        "\xEF\xBF\xBD",
                                        "antidisestablishmentarianism"};
    ink__random random = ink__random_start(1, 0);
    for (unsigned switches = 0; switches < 16; ++switches) {
        struct way fast, slow;
        open_ways(&fast, &slow, switches);
        for (int round = 0; round < 2000; ++round) {
            char text[1024];
            size_t len = 0;
            const uint32_t n = 1 + ink__random_below(&random, 30);
            for (uint32_t i = 0; i < n; ++i) {
                const char *part = parts[ink__random_below(&random, sizeof parts / sizeof *parts)];
                len += (size_t)snprintf(text + len, sizeof text - len, "%s", part);
            }
            const size_t max_chars = ink__random_below(&random, 2) ? 100 : ink__random_below(&random, 12);
            const size_t at = parting(&fast, &slow, text, len, max_chars);
            cr_expect(at == SIZE_MAX, "switches %x, %zu characters: they part at byte %zu of `%s`", switches,
                      max_chars, at, text);
        }
        close_way(&fast), close_way(&slow);
    }
}
