/* The parameters in training: they are those of the file under its names, new ones are made from the seed,
 * and query, key and value lie side by side. */
#include "model/model.h"
#include "support/golden.h"
#include "support/numbers.h"
#include "tensor/convert.h"
#include "train/store.h"

#include <math.h>

static ink_error err;
static ink_model *model;
static ink__store store;

static void open_model(const char *name)
{
    char dir[600];
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    snprintf(dir, sizeof dir, INK_TEST_DATA "/golden/%s", name);
    cr_assert(ink_model_open(&model, dir, &plain, &err) == INK_OK, "%s", err.text);
}

static void make(const ink__store_options *options)
{
    cr_assert(ink__store_create(&store, &model->config, options, &err) == INK_OK, "%s", err.text);
}

/* A tensor of the file is a parameter of that name with its values; buffers and a head that is for something
 * else are not. */
static size_t compare(const char *name, const ink__tensors *file)
{
    size_t found = 0;
    for (size_t i = 0; i < store.count; ++i) {
        const ink__parameter *p = &store.list[i];
        const ink__tensor *t = ink__tensors_find(file, p->name);
        cr_expect(t, "%s has no %s", name, p->name);
        if (!t)
            continue;
        float *values = new_floats(p->n);
        cr_assert(t->bytes == p->n * ink__dtype_size(t->dtype), "%s: %s", name, p->name);
        ink__to_f32(values, t->data, t->dtype, p->n);
        cr_expect(same_bits(values, store.values + p->at, p->n), "%s: %s", name, p->name);
        cr_expect(!p->fresh && p->lr_part == 1, "%s: %s", name, p->name);
        /* Matrices do, but for the bias by distance, which is one in name. */
        cr_expect(p->decays == (t->rank > 1 && p->slot != INK__RELATIVE), "%s: %s", name, p->name);
        free(values);
        ++found;
    }
    return found;
}

Test(store, names_and_values_are_those_of_the_file_for_every_family)
{
    char names[GOLDEN_NAMES_MAX][64];
    const size_t n = golden_names(names);
    size_t compared = 0;
    for (size_t i = 0; i < n; ++i) {
        ink__tensors *file;
        char dir[600];
        open_model(names[i]);
        /* bert-legacy's names end in the gamma and beta of long ago. */
        if (ink_model_labels(model) == 0 || strcmp(names[i], "bert-legacy") == 0) {
            ink_model_free(model);
            continue;
        }
        make(&(ink__store_options){.from = &model->params, .keep_head = true});
        snprintf(dir, sizeof dir, INK_TEST_DATA "/golden/%s", names[i]);
        cr_assert(ink__tensors_open_dir(&file, dir, &err) == INK_OK, "%s", err.text);
        const size_t found = compare(names[i], file);
        cr_expect(found == store.count && found == ink__tensors_count(file),
                  "%s: %zu parameters, %zu tensors", names[i], found, ink__tensors_count(file));
        ink__tensors_free(file);
        ink__store_free(&store);
        ink_model_free(model);
        ++compared;
    }
    cr_expect(compared >= 16, "%zu models have a head", compared);
}

Test(store, query_key_and_value_lie_side_by_side)
{
    open_model("bert-odd");
    make(&(ink__store_options){.from = &model->params, .keep_head = true});
    const size_t H = model->config.H;
    for (size_t l = 0; l < model->config.L; ++l) {
        const float *q = ink__store_value(&store, INK__QUERY_W, l),
                    *b = ink__store_value(&store, INK__QUERY_B, l);
        cr_expect(ink__store_value(&store, INK__KEY_W, l) == q + H * H);
        cr_expect(ink__store_value(&store, INK__VALUE_W, l) == q + 2 * H * H);
        cr_expect(ink__store_value(&store, INK__KEY_B, l) == b + H);
        cr_expect(ink__store_value(&store, INK__VALUE_B, l) == b + 2 * H);
        cr_expect(ink__store_gradient(&store, INK__VALUE_B, l) - store.gradients == b + 2 * H - store.values);
    }
    ink__store_free(&store);
    ink_model_free(model);
}

Test(store, no_two_parameters_share_a_place)
{
    open_model("albert-groups");
    make(&(ink__store_options){.from = &model->params, .keep_head = true});
    unsigned char *taken = calloc(store.floats, 1);
    for (size_t i = 0; i < store.count; ++i)
        for (size_t e = 0; e < store.list[i].n; ++e)
            cr_assert(!taken[store.list[i].at + e]++, "%s", store.list[i].name);
    for (size_t e = 0; e < store.floats; ++e)
        cr_assert(taken[e] || (store.values[e] == 0 && store.gradients[e] == 0), "gap %zu", e);
    free(taken);
    ink__store_free(&store);
    ink_model_free(model);
}

/* Only the layer that ends in labels is new: the pooler, say, was trained. */
Test(store, a_new_head_is_the_last_layer_alone)
{
    open_model("bert-tiny-cls");
    make(&(ink__store_options){.from = &model->params, .deviation = 0.02, .seed = 1});
    size_t fresh = 0;
    for (size_t i = 0; i < store.count; ++i) {
        const ink__parameter *p = &store.list[i];
        cr_expect(p->fresh == (strncmp(p->name, "classifier.", 11) == 0), "%s", p->name);
        fresh += p->fresh;
    }
    cr_expect(fresh == 2);
    const float *bias = ink__store_value(&store, INK__HEAD_OUT_B, 0);
    for (size_t c = 0; c < model->config.C; ++c)
        cr_expect(bias[c] == 0);
    ink__store_free(&store);
    ink_model_free(model);
}

static void expect_normal(const ink__parameter *p, double deviation)
{
    const float *x = store.values + p->at;
    double sum = 0, squares = 0, within = 0;
    for (size_t i = 0; i < p->n; ++i) {
        sum += x[i], squares += (double)x[i] * x[i];
        within += fabs((double)x[i]) < deviation;
        cr_assert(isfinite(x[i]) && fabs((double)x[i]) < 7 * deviation, "%s[%zu] = %g", p->name, i, x[i]);
    }
    const double n = (double)p->n, spread = 5 / sqrt(n);
    cr_expect(fabs(sum / n) < spread * deviation, "%s: mean %g", p->name, sum / n);
    cr_expect(fabs(sqrt(squares / n) / deviation - 1) < spread, "%s: deviation %g", p->name,
              sqrt(squares / n));
    cr_expect(fabs(within / n - 0.6827) < spread, "%s: %g within one deviation", p->name, within / n);
}

Test(store, new_weights_are_normal_numbers_and_new_norms_the_identity)
{
    open_model("bert-d32");
    make(&(ink__store_options){.deviation = 0.02, .seed = 9});
    for (size_t i = 0; i < store.count; ++i) {
        const ink__parameter *p = &store.list[i];
        const bool gamma = strstr(p->name, "LayerNorm.weight");
        cr_expect(p->fresh, "%s", p->name);
        if (p->rank > 1)
            expect_normal(p, 0.02);
        else
            for (size_t e = 0; e < p->n; ++e)
                cr_expect(store.values[p->at + e] == (gamma ? 1 : 0), "%s[%zu]", p->name, e);
    }
    ink__store_free(&store);
    ink_model_free(model);
}

/* Same seed, same bits; another seed, or another parameter, other numbers. */
Test(store, new_weights_are_the_seeds)
{
    open_model("bert-d32");
    make(&(ink__store_options){.deviation = 0.02, .seed = 9});
    float *first = new_floats(store.floats);
    memcpy(first, store.values, store.floats * sizeof *first);
    const float *key = ink__store_value(&store, INK__KEY_W, 0),
                *query = ink__store_value(&store, INK__QUERY_W, 0);
    cr_expect(!same_bits(key, query, 8), "two parameters start alike");
    ink__store_free(&store);
    make(&(ink__store_options){.deviation = 0.02, .seed = 9});
    cr_expect(same_bits(first, store.values, store.floats));
    ink__store_free(&store);
    make(&(ink__store_options){.deviation = 0.02, .seed = 10});
    for (size_t i = 0; i < store.count; ++i)
        if (store.list[i].rank > 1)
            cr_expect(!same_bits(first + store.list[i].at, store.values + store.list[i].at, store.list[i].n),
                      "%s", store.list[i].name);
    free(first);
    ink__store_free(&store);
    ink_model_free(model);
}

/* A generator in its discriminator's store. */
Test(store, a_second_model_shares_tables_and_nothing_else)
{
    ink__store view;
    open_model("electra-projected");
    ink__config *config = &model->config;
    const ink__pretrained_head *heads = config->arch->pretraining;
    ink__store_options options = {.from = &model->params, .head = heads[INK__JUDGES].params, .seed = 1};
    make(&options);
    const size_t first = store.count;
    const float *old = store.values;
    float *before = new_floats(store.floats);
    const size_t floats = store.floats;
    memcpy(before, old, floats * sizeof *before);
    options = (ink__store_options){.head = heads[INK__GUESSES].params, .deviation = 0.02, .seed = 1};
    cr_assert(ink__store_extend(&view, &store, config, &options, &err) == INK_OK, "%s", err.text);
    cr_expect(same_bits(before, store.values, floats), "the first's values");
    cr_expect(view.values == store.values && view.count == store.count && view.floats == store.floats);
    unsigned char *taken = calloc(store.floats, 1);
    size_t mine = 0, others = 0;
    for (size_t i = 0; i < store.count; ++i) {
        const ink__parameter *p = &store.list[i];
        for (size_t e = 0; e < p->n; ++e)
            cr_assert(!taken[p->at + e]++, "%s", p->name);
        mine += ink__store_has(&store, p), others += ink__store_has(&view, p);
        cr_expect(ink__store_has(&store, p) == (i < first), "%s", p->name);
        cr_expect(ink__store_has(&view, p) == (i >= first || p->slot <= INK__TYPE), "%s", p->name);
        cr_expect(i < first || p->fresh, "%s", p->name);
    }
    free(taken);
    cr_expect(mine == first && others == store.count - first + 3);
    cr_expect(ink__store_value(&view, INK__WORD, 0) == ink__store_value(&store, INK__WORD, 0));
    cr_expect(ink__store_value(&view, INK__QUERY_W, 1) != ink__store_value(&store, INK__QUERY_W, 1));
    expect_normal(ink__store_find(&view, INK__PROJECT_W, 0), 0.02);
    free(before);

    /* One of other sizes has no place, and leaves the store as it was. */
    ink__store other;
    config->V += 1;
    cr_expect(ink__store_extend(&other, &store, config, &options, &err) == INK_E_SHAPE &&
                  strstr(err.text, "is [151,20], that of the first [150,20]"),
              "%s", err.text);
    ink__store_free(&other);
    config->V -= 1;
    ink__store_free(&view);
    ink__store_free(&store);
    ink_model_free(model);
}

Test(store, more_parameters_than_there_can_be_are_refused)
{
    open_model("electra-projected");
    ink__config huge = model->config;
    huge.V = huge.P = huge.T = huge.E = INT32_MAX; /* whose sum would come round */
    cr_expect(ink__store_create(&store, &huge, &(ink__store_options){.seed = 1}, &err) == INK_E_SHAPE, "%s",
              err.text);
    ink_model_free(model);
}
