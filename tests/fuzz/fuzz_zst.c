/* Any bytes as zstd: see fuzz_codec.h. */
#include "fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_codec(data, size, &ink__codec_zstd);
    return 0;
}
