/* How fast oneDNN multiplies on this machine: bare packed products, nothing before them and nothing behind.
 * What the benches measure everything else against. */
#ifndef INK_TENSOR_ONEDNN_PEAK_H
#define INK_TENSOR_ONEDNN_PEAK_H

#include "tensor/onednn.h"

typedef struct ink__peak ink__peak;

/* y [M,out] = x [M,in] * W^T, with W in the layout that oneDNN likes best for just this: floats, or with
 * `int8` unsigned by signed bytes into 32-bit integers. The numbers are arbitrary. */
ink_status ink__peak_create(ink__peak **peak, ink__onednn *engine, size_t M, size_t in, size_t out, bool int8,
                            size_t threads, ink_error *err);
void ink__peak_free(ink__peak *peak); /* NULL is fine */

/* Multiplies once, on the threads it was made for. */
ink_status ink__peak_run(ink__peak *peak, ink_error *err);

const char *ink__peak_kernel(const ink__peak *peak); /* "brg:avx512_core" */

#endif
