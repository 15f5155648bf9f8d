/* Digests of 128 bits by which texts are told apart: SipHash-2-4 with its 128-bit output (Aumasson and
 * Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012). Two texts of one digest are taken for one
 * text: among a billion texts that are not chosen for it, that happens once in 10^20 times. */
#ifndef INK_CORE_DIGEST_H
#define INK_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct ink__digest {
    uint64_t low, high;
} ink__digest;

/* The digest of len bytes under a key: any digest, such as that of what came before them. */
ink__digest ink__digest_of(ink__digest key, const void *bytes, size_t len);

#endif
