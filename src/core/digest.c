/* SipHash-2-4-128: see digest.h. Names are those of the paper. */
#include "core/digest.h"

static inline uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void rounds(uint64_t *v, int n)
{
    while (n-- > 0) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t word(const unsigned char *p, size_t len)
{
    uint64_t m = 0;
    for (size_t i = 0; i < len; ++i)
        m |= (uint64_t)p[i] << 8 * i;
    return m;
}

static void take(uint64_t *v, uint64_t m)
{
    v[3] ^= m;
    rounds(v, 2);
    v[0] ^= m;
}

ink__digest ink__digest_of(ink__digest key, const void *bytes, size_t len)
{
    /* "somepseudorandomlygeneratedbytes", and the mark of 128 bits */
    uint64_t v[4] = {key.low ^ 0x736f6d6570736575u, key.high ^ 0x646f72616e646f6du ^ 0xEE,
                     key.low ^ 0x6c7967656e657261u, key.high ^ 0x7465646279746573u};
    const unsigned char *p = bytes;
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8)
        take(v, word(p, 8));
    take(v, word(p, left) | (uint64_t)len << 56);
    v[2] ^= 0xEE;
    rounds(v, 4);
    const uint64_t low = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xDD;
    rounds(v, 4);
    return (ink__digest){low, v[0] ^ v[1] ^ v[2] ^ v[3]};
}
