/* Metrics against scikit-learn's and SciPy's (tests/golden/make_metrics.py), and what must hold of them. */
#include "train/numbers.h"

/* The sums here run in order, NumPy's pairwise: some units in the last place of a double. */
#define TOLERANCE 1e-12

static void check_case(const char *name, const ink__judged *judged, const json_t *from)
{
    ink__metrics *m;
    ink__measures r;
    ink_error err;
    cr_assert(ink__metrics_create(&m, judged, &err) == INK_OK, "%s: %s", name, err.text);
    cr_assert(ink__measures_create(&r, m, &err) == INK_OK);
    ink__measure(&r, m, NULL);
    const json_t *expect = json_object_get(from, "expect"), *classes = json_object_get(from, "classes");
    cr_expect(json_object_size(expect) == m->count, "%s: %zu metrics", name, m->count);
    for (size_t k = 0; k < m->count; ++k) {
        const json_t *wanted = json_object_get(expect, m->list[k].key);
        cr_expect(equals(r.values[k], wanted, TOLERANCE), "%s: %s is %.17g, wanted %.17g", name,
                  m->list[k].key, r.values[k], wanted_number(wanted));
    }
    for (size_t c = 0; c < json_array_size(classes); ++c) {
        const json_t *k = json_array_get(classes, c);
        const ink__class_measures *got = &r.classes[c];
        const double values[] = {got->precision, got->recall, got->f1, got->auc, got->average_precision};
        static const char *const keys[] = {"precision", "recall", "f1", "auc", "average_precision"};
        for (size_t v = 0; v < 5; ++v)
            cr_expect(equals(values[v], json_object_get(k, keys[v]), TOLERANCE), "%s: %s of %zu is %.17g",
                      name, keys[v], c, values[v]);
        cr_expect(r.values[m->count + c] == got->f1);
    }
    ink__measures_free(&r);
    ink__metrics_free(m);
}

Test(metrics, equal_those_of_scikit_learn_and_scipy)
{
    ink__json json;
    numbers_open(&json);
    const json_t *cases = json_object_get(json.root, "cases");
    cr_assert(json_array_size(cases) > 30);
    for (size_t i = 0; i < json_array_size(cases); ++i) {
        const json_t *from = json_array_get(cases, i);
        struct judged_case c;
        case_read(&c, from);
        check_case(json_string_value(json_object_get(from, "name")), &c.judged, from);
        case_free(&c);
    }
    ink__json_close(&json);
}

/* The records of j, record i weights[i] times. */
static struct judged_case repeated(const ink__judged *j, const uint32_t *weights)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < j->n; ++i)
        n += weights[i];
    struct judged_case c = {.truth = room(n, sizeof *c.truth),
                            .truths = room(n * j->C, sizeof *c.truths),
                            .targets = room(n, sizeof *c.targets),
                            .scores = room(n * j->C, sizeof *c.scores)};
    for (size_t i = 0; i < j->n; ++i)
        for (uint32_t k = 0; k < weights[i]; ++k, ++at) {
            if (j->kind == INK_ACTIVATION_SIGMOID)
                memcpy(c.truths + at * j->C, j->truths + i * j->C, j->C);
            else if (j->kind == INK_ACTIVATION_SOFTMAX)
                c.truth[at] = j->truth[i];
            else
                c.targets[at] = j->targets[i];
            memcpy(c.scores + at * j->C, j->scores + i * j->C, j->C * sizeof *c.scores);
        }
    c.judged = *j;
    c.judged.n = n;
    c.judged.truth = c.truth, c.judged.truths = c.truths;
    c.judged.targets = c.targets, c.judged.scores = c.scores;
    return c;
}

static void measure_once(double *values, const ink__judged *judged, const uint32_t *weights)
{
    ink__metrics *m;
    ink__measures r;
    cr_assert(ink__metrics_create(&m, judged, NULL) == INK_OK);
    cr_assert(ink__measures_create(&r, m, NULL) == INK_OK);
    ink__measure(&r, m, weights);
    memcpy(values, r.values, m->count * sizeof *values);
    ink__measures_free(&r);
    ink__metrics_free(m);
}

Test(metrics, a_weight_counts_like_that_many_copies)
{
    ink__json json;
    numbers_open(&json);
    const json_t *cases = json_object_get(json.root, "cases");
    for (size_t i = 0; i < json_array_size(cases); ++i) {
        struct judged_case c;
        double weighted[INK__MULTI_COUNT], copied[INK__MULTI_COUNT];
        case_read(&c, json_array_get(cases, i));
        uint32_t *weights = room(c.judged.n, sizeof *weights);
        for (size_t k = 0; k < c.judged.n; ++k)
            weights[k] = (uint32_t)(k * 7 + 3) % 4;
        struct judged_case all = repeated(&c.judged, weights);
        if (all.judged.n > 0) {
            size_t count;
            const ink__metric *list = ink__metrics_list(&count, c.judged.kind);
            measure_once(weighted, &c.judged, weights);
            measure_once(copied, &all.judged, NULL);
            for (size_t k = 0; k < count; ++k)
                cr_expect(isnan(copied[k]) ? isnan(weighted[k]) : fabs(weighted[k] - copied[k]) <= 1e-9,
                          "case %zu: %s is %g, of copies %g", i, list[k].key, weighted[k], copied[k]);
        }
        free(weights);
        case_free(&all);
        case_free(&c);
    }
    ink__json_close(&json);
}

Test(metrics, of_no_records_that_count_are_undefined)
{
    const int32_t truth[] = {0, 1};
    const uint8_t truths[] = {0, 1, 1, 0};
    const double targets[] = {1, 2};
    const float scores[] = {0.5f, 0.5f, 0.25f, 0.75f};
    const uint32_t none[] = {0, 0};
    for (int kind = INK_ACTIVATION_SOFTMAX; kind <= INK_ACTIVATION_NONE; ++kind) {
        const ink__judged judged = {(ink_activation)kind,
                                    2,
                                    kind == INK_ACTIVATION_NONE ? 1 : 2,
                                    truth,
                                    truths,
                                    targets,
                                    scores,
                                    NULL,
                                    NULL};
        double values[INK__MULTI_COUNT];
        size_t count;
        const ink__metric *list = ink__metrics_list(&count, (ink_activation)kind);
        measure_once(values, &judged, none);
        for (size_t k = 0; k < count; ++k)
            cr_expect(isnan(values[k]), "%s of nothing is %g", list[k].key, values[k]);
    }
}

Test(metrics, what_cannot_be_measured_is_refused_in_a_sentence)
{
    const int32_t truth[] = {0, 2}, negative[] = {0, -1};
    const uint8_t truths[] = {0, 1, 2, 0};
    const double targets[] = {1, NAN};
    const float scores[] = {0.5f, 0.5f, 0.25f, 0.75f}, broken[] = {0.5f, 0.5f, NAN, 0.75f};
    const struct {
        ink__judged judged;
        ink_status status;
        const char *says;
    } cases[] = {
        {{INK_ACTIVATION_SOFTMAX, 0, 2, truth, NULL, NULL, scores, NULL, NULL}, INK_E_ARG, "0 records"},
        {{INK_ACTIVATION_SOFTMAX, 2, 0, truth, NULL, NULL, scores, NULL, NULL}, INK_E_ARG, "0 labels"},
        {{INK_ACTIVATION_SOFTMAX, 2, 2, truth, NULL, NULL, scores, NULL, NULL},
         INK_E_ARG,
         "label 2 of record 1"},
        {{INK_ACTIVATION_SOFTMAX, 2, 2, negative, NULL, NULL, scores, NULL, NULL}, INK_E_ARG, "label -1"},
        {{INK_ACTIVATION_SOFTMAX, 2, 2, truth, NULL, NULL, broken, NULL, NULL},
         INK_E_NUMERIC,
         "score 0 of record 1"},
        {{INK_ACTIVATION_SIGMOID, 2, 2, NULL, truths, NULL, scores, NULL, NULL}, INK_E_ARG, "truth 2"},
        {{INK_ACTIVATION_NONE, 2, 1, NULL, NULL, targets, scores, NULL, NULL},
         INK_E_NUMERIC,
         "target of record 1"},
        {{INK_ACTIVATION_NONE, 2, 2, NULL, NULL, targets, scores, NULL, NULL}, INK_E_UNSUPPORTED, "2 values"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__metrics *m;
        ink_error err;
        cr_expect(ink__metrics_create(&m, &cases[i].judged, &err) == cases[i].status && !m, "case %zu", i);
        cr_expect(strstr(err.text, cases[i].says), "case %zu says: %s", i, err.text);
    }
}

Test(metrics, a_threshold_of_its_own_decides_a_label)
{
    const uint8_t truths[] = {1, 0, 1, 1};
    const float scores[] = {0.3f, 0.6f, 0.2f, 0.9f}, thresholds[] = {0.2f, 0.7f};
    const ink__judged judged = {INK_ACTIVATION_SIGMOID, 2, 2, NULL, truths, NULL, scores, thresholds, NULL};
    double values[INK__MULTI_COUNT];
    measure_once(values, &judged, NULL);
    cr_expect(values[INK__MULTI_SUBSET_ACCURACY] == 1 && values[INK__MULTI_HAMMING_LOSS] == 0);
}

Test(metrics, are_found_by_their_keys)
{
    size_t at;
    cr_expect(ink__metric_find(&at, INK_ACTIVATION_SOFTMAX, "mcc") && at == INK__SINGLE_MCC);
    cr_expect(ink__metric_find(&at, INK_ACTIVATION_NONE, "spearman") && at == INK__VALUE_SPEARMAN);
    cr_expect(!ink__metric_find(&at, INK_ACTIVATION_NONE, "accuracy"));
}
