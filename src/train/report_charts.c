/* Charts of labels: bars and the confusion matrix; and the SVG that all charts are made of. See report.h. */
#include "train/report.h"
#include "core/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- SVG ------------------------------------------------------------------------------------------- */

void ink__svg_attribute(ink__page *page, const char *name, double value)
{
    ink__page_html(page, " ");
    ink__page_html(page, name);
    ink__page_html(page, "=\"");
    ink__page_number(page, value, 1);
    ink__page_html(page, "\"");
}

/* id="NAMEn", n being the chart's number. */
static void numbered(ink__page *page, const char *before, const char *after)
{
    ink__page_html(page, before);
    ink__page_count(page, page->charts);
    ink__page_html(page, after);
}

void ink__svg_open(ink__page *page, const char *title, const char *about, double width, double height)
{
    ++page->charts;
    ink__page_html(page, "<figure><figcaption>");
    ink__page_string(page, title);
    ink__page_html(page, "<small>");
    ink__page_string(page, about);
    ink__page_html(page, "</small></figcaption>\n<svg role=\"img\"");
    ink__svg_attribute(page, "width", width);
    ink__svg_attribute(page, "height", height);
    ink__page_html(page, " viewBox=\"0 0 ");
    ink__page_number(page, width, 1);
    ink__page_html(page, " ");
    ink__page_number(page, height, 1);
    numbered(page, "\" aria-labelledby=\"t", "");
    numbered(page, " d", "\">");
    numbered(page, "<title id=\"t", "\">");
    ink__page_string(page, title);
    numbered(page, "</title><desc id=\"d", "\">");
    ink__page_string(page, about);
    ink__page_html(page, "</desc>\n");
}

void ink__svg_close(ink__page *page)
{
    ink__page_html(page, "</svg></figure>\n");
}

static size_t columns_of(const char *utf8)
{
    const unsigned char *p = (const unsigned char *)utf8, *end = p + strlen(utf8);
    size_t columns = 0;
    while (p < end) {
        uint32_t cp;
        p += ink__utf8_decode(&cp, p, end);
        columns += cp >= 0x1100 ? 2 : 1;
    }
    return columns;
}

/* Bytes of the longest beginning of `utf8` that is at most `room` columns wide. */
static size_t fitting(const char *utf8, size_t len, size_t room)
{
    const unsigned char *p = (const unsigned char *)utf8, *end = p + len;
    size_t columns = 0;
    while (p < end) {
        uint32_t cp;
        const size_t used = ink__utf8_decode(&cp, p, end);
        columns += cp >= 0x1100 ? 2 : 1;
        if (columns > room)
            break;
        p += used;
    }
    return (size_t)(p - (const unsigned char *)utf8);
}

void ink__svg_text(ink__page *page, double x, double y, const char *anchor, const char *utf8, size_t room)
{
    const size_t len = strlen(utf8);
    size_t shown = fitting(utf8, len, room);
    if (shown < len)
        shown = fitting(utf8, len, room - 1);
    ink__page_html(page, "<text");
    ink__svg_attribute(page, "x", x);
    ink__svg_attribute(page, "y", y);
    ink__page_html(page, " text-anchor=\"");
    ink__page_html(page, anchor);
    ink__page_html(page, "\">");
    if (shown < len) {
        ink__page_html(page, "<title>");
        ink__page_string(page, utf8);
        ink__page_html(page, "</title>");
    }
    ink__page_bytes(page, utf8, shown);
    ink__page_html(page, shown < len ? "\xE2\x80\xA6</text>\n" : "</text>\n");
}

void ink__svg_line(ink__page *page, const char *class_name, double x1, double y1, double x2, double y2)
{
    ink__page_html(page, "<line class=\"");
    ink__page_html(page, class_name);
    ink__page_html(page, "\"");
    ink__svg_attribute(page, "x1", x1);
    ink__svg_attribute(page, "y1", y1);
    ink__svg_attribute(page, "x2", x2);
    ink__svg_attribute(page, "y2", y2);
    ink__page_html(page, "/>\n");
}

void ink__svg_rect(ink__page *page, const char *class_name, double x, double y, double width, double height,
                   const char *tip)
{
    ink__page_html(page, "<rect class=\"");
    ink__page_html(page, class_name);
    ink__page_html(page, "\"");
    ink__svg_attribute(page, "x", x);
    ink__svg_attribute(page, "y", y);
    ink__svg_attribute(page, "width", width);
    ink__svg_attribute(page, "height", height);
    if (!tip) {
        ink__page_html(page, "/>\n");
        return;
    }
    ink__page_html(page, "><title>");
    ink__page_string(page, tip);
    ink__page_html(page, "</title></rect>\n");
}

double ink__svg_legend(ink__page *page, double x, double y, const char *const *names, size_t n)
{
    static const char *const classes[INK__SERIES_MAX] = {"s0", "s1", "s2", "s3"};
    for (size_t i = 0; i < n && i < INK__SERIES_MAX; ++i) {
        ink__svg_rect(page, classes[i], x, y - 9, 10, 10, NULL);
        ink__svg_text(page, x + 15, y, "start", names[i], 30);
        x += 40 + 6.6 * (double)(strlen(names[i]) < 30 ? strlen(names[i]) : 30);
    }
    return x;
}

/* ---- bars ------------------------------------------------------------------------------------------ */

void ink__chart_bars(ink__page *page, const char *title, const char *about, const ink__bar *bars, size_t n)
{
    enum { LEFT = 190, PLOT = 460, ROW = 22, TOP = 8 };
    const double bottom = TOP + (double)n * ROW;
    char text[INK__NUMBER_MAX];
    ink__svg_open(page, title, about, LEFT + PLOT + 70, bottom + 26);
    for (int i = 0; i <= 4; ++i) {
        const double x = LEFT + PLOT * 0.25 * i;
        ink__svg_line(page, i ? "grid" : "axis", x, TOP, x, bottom);
        ink__svg_text(page, x, bottom + 16, "middle", ink__number(text, 0.25 * i, 2), 8);
    }
    for (size_t i = 0; i < n; ++i) {
        const ink__bar *b = &bars[i];
        const double y = TOP + (double)i * ROW, middle = y + ROW / 2.0;
        ink__svg_text(page, LEFT - 8, middle + 4, "end", b->label, 26);
        if (isfinite(b->value))
            ink__svg_rect(page, "bar", LEFT, y + 4, PLOT * fmin(1, fmax(0, b->value)), ROW - 8, NULL);
        if (isfinite(b->low) && isfinite(b->high)) {
            const double from = LEFT + PLOT * fmax(0, b->low), to = LEFT + PLOT * fmin(1, b->high);
            ink__svg_line(page, "whisker", from, middle, to, middle);
            ink__svg_line(page, "whisker", from, middle - 4, from, middle + 4);
            ink__svg_line(page, "whisker", to, middle - 4, to, middle + 4);
        }
        ink__svg_text(page, LEFT + PLOT + 60, middle + 4, "end", ink__number(text, b->value, 3), 10);
    }
    ink__svg_close(page);
}

/* ---- the confusion matrix -------------------------------------------------------------------------- */

static void matrix_cell(ink__page *page, double x, double y, double size, uint64_t count, uint64_t row,
                        const char *tip)
{
    const double share = row ? (double)count / (double)row : 0;
    ink__page_html(page, "<g>");
    ink__svg_rect(page, "empty", x, y, size - 2, size - 2, tip);
    if (count > 0) {
        char number[INK__NUMBER_MAX];
        ink__page_html(page, "<rect class=\"cell\" pointer-events=\"none\" opacity=\"");
        /* A single record in a thousand shall still be seen. */
        ink__page_html(page, ink__number(number, 0.08 + 0.92 * share, 3));
        ink__page_html(page, "\"");
        ink__svg_attribute(page, "x", x);
        ink__svg_attribute(page, "y", y);
        ink__svg_attribute(page, "width", size - 2);
        ink__svg_attribute(page, "height", size - 2);
        ink__page_html(page, "/>");
        ink__page_html(page, share > 0.55 ? "<g style=\"--ink:#fff\" pointer-events=\"none\">"
                                          : "<g pointer-events=\"none\">");
        snprintf(number, sizeof number, "%llu", (unsigned long long)count);
        if (strlen(number) * 7.5 < size)
            ink__svg_text(page, x + size / 2 - 1, y + size / 2 + 3, "middle", number, 20);
        ink__page_html(page, "</g>");
    }
    ink__page_html(page, "</g>\n");
}

void ink__chart_matrix(ink__page *page, const char *title, const char *about, const uint64_t *counts,
                       const char *const *labels, size_t C)
{
    enum { LEFT = 190, NAME = 22 }; /* columns of a name that leans */
    const double size = C <= 4 ? 72 : C <= 10 ? 48 : C <= 16 ? 34 : 24, side = size * (double)C;
    size_t longest = 0;
    for (size_t c = 0; c < C; ++c)
        longest = columns_of(labels[c]) > longest ? columns_of(labels[c]) : longest;
    /* A character is about 6.8 wide and rises by its sine of 45 degrees. */
    const double rise = 4.8 * (double)(longest < NAME ? longest : NAME), top = 30 + rise;
    ink__svg_open(page, title, about, LEFT + side + rise, top + side + 10);
    ink__page_html(page, "<g class=\"soft\">");
    ink__svg_text(page, LEFT - 8, top - 10, "end", "truth \xE2\x86\x93   prediction \xE2\x86\x92", 40);
    ink__page_html(page, "</g>");
    for (size_t c = 0; c < C; ++c) {
        /* Column names lean to the right: they are as long as the rows' names. */
        ink__page_html(page, "<g transform=\"translate(");
        ink__page_number(page, LEFT + size * ((double)c + 0.5), 1);
        ink__page_html(page, " ");
        ink__page_number(page, top - 8, 1);
        ink__page_html(page, ") rotate(-45)\">");
        ink__svg_text(page, 0, 0, "start", labels[c], NAME);
        ink__page_html(page, "</g>");
    }
    for (size_t t = 0; t < C; ++t) {
        const double y = top + size * (double)t;
        uint64_t row = 0;
        for (size_t c = 0; c < C; ++c)
            row += counts[t * C + c];
        ink__svg_text(page, LEFT - 8, y + size / 2 + 3, "end", labels[t], 26);
        for (size_t c = 0; c < C; ++c) {
            char tip[400];
            snprintf(tip, sizeof tip, "%.120s taken for %.120s: %llu of %llu", labels[t], labels[c],
                     (unsigned long long)counts[t * C + c], (unsigned long long)row);
            tip[ink__utf8_valid_prefix(tip, strlen(tip))] = '\0';
            matrix_cell(page, LEFT + size * (double)c, y, size, counts[t * C + c], row, tip);
        }
    }
    ink__svg_close(page);
}
