/* Numbers between the formats weights are stored in and float: IEEE 754 binary16 and bfloat16. */
#ifndef INK_TENSOR_CONVERT_H
#define INK_TENSOR_CONVERT_H

#include "io/safetensors.h"

/* True for the dtypes a weight may have: F32, F16, BF16. */
bool ink__is_float(ink__dtype dtype);

/* y [n] = x [n] of the given dtype (one of the three above), x perhaps unaligned. Exact. */
void ink__to_f32(float *y, const void *x, ink__dtype dtype, size_t n);

/* y [width] = row r of an I8 tensor, which x points at, with its scales. */
void ink__row_to_f32(float *y, const void *x, const void *scale, size_t r, size_t width);

/* y = all numbers of a tensor of one of those, or of I8 with its scale. */
void ink__tensor_to_f32(float *y, const ink__tensor *tensor);

/* y [n] = x [n] rounded to nearest even; y perhaps unaligned. */
void ink__from_f32(void *y, const float *x, ink__dtype dtype, size_t n);

#endif
