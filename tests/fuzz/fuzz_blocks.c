/* Any bytes as blocks of lines: see fuzz_records.h. */
#include "fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_records(data, size, INK_FORMAT_BLOCKS, NULL, false);
    return 0;
}
