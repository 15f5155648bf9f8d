/* A finetuning run that has a teacher: the texts without labels, what the teacher says of everything, and how
 * far that is to be trusted. See teacher.h and finetune_run.h. */
#include "core/memory.h"
#include "io/file.h"
#include "model/model.h"
#include "train/finetune_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const task_names[] = {[INK__TASK_SINGLE] = "one label of several",
                                         [INK__TASK_MULTI] = "any number of labels",
                                         [INK__TASK_REGRESSION] = "a value"};
static const char *const task_words[] = {
    [INK__TASK_SINGLE] = "single", [INK__TASK_MULTI] = "multi", [INK__TASK_REGRESSION] = "regression"};

static bool has_stdin(const char *const *inputs, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (inputs[i] && strcmp(inputs[i], "-") == 0)
            return true;
    return false;
}

ink_status ink__run_open_teacher(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    if (!o->teacher && o->n_unlabelled > 0)
        return ink_fail(err, INK_E_ARG,
                        "%s: texts without labels are learned from a teacher, and none is given",
                        o->unlabelled[0]);
    if (!o->teacher)
        return INK_OK;
    if (!(o->temperature >= 0.01 && o->temperature <= 1000))
        return ink_fail(err, INK_E_ARG, "a temperature of %g, wanted 0.01 to 1000", o->temperature);
    if (!(o->distill_weight >= 0 && o->distill_weight <= 1))
        return ink_fail(err, INK_E_ARG, "a teacher's weight of %g, wanted 0 to 1", o->distill_weight);
    if (has_stdin(o->train, o->n_train) || has_stdin(o->dev, o->n_dev) ||
        has_stdin(o->unlabelled, o->n_unlabelled))
        return ink_fail(err, INK_E_ARG,
                        "a teacher reads the data a second time, and standard input can be read only once: "
                        "name files");
    return ink__teacher_open(&run->teacher, o->teacher, err);
}

/* ---- labels ---------------------------------------------------------------------------------------- */

/* Appends a label to a list that is to be read; "..." where it gets long. */
static void list_label(char *list, size_t size, const char *label)
{
    const size_t used = strlen(list);
    if (used + 90 < size)
        snprintf(list + used, size - used, "%s\"%.60s\"", used ? ", " : "", label);
    else if (used < 3 || strcmp(list + used - 3, "...") != 0)
        snprintf(list + used, size - used, ", ...");
}

ink_status ink__run_take_labels(ink__run *run, ink_error *err)
{
    const ink__teacher *t = &run->teacher;
    ink__dataset *train = &run->train;
    char foreign[400] = "", missing[400] = "";
    if (train->task != t->task)
        return ink_fail(err, INK_E_ARG,
                        "the teacher %s gives a text %s, and the training data are read as \"%s\"; --task %s "
                        "reads them so",
                        t->dir, task_names[t->task], task_words[train->task], task_words[t->task]);
    if (t->task == INK__TASK_REGRESSION)
        return INK_OK;
    const char *const *names = (const char *const *)t->model->config.labels; /* [C] */
    ink__label_set known = {0};
    ink_status st = INK_OK;
    uint32_t label;
    for (size_t c = 0; c < t->C; ++c) {
        if (ink__label_set_find(&train->names, names[c], strlen(names[c])) == UINT32_MAX)
            list_label(missing, sizeof missing, names[c]);
        INK_TRY_GOTO(ink__label_set_add(&label, &known, names[c], strlen(names[c]), err));
    }
    for (size_t c = 0; c < train->names.n; ++c)
        if (ink__label_set_find(&known, train->names.names[c], strlen(train->names.names[c])) == UINT32_MAX)
            list_label(foreign, sizeof foreign, train->names.names[c]);
    if (foreign[0])
        st = ink_fail(err, INK_E_ARG,
                      "the training data have labels that the teacher %s does not give: %s%s%s", t->dir,
                      foreign, missing[0] ? "; it gives, and they do not have: " : "", missing);
    else if (missing[0])
        st = ink__run_say(run, err, "train: no record has %s: the teacher alone tells of it", missing);
    if (st == INK_OK)
        st = ink__dataset_map_labels(train, names, t->C, err);
done:
    ink__label_set_free(&known);
    return st;
}

/* ---- texts without labels -------------------------------------------------------------------------- */

/* Those that are empty, and that stand in dev, in train, or further up, go. */
static ink_status sift(ink__run *run, ink_error *err)
{
    ink__dataset *set = &run->unlabelled;
    ink__distinct *texts = &run->teacher.texts;
    const size_t dev = run->n_dev_texts, train = texts->n, all = set->n;
    size_t empty = 0, in_dev = 0, in_train = 0, repeated = 0;
    uint32_t number;
    bool *go;
    INK_TRY(ink__calloc(&go, set->n, sizeof *go, "texts", err));
    ink_status st = INK_OK;
    for (size_t i = 0; i < set->n && st == INK_OK; ++i) {
        const size_t before = texts->n;
        go[i] = true;
        if (set->rows[i].tokens <= set->specials) {
            ++empty;
            continue;
        }
        st = ink__distinct_add(&number, texts, set->rows[i].text, err);
        go[i] = texts->n == before;
        in_dev += go[i] && number < dev;
        in_train += go[i] && number >= dev && number < train;
        repeated += go[i] && number >= train;
    }
    if (st == INK_OK)
        st = ink__dataset_divide(NULL, set, go, err);
    free(go);
    INK_TRY(st);
    if (set->n == 0)
        return ink_fail(
            err, INK_E_FORMAT,
            "%s: no text without a label is left: of %zu, %zu are empty, %zu stand in dev and %zu "
            "in train",
            run->options->unlabelled[0], all, empty, in_dev, in_train);
    return ink__run_say(run, err,
                        "unlabelled: %zu texts; left out are %zu that repeat one of them, %zu that stand in "
                        "train, %zu in dev, and %zu that are empty",
                        set->n, repeated, in_train, in_dev, empty);
}

ink_status ink__run_number_texts(ink__run *run, ink_error *err)
{
    if (!run->teacher.dir)
        return INK_OK;
    INK_TRY(ink__teacher_match(&run->teacher, &run->train.names, err));
    INK_TRY(ink__teacher_add(&run->dev_texts, &run->teacher, &run->dev, err));
    run->n_dev_texts = run->teacher.texts.n;
    INK_TRY(ink__teacher_add(&run->train_texts, &run->teacher, &run->train, err));
    return run->options->n_unlabelled > 0 ? sift(run, err) : INK_OK;
}

ink_status ink__run_join_unlabelled(ink__run *run, ink_error *err)
{
    run->labelled = run->train.n;
    run->digest = ink__dataset_digest(&run->train);
    if (!run->teacher.dir)
        return INK_OK;
    double weights = 0;
    for (size_t i = 0; i < run->train.n && run->class_weights && run->train.task == INK__TASK_SINGLE; ++i)
        weights += run->class_weights[run->train.labels[run->train.label_offsets[i]]];
    run->soft = (ink__soft){.labelled = run->labelled,
                            .temperature = run->options->temperature,
                            .weight = run->options->distill_weight,
                            .mean_weight = weights > 0 ? weights / (double)run->train.n : 1};
    if (run->unlabelled.n > 0) {
        run->n_unlabelled = run->unlabelled.n;
        run->unlabelled_digest = ink__dataset_digest(&run->unlabelled);
        INK_TRY(ink__dataset_append(&run->train, &run->unlabelled, err));
        ink__dataset_free(&run->unlabelled);
    }
    free(run->train_texts);
    return ink__teacher_add(&run->train_texts, &run->teacher, &run->train, err);
}

/* ---- answers --------------------------------------------------------------------------------------- */

static ink_status show(const ink__teacher *t, double texts_per_second, void *user, ink_error *err)
{
    const ink__run *run = user;
    const ink_status st = ink__run_tell(
        run,
        &(ink_finetune_progress){.scored = t->scored,
                                 .texts = t->texts.n,
                                 .texts_per_second = texts_per_second,
                                 .seconds_left = (double)(t->texts.n - t->scored) / texts_per_second,
                                 .epoch = NAN,
                                 .loss = NAN,
                                 .learning_rate = NAN,
                                 .tokens_per_second = NAN,
                                 .value = NAN,
                                 .best = NAN},
        err);
    if (st == INK_E_CANCELLED)
        return ink_fail(err, st, "stopped when the teacher had scored %zu of %zu texts", t->scored,
                        t->texts.n);
    return st;
}

/* How many of train's records have the label that the teacher would give them. */
static size_t agreements(const ink__run *run)
{
    const ink__teacher *t = &run->teacher;
    size_t n = 0;
    for (size_t i = 0; i < run->labelled; ++i) {
        const float *logits = t->logits + run->train_texts[i] * t->C; /* [C] */
        size_t top = 0;
        for (size_t c = 1; c < t->C; ++c)
            top = logits[c] > logits[top] ? c : top;
        n += run->train.labels[run->train.label_offsets[i]] == top;
    }
    return n;
}

/* A teacher that knows dev no better than one label for all teaches what is wrong. */
static ink_status warn_of_teacher(ink__run *run, ink_error *err)
{
    const ink__teacher *t = &run->teacher;
    size_t right = 0, *counts, commonest = 0;
    INK_TRY(ink__calloc(&counts, t->C, sizeof *counts, "counts of labels", err));
    for (size_t i = 0; i < run->dev.n; ++i) {
        const float *logits = t->logits + run->dev_texts[i] * t->C; /* [C] */
        size_t top = 0;
        for (size_t c = 1; c < t->C; ++c)
            top = logits[c] > logits[top] ? c : top;
        right += (size_t)run->truth[i] == top;
        ++counts[run->truth[i]];
    }
    for (size_t c = 0; c < t->C; ++c)
        commonest = counts[c] > commonest ? counts[c] : commonest;
    free(counts);
    return right > commonest
               ? INK_OK
               : ink__run_say(run, err,
                              "! the teacher is right on %zu of dev's %zu records, and one label for "
                              "all would be on %zu: what it says is not worth learning",
                              right, run->dev.n, commonest);
}

/* The teacher's value by the run's metric on dev: what the student might reach. */
static ink_status judge_teacher(ink__run *run, ink_error *err)
{
    const ink__teacher *t = &run->teacher;
    for (size_t i = 0; i < run->dev.n; ++i)
        memcpy(run->scores + i * t->C, t->logits + run->dev_texts[i] * t->C, t->C * sizeof *run->scores);
    ink__scores_of_logits(run->scores, run->dev.n, t->C, run->judged.kind, 1);
    double loss;
    INK_TRY(ink__run_measure(&run->teacher_value, &loss, run, err));
    if (run->train.task != INK__TASK_SINGLE)
        return ink__run_say(run, err, "teacher: dev %s %.4f", run->metric->key, run->teacher_value);
    const size_t same = agreements(run);
    INK_TRY(ink__run_say(run, err,
                         "teacher: dev %s %.4f; it gives %zu of %zu training records the label they have "
                         "(%.1f%%)",
                         run->metric->key, run->teacher_value, same, run->labelled,
                         100 * (double)same / (double)run->labelled));
    return warn_of_teacher(run, err);
}

static ink__records_options records_of(const ink_finetune_options *o, const char *const *inputs, size_t n,
                                       bool labelled)
{
    return (ink__records_options){.inputs = inputs,
                                  .n_inputs = n,
                                  .format = o->format,
                                  .delimiter = o->delimiter,
                                  .text = o->text,
                                  .text_pair = o->text_pair,
                                  .id = labelled ? o->id : NULL,
                                  .label = !labelled  ? NULL
                                           : o->label ? o->label
                                                      : "label"};
}

ink_status ink__run_ask_teacher(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    ink__teacher *t = &run->teacher;
    ink__records_options inputs[3];
    char *file;
    size_t n = 0;
    if (!t->dir)
        return INK_OK;
    inputs[n++] = records_of(o, o->train, o->n_train, true);
    if (o->n_dev > 0)
        inputs[n++] = records_of(o, o->dev, o->n_dev, true);
    if (o->n_unlabelled > 0)
        inputs[n++] = records_of(o, o->unlabelled, o->n_unlabelled, false);
    INK_TRY(ink__path_join(&file, run->answers ? run->answers : run->out, INK__ANSWERS, err));
    const ink__asking asking = {.inputs = inputs,
                                .n_inputs = n,
                                .file = file,
                                .threads = run->trainer.options.threads,
                                .head_tail = o->head_tail,
                                .progress = show,
                                .user = run};
    const ink_status st = ink__teacher_score(t, &asking, err);
    free(file);
    INK_TRY(st);
    if (t->recalled > 0)
        INK_TRY(ink__run_say(run, err, "teacher: %zu of %zu texts had been scored", t->recalled, t->texts.n));
    if (t->tokens > 0)
        INK_TRY(ink__run_say(run, err, "teacher: %zu texts scored, %.0f texts and %.0f tokens a second",
                             t->scored - t->recalled, (double)(t->scored - t->recalled) / t->seconds,
                             (double)t->tokens / t->seconds));
    run->soft.logits = t->logits, run->soft.texts = run->train_texts;
    return judge_teacher(run, err);
}
