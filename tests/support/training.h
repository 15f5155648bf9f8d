/* Arrays of tests/golden/training.safetensors, which make_training.py describes. */
#ifndef INK_TESTS_TRAINING_H
#define INK_TESTS_TRAINING_H

#include "io/safetensors.h"

#include <criterion/criterion.h>

/* n elements, borrowed from the file; the test ends when they are not there. */
static inline const void *training_golden(const ink__tensors *file, const char *name, ink__dtype dtype,
                                          size_t n)
{
    const ink__tensor *tensor = ink__tensors_find(file, name);
    cr_assert(tensor && tensor->dtype == dtype && tensor->bytes == n * ink__dtype_size(dtype), "%s", name);
    cr_assert((uintptr_t)tensor->data % ink__dtype_size(dtype) == 0);
    return tensor->data;
}

static inline ink__tensors *training_open(void)
{
    ink__tensors *file;
    ink_error err;
    cr_assert(ink__tensors_open(&file, INK_TEST_DATA "/golden/training.safetensors", &err) == INK_OK, "%s",
              err.text);
    return file;
}

#endif
