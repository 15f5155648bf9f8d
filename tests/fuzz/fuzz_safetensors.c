/* Any bytes as a safetensors file: refused, or a set of tensors that are all there. */
#include "fuzz.h"
#include "io/safetensors.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ink_error err;
    ink__tensors *tensors;
    if (ink__tensors_open(&tensors, file_of_bytes(data, size), &err) != INK_OK) {
        MUST(err.text[0] && !tensors);
        return 0;
    }
    size_t bytes = 0, sum = 0;
    for (size_t i = 0; i < ink__tensors_count(tensors); ++i) {
        const ink__tensor *tensor = ink__tensors_at(tensors, i);
        MUST(ink__tensors_find(tensors, tensor->name) == tensor);
        MUST(i == 0 || strcmp(ink__tensors_at(tensors, i - 1)->name, tensor->name) < 0);
        size_t want = ink__dtype_size(tensor->dtype);
        for (size_t r = 0; r < tensor->rank; ++r)
            want *= tensor->shape[r];
        MUST(want == tensor->bytes);
        for (size_t b = 0; b < tensor->bytes; ++b)
            sum += ((const unsigned char *)tensor->data)[b];
        bytes += tensor->bytes;
    }
    MUST(bytes < size && sum <= 255 * bytes); /* the sum, so that every byte is read */
    ink__tensors_free(tensors);
    return 0;
}
