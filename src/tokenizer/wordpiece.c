/* WordPiece: see wordpiece.h. */
#include "tokenizer/wordpiece.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Notes how long a token is whose text, without the prefix, is bytes: under its first two bytes, and a single
 * byte with any second one. */
static ink_status note_length(ink__wordpiece *m, int which, const char *bytes, size_t len, size_t id,
                              ink_error *err)
{
    const uint8_t n = len < INK__LONG ? (uint8_t)len : INK__LONG;
    if (len == 0)
        return INK_OK;
    const unsigned char first = (unsigned char)bytes[0];
    const unsigned low = len > 1 ? (unsigned char)bytes[1] : 0, high = len > 1 ? low : 255;
    for (unsigned second = low; second <= high; ++second)
        if (m->longest[which][first << 8 | second] < n)
            m->longest[which][first << 8 | second] = n;
    if (n < INK__LONG)
        return INK_OK;
    char *copy;
    INK_TRY(ink__strndup(&copy, bytes, len, err));
    return ink__patterns_add(&m->long_[which], copy, len, id, err);
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
        INK_TRY(note_length(m, 0, text, len, id, err));
        if (len < prefix_len || memcmp(text, prefix, prefix_len) != 0)
            continue;
        INK_TRY(note_length(m, 1, text + prefix_len, len - prefix_len, id, err));
        INK_TRY(ink__index_put(&m->continuing, vocab, (int32_t)id, err));
    }
    for (int i = 0; i < 2; ++i)
        ink__patterns_seal(&m->long_[i]);
    return INK_OK;
}

void ink__wordpiece_release(ink__wordpiece *m)
{
    ink__index_free(&m->continuing);
    for (int i = 0; i < 2; ++i) {
        free(m->longest[i]);
        ink__patterns_free(&m->long_[i]);
    }
    *m = (ink__wordpiece){0};
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The longest token at word->bytes[start], of those that begin a word (which 0) or continue one (1): its id,
 * and *end becomes where it ends. -1 if there is none. */
static inline int32_t longest_token(size_t *end, const ink__wordpiece *m, int which, const ink__word *word,
                                    size_t start)
{
    const ink__index *index = which ? &m->continuing : &m->vocab->index;
    const unsigned char *bytes = word->bytes;
    const unsigned second = start + 1 < word->len ? bytes[start + 1] : 0;
    size_t most = m->longest[which][bytes[start] << 8 | second];
    if (most == INK__LONG) {
        const ink__patterns *set = &m->long_[which];
        ink__match match;
        ink__match_start(&match, set);
        for (size_t i = start; i < word->len && ink__match_feed(&match, set, bytes[i]); ++i)
            ;
        if (match.longest) {
            *end = start + match.longest->len;
            return (int32_t)match.longest->value;
        }
        --most;
    }
    for (*end = most < word->len - start ? start + most : word->len; *end > start; --*end) {
        if (*end < word->len && is_continuation(bytes[*end]))
            continue;
        const int32_t id = ink__index_find(index, m->vocab, bytes + start, *end - start);
        if ((size_t)id < m->size) /* -1 is not; nor is an added token that only the vocabulary has */
            return id;
    }
    return -1;
}

ink_status ink__wordpiece_encode(ink__sink *sink, const ink__wordpiece *m, const ink__word *word,
                                 ink_error *err)
{
    INK_TRY(ink__sink_reserve(sink, word->chars + 1, err));
    const ink__sink before = *sink;
    for (size_t start = 0, end; !word->overlong && start < word->len; start = end) {
        const int32_t id = longest_token(&end, m, start > 0, word, start);
        if (id < 0) {
            *sink = before;
            break;
        }
        ink__sink_push(sink, id, ink__word_span(word, start, end));
    }
    /* A word that cannot be spelled in full, or is too long, is one unknown token. */
    if (sink->total == before.total)
        ink__sink_push(sink, m->unk, (ink_span){word->begin, word->end});
    return INK_OK;
}
