/* The table of `inkling evaluate`: see evaluate_table.h. */
#include "evaluate_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_WIDTH = 28, /* columns of a label */
    LABELS_MAX = 20,     /* rows of the table of labels; --json and --report have all */
    MATRIX_MAX = 10,
    CONFUSIONS_MAX = 10
};

/* ---- columns --------------------------------------------------------------------------------------- */

/* The character at p: its bytes, and in *width the columns it takes on a terminal. */
static size_t character(size_t *width, const unsigned char *p)
{
    size_t n = 1;
    while ((p[n] & 0xC0) == 0x80)
        ++n;
    /* From U+1100 on most scripts in use are wide; U+2000 to U+2FFF (dashes, arrows) are not. */
    *width = p[0] >= 0xE3 || (p[0] == 0xE1 && p[1] >= 0x84) ? 2 : 1;
    return n;
}

static size_t full_width(const char *text)
{
    size_t total = 0, width;
    for (const unsigned char *p = (const unsigned char *)text; *p; total += width)
        p += character(&width, p);
    return total;
}

static size_t width_of(const char *name)
{
    const size_t width = full_width(name);
    return width < NAME_MAX_WIDTH ? width : NAME_MAX_WIDTH;
}

/* The name in exactly `columns` columns, cut with an ellipsis; control characters, which could steer the
 * terminal, as question marks. */
static void put_name(const char *name, size_t columns)
{
    const unsigned char *p = (const unsigned char *)name;
    size_t used = 0, width;
    const size_t room = full_width(name) > columns ? columns - 1 : columns;
    while (*p) {
        const size_t n = character(&width, p);
        if (used + width > room)
            break;
        if (*p < 0x20 || *p == 0x7f || (*p == 0xC2 && p[1] < 0xA0))
            putchar('?');
        else
            fwrite(p, 1, n, stdout);
        p += n, used += width;
    }
    if (*p) {
        fputs("\xE2\x80\xA6", stdout);
        ++used;
    }
    while (used++ < columns)
        putchar(' ');
}

/* Without "-0.0000". */
static double rounded(double x)
{
    return fabs(x) < 0.00005 ? 0 : x;
}

static void put_number(double x, int width, int decimals)
{
    if (isnan(x))
        printf("%*s", width, "-");
    else
        printf("%*.*f", width, decimals, rounded(x));
}

/* "  0.8979 to 0.9346" -- or as much room. */
static void put_interval(double low, double high)
{
    if (isnan(low) || isnan(high))
        printf("  %-16s", "-");
    else
        printf("  %.4f to %.4f", rounded(low), rounded(high));
}

/* ---- parts ----------------------------------------------------------------------------------------- */

static void put_metrics(const ink_evaluation *e)
{
    printf("%-22s%9s  %s\n", "", "value", "95% interval");
    for (size_t k = 0; k < e->n_metrics; ++k) {
        const ink_metric *m = &e->metrics[k];
        printf("%-22s", m->title);
        put_number(m->estimate.value, 9, 4);
        put_interval(m->estimate.low, m->estimate.high);
        if (k == 0 && e->baseline_label) {
            printf("   always saying \"");
            put_name(e->baseline_label, width_of(e->baseline_label));
            printf("\": %.4f", e->baseline);
        } else if (k == 0 && !isnan(e->baseline)) {
            printf("   always saying the mean: %.4f", e->baseline);
        } else if (m->less_is_better) {
            printf("   less is better");
        }
        putchar('\n');
    }
}

static int worst_first(const void *a, const void *b)
{
    const ink_label_result *x = *(const ink_label_result *const *)a, *y = *(const ink_label_result *const *)b;
    if (x->f1.value != y->f1.value)
        return x->f1.value < y->f1.value ? -1 : 1;
    return x < y ? -1 : 1;
}

static void put_calibration(const ink_evaluation *e)
{
    const struct {
        const char *name;
        const ink_estimate *estimate;
    } rows[] = {{"log loss at T = 1", &e->uncalibrated_log_loss},
                {"ECE at T = 1", &e->uncalibrated_ece},
                {"coverage: decided", &e->coverage},
                {"risk: wrong of these", &e->risk}};
    const bool rule = e->calibration->max_error > 0;
    printf("\ncalibrated with a temperature of %.4f", e->calibration->temperature);
    if (rule)
        printf(" and an abstain rule for at most %g wrong", e->calibration->max_error);
    putchar('\n');
    for (size_t i = 0; i < (rule ? 4u : 2u); ++i) {
        printf("%-22s", rows[i].name);
        put_number(rows[i].estimate->value, 9, 4);
        put_interval(rows[i].estimate->low, rows[i].estimate->high);
        if (i == 2)
            printf("   %llu records", (unsigned long long)e->decided);
        if (i == 3)
            printf("   %llu records", (unsigned long long)e->decided_wrong);
        putchar('\n');
    }
}

static size_t widest(const ink_evaluation *e)
{
    size_t width = 5;
    for (size_t c = 0; c < e->n_labels; ++c)
        width = width_of(e->labels[c].label) > width ? width_of(e->labels[c].label) : width;
    return width;
}

static void put_labels(const ink_evaluation *e)
{
    const size_t width = widest(e), shown = e->n_labels < LABELS_MAX ? e->n_labels : LABELS_MAX;
    const ink_label_result **order = malloc(e->n_labels * sizeof *order);
    if (!order)
        return;
    for (size_t c = 0; c < e->n_labels; ++c)
        order[c] = &e->labels[c];
    qsort(order, e->n_labels, sizeof *order, worst_first);
    putchar('\n');
    put_name("label", width);
    printf("%9s%8s%8s%11s%8s%8s  %s\n", "records", "given", "right", "precision", "recall", "F1",
           "95% interval");
    for (size_t i = 0; i < shown; ++i) {
        const ink_label_result *l = order[i];
        put_name(l->label, width);
        printf("%9llu%8llu%8llu%11.4f%8.4f%8.4f", (unsigned long long)l->records,
               (unsigned long long)l->given, (unsigned long long)l->right, l->precision, l->recall,
               l->f1.value);
        put_interval(l->f1.low, l->f1.high);
        putchar('\n');
    }
    if (shown < e->n_labels)
        printf("the %zu worst of %zu labels; --json and --report have all\n", shown, e->n_labels);
    free(order);
}

static void put_matrix(const ink_evaluation *e)
{
    const size_t C = e->n_labels, width = widest(e);
    int columns[MATRIX_MAX];
    printf("\ntruth down, prediction across\n");
    put_name("", width);
    for (size_t c = 0; c < C; ++c) {
        uint64_t most = 0;
        char digits[24];
        for (size_t t = 0; t < C; ++t)
            most = e->confusion[t * C + c] > most ? e->confusion[t * C + c] : most;
        const size_t number = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)most);
        size_t name = width_of(e->labels[c].label);
        name = name > 12 ? 12 : name;
        columns[c] = (int)(name > number ? name : number);
        printf("  %*s", columns[c] - (int)name, "");
        put_name(e->labels[c].label, name);
    }
    putchar('\n');
    for (size_t t = 0; t < C; ++t) {
        put_name(e->labels[t].label, width);
        for (size_t c = 0; c < C; ++c)
            printf("  %*llu", columns[c], (unsigned long long)e->confusion[t * C + c]);
        putchar('\n');
    }
}

/* The most frequent confusions, by looking for the next smaller one each time: ten passes. */
static void put_confusions(const ink_evaluation *e)
{
    const size_t C = e->n_labels, width = widest(e);
    uint64_t last = UINT64_MAX;
    size_t last_at = 0, shown = 0;
    while (shown < CONFUSIONS_MAX) {
        uint64_t most = 0;
        size_t at = 0;
        for (size_t i = 0; i < C * C; ++i) {
            const uint64_t n = e->confusion[i];
            if (i / C == i % C || n > last || (n == last && i <= last_at))
                continue;
            if (n > most)
                most = n, at = i;
        }
        if (most == 0)
            break;
        if (shown++ == 0) {
            putchar('\n');
            put_name("truth", width);
            printf("  ");
            put_name("taken for", width);
            printf("%9s\n", "records");
        }
        put_name(e->labels[at / C].label, width);
        printf("  ");
        put_name(e->labels[at % C].label, width);
        printf("%9llu of %llu\n", (unsigned long long)most, (unsigned long long)e->labels[at / C].records);
        last = most, last_at = at;
    }
}

static void put_groups(const ink_evaluation *e)
{
    size_t width = 6;
    for (size_t g = 0; g < e->n_groups; ++g)
        width = width_of(e->groups[g].name) > width ? width_of(e->groups[g].name) : width;
    printf("\ngroups by ");
    put_name(e->slice, width_of(e->slice));
    putchar('\n');
    put_name("", width);
    printf("%9s%10s  %s\n", "records", e->metrics[0].title, "95% interval");
    for (size_t g = 0; g < e->n_groups; ++g) {
        const ink_group *group = &e->groups[g];
        put_name(*group->name ? group->name : "(none)", width);
        printf("%9llu", (unsigned long long)group->records);
        put_number(group->metrics[0].value, 10, 4);
        put_interval(group->metrics[0].low, group->metrics[0].high);
        putchar('\n');
    }
    if (!e->gaps[0].best) {
        printf("no gap: fewer than two groups have %d records\n", INK_GROUP_RECORDS);
        return;
    }
    printf("gap in %s between ", e->metrics[0].title);
    put_name(e->gaps[0].best, width_of(e->gaps[0].best));
    printf(" and ");
    put_name(e->gaps[0].worst, width_of(e->gaps[0].worst));
    printf(": %.4f", e->gaps[0].gap.value);
    put_interval(e->gaps[0].gap.low, e->gaps[0].gap.high);
    printf("\n(of groups of %d records or more; picked for being the largest)\n", INK_GROUP_RECORDS);
}

void evaluate_comparison(const ink_evaluation *e, const char *first, const char *second)
{
    printf("\nfirst: %s; second: %s\n%-22s%9s%9s%12s  %-17s%7s\n", first, second, "", "first", "second",
           "difference", "95% interval", "p");
    for (size_t k = 0; k < e->n_metrics; ++k) {
        const ink_difference *d = &e->differences[k];
        char interval[64] = "-";
        if (!isnan(d->low))
            snprintf(interval, sizeof interval, "%.4f to %.4f", rounded(d->low), rounded(d->high));
        printf("%-22s", e->metrics[k].title);
        put_number(d->first, 9, 4);
        put_number(d->second, 9, 4);
        put_number(d->value, 12, 4);
        printf("  %-17s", interval);
        put_number(d->p, 7, 3);
        putchar('\n');
    }
    char p[24] = "< 0.0001";
    if (!(e->mcnemar_p < 0.0001))
        snprintf(p, sizeof p, "= %.4f", e->mcnemar_p);
    if (!isnan(e->mcnemar_p))
        printf("only the first is right on %llu, only the second on %llu; McNemar's test (%s): p %s\n",
               (unsigned long long)e->only_first, (unsigned long long)e->only_second,
               e->mcnemar_exact ? "exact" : "chi-square", p);
}

void evaluate_table(const ink_evaluation *e, const char *model, const char *compared)
{
    printf("%llu record%s, %s\n\n", (unsigned long long)e->records, e->records == 1 ? "" : "s", model);
    put_metrics(e);
    if (e->calibration)
        put_calibration(e);
    if (e->n_labels)
        put_labels(e);
    if (e->confusion && e->n_labels <= MATRIX_MAX)
        put_matrix(e);
    else if (e->confusion)
        put_confusions(e);
    if (e->gaps)
        put_groups(e);
    if (e->differences)
        evaluate_comparison(e, "this model", compared);
    for (size_t i = 0; i < e->n_warnings; ++i) {
        printf("%s! ", i ? "" : "\n");
        put_name(e->warnings[i], full_width(e->warnings[i]));
        putchar('\n');
    }
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : NAN;
}

static int most_records_first(const void *a, const void *b)
{
    const ink_label_threshold *x = *(const ink_label_threshold *const *)a;
    const ink_label_threshold *y = *(const ink_label_threshold *const *)b;
    if (x->records != y->records)
        return x->records > y->records ? -1 : 1;
    return x < y ? -1 : 1;
}

void evaluate_thresholds(const ink_label_threshold *labels, size_t n)
{
    const ink_label_threshold **order = malloc(n * sizeof *order);
    size_t width = 5;
    if (!order || n == 0) {
        free(order);
        return;
    }
    for (size_t c = 0; c < n; ++c) {
        order[c] = &labels[c];
        width = width_of(labels[c].label) > width ? width_of(labels[c].label) : width;
    }
    qsort(order, n, sizeof *order, most_records_first);
    printf("\nthresholds, and what they do on the very records that they were chosen on\n");
    put_name("label", width);
    printf("%11s%9s%8s%8s%11s%8s\n", "threshold", "records", "given", "right", "precision", "recall");
    for (size_t i = 0; i < n && i < LABELS_MAX; ++i) {
        const ink_label_threshold *t = order[i];
        put_name(t->label, width);
        printf("%11.6f%9llu%8llu%8llu", (double)t->threshold, (unsigned long long)t->records,
               (unsigned long long)t->given, (unsigned long long)t->right);
        put_number(ratio(t->right, t->given), 11, 4);
        put_number(ratio(t->right, t->records), 8, 4);
        printf("%s\n", !t->records  ? "  no record has it: 0.5"
                       : t->reached ? ""
                       : t->given   ? "  not reached"
                                    : "  not reached: never given");
    }
    if (n > LABELS_MAX)
        printf("the %d most frequent of %zu labels; inkling_calibration.json has all\n", LABELS_MAX, n);
    free(order);
}
