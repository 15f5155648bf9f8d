/* Tokens in words: see token_kind.h. */
#include "tokenizer/token_kind.h"
#include "core/utf8.h"
#include "tokenizer/tokenizer.h"

#include <string.h>

/* Blocks of scripts that have no spaces between words. */
static bool is_unspaced(uint32_t c)
{
    static const uint32_t blocks[][2] = {
        {0x0E00, 0x0EFF},   /* Thai, Lao */
        {0x1000, 0x109F},   /* Myanmar */
        {0x1780, 0x17FF},   /* Khmer */
        {0x2E80, 0x9FFF},   /* CJK radicals, kana, ideographs */
        {0xF900, 0xFAFF},   /* compatibility ideographs */
        {0xFF66, 0xFF9F},   /* halfwidth kana */
        {0x1AFF0, 0x1B16F}, /* kana supplements */
        {0x20000, 0x3FFFF}, /* ideographs */
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        if (c >= blocks[i][0] && c <= blocks[i][1])
            return true;
    return false;
}

static uint32_t first_of(const char *text, size_t len)
{
    uint32_t c = 0;
    if (len > 0)
        ink__utf8_decode(&c, (const unsigned char *)text, (const unsigned char *)text + len);
    return c;
}

static uint32_t last_of(const char *text, size_t len)
{
    size_t at = len;
    while (at > 0 && ((unsigned char)text[--at] & 0xC0) == 0x80)
        ;
    return first_of(text + at, len - at);
}

static int piece_kind(const char *text, size_t len)
{
    enum { SPACE = 0x2581 };
    const uint32_t first = first_of(text, len);
    const int begins = first == SPACE || is_unspaced(first) ? INK__BEGINS_WORD : 0;
    return begins | (is_unspaced(last_of(text, len)) ? INK__ENDS_WORD : 0);
}

/* Byte-level BPE shows each byte as a character: white space as U+0109 to U+010D and U+0120, and bytes above
 * U+00A0 as themselves, so that E3 to E9, which open the characters from U+3000 to U+9FFF, are found there.
 */
static int byte_level_kind(const char *text, size_t len)
{
    const uint32_t first = first_of(text, len);
    const bool space = first == 0x0120 || (first >= 0x0109 && first <= 0x010D);
    return space || (first >= 0xE3 && first <= 0xE9) ? INK__BEGINS_WORD : 0;
}

/* They are sorted by id. */
static bool is_special(const ink__added *added, int32_t id)
{
    size_t low = 0, high = added->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (added->tokens[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < added->n && added->tokens[low].id == id && added->tokens[low].special;
}

int ink__token_kind(const ink_tokenizer *tokenizer, int32_t id)
{
    const char *text = ink_tokenizer_token(tokenizer, id), *kind = ink_tokenizer_kind(tokenizer);
    if (!text || is_special(&tokenizer->added, id))
        return INK__SPECIAL;
    const size_t len = strlen(text);
    if (strcmp(kind, "WordPiece") == 0)
        return len > 2 && memcmp(text, "##", 2) == 0 ? 0 : INK__BEGINS_WORD;
    return strcmp(kind, "BPE") == 0 ? byte_level_kind(text, len) : piece_kind(text, len);
}
