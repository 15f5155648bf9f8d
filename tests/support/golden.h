/* Golden outputs from Hugging Face's classes: tests/golden/<name>/golden.safetensors as plain arrays. */
#ifndef INK_TESTS_GOLDEN_H
#define INK_TESTS_GOLDEN_H

#include "io/safetensors.h"

#include <inkling.h>

enum { GOLDEN_NAMES_MAX = 64 };

struct golden {
    char dir[512];
    ink__tensors *file;
    int32_t *ids, *types; /* [R] */
    size_t *offsets;      /* [B+1] */
    size_t B, R;
    int64_t *rows; /* [n_rows] the rows of `hidden` that were kept */
    size_t n_rows;
    ink_batch batch; /* all of it */
};

/* Names of tests/golden/models.txt and families.txt; returns how many. */
size_t golden_names(char names[GOLDEN_NAMES_MAX][64]);

/* Aborts the test when the files are not as make_golden.py writes them. */
void golden_open(struct golden *g, const char *name);
void golden_close(struct golden *g);

/* A float tensor of n elements, or NULL if the model has no such output. */
const float *golden_floats(const struct golden *g, const char *tensor, size_t n);

/* Sequence b alone. `offsets` [2] is the caller's. */
ink_batch golden_one(const struct golden *g, size_t b, size_t offsets[2]);

/* Largest |a - b| over n. */
double max_difference(const float *a, const float *b, size_t n);

#endif
