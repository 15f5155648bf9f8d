/* The one door through which every failure leaves the library. */
#ifndef INK_CORE_STATUS_H
#define INK_CORE_STATUS_H

#include <inkling/base.h>

/* Fills *err (if there is one) with status, place and text; returns the status. The text is made printable:
 * control bytes become '?', broken UTF-8 becomes U+FFFD, and what does not fit ends in "...". */
ink_status ink__fail(ink_error *err, ink_status status, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#define ink_fail(err, status, ...) ink__fail((err), (status), __FILE__, __LINE__, __VA_ARGS__)

#define INK_TRY(call)                                                                                        \
    do {                                                                                                     \
        ink_status ink_st_ = (call);                                                                         \
        if (ink_st_ != INK_OK)                                                                               \
            return ink_st_;                                                                                  \
    } while (0)

/* The same where something must be released first: the function has `ink_status st` and a label `done`. */
#define INK_TRY_GOTO(call)                                                                                   \
    do {                                                                                                     \
        st = (call);                                                                                         \
        if (st != INK_OK)                                                                                    \
            goto done;                                                                                       \
    } while (0)

#endif
