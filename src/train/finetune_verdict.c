/* What came of a finetuning run, in a sentence: whether it diverged, whether dev says that anything was
 * learned, and what to try otherwise. See finetune_run.h. Many runs fail in one of two ways: too few updates,
 * after which a new head still guesses, and too high a rate, which throws the encoder away and leaves one
 * label for all (Mosbach, Andriushchenko and Klakow, "On the stability of fine-tuning BERT", 2021). */
#include "core/memory.h"
#include "core/utf8.h"
#include "train/finetune_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From here on a model that still guesses is no matter of patience. */
enum { COLLAPSED_AFTER = 100, FEW_RECORDS = 100 };

bool ink__run_collapsed(size_t *label, const ink__run *run)
{
    const size_t C = run->config.C, n = run->dev.n;
    bool several = false;
    if (run->train.task != INK__TASK_SINGLE || C < 2)
        return false;
    for (size_t i = 0; i < n; ++i) {
        const float *row = run->scores + i * C;
        size_t top = 0;
        for (size_t c = 1; c < C; ++c)
            top = row[c] > row[top] ? c : top;
        if (i == 0)
            *label = top;
        if (top != *label)
            return false;
        several |= run->truth[i] != run->truth[0];
    }
    return several;
}

const char *ink__run_short(char *text, size_t size, const char *label)
{
    snprintf(text, size, "%s", label);
    text[ink__utf8_valid_prefix(text, strlen(text))] = '\0';
    return text;
}

const char *ink__run_advice(const ink__run *run)
{
    return run->steps < INK__FEW_UPDATES
               ? "More epochs or a higher learning rate may help."
               : "A lower learning rate, a longer warm-up or balanced class weights may help.";
}

/* The mean loss of the best answer that is the same for every record: of labels their entropy, weighed and
 * smoothed as in training, of values their variance. Of several labels a record, and of a teacher's answers,
 * none is worked out: NaN. */
static double guess_loss(double *counts, const ink__run *run)
{
    const ink__dataset *d = &run->train;
    const size_t C = run->config.C;
    const double smoothing = run->options->label_smoothing;
    double sum = 0, loss = 0;
    if (run->teacher.dir)
        return NAN;
    if (d->task == INK__TASK_REGRESSION) {
        double mean = 0;
        for (size_t i = 0; i < d->n; ++i)
            mean += (double)d->values[i] / (double)d->n;
        for (size_t i = 0; i < d->n; ++i)
            loss += ((double)d->values[i] - mean) * ((double)d->values[i] - mean) / (double)d->n;
        return loss;
    }
    if (d->task != INK__TASK_SINGLE)
        return NAN;
    for (size_t j = 0; j < d->label_offsets[d->n]; ++j) {
        const double weight = run->class_weights ? (double)run->class_weights[d->labels[j]] : 1;
        counts[d->labels[j]] += weight, sum += weight;
    }
    for (size_t c = 0; c < C; ++c) {
        const double share = (1 - smoothing) * counts[c] / sum + smoothing / (double)C;
        loss -= share > 0 ? share * log(share) : 0;
    }
    return loss;
}

/* Ends well above both its beginning and what guessing costs, on dev as well as in training: a noisy last
 * batch, or a model that is only too sure of itself, is none of that. */
static bool has_diverged(const ink__run *run, double guess)
{
    const ink__standing *s = &run->standing;
    const double even = run->train.task == INK__TASK_SINGLE ? log((double)run->config.C) : guess;
    const bool worse_on_dev = isnan(even) || s->dev_loss > even;
    return s->loss > 1.5 * fmax(s->first_loss, even) && worse_on_dev;
}

static bool is_better_than_guessing(const ink_evaluation *dev)
{
    const ink_metric *first = &dev->metrics[0];
    if (dev->kind == INK_ACTIVATION_SOFTMAX)
        return first->estimate.low > dev->baseline;
    if (dev->kind == INK_ACTIVATION_SIGMOID)
        return first->estimate.value > 0;
    return !(dev->metrics[INK__VALUE_R2].estimate.low <= 0);
}

/* text [size], at its end */
static void add(char *text, size_t size, const char *sentence)
{
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used ? " " : "", sentence);
}

static void say_no_better(ink__run *run, const ink_evaluation *dev, double guess, char *text, size_t size)
{
    const ink__standing *s = &run->standing;
    const bool learned = !(s->loss > 0.95 * guess);
    const double value = dev->metrics[0].estimate.value;
    const double r2 = dev->kind == INK_ACTIVATION_NONE ? dev->metrics[INK__VALUE_R2].estimate.value : 0;
    const bool above = dev->kind == INK_ACTIVATION_SOFTMAX ? value > dev->baseline : r2 > 0;
    const bool by_chance = above && run->dev.n < FEW_RECORDS;
    char label[64];
    if (dev->kind == INK_ACTIVATION_SOFTMAX)
        snprintf(text, size,
                 "On dev the model is not %sbetter than always saying \"%s\": its accuracy is %.4f, and "
                 "that would be %.4f.",
                 value > dev->baseline ? "surely " : "",
                 ink__run_short(label, sizeof label, dev->baseline_label), value, dev->baseline);
    else if (dev->kind == INK_ACTIVATION_SIGMOID)
        snprintf(text, size, "On dev the model gives no record a label that is right.");
    else
        snprintf(text, size, "On dev the model is not %sbetter than always saying the mean: its R2 is %.4f.",
                 r2 > 0 ? "surely " : "", r2);
    const size_t used = strlen(text);
    if (learned && by_chance) {
        snprintf(text + used, size - used, " Dev has %zu records, which is too few to be sure.", run->dev.n);
    } else if (s->step < INK__FEW_UPDATES) {
        snprintf(text + used, size - used, " It learned from %llu update%s only.",
                 (unsigned long long)s->step, s->step == 1 ? "" : "s");
        add(text, size, ink__run_advice(run));
    } else if (!learned) {
        snprintf(
            text + used, size - used,
            " Its training loss, %.3g, is near that of guessing, %.3g: if it still falls, more epochs or a "
            "higher learning rate may help, otherwise a lower one.",
            s->loss, guess);
    } else {
        add(text, size, "A lower learning rate, a longer warm-up, or a look at the labels may help.");
    }
}

/* The log loss on dev of always giving each label its share of dev. */
static double dev_entropy(double *counts, const ink__run *run)
{
    double loss = 0;
    memset(counts, 0, run->config.C * sizeof *counts);
    for (size_t i = 0; i < run->dev.n; ++i)
        counts[run->truth[i]] += 1 / (double)run->dev.n;
    for (size_t c = 0; c < run->config.C; ++c)
        loss -= counts[c] > 0 ? counts[c] * log(counts[c]) : 0;
    return loss;
}

/* What the numbers do not tell of themselves; appended to what is wrong already. */
static void add_doubts(ink__run *run, const ink_evaluation *dev, double *counts)
{
    char text[300];
    ink_finetune_report *r = run->report;
    if (run->kept_head && run->standing.best_step == 0)
        add(r->warning, sizeof r->warning,
            "No update made the model better on dev than it was, so its weights are those it started with.");
    if (r->shared * 10 > run->dev.n) {
        snprintf(text, sizeof text,
                 "%llu training texts are in dev, too (dev has %zu records): dev says little of new texts.",
                 (unsigned long long)r->shared, run->dev.n);
        add(r->warning, sizeof r->warning, text);
    }
    if (dev->kind != INK_ACTIVATION_SOFTMAX || r->warning[0] || run->dev.n < FEW_RECORDS)
        return;
    const double loss = dev->metrics[INK__SINGLE_LOG_LOSS].estimate.value, shares = dev_entropy(counts, run);
    if (loss > shares) {
        snprintf(
            text, sizeof text,
            "The labels are better than guessed, but the scores are far too sure of themselves: their log "
            "loss on dev is %.3g, and always giving each label its share would be %.3g. Fewer epochs or "
            "calibration may help.",
            loss, shares);
        add(r->warning, sizeof r->warning, text);
    }
}

ink_status ink__run_judge(ink__run *run, const ink_evaluation *dev, ink_error *err)
{
    const ink__standing *s = &run->standing;
    ink_finetune_report *r = run->report;
    double *counts;
    INK_TRY(ink__calloc(&counts, run->config.C, sizeof *counts, "counts", err));
    const double guess = guess_loss(counts, run);
    const bool better = is_better_than_guessing(dev), far = has_diverged(run, guess);
    const bool collapsed = s->collapsed && s->step >= COLLAPSED_AFTER && s->loss >= 0.98 * guess;
    r->diverged = far || collapsed;
    r->warning[0] = '\0';
    if (far)
        snprintf(
            r->warning, sizeof r->warning,
            "The run diverged: its loss began at %.3g and ended at %.3g. A lower learning rate or a longer "
            "warm-up may help.",
            s->first_loss, s->loss);
    else if (collapsed)
        snprintf(r->warning, sizeof r->warning,
                 "The run collapsed: after %llu updates the model gives every dev record the same label, and "
                 "its loss, %.3g, is that of guessing. A lower learning rate or a longer warm-up may help.",
                 (unsigned long long)s->step, s->loss);
    else if (!better)
        say_no_better(run, dev, guess, r->warning, sizeof r->warning);
    if (r->diverged && better)
        add(r->warning, sizeof r->warning,
            "The weights that were saved are from before, and better than guessing.");
    add_doubts(run, dev, counts);
    free(counts);
    return INK_OK;
}
