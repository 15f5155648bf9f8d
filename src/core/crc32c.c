/* CRC-32C, eight bytes at a step: see crc32c.h. The tables are those of Kounavis and Berry, "A systematic
 * approach to building high performance software-based CRC generators" (ISCC 2005): table[k][b] is what byte
 * b does to the checksum when k more bytes follow it. */
#include "core/crc32c.h"

void ink__crc32c_init(ink__crc32c *crc)
{
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t rest = byte;
        for (int bit = 0; bit < 8; ++bit)
            rest = rest >> 1 ^ (rest & 1 ? 0x82F63B78u : 0);
        crc->table[0][byte] = rest;
    }
    for (int k = 1; k < 8; ++k)
        for (uint32_t byte = 0; byte < 256; ++byte) {
            const uint32_t shorter = crc->table[k - 1][byte];
            crc->table[k][byte] = shorter >> 8 ^ crc->table[0][shorter & 0xFF];
        }
}

uint32_t ink__crc32c_add(const ink__crc32c *crc, uint32_t before, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint32_t rest = ~before;
    for (; len >= 8; len -= 8, p += 8) {
        const uint32_t x =
            rest ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        rest = crc->table[7][x & 0xFF] ^ crc->table[6][x >> 8 & 0xFF] ^ crc->table[5][x >> 16 & 0xFF] ^
               crc->table[4][x >> 24] ^ crc->table[3][p[4]] ^ crc->table[2][p[5]] ^ crc->table[1][p[6]] ^
               crc->table[0][p[7]];
    }
    for (; len > 0; --len, ++p)
        rest = rest >> 8 ^ crc->table[0][(rest ^ *p) & 0xFF];
    return ~rest;
}
