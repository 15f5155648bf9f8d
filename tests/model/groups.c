/* Groups of sequences: every sequence once and in order, none too large, threads evenly busy. */
#include "model/groups.h"

#include <criterion/criterion.h>

enum { B = 60 };

static size_t offsets[B + 1], starts[B + 1], busy[8];

/* n sequences of these lengths, over and over. */
static void lay(size_t n, const size_t *lengths, size_t n_lengths)
{
    for (size_t b = 0; b < n; ++b)
        offsets[b + 1] = offsets[b] + lengths[b % n_lengths];
}

static size_t rows_of(size_t g)
{
    return offsets[starts[g + 1]] - offsets[starts[g]];
}

Test(groups, hold_every_sequence_once_and_no_more_rows_than_allowed)
{
    static const size_t lengths[] = {24, 7, 41, 16, 32, 12, 36, 20, 28};
    for (size_t most = 41; most < 700; most += 13)
        for (size_t threads = 1; threads <= 3; ++threads) {
            lay(B, lengths, 9);
            const size_t n = ink__groups_make(starts, busy, offsets, B, threads, most);
            if (n == 0) {
                cr_expect(threads > 1, "one thread is never out of balance");
                continue;
            }
            cr_assert(starts[0] == 0 && starts[n] == B && n <= B);
            for (size_t g = 0; g < n; ++g)
                cr_assert(starts[g] < starts[g + 1] && rows_of(g) <= most,
                          "group %zu of %zu: %zu rows of %zu", g, n, rows_of(g), most);
        }
}

Test(groups, share_rows_equally_among_threads)
{
    static const size_t lengths[] = {24, 7, 41, 16, 32, 12, 36, 20, 28};
    lay(43, lengths, 9);
    cr_assert(ink__groups_make(starts, busy, offsets, 43, 2, INK__GROUP) == 2);
    cr_expect(rows_of(0) >= 496 && rows_of(0) <= 536, "%zu of %zu rows", rows_of(0), offsets[43]);
    cr_assert(ink__groups_make(starts, busy, offsets, 43, 4, INK__GROUP) == 4);
    cr_assert(ink__groups_make(starts, busy, offsets, 43, 2, 300) == 4, "as many for each thread");
}

Test(groups, are_not_made_where_a_thread_would_wait_or_a_sequence_is_too_long)
{
    static const size_t uneven[] = {400, 100}, one[] = {100}, thirds[] = {100, 100, 100}, edge[] = {640},
                        beyond[] = {641};
    lay(2, uneven, 2);
    cr_expect(ink__groups_make(starts, busy, offsets, 2, 2, INK__GROUP) == 0);
    cr_expect(ink__groups_make(starts, busy, offsets, 2, 1, INK__GROUP) == 1);
    lay(1, one, 1);
    cr_expect(ink__groups_make(starts, busy, offsets, 1, 2, INK__GROUP) == 0, "a thread without a text");
    lay(3, thirds, 3);
    cr_expect(ink__groups_make(starts, busy, offsets, 3, 2, INK__GROUP) == 0);
    cr_expect(ink__groups_make(starts, busy, offsets, 3, 3, INK__GROUP) == 3);
    lay(4, edge, 1);
    cr_expect(ink__groups_make(starts, busy, offsets, 4, 2, INK__GROUP) == 4);
    lay(4, beyond, 1);
    cr_expect(ink__groups_make(starts, busy, offsets, 4, 2, INK__GROUP) == 0);
}
