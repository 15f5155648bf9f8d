/* What every other header of Inkling stands on: linkage, version, status and error.
 *
 * Rules that hold for the whole interface:
 *   - A fallible function returns ink_status and takes `ink_error *err` last; err may be NULL.
 *   - `T **out` means the caller owns *out and frees it with the function named beside it; on failure
 *     *out is NULL. A returned pointer is borrowed and lives as long as the object it came from.
 *   - Option structs open with `version`; initialise them with their _INIT macro, which holds every
 *     default. Where a zero stands for one as well, the field's comment says so.
 *   - Text is UTF-8 in (pointer, length) pairs, and offsets are bytes into it.
 *   - The library never prints, exits, installs signal handlers or touches the locale. */
#ifndef INKLING_BASE_H
#define INKLING_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define INK_API       __attribute__((visibility("default")))
#define INK_NODISCARD __attribute__((warn_unused_result))
#else
#define INK_API
#define INK_NODISCARD
#endif

#define INK_VERSION_MAJOR 0
#define INK_VERSION_MINOR 1
#define INK_VERSION_PATCH 0

/* "0.1.0": of the library that is running, which may be newer than the header. Static memory. */
INK_API const char *ink_version(void);

typedef enum ink_status {
    INK_OK = 0,
    INK_E_ARG,         /* the caller passed what a caller may not pass */
    INK_E_MEMORY,      /* memory could not be had */
    INK_E_IO,          /* a file could not be found, read or written */
    INK_E_FORMAT,      /* bytes from outside are not what their format demands */
    INK_E_UNSUPPORTED, /* well formed, but not something Inkling does */
    INK_E_SHAPE,       /* sizes disagree, or exceed what the session was planned for */
    INK_E_BACKEND,     /* oneDNN refused; the text names the primitive */
    INK_E_NUMERIC,     /* a number stopped being finite */
    INK_E_CANCELLED    /* a callback asked to stop */
} ink_status;

/* "INK_E_IO" and the like; never NULL. Static memory. */
INK_API const char *ink_status_name(ink_status status);

/* One failure's story, in the caller's memory: what was found, what was wanted, and where. `text` is one
 * sentence in UTF-8 without a line break, always terminated. `file` and `line` are the place in Inkling's
 * own source, for reports to its makers. Untouched when a call succeeds. */
typedef struct ink_error {
    ink_status status;
    int line;
    const char *file;
    char text[1008];
} ink_error;
/* ink_error err = INK_ERROR_INIT;   in C and in C++ */
#define INK_ERROR_INIT                                                                                       \
    {                                                                                                        \
        INK_OK, 0, NULL, ""                                                                                  \
    }

#ifdef __cplusplus
}
#endif
#endif
