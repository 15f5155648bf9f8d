/* In which order training sees its records: each epoch anew, and a pure function of seed and epoch. Where a
 * run stands is two numbers, which is all that has to be saved to go on as if it had never stopped. */
#ifndef INK_TRAIN_ORDER_H
#define INK_TRAIN_ORDER_H

#include "core/status.h"

/* The batch that comes next. Starts as {0}. */
typedef struct ink__cursor {
    uint64_t epoch, batch;
} ink__cursor;

typedef struct ink__order {
    uint64_t seed, epoch; /* the epoch that is laid out; UINT64_MAX: none yet */
    size_t n, batch_size, n_batches;
    const size_t *offsets; /* NULL: records of like length are not brought together */
    uint32_t *records;     /* [n] batch b is batch_size of them (the last perhaps fewer) from ... */
    uint32_t *batches;     /* [n_batches] ... batches[b] * batch_size on */
    uint64_t *keys;        /* for sorting */
} ink__order;

/* Plans batches of batch_size of n records. With offsets [n+1], the borrowed places of the records' tokens
 * laid end to end, records of about the same length share a batch: the shuffled records are sorted within
 * every 50 batches, longest first, and the batches shuffled. INK_E_ARG: no records or more than 2^32 - 1, or
 * a batch_size of 0. */
ink_status ink__order_create(ink__order *order, size_t n, const size_t *offsets, size_t batch_size,
                             uint64_t seed, ink_error *err);
void ink__order_free(ink__order *order);

/* The records of the batch at the cursor, `count` of them, borrowed until the next call; moves the cursor on,
 * into the next epoch after the last batch. Laying an epoch out costs n steps, or n log n by length. */
const uint32_t *ink__order_next(size_t *count, ink__cursor *cursor, ink__order *order);

#endif
