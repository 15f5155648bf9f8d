/* The order of records: every record once an epoch, each order as likely as another, batches of like length,
 * and a cursor that is all a resumed run needs. */
#include "train/order.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static ink_error err;

/* All records of one epoch, laid end to end. */
static void collect(uint32_t *records, ink__order *order, uint64_t epoch)
{
    ink__cursor cursor = {epoch, 0};
    size_t n = 0, count;
    while (cursor.epoch == epoch) {
        const uint32_t *batch = ink__order_next(&count, &cursor, order);
        cr_assert(n + count <= order->n);
        memcpy(records + n, batch, count * sizeof *batch);
        n += count;
    }
    cr_expect(n == order->n && cursor.epoch == epoch + 1 && cursor.batch == 0);
}

Test(order, an_epoch_has_every_record_once_and_the_last_batch_may_be_short)
{
    enum { MOST = 211 };
    size_t offsets[MOST + 1] = {0};
    for (size_t i = 0; i < MOST; ++i)
        offsets[i + 1] = offsets[i] + 1 + i * 7 % 13;
    static const size_t sizes[] = {1, 2, 7, 16, 210, MOST};
    for (int by_length = 0; by_length < 2; ++by_length)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
            for (size_t batch_size = 1; batch_size < 300; batch_size = batch_size * 3 + 1) {
                ink__order order;
                uint32_t records[MOST];
                bool seen[MOST] = {false};
                cr_assert(ink__order_create(&order, sizes[s], by_length ? offsets : NULL, batch_size, 5,
                                            &err) == INK_OK);
                cr_expect(order.n_batches == (sizes[s] + batch_size - 1) / batch_size);
                collect(records, &order, 3);
                for (size_t i = 0; i < sizes[s]; ++i) {
                    cr_expect(records[i] < sizes[s] && !seen[records[i]], "record %u comes twice",
                              records[i]);
                    seen[records[i]] = true;
                }
                ink__order_free(&order);
            }
}

Test(order, it_is_the_seed_and_the_epoch_that_decide)
{
    enum { N = 60 };
    uint32_t first[N], again[N], later[N], other[N];
    ink__order order, elsewhere;
    cr_assert(ink__order_create(&order, N, NULL, 8, 1, &err) == INK_OK);
    cr_assert(ink__order_create(&elsewhere, N, NULL, 8, 2, &err) == INK_OK);
    collect(first, &order, 0);
    collect(later, &order, 1);
    collect(again, &order, 0);
    collect(other, &elsewhere, 0);
    cr_expect(memcmp(first, again, sizeof first) == 0);
    cr_expect(memcmp(first, later, sizeof first) != 0);
    cr_expect(memcmp(first, other, sizeof first) != 0);
    ink__order_free(&order);
    ink__order_free(&elsewhere);
}

Test(order, a_run_resumed_at_any_cursor_sees_what_the_other_saw)
{
    enum { N = 53, STEPS = 25 };
    size_t offsets[N + 1];
    for (size_t i = 0; i <= N; ++i)
        offsets[i] = i * i;
    ink__order order;
    ink__cursor cursor = {0}, at[STEPS];
    uint32_t firsts[STEPS];
    size_t count;
    cr_assert(ink__order_create(&order, N, offsets, 6, 9, &err) == INK_OK);
    for (int i = 0; i < STEPS; ++i) {
        at[i] = cursor;
        firsts[i] = ink__order_next(&count, &cursor, &order)[0];
    }
    for (int i = 0; i < STEPS; ++i) {
        ink__order fresh;
        cr_assert(ink__order_create(&fresh, N, offsets, 6, 9, &err) == INK_OK);
        cursor = at[i];
        for (int j = i; j < STEPS; ++j)
            cr_expect(ink__order_next(&count, &cursor, &fresh)[0] == firsts[j], "step %d from %d", j, i);
        ink__order_free(&fresh);
    }
    ink__order_free(&order);
}

Test(order, every_order_is_as_likely_as_another)
{
    /* 24 orders of four records, 24,000 epochs: chi-square with 23 degrees of freedom is above 49.7 once in a
     * thousand times; the draws are fixed. */
    enum { N = 4, EPOCHS = 24000 };
    int counts[256] = {0};
    double chi = 0;
    ink__order order;
    cr_assert(ink__order_create(&order, N, NULL, N, 7, &err) == INK_OK);
    for (uint64_t epoch = 0; epoch < EPOCHS; ++epoch) {
        uint32_t r[N];
        collect(r, &order, epoch);
        ++counts[r[0] << 6 | r[1] << 4 | r[2] << 2 | r[3]];
    }
    int orders = 0;
    for (int i = 0; i < 256; ++i)
        if (counts[i] > 0) {
            ++orders;
            chi += (counts[i] - 1000.0) * (counts[i] - 1000.0) / 1000.0;
        }
    cr_expect(orders == 24 && chi < 49.7, "%d orders, chi-square %g", orders, chi);
    ink__order_free(&order);
}

Test(order, batches_by_length_hold_records_of_like_length_in_a_shuffled_order)
{
    enum { N = 4000, BATCH = 10 };
    static size_t offsets[N + 1];
    for (size_t i = 0; i < N; ++i)
        offsets[i + 1] = offsets[i] + 5 + i * 37 % 200;
    for (int by_length = 0; by_length < 2; ++by_length) {
        ink__order order;
        cr_assert(ink__order_create(&order, N, by_length ? offsets : NULL, BATCH, 3, &err) == INK_OK);
        ink__cursor cursor = {0};
        size_t spread = 0, falling = 0, last = 0, count;
        for (size_t b = 0; b < N / BATCH; ++b) {
            size_t low = SIZE_MAX, high = 0;
            const uint32_t *batch = ink__order_next(&count, &cursor, &order);
            for (size_t i = 0; i < count; ++i) {
                const size_t length = offsets[batch[i] + 1] - offsets[batch[i]];
                low = length < low ? length : low;
                high = length > high ? length : high;
            }
            spread += high - low;
            falling += high < last;
            last = high;
        }
        spread /= N / BATCH;
        /* Ten of two hundred lengths spread over some 164 of them; neighbours of 500 sorted ones over four.
         */
        if (by_length)
            cr_expect(spread < 8, "batches by length spread over %zu tokens", spread);
        else
            cr_expect(spread > 140, "shuffled batches spread over %zu tokens", spread);
        cr_expect(falling > N / BATCH / 3 && falling < N / BATCH * 2 / 3, "%zu of %d batches are shorter",
                  falling, N / BATCH);
        ink__order_free(&order);
    }
}

Test(order, nothing_to_order_is_refused)
{
    ink__order order;
    cr_expect(ink__order_create(&order, 0, NULL, 8, 0, &err) == INK_E_ARG);
    cr_expect(strstr(err.text, "0 records to train on"), "%s", err.text);
    cr_expect(ink__order_create(&order, 3, NULL, 0, 0, &err) == INK_E_ARG);
    cr_expect(strstr(err.text, "batches of 0 records"), "%s", err.text);
    cr_expect(ink__order_create(&order, (size_t)1 << 40, NULL, 8, 0, &err) == INK_E_ARG);
    cr_expect(strstr(err.text, "1099511627776 records"), "%s", err.text);
}
