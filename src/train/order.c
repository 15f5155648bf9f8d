/* The order of records: see order.h. Shuffles are Fisher and Yates's (Durstenfeld, "Algorithm 235: Random
 * permutation", CACM 1964) with unbiased draws; mega-batches of 50 batches are those of Hugging Face's
 * LengthGroupedSampler, whose batches are not shuffled afterwards: then the long ones would come first fifty
 * times an epoch. */
#include "train/order.h"
#include "core/memory.h"
#include "core/random.h"
#include "train/streams.h"

#include <stdlib.h>

enum { MEGA_BATCHES = 50 };

ink_status ink__order_create(ink__order *order, size_t n, const size_t *offsets, size_t batch_size,
                             uint64_t seed, ink_error *err)
{
    *order = (ink__order){0};
    if (n == 0 || n > UINT32_MAX)
        return ink_fail(err, INK_E_ARG, "%zu records to train on, wanted 1 to %u", n, UINT32_MAX);
    if (batch_size == 0)
        return ink_fail(err, INK_E_ARG, "batches of 0 records, wanted at least 1");
    if (batch_size > n)
        batch_size = n;
    const size_t n_batches = n / batch_size + (n % batch_size > 0);
    *order = (ink__order){.seed = seed,
                          .epoch = UINT64_MAX,
                          .n = n,
                          .batch_size = batch_size,
                          .n_batches = n_batches,
                          .offsets = offsets};
    ink_status st;
    INK_TRY_GOTO(ink__calloc(&order->records, n, sizeof *order->records, "an order of records", err));
    INK_TRY_GOTO(ink__calloc(&order->batches, n_batches, sizeof *order->batches, "an order of batches", err));
    if (offsets)
        INK_TRY_GOTO(ink__calloc(&order->keys, n, sizeof *order->keys, "an order of records", err));
    return INK_OK;
done:
    ink__order_free(order);
    return st;
}

void ink__order_free(ink__order *order)
{
    free(order->records);
    free(order->batches);
    free(order->keys);
    *order = (ink__order){0};
}

/* places [n] = 0 to n-1, each order as likely as any other. */
static void permute(uint32_t *places, size_t n, ink__random *random)
{
    for (size_t i = 0; i < n; ++i) {
        const uint32_t j = ink__random_below(random, (uint32_t)i + 1);
        places[i] = places[j];
        places[j] = (uint32_t)i;
    }
}

static int by_key(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorts the n shuffled records, longest first; those of one length stay as the shuffle put them. */
static void sort_by_length(uint32_t *records, uint64_t *keys, size_t n, const size_t *offsets)
{
    for (size_t i = 0; i < n; ++i) {
        const size_t length = offsets[records[i] + 1] - offsets[records[i]];
        const uint32_t shortness = length < UINT32_MAX ? UINT32_MAX - (uint32_t)length : 0;
        keys[i] = (uint64_t)shortness << 32 | i;
    }
    qsort(keys, n, sizeof *keys, by_key);
    for (size_t i = 0; i < n; ++i)
        keys[i] = records[(uint32_t)keys[i]];
    for (size_t i = 0; i < n; ++i)
        records[i] = (uint32_t)keys[i];
}

static void lay_out(ink__order *order, uint64_t epoch)
{
    ink__random random = ink__random_start(order->seed, ink__stream(INK__DRAW_ORDER, (uint32_t)epoch));
    permute(order->records, order->n, &random);
    if (order->offsets) {
        const size_t mega =
            order->batch_size < order->n / MEGA_BATCHES ? order->batch_size * MEGA_BATCHES : order->n;
        for (size_t i = 0; i < order->n; i += mega)
            sort_by_length(order->records + i, order->keys, order->n - i < mega ? order->n - i : mega,
                           order->offsets);
        permute(order->batches, order->n_batches, &random);
    } else {
        for (size_t b = 0; b < order->n_batches; ++b)
            order->batches[b] = (uint32_t)b;
    }
    order->epoch = epoch;
}

const uint32_t *ink__order_next(size_t *count, ink__cursor *cursor, ink__order *order)
{
    if (order->epoch != cursor->epoch)
        lay_out(order, cursor->epoch);
    const size_t first = order->batches[cursor->batch] * order->batch_size, left = order->n - first;
    *count = left < order->batch_size ? left : order->batch_size;
    if (++cursor->batch == order->n_batches)
        *cursor = (ink__cursor){cursor->epoch + 1, 0};
    return order->records + first;
}
