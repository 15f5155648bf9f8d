/* A finetuning run's page: its curves, read from its log, and the evaluation of dev. See finetune_run.h. */
#include "core/memory.h"
#include "core/utf8.h"
#include "io/file.h"
#include "train/evaluation.h"
#include "train/finetune_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Points of a curve. */
struct curve {
    double *x, *y; /* [n] */
    size_t n, x_capacity, y_capacity;
};

struct curves {
    struct curve loss, smooth, rate, value;
};

static ink_status add_point(struct curve *c, double x, double y, ink_error *err)
{
    INK_TRY(ink__grow(&c->x, &c->x_capacity, c->n + 1, sizeof *c->x, "curve", err));
    INK_TRY(ink__grow(&c->y, &c->y_capacity, c->n + 1, sizeof *c->y, "curve", err));
    c->x[c->n] = x, c->y[c->n++] = y;
    return INK_OK;
}

static ink_status add_line(struct curves *c, const json_t *line, ink_error *err)
{
    const double step = json_number_value(json_object_get(line, "step"));
    const json_t *loss = json_object_get(line, "loss"), *value = json_object_get(line, "value");
    if (json_is_number(loss)) {
        const double y = json_number_value(loss), n = (double)c->loss.n + 1;
        const double before = c->smooth.n ? c->smooth.y[c->smooth.n - 1] : y;
        INK_TRY(add_point(&c->loss, step, y, err));
        INK_TRY(add_point(&c->smooth, step, before + (y - before) / (n < 20 ? n : 20), err));
        INK_TRY(add_point(&c->rate, step, json_number_value(json_object_get(line, "learning_rate")), err));
    }
    return json_is_number(value) ? add_point(&c->value, step, json_number_value(value), err) : INK_OK;
}

static ink_status read_log(struct curves *curves, const ink__run *run, ink_error *err)
{
    char *path;
    ink__map map;
    INK_TRY(ink__run_path(&path, run, "log.jsonl", err));
    ink_status st = ink__map_open(&map, path, err);
    free(path);
    INK_TRY(st);
    const char *at = (const char *)map.data, *end = at + map.size;
    while (at < end && st == INK_OK) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t len = stop ? (size_t)(stop - at) : (size_t)(end - at);
        json_t *line = json_loadb(at, len, 0, NULL);
        if (line)
            st = add_line(curves, line, err);
        json_decref(line);
        at += len + 1;
    }
    ink__map_close(&map);
    return st;
}

/* A page of a million points helps nobody: every so many-th stays, and the last. */
static void thin(struct curve *c)
{
    enum { POINTS = 600 };
    const size_t every = c->n / POINTS + 1;
    size_t kept = 0;
    for (size_t i = 0; i < c->n; ++i)
        if (i % every == 0 || i + 1 == c->n)
            c->x[kept] = c->x[i], c->y[kept++] = c->y[i];
    c->n = kept;
}

/* Title and axes of a chart over the updates; its lines are filled in by the caller. */
static ink__lines chart_of(const char *title, const char *about, const char *y_title)
{
    return (ink__lines){.title = title, .about = about, .x_title = "update", .y_title = y_title};
}

/* What the metric is compared with, into text [size]; NULL where nothing is known to compare it with. */
static const char *baseline_name(char *text, size_t size, const ink__run *run, const ink_evaluation *f)
{
    if (run->metric_at != 0 ||
        !isfinite(f->baseline)) /* the first of each list: accuracy, mean squared error */
        return NULL;
    char label[64];
    if (f->baseline_label)
        snprintf(text, size, "always saying \"%s\"", ink__run_short(label, sizeof label, f->baseline_label));
    else
        snprintf(text, size, "always saying the mean");
    return text;
}

static void draw_curves(ink__page *page, const ink__run *run, const ink_evaluation *f, struct curves *c)
{
    enum { FEW = 60 };
    thin(&c->loss), thin(&c->smooth), thin(&c->rate);
    const ink__line losses[] = {{"each update", c->loss.x, c->loss.y, c->loss.n},
                                {"running mean", c->smooth.x, c->smooth.y, c->smooth.n}};
    const ink__line value = {run->metric->title, c->value.x, c->value.y, c->value.n};
    const ink__line rate = {"learning rate", c->rate.x, c->rate.y, c->rate.n};
    const bool few = run->standing.step < FEW; /* of which a running mean shows nothing but itself */
    ink__page_heading(page, "The run");
    char text[500];
    snprintf(text, sizeof text,
             "%zu records, %zu labels, %llu updates from seed %llu. The weights of update %llu, the best on "
             "the dev set by %s, were saved.",
             run->labelled, run->config.C, (unsigned long long)run->standing.step,
             (unsigned long long)run->options->seed, (unsigned long long)run->standing.best_step,
             run->metric->title);
    ink__page_paragraph(page, text);
    if (run->teacher.dir) {
        snprintf(
            text, sizeof text,
            "A teacher, %.100s, was learned from along with the labels (weight %g, temperature %g), and by "
            "it %zu texts without labels. Its own %s on dev is %.4f.",
            run->teacher.dir, run->options->distill_weight, run->options->temperature, run->n_unlabelled,
            run->metric->title, run->teacher_value);
        text[ink__utf8_valid_prefix(text, strlen(text))] = '\0';
        ink__page_paragraph(page, text);
    }
    ink__lines chart =
        chart_of("Dev set", "The metric that chose the weights, at each evaluation.", run->metric->title);
    chart.lines = &value, chart.n_lines = 1;
    chart.level = f->baseline, chart.level_name = baseline_name(text, sizeof text, run, f);
    ink__chart_lines(page, &chart);
    chart = chart_of("Training loss",
                     few ? "Loss of each update." : "Loss of each update, and its running mean.", "loss");
    chart.lines = losses, chart.n_lines = few ? 1 : 2, chart.from_zero = true;
    ink__chart_lines(page, &chart);
    chart = chart_of("Learning rate", "What the schedule gave each update.", "learning rate");
    chart.lines = &rate, chart.n_lines = 1, chart.from_zero = true;
    ink__chart_lines(page, &chart);
}

/* The number that the run is about, and what it would be without a model. */
static void draw_verdict(ink__page *page, const ink__run *run, const ink_evaluation *f)
{
    const ink_metric *m = &f->metrics[run->metric_at];
    char text[400];
    ink__page_html(page, "<p class=\"verdict\"><strong>");
    ink__page_string(page, m->title);
    ink__page_html(page, " ");
    ink__page_number(page, m->estimate.value, 4);
    ink__page_html(page, "</strong> on ");
    ink__page_count(page, run->dev.n);
    ink__page_html(page, run->held_out ? " records held out" : " records of dev");
    if (isfinite(m->estimate.low)) {
        ink__page_html(page, ", 95% interval ");
        ink__page_number(page, m->estimate.low, 4);
        ink__page_html(page, " to ");
        ink__page_number(page, m->estimate.high, 4);
    }
    if (baseline_name(text, sizeof text, run, f)) {
        ink__page_html(page, "; ");
        ink__page_string(page, text);
        ink__page_html(page, " has ");
        ink__page_number(page, f->baseline, 4);
    }
    ink__page_html(page, ".</p>\n");
    if (run->report->warning[0]) {
        ink__page_html(page, "<p class=\"warn\">");
        ink__page_string(page, run->report->warning);
        ink__page_html(page, "</p>\n");
    }
}

ink_status ink__run_report(ink__run *run, const ink_evaluation *evaluation, ink_error *err)
{
    struct curves c = {0};
    struct curve *const all[] = {&c.loss, &c.smooth, &c.rate, &c.value};
    ink__page page = {0};
    char *path = NULL, title[600];
    ink_status st;
    INK_TRY_GOTO(read_log(&c, run, err));
    INK_TRY_GOTO(ink__run_path(&path, run, "report.html", err));
    /* Not where it lies: the same run in another folder is the same page. */
    snprintf(title, sizeof title, "Finetuned on %.250s%s, from %.250s", run->options->train[0],
             run->options->n_train > 1 ? " and more" : "",
             run->options->from ? run->options->from : "random weights");
    title[ink__utf8_valid_prefix(title, strlen(title))] = '\0';
    ink__page_open(&page, title);
    draw_verdict(&page, run, evaluation);
    draw_curves(&page, run, evaluation, &c);
    ink__page_heading(&page, "The model, on the dev set");
    ink__page_paragraph(
        &page, "By the weights that were saved. The dev set chose them, so expect a little less of new "
               "records: inkling evaluate, on records kept aside, says what.");
    ink__report_evaluation(&page, (const ink__evaluation *)evaluation);
    st = ink__page_save(&page, path, err);
done:
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
        free(all[i]->x);
        free(all[i]->y);
    }
    free(path);
    return st;
}
