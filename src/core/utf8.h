/* UTF-8 as RFC 3629 and the Unicode Standard (ch. 3.9) have it: shortest form, no surrogates, at most
 * U+10FFFF; each maximal subpart of an ill-formed sequence counts as one U+FFFD. */
#ifndef INK_CORE_UTF8_H
#define INK_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define INK__UTF8_BAD 0xFFFDu

/* Decodes one code point at p < end into *cp (U+FFFD where it is ill formed); returns the bytes used,
 * 1 to 4. *bad of the longer form says whether it was ill formed, which a genuine U+FFFD is not. */
size_t ink__utf8_decode(uint32_t *cp, const unsigned char *p, const unsigned char *end);
size_t ink__utf8_decode_checked(uint32_t *cp, int *bad, const unsigned char *p, const unsigned char *end);

/* Writes cp as 1 to 4 bytes, no terminator; returns how many. cp is a valid scalar value. */
size_t ink__utf8_encode(char *bytes, uint32_t cp);

/* Bytes of the longest well-formed prefix of text; equals len when all of it is valid. */
size_t ink__utf8_valid_prefix(const char *text, size_t len);

/* Copies text to out with every ill-formed subpart as U+FFFD (3 bytes); out has room for 3*len bytes.
 * Returns the length written and adds the number of replacements to *bad. */
size_t ink__utf8_sanitise(char *out, size_t *bad, const char *text, size_t len);

#endif
