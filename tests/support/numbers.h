/* Arrays of floats for numeric tests: random ones, exact sizes (so that AddressSanitizer sees an overrun),
 * and comparison of bits. */
#ifndef INK_TESTS_NUMBERS_H
#define INK_TESTS_NUMBERS_H

#include "core/memory.h"
#include "support/random_model.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

/* x [n], aligned to nothing more than malloc gives. free() it. */
static inline float *new_floats(size_t n)
{
    float *x = malloc(n ? n * sizeof *x : 1);
    cr_assert(x, "%zu floats", n);
    return x;
}

/* x [n] = scale * normal numbers, the same for a seed everywhere. */
static inline void fill_random(float *x, size_t n, float scale, unsigned seed)
{
    unsigned state = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; ++i)
        x[i] = scale * random_normal(&state);
}

static inline float *random_floats(size_t n, float scale, unsigned seed)
{
    float *x = new_floats(n);
    fill_random(x, n, scale, seed);
    return x;
}

static inline bool same_bits(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static inline float float_from(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_from(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#endif
