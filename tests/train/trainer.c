/* One model being trained: losses as they are worked out from the logits, whatever the pieces; a model small
 * enough learns sixteen records by heart; scores are those of the model that is saved. */
#include "train/trainer.h"
#include "model/model.h"
#include "support/numbers.h"
#include "train/data.h"
#include "train/config_text.h"
#include "train/export.h"

#include <math.h>

TestSuite(trainer, .init = open_tokenizer, .fini = close_tokenizer);

static ink_model *model;
static ink__text config_text;
static ink__json json;
static ink__config config;
static ink__store store;
static ink__trainer trainer;
static ink__dataset data;

static const char single[] =
    "{\"text\":\"the service was very good\",\"label\":\"a\"}\n{\"text\":\"bad hotel\",\"label\":\"b\"}\n"
    "{\"text\":\"never again, the food was slow and "
    "late\",\"label\":\"b\"}\n{\"text\":\"\",\"label\":\"c\"}\n"
    "{\"text\":\"great movie\",\"label\":\"a\"}\n{\"text\":\"they love the staff\",\"label\":\"a\"}\n"
    "{\"text\":\"refund of my order\",\"label\":\"b\"}\n{\"text\":\"is it a card\",\"label\":\"c\"}\n"
    "{\"text\":\"please help the account\",\"label\":\"c\"}\n{\"text\":\"good good good\",\"label\":\"a\"}\n"
    "{\"text\":\"slow staff\",\"label\":\"b\"}\n{\"text\":\"money and price\",\"label\":\"c\"}\n"
    "{\"text\":\"fast and great\",\"label\":\"a\"}\n{\"text\":\"hate\",\"label\":\"b\"}\n"
    "{\"text\":\"you and you and it and they\",\"label\":\"c\"}\n{\"text\":\"love\",\"label\":\"a\"}\n";

static const char multi[] =
    "{\"text\":\"the service was good\",\"labels\":[\"a\",\"b\"]}\n{\"text\":\"bad hotel\",\"labels\":[]}\n"
    "{\"text\":\"never again\",\"labels\":[\"c\"]}\n{\"text\":\"great movie\",\"labels\":[\"b\"]}\n"
    "{\"text\":\"refund of my order, please\",\"labels\":[\"a\",\"b\",\"c\"]}\n";

static const char values[] =
    "{\"text\":\"the service was good\",\"label\":0.5}\n{\"text\":\"bad hotel\",\"label\":-1.25}\n"
    "{\"text\":\"never again\",\"label\":3}\n{\"text\":\"great movie of the hotel\",\"label\":0.0}\n";

/* bert-tiny-cls with a new head for the data, as finetuning makes it. */
static void make(const char *text, ink__trainer_options options)
{
    static const char dir[] = INK_TEST_DATA "/golden/bert-tiny-cls";
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    ink__text base = {0};
    read_set(&data, "data.jsonl", text);
    assert_ok(ink_model_open(&model, dir, &plain, &err), err);
    assert_ok(ink__config_text_load(&base, dir, &err), err);
    const ink__classifier classifier = {.arch = model->config.arch,
                                        .task = data.task,
                                        .labels = (const char *const *)data.names.names,
                                        .C = data.task == INK__TASK_REGRESSION ? 1 : data.names.n,
                                        .dtype = INK__F32};
    assert_ok(ink__config_text_classifier(&config_text, &base, "config.json", &classifier, &err), err);
    assert_ok(ink__json_parse(&json, config_text.data, config_text.len, "config.json", &err), err);
    assert_ok(ink__config_read(&config, &json, &err), err);
    const ink__store_options start = {.from = &model->params, .deviation = 0.3, .seed = 5};
    assert_ok(ink__store_create(&store, &config, &start, &err), err);
    options.task = data.task;
    options.threads = options.threads ? options.threads : 1;
    options.longest = 32;
    assert_ok(ink__trainer_create(&trainer, &config, &store, &options, &err), err);
    ink__text_free(&base);
}

static void unmake(void)
{
    ink__trainer_free(&trainer);
    ink__store_free(&store);
    ink__config_free(&config);
    ink__json_close(&json);
    ink__text_free(&config_text);
    ink_model_free(model);
    ink__dataset_free(&data);
}

static void drop_nothing(void)
{
    for (ink__drop d = 0; d < INK__DROPS; ++d)
        config.drops[d] = 0;
}

/* Loss and gradients of all records at once. */
static double learn_all(void)
{
    uint32_t records[64];
    double loss;
    for (uint32_t i = 0; i < data.n; ++i)
        records[i] = i;
    const double divisor = ink__trainer_divisor(&trainer, &data, records, data.n);
    assert_ok(ink__trainer_learn(&loss, &trainer, &data, records, data.n, divisor, &err), err);
    return loss;
}

/* logits [n,C] of every record by itself, of the weights as they are. */
static void logits_of(float *logits)
{
    for (size_t i = 0; i < data.n; ++i) {
        const size_t offsets[2] = {0, data.offsets[i + 1] - data.offsets[i]};
        const ink_batch one = {data.ids + data.offsets[i], NULL, offsets, 1};
        assert_ok(ink__network_forward(&trainer.network, &one, NULL, &err), err);
        memcpy(logits + i * config.C, trainer.network.logits, config.C * sizeof *logits);
    }
}

Test(trainer, pieces_of_any_size_give_the_same_loss_and_gradient)
{
    static const size_t sizes[] = {1, 2, 7, 13, 31, 64, 1024};
    float *first = NULL;
    double loss = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; ++k) {
        make(single, (ink__trainer_options){.piece_tokens = sizes[k], .seed = 8, .label_smoothing = 0.1});
        const double here = learn_all(); /* dropout is on: masks do not depend on pieces */
        cr_expect(trainer.sequences == 16 && trainer.rows == data.offsets[16]);
        if (!first) {
            first = new_floats(store.floats), loss = here;
            memcpy(first, store.gradients, store.floats * sizeof *first);
        }
        cr_expect(fabs(here - loss) < 1e-6, "pieces of %zu: %.9g, wanted %.9g", sizes[k], here, loss);
        double most = 0, off = 0;
        for (size_t i = 0; i < store.floats; ++i) {
            most = fmax(most, fabs((double)first[i]));
            off = fmax(off, fabs((double)first[i] - store.gradients[i]));
        }
        cr_expect(off < 1e-5 * most, "pieces of %zu: gradients differ by %g of %g", sizes[k], off, most);
        unmake();
    }
    free(first);
}

Test(trainer, bits_do_not_depend_on_threads)
{
    float *one = NULL;
    double losses[4];
    for (size_t threads = 1; threads <= 3; ++threads) {
        make(single, (ink__trainer_options){.piece_tokens = 40, .seed = 8, .threads = threads});
        for (int t = 0; t < 3; ++t) {
            double norm;
            losses[threads] = learn_all();
            assert_ok(ink__trainer_update(&norm, &trainer, 1e-3, &err), err);
        }
        if (!one) {
            one = new_floats(store.floats);
            memcpy(one, store.values, store.floats * sizeof *one);
        }
        cr_expect(losses[threads] == losses[1] && same_bits(one, store.values, store.floats), "%zu threads",
                  threads);
        unmake();
    }
    free(one);
}

static double log_sum_exp(const float *z, size_t C)
{
    double sum = 0;
    for (size_t c = 0; c < C; ++c)
        sum += exp((double)z[c]);
    return log(sum);
}

/* The weighted mean of -log p, a tenth of which is for all labels alike. */
Test(trainer, the_loss_of_one_label_is_weighted_and_smoothed_cross_entropy)
{
    static const float weights[] = {0.5f, 2, 1.5f};
    float logits[16 * 3];
    double wanted = 0, divisor = 0;
    make(single,
         (ink__trainer_options){.piece_tokens = 30, .class_weights = weights, .label_smoothing = 0.1});
    drop_nothing();
    logits_of(logits);
    for (size_t i = 0; i < data.n; ++i) {
        const float *z = logits + i * 3;
        const uint32_t y = data.labels[i];
        const double lse = log_sum_exp(z, 3);
        double all = 0;
        for (size_t c = 0; c < 3; ++c)
            all += weights[c] * (lse - z[c]) / 3;
        wanted += 0.9 * weights[y] * (lse - z[y]) + 0.1 * all;
        divisor += weights[y];
    }
    const double loss = learn_all();
    cr_expect(fabs(loss - wanted / divisor) < 2e-6, "%.9g, wanted %.9g", loss, wanted / divisor);
    unmake();
}

Test(trainer, the_loss_of_many_labels_is_the_mean_binary_cross_entropy)
{
    static const float positives[] = {3, 1, 0.25f};
    float logits[5 * 3];
    double wanted = 0;
    make(multi, (ink__trainer_options){.piece_tokens = 20, .class_weights = positives});
    drop_nothing();
    logits_of(logits);
    for (size_t i = 0; i < data.n; ++i)
        for (size_t c = 0; c < 3; ++c) {
            bool has = false;
            for (size_t k = data.label_offsets[i]; k < data.label_offsets[i + 1]; ++k)
                has |= data.labels[k] == c;
            const double p = 1 / (1 + exp(-(double)logits[i * 3 + c]));
            wanted -= has ? positives[c] * log(p) : log(1 - p);
        }
    const double loss = learn_all();
    cr_expect(fabs(loss - wanted / 15) < 2e-6, "%.9g, wanted %.9g", loss, wanted / 15);
    unmake();
}

Test(trainer, the_loss_of_values_is_the_mean_squared_error)
{
    static const double truth[] = {0.5, -1.25, 3, 0};
    float logits[4];
    double wanted = 0;
    make(values, (ink__trainer_options){.piece_tokens = 20});
    drop_nothing();
    logits_of(logits);
    for (size_t i = 0; i < 4; ++i)
        wanted += (logits[i] - truth[i]) * (logits[i] - truth[i]) / 4;
    const double loss = learn_all();
    cr_expect(fabs(loss - wanted) < 1e-5, "%.9g, wanted %.9g", loss, wanted);
    unmake();
}

static void learn_by_heart(const char *text, ink__optimizer_kind optimizer, double rate, double bar)
{
    double norm, loss = 0;
    make(text, (ink__trainer_options){.piece_tokens = 64, .optimizer = optimizer, .max_grad_norm = 1});
    drop_nothing();
    const double before = learn_all();
    for (int t = 0; t < 150; ++t) {
        assert_ok(ink__trainer_update(&norm, &trainer, rate, &err), err);
        loss = learn_all();
    }
    cr_expect(loss < bar, "loss %g after %g, wanted %g", loss, before, bar);
    unmake();
}

Test(trainer, a_tiny_model_learns_a_few_records_by_heart)
{
    learn_by_heart(single, INK__ADAMW, 3e-3, 0.01);
    learn_by_heart(single, INK__ADAM, 3e-3, 0.01);
    learn_by_heart(single, INK__SGD, 2e-2, 0.05);
    learn_by_heart(multi, INK__ADAMW, 3e-3, 0.01);
    learn_by_heart(values, INK__ADAMW, 3e-3, 0.01);
}

/* Saves the weights as they are, and classifies the records with what was saved. */
static void classify_saved(float *scores)
{
    ink__tensor *tensors = calloc(store.count, sizeof *tensors);
    const char *dir = scratch_path("saved");
    ink_model *saved;
    ink_session *session;
    for (size_t i = 0; i < store.count; ++i) {
        const ink__parameter *p = &store.list[i];
        tensors[i] = (ink__tensor){p->name,
                                   INK__F32,
                                   p->rank,
                                   {p->shape[0], p->shape[1]},
                                   store.values + p->at,
                                   p->n * sizeof(float),
                                   NULL};
    }
    const ink__export what = {
        dir, INK_TEST_DATA "/golden/bert-tiny-cls", &config_text, tensors, store.count, INK__F32};
    assert_ok(ink__export_write(&what, &err), err);
    assert_ok(ink_model_open(&saved, dir, NULL, &err), err);
    assert_ok(ink_session_create(&session, saved, NULL, &err), err);
    for (size_t i = 0; i < data.n; ++i) {
        const size_t offsets[2] = {0, data.offsets[i + 1] - data.offsets[i]};
        const ink_batch one = {data.ids + data.offsets[i], NULL, offsets, 1};
        assert_ok(ink_classify(scores + i * config.C, config.C, session, &one, &err), err);
    }
    ink_session_free(session);
    ink_model_free(saved);
    free(tensors);
}

static void compare_scores(const char *text, const char *name)
{
    double norm;
    make(text, (ink__trainer_options){.piece_tokens = 33});
    for (int t = 0; t < 5; ++t) {
        learn_all();
        assert_ok(ink__trainer_update(&norm, &trainer, 1e-2, &err), err);
    }
    const size_t n = data.n * config.C;
    float *mine = new_floats(n), *saved = new_floats(n);
    assert_ok(ink__trainer_score(mine, &trainer, &data, &err), err);
    classify_saved(saved);
    for (size_t i = 0; i < n; ++i)
        cr_expect(fabsf(mine[i] - saved[i]) < 1e-5f, "%s: score %zu is %g, of the saved model %g", name, i,
                  mine[i], saved[i]);
    free(mine), free(saved);
    unmake();
    remove_scratch();
    cr_assert(mkdir(scratch, 0700) == 0);
}

Test(trainer, scores_are_those_of_the_saved_model)
{
    compare_scores(single, "single");
    compare_scores(multi, "multi");
    compare_scores(values, "regression");
}

Test(trainer, a_loss_that_is_not_finite_is_told_with_its_update)
{
    double loss, norm;
    uint32_t record = 0;
    make(single, (ink__trainer_options){.piece_tokens = 64});
    learn_all();
    assert_ok(ink__trainer_update(&norm, &trainer, 1e-3, &err), err);
    ink__store_value(&store, INK__HEAD_OUT_B, 0)[0] = NAN;
    expect_failure(ink__trainer_learn(&loss, &trainer, &data, &record, 1, 1, &err), err, INK_E_NUMERIC,
                   "in update 2");
    unmake();
}
