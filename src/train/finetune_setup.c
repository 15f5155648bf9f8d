/* Getting a finetuning run ready: settings, data, labels, model, order. See finetune_run.h. */
#include "core/memory.h"
#include "io/file.h"
#include "model/model.h"
#include "train/export.h"
#include "train/finetune_run.h"

#include <inkling/tokenizer.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rows computed at once: enough for the products' full speed, few enough to keep activations small. */
enum { PIECE_TOKENS = 1024, NEW_LENGTH = 512 };

static ink_status check_numbers(const ink_finetune_options *o, ink_error *err)
{
    const struct {
        const char *name;
        double value, least, most;
    } ranges[] = {
        {"number of epochs", o->epochs == 0 ? 1 : o->epochs, 1e-6, 1e6},
        {"learning rate", o->learning_rate, 0, 1e3},
        {"weight decay", o->weight_decay, 0, 1e3},
        {"warm-up ratio", o->warmup_ratio, 0, 1},
        {"largest gradient norm", o->max_grad_norm, 0, 1e30},
        {"label smoothing", o->label_smoothing, 0, 0.999},
        {"dropout", o->dropout < 0 ? 0 : o->dropout, 0, 0.9},
        {"layer-wise decay", o->layer_lr_decay, 1e-6, 1},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; ++i)
        if (!(ranges[i].value >= ranges[i].least && ranges[i].value <= ranges[i].most))
            return ink_fail(err, INK_E_ARG, "a %s of %g, wanted %g to %g", ranges[i].name, ranges[i].value,
                            ranges[i].least, ranges[i].most);
    if (o->batch_size == 0 || o->batch_size > 1 << 20 || o->gradient_accumulation_steps == 0 ||
        o->gradient_accumulation_steps > 1 << 20)
        return ink_fail(err, INK_E_ARG, "batches of %zu, %zu an update; wanted 1 to %d of each",
                        o->batch_size, o->gradient_accumulation_steps, 1 << 20);
    if (o->threads > 1024 || o->batch_tokens > 1 << 24)
        return ink_fail(err, INK_E_ARG, "%zu threads, %zu rows at once: too many", o->threads,
                        o->batch_tokens);
    return INK_OK;
}

static ink_status check_options(const ink_finetune_options *o, ink_error *err)
{
    if (!o->out || !*o->out)
        return ink_fail(err, INK_E_ARG, "no directory to write");
    if (o->n_train == 0)
        return ink_fail(err, INK_E_ARG, "no training data");
    if (!o->from == !o->size)
        return ink_fail(err, INK_E_ARG, "%s: a model to start from, or a size for random weights",
                        o->from ? "both are given" : "neither is given");
    if (o->size && !o->tokenizer)
        return ink_fail(err, INK_E_ARG, "a model of random weights needs the directory of a tokenizer");
    return check_numbers(o, err);
}

static ink_status open_base(ink__run *run, size_t *positions, ink_error *err)
{
    /* Its own layout of the weights is not needed here. */
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    const char *from = run->options->from;
    ink_model_info info;
    INK_TRY(ink_model_open(&run->base, from, &plain, err));
    if (run->base->config.int8)
        return ink_fail(err, INK_E_ARG,
                        "%s: is in 8 bits, too coarse to learn from; start from the model of floats it was "
                        "made of, and quantize what comes of it",
                        from);
    ink_model_get_info(&info, run->base);
    run->arch = run->base->config.arch;
    run->tokenizer = ink_model_tokenizer(run->base), run->tokenizer_dir = from;
    run->max_length = info.max_length, *positions = info.positions;
    if (!run->options->save_dtype)
        run->save_dtype = strcmp(info.dtype, "F16") == 0    ? "f16"
                          : strcmp(info.dtype, "BF16") == 0 ? "bf16"
                                                            : "f32";
    return ink__config_text_load(&run->base_text, from, err);
}

/* Random weights: what the size says. */
static ink_status open_size(ink__run *run, size_t *positions, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    ink__json json = {0};
    ink__config config = {0};
    ink_status st;
    INK_TRY(ink_tokenizer_open(&run->own_tokenizer, o->tokenizer, err));
    run->tokenizer = run->own_tokenizer, run->tokenizer_dir = o->tokenizer;
    INK_TRY(ink__config_text_start(&run->base_text, "bert", o->size, run->tokenizer, err));
    INK_TRY_GOTO(ink__json_parse(&json, run->base_text.data, run->base_text.len, o->size, err));
    INK_TRY_GOTO(ink__config_read(&config, &json, err));
    if (config.int8)
        st = ink_fail(err, INK_E_ARG, "%s: is that of a model in 8 bits, too coarse to learn in", o->size);
    run->arch = config.arch, *positions = ink__config_longest(&config);
    const size_t own = ink_tokenizer_model_max_length(run->tokenizer);
    run->max_length = own < *positions ? own : *positions;
    run->max_length = run->max_length < NEW_LENGTH ? run->max_length : NEW_LENGTH;
done:
    ink__config_free(&config);
    ink__json_close(&json);
    return st;
}

static ink_status open_start(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    size_t positions = 0;
    run->save_dtype = o->save_dtype ? o->save_dtype : "f32";
    INK_TRY(o->from ? open_base(run, &positions, err) : open_size(run, &positions, err));
    if (o->max_length > positions)
        return ink_fail(err, INK_E_ARG, "texts of %zu tokens, but the model has %zu positions", o->max_length,
                        positions);
    if (o->max_length)
        run->max_length = o->max_length;
    return INK_OK;
}

/* config.json of what is to be, and the same as it is read. */
static ink_status make_config(ink__run *run, ink__dtype dtype, ink_error *err)
{
    const ink__classifier classifier = {.arch = run->arch,
                                        .task = run->train.task,
                                        .labels = (const char *const *)run->train.names.names,
                                        .C = run->train.task == INK__TASK_REGRESSION ? 1 : run->train.names.n,
                                        .dtype = dtype};
    INK_TRY(ink__config_text_classifier(&run->config_text, &run->base_text, "config.json", &classifier, err));
    INK_TRY(
        ink__json_parse(&run->config_json, run->config_text.data, run->config_text.len, "config.json", err));
    INK_TRY(ink__config_read(&run->config, &run->config_json, err));
    for (const ink__drop_key *key = run->arch->drops; key->key && run->options->dropout >= 0; ++key)
        run->config.drops[key->drop] = key->drop == INK__DROP_FF_IN ? 0 : run->options->dropout;
    return INK_OK;
}

/* Each class as if all had as many records; each positive as if there were as many as negatives. */
static void balance(ink__run *run, const size_t *counts)
{
    const double n = (double)run->train.n, C = (double)run->config.C;
    for (size_t c = 0; c < run->config.C; ++c) {
        const double with = counts[c] ? (double)counts[c] : 1;
        run->class_weights[c] =
            (float)(run->train.task == INK__TASK_MULTI ? (n - with) / with : n / (C * with));
    }
}

static ink_status read_weights(ink__run *run, const char *path, ink_error *err)
{
    ink__json json;
    const char *label;
    json_t *value;
    ink_status st = INK_OK;
    INK_TRY(ink__json_open(&json, path, err));
    json_object_foreach(json.root, label, value)
    {
        const uint32_t c = ink__label_set_find(&run->train.names, label, strlen(label));
        const double weight = json_is_number(value) ? json_number_value(value) : -1;
        if (st == INK_OK && c == UINT32_MAX)
            st = ink_fail(err, INK_E_FORMAT, "%s: \"%s\" is not a label of the training data", path, label);
        else if (st == INK_OK && !(weight > 0 && weight < 1e9))
            st = ink_fail(err, INK_E_FORMAT, "%s: the weight of \"%s\" is not a number above 0", path, label);
        else if (st == INK_OK)
            run->class_weights[c] = (float)weight;
    }
    ink__json_close(&json);
    return st;
}

static ink_status weigh_classes(ink__run *run, ink_error *err)
{
    const char *how = run->options->class_weights;
    if (run->options->label_smoothing > 0 && run->train.task != INK__TASK_SINGLE)
        return ink_fail(err, INK_E_ARG, "label smoothing of %g, which is for records of one label each",
                        run->options->label_smoothing);
    if (!how)
        return INK_OK;
    if (run->train.task == INK__TASK_REGRESSION)
        return ink_fail(err, INK_E_ARG, "class weights in a regression, which has no classes");
    INK_TRY(
        ink__calloc(&run->class_weights, run->config.C, sizeof *run->class_weights, "class weights", err));
    for (size_t c = 0; c < run->config.C; ++c)
        run->class_weights[c] = 1;
    if (strcmp(how, "balanced") != 0)
        return read_weights(run, how, err);
    ink__findings f;
    INK_TRY(ink__findings_make(&f, &run->train, NULL, err));
    balance(run, f.label_counts);
    ink__findings_free(&f);
    return INK_OK;
}

/* Frozen layers, and a lower rate the deeper a layer lies: the head has the whole, the embeddings the least.
 */
static ink_status share_rates(ink__run *run, ink_error *err)
{
    const size_t L = run->config.L, frozen = run->options->freeze_layers;
    if (frozen > L)
        return ink_fail(err, INK_E_ARG, "%zu layers frozen of %zu", frozen, L);
    for (size_t i = 0; i < run->store.count; ++i) {
        ink__parameter *p = &run->store.list[i];
        const bool in_layer = p->slot >= INK__MODEL_SLOTS, below = p->slot <= INK__RELATIVE;
        const size_t depth = in_layer ? L - p->layer : below ? L + 1 : 0;
        p->lr_part = (float)pow(run->options->layer_lr_decay, (double)depth);
        if (frozen > 0 && (below || (in_layer && p->layer < frozen)))
            p->lr_part = 0;
    }
    return INK_OK;
}

static ink_status make_model(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    double deviation = 0.02;
    INK_TRY(ink__json_double(&deviation, &run->config_json, run->config_json.root, "initializer_range", err));
    const ink__store_options start = {.from = run->base ? &run->base->params : NULL,
                                      .keep_head = run->kept_head,
                                      .deviation = deviation,
                                      .seed = o->seed};
    INK_TRY(ink__store_create(&run->store, &run->config, &start, err));
    if (run->base)
        INK_TRY(ink__run_say(run, err,
                             run->kept_head ? "the head for these labels is kept and trained on"
                                            : "a new head for %zu label%s is made from seed %llu",
                             run->config.C, run->config.C == 1 ? "" : "s", (unsigned long long)o->seed));
    ink_model_free(run->base);
    run->base = NULL;
    run->tokenizer = NULL;
    INK_TRY(weigh_classes(run, err));
    INK_TRY(ink__run_start_head(run, err));
    return share_rates(run, err);
}

static size_t longest(const ink__dataset *set)
{
    size_t most = 0;
    for (size_t i = 0; i < set->n; ++i) {
        const size_t len = set->offsets[i + 1] - set->offsets[i];
        most = len > most ? len : most;
    }
    return most;
}

static ink_status make_trainer(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    ink__trainer_options t = {.task = run->train.task,
                              .threads = run->trainer.options.threads,
                              .piece_tokens = o->batch_tokens ? o->batch_tokens : PIECE_TOKENS,
                              .seed = o->seed,
                              .decay = o->weight_decay,
                              .max_grad_norm = o->max_grad_norm,
                              .label_smoothing = o->label_smoothing,
                              .class_weights = run->class_weights,
                              .soft = run->teacher.dir ? &run->soft : NULL};
    const size_t a = longest(&run->train), b = longest(&run->dev);
    t.longest = a > b ? a : b;
    INK_TRY(ink__optimizer_find(&t.optimizer, o->optimizer, err));
    return ink__trainer_create(&run->trainer, &run->config, &run->store, &t, err);
}

/* Three times through large data. Through small data more often, so that there are updates enough to learn
 * from: the best of them on dev is what stays. */
static ink_status choose_epochs(ink__run *run, uint64_t per_epoch, ink_error *err)
{
    enum { EPOCHS = 3, EPOCHS_MAX = 50 };
    const uint64_t wanted = (INK__FEW_UPDATES + per_epoch - 1) / per_epoch;
    run->epochs = run->options->epochs;
    if (run->epochs > 0)
        return INK_OK;
    run->epochs = wanted < EPOCHS ? EPOCHS : wanted > EPOCHS_MAX ? EPOCHS_MAX : (double)wanted;
    if (run->epochs == EPOCHS)
        return INK_OK;
    return ink__run_say(run, err, "%g epochs, not %d, for the data are small: an epoch is %llu update%s",
                        run->epochs, EPOCHS, (unsigned long long)per_epoch, per_epoch == 1 ? "" : "s");
}

static ink_status plan_updates(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    const size_t G = o->gradient_accumulation_steps;
    ink__schedule_kind kind;
    INK_TRY(ink__order_create(&run->order, run->train.n, run->train.offsets, o->batch_size, o->seed, err));
    const uint64_t per_epoch = (run->order.n_batches + G - 1) / G;
    INK_TRY(choose_epochs(run, per_epoch, err));
    run->steps = (uint64_t)ceil(run->epochs * (double)per_epoch - 1e-9);
    run->eval_steps = o->eval_steps ? o->eval_steps : per_epoch;
    INK_TRY(ink__schedule_find(&kind, o->lr_scheduler, err));
    INK_TRY(ink__schedule_start(&run->schedule, kind, run->steps, o->warmup_ratio, o->learning_rate, err));
    const size_t most = o->batch_size < run->train.n ? o->batch_size : run->train.n;
    return ink__calloc(&run->records, most * G, sizeof *run->records, "batch", err);
}

/* Dev's truth as the metrics want it. */
static ink_status judge(ink__run *run, ink_error *err)
{
    static const ink_activation kinds[] = {[INK__TASK_SINGLE] = INK_ACTIVATION_SOFTMAX,
                                           [INK__TASK_MULTI] = INK_ACTIVATION_SIGMOID,
                                           [INK__TASK_REGRESSION] = INK_ACTIVATION_NONE};
    const ink__dataset *dev = &run->dev;
    const size_t n = dev->n, C = run->config.C;
    const ink_activation kind = kinds[dev->task];
    size_t count;
    INK_TRY(ink__calloc(&run->scores, n, C * sizeof *run->scores, "scores", err));
    INK_TRY(ink__calloc(&run->truth, n, sizeof *run->truth, "labels", err));
    INK_TRY(ink__calloc(&run->truths, n, C, "labels", err));
    INK_TRY(ink__calloc(&run->targets, n, sizeof *run->targets, "labels", err));
    for (size_t i = 0; i < n; ++i) {
        if (dev->task == INK__TASK_REGRESSION)
            run->targets[i] = dev->values[i];
        for (size_t k = dev->label_offsets[i]; k < dev->label_offsets[i + 1]; ++k)
            run->truths[i * C + dev->labels[k]] = 1, run->truth[i] = (int32_t)dev->labels[k];
    }
    run->judged = (ink__judged){.kind = kind,
                                .n = n,
                                .C = C,
                                .truth = run->truth,
                                .truths = run->truths,
                                .targets = run->targets,
                                .scores = run->scores};
    const ink__metric *list = ink__metrics_list(&count, kind);
    if (run->options->metric && !ink__metric_find(&run->metric_at, kind, run->options->metric)) {
        char keys[400];
        size_t used = 0;
        for (size_t i = 0; i < count && used < sizeof keys; ++i)
            used += (size_t)snprintf(keys + used, sizeof keys - used, "%s%s", i ? ", " : "", list[i].key);
        return ink_fail(err, INK_E_ARG, "no metric \"%s\" for this task, wanted one of %s",
                        run->options->metric, keys);
    }
    run->metric = &list[run->metric_at];
    return INK_OK;
}

ink_status ink__run_prepare(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    ink__dtype dtype;
    INK_TRY(check_options(o, err));
    INK_TRY(ink__out_check(&run->lock, o->out, "finetune.json", o->resume, err));
    run->trainer.options.threads = o->threads ? o->threads : ink_threads_default(NULL);
    INK_TRY(ink__strndup(&run->out, o->out, strlen(o->out), err));
    INK_TRY(open_start(run, err));
    INK_TRY(ink__run_open_teacher(run, err));
    INK_TRY(ink__save_dtype_find(&dtype, run->save_dtype, err));
    INK_TRY(ink__run_read_data(run, err));
    INK_TRY(make_config(run, dtype, err));
    INK_TRY(judge(run, err));
    INK_TRY(make_model(run, err));
    INK_TRY(ink__run_join_unlabelled(run, err));
    INK_TRY(plan_updates(run, err));
    return make_trainer(run, err);
}

void ink__run_free(ink__run *run)
{
    if (run->lock >= 0)
        close(run->lock);
    ink__log_free(run->log);
    ink__trainer_free(&run->trainer);
    ink__store_free(&run->store);
    ink__order_free(&run->order);
    ink__dataset_free(&run->train);
    ink__dataset_free(&run->dev);
    ink__dataset_free(&run->unlabelled);
    ink__teacher_free(&run->teacher);
    ink__config_free(&run->config);
    ink__json_close(&run->config_json);
    ink__text_free(&run->config_text);
    ink__text_free(&run->base_text);
    ink_model_free(run->base);
    ink_tokenizer_free(run->own_tokenizer);
    free(run->train_texts);
    free(run->dev_texts);
    free(run->records);
    free(run->class_weights);
    free(run->scores);
    free(run->truth);
    free(run->truths);
    free(run->targets);
    free(run->settings);
    free(run->out);
}
