/* Drawing by weight: see draw.h. The sums of blocks, in which the additions of several lanes do not wait for
 * each other, find the block; only that one is walked weight by weight. */
#include "nn/draw.h"

enum { BLOCK = 256, LANES = 16 };

static double sum_of(const float *w, size_t n)
{
    float lanes[LANES] = {0}, rest = 0;
    double sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; ++k)
            lanes[k] += w[i + k];
    for (; i < n; ++i)
        rest += w[i];
    for (size_t k = 0; k < LANES; ++k)
        sum += lanes[k];
    return sum + rest;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ink_draw(const float *w, float u, size_t n)
{
    double all = 0, left, of_block = 0;
    size_t first = 0;
    for (size_t i = 0; i < n; i += BLOCK)
        all += sum_of(w + i, least(BLOCK, n - i));
    left = u * all;
    for (; first < n; first += BLOCK, left -= of_block)
        if (left < (of_block = sum_of(w + first, least(BLOCK, n - first))))
            break;
    /* Where rounding leaves the last step short, the last one with a weight is meant. */
    const size_t end = least(first + BLOCK, n);
    size_t found = first < n ? first : n - 1;
    for (size_t i = first; i < end; ++i) {
        if (!(w[i] > 0))
            continue;
        found = i;
        if ((left -= w[i]) < 0)
            break;
    }
    return found;
}
