/* The ways of compressing that inputs may have: see unpack.h. */
#include "io/unpack.h"

#include <string.h>
#include <strings.h>

static const ink__codec *const codecs[] = {&ink__codec_gzip, &ink__codec_zstd};

const ink__codec *ink__codec_of(const char *path, size_t *len)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; ++i) {
        const size_t n = strlen(codecs[i]->ending);
        if (*len > n && strncasecmp(path + *len - n, codecs[i]->ending, n) == 0) {
            *len -= n;
            return codecs[i];
        }
    }
    return NULL;
}
