/* Sequences in groups: see groups.h. */
#include "model/groups.h"

#include <stdbool.h>

/* Rows of the busiest thread when each takes the next group as it becomes free. */
static size_t busiest(size_t *busy, const size_t *starts, const size_t *offsets, size_t n, size_t threads)
{
    size_t rows = 0;
    for (size_t i = 0; i < threads; ++i)
        busy[i] = 0;
    for (size_t g = 0; g < n; ++g) {
        size_t least = 0;
        for (size_t i = 1; i < threads; ++i)
            least = busy[i] < busy[least] ? i : least;
        busy[least] += offsets[starts[g + 1]] - offsets[starts[g]];
        rows = busy[least] > rows ? busy[least] : rows;
    }
    return rows;
}

size_t ink__groups_make(size_t *starts, size_t *busy, const size_t *offsets, size_t B, size_t threads,
                        size_t most)
{
    const size_t R = offsets[B], wanted = (R + most * threads - 1) / (most * threads) * threads;
    size_t n = 0;
    starts[0] = 0;
    for (size_t b = 0, from = 0; b < B; ++b) {
        const size_t begin = offsets[b], end = offsets[b + 1];
        if (end - begin > most)
            return 0;
        /* A sequence goes where its middle falls, if all groups had the same share. */
        const bool past = (begin + end) / 2 * wanted >= R * (n + 1);
        if (begin > from && (past || end - from > most))
            starts[++n] = b, from = begin;
    }
    starts[++n] = B;
    return busiest(busy, starts, offsets, n, threads) * threads <= R + R / 16 ? n : 0;
}
