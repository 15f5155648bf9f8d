/* CRC-32C against the examples of RFC 3720, appendix B.4. */
#include "core/crc32c.h"

#include <criterion/criterion.h>
#include <string.h>

Test(crc32c, checksums_are_those_of_the_rfc)
{
    ink__crc32c crc;
    unsigned char bytes[32];
    ink__crc32c_init(&crc);
    cr_expect(ink__crc32c_add(&crc, 0, bytes, 0) == 0);
    cr_expect(ink__crc32c_add(&crc, 0, "123456789", 9) == 0xE3069283u);
    memset(bytes, 0, sizeof bytes);
    cr_expect(ink__crc32c_add(&crc, 0, bytes, 32) == 0x8A9136AAu);
    memset(bytes, 0xFF, sizeof bytes);
    cr_expect(ink__crc32c_add(&crc, 0, bytes, 32) == 0x62A8AB43u);
    for (int i = 0; i < 32; ++i)
        bytes[i] = (unsigned char)i;
    cr_expect(ink__crc32c_add(&crc, 0, bytes, 32) == 0x46DD794Eu);
    for (size_t cut = 0; cut <= 32; ++cut)
        cr_expect(ink__crc32c_add(&crc, ink__crc32c_add(&crc, 0, bytes, cut), bytes + cut, 32 - cut) ==
                      0x46DD794Eu,
                  "cut at %zu", cut);
}
