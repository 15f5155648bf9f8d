/* Status and error: see status.h. */
#include "core/status.h"
#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

const char *ink_version(void)
{
    return STRING(INK_VERSION_MAJOR) "." STRING(INK_VERSION_MINOR) "." STRING(INK_VERSION_PATCH);
}

const char *ink_status_name(ink_status status)
{
    switch (status) {
    case INK_OK:
        return "INK_OK";
    case INK_E_ARG:
        return "INK_E_ARG";
    case INK_E_MEMORY:
        return "INK_E_MEMORY";
    case INK_E_IO:
        return "INK_E_IO";
    case INK_E_FORMAT:
        return "INK_E_FORMAT";
    case INK_E_UNSUPPORTED:
        return "INK_E_UNSUPPORTED";
    case INK_E_SHAPE:
        return "INK_E_SHAPE";
    case INK_E_BACKEND:
        return "INK_E_BACKEND";
    case INK_E_NUMERIC:
        return "INK_E_NUMERIC";
    case INK_E_CANCELLED:
        return "INK_E_CANCELLED";
    }
    return "INK_E_?";
}

/* Copies raw into text as one printable line; returns false if it did not fit whole. */
static bool copy_printable(char *text, size_t size, const char *raw)
{
    const unsigned char *p = (const unsigned char *)raw, *end = p + strlen(raw);
    size_t n = 0;
    while (p < end) {
        uint32_t cp;
        size_t used = ink__utf8_decode(&cp, p, end);
        char bytes[4];
        size_t len;
        if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029)
            bytes[0] = '?', len = 1;
        else
            len = ink__utf8_encode(bytes, cp);
        if (n + len + 1 > size) {
            text[n] = '\0';
            return false;
        }
        memcpy(text + n, bytes, len);
        n += len, p += used;
    }
    text[n] = '\0';
    return true;
}

ink_status ink__fail(ink_error *err, ink_status status, const char *file, int line, const char *format, ...)
{
    if (!err)
        return status;
    /* Arguments may point into *err itself (a sentence wrapped in another), so it is written last. */
    char raw[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    if (n < 0)
        raw[0] = '\0';
    err->status = status;
    err->file = file;
    err->line = line;
    if (!copy_printable(err->text, sizeof err->text - 3, raw) || n >= (int)sizeof raw)
        strcat(err->text, "...");
    return status;
}
