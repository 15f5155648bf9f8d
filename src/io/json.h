/* JSON documents from outside, parsed by jansson and asked for with sentences that name file and key. */
#ifndef INK_IO_JSON_H
#define INK_IO_JSON_H

#include "core/status.h"

#include <jansson.h>

typedef struct ink__json {
    json_t *root;
    char *path; /* for messages; owned */
} ink__json;

/* Parses a file whose root must be an object. Every number comes as a real, so that the 31-digit
 * model_max_length of Hugging Face parses; ask for whole numbers with ink__json_size. Bytes that are not
 * UTF-8 and lone surrogates become U+FFFD first, a byte order mark is skipped, and strings may hold NUL (ask
 * json_string_length). INK_E_IO: cannot be read. INK_E_FORMAT: not JSON (line and column), a key twice in one
 * object, root not an object, over 256 MiB, over 8 million values. */
ink_status ink__json_open(ink__json *json, const char *path, ink_error *err);
/* The same for a file whose root must be an array. */
ink_status ink__json_open_array(ink__json *json, const char *path, ink_error *err);
/* The same from memory; `path` only names it in messages. */
ink_status ink__json_parse(ink__json *json, const char *bytes, size_t len, const char *path, ink_error *err);
/* "an object", "a string" and the like, for sentences; "missing" for NULL. Static memory. */
const char *ink__json_kind(const json_t *value);

/* *mended = a copy of the len bytes in which ill-formed UTF-8 and escapes of lone surrogates are U+FFFD
 * (free() it), with *len its length and their number added to *bad; NULL where there is nothing to mend. */
ink_status ink__json_mend(char **mended, size_t *len, size_t *bad, const char *bytes, ink_error *err);

/* False where parsing would take memory out of all proportion: jansson needs up to 250 bytes for each "{},".
 * Whatever is given to jansson from outside passes here first. */
bool ink__json_modest(const char *bytes, size_t len);
void ink__json_close(ink__json *json);

/* Each looks a key up in `object` (a part of json). A missing or null key leaves *value as it is, which is
 * how defaults are given; a value of the wrong kind is INK_E_FORMAT with file, key, what was wanted. */
ink_status ink__json_size(size_t *value, const ink__json *json, const json_t *object, const char *key,
                          ink_error *err); /* a whole number, 0 to 2^53 */
ink_status ink__json_double(double *value, const ink__json *json, const json_t *object, const char *key,
                            ink_error *err);
ink_status ink__json_bool(bool *value, const ink__json *json, const json_t *object, const char *key,
                          ink_error *err);
ink_status ink__json_string(const char **value, const ink__json *json, const json_t *object, const char *key,
                            ink_error *err); /* borrowed from json; one with a NUL in it is refused */

#endif
