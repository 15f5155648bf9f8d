/* Rankings: see rankings.h. */
#include "train/rankings.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

enum { POSITIVE = 1, BEGINS = 2, SHIFT = 2 };

struct keyed {
    double key;
    uint32_t record;
};

static int by_key_down(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    return x->record < y->record ? -1 : 1;
}

ink_status ink__ranking_create(ink__ranking *ranking, size_t n, ink__rank_key *key,
                               ink__rank_positive *positive, const void *from, ink_error *err)
{
    struct keyed *keyed = NULL;
    ink_status st;
    *ranking = (ink__ranking){.n = n};
    if (n > INK__RANKED_MAX)
        return ink_fail(err, INK_E_SHAPE, "%zu records to rank, at most %d", n, INK__RANKED_MAX);
    INK_TRY_GOTO(ink__calloc(&keyed, n, sizeof *keyed, "scores to sort", err));
    INK_TRY_GOTO(ink__calloc(&ranking->entries, n, sizeof *ranking->entries, "a ranking", err));
    for (size_t i = 0; i < n; ++i)
        keyed[i] = (struct keyed){key(from, i), (uint32_t)i};
    qsort(keyed, n, sizeof *keyed, by_key_down);
    for (size_t k = 0; k < n; ++k) {
        const bool begins = k == 0 || keyed[k].key != keyed[k - 1].key;
        ranking->entries[k] = keyed[k].record << SHIFT | (begins ? BEGINS : 0) |
                              (positive && positive(from, keyed[k].record) ? POSITIVE : 0);
    }
done:
    free(keyed);
    return st;
}

void ink__ranking_free(ink__ranking *ranking)
{
    free(ranking->entries);
    *ranking = (ink__ranking){0};
}

static uint32_t weight_of(const uint32_t *weights, uint32_t entry)
{
    return weights ? weights[entry >> SHIFT] : 1;
}

/* End of the run that begins at k. */
static size_t run_end(const ink__ranking *ranking, size_t k)
{
    do
        ++k;
    while (k < ranking->n && !(ranking->entries[k] & BEGINS));
    return k;
}

void ink__ranking_areas(double *auc, double *average_precision, const ink__ranking *ranking,
                        const uint32_t *weights)
{
    /* Of the records above the run at hand, and in it: [0] others, [1] positives. */
    uint64_t above[2] = {0, 0};
    double pairs = 0, precisions = 0; /* whole and half numbers: exact below 2^53 */
    for (size_t k = 0, end; k < ranking->n; k = end) {
        uint64_t run[2] = {0, 0};
        end = run_end(ranking, k);
        for (; k < end; ++k)
            run[ranking->entries[k] & POSITIVE] += weight_of(weights, ranking->entries[k]);
        pairs += (double)run[0] * ((double)above[1] + 0.5 * (double)run[1]);
        above[0] += run[0], above[1] += run[1];
        if (run[1] > 0)
            precisions += (double)run[1] * ((double)above[1] / (double)(above[0] + above[1]));
    }
    *auc = above[0] && above[1] ? pairs / ((double)above[0] * (double)above[1]) : NAN;
    *average_precision = above[1] ? precisions / (double)above[1] : NAN;
}

void ink__ranking_ranks(double *ranks, const ink__ranking *ranking, const uint32_t *weights)
{
    uint64_t above = 0;
    for (size_t k = 0, end; k < ranking->n; k = end) {
        uint64_t run = 0;
        end = run_end(ranking, k);
        for (size_t i = k; i < end; ++i)
            run += weight_of(weights, ranking->entries[i]);
        const double place = (double)above + 0.5 * ((double)run + 1);
        for (size_t i = k; i < end; ++i)
            ranks[ranking->entries[i] >> SHIFT] = place;
        above += run;
    }
}
