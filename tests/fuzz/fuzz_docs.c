/* Any bytes as a document: see fuzz_records.h. */
#include "fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_records(data, size, INK_FORMAT_DOCS, NULL, false);
    return 0;
}
