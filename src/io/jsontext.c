/* Text that grows and JSON values written to it: RFC 8259, section 7 for strings and 6 for numbers. */
#include "io/jsontext.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ink__text_free(ink__text *text)
{
    free(text->data);
    *text = (ink__text){0};
}

ink_status ink__text_reserve(ink__text *text, size_t more, ink_error *err)
{
    if (more > SIZE_MAX - text->len)
        return ink_fail(err, INK_E_MEMORY, "no memory for %zu more bytes of text", more);
    return ink__grow(&text->data, &text->capacity, text->len + more, 1, "text", err);
}

ink_status ink__text_bytes(ink__text *text, const char *bytes, size_t len, ink_error *err)
{
    INK_TRY(ink__text_reserve(text, len, err));
    if (len > 0)
        memcpy(text->data + text->len, bytes, len);
    text->len += len;
    return INK_OK;
}

ink_status ink__text_cstr(ink__text *text, const char *string, ink_error *err)
{
    return ink__text_bytes(text, string, strlen(string), err);
}

static bool must_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

ink_status ink__text_string(ink__text *text, const char *utf8, size_t len, ink_error *err)
{
    static const char letters[] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu", hex[] = "0123456789abcdef";
    size_t extra = 2;
    for (size_t i = 0; i < len; ++i)
        extra += must_escape((unsigned char)utf8[i]) ? 5 : 0;
    if (extra > SIZE_MAX - len)
        return ink_fail(err, INK_E_MEMORY, "no memory for a JSON string of %zu bytes", len);
    INK_TRY(ink__text_reserve(text, len + extra, err));
    char *p = text->data + text->len;
    *p++ = '"';
    for (size_t i = 0; i < len; ++i) {
        const unsigned char c = (unsigned char)utf8[i];
        if (!must_escape(c)) {
            *p++ = (char)c;
            continue;
        }
        *p++ = '\\';
        *p++ = c < 0x20 ? letters[c] : (char)c;
        if (c < 0x20 && letters[c] == 'u') {
            memcpy(p, "00", 2);
            p[2] = hex[c >> 4], p[3] = hex[c & 15];
            p += 4;
        }
    }
    *p++ = '"';
    text->len = (size_t)(p - text->data);
    return INK_OK;
}

ink_status ink__text_uint(ink__text *text, uint64_t value, ink_error *err)
{
    char digits[20];
    size_t n = sizeof digits;
    do
        digits[--n] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    return ink__text_bytes(text, digits + n, sizeof digits - n, err);
}

ink_status ink__text_fixed6(ink__text *text, double value, ink_error *err)
{
    char number[400]; /* -1.8e308 has 310 characters before the point */
    if (!isfinite(value))
        return ink__text_cstr(text, "null", err);
    const int n = snprintf(number, sizeof number, "%.6f", value);
    /* The decimal sign is the locale's, which may be several bytes: what is not a digit or the minus. */
    const size_t whole = strspn(number, "-0123456789");
    INK_TRY(ink__text_reserve(text, (size_t)n + 1, err));
    ink__text_bytes(text, number, whole, NULL);
    ink__text_bytes(text, ".", 1, NULL);
    return ink__text_bytes(text, number + n - 6, 6, err);
}

/* Finds the shortest decimal digits * 10^exponent that reads back as `value`, a positive float; returns false
 * where plain double arithmetic cannot tell.
 *
 * The digits and a power of ten up to 10^22 are exact in a double, so one division or product of them is
 * correctly rounded, and rounding keeps the order: strictly between the two midpoints that bound the float
 * (exact in a double as well) lies the decimal itself if its double does. On a midpoint, fma says on which
 * side of it the decimal is; on it, the even float is the one that is read. Six digits find every decimal of
 * up to six: floats are 10^-7 apart, those decimals 10^-6. */
static bool shortest_by_double(uint64_t *digits, int *exponent, float value)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const double x = value;
    if (!(x >= 1e-13 && x < 1e22))
        return false;
    const double below = (x + (double)nextafterf(value, 0)) / 2;
    const double above = (x + (double)nextafterf(value, INFINITY)) / 2;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int e10 = (int)floor(log10(x));
    for (int p = 6; p <= 9; ++p) {
        const int scale = p - 1 - e10;
        if (scale > 22 || scale < -22)
            return false;
        const double ten = power[scale >= 0 ? scale : -scale];
        const double d = nearbyint(scale >= 0 ? x * ten : x / ten);
        const double back = scale >= 0 ? d / ten : d * ten;
        bool same = back > below && back < above;
        if (back == below || back == above) {
            const double beyond = scale >= 0 ? fma(-back, ten, d) : fma(d, ten, -back);
            same = beyond == 0 ? bits % 2 == 0 : (beyond < 0) == (back == above);
        }
        if (same) {
            *digits = (uint64_t)d, *exponent = -scale;
            return true;
        }
    }
    return false;
}

/* The same for any positive finite float, by asking the C library: %e has the digits in front. */
static void shortest_by_libc(uint64_t *digits, int *exponent, float value)
{
    for (int p = 1; p <= 9; ++p) {
        char number[40];
        snprintf(number, sizeof number, "%.*e", p - 1, (double)value);
        if (p < 9 && strtof(number, NULL) != value)
            continue;
        *digits = 0, *exponent = -(p - 1);
        const char *c = number;
        for (; *c && *c != 'e'; ++c)
            if (*c >= '0' && *c <= '9')
                *digits = *digits * 10 + (uint64_t)(*c - '0');
        *exponent += atoi(c + 1);
        return;
    }
}

ink_status ink__text_float(ink__text *text, float value, ink_error *err)
{
    uint64_t digits = 0;
    int exponent = 0;
    if (!isfinite(value))
        return ink__text_cstr(text, "null", err);
    if (value != 0 && !shortest_by_double(&digits, &exponent, fabsf(value)))
        shortest_by_libc(&digits, &exponent, fabsf(value));
    for (; digits > 0 && digits % 10 == 0; ++exponent)
        digits /= 10;

    char d[20], out[48], *p = out;
    int n = sizeof d;
    for (uint64_t rest = digits; rest > 0 || n == sizeof d; rest /= 10)
        d[--n] = (char)('0' + rest % 10);
    const char *first = d + n;
    n = (int)sizeof d - n;
    const int point = digits > 0 ? n + exponent : 1; /* digits before the decimal point */
    if (signbit(value))
        *p++ = '-';
    if (point > 0 && point <= 9) { /* 120, 1.25 */
        for (int i = 0; i < n || i < point; ++i) {
            if (i == point)
                *p++ = '.';
            *p++ = i < n ? first[i] : '0';
        }
    } else if (point > -5 && point <= 0) { /* 0.00125 */
        *p++ = '0', *p++ = '.';
        for (int i = point; i < 0; ++i)
            *p++ = '0';
        memcpy(p, first, (size_t)n);
        p += n;
    } else { /* 1.25e-7 */
        *p++ = first[0];
        if (n > 1) {
            *p++ = '.';
            memcpy(p, first + 1, (size_t)n - 1);
            p += n - 1;
        }
        p += snprintf(p, 8, "e%d", point - 1);
    }
    return ink__text_bytes(text, out, (size_t)(p - out), err);
}
