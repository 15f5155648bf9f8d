/* Pattern sets: see patterns.h. The patterns are sorted, so those that share what was read so far lie side by
 * side, and each further byte narrows that range by binary search. */
#include "tokenizer/patterns.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

ink_status ink__patterns_add(ink__patterns *set, char *bytes, size_t len, size_t value, ink_error *err)
{
    const ink_status st =
        ink__grow(&set->all, &set->capacity, set->n + 1, sizeof *set->all, "added tokens", err);
    if (st != INK_OK) {
        free(bytes);
        return st;
    }
    set->all[set->n++] = (ink__pattern){bytes, len, value};
    set->starts[(unsigned char)bytes[0]] = true;
    return INK_OK;
}

static int compare(const void *a, const void *b)
{
    const ink__pattern *x = a, *y = b;
    const int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    if (order != 0)
        return order;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

void ink__patterns_seal(ink__patterns *set)
{
    size_t n = 0;
    if (set->n > 0)
        qsort(set->all, set->n, sizeof *set->all, compare);
    for (size_t i = 0; i < set->n; ++i) {
        const ink__pattern *last = n > 0 ? &set->all[n - 1] : NULL;
        if (last && last->len == set->all[i].len && memcmp(last->bytes, set->all[i].bytes, last->len) == 0)
            free(set->all[i].bytes);
        else
            set->all[n++] = set->all[i];
    }
    set->n = n;
}

void ink__patterns_free(ink__patterns *set)
{
    for (size_t i = 0; i < set->n; ++i)
        free(set->all[i].bytes);
    free(set->all);
    *set = (ink__patterns){0};
}

/* The first pattern of [low, high) whose byte at `depth` is `byte` or more. One that ends there comes first.
 */
static size_t lower_bound(const ink__patterns *set, size_t low, size_t high, size_t depth, unsigned byte)
{
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const ink__pattern *p = &set->all[middle];
        if (p->len <= depth || (unsigned char)p->bytes[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ink__match_feed(ink__match *m, const ink__patterns *set, unsigned char byte)
{
    m->low = lower_bound(set, m->low, m->high, m->depth, byte);
    m->high = lower_bound(set, m->low, m->high, m->depth, byte + 1u);
    ++m->depth;
    if (m->low < m->high && set->all[m->low].len == m->depth)
        m->longest = &set->all[m->low];
    return m->low < m->high;
}
