/* The report of an evaluation. See evaluation.h and report.h. */
#include "train/evaluation.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MATRIX_MAX = 30, /* labels a confusion matrix can be read with */
    BARS_MAX = 40,   /* labels in the chart; the table has all */
    CONFUSIONS_MAX = 20,
    HISTOGRAM = 20, /* bins */
    DOTS_MAX = 2000
};

/* ---- headline -------------------------------------------------------------------------------------- */

static void summary(ink__page *page, const ink_evaluation *f)
{
    char text[512];
    ink__page_html(page, "<p>");
    ink__page_count(page, f->records);
    ink__page_html(page, " records");
    if (f->kind == INK_ACTIVATION_SOFTMAX) {
        snprintf(text, sizeof text, ", each with one of %zu labels. Always saying \xE2\x80\x9C", f->n_labels);
        ink__page_string(page, text);
        ink__page_string(page, f->baseline_label);
        ink__page_html(page, "\xE2\x80\x9D would have an accuracy of ");
        ink__page_number(page, f->baseline, 3);
    } else if (f->kind == INK_ACTIVATION_SIGMOID) {
        snprintf(text, sizeof text, ", each with any of %zu labels", f->n_labels);
        ink__page_string(page, text);
    } else {
        ink__page_html(page, ", each with a value. Always saying the mean would have an MSE of ");
        ink__page_number(page, f->baseline, 4);
    }
    ink__page_html(page, ".</p>\n");
    for (size_t i = 0; i < f->n_warnings; ++i) {
        ink__page_html(page, "<p class=\"warn\">");
        ink__page_string(page, f->warnings[i]);
        ink__page_html(page, "</p>\n");
    }
}

static const char *meaning(const char *key)
{
    static const struct {
        const char *key, *says;
    } known[] = {
        {"accuracy", "share of records labelled rightly"},
        {"macro_f1", "mean of the labels' F1: each label counts the same"},
        {"micro_f1", "F1 over all decisions: each decision counts the same"},
        {"weighted_f1", "mean of the labels' F1, weighted by their records"},
        {"samples_f1", "mean of the records' own F1"},
        {"macro_precision", "of what was given a label, how much has it; mean over labels"},
        {"macro_recall", "of what has a label, how much was given it; mean over labels"},
        {"micro_precision", "of all labels given, the share that is right"},
        {"micro_recall", "of all labels that apply, the share that was given"},
        {"mcc", "correlation of truth and prediction: 0 is chance, 1 perfect"},
        {"subset_accuracy", "share of records with exactly the right labels"},
        {"hamming_loss", "share of wrong decisions; less is better"},
        {"auc", "chance that a record with the label scores above one without; 0.5 is chance"},
        {"average_precision", "mean precision over all thresholds, mean over labels"},
        {"log_loss", "surprise at the truth, in nats; less is better"},
        {"brier", "squared error of the scores; less is better"},
        {"ece", "how far scores are from the share that is right; less is better"},
        {"mse", "mean squared error; less is better"},
        {"rmse", "its square root, in the values' own unit"},
        {"mae", "mean absolute error, in the values' own unit"},
        {"r2", "share of the variance explained: 0 is the mean's, 1 perfect"},
        {"pearson", "linear correlation"},
        {"spearman", "correlation of ranks"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (strcmp(known[i].key, key) == 0)
            return known[i].says;
    return "";
}

static void headline(ink__page *page, const ink__evaluation *e)
{
    static const char *const columns[] = {"metric", "what it says", "value", "from", "to"};
    const ink_evaluation *f = &e->found;
    char text[160];
    ink__page_heading(page, "Metrics");
    snprintf(text, sizeof text, "with 95%% intervals from %zu bootstrap resamples", e->input.draws.resamples);
    ink__page_table(page, text, columns, 5, 2);
    for (size_t k = 0; k < f->n_metrics; ++k) {
        const ink_metric *m = &f->metrics[k];
        const char *says = meaning(m->key);
        ink__page_row(page);
        ink__page_cell_text(page, m->title, strlen(m->title));
        ink__page_cell_text(page, says, strlen(says));
        ink__page_cell_number(page, m->estimate.value, 4);
        ink__page_cell_number(page, m->estimate.low, 4);
        ink__page_cell_number(page, m->estimate.high, 4);
    }
    ink__page_table_end(page);
}

static void calibration(ink__page *page, const ink_evaluation *f)
{
    static const char *const columns[] = {"", "what it says", "value", "from", "to"};
    const struct {
        const char *name, *says;
        const ink_estimate *estimate;
    } rows[] = {
        {"log loss at T = 1", "as it was before the temperature", &f->uncalibrated_log_loss},
        {"ECE at T = 1", "as it was before the temperature", &f->uncalibrated_ece},
        {"coverage", "share of records that the abstain rule decides", &f->coverage},
        {"risk", "share of those that is wrong", &f->risk},
    };
    const bool rule = f->calibration->max_error > 0;
    char text[200];
    int n = snprintf(text, sizeof text, "temperature %.4f", f->calibration->temperature);
    if (rule)
        snprintf(text + n, sizeof text - (size_t)n,
                 "; an abstain rule fitted for at most %g wrong of what is decided, with 95%% confidence",
                 f->calibration->max_error);
    ink__page_heading(page, "Calibration");
    ink__page_table(page, text, columns, 5, 2);
    for (size_t i = 0; i < (rule ? 4u : 2u); ++i) {
        ink__page_row(page);
        ink__page_cell_text(page, rows[i].name, strlen(rows[i].name));
        ink__page_cell_text(page, rows[i].says, strlen(rows[i].says));
        ink__page_cell_number(page, rows[i].estimate->value, 4);
        ink__page_cell_number(page, rows[i].estimate->low, 4);
        ink__page_cell_number(page, rows[i].estimate->high, 4);
    }
    ink__page_table_end(page);
}

/* ---- labels ---------------------------------------------------------------------------------------- */

static int worst_label_first(const void *a, const void *b)
{
    const ink_label_result *x = *(const ink_label_result *const *)a, *y = *(const ink_label_result *const *)b;
    if (x->f1.value != y->f1.value)
        return x->f1.value < y->f1.value ? -1 : 1;
    return x < y ? -1 : 1; /* places in one array */
}

static void label_table(ink__page *page, const ink_label_result *const *order, size_t n, bool ranked)
{
    static const char *const columns[] = {"label", "records", "given", "right", "precision",     "recall",
                                          "F1",    "from",    "to",    "AUC",   "avg. precision"};
    ink__page_table(page, "worst F1 first", columns, ranked ? 11 : 9, 1);
    for (size_t i = 0; i < n; ++i) {
        const ink_label_result *l = order[i];
        ink__page_row(page);
        ink__page_cell_text(page, l->label, strlen(l->label));
        ink__page_cell_count(page, l->records);
        ink__page_cell_count(page, l->given);
        ink__page_cell_count(page, l->right);
        const double numbers[] = {l->precision, l->recall, l->f1.value,         l->f1.low,
                                  l->f1.high,   l->auc,    l->average_precision};
        for (size_t k = 0; k < (ranked ? 7u : 5u); ++k)
            ink__page_cell_number(page, numbers[k], 3);
    }
    ink__page_table_end(page);
}

static void labels(ink__page *page, const ink_evaluation *f, const ink_label_result **order, ink__bar *bars)
{
    const size_t shown = f->n_labels < BARS_MAX ? f->n_labels : BARS_MAX;
    const bool many = f->n_labels > BARS_MAX;
    /* Of two labels that exclude each other the second's AUC is the headline's. */
    const bool ranked = f->kind == INK_ACTIVATION_SIGMOID || f->n_labels > 2;
    char about[160];
    for (size_t c = 0; c < f->n_labels; ++c)
        order[c] = &f->labels[c];
    qsort(order, f->n_labels, sizeof *order, worst_label_first);
    for (size_t i = 0; i < shown; ++i)
        bars[i] = (ink__bar){order[i]->label, order[i]->f1.value, order[i]->f1.low, order[i]->f1.high};
    ink__page_heading(page, "Labels");
    snprintf(about, sizeof about,
             many ? "the worst %zu of %zu labels, with 95%% intervals" : "worst first, with 95%% intervals",
             shown, f->n_labels);
    ink__chart_bars(page, "F1 by label", about, bars, shown);
    if (many)
        ink__page_fold(page, "All labels as a table");
    label_table(page, order, f->n_labels, ranked);
    if (many)
        ink__page_fold_end(page);
}

/* ---- confusions ------------------------------------------------------------------------------------ */

struct confusion {
    uint64_t n;
    uint32_t truth, given;
};

static int most_first(const void *a, const void *b)
{
    const struct confusion *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return x->truth != y->truth ? (x->truth < y->truth ? -1 : 1) : (x->given < y->given ? -1 : 1);
}

static void confusions(ink__page *page, const ink__evaluation *e)
{
    static const char *const columns[] = {"truth", "taken for", "records", "share of the truth"};
    const ink_evaluation *f = &e->found;
    const size_t C = f->n_labels;
    struct confusion *list = NULL;
    size_t n = 0, capacity = 0;
    for (size_t t = 0; t < C; ++t)
        for (size_t c = 0; c < C; ++c) {
            if (t == c || f->confusion[t * C + c] == 0)
                continue;
            if (page->status == INK_OK)
                page->status = ink__grow(&list, &capacity, n + 1, sizeof *list, "confusions", &page->error);
            if (page->status == INK_OK)
                list[n++] = (struct confusion){f->confusion[t * C + c], (uint32_t)t, (uint32_t)c};
        }
    ink__page_heading(page, "Confusions");
    if (C <= MATRIX_MAX)
        ink__chart_matrix(page, "Confusion matrix",
                          "rows are the truth, columns what the model said; the stronger "
                          "the colour, the larger the share of the row",
                          f->confusion, e->input.labels, C);
    if (n > 0) {
        qsort(list, n, sizeof *list, most_first);
        ink__page_table(page, n > CONFUSIONS_MAX ? "the most frequent ones" : "most frequent first", columns,
                        4, 2);
        for (size_t i = 0; i < n && i < CONFUSIONS_MAX; ++i) {
            const ink_label_result *truth = &f->labels[list[i].truth], *given = &f->labels[list[i].given];
            ink__page_row(page);
            ink__page_cell_text(page, truth->label, strlen(truth->label));
            ink__page_cell_text(page, given->label, strlen(given->label));
            ink__page_cell_count(page, list[i].n);
            ink__page_cell_number(page, (double)list[i].n / (double)truth->records, 3);
        }
        ink__page_table_end(page);
    } else {
        ink__page_paragraph(page, "There is none: every record was labelled rightly.");
    }
    free(list);
}

/* ---- scores ---------------------------------------------------------------------------------------- */

static void reliability(ink__page *page, const ink__evaluation *e)
{
    static const char *const columns[] = {"score from", "to", "scores", "mean score", "share right"};
    const bool single = e->found.kind == INK_ACTIVATION_SOFTMAX;
    const ink__bin *bins = e->measures.bins;
    double right[INK__BINS], score[INK__BINS];
    for (size_t b = 0; b < INK__BINS; ++b) {
        right[b] = bins[b].n ? (double)bins[b].right / (double)bins[b].n : NAN;
        score[b] = bins[b].n ? bins[b].score / (double)bins[b].n : NAN;
    }
    const ink__columns chart = {
        .title = "Reliability",
        .about = single ? "records by their top score; where a column's dot is below the line, the model is "
                          "surer than it is right"
                        : "every record and label by its score; where a column's dot is below the line, the "
                          "scores are too high",
        .x_title = single ? "top score" : "score",
        .y_title = single ? "share labelled rightly" : "share to which the label applies",
        .from = 0,
        .to = 1,
        .n = INK__BINS,
        .n_series = 1,
        .values = {right},
        .names = {single ? "share right" : "share that applies"},
        .diagonal = single ? "as right as sure" : "as often as scored",
        .points = score,
        .points_name = "mean score of a bin",
    };
    ink__page_heading(page, "Scores");
    ink__chart_columns(page, &chart);
    ink__page_fold(page, "The bins as a table");
    ink__page_table(page, "15 bins of equal width; a bin holds its upper edge", columns, 5, 0);
    for (size_t b = 0; b < INK__BINS; ++b) {
        ink__page_row(page);
        ink__page_cell_number(page, (double)b / INK__BINS, 3);
        ink__page_cell_number(page, (double)(b + 1) / INK__BINS, 3);
        ink__page_cell_count(page, bins[b].n);
        ink__page_cell_number(page, score[b], 3);
        ink__page_cell_number(page, right[b], 3);
    }
    ink__page_table_end(page);
    ink__page_fold_end(page);
}

static size_t histogram_bin(double score)
{
    const double at = score * HISTOGRAM;
    return at < 0 ? 0 : at >= HISTOGRAM ? HISTOGRAM - 1 : (size_t)at;
}

static void histogram(ink__page *page, const ink__evaluation *e)
{
    static const char *const columns[] = {"score from", "to", "right", "wrong"};
    static const char *const multi_columns[] = {"score from", "to", "applies", "does not"};
    const ink__judged *j = &e->input.judged;
    const bool single = j->kind == INK_ACTIVATION_SOFTMAX;
    double counts[2][HISTOGRAM] = {{0}, {0}};
    for (size_t i = 0; i < j->n; ++i) {
        if (single)
            ++counts[!e->metrics->exact[i]]
                    [histogram_bin((double)j->scores[i * j->C + (size_t)e->metrics->predicted[i]])];
        for (size_t c = 0; !single && c < j->C; ++c)
            ++counts[!j->truths[i * j->C + c]][histogram_bin((double)j->scores[i * j->C + c])];
    }
    const ink__columns chart = {
        .title = "Score histogram",
        .about = single ? "top scores of records labelled rightly and wrongly"
                        : "scores of labels that apply and of those that do not",
        .x_title = single ? "top score" : "score",
        .y_title = single ? "records" : "records and labels",
        .from = 0,
        .to = 1,
        .n = HISTOGRAM,
        .n_series = 2,
        .values = {counts[0], counts[1]},
        .names = {single ? "right" : "applies", single ? "wrong" : "does not"},
    };
    ink__chart_columns(page, &chart);
    ink__page_fold(page, "The histogram as a table");
    ink__page_table(page, "", single ? columns : multi_columns, 4, 0);
    for (size_t b = 0; b < HISTOGRAM; ++b) {
        ink__page_row(page);
        ink__page_cell_number(page, (double)b / HISTOGRAM, 2);
        ink__page_cell_number(page, (double)(b + 1) / HISTOGRAM, 2);
        ink__page_cell_count(page, (uint64_t)counts[0][b]);
        ink__page_cell_count(page, (uint64_t)counts[1][b]);
    }
    ink__page_table_end(page);
    ink__page_fold_end(page);
}

static void scatter(ink__page *page, const ink__evaluation *e)
{
    const ink__judged *j = &e->input.judged;
    /* Evenly over the records where there are too many to draw. */
    const size_t step = (j->n + DOTS_MAX - 1) / DOTS_MAX, n = (j->n + step - 1) / step;
    double *x = NULL;
    char about[120];
    if (page->status == INK_OK)
        page->status = ink__calloc(&x, n, 2 * sizeof *x, "a chart", &page->error);
    if (page->status != INK_OK)
        return;
    for (size_t i = 0; i < n; ++i)
        x[i] = j->targets[i * step], x[n + i] = (double)j->scores[i * step];
    const ink__line line = {"records", x, x + n, n};
    snprintf(about, sizeof about,
             step > 1 ? "every %zuth record; on the line the prediction is the truth"
                      : "on the line the prediction is the truth",
             step);
    const ink__lines chart = {.title = "Predictions",
                              .about = about,
                              .x_title = "truth",
                              .y_title = "prediction",
                              .lines = &line,
                              .n_lines = 1,
                              .dots = true,
                              .diagonal = true};
    ink__page_heading(page, "Predictions and truth");
    ink__chart_lines(page, &chart);
    free(x);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

void ink__report_evaluation(ink__page *page, const ink__evaluation *e)
{
    const ink_evaluation *f = &e->found;
    summary(page, f);
    headline(page, e);
    if (f->calibration)
        calibration(page, f);
    if (f->differences)
        ink__report_comparison(page, e);
    if (f->gaps)
        ink__report_groups(page, e);
    if (f->n_labels) {
        const ink_label_result **order = NULL;
        ink__bar bars[BARS_MAX];
        if (page->status == INK_OK)
            page->status = ink__calloc(&order, f->n_labels, sizeof *order, "labels", &page->error);
        if (page->status == INK_OK)
            labels(page, f, order, bars);
        free(order);
        if (f->confusion)
            confusions(page, e);
        reliability(page, e);
        histogram(page, e);
    } else {
        scatter(page, e);
    }
    ink__report_mistakes(page, e);
}
