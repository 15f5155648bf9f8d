/* The data of a finetuning run: read, looked through, parted into train and dev, and its labels numbered. See
 * finetune_run.h. */
#include "model/model.h"
#include "train/finetune_run.h"

#include <string.h>
#include <strings.h>

/* Of a set without labels, ids that were asked for are not wanted either. */
static ink_status read_set(ink__dataset *set, ink__run *run, const char *const *inputs, size_t n,
                           ink__task task, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    const bool unlabelled = set == &run->unlabelled;
    const ink__dataset_options options = {
        .records = {.inputs = inputs,
                    .n_inputs = n,
                    .format = o->format,
                    .delimiter = o->delimiter,
                    .text = o->text,
                    .text_pair = o->text_pair,
                    .id = unlabelled ? NULL : o->id,
                    .label = unlabelled ? NULL : o->label},
        .unlabelled = unlabelled,
        .tokenizer = run->tokenizer,
        .max_length = run->max_length,
        .head_tail = o->head_tail,
        .task = task,
        .skip_bad = o->leave_out_bad,
        .threads = run->trainer.options.threads,
    };
    INK_TRY(ink__dataset_read(set, &options, err));
    char sentences[INK__NOTES_MAX][INK__NOTE_BYTES];
    const size_t notes = ink__notes_sentences(sentences, &set->notes);
    for (size_t i = 0; i < notes; ++i)
        INK_TRY(ink__run_say(run, err, "%s", sentences[i]));
    if (set->skipped == 0)
        return INK_OK;
    if (run->report->left_out == 0)
        snprintf(run->report->first_error, sizeof run->report->first_error, "%s", set->first_skipped);
    run->report->left_out += set->skipped;
    return ink__run_say(run, err, "%zu record%s could not be used and %s left out. The first: %s",
                        set->skipped, set->skipped == 1 ? "" : "s", set->skipped == 1 ? "was" : "were",
                        set->first_skipped);
}

/* What one kind of finding says, with its first example. The duplicates of train can be dropped. */
static ink_status say_finding(ink__run *run, const ink__finding *f, const ink__dataset *set, const char *name,
                              const char *what, bool duplicates, ink_error *err)
{
    const bool droppable = duplicates && set == &run->train && !run->options->drop_duplicates;
    char place[512];
    if (f->count == 0)
        return INK_OK;
    ink__dataset_place(place, sizeof place, set, f->records[0]);
    const size_t len = strlen(place);
    if (len > 2 && strcmp(place + len - 2, ": ") == 0) /* it is made to stand before a sentence */
        place[len - 2] = '\0';
    return ink__run_say(run, err, "%s: %zu of %zu %s; the first is %s%s", name, f->count, set->n, what, place,
                        droppable ? " (--drop-duplicates leaves them out)" : "");
}

/* A class of one record is either in train or in dev: mostly a slip of the pen. */
static ink_status say_rare(ink__run *run, const size_t *counts, const char *name, ink_error *err)
{
    const ink__label_set *names = &run->train.names;
    char list[400] = "";
    size_t n = 0, used = 0;
    for (size_t c = 0; c < names->n; ++c) {
        if (counts[c] != 1)
            continue;
        if (used < 300)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%.60s\"", n ? ", " : "",
                                     names->names[c]);
        ++n;
    }
    return n ? ink__run_say(run, err, "%s: %zu label%s one record only: %s%s", name, n,
                            n == 1 ? " has" : "s have", list, used >= 300 ? ", ..." : "")
             : INK_OK;
}

static ink_status say_findings(ink__run *run, const ink__dataset *set, const ink__dataset *other,
                               const char *name, ink_error *err)
{
    ink__findings f;
    ink_status st;
    INK_TRY(ink__findings_make(&f, set, other, err));
    INK_TRY_GOTO(
        say_finding(run, &f.repeated, set, name, "records repeat an earlier text and its labels", true, err));
    INK_TRY_GOTO(say_finding(run, &f.contradicted, set, name,
                             "records repeat an earlier text with other labels", true, err));
    INK_TRY_GOTO(say_finding(run, &f.shared, set, name, "texts are in the dev data, too", true, err));
    run->report->shared = run->options->drop_duplicates ? 0 : f.shared.count;
    INK_TRY_GOTO(say_finding(run, &f.empty, set, name, "texts are empty", false, err));
    INK_TRY_GOTO(say_finding(run, &f.cut, set, name, "texts are cut: they have more tokens than are used",
                             false, err));
    INK_TRY_GOTO(say_finding(run, &f.bad_bytes, set, name, "texts are not all UTF-8", false, err));
    char counts[700];
    size_t used = 0;
    for (size_t c = 0; c < set->names.n && used < 500; ++c)
        used += (size_t)snprintf(counts + used, sizeof counts - used, "%s%.60s %zu", c ? ", " : "",
                                 set->names.names[c], f.label_counts[c]);
    st = set->names.n == 0
             ? ink__run_say(run, err, "%s: %zu record%s", name, set->n, set->n == 1 ? "" : "s")
             : ink__run_say(run, err, "%s: %zu record%s, %zu labels: %s%s", name, set->n,
                            set->n == 1 ? "" : "s", set->names.n, counts, used >= 500 ? ", ..." : "");
    if (st == INK_OK && set == &run->train)
        st = say_rare(run, f.label_counts, name, err);
done:
    ink__findings_free(&f);
    return st;
}

/* Names that are one but for their letters' case and the spaces around them: "Negative ", "negative". ASCII.
 */
static bool are_twins(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    for (; n > 0 && *a == ' '; ++a, --n)
        ;
    for (; m > 0 && *b == ' '; ++b, --m)
        ;
    for (; n > 0 && a[n - 1] == ' '; --n)
        ;
    for (; m > 0 && b[m - 1] == ' '; --m)
        ;
    return n == m && n > 0 && strncasecmp(a, b, n) == 0;
}

/* Appends "a" and "b" to the list if there is room, and returns its new length. */
static size_t list_pair(char *list, size_t size, size_t used, const char *a, const char *b)
{
    if (used + 150 > size)
        return used;
    return used +
           (size_t)snprintf(list + used, size - used, "%s\"%.60s\" and \"%.60s\"", used ? ", " : "", a, b);
}

/* Pairs are looked through where there are not too many. */
static ink_status say_twins(ink__run *run, ink_error *err)
{
    enum { NAMES_MAX = 2000 };
    const ink__label_set *names = &run->train.names;
    char list[700] = "";
    size_t used = 0;
    for (size_t a = 0; a < names->n && names->n <= NAMES_MAX; ++a)
        for (size_t b = a + 1; b < names->n; ++b)
            if (are_twins(names->names[a], names->names[b]))
                used = list_pair(list, sizeof list, used, names->names[a], names->names[b]);
    return used
               ? ink__run_say(run, err,
                              "train: labels that differ only in case or spaces are learned as two: %s", list)
               : INK_OK;
}

static bool same_labels(const ink_model *model, const ink__label_set *names)
{
    if (ink_model_labels(model) != names->n)
        return false;
    for (size_t c = 0; c < names->n; ++c) {
        const char *label = ink_model_label(model, c);
        if (ink__label_set_find(names, label, strlen(label)) == UINT32_MAX)
            return false;
    }
    return true;
}

/* A head that gives the same labels by the same activation is kept, in its own order of them. */
static bool keeps_head(const ink__run *run, ink__task task)
{
    static const ink_activation outputs[] = {[INK__TASK_SINGLE] = INK_ACTIVATION_SOFTMAX,
                                             [INK__TASK_MULTI] = INK_ACTIVATION_SIGMOID,
                                             [INK__TASK_REGRESSION] = INK_ACTIVATION_NONE};
    if (!run->base || ink_model_labels(run->base) == 0 || run->base->config.output != outputs[task])
        return false;
    return task == INK__TASK_REGRESSION ? ink_model_labels(run->base) == 1
                                        : same_labels(run->base, &run->train.names);
}

static ink_status number_labels(ink__run *run, ink_error *err)
{
    ink__dataset *train = &run->train;
    if (run->teacher.dir)
        INK_TRY(ink__run_take_labels(run, err));
    const char *const *names = (const char *const *)train->names.names;
    run->kept_head = keeps_head(run, train->task);
    if (run->kept_head && train->task != INK__TASK_REGRESSION) {
        names = (const char *const *)run->base->config.labels;
        INK_TRY(ink__dataset_map_labels(train, names, train->names.n, err));
        names = (const char *const *)train->names.names;
    }
    if (train->task != INK__TASK_REGRESSION)
        INK_TRY(ink__dataset_map_labels(&run->dev, names, train->names.n, err));
    return INK_OK;
}

ink_status ink__run_read_data(ink__run *run, ink_error *err)
{
    const ink_finetune_options *o = run->options;
    ink__task task;
    size_t dropped = 0;
    INK_TRY(ink__task_find(&task, o->task, err));
    INK_TRY(read_set(&run->train, run, o->train, o->n_train, task, err));
    INK_TRY(ink__dataset_check_classes(&run->train, err));
    if (run->train.whole_numbers && run->train.names.n > 2)
        INK_TRY(ink__run_say(run, err,
                             "train: the labels are whole numbers and taken for the names of classes; --task "
                             "regression learns them as values"));
    INK_TRY(say_twins(run, err));
    run->held_out = o->n_dev == 0;
    if (!run->held_out)
        INK_TRY(read_set(&run->dev, run, o->dev, o->n_dev, run->train.task, err));
    if (!run->held_out)
        INK_TRY(say_findings(run, &run->dev, NULL, "dev", err));
    INK_TRY(say_findings(run, &run->train, run->held_out ? NULL : &run->dev, "train", err));
    if (o->drop_duplicates) {
        INK_TRY(ink__drop_duplicates(&dropped, &run->train, run->held_out ? NULL : &run->dev, err));
        INK_TRY(
            ink__run_say(run, err, "train: %zu duplicates dropped, %zu records stay", dropped, run->train.n));
        INK_TRY(ink__dataset_check_classes(&run->train, err));
    }
    if (run->held_out) {
        INK_TRY(ink__hold_out(&run->dev, &run->train, run->held_out_by, err));
        INK_TRY(ink__run_say(run, err,
                             "dev: %zu of them %s held out, %zu are trained on; the ids of dev are in "
                             "held-out.jsonl",
                             run->dev.n, run->dev.n == 1 ? "is" : "are", run->train.n));
    }
    INK_TRY(number_labels(run, err));
    if (o->n_unlabelled > 0)
        INK_TRY(read_set(&run->unlabelled, run, o->unlabelled, o->n_unlabelled, run->train.task, err));
    return ink__run_number_texts(run, err);
}
