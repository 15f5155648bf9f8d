/* Decoding, encoding and mending UTF-8. */
#include "core/utf8.h"

#include <criterion/criterion.h>

#include <string.h>

Test(utf8, every_scalar_value_survives_a_round_trip)
{
    for (uint32_t cp = 0; cp <= 0x10FFFF; ++cp) {
        if (cp >= 0xD800 && cp < 0xE000)
            continue;
        char bytes[4];
        uint32_t back;
        int bad;
        const size_t len = ink__utf8_encode(bytes, cp);
        const unsigned char *p = (const unsigned char *)bytes;
        cr_assert(ink__utf8_decode_checked(&back, &bad, p, p + len) == len && back == cp && !bad, "U+%04X",
                  cp);
        cr_assert(ink__utf8_valid_prefix(bytes, len) == len);
    }
}

/* The Unicode Standard, table 3-8 and chapter 3.9: each maximal subpart is one replacement. */
static const struct {
    const char *bytes, *mended;
    size_t bad;
} broken[] = {
    {"a\x80z", "a\xEF\xBF\xBDz", 1},
    {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD", 2},
    {"\xE0\x80\xBF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 3},
    {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 3},
    {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 4},
    {"\xE2\x82", "\xEF\xBF\xBD", 1},
    {"\xF0\x9F\x98"
     "A",
     "\xEF\xBF\xBD"
     "A",
     1},
    {"\xFF", "\xEF\xBF\xBD", 1},
    {"\xEF\xBF\xBD", "\xEF\xBF\xBD", 0},
    {"plain", "plain", 0},
};

Test(utf8, each_maximal_subpart_becomes_one_replacement)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; ++i) {
        char out[64];
        size_t bad = 0;
        const size_t len = ink__utf8_sanitise(out, &bad, broken[i].bytes, strlen(broken[i].bytes));
        cr_expect(bad == broken[i].bad, "case %zu: %zu bad", i, bad);
        cr_expect(len == strlen(broken[i].mended) && memcmp(out, broken[i].mended, len) == 0, "case %zu", i);
    }
}

Test(utf8, a_valid_prefix_ends_before_the_first_bad_byte)
{
    char text[64];
    memset(text, 'a', sizeof text);
    for (size_t at = 0; at < sizeof text; ++at) {
        text[at] = (char)0xFE;
        cr_expect(ink__utf8_valid_prefix(text, sizeof text) == at);
        text[at] = 'a';
    }
    cr_expect(ink__utf8_valid_prefix(text, sizeof text) == sizeof text);
}
