/* Code points as Hugging Face's tokenizers sees them: see unicode.h. */
#include "tokenizer/unicode.h"

#include <utf8proc.h>

/* Index of the run that cp lies in. The first run starts at 0. */
static size_t class_run(uint32_t cp)
{
    size_t low = 0, high = ink__class_runs_len;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (ink__class_runs[middle] >> 8 <= cp)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint32_t simple_lower(uint32_t cp)
{
    for (size_t i = 0; i < ink__case_runs_len; ++i)
        if (cp >= ink__case_runs[i].first && cp <= ink__case_runs[i].last)
            return cp + (uint32_t)ink__case_runs[i].delta;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
}

uint8_t ink__unicode_class(uint32_t cp)
{
    const uint8_t bits = (uint8_t)ink__class_runs[class_run(cp)];
    return simple_lower(cp) == cp ? bits : (uint8_t)(bits | INK__CASED);
}

void ink__unicode_fill_classes(uint8_t classes[65536])
{
    size_t run = 0;
    for (uint32_t cp = 0; cp < 65536; ++cp) {
        while (run + 1 < ink__class_runs_len && ink__class_runs[run + 1] >> 8 <= cp)
            ++run;
        classes[cp] = (uint8_t)ink__class_runs[run];
        if ((uint32_t)utf8proc_tolower((utf8proc_int32_t)cp) != cp)
            classes[cp] |= INK__CASED;
    }
    for (size_t i = 0; i < ink__case_runs_len; ++i)
        for (uint32_t cp = ink__case_runs[i].first; cp <= ink__case_runs[i].last && cp < 65536; ++cp)
            classes[cp] |= INK__CASED;
}

size_t ink__unicode_decompose(uint32_t out[INK__DECOMPOSED_MAX], uint32_t cp)
{
    utf8proc_int32_t decomposed[INK__DECOMPOSED_MAX];
    int boundary = 0;
    const utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)cp, decomposed, INK__DECOMPOSED_MAX,
                                                       UTF8PROC_DECOMPOSE, &boundary);
    out[0] = cp;
    if (n < 1 || n > INK__DECOMPOSED_MAX)
        return 1;
    for (utf8proc_ssize_t i = 0; i < n; ++i)
        out[i] = (uint32_t)decomposed[i];
    return (size_t)n;
}

unsigned ink__unicode_combining(uint32_t cp)
{
    return (unsigned)utf8proc_get_property((utf8proc_int32_t)cp)->combining_class;
}

size_t ink__unicode_lower(uint32_t out[2], uint32_t cp)
{
    if (cp == 0x130) {
        out[0] = 'i', out[1] = 0x307;
        return 2;
    }
    out[0] = simple_lower(cp);
    return 1;
}

bool ink__unicode_is_word(uint32_t cp)
{
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        break;
    }
    for (size_t i = 0; i < ink__word_runs_len; ++i)
        if (cp >= ink__word_runs[i].first && cp <= ink__word_runs[i].last)
            return true;
    return false;
}
