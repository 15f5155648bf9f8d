/* Philox against the vectors of its authors, and the draws made from it. */
#include "core/random.h"

#include <criterion/criterion.h>

Test(random, words_are_those_of_the_authors_test_vectors)
{
    /* "philox4x32 10" of kat_vectors in the Random123 distribution: counter, key, result. */
    static const uint32_t known[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e,
         0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb,
         0x5001e420, 0x24126ea1},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
        const uint32_t *k = known[i];
        uint32_t out[4];
        ink__random_u32x4(out, (uint64_t)k[5] << 32 | k[4], (uint64_t)k[3] << 32 | k[2],
                          (uint64_t)k[1] << 32 | k[0]);
        for (int j = 0; j < 4; ++j)
            cr_expect(out[j] == k[6 + j], "vector %zu word %d is %08x, wanted %08x", i, j, out[j], k[6 + j]);
    }
}

Test(random, a_sequence_is_the_counters_one_after_the_other)
{
    ink__random random = ink__random_start(7, 9);
    for (uint64_t counter = 0; counter < 3; ++counter) {
        uint32_t words[4];
        ink__random_u32x4(words, 7, 9, counter);
        for (int j = 0; j < 4; ++j)
            cr_expect(ink__random_next(&random) == words[j], "counter %d word %d", (int)counter, j);
    }
}

Test(random, below_reaches_every_number_equally_often)
{
    /* 3 * 2^30 leaves a quarter of all words uneven: without the second draw a number modulo 3 of 0 would
     * come half the time. Chi-square with two degrees of freedom: above 13.8 once in a thousand; the draws
     * are fixed, so this one either passes or does not. */
    enum { DRAWS = 30000 };
    ink__random random = ink__random_start(1, 2);
    int thirds[3] = {0}, small[3] = {0};
    double chi_thirds = 0, chi_small = 0;
    for (int i = 0; i < DRAWS; ++i) {
        const uint32_t drawn = ink__random_below(&random, 3u << 30);
        cr_assert(drawn < 3u << 30);
        ++thirds[drawn % 3];
        ++small[ink__random_below(&random, 3)];
    }
    for (int j = 0; j < 3; ++j) {
        const double a = thirds[j] - DRAWS / 3, b = small[j] - DRAWS / 3;
        chi_thirds += a * a / (DRAWS / 3), chi_small += b * b / (DRAWS / 3);
    }
    cr_expect(chi_thirds < 13.8, "chi-square %g: %d %d %d", chi_thirds, thirds[0], thirds[1], thirds[2]);
    cr_expect(chi_small < 13.8, "chi-square %g: %d %d %d", chi_small, small[0], small[1], small[2]);
    cr_expect(ink__random_below(&random, 1) == 0);
}

Test(random, units_fill_zero_to_one_without_one)
{
    cr_expect(ink__random_unit(0) == 0.0f);
    cr_expect(ink__random_unit(0xffffffffu) == 1.0f - 0x1p-24f);
    cr_expect(ink__random_unit(0x80000000u) == 0.5f);
}
