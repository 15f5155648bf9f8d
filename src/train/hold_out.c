/* Parting a dev set off: see ink__hold_out in findings.h. Texts are drawn class by class, each class from a
 * stream of its own, and every record of a text that was drawn goes. */
#include "train/findings.h"
#include "core/memory.h"
#include "core/random.h"
#include "train/streams.h"

#include <stdlib.h>

/* A record's class: its label, or the rarest of several; C where there is none. */
static size_t class_of(const ink__dataset *d, const size_t *counts, size_t i)
{
    size_t class = d->names.n;
    for (size_t j = d->label_offsets[i]; j < d->label_offsets[i + 1]; ++j) {
        const size_t label = d->labels[j];
        if (class == d->names.n || counts[label] < counts[class] ||
            (counts[label] == counts[class] && label < class))
            class = label;
    }
    return class;
}

/* members [n] = the first records of every text, class by class; class c is those from starts[c] to
 * starts[c+1], in the order of the input. */
static ink_status find_classes(size_t **members, size_t **starts, const ink__dataset *d, const size_t *first,
                               ink_error *err)
{
    const size_t C = d->names.n + 1;
    ink_status st;
    size_t *counts = NULL, *classes = NULL;
    INK_TRY_GOTO(ink__calloc(&counts, C, sizeof *counts, "classes", err));
    INK_TRY_GOTO(ink__calloc(&classes, d->n, sizeof *classes, "classes", err));
    INK_TRY_GOTO(ink__calloc(members, d->n, sizeof **members, "classes", err));
    INK_TRY_GOTO(ink__calloc(starts, C + 1, sizeof **starts, "classes", err));
    for (size_t j = 0; j < d->label_offsets[d->n]; ++j)
        ++counts[d->labels[j]];
    for (size_t i = 0; i < d->n; ++i)
        if (first[i] == i) {
            classes[i] = class_of(d, counts, i);
            ++(*starts)[classes[i] + 1];
        }
    for (size_t c = 0; c < C; ++c) {
        (*starts)[c + 1] += (*starts)[c];
        counts[c] = (*starts)[c];
    }
    for (size_t i = 0; i < d->n; ++i)
        if (first[i] == i)
            (*members)[counts[classes[i]]++] = i;
done:
    free(counts);
    free(classes);
    return st;
}

/* Marks a tenth of the members, rounded, and at least one of two. */
static size_t draw(bool *go, size_t *members, size_t n, uint64_t seed, size_t class)
{
    ink__random random = ink__random_start(seed, ink__stream(INK__DRAW_HELD_OUT, (uint32_t) class));
    const size_t k = n >= 2 && n < 5 ? 1 : (n + 5) / 10;
    for (size_t t = 0; t < k; ++t) {
        const size_t j = t + ink__random_below(&random, (uint32_t)(n - t)), drawn = members[j];
        members[j] = members[t];
        go[drawn] = true;
    }
    return k;
}

ink_status ink__hold_out(ink__dataset *held, ink__dataset *d, uint64_t seed, ink_error *err)
{
    ink_status st;
    size_t *first = NULL, *members = NULL, *starts = NULL, drawn = 0;
    bool *go = NULL;
    *held = (ink__dataset){0};
    if (d->n > UINT32_MAX)
        return ink_fail(err, INK_E_FORMAT, "%zu records, at most %u", d->n, UINT32_MAX);
    INK_TRY_GOTO(ink__calloc(&go, d->n, sizeof *go, "records", err));
    INK_TRY_GOTO(ink__find_firsts(&first, d, err));
    INK_TRY_GOTO(find_classes(&members, &starts, d, first, err));
    for (size_t c = 0; c <= d->names.n; ++c)
        drawn += draw(go, members + starts[c], starts[c + 1] - starts[c], seed, c);
    if (drawn == 0) {
        st = ink_fail(err, INK_E_FORMAT,
                      "%s: %zu records are too few to hold some of them out: no class has two texts",
                      d->sources[0], d->n);
        goto done;
    }
    for (size_t i = 0; i < d->n; ++i)
        go[i] = go[first[i]];
    st = ink__dataset_divide(held, d, go, err);
done:
    free(go);
    free(first);
    free(members);
    free(starts);
    return st;
}
