/* Specials, types and truncation: see postprocess.h; the references are tokenizers' processors/template.rs
 * and utils/truncation.rs. */
#include "tokenizer/postprocess.h"

#include <string.h>

void ink__truncate_pair(size_t *a, size_t *b, size_t most)
{
    if (*a <= most && *b <= most - *a)
        return;
    size_t *shorter = *a <= *b ? a : b, *longer = *a <= *b ? b : a;
    *longer = *shorter > most || most - *shorter < *shorter ? *shorter : most - *shorter;
    if (*shorter > most || *longer > most - *shorter) {
        *shorter = most / 2;
        *longer = most - most / 2;
    }
}

static void put_specials(ink_encoding *e, size_t at, const ink__special *specials, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        e->ids[at + i] = specials[i].id;
        e->types[at + i] = specials[i].type;
        e->spans[at + i] = (ink_span){0, 0};
    }
}

void ink__postprocess(ink_encoding *e, const ink__template *t, size_t a, size_t b, size_t at_b)
{
    const size_t to_b = t->before + a + t->middle, after = t->n - t->before - t->middle;
    if (to_b != at_b && b > 0) {
        memmove(e->ids + to_b, e->ids + at_b, b * sizeof *e->ids);
        memmove(e->spans + to_b, e->spans + at_b, b * sizeof *e->spans);
    }
    put_specials(e, 0, t->specials, t->before);
    put_specials(e, t->before + a, t->specials + t->before, t->middle);
    put_specials(e, to_b + b, t->specials + t->before + t->middle, after);
    for (size_t i = 0; i < a; ++i)
        e->types[t->before + i] = t->type_a;
    for (size_t i = 0; i < b; ++i)
        e->types[to_b + i] = t->type_b;
    e->length = t->n + a + b;
}
