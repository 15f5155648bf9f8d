/* Any bytes as TSV: see fuzz_records.h. */
#include "fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_records(data, size, INK_FORMAT_TSV, size % 2 ? "b" : NULL, size & 2);
    return 0;
}
