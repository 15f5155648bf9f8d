/* WordPiece: see wordpiece.h. */
#include "tokenizer/wordpiece.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Notes how long a token of these bytes is, under its first two bytes; a single byte goes with any second. */
static void note_length(uint8_t *longest, const unsigned char *bytes, size_t len)
{
    const uint8_t n = len < 255 ? (uint8_t)len : 255;
    if (len == 0)
        return;
    const unsigned first = len > 1 ? bytes[1] : 0, last = len > 1 ? bytes[1] : 255;
    for (unsigned second = first; second <= last; ++second)
        if (longest[bytes[0] << 8 | second] < n)
            longest[bytes[0] << 8 | second] = n;
}

ink_status ink__wordpiece_init(ink__wordpiece *m, const ink__vocab *vocab, size_t n, const char *prefix,
                               size_t prefix_len, int32_t unk, size_t max_chars, ink_error *err)
{
    *m = (ink__wordpiece){.vocab = vocab, .size = n, .unk = unk, .max_chars = max_chars};
    m->continuing.skip = prefix_len;
    for (int i = 0; i < 2; ++i)
        INK_TRY(ink__calloc(&m->longest[i], 65536, 1, "token lengths", err));
    for (size_t id = 0; id < n; ++id) {
        size_t len;
        const char *text = ink__vocab_token(vocab, (int32_t)id, &len);
        if (!text)
            continue;
        note_length(m->longest[0], (const unsigned char *)text, len);
        if (len < prefix_len || memcmp(text, prefix, prefix_len) != 0)
            continue;
        note_length(m->longest[1], (const unsigned char *)text + prefix_len, len - prefix_len);
        INK_TRY(ink__index_put(&m->continuing, vocab, (int32_t)id, err));
    }
    return INK_OK;
}

void ink__wordpiece_release(ink__wordpiece *m)
{
    ink__index_free(&m->continuing);
    for (int i = 0; i < 2; ++i)
        free(m->longest[i]);
    *m = (ink__wordpiece){0};
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

ink_status ink__wordpiece_encode(ink__sink *sink, const ink__wordpiece *m, const ink__word *word,
                                 ink_error *err)
{
    INK_TRY(ink__sink_reserve(sink, word->chars + 1, err));
    const ink__sink before = *sink;
    const unsigned char *bytes = word->bytes;
    const ink__index *index = &m->vocab->index;
    const uint8_t *longest = m->longest[0];
    for (size_t start = 0, end; !word->overlong && start < word->len; start = end) {
        const unsigned second = start + 1 < word->len ? bytes[start + 1] : 0;
        const size_t most = longest[bytes[start] << 8 | second], left = word->len - start;
        int32_t id = -1;
        end = most == 255 || most >= left ? word->len : start + most;
        while (end > start) {
            if (end == word->len || !is_continuation(bytes[end])) {
                id = ink__index_find(index, m->vocab, bytes + start, end - start);
                if ((size_t)id < m->size) /* -1 is not; nor is an added token that only the vocabulary has */
                    break;
            }
            --end;
        }
        if (end == start) {
            *sink = before;
            break;
        }
        ink__sink_push(sink, id, ink__word_span(word, start, end));
        index = &m->continuing;
        longest = m->longest[1];
    }
    /* A word that cannot be spelled in full, or is too long, is one unknown token. */
    if (sink->total == before.total)
        ink__sink_push(sink, m->unk, (ink_span){word->begin, word->end});
    return INK_OK;
}
