/* Added tokens in the text as it is: see added.h. */
#include "tokenizer/added.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

ink_status ink__added_put(ink__added *added, ink__added_token token, ink_error *err)
{
    INK_TRY(ink__grow(&added->tokens, &added->capacity, added->n + 1, sizeof *added->tokens, "added tokens",
                      err));
    token.order = added->n;
    added->tokens[added->n++] = token;
    return INK_OK;
}

/* By id; the definition that counts comes last. */
static int compare(const void *a, const void *b)
{
    const ink__added_token *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void ink__added_seal(ink__added *added)
{
    size_t n = 0;
    if (added->n > 0)
        qsort(added->tokens, added->n, sizeof *added->tokens, compare);
    for (size_t i = 0; i < added->n; ++i) {
        ink__added_token token = added->tokens[i];
        if (n > 0 && added->tokens[n - 1].id == token.id)
            token.special |= added->tokens[--n].special;
        added->tokens[n++] = token;
    }
    added->n = n;
}

ink_status ink__added_pattern(ink__added *added, size_t i, char *bytes, size_t len, ink_error *err)
{
    const ink__added_token *token = &added->tokens[i];
    if (token->normalized && added->longest < len)
        added->longest = len;
    *(token->normalized ? &added->normalized_ordinary : &added->raw_ordinary) |= !token->special;
    return ink__patterns_add(token->normalized ? &added->normalized : &added->raw, bytes, len, i, err);
}

void ink__added_seal_patterns(ink__added *added)
{
    ink__patterns_seal(&added->raw);
    ink__patterns_seal(&added->normalized);
}

void ink__added_free(ink__added *added)
{
    free(added->tokens);
    ink__patterns_free(&added->raw);
    ink__patterns_free(&added->normalized);
    *added = (ink__added){0};
}

void ink__segments_start(ink__segments *s, const ink__added *added, const unsigned char *text, size_t len,
                         bool parse_special)
{
    *s = (ink__segments){
        .added = added, .set = &added->raw, .text = text, .len = len, .parse_special = parse_special};
    s->searching = added->raw.n > 0 && (parse_special || added->raw_ordinary);
}

void ink__segments_start_normalized(ink__segments *s, const ink__added *added, const unsigned char *text,
                                    size_t len, bool parse_special)
{
    *s = (ink__segments){
        .added = added, .set = &added->normalized, .text = text, .len = len, .parse_special = parse_special};
    s->searching = added->normalized.n > 0 && (parse_special || added->normalized_ordinary);
}

/* Start of the character that ends before `at`, which is > 0. */
static size_t step_back(const unsigned char *text, size_t at)
{
    const size_t least = at > 4 ? at - 4 : 0;
    size_t from = at - 1;
    while (from > least && (text[from] & 0xC0) == 0x80)
        --from;
    uint32_t cp;
    return from + ink__utf8_decode(&cp, text + from, text + at) == at ? from : at - 1;
}

static uint32_t code_point(const ink__segments *s, size_t at, size_t end, size_t *used)
{
    uint32_t cp;
    *used = ink__utf8_decode(&cp, s->text + at, s->text + end);
    return cp;
}

static bool is_space(uint32_t cp)
{
    return ink__unicode_class(cp) & INK__SPACE;
}

static bool stands_alone(const ink__segments *s, size_t begin, size_t end)
{
    size_t used;
    if (begin > 0 && ink__unicode_is_word(code_point(s, step_back(s->text, begin), begin, &used)))
        return false;
    return end == s->len || !ink__unicode_is_word(code_point(s, end, s->len, &used));
}

/* The segment of a match: with the white space it takes along, of which the token before may have had some.
 */
static ink__segment take_spaces(ink__segments *s, const ink__added_token *token, size_t begin, size_t end)
{
    size_t used;
    if (token->lstrip) {
        while (begin > s->done) {
            const size_t before = step_back(s->text, begin);
            if (!is_space(code_point(s, before, begin, &used)))
                break;
            begin = before;
        }
        if (begin < s->done)
            begin = s->done;
    }
    if (token->rstrip) {
        if (end < s->space_end)
            end = s->space_end;
        while (end < s->len && is_space(code_point(s, end, s->len, &used)))
            end += used;
        s->space_end = end;
    }
    return (ink__segment){begin, end, token->id};
}

/* The next added token at or after s->pos. */
static bool find_token(ink__segment *segment, ink__segments *s)
{
    const ink__patterns *set = s->set;
    for (; s->pos < s->len; ++s->pos) {
        if (!set->starts[s->text[s->pos]])
            continue;
        ink__match match;
        ink__match_start(&match, set);
        for (size_t at = s->pos; at < s->len && ink__match_feed(&match, set, s->text[at]); ++at)
            ;
        if (!match.longest)
            continue;
        const ink__added_token *token = &s->added->tokens[match.longest->value];
        const size_t begin = s->pos, end = begin + match.longest->len;
        s->pos = end - 1; /* also of a match that does not count: nothing inside it is looked at again */
        if ((token->special && !s->parse_special) || (token->single_word && !stands_alone(s, begin, end)))
            continue;
        s->pos = end;
        *segment = take_spaces(s, token, begin, end);
        if (segment->begin < segment->end)
            return true;
        s->done = segment->end;
        --s->pos;
    }
    return false;
}

bool ink__segments_next(ink__segment *segment, ink__segments *s)
{
    if (s->has_next) {
        *segment = s->next;
        s->has_next = false;
        return true;
    }
    if (s->searching && find_token(&s->next, s)) {
        const size_t from = s->done;
        s->done = s->next.end;
        s->has_next = from < s->next.begin;
        *segment = s->has_next ? (ink__segment){from, s->next.begin, -1} : s->next;
        return true;
    }
    s->searching = false;
    *segment = (ink__segment){s->done, s->len, -1};
    s->done = s->len;
    return segment->begin < s->len;
}
