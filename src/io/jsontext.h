/* A growing piece of text, and JSON values appended to it. Nothing here depends on the locale. */
#ifndef INK_IO_JSONTEXT_H
#define INK_IO_JSONTEXT_H

#include "core/status.h"

/* Starts as {0}; set len to 0 to use its memory again. Not terminated. */
typedef struct ink__text {
    char *data;
    size_t len, capacity;
} ink__text;

void ink__text_free(ink__text *text); /* frees what it holds, zeroes it */

/* Makes room for `more` bytes behind len. INK_E_MEMORY leaves the text as it was; so do the others. */
ink_status ink__text_reserve(ink__text *text, size_t more, ink_error *err);

ink_status ink__text_bytes(ink__text *text, const char *bytes, size_t len, ink_error *err);
ink_status ink__text_cstr(ink__text *text, const char *string, ink_error *err);

/* "..." of len bytes of valid UTF-8: quote, backslash and control characters escaped (the short forms, else
 * four lower-case digits), everything else as it is. The bytes equal those of serde_json and of Python's
 * json.dumps(ensure_ascii=False). */
ink_status ink__text_string(ink__text *text, const char *utf8, size_t len, ink_error *err);

ink_status ink__text_uint(ink__text *text, uint64_t value, ink_error *err);
ink_status ink__text_fixed6(ink__text *text, double value, ink_error *err); /* 0.998012 */

/* With the least precision, as printf counts it, that reads back as the same float: 0.1, -3.25e-12, 7. */
ink_status ink__text_float(ink__text *text, float value, ink_error *err);

/* Both write null for what is not finite, which JSON cannot say. */

#endif
