/* Lines drawn evenly from a text of any length: algorithm R of Vitter, "Random sampling with a reservoir",
 * ACM TOMS 11(1), 1985. Line number i replaces one of the n kept with probability n/i. */
#include "tokenizer/train_sample.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static ink_status keep(ink__sentence *sentence, const char *bytes, size_t len, ink_error *err)
{
    if (len > sentence->capacity) {
        char *grown = realloc(sentence->bytes, len);
        if (!grown)
            return ink_fail(err, INK_E_MEMORY, "no memory for a sentence of %zu bytes", len);
        sentence->bytes = grown;
        sentence->capacity = (uint32_t)len;
    }
    memcpy(sentence->bytes, bytes, len);
    sentence->len = (uint32_t)len;
    return INK_OK;
}

/* A whole number below n, from 53 bits: n is far below 2^53, so no line is favoured that anyone could tell.
 */
static uint64_t draw(ink__random *random, uint64_t n)
{
    const uint64_t high = ink__random_next(random) >> 5, low = ink__random_next(random) >> 6;
    const uint64_t at = (uint64_t)((double)(high << 26 | low) * 0x1p-53 * (double)n);
    return at < n ? at : n - 1;
}

static ink_status offer(ink__sample *sample, const char *bytes, size_t len, ink_error *err)
{
    ++sample->seen;
    if (sample->n < sample->most) {
        INK_TRY(ink__grow(&sample->kept, &sample->capacity, sample->n + 1, sizeof *sample->kept,
                          "the sentences", err));
        sample->kept[sample->n] = (ink__sentence){0};
        INK_TRY(keep(&sample->kept[sample->n], bytes, len, err));
        ++sample->n;
        return INK_OK;
    }
    const uint64_t at = draw(&sample->random, sample->seen);
    return at < sample->n ? keep(&sample->kept[at], bytes, len, err) : INK_OK;
}

/* Bytes of the first piece of a line that is too long: up to the last space in it, or else the last whole
 * character. */
static size_t cut(const char *line)
{
    size_t at = INK__SENTENCE_MAX;
    while (at > INK__SENTENCE_MAX / 2 && line[at] != ' ')
        --at;
    if (line[at] == ' ')
        return at;
    at = INK__SENTENCE_MAX;
    while (((unsigned char)line[at] & 0xC0) == 0x80)
        --at;
    return at;
}

static bool is_blank(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; ++i)
        if (!strchr(" \t\r\f\v", bytes[i]) || bytes[i] == '\0')
            return false;
    return true;
}

ink_status ink__sample_add(ink__sample *sample, const char *text, size_t len, ink_error *err)
{
    const char *end = text + len;
    for (const char *next; text < end; text = next) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        next = stop ? stop + 1 : end;
        for (size_t left = (size_t)((stop ? stop : end) - text), n; left > 0; left -= n, text += n) {
            n = left > INK__SENTENCE_MAX ? cut(text) : left;
            if (!is_blank(text, n))
                INK_TRY(offer(sample, text, n, err));
        }
    }
    return INK_OK;
}

void ink__sample_free(ink__sample *sample)
{
    for (size_t i = 0; i < sample->n; ++i)
        free(sample->kept[i].bytes);
    free(sample->kept);
    sample->kept = NULL;
    sample->n = sample->capacity = 0;
}
