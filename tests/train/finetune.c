/* Whole finetuning runs: each task and option, what a run says and leaves, and that the model it leaves is as
 * good as it says. */
#include "train/finetune.h"
#include "io/safetensors.h"

TestSuite(finetune, .init = make_scratch, .fini = remove_scratch, .timeout = 300);

/* The saved model, measured on dev by itself, has the value that the run reports. */
static void expect_value_of_dev(const char *out, const char *dev, double within)
{
    ink_model *model;
    ink_evaluation *evaluation;
    ink_evaluate_options options = INK_EVALUATE_OPTIONS_INIT;
    options.inputs = &dev, options.n_inputs = 1, options.threads = 1;
    assert_ok(ink_model_open(&model, out, NULL, &err), err);
    assert_ok(ink_evaluate(&evaluation, model, &options, &err), err);
    const ink_metric *metric = ink_evaluation_metric(evaluation, report.metric);
    cr_assert(metric, "%s", report.metric);
    cr_expect(fabs(metric->estimate.value - report.best) <= within, "%s %s is %.9g, the run says %.9g", out,
              report.metric, metric->estimate.value, report.best);
    ink_evaluation_free(evaluation);
    ink_model_free(model);
}

static void expect_run(const ink_finetune_options *o, const char *label)
{
    const ink_status st = finetune(o);
    cr_assert(st == INK_OK, "%s: %s", label, err.text);
    cr_expect(is_in(o->out, "model.safetensors") && is_in(o->out, "finetune.json"), "%s", label);
    cr_expect(!is_in(o->out, "last") && !is_in(o->out, "best"), "%s leaves its checkpoints", label);
}

Test(finetune, every_task_learns_and_its_model_is_as_good_as_the_run_says)
{
    static const struct {
        char kind;
        const char *task, *metric;
        double bar, epochs;
    } cases[] = {{'s', "single", "accuracy", 0.9, 5},
                 {'m', "multi", "micro_f1", 0.85, 20},
                 {'r', "regression", "mse", 0.6, 10},
                 {'p', "single", "accuracy", 0, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char name[] = {'o', 'u', 't', '-', cases[i].kind, 0};
        const char *train = reviews("train.jsonl", 160, cases[i].kind, 1), *out = lasting(name);
        const char *dev = reviews("dev.jsonl", 40, cases[i].kind, 77);
        ink_finetune_options o = options_of(&train, &dev, out);
        o.epochs = cases[i].epochs, o.learning_rate = 5e-3, o.eval_steps = 0;
        expect_run(&o, cases[i].task);
        cr_expect(strcmp(report.metric, cases[i].metric) == 0, "%s", report.metric);
        cr_expect(strcmp(report.metric, "mse") == 0 ? report.best < cases[i].bar
                                                    : report.best >= cases[i].bar,
                  "%s: %s %g", cases[i].task, report.metric, report.best);
        cr_expect(report.train == 160 && report.dev == 40 && report.steps == 20 * cases[i].epochs &&
                  report.best_step > 0);
        expect_value_of_dev(out, dev, 1e-5);
        cr_expect(strstr(said, "a new head"), "%s", said);
        cr_expect(!is_in(out, "held-out.jsonl"));
    }
}

Test(finetune, a_head_for_the_same_labels_is_kept_in_its_own_order)
{
    const char *train = reviews("train.jsonl", 80, 't', 3), *out = lasting("out"), *again = lasting("again");
    ink_finetune_options o = options_of(&train, NULL, out);
    o.learning_rate = 0, o.epochs = 1;
    expect_run(&o, "kept head");
    cr_expect(strstr(said, "the head for these labels is kept"), "%s", said);
    ink__tensors *a, *b;
    assert_ok(ink__tensors_open_dir(&a, start_dir, &err), err);
    assert_ok(ink__tensors_open_dir(&b, out, &err), err);
    for (size_t i = 0; i < ink__tensors_count(a); ++i) { /* at rate 0 nothing moves */
        const ink__tensor *x = ink__tensors_at(a, i), *y = ink__tensors_find(b, x->name);
        cr_expect(y && x->bytes == y->bytes && memcmp(x->data, y->data, x->bytes) == 0, "%s", x->name);
    }
    ink__tensors_free(a), ink__tensors_free(b);
    train = reviews("other.jsonl", 80, 's', 3);
    o.out = again;
    expect_run(&o, "new head");
    cr_expect(strstr(said, "a new head for 2 labels is made from seed 42"), "%s", said);
}

static size_t lines_in(const char *folder, const char *name)
{
    size_t len, n = 0;
    char *text = read_in(&len, folder, name);
    for (size_t i = 0; i < len; ++i)
        n += text[i] == '\n';
    free(text);
    return n;
}

Test(finetune, without_dev_a_tenth_is_held_out_and_its_ids_are_written)
{
    const char *train = reviews("train.jsonl", 100, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    expect_run(&o, "held out");
    cr_expect(report.train + report.dev == 100 && report.dev >= 9 && report.dev <= 11, "%d held out",
              (int)report.dev);
    cr_expect(lines_in(out, "held-out.jsonl") == report.dev);
    cr_expect(strstr(said, "of them are held out, "), "%s", said);
}

Test(finetune, duplicates_are_dropped_when_asked)
{
    static const char line[] =
        "{\"text\":\"good hotel\",\"label\":\"good\"}\n{\"text\":\"bad hotel\",\"label\":\"bad\"}\n"
        "{\"text\":\"good hotel\",\"label\":\"good\"}\n{\"text\":\"slow food\",\"label\":\"bad\"}\n"
        "{\"text\":\"great food\",\"label\":\"good\"}\n";
    static const char dev_line[] =
        "{\"text\":\"slow food\",\"label\":\"bad\"}\n{\"text\":\"fast\",\"label\":\"good\"}\n";
    const char *train = keep(scratch_text("train.jsonl", line)),
               *dev = keep(scratch_text("dev.jsonl", dev_line));
    ink_finetune_options o = options_of(&train, &dev, lasting("out"));
    o.drop_duplicates = true;
    expect_run(&o, "duplicates");
    cr_expect(report.train == 3, "%d records", (int)report.train);
    cr_expect(strstr(said, "2 duplicates dropped, 3 records stay"), "%s", said);
    cr_expect(strstr(said, "texts are in the dev data, too"), "%s", said);
}

Test(finetune, classes_are_weighed)
{
    const char *train = reviews("train.jsonl", 60, 's', 5);
    const char *file = keep(scratch_text("w.json", "{\"good\": 2, \"bad\": 0.5}"));
    ink_finetune_options o = options_of(&train, NULL, lasting("plain"));
    expect_run(&o, "no weights");
    o.out = lasting("balanced"), o.class_weights = "balanced";
    expect_run(&o, "balanced");
    o.out = lasting("file"), o.class_weights = file;
    expect_run(&o, "a file");
    size_t a, b;
    char *x = read_in(&a, lasting("file"), "model.safetensors"),
         *y = read_in(&b, lasting("plain"), "model.safetensors");
    cr_expect(a == b && memcmp(x, y, a) != 0, "weights change nothing");
    free(x), free(y);
    static const struct {
        const char *text, *says;
    } bad[] = {{"{\"goood\": 2}", "w.json: \"goood\" is not a label of the training data"},
               {"{\"good\": -1}", "w.json: the weight of \"good\" is not a number above 0"},
               {"{\"good\": \"x\"}", "the weight of \"good\" is not a number above 0"},
               {"[1]", "w.json"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        scratch_text("w.json", bad[i].text);
        o.out = lasting("bad");
        expect_failure(finetune(&o), err, INK_E_FORMAT, bad[i].says);
        cr_expect(access(o.out, F_OK) != 0, "a directory is made");
    }
}

/* values and losses [250] of dev, as log.jsonl tells them. */
static size_t evaluations(double *values, double *losses, const char *folder)
{
    size_t len, n = 0;
    char *text = read_in(&len, folder, "log.jsonl");
    for (char *at = text; (at = strstr(at, "\"value\":")) && n < 250; ++n) {
        values[n] = atof(at + 8);
        at = strstr(at, "\"dev_loss\":");
        cr_assert(at);
        losses[n] = atof(at + 11);
    }
    free(text);
    return n;
}

/* Dev is learned by heart soon: accuracy stays at 1 while the loss still falls. */
Test(finetune, equal_values_are_told_apart_by_the_loss_of_dev)
{
    const char *train = reviews("train.jsonl", 80, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, &train, out);
    o.epochs = 20, o.eval_steps = 10;
    expect_run(&o, "ties");
    double values[250], losses[250];
    const size_t n = evaluations(values, losses, out);
    cr_assert(n == 20 && report.best == 1);
    size_t first = n, lowest = n;
    for (size_t i = n; i-- > 0;) {
        first = values[i] == 1 ? i : first;
        lowest = values[i] == 1 && (lowest == n || losses[i] < losses[lowest]) ? i : lowest;
    }
    cr_expect(lowest > first, "the first of the best has the lowest loss, too: nothing is tested");
    cr_expect(report.best_step == 10 * (lowest + 1), "update %d, wanted %zu", (int)report.best_step,
              10 * (lowest + 1));
    cr_expect(fabs(report.dev_loss - losses[lowest]) < 1e-6, "%g", report.dev_loss);
}

Test(finetune, patience_ends_a_run_and_the_best_weights_stay)
{
    const char *train = reviews("train.jsonl", 80, 's', 5), *out = lasting("out");
    const char *dev = reviews("dev.jsonl", 30, 's', 6);
    ink_finetune_options o = options_of(&train, &dev, out);
    o.epochs = 50, o.early_stopping_patience = 3, o.eval_steps = 2;
    expect_run(&o, "patience");
    cr_expect(report.steps < 500, "%d steps", (int)report.steps);
    double values[250], losses[250], best = -1;
    const size_t n = evaluations(values, losses, out);
    size_t first = 0, kept = 0;
    for (size_t i = 0; i < n; ++i) {
        const bool better = values[i] > best;
        if (better || (values[i] == best && losses[i] <= losses[kept]))
            kept = i;
        first = better ? i : first, best = better ? values[i] : best;
    }
    cr_expect(n == first + 1 + 3 && report.steps == 2 * n, "%zu evaluations, the best first at %zu", n,
              first);
    cr_expect(report.best_step == 2 * (kept + 1), "update %d is kept, wanted %zu", (int)report.best_step,
              2 * (kept + 1));
    expect_value_of_dev(out, dev, 1e-9);
    size_t len;
    char *summary = read_in(&len, out, "finetune.json");
    cr_expect(strstr(summary, "\"stopped_early\": true"), "%s", summary);
    free(summary);
}

static bool starts_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

Test(finetune, frozen_layers_keep_their_bits)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    o.freeze_layers = 1;
    expect_run(&o, "frozen");
    ink__tensors *a, *b;
    assert_ok(ink__tensors_open_dir(&a, start_dir, &err), err);
    assert_ok(ink__tensors_open_dir(&b, out, &err), err);
    for (size_t i = 0; i < ink__tensors_count(a); ++i) {
        const ink__tensor *x = ink__tensors_at(a, i), *y = ink__tensors_find(b, x->name);
        const bool frozen =
            starts_with(x->name, "bert.embeddings.") || starts_with(x->name, "bert.encoder.layer.0.");
        cr_assert(y, "%s", x->name);
        cr_expect((x->bytes == y->bytes && memcmp(x->data, y->data, x->bytes) == 0) == frozen, "%s", x->name);
    }
    ink__tensors_free(a), ink__tensors_free(b);
    o.out = lasting("too many"), o.freeze_layers = 3;
    expect_failure(finetune(&o), err, INK_E_ARG, "3 layers frozen of 2");
}

/* How far a tensor of the result is from where it started. */
static double moved(const char *out, const char *name)
{
    ink__tensors *a, *b;
    double most = 0;
    assert_ok(ink__tensors_open_dir(&a, start_dir, &err), err);
    assert_ok(ink__tensors_open_dir(&b, out, &err), err);
    const ink__tensor *x = ink__tensors_find(a, name), *y = ink__tensors_find(b, name);
    cr_assert(x && y, "%s", name);
    for (size_t i = 0; i < x->bytes / sizeof(float); ++i)
        most = fmax(most, fabs((double)((const float *)x->data)[i] - ((const float *)y->data)[i]));
    ink__tensors_free(a), ink__tensors_free(b);
    return most;
}

/* After one update of Adam's every number has moved by about its learning rate. */
Test(finetune, rates_decay_from_layer_to_layer)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    o.layer_lr_decay = 0.5, o.learning_rate = 1e-3, o.warmup_ratio = 0, o.lr_scheduler = "constant";
    o.batch_size = 64, o.epochs = 1, o.weight_decay = 0, o.max_grad_norm = 0;
    expect_run(&o, "layer decay");
    cr_expect(report.steps == 1, "%d", (int)report.steps);
    static const struct {
        const char *name;
        double part;
    } cases[] = {{"bert.pooler.dense.weight", 1},
                 {"bert.encoder.layer.1.output.dense.weight", 0.5},
                 {"bert.encoder.layer.0.output.dense.weight", 0.25},
                 {"bert.embeddings.word_embeddings.weight", 0.125}};
    for (size_t i = 0; i < 4; ++i) {
        const double way = moved(out, cases[i].name) / (1e-3 * cases[i].part);
        cr_expect(way > 0.98 && way < 1.02, "%s moved %g of its rate", cases[i].name, way);
    }
}

Test(finetune, every_schedule_optimizer_and_type_runs)
{
    static const char *const schedules[] = {"linear", "cosine", "constant", "polynomial", "trapezoidal"};
    static const char *const optimizers[] = {"adamw", "adam", "sgd"}, *const types[] = {"f32", "f16", "bf16"};
    static const char *const shown[] = {"F32", "F16", "BF16"};
    const char *train = reviews("train.jsonl", 40, 's', 5);
    for (size_t i = 0; i < 5; ++i) {
        ink_finetune_options o = options_of(&train, NULL, lasting(schedules[i]));
        ink_model *model;
        ink_model_info info;
        o.epochs = 1, o.lr_scheduler = schedules[i], o.optimizer = optimizers[i % 3],
        o.save_dtype = types[i % 3];
        expect_run(&o, schedules[i]);
        assert_ok(ink_model_open(&model, o.out, NULL, &err), err);
        ink_model_get_info(&info, model);
        cr_expect(strcmp(info.dtype, shown[i % 3]) == 0, "%s", info.dtype);
        ink_model_free(model);
    }
}

Test(finetune, a_new_model_of_a_size_starts_from_random_weights)
{
    const char *train = reviews("train.jsonl", 24, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    ink_model *model;
    ink_model_info info;
    o.from = NULL, o.size = "tiny", o.tokenizer = start_dir, o.epochs = 1;
    expect_run(&o, "tiny");
    assert_ok(ink_model_open(&model, out, NULL, &err), err);
    ink_model_get_info(&info, model);
    cr_expect(info.layers == 2 && info.hidden == 128, "%zu layers of %zu", info.layers, info.hidden);
    ink_model_free(model);
}

Test(finetune, a_new_model_is_of_the_family_that_a_config_json_says)
{
    const char *train = reviews("train.jsonl", 24, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    ink_model *model;
    ink_model_info info;
    o.from = NULL, o.size = INK_TEST_DATA "/golden/modernbert-narrow/config.json";
    o.tokenizer = start_dir, o.epochs = 1;
    expect_run(&o, "another family");
    assert_ok(ink_model_open(&model, out, NULL, &err), err);
    ink_model_get_info(&info, model);
    cr_expect(strcmp(info.architecture, "modernbert") == 0, "%s", info.architecture);
    ink_model_free(model);
    o.out = lasting("long"), o.max_length = 1 << 20;
    expect_failure(ink_finetune(&(ink_finetune_report){0}, &o, &err), err, INK_E_ARG, "positions");
}

Test(finetune, dropout_is_that_of_the_option_in_the_place_of_the_configurations)
{
    const char *train = reviews("train.jsonl", 24, 's', 5);
    const double given[] = {-1, 0.1, 0.5};
    const char *const names[] = {"config", "same", "other"};
    char *models[3];
    size_t lens[3];
    for (size_t i = 0; i < 3; ++i) {
        const char *out = lasting(names[i]);
        ink_finetune_options o = options_of(&train, NULL, out);
        o.from = NULL, o.size = "tiny", o.tokenizer = start_dir, o.epochs = 1; /* whose dropouts are 0.1 */
        o.dropout = given[i], o.threads = 1;
        expect_run(&o, "dropout");
        models[i] = read_in(&lens[i], out, "model.safetensors");
    }
    cr_expect(lens[0] == lens[1] && memcmp(models[0], models[1], lens[0]) == 0);
    cr_expect(lens[0] != lens[2] || memcmp(models[0], models[2], lens[0]) != 0);
    for (size_t i = 0; i < 3; ++i)
        free(models[i]);
}

static void expect_seeds(const char *out, const double *values, size_t n, double mean, double deviation)
{
    size_t len;
    char *text = read_in(&len, out, "finetune.json");
    json_t *all = json_loadb(text, len, 0, NULL), *seeds = json_object_get(all, "seeds");
    cr_assert(json_array_size(json_object_get(seeds, "values")) == n, "%s", text);
    for (size_t k = 0; k < n; ++k)
        cr_expect(fabs(json_real_value(json_array_get(json_object_get(seeds, "values"), k)) - values[k]) <
                  1e-12);
    cr_expect(fabs(json_real_value(json_object_get(seeds, "mean")) - mean) < 1e-12, "%s", text);
    cr_expect(fabs(json_real_value(json_object_get(seeds, "deviation")) - deviation) < 1e-12, "%s", text);
    json_decref(all);
    free(text);
}

Test(finetune, several_seeds_give_their_mean_and_the_best_of_them)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *dev = reviews("dev.jsonl", 30, 's', 6);
    const char *out = lasting("out");
    ink_finetune_options o = options_of(&train, &dev, out);
    double values[3], sum = 0, squares = 0, best = 0;
    o.seeds = 3, o.epochs = 1, o.learning_rate = 5e-4;
    assert_ok(finetune(&o), err);
    const double mean = report.best, deviation = report.deviation;
    for (int k = 0; k < 3; ++k) {
        char name[40];
        snprintf(name, sizeof name, "out/seed-%d", 42 + k);
        ink_finetune_options one = options_of(&train, &dev, lasting(name));
        one.epochs = 1, one.learning_rate = 5e-4, one.seed = 42 + (unsigned)k, one.resume = true;
        assert_ok(finetune(&one), err);
        cr_expect(report.was_complete);
        values[k] = report.best, sum += values[k], best = fmax(best, values[k]);
    }
    for (int k = 0; k < 3; ++k)
        squares += (values[k] - sum / 3) * (values[k] - sum / 3);
    cr_expect(fabs(mean - sum / 3) < 1e-12 && fabs(deviation - sqrt(squares / 2)) < 1e-12, "%g +- %g", mean,
              deviation);
    report.best = best, report.metric = "accuracy";
    expect_value_of_dev(out, dev, 1e-9);
    cr_expect(is_in(out, "finetune.json") && is_in(out, "report.html") && is_in(out, "vocab.txt"));
    expect_seeds(out, values, 3, mean, deviation);
    expect_failure(finetune(&o), err, INK_E_ARG, "holds a model already");
    o.resume = true;
    assert_ok(finetune(&o), err);
    cr_expect(report.was_complete && fabs(report.best - mean) < 1e-12, "%.17g, %.17g", report.best, mean);
    /* Killed while the best run was copied: the files that make it complete come last. */
    cr_assert(unlink(lasting("out/finetune.json")) == 0 && unlink(lasting("out/vocab.txt")) == 0);
    assert_ok(finetune(&o), err);
    cr_expect(is_in(out, "finetune.json") && is_in(out, "vocab.txt"));
    /* Nor is another's model replaced because the run may resume. */
    o.out = lasting("out/seed-42");
    expect_failure(finetune(&o), err, INK_E_ARG, "holds a model already");
}

Test(finetune, settings_that_cannot_be_are_refused_before_anything_is_made)
{
    const char *train = reviews("train.jsonl", 24, 's', 5), *values = reviews("values.jsonl", 24, 'r', 5);
    const char *lists = reviews("lists.jsonl", 24, 'm', 5), *out = lasting("out");
    const ink_finetune_options good = options_of(&train, NULL, out);
#define REFUSED(says, ...)                                                                                   \
    do {                                                                                                     \
        ink_finetune_options o = good;                                                                       \
        __VA_ARGS__;                                                                                         \
        expect_failure(finetune(&o), err, INK_E_ARG, says);                                                  \
        cr_expect(access(out, F_OK) != 0, "%s: a directory is made", says);                                  \
    } while (0)
    REFUSED("version 2, wanted 1", o.version = 2);
    REFUSED("no directory to write", o.out = NULL);
    REFUSED("no training data", o.n_train = 0);
    REFUSED("neither is given", o.from = NULL);
    REFUSED("both are given", o.size = "tiny");
    REFUSED("needs the directory of a tokenizer", o.from = NULL, o.size = "tiny");
    REFUSED("\"huge\"", o.from = NULL, o.size = "huge", o.tokenizer = start_dir);
    REFUSED("a learning rate of 1e+30", o.learning_rate = 1e30);
    REFUSED("a learning rate of nan", o.learning_rate = NAN);
    REFUSED("a number of epochs of -1", o.epochs = -1);
    REFUSED("a label smoothing of 1", o.label_smoothing = 1);
    REFUSED("a dropout of 0.95", o.dropout = 0.95);
    REFUSED("batches of 0", o.batch_size = 0);
    REFUSED("no optimizer \"lion\"", o.optimizer = "lion");
    REFUSED("\"step\" is no learning-rate schedule", o.lr_scheduler = "step");
    REFUSED("\"triple\" is no task", o.task = "triple");
    REFUSED("\"f64\"", o.save_dtype = "f64");
    REFUSED("no metric \"mse\" for this task, wanted one of accuracy", o.metric = "mse");
    REFUSED("texts of 65 tokens, but the model has 64 positions", o.max_length = 65);
    REFUSED("class weights in a regression", o.train = &values, o.class_weights = "balanced");
    REFUSED("label smoothing of 0.1, which is for records of one label", o.train = &values,
            o.label_smoothing = 0.1);
    REFUSED("label smoothing of 0.1, which is for records of one label", o.train = &lists,
            o.label_smoothing = 0.1);
    REFUSED("1001 seeds", o.seeds = 1001);
#undef REFUSED
    cr_expect(ink_finetune(NULL, &good, &err) == INK_E_ARG && ink_finetune(&report, NULL, &err) == INK_E_ARG);
}

Test(finetune, words_left_null_have_their_default)
{
    const char *train = reviews("train.jsonl", 24, 's', 5);
    ink_finetune_options o = options_of(&train, NULL, lasting("out"));
    o.task = o.lr_scheduler = o.optimizer = o.save_dtype = NULL, o.epochs = 1;
    expect_run(&o, "NULL");
}

/* A rate and a decay that multiply every weight by -999,999. */
Test(finetune, numbers_that_overflow_end_the_run_and_no_such_checkpoint_is_written)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    o.epochs = 20, o.eval_steps = 1, o.warmup_ratio = 0, o.lr_scheduler = "constant";
    o.learning_rate = 1000, o.weight_decay = 1000;
    expect_failure(finetune(&o), err, INK_E_NUMERIC, "update");
    cr_expect(is_in(out, "last") && is_in(out, "best"), "no checkpoint is left");
    cr_expect(!is_in(out, "model.safetensors") && !is_in(out, "finetune.json"));
    const ink_error first = err;
    o.resume = true; /* goes on from finite numbers, to end in the same way */
    expect_failure(finetune(&o), err, INK_E_NUMERIC, first.text);
    cr_expect(strstr(said, "continued after update"), "%s", said);
}

/* Held out by the first seed, so that the deviation is that of training alone. */
Test(finetune, several_seeds_hold_out_the_same_records)
{
    const char *train = reviews("train.jsonl", 100, 's', 5), *out = lasting("out");
    ink_finetune_options o = options_of(&train, NULL, out);
    o.seeds = 3, o.epochs = 1;
    assert_ok(finetune(&o), err);
    size_t a, b, c;
    char *top = read_in(&a, out, "held-out.jsonl"), *first = read_in(&b, out, "seed-42/held-out.jsonl"),
         *third = read_in(&c, out, "seed-44/held-out.jsonl");
    cr_expect(strcmp(first, third) == 0 && strcmp(top, third) == 0, "%s, %s", first, third);
    char kept[60];
    snprintf(kept, sizeof kept, "seed %d is kept: its dev accuracy is the highest (", (int)report.kept);
    cr_expect(strstr(said, kept), "%s", said);
    free(top), free(first), free(third);
    snprintf(kept, sizeof kept, "out/seed-%d", (int)report.kept);
    cr_expect(report.kept >= 42 && report.kept <= 44);
    top = read_in(&a, out, "model.safetensors"), first = read_in(&b, lasting(kept), "model.safetensors");
    cr_expect(a == b && memcmp(top, first, a) == 0, "seed %d was not kept", (int)report.kept);
    free(top), free(first);
}

Test(finetune, weights_keep_the_type_they_were_stored_as)
{
    static const char *const types[] = {"f16", "bf16"}, *const shown[] = {"F16", "BF16"};
    const char *train = reviews("train.jsonl", 40, 's', 5);
    for (size_t i = 0; i < 2; ++i) {
        char name[20];
        snprintf(name, sizeof name, "again-%zu", i);
        ink_finetune_options o = options_of(&train, NULL, lasting(types[i]));
        ink_model *model;
        ink_model_info info;
        o.epochs = 1, o.save_dtype = types[i];
        expect_run(&o, types[i]);
        o.from = o.out, o.out = lasting(name), o.save_dtype = NULL;
        expect_run(&o, name);
        assert_ok(ink_model_open(&model, o.out, NULL, &err), err);
        ink_model_get_info(&info, model);
        cr_expect(strcmp(info.dtype, shown[i]) == 0, "%s", info.dtype);
        ink_model_free(model);
    }
}
