/* JSON text walked as it stands, for what a parser does not keep: numbers and ids as they were written. */
#ifndef INK_IO_JSONWALK_H
#define INK_IO_JSONWALK_H

#include <stddef.h>

const char *ink__jsonwalk_space(const char *p, const char *end);

/* The end of the string that opens at p. */
const char *ink__jsonwalk_string(const char *p, const char *end);

/* The end of the value at p, in text that is known to be JSON. */
const char *ink__jsonwalk_value(const char *p, const char *end);

/* Writes 0 and spaces over every number, so that only the strings keep their values: for numbers beyond a
 * double's range, which jansson refuses. */
void ink__jsonwalk_blank_numbers(char *text, size_t len);

#endif
