/* Reading goldens: see golden.h. */
#include "support/golden.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t read_names(char names[][64], size_t room, const char *list)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s", INK_TEST_DATA, list);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    size_t n = 0;
    while (n < room && fscanf(f, "%63s", names[n]) == 1)
        ++n;
    fclose(f);
    cr_assert(n > 0);
    return n;
}

size_t golden_names(char names[GOLDEN_NAMES_MAX][64])
{
    const size_t n = read_names(names, GOLDEN_NAMES_MAX, "models.txt");
    return n + read_names(names + n, GOLDEN_NAMES_MAX - n, "families.txt");
}

static const ink__tensor *tensor_of(const struct golden *g, const char *name, ink__dtype dtype)
{
    const ink__tensor *t = ink__tensors_find(g->file, name);
    cr_assert(t && t->dtype == dtype, "%s: %s", g->dir, name);
    return t;
}

static int64_t at(const ink__tensor *t, size_t i)
{
    int64_t value;
    memcpy(&value, (const char *)t->data + i * sizeof value, sizeof value);
    return value;
}

void golden_open(struct golden *g, const char *name)
{
    char path[600];
    ink_error err;
    memset(g, 0, sizeof *g);
    snprintf(g->dir, sizeof g->dir, "%s/golden/%s", INK_TEST_DATA, name);
    snprintf(path, sizeof path, "%s/golden.safetensors", g->dir);
    cr_assert(ink__tensors_open(&g->file, path, &err) == INK_OK, "%s", err.text);
    const ink__tensor *ids = tensor_of(g, "ids", INK__I64), *types = tensor_of(g, "types", INK__I64);
    const ink__tensor *offsets = tensor_of(g, "offsets", INK__I64), *rows = tensor_of(g, "rows", INK__I64);
    g->R = ids->shape[0], g->B = offsets->shape[0] - 1, g->n_rows = rows->shape[0];
    g->ids = calloc(g->R, sizeof *g->ids);
    g->types = calloc(g->R, sizeof *g->types);
    g->offsets = calloc(g->B + 1, sizeof *g->offsets);
    g->rows = calloc(g->n_rows, sizeof *g->rows);
    for (size_t r = 0; r < g->R; ++r)
        g->ids[r] = (int32_t)at(ids, r), g->types[r] = (int32_t)at(types, r);
    for (size_t b = 0; b <= g->B; ++b)
        g->offsets[b] = (size_t)at(offsets, b);
    for (size_t i = 0; i < g->n_rows; ++i)
        g->rows[i] = at(rows, i);
    cr_assert(g->offsets[g->B] == g->R);
    g->batch = (ink_batch){g->ids, g->types, g->offsets, g->B};
}

void golden_close(struct golden *g)
{
    ink__tensors_free(g->file);
    free(g->ids), free(g->types), free(g->offsets), free(g->rows);
}

const float *golden_floats(const struct golden *g, const char *tensor, size_t n)
{
    const ink__tensor *t = ink__tensors_find(g->file, tensor);
    if (!t)
        return NULL;
    cr_assert(t->dtype == INK__F32 && t->bytes == n * sizeof(float),
              "%s: %s has %zu bytes, wanted %zu floats", g->dir, tensor, t->bytes, n);
    cr_assert((uintptr_t)t->data % sizeof(float) == 0);
    return t->data;
}

ink_batch golden_one(const struct golden *g, size_t b, size_t offsets[2])
{
    offsets[0] = 0, offsets[1] = g->offsets[b + 1] - g->offsets[b];
    return (ink_batch){g->ids + g->offsets[b], g->types + g->offsets[b], offsets, 1};
}

double max_difference(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; ++i) {
        const double d = fabs((double)a[i] - b[i]);
        if (!(d <= worst)) /* NaN counts */
            worst = isnan(d) ? INFINITY : d;
    }
    return worst;
}
