/* Conversions: see convert.h. Bit arithmetic on whole words, without branches where it matters, so that the
 * compiler vectorises the loops. */
#include "tensor/convert.h"

#include <string.h>

bool ink__is_float(ink__dtype dtype)
{
    return dtype == INK__F32 || dtype == INK__F16 || dtype == INK__BF16;
}

static inline float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float from_half(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7FFF;
    /* Moved to float's place, the exponent is 112 too small: multiplying by 2^112 mends it exactly, for
     * subnormals too. Infinity and NaN need their exponent set. */
    const float scaled = float_of(magnitude << 13) * 0x1p112f;
    const uint32_t special = magnitude >= 0x7C00 ? 0x7F800000u : 0u;
    return float_of(bits_of(scaled) | special | sign);
}

static inline uint16_t to_half(float f)
{
    const uint32_t bits = bits_of(f), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000)
        return (uint16_t)(sign | 0x7E00);
    if (magnitude >= 0x477FF000) /* 65520 and more rounds to infinity */
        return (uint16_t)(sign | 0x7C00);
    if (magnitude < 0x38800000) { /* below 2^-14: a subnormal half; adding 0.5 rounds at its last bit */
        const float rounded = float_of(magnitude) + 0.5f;
        return (uint16_t)(sign | (bits_of(rounded) - bits_of(0.5f)));
    }
    const uint32_t odd = magnitude >> 13 & 1;
    return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xFFF + odd) >> 13));
}

static inline uint16_t to_bfloat(float f)
{
    const uint32_t bits = bits_of(f);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

void ink__to_f32(float *y, const void *x, ink__dtype dtype, size_t n)
{
    const unsigned char *bytes = x;
    if (dtype == INK__F32) {
        memcpy(y, x, n * sizeof *y);
        return;
    }
    for (size_t i = 0; i < n; ++i) {
        uint16_t word;
        memcpy(&word, bytes + 2 * i, sizeof word);
        y[i] = dtype == INK__F16 ? from_half(word) : float_of((uint32_t)word << 16);
    }
}

void ink__tensor_to_f32(float *y, const ink__tensor *tensor)
{
    if (tensor->dtype != INK__I8) {
        ink__to_f32(y, tensor->data, tensor->dtype, tensor->bytes / ink__dtype_size(tensor->dtype));
        return;
    }
    const size_t rows = tensor->shape[0], width = tensor->shape[1];
    for (size_t r = 0; r < rows; ++r)
        ink__row_to_f32(y + r * width, (const int8_t *)tensor->data + r * width, tensor->scale, r, width);
}

void ink__row_to_f32(float *y, const void *x, const void *scale, size_t r, size_t width)
{
    const int8_t *bytes = x;
    float factor;
    memcpy(&factor, (const unsigned char *)scale + r * sizeof factor, sizeof factor);
    for (size_t i = 0; i < width; ++i)
        y[i] = factor * (float)bytes[i];
}

void ink__from_f32(void *y, const float *x, ink__dtype dtype, size_t n)
{
    unsigned char *bytes = y;
    if (dtype == INK__F32) {
        memcpy(y, x, n * sizeof *x);
        return;
    }
    for (size_t i = 0; i < n; ++i) {
        const uint16_t word = dtype == INK__F16 ? to_half(x[i]) : to_bfloat(x[i]);
        memcpy(bytes + 2 * i, &word, sizeof word);
    }
}
