/* GPT-2's words: see bpe_pretokenize.h; the reference is tokenizers' pre_tokenizers/byte_level.rs. */
#include "tokenizer/bpe_pretokenize.h"
#include "core/utf8.h"

#include <string.h>

uint8_t ink__bpe_class_far(uint32_t cp)
{
    size_t low = 0, high = ink__bpe_runs_len; /* the first run starts at 0 */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (ink__bpe_runs[middle] >> 8 <= cp)
            low = middle;
        else
            high = middle;
    }
    return (uint8_t)ink__bpe_runs[low];
}

void ink__bpe_fill_classes(uint8_t *classes)
{
    size_t run = 0;
    for (uint32_t cp = 0; cp < 65536; ++cp) {
        while (run + 1 < ink__bpe_runs_len && ink__bpe_runs[run + 1] >> 8 <= cp)
            ++run;
        classes[cp] = (uint8_t)ink__bpe_runs[run];
    }
}

/* What the expression tells apart: letters, numbers, white space, and 0 for all else. */
enum { KINDS = INK__BPE_LETTER | INK__BPE_NUMBER | INK__BPE_SPACE };

static inline unsigned kind_at(size_t *used, const uint8_t *classes, const unsigned char *p,
                               const unsigned char *end)
{
    uint32_t cp = *p;
    *used = 1;
    if (cp >= 0x80)
        *used = ink__utf8_decode(&cp, p, end);
    return ink__bpe_class(classes, cp) & KINDS;
}

/* Bytes of 's, 't, 're, 've, 'm, 'll or 'd at p, or 0. */
static size_t contraction(const unsigned char *p, const unsigned char *end)
{
    if (end - p < 2 || *p != '\'')
        return 0;
    switch (p[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
        return 2;
    case 'r':
    case 'v':
        return end - p > 2 && p[2] == 'e' ? 3 : 0;
    case 'l':
        return end - p > 2 && p[2] == 'l' ? 3 : 0;
    default:
        return 0;
    }
}

/* White space that does not go into the word after it: all of a run but its last character, where something
 * follows. `used` are the bytes of the first. */
static size_t spaces(const uint8_t *classes, const unsigned char *p, const unsigned char *end, size_t used)
{
    const unsigned char *last = p, *at = p + used;
    while (at < end && kind_at(&used, classes, at, end) == INK__BPE_SPACE)
        last = at, at += used;
    return (size_t)((at == end || last == p ? at : last) - p);
}

size_t ink__bpe_split(const uint8_t *classes, const unsigned char *p, const unsigned char *end)
{
    const unsigned char *at = p;
    size_t used = contraction(p, end);
    if (used > 0)
        return used;
    unsigned kind = kind_at(&used, classes, at, end);
    if (kind == INK__BPE_SPACE) {
        const unsigned next = *p == ' ' && end - p > 1 ? kind_at(&used, classes, p + 1, end) : INK__BPE_SPACE;
        if (next == INK__BPE_SPACE) {
            kind_at(&used, classes, p, end);
            return spaces(classes, p, end, used);
        }
        kind = next;
        ++at;
    }
    do
        at += used;
    while (at < end && kind_at(&used, classes, at, end) == kind);
    return (size_t)(at - p);
}

bool ink__bpe_is_plain(const uint8_t *classes, const unsigned char *text, size_t len, bool stable)
{
    const unsigned char *p = text, *end = text + len;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8) {
            memcpy(&eight, p, 8);
            if ((eight & 0x8080808080808080u) == 0) {
                p += 8;
                continue;
            }
        }
        if (*p < 0x80) {
            ++p;
            continue;
        }
        uint32_t cp;
        int ill_formed;
        p += ink__utf8_decode_checked(&cp, &ill_formed, p, end);
        if (ill_formed || (stable && (ink__bpe_class(classes, cp) & INK__BPE_UNSTABLE)))
            return false;
    }
    return true;
}
