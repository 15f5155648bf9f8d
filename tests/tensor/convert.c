/* IEEE 754 binary16 and bfloat16 to float and back: all of them, and every rounding between two of them. */
#include "tensor/convert.h"
#include "support/numbers.h"

#include <float.h>
#include <math.h>

enum { WORDS = 1 << 16 };

/* What a half stands for, from the standard's formula. */
static double half_value(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    const double sign = h & 0x8000 ? -1 : 1;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
}

static bool half_is_nan(uint16_t h)
{
    return (h & 0x7C00) == 0x7C00 && (h & 0x3FF) != 0;
}

static bool bfloat_is_nan(uint16_t b)
{
    return (b & 0x7F80) == 0x7F80 && (b & 0x7F) != 0;
}

static uint16_t rounded(float x, ink__dtype dtype)
{
    uint16_t word;
    ink__from_f32(&word, &x, dtype, 1);
    return word;
}

Test(convert, every_half_becomes_its_value_and_returns)
{
    static uint16_t words[WORDS], back[WORDS];
    static float x[WORDS];
    for (size_t i = 0; i < WORDS; ++i)
        words[i] = (uint16_t)i;
    ink__to_f32(x, words, INK__F16, WORDS);
    ink__from_f32(back, x, INK__F16, WORDS);
    for (size_t i = 0; i < WORDS; ++i) {
        cr_assert(!signbit(x[i]) == !(i & 0x8000), "%04zX: the sign", i);
        if (half_is_nan(words[i])) {
            cr_assert(isnan(x[i]) && half_is_nan(back[i]), "%04zX is NaN, got %g and %04X", i, x[i], back[i]);
            cr_assert((back[i] & 0x8000) == (i & 0x8000), "%04zX: the sign", i);
        } else {
            cr_assert(x[i] == half_value(words[i]), "%04zX: %a", i, x[i]);
            cr_assert(back[i] == i, "%04zX came back as %04X", i, back[i]);
        }
    }
}

Test(convert, every_bfloat_becomes_its_value_and_returns)
{
    static uint16_t words[WORDS], back[WORDS];
    static float x[WORDS];
    for (size_t i = 0; i < WORDS; ++i)
        words[i] = (uint16_t)i;
    ink__to_f32(x, words, INK__BF16, WORDS);
    ink__from_f32(back, x, INK__BF16, WORDS);
    for (size_t i = 0; i < WORDS; ++i) {
        cr_assert(bits_from(x[i]) == (uint32_t)i << 16, "%04zX: %a", i, x[i]);
        if (bfloat_is_nan(words[i]))
            cr_assert(bfloat_is_nan(back[i]) && (back[i] & 0x8000) == (i & 0x8000), "%04zX: %04X", i,
                      back[i]);
        else
            cr_assert(back[i] == i, "%04zX came back as %04X", i, back[i]);
    }
}

/* The midpoint of two neighbours is exact in float; so is the float on either side of it. */
static void check_between(ink__dtype dtype, uint16_t low, float x_low, float x_high)
{
    const float middle = (float)(((double)x_low + x_high) / 2);
    const uint16_t high = (uint16_t)(low + 1), even = low & 1 ? high : low;
    for (unsigned sign = 0; sign <= 0x8000; sign += 0x8000) {
        const float s = sign ? -1.0f : 1.0f;
        cr_assert(rounded(s * middle, dtype) == (even | sign), "the tie above %04X", low | sign);
        cr_assert(rounded(s * nextafterf(middle, 0), dtype) == (low | sign), "below the tie above %04X",
                  low | sign);
        cr_assert(rounded(s * nextafterf(middle, INFINITY), dtype) == (high | sign),
                  "past the tie above %04X", low | sign);
    }
}

/* Subnormals, the step to the normals, and the step to infinity at 65,520 (as if there were 65,536). */
Test(convert, floats_between_two_halves_round_to_the_nearest_or_the_even_one)
{
    for (uint16_t low = 0; low < 0x7C00; ++low)
        check_between(INK__F16, low, (float)half_value(low),
                      low == 0x7BFF ? 65536.0f : (float)half_value(low + 1));
}

Test(convert, floats_between_two_bfloats_round_to_the_nearest_or_the_even_one)
{
    for (uint32_t low = 0; low < 0x7F80; ++low) {
        const uint32_t middle = low << 16 | 0x8000;
        const uint16_t even = (uint16_t)(low + (low & 1));
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            const uint32_t s = sign << 16;
            cr_assert(rounded(float_from(middle | s), INK__BF16) == (even | sign), "the tie above %04X",
                      low | sign);
            cr_assert(rounded(float_from((middle - 1) | s), INK__BF16) == (low | sign));
            cr_assert(rounded(float_from((middle + 1) | s), INK__BF16) == ((low + 1) | sign));
        }
    }
}

Test(convert, what_no_half_can_hold_becomes_infinity_or_zero)
{
    static const float large[] = {65520.0f, 65536.0f, 1e6f, FLT_MAX, INFINITY};
    static const float small[] = {0x1p-25f, 1e-8f, FLT_MIN, FLT_TRUE_MIN, 0.0f};
    for (size_t i = 0; i < sizeof large / sizeof *large; ++i) {
        cr_expect(rounded(large[i], INK__F16) == 0x7C00, "%a", large[i]);
        cr_expect(rounded(-large[i], INK__F16) == 0xFC00, "%a", -large[i]);
    }
    for (size_t i = 0; i < sizeof small / sizeof *small; ++i) {
        cr_expect(rounded(small[i], INK__F16) == 0, "%a", small[i]);
        cr_expect(rounded(-small[i], INK__F16) == 0x8000, "%a", -small[i]);
    }
}

Test(convert, a_nan_stays_one_whatever_its_bits)
{
    static const uint32_t nans[] = {0x7F800001, 0x7F807FFF, 0x7F80FFFF, 0x7FBFFFFF, 0x7FC00000, 0x7FFFFFFF};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; ++i)
        for (uint32_t sign = 0; sign <= 1; ++sign) {
            const float x = float_from(nans[i] | sign << 31);
            const uint16_t h = rounded(x, INK__F16), b = rounded(x, INK__BF16);
            cr_expect(half_is_nan(h) && h >> 15 == sign, "%08X: half %04X", nans[i], h);
            cr_expect(bfloat_is_nan(b) && b >> 15 == sign, "%08X: bfloat %04X", nans[i], b);
        }
}

/* numpy 2 (float16) and PyTorch 2 (bfloat16) made these. */
static const struct {
    float x;
    uint16_t half, bfloat;
} made[] = {
    {1.0f, 0x3C00, 0x3F80},
    {-2.5f, 0xC100, 0xC020},
    {0x1.99999ap-4f, 0x2E66, 0x3DCD},
    {0x1.555556p-2f, 0x3555, 0x3EAB},
    {0x1.921fb6p+1f, 0x4248, 0x4049},
    {-0x1.0624dep-10f, 0x9419, 0xBA83},
    {65504.0f, 0x7BFF, 0x4780},
    {0x1.ffdffap+15f, 0x7BFF, 0x4780},
    {65520.0f, 0x7C00, 0x4780},
    {0x1.5798eep-27f, 0x0000, 0x322C},
    {0x1p-24f, 0x0001, 0x3380},
    {0x1p-25f, 0x0000, 0x3300},
    {0x1.000002p-25f, 0x0001, 0x3300},
    {0x1p-14f, 0x0400, 0x3880},
    {0x1.ff7414p-15f, 0x03FF, 0x3880},
    {0x1.002p+0f, 0x3C00, 0x3F80},
    {0x1.006p+0f, 0x3C02, 0x3F80},
    {0x1.93e594p+99f, 0x7C00, 0x714A},
    {0x1.16c2p-133f, 0x0000, 0x0001},
    {FLT_MAX, 0x7C00, 0x7F80},
};

Test(convert, numpy_and_pytorch_round_the_same)
{
    for (size_t i = 0; i < sizeof made / sizeof *made; ++i) {
        cr_expect(rounded(made[i].x, INK__F16) == made[i].half, "%a: %04X", made[i].x,
                  rounded(made[i].x, INK__F16));
        cr_expect(rounded(made[i].x, INK__BF16) == made[i].bfloat, "%a: %04X", made[i].x,
                  rounded(made[i].x, INK__BF16));
    }
}

/* As tensors lie in a file: at any byte, n odd, and nothing written past the end. */
Test(convert, stored_numbers_may_lie_at_any_byte)
{
    enum { N = 77 };
    static const ink__dtype dtypes[] = {INK__F32, INK__F16, INK__BF16};
    float x[N], y[N], z[N];
    fill_random(x, N, 3, 5);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; ++i) {
        const size_t size = ink__dtype_size(dtypes[i]);
        unsigned char even[4 * N], odd[4 * N + 2];
        memset(odd, 0xA5, sizeof odd);
        ink__from_f32(even, x, dtypes[i], N);
        ink__from_f32(odd + 1, x, dtypes[i], N);
        cr_expect(memcmp(even, odd + 1, size * N) == 0 && odd[0] == 0xA5 && odd[size * N + 1] == 0xA5, "%s",
                  ink__dtype_name(dtypes[i]));
        ink__to_f32(y, even, dtypes[i], N);
        ink__to_f32(z, odd + 1, dtypes[i], N);
        cr_expect(same_bits(y, z, N), "%s", ink__dtype_name(dtypes[i]));
        if (dtypes[i] == INK__F32)
            cr_expect(same_bits(x, y, N), "floats are copied");
    }
}

Test(convert, three_dtypes_are_weights)
{
    for (ink__dtype dtype = 0; dtype < INK__DTYPES; ++dtype)
        cr_expect(ink__is_float(dtype) == (dtype == INK__F32 || dtype == INK__F16 || dtype == INK__BF16),
                  "%s", ink__dtype_name(dtype));
}
