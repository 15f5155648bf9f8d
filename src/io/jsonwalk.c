/* Walking JSON text without parsing it: RFC 8259. See jsonwalk.h. */
#include "io/jsonwalk.h"

#include <string.h>

const char *ink__jsonwalk_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        ++p;
    return p;
}

const char *ink__jsonwalk_string(const char *p, const char *end)
{
    for (++p; p < end && *p != '"'; ++p)
        p += *p == '\\';
    return p < end ? p + 1 : end;
}

const char *ink__jsonwalk_value(const char *p, const char *end)
{
    size_t depth = 0;
    do {
        if (*p == '"') {
            p = ink__jsonwalk_string(p, end);
            continue;
        }
        if (*p == '{' || *p == '[')
            ++depth;
        else if (*p == '}' || *p == ']')
            --depth;
        ++p;
    } while (p < end && (depth > 0 || !strchr(",}] \t\r\n", *p)));
    return p;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        ++p;
    return p;
}

/* The end of the JSON number at p, or p. */
static const char *skip_number(const char *p, const char *end)
{
    const char *start = p, *q;
    p += p < end && *p == '-';
    q = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
    if (q == p)
        return start;
    p = q;
    if (p < end && *p == '.' && (q = skip_digits(p + 1, end)) > p + 1)
        p = q;
    if (p < end && (*p | 0x20) == 'e') {
        const char *digits = p + 1 + (end - p > 1 && (p[1] == '+' || p[1] == '-'));
        if ((q = skip_digits(digits, end)) > digits)
            p = q;
    }
    return p;
}

void ink__jsonwalk_blank_numbers(char *line, size_t len)
{
    const char *end = line + len;
    for (const char *p = line; p < end;) {
        const char *after = *p == '"' ? ink__jsonwalk_string(p, end) : skip_number(p, end);
        if (*p != '"' && after > p) {
            char *number = line + (p - line);
            memset(number, ' ', (size_t)(after - p));
            *number = '0';
        }
        p = after > p ? after : p + 1;
    }
}
