/* Where an encoder's time goes, operation by operation. */
#ifndef INKLING_PROFILE_H
#define INKLING_PROFILE_H

#include <inkling/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The parts of a forward pass; together they are all of it. A norm that comes before its layer, as in
 * ModernBERT, counts with that layer. */
typedef enum ink_operation {
    INK_OPERATION_EMBEDDING, /* lookup, norm, projection to H */
    INK_OPERATION_QKV,       /* queries, keys and values: one product */
    INK_OPERATION_ATTENTION,
    INK_OPERATION_ATTN_OUT, /* attention's output product, residual, norm */
    INK_OPERATION_FF_IN,    /* first feed-forward product, activation */
    INK_OPERATION_FF_OUT,   /* second one, residual, norm */
    INK_OPERATION_HEAD      /* pooling to scores; the norm after the last layer, where there is one */
} ink_operation;
enum { INK_OPERATIONS = INK_OPERATION_HEAD + 1 };

/* "qkv", "attn_out+norm" and the like; NULL for what is no operation. Static memory. */
INK_API const char *ink_operation_name(ink_operation operation);

/* One operation that has just ended. */
typedef struct ink_profile_event {
    ink_operation operation;
    const char *backend; /* "fused" */
    size_t layer;        /* from 0; of embedding and head 0 */
    size_t rows;         /* R of the batch; of the head's operation B */
    size_t in, out;      /* floats of a row that went in and came out */
    size_t threads;      /* that worked on it side by side */
    double seconds;      /* by the clock */
} ink_profile_event;

/* Called by the threads that compute, some of them perhaps at the same time. */
typedef void ink_profile_callback(const ink_profile_event *event, void *user);

#ifdef __cplusplus
}
#endif

#endif
