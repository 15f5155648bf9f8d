/* The encoder's stopwatch: what lies between one lap and the next is one operation. Without a callback a lap
 * costs one branch. */
#ifndef INK_MODEL_PROFILE_H
#define INK_MODEL_PROFILE_H

#include <inkling/profile.h>

#include <stddef.h>
#include <time.h>

typedef struct ink__profile {
    ink_profile_callback *callback; /* NULL: nobody wants to know */
    void *user;
    const char *backend;
    size_t threads;
    size_t layer; /* under way */
    double last;  /* when the operation before this one ended */
} ink__profile;

static inline double ink__seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* From here the first operation of a layer's part counts. */
static inline void ink__profile_start(ink__profile *p, size_t layer)
{
    p->layer = layer;
    if (p->callback)
        p->last = ink__seconds();
}

/* The operation ends here. */
static inline void ink__profile_lap(ink__profile *p, ink_operation operation, size_t rows, size_t in,
                                    size_t out)
{
    if (!p->callback)
        return;
    const ink_profile_event event = {.operation = operation,
                                     .backend = p->backend,
                                     .layer = p->layer,
                                     .rows = rows,
                                     .in = in,
                                     .out = out,
                                     .threads = p->threads,
                                     .seconds = ink__seconds() - p->last};
    p->callback(&event, p->user);
    p->last = ink__seconds(); /* the callback's own time is nobody's */
}

#endif
