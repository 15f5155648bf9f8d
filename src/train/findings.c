/* Looking through labelled data: see findings.h. Records are sorted by the digests of their texts; those of
 * one text are then neighbours, in the order of the input. */
#include "train/findings.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static int by_digest(const ink__digest *a, const ink__digest *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return a->low < b->low ? -1 : a->low > b->low;
}

static int by_text(const void *a, const void *b, void *dataset)
{
    const ink__row *rows = ((const ink__dataset *)dataset)->rows;
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const int order = by_digest(&rows[x].text, &rows[y].text);
    return order ? order : x < y ? -1 : x > y;
}

ink_status ink__find_firsts(size_t **first, const ink__dataset *d, ink_error *err)
{
    size_t *order;
    INK_TRY(ink__calloc(&order, d->n, sizeof *order, "records", err));
    for (size_t i = 0; i < d->n; ++i)
        order[i] = i;
    qsort_r(order, d->n, sizeof *order, by_text, (void *)d);
    const ink_status st = ink__calloc(first, d->n, sizeof **first, "records", err);
    for (size_t i = 0; st == INK_OK && i < d->n; ++i) {
        const bool same = i > 0 && by_digest(&d->rows[order[i - 1]].text, &d->rows[order[i]].text) == 0;
        (*first)[order[i]] = same ? (*first)[order[i - 1]] : order[i];
    }
    free(order);
    return st;
}

/* *same [n] = for each record of d one of `other` with its text, or SIZE_MAX. */
static ink_status find_shared(size_t **same, const ink__dataset *d, const ink__dataset *other, ink_error *err)
{
    ink_status st;
    size_t *mine = NULL, *theirs = NULL;
    *same = NULL;
    INK_TRY_GOTO(ink__calloc(same, d->n, sizeof **same, "records", err));
    INK_TRY_GOTO(ink__calloc(&mine, d->n, sizeof *mine, "records", err));
    INK_TRY_GOTO(ink__calloc(&theirs, other ? other->n : 0, sizeof *theirs, "records", err));
    for (size_t i = 0; i < d->n; ++i)
        (*same)[i] = SIZE_MAX, mine[i] = i;
    if (!other)
        goto done;
    for (size_t j = 0; j < other->n; ++j)
        theirs[j] = j;
    qsort_r(mine, d->n, sizeof *mine, by_text, (void *)d);
    qsort_r(theirs, other->n, sizeof *theirs, by_text, (void *)other);
    for (size_t i = 0, j = 0; i < d->n && j < other->n;) {
        const int order = by_digest(&d->rows[mine[i]].text, &other->rows[theirs[j]].text);
        if (order == 0)
            (*same)[mine[i++]] = theirs[j];
        else if (order < 0)
            ++i;
        else
            ++j;
    }
done:
    free(mine);
    free(theirs);
    if (st != INK_OK) {
        free(*same);
        *same = NULL;
    }
    return st;
}

/* ---- findings -------------------------------------------------------------------------------------- */

static void note(ink__finding *finding, size_t record, size_t other)
{
    if (finding->count < INK__EXAMPLES) {
        finding->records[finding->count] = record;
        finding->others[finding->count] = other;
    }
    ++finding->count;
}

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Labels in whatever order. The lists are sorted once, before records are compared. */
static bool same_labels(const ink__dataset *d, const uint32_t *sorted, size_t i, size_t j)
{
    const size_t a = d->label_offsets[i], n = d->label_offsets[i + 1] - a, b = d->label_offsets[j];
    if (d->values)
        return d->values[i] == d->values[j];
    return n == d->label_offsets[j + 1] - b &&
           (n == 0 || memcmp(sorted + a, sorted + b, n * sizeof *sorted) == 0);
}

static ink_status sort_labels(uint32_t **sorted, const ink__dataset *d, ink_error *err)
{
    const size_t n = d->label_offsets[d->n];
    INK_TRY(ink__calloc(sorted, n, sizeof **sorted, "labels", err));
    if (n > 0)
        memcpy(*sorted, d->labels, n * sizeof **sorted);
    for (size_t i = 0; i < d->n; ++i)
        qsort(*sorted + d->label_offsets[i], d->label_offsets[i + 1] - d->label_offsets[i], sizeof **sorted,
              by_number);
    return INK_OK;
}

ink_status ink__findings_make(ink__findings *f, const ink__dataset *d, const ink__dataset *other,
                              ink_error *err)
{
    ink_status st;
    size_t *first = NULL, *shared = NULL;
    uint32_t *sorted = NULL;
    *f = (ink__findings){0};
    INK_TRY_GOTO(ink__calloc(&f->label_counts, d->names.n, sizeof *f->label_counts, "counts", err));
    INK_TRY_GOTO(ink__find_firsts(&first, d, err));
    INK_TRY_GOTO(find_shared(&shared, d, other, err));
    INK_TRY_GOTO(sort_labels(&sorted, d, err));
    for (size_t i = 0; i < d->n; ++i) {
        const ink__row *row = &d->rows[i];
        if (first[i] != i)
            note(same_labels(d, sorted, i, first[i]) ? &f->repeated : &f->contradicted, i, first[i]);
        if (shared[i] != SIZE_MAX)
            note(&f->shared, i, shared[i]);
        if (row->tokens <= d->specials)
            note(&f->empty, i, i);
        if (row->tokens > d->offsets[i + 1] - d->offsets[i])
            note(&f->cut, i, i);
        if (row->bad_bytes > 0)
            note(&f->bad_bytes, i, i);
        for (size_t j = d->label_offsets[i]; j < d->label_offsets[i + 1]; ++j)
            ++f->label_counts[d->labels[j]];
    }
done:
    free(first);
    free(shared);
    free(sorted);
    if (st != INK_OK)
        ink__findings_free(f);
    return st;
}

void ink__findings_free(ink__findings *findings)
{
    free(findings->label_counts);
    *findings = (ink__findings){0};
}

ink_status ink__drop_duplicates(size_t *dropped, ink__dataset *d, const ink__dataset *other, ink_error *err)
{
    ink_status st;
    size_t *first = NULL, *shared = NULL;
    bool *go = NULL;
    *dropped = 0;
    INK_TRY_GOTO(ink__calloc(&go, d->n, sizeof *go, "records", err));
    INK_TRY_GOTO(ink__find_firsts(&first, d, err));
    INK_TRY_GOTO(find_shared(&shared, d, other, err));
    for (size_t i = 0; i < d->n; ++i) {
        go[i] = first[i] != i || shared[i] != SIZE_MAX;
        *dropped += go[i];
    }
    if (*dropped == d->n)
        st = ink_fail(err, INK_E_FORMAT, "%s: every text is in %s as well; without duplicates none is left",
                      d->sources[0], other->sources[0]);
    else
        st = ink__dataset_divide(NULL, d, go, err);
done:
    free(first);
    free(shared);
    free(go);
    return st;
}
