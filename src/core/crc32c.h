/* CRC-32C (Castagnoli's polynomial, as in RFC 3720, appendix B.4): tells bytes that a disk or a copy has
 * changed. Not a signature: whoever means to can forge it. */
#ifndef INK_CORE_CRC32C_H
#define INK_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

typedef struct ink__crc32c {
    uint32_t table[8][256];
} ink__crc32c;

void ink__crc32c_init(ink__crc32c *crc);

/* The checksum of what `before` is the checksum of (0: nothing), followed by len bytes. */
uint32_t ink__crc32c_add(const ink__crc32c *crc, uint32_t before, const void *bytes, size_t len);

#endif
