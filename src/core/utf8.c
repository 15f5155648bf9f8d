/* UTF-8: see utf8.h. */
#include "core/utf8.h"

#include <string.h>

size_t ink__utf8_decode_checked(uint32_t *cp, int *bad, const unsigned char *p, const unsigned char *end)
{
    const uint32_t b0 = p[0];
    *bad = 0;
    if (b0 < 0x80) {
        *cp = b0;
        return 1;
    }
    /* The second byte's range depends on the first (Unicode table 3-7); later ones are 80..BF. */
    size_t need;
    uint32_t low = 0x80, high = 0xBF, value;
    if (b0 >= 0xC2 && b0 <= 0xDF) {
        need = 1, value = b0 & 0x1F;
    } else if (b0 >= 0xE0 && b0 <= 0xEF) {
        need = 2, value = b0 & 0x0F;
        if (b0 == 0xE0)
            low = 0xA0;
        else if (b0 == 0xED)
            high = 0x9F;
    } else if (b0 >= 0xF0 && b0 <= 0xF4) {
        need = 3, value = b0 & 0x07;
        if (b0 == 0xF0)
            low = 0x90;
        else if (b0 == 0xF4)
            high = 0x8F;
    } else {
        *cp = INK__UTF8_BAD, *bad = 1;
        return 1;
    }
    for (size_t i = 1; i <= need; ++i) {
        if (p + i >= end || p[i] < low || p[i] > high) {
            *cp = INK__UTF8_BAD, *bad = 1;
            return i;
        }
        value = value << 6 | (p[i] & 0x3F);
        low = 0x80, high = 0xBF;
    }
    *cp = value;
    return need + 1;
}

size_t ink__utf8_decode(uint32_t *cp, const unsigned char *p, const unsigned char *end)
{
    int bad;
    return ink__utf8_decode_checked(cp, &bad, p, end);
}

size_t ink__utf8_encode(char *bytes, uint32_t cp)
{
    if (cp < 0x80) {
        bytes[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        bytes[0] = (char)(0xC0 | cp >> 6);
        bytes[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        bytes[0] = (char)(0xE0 | cp >> 12);
        bytes[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | cp >> 18);
    bytes[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t ink__utf8_valid_prefix(const char *text, size_t len)
{
    const unsigned char *start = (const unsigned char *)text, *p = start, *end = start + len;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0)) {
            p += 8;
            continue;
        }
        uint32_t cp;
        int bad;
        const size_t used = ink__utf8_decode_checked(&cp, &bad, p, end);
        if (bad)
            break;
        p += used;
    }
    return (size_t)(p - start);
}

size_t ink__utf8_sanitise(char *out, size_t *bad, const char *text, size_t len)
{
    size_t n = 0;
    while (len > 0) {
        const size_t good = ink__utf8_valid_prefix(text, len);
        memcpy(out + n, text, good);
        n += good, text += good, len -= good;
        if (len == 0)
            break;
        uint32_t cp;
        const unsigned char *p = (const unsigned char *)text;
        const size_t used = ink__utf8_decode(&cp, p, p + len);
        memcpy(out + n, "\xEF\xBF\xBD", 3);
        n += 3, text += used, len -= used, ++*bad;
    }
    return n;
}
