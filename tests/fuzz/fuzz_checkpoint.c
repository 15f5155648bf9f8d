/* Any bytes as a checkpoint: refused, or sections that are all there and make the same bytes again. The
 * header's checksum is made right first, for no fuzzer guesses it; the sections' are left to the seeds. */
#include "fuzz.h"
#include "core/crc32c.h"
#include "io/file.h"
#include "train/checkpoint.h"

#include <string.h>

static void mend(uint8_t *bytes, size_t size)
{
    ink__crc32c crc;
    size_t header = 0;
    for (size_t i = 0; size >= 24 && i < 4; ++i)
        header |= (size_t)bytes[16 + i] << 8 * i;
    if (header < 24 || header > size)
        return;
    ink__crc32c_init(&crc);
    memset(bytes + 20, 0, 4);
    const uint32_t sum = ink__crc32c_add(&crc, 0, bytes, header);
    for (int i = 0; i < 4; ++i)
        bytes[20 + i] = (uint8_t)(sum >> 8 * i);
}

static void write_again(const ink__checkpoint *c, const uint8_t *bytes, size_t size)
{
    static char path[64];
    ink_error err;
    ink__map map;
    if (!path[0])
        snprintf(path, sizeof path, "/tmp/fuzz-checkpoint-%d", (int)getpid());
    const size_t n = ink__checkpoint_count(c);
    ink__section *sections = calloc(n + 1, sizeof *sections);
    MUST(sections);
    for (size_t i = 0; i < n; ++i) {
        sections[i] = *ink__checkpoint_at(c, i);
        MUST(ink__checkpoint_find(c, sections[i].name) == ink__checkpoint_at(c, i));
    }
    MUST(ink__checkpoint_write(path, sections, n, &err) == INK_OK);
    MUST(ink__map_open(&map, path, &err) == INK_OK);
    MUST(map.size == size && memcmp(map.data, bytes, size) == 0);
    ink__map_close(&map);
    unlink(path);
    free(sections);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ink_error err;
    ink__checkpoint *c;
    uint8_t *bytes = malloc(size + 1);
    MUST(bytes);
    memcpy(bytes, data, size);
    mend(bytes, size);
    if (ink__checkpoint_open(&c, file_of_bytes(bytes, size), &err) == INK_OK) {
        write_again(c, bytes, size);
        ink__checkpoint_close(c);
    } else {
        MUST(err.text[0] && !c);
    }
    free(bytes);
    return 0;
}
