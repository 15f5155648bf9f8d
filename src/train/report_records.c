/* The report of an evaluation: another model, groups of records, and the worst mistakes. See evaluation.h. */
#include "train/evaluation.h"
#include "core/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MISTAKES_MAX = 25, TEXT_SHOWN = 600, BARS_MAX = 40 }; /* TEXT_SHOWN: bytes of a mistake's text */

void ink__report_comparison(ink__page *page, const ink__evaluation *e)
{
    static const char *const columns[] = {"metric", "first", "second", "second - first", "from", "to", "p"};
    const ink_evaluation *f = &e->found;
    char text[300], number[INK__NUMBER_MAX];
    ink__page_heading(page, "Two models");
    ink__page_table(page,
                    "on the same records, with 95% intervals and two-sided p-values of the paired "
                    "bootstrap",
                    columns, 7, 1);
    for (size_t k = 0; k < f->n_metrics; ++k) {
        const ink_difference *d = &f->differences[k];
        ink__page_row(page);
        ink__page_cell_text(page, f->metrics[k].title, strlen(f->metrics[k].title));
        const double numbers[] = {d->first, d->second, d->value, d->low, d->high, d->p};
        for (size_t i = 0; i < 6; ++i)
            ink__page_cell_number(page, numbers[i], 4);
    }
    ink__page_table_end(page);
    if (isnan(f->mcnemar_p))
        return;
    snprintf(text, sizeof text,
             "%llu records are right in the first model alone, %llu in the second alone: McNemar's test (%s) "
             "gives p = %.20s.",
             (unsigned long long)f->only_first, (unsigned long long)f->only_second,
             f->mcnemar_exact ? "exact, for fewer than 25 such records"
                              : "chi-square with continuity correction",
             ink__number(number, f->mcnemar_p, 4));
    ink__page_paragraph(page, text);
}

void ink__report_groups(ink__page *page, const ink__evaluation *e)
{
    static const char *const columns[] = {"group", "records", "value", "from", "to"};
    static const char *const gap_columns[] = {"metric", "best", "worst", "gap", "from", "to"};
    const ink_evaluation *f = &e->found;
    const size_t shown = f->n_groups < BARS_MAX ? f->n_groups : BARS_MAX;
    ink__bar bars[BARS_MAX];
    char text[300];
    for (size_t g = 0; g < shown; ++g) {
        const ink_estimate *m = &f->groups[g].metrics[0];
        bars[g] = (ink__bar){*f->groups[g].name ? f->groups[g].name : "(none)", m->value, m->low, m->high};
    }
    snprintf(text, sizeof text, "Groups by %.200s", f->slice);
    ink__page_heading(page, text);
    if (f->kind != INK_ACTIVATION_NONE) {
        snprintf(text, sizeof text, "%s by group", f->metrics[0].title);
        ink__chart_bars(page, text, "with 95% intervals", bars, shown);
    }
    ink__page_table(page, f->metrics[0].title, columns, 5, 1);
    for (size_t g = 0; g < f->n_groups; ++g) {
        const ink_group *group = &f->groups[g];
        const char *name = *group->name ? group->name : "(none)";
        ink__page_row(page);
        ink__page_cell_text(page, name, strlen(name));
        ink__page_cell_count(page, group->records);
        ink__page_cell_number(page, group->metrics[0].value, 4);
        ink__page_cell_number(page, group->metrics[0].low, 4);
        ink__page_cell_number(page, group->metrics[0].high, 4);
    }
    ink__page_table_end(page);
    ink__page_table(page, "gaps between the best and the worst group", gap_columns, 6, 3);
    for (size_t k = 0; k < f->n_metrics; ++k) {
        const ink_gap *gap = &f->gaps[k];
        if (!gap->best)
            continue;
        ink__page_row(page);
        ink__page_cell_text(page, f->metrics[k].title, strlen(f->metrics[k].title));
        ink__page_cell_text(page, gap->best, strlen(gap->best));
        ink__page_cell_text(page, gap->worst, strlen(gap->worst));
        ink__page_cell_number(page, gap->gap.value, 4);
        ink__page_cell_number(page, gap->gap.low, 4);
        ink__page_cell_number(page, gap->gap.high, 4);
    }
    ink__page_table_end(page);
    snprintf(text, sizeof text,
             "Only groups of %d records or more are compared. The two of a gap were picked for being apart: "
             "among many groups, two differ by chance alone.",
             INK_GROUP_RECORDS);
    ink__page_note(page, text);
}

/* ---- mistakes -------------------------------------------------------------------------------------- */

static void scored_label(ink__page *page, const char *label, double score, bool *first)
{
    ink__page_html(page, *first ? "<b><bdi>" : ", <b><bdi>");
    ink__page_string(page, label);
    ink__page_html(page, "</bdi></b> ");
    ink__page_number(page, score, 3);
    *first = false;
}

static void label_set(ink__page *page, const ink__evaluation *e, size_t i, bool given)
{
    const ink__judged *j = &e->input.judged;
    bool first = true;
    for (size_t c = 0; c < j->C; ++c)
        if (given ? e->metrics->given[i * j->C + c] : j->truths[i * j->C + c])
            scored_label(page, e->input.labels[c], (double)j->scores[i * j->C + c], &first);
    if (first)
        ink__page_html(page, "<b>none</b>");
}

static void verdict(ink__page *page, const ink__evaluation *e, size_t i)
{
    const ink__judged *j = &e->input.judged;
    const float *scores = j->scores + i * j->C;
    bool first = true;
    ink__page_html(page, ": said ");
    if (j->kind == INK_ACTIVATION_NONE) {
        ink__page_number(page, (double)scores[0], 3);
        ink__page_html(page, ", true is ");
        ink__page_number(page, j->targets[i], 3);
        return;
    }
    if (j->kind == INK_ACTIVATION_SIGMOID) {
        label_set(page, e, i, true);
        ink__page_html(page, "; true is ");
        label_set(page, e, i, false);
        return;
    }
    const size_t said = (size_t)e->metrics->predicted[i], truth = (size_t)j->truth[i];
    scored_label(page, e->input.labels[said], (double)scores[said], &first);
    ink__page_html(page, "; true is ");
    first = true;
    scored_label(page, e->input.labels[truth], (double)scores[truth], &first);
}

static void shown_text(ink__page *page, const char *utf8, size_t len)
{
    size_t shown = len < TEXT_SHOWN ? len : TEXT_SHOWN;
    if (shown < len)
        shown = ink__utf8_valid_prefix(utf8, shown);
    ink__page_html(page, "<p dir=\"auto\">");
    ink__page_bytes(page, utf8, shown);
    ink__page_html(page, shown < len ? " \xE2\x80\xA6</p>\n" : "</p>\n");
}

void ink__report_mistakes(ink__page *page, const ink__evaluation *e)
{
    const ink__shown *all = e->input.shown;
    char text[160];
    if (!all || e->n_mistakes == 0)
        return;
    const size_t n = e->n_mistakes < MISTAKES_MAX ? e->n_mistakes : MISTAKES_MAX;
    ink__page_heading(page, e->found.kind == INK_ACTIVATION_NONE ? "Largest errors" : "Worst mistakes");
    if (e->found.kind == INK_ACTIVATION_NONE)
        snprintf(text, sizeof text, "The %zu largest of %zu.", n, e->n_mistakes);
    else
        snprintf(text, sizeof text,
                 "%zu of %zu, those first where the truth had the least of the score. Such a record may also "
                 "be labelled wrongly.",
                 n, e->n_mistakes);
    ink__page_note(page, text);
    for (size_t k = 0; k < n; ++k) {
        const size_t i = e->mistakes[k];
        const ink__shown *s = &all[i];
        ink__page_html(page, "<div class=\"mistake\"><p class=\"note\">");
        if (s->id_len > 1 && s->id[0] == '"') /* as people would write it */
            ink__page_bytes(page, s->id + 1, s->id_len - 2);
        else
            ink__page_bytes(page, s->id, s->id_len);
        verdict(page, e, i);
        ink__page_html(page, "</p>\n");
        shown_text(page, s->text, s->text_len);
        if (s->pair)
            shown_text(page, s->pair, s->pair_len);
        ink__page_html(page, "</div>\n");
    }
}

ink_status ink_evaluation_write_report(const ink_evaluation *evaluation, const char *path, const char *title,
                                       ink_error *err)
{
    ink__page page = {.status = INK_OK};
    if (!evaluation || !title)
        return ink_fail(err, INK_E_ARG, "the %s is NULL", evaluation ? "title" : "evaluation");
    ink__page_open(&page, title);
    ink__report_evaluation(&page, (const ink__evaluation *)evaluation);
    return ink__page_save(&page, path, err);
}
