/* Random numbers by counter: Philox 4x32 with ten rounds (Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A number is a pure function of (seed, stream, counter), so nothing has to be kept or handed on: element i
 * of a dropout mask is the same whichever thread computes it and in whatever order, a resumed run continues
 * where it stood by its step number, and two purposes that use two streams never share a number. */
#ifndef INK_CORE_RANDOM_H
#define INK_CORE_RANDOM_H

#include <stdint.h>

/* out [4]: the four words of one counter. Costs ten rounds of two multiplications; vectorises over
 * counters. */
static inline void ink__random_u32x4(uint32_t *out, uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t a = (uint32_t)counter, b = (uint32_t)(counter >> 32);
    uint32_t c = (uint32_t)stream, d = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; ++round) {
        const uint64_t p = (uint64_t)0xD2511F53u * a, q = (uint64_t)0xCD9E8D57u * c;
        a = (uint32_t)(q >> 32) ^ b ^ key0, b = (uint32_t)q;
        c = (uint32_t)(p >> 32) ^ d ^ key1, d = (uint32_t)p;
        key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
    }
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
}

/* A word as a float in [0,1): a multiple of 2^-24, each as likely as the others. */
static inline float ink__random_unit(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/* The words of one (seed, stream) one after the other, for whoever draws in sequence. */
typedef struct ink__random {
    uint64_t seed, stream, counter; /* of the next four words */
    uint32_t words[4];
    uint32_t used; /* of words; 4: none is left */
} ink__random;

static inline ink__random ink__random_start(uint64_t seed, uint64_t stream)
{
    const ink__random random = {seed, stream, 0, {0, 0, 0, 0}, 4};
    return random;
}

static inline uint32_t ink__random_next(ink__random *random)
{
    if (random->used == 4) {
        ink__random_u32x4(random->words, random->seed, random->stream, random->counter++);
        random->used = 0;
    }
    return random->words[random->used++];
}

/* A whole number from 0 to n-1, each exactly as likely as the others; n is at least 1. A product's upper
 * half, and another draw where the lower half falls into the uneven rest (Lemire, "Fast random integer
 * generation in an interval", 2019). */
static inline uint32_t ink__random_below(ink__random *random, uint32_t n)
{
    uint64_t product = (uint64_t)ink__random_next(random) * n;
    if ((uint32_t)product < n) {
        const uint32_t rest = -n % n; /* 2^32 modulo n */
        while ((uint32_t)product < rest)
            product = (uint64_t)ink__random_next(random) * n;
    }
    return (uint32_t)(product >> 32);
}

#endif
