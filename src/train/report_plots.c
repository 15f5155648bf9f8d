/* Charts with two axes: columns and lines. See report.h. */
#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LEFT = 64,
    TOP = 30,
    PLOT_W = 560,
    PLOT_H = 260,
    WIDTH = LEFT + PLOT_W + 24,
    HEIGHT = TOP + PLOT_H + 48,
    MARKS = 60 /* points of a line that are marked */
};

struct scale {
    double low, high, step;
    int decimals;
};

/* Round limits around low to high, about `ticks` steps of 1, 2 or 5 times a power of ten. */
static struct scale scale_around(double low, double high, double ticks)
{
    if (!(high > low)) {
        const double pad = low != 0 ? fabs(low) / 2 : 1;
        low -= pad, high += pad;
    }
    const double raw = (high - low) / ticks, power = pow(10, floor(log10(raw))), of = raw / power;
    const double step = power * (of < 1.5 ? 1 : of < 3.5 ? 2 : of < 7.5 ? 5 : 10);
    const double digits = -floor(log10(step) + 1e-9);
    return (struct scale){floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, step,
                          digits > 0 ? (int)digits : 0};
}

static double at_x(const struct scale *s, double x)
{
    return LEFT + PLOT_W * (x - s->low) / (s->high - s->low);
}

static double at_y(const struct scale *s, double y)
{
    return TOP + PLOT_H * (1 - (y - s->low) / (s->high - s->low));
}

/* A tick's name. Large and small ones as powers, so that they fit. */
static const char *tick(char text[INK__NUMBER_MAX], const struct scale *s, double value)
{
    const double most = fmax(fabs(s->low), fabs(s->high));
    if (fabs(value) < s->step / 2)
        return "0";
    if (most < 1e6 && s->step >= 1e-4)
        return ink__number(text, value, s->decimals);
    const double power = floor(log10(most)), mantissa = value / pow(10, power);
    char number[INK__NUMBER_MAX];
    snprintf(text, INK__NUMBER_MAX, "%.12se%d", ink__number(number, mantissa, 1), (int)power);
    return text;
}

static void axes(ink__page *page, const struct scale *x, const struct scale *y, const char *x_title,
                 const char *y_title)
{
    char text[INK__NUMBER_MAX];
    /* Whole steps are counted, not added up: limits are multiples of the step. */
    const int ny = (int)lround((y->high - y->low) / y->step), nx = (int)lround((x->high - x->low) / x->step);
    for (int i = 0; i <= ny; ++i) {
        const double v = y->low + i * y->step, at = at_y(y, v);
        ink__svg_line(page, i ? "grid" : "axis", LEFT, at, LEFT + PLOT_W, at);
        ink__svg_text(page, LEFT - 8, at + 4, "end", tick(text, y, v), 12);
    }
    for (int i = 0; i <= nx; ++i) {
        const double v = x->low + i * x->step, at = at_x(x, v);
        ink__svg_line(page, "axis", at, TOP + PLOT_H, at, TOP + PLOT_H + 5);
        ink__svg_text(page, at, TOP + PLOT_H + 19, "middle", tick(text, x, v), 12);
    }
    ink__page_html(page, "<g class=\"soft\">");
    ink__svg_text(page, LEFT + PLOT_W / 2.0, TOP + PLOT_H + 40, "middle", x_title, 80);
    ink__svg_text(page, 4, TOP - 14, "start", y_title, 40);
    ink__page_html(page, "</g>\n");
}

/* ---- columns --------------------------------------------------------------------------------------- */

static void draw_columns(ink__page *page, const ink__columns *c, const struct scale *x, const struct scale *y)
{
    static const char *const classes[INK__SERIES_MAX] = {"s0", "s1", "s2", "s3"};
    const double width = (c->to - c->from) / (double)c->n;
    for (size_t i = 0; i < c->n; ++i) {
        const double left = at_x(x, c->from + (double)i * width) + 1,
                     right = at_x(x, c->from + (double)(i + 1) * width) - 1;
        const double each = (right - left) / (double)c->n_series;
        for (size_t s = 0; s < c->n_series; ++s) {
            const double v = c->values[s][i];
            if (!isfinite(v) || v <= 0)
                continue;
            char tip[2 * INK__NUMBER_MAX], number[INK__NUMBER_MAX];
            snprintf(tip, sizeof tip, "%.60s: %s", c->names[s],
                     ink__number(number, v, v == floor(v) && v >= 1 ? 0 : 3));
            ink__svg_rect(page, classes[s], left + each * (double)s, at_y(y, v), each,
                          at_y(y, 0) - at_y(y, v), tip);
        }
    }
}

static void draw_dot(ink__page *page, const char *class_name, double x, double y, double radius)
{
    ink__page_html(page, "<circle class=\"");
    ink__page_html(page, class_name);
    ink__page_html(page, "\"");
    ink__svg_attribute(page, "cx", x);
    ink__svg_attribute(page, "cy", y);
    ink__svg_attribute(page, "r", radius);
    ink__page_html(page, "/>\n");
}

/* What columns, dots and the dashed line are. */
static void columns_legend(ink__page *page, const ink__columns *c)
{
    const double y = TOP - 12;
    if (c->n_series < 2 && !c->points)
        return;
    double x = ink__svg_legend(page, LEFT + (c->points ? 110 : 220), y, c->names, c->n_series);
    if (c->points) {
        draw_dot(page, "dot", x + 5, y - 4, 3.5);
        ink__svg_text(page, x + 15, y, "start", c->points_name, 30);
        x += 40 + 6.6 * (double)strlen(c->points_name);
    }
    if (c->points && c->diagonal) {
        ink__svg_line(page, "guide", x, y - 4, x + 20, y - 4);
        ink__svg_text(page, x + 26, y, "start", c->diagonal, 30);
    }
}

void ink__chart_columns(ink__page *page, const ink__columns *c)
{
    double most = c->diagonal ? c->to : 0;
    for (size_t s = 0; s < c->n_series; ++s)
        for (size_t i = 0; i < c->n; ++i)
            most = fmax(most, c->values[s][i]); /* fmax takes the other of a NaN */
    const struct scale x = scale_around(c->from, c->to, 5), y = scale_around(0, most, 5);
    ink__svg_open(page, c->title, c->about, WIDTH, HEIGHT);
    axes(page, &x, &y, c->x_title, c->y_title);
    draw_columns(page, c, &x, &y);
    if (c->diagonal)
        ink__svg_line(page, "guide", at_x(&x, c->from), at_y(&y, c->from), at_x(&x, c->to), at_y(&y, c->to));
    for (size_t i = 0; c->points && i < c->n; ++i)
        if (isfinite(c->points[i]) && isfinite(c->values[0][i]))
            draw_dot(page, "dot", at_x(&x, c->points[i]), at_y(&y, c->values[0][i]), 3.5);
    columns_legend(page, c);
    ink__svg_close(page);
}

/* ---- lines ----------------------------------------------------------------------------------------- */

static bool known(const ink__line *l, size_t i)
{
    return isfinite(l->x[i]) && isfinite(l->y[i]);
}

static void draw_line(ink__page *page, const ink__line *l, size_t series, bool dots, const struct scale *x,
                      const struct scale *y)
{
    static const char *const fills[INK__SERIES_MAX] = {"s0", "s1", "s2", "s3"};
    static const char *const strokes[INK__SERIES_MAX] = {"l0", "l1", "l2", "l3"};
    size_t drawn = 0;
    if (!dots) {
        ink__page_html(page, "<polyline class=\"");
        ink__page_html(page, strokes[series]);
        ink__page_html(page, "\" points=\"");
        for (size_t i = 0; i < l->n; ++i) {
            if (!known(l, i))
                continue;
            ink__page_html(page, drawn++ ? " " : "");
            ink__page_number(page, at_x(x, l->x[i]), 1);
            ink__page_html(page, ",");
            ink__page_number(page, at_y(y, l->y[i]), 1);
        }
        ink__page_html(page, "\"/>\n");
    }
    if (!dots && drawn > MARKS) /* marks would hide the line */
        return;
    if (dots)
        ink__page_html(page, "<g opacity=\"0.5\">");
    for (size_t i = 0; i < l->n; ++i)
        if (known(l, i))
            draw_dot(page, fills[series], at_x(x, l->x[i]), at_y(y, l->y[i]), 3);
    if (dots)
        ink__page_html(page, "</g>\n");
}

void ink__chart_lines(ink__page *page, const ink__lines *lines)
{
    const size_t n_lines = lines->n_lines < INK__SERIES_MAX ? lines->n_lines : INK__SERIES_MAX;
    double x_low = INFINITY, x_high = -INFINITY, y_low = lines->from_zero ? 0 : INFINITY, y_high = -INFINITY;
    const char *names[INK__SERIES_MAX];
    for (size_t s = 0; s < n_lines; ++s) {
        const ink__line *l = &lines->lines[s];
        names[s] = l->name;
        for (size_t i = 0; i < l->n; ++i)
            if (known(l, i)) {
                x_low = fmin(x_low, l->x[i]), x_high = fmax(x_high, l->x[i]);
                y_low = fmin(y_low, l->y[i]), y_high = fmax(y_high, l->y[i]);
            }
    }
    if (x_low > x_high) /* nothing to draw */
        x_low = 0, x_high = 1, y_low = 0, y_high = 1;
    if (lines->level_name && isfinite(lines->level))
        y_low = fmin(y_low, lines->level), y_high = fmax(y_high, lines->level);
    if (lines->diagonal) {
        x_low = y_low = fmin(x_low, y_low);
        x_high = y_high = fmax(x_high, y_high);
    }
    const struct scale x = scale_around(x_low, x_high, 6), y = scale_around(y_low, y_high, 5);
    ink__svg_open(page, lines->title, lines->about, WIDTH, HEIGHT);
    axes(page, &x, &y, lines->x_title, lines->y_title);
    if (lines->diagonal) {
        const double low = fmax(x.low, y.low), high = fmin(x.high, y.high);
        ink__svg_line(page, "guide", at_x(&x, low), at_y(&y, low), at_x(&x, high), at_y(&y, high));
    }
    if (lines->level_name && isfinite(lines->level)) {
        const double at = at_y(&y, lines->level);
        ink__svg_line(page, "guide", LEFT, at, LEFT + PLOT_W, at);
        /* Above the line; below it at the top of the plot. */
        ink__svg_text(page, LEFT + PLOT_W - 4, at < TOP + 20 ? at + 14 : at - 5, "end", lines->level_name,
                      60);
    }
    for (size_t s = 0; s < n_lines; ++s)
        draw_line(page, &lines->lines[s], s, lines->dots, &x, &y);
    if (n_lines > 1)
        ink__svg_legend(page, LEFT + 220, TOP - 12, names, n_lines);
    ink__svg_close(page);
}
