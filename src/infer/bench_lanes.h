/* The lanes of a bench: sessions that compute side by side, a thread each, or one session with all threads.
 */
#ifndef INK_INFER_BENCH_LANES_H
#define INK_INFER_BENCH_LANES_H

#include "infer/session.h"

#include <inkling/bench.h>

/* A batch; lanes cut it into units as a job does. */
typedef struct ink__bench_input {
    int32_t *ids;    /* [R] */
    size_t *offsets; /* [B+1] */
    size_t B, R, longest, shortest;
} ink__bench_input;

/* The sequence lengths of `lengths` in turn until there are `rows` tokens. */
ink_status ink__bench_input_create(ink__bench_input *input, const size_t *lengths, size_t n_lengths,
                                   size_t rows, const ink__config *config, ink_error *err);
void ink__bench_input_free(ink__bench_input *input);

typedef struct ink__bench_lane {
    ink_session *session;
    size_t unit; /* rows computed at once */
    float *out;  /* [unit,H], or scores: there is room for both */
    size_t out_len;
    size_t *offsets;                /* [unit+1] */
    float *x, *y;                   /* [unit,widest layer] for bare products */
    double seconds[INK_OPERATIONS]; /* of all its threads together */
    double ended;                   /* when its last pass was over */
    ink_status status;
    ink_error error;
} ink__bench_lane;

typedef struct ink__bench_lanes {
    const ink_model *model;
    size_t n;
    ink__bench_lane *lanes; /* [n] */
} ink__bench_lanes;

/* n lanes of `threads` threads each that compute at most `unit` rows at once. */
ink_status ink__bench_lanes_create(ink__bench_lanes *lanes, const ink_model *model, size_t n, size_t threads,
                                   size_t unit, ink_error *err);
void ink__bench_lanes_free(ink__bench_lanes *lanes);

/* One pass of a lane over its work. */
typedef ink_status ink__bench_lane_work(ink__bench_lane *lane, const void *what, ink_error *err);

ink_status ink__bench_lane_encode(ink__bench_lane *lane, const void *input,
                                  ink_error *err); /* an ink__bench_input */

/* R rows through one linear layer's product of every step: an ink__bench_lane_products. */
typedef struct ink__bench_lane_products {
    ink__shape shape;
    size_t R;
} ink__bench_lane_products;
ink_status ink__bench_lane_multiply(ink__bench_lane *lane, const void *products, ink_error *err);

/* Shorter work is repeated until it fills so many seconds. */
#define INK__BENCH_SPAN 0.1

/* *seconds = what a pass takes with all lanes at it, each doing its own, in the mean of as many passes as
 * fill INK__BENCH_SPAN. Lanes' `seconds` are then a pass's, too. */
ink_status ink__bench_lanes_time(double *seconds, ink__bench_lanes *lanes, ink__bench_lane_work *work,
                                 const void *what, ink_error *err);

#endif
