/* The cases of tests/golden/metrics.json, which scikit-learn and SciPy made. */
#ifndef INK_TESTS_TRAIN_NUMBERS_H
#define INK_TESTS_TRAIN_NUMBERS_H

#include "io/json.h"
#include "train/metrics.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct judged_case {
    ink__judged judged;
    int32_t *truth;
    uint8_t *truths;
    double *targets;
    float *scores;
};

static inline void numbers_open(ink__json *json)
{
    ink_error err;
    cr_assert(ink__json_open(json, INK_TEST_DATA "/golden/metrics.json", &err) == INK_OK, "%s", err.text);
}

static inline void *room(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    cr_assert(p);
    return p;
}

static inline void case_read(struct judged_case *c, const json_t *from)
{
    const char *kind = json_string_value(json_object_get(from, "kind"));
    const json_t *truth = json_object_get(from, "truth"), *scores = json_object_get(from, "scores");
    const size_t n = (size_t)json_number_value(json_object_get(from, "n"));
    const size_t C = (size_t)json_number_value(json_object_get(from, "C"));
    const size_t entries = json_array_size(truth);
    cr_assert(kind && n && json_array_size(scores) == n * C);
    c->truth = room(entries, sizeof *c->truth);
    c->truths = room(entries, sizeof *c->truths);
    c->targets = room(entries, sizeof *c->targets);
    c->scores = room(n * C, sizeof *c->scores);
    for (size_t i = 0; i < n * C; ++i)
        c->scores[i] = (float)json_number_value(json_array_get(scores, i));
    for (size_t i = 0; i < entries; ++i) {
        const double x = json_number_value(json_array_get(truth, i));
        c->targets[i] = x;
        if (x >= 0 && x < 256)
            c->truth[i] = (int32_t)x, c->truths[i] = (uint8_t)x;
    }
    c->judged = (ink__judged){
        .kind = strcmp(kind, "softmax") == 0   ? INK_ACTIVATION_SOFTMAX
                : strcmp(kind, "sigmoid") == 0 ? INK_ACTIVATION_SIGMOID
                                               : INK_ACTIVATION_NONE,
        .n = n,
        .C = C,
        .truth = c->truth,
        .truths = c->truths,
        .targets = c->targets,
        .scores = c->scores,
    };
}

static inline void case_free(struct judged_case *c)
{
    free(c->truth);
    free(c->truths);
    free(c->targets);
    free(c->scores);
}

/* null is NaN. */
static inline bool equals(double got, const json_t *wanted, double tolerance)
{
    if (json_is_null(wanted))
        return isnan(got);
    const double x = json_number_value(wanted);
    return json_is_number(wanted) && fabs(got - x) <= tolerance * fmax(1, fabs(x));
}

static inline double wanted_number(const json_t *wanted)
{
    return json_is_null(wanted) ? NAN : json_number_value(wanted);
}

#endif
