/* Digests against those that OpenSSL's SipHash of 16 bytes gives for the bytes 0, 1, 2, ... under the key
 * 00 01 .. 0f. */
#include "core/digest.h"

#include <criterion/criterion.h>
#include <string.h>

Test(digest, it_is_siphash_2_4_with_128_bits)
{
    static const struct {
        size_t len;
        uint64_t first, second; /* eight bytes each, as printed */
    } known[] = {
        {0, 0xA3817F04BA25A8E6, 0x6DF67214C7550293},  {1, 0xDA87C1D86B99AF44, 0x347659119B22FC45},
        {7, 0xA1F1EBBED8DBC153, 0xC0B84AA61FF08239},  {8, 0x3B62A9BA6258F561, 0x0F83E264F31497B4},
        {15, 0x5493E99933B0A811, 0x7E08EC0F97CFC3D9}, {63, 0x5150D1772F50834A, 0x503E069A973FBD7C},
    };
    const ink__digest key = {0x0706050403020100, 0x0F0E0D0C0B0A0908};
    unsigned char bytes[64];
    for (int i = 0; i < 64; ++i)
        bytes[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
        const ink__digest d = ink__digest_of(key, bytes, known[i].len);
        cr_expect(__builtin_bswap64(d.low) == known[i].first && __builtin_bswap64(d.high) == known[i].second,
                  "%zu bytes", known[i].len);
    }
    const ink__digest text = ink__digest_of((ink__digest){0}, "a", 1);
    const ink__digest pair = ink__digest_of(text, "", 0);
    cr_expect(memcmp(&text, &pair, sizeof text) != 0, "a pair with an empty second text is not its first");
}
