/* Reports: one HTML page that needs nothing else, neither script nor font nor network, with charts drawn as
 * SVG. It follows the reader's light or dark setting, prints, and has a title and a table beside every chart.
 * Text from outside is escaped wherever it goes.
 *
 * Calls on a page do nothing once one of them has failed; ink__page_save tells. Numbers do not depend on the
 * locale. */
#ifndef INK_TRAIN_REPORT_H
#define INK_TRAIN_REPORT_H

#include "io/jsontext.h"

typedef struct ink__page {
    ink__text text;
    size_t charts; /* drawn so far: names for the SVG's titles */
    bool in_row;   /* of a table */
    ink_status status;
    ink_error error;
} ink__page; /* starts as {0} */

/* ---- the page (report_page.c) ---- */

void ink__page_open(ink__page *page, const char *title);

/* Ends the page and writes it: whole or not at all, NULL or "-" to standard output. Frees the page in every
 * case. */
ink_status ink__page_save(ink__page *page, const char *path, ink_error *err);
void ink__page_free(ink__page *page);

void ink__page_html(ink__page *page, const char *html); /* as it is */
void ink__page_bytes(ink__page *page, const char *utf8,
                     size_t len);                         /* escaped; control characters as U+FFFD */
void ink__page_string(ink__page *page, const char *utf8); /* the same, terminated */
void ink__page_count(ink__page *page, uint64_t n);        /* 1,234,567 */
void ink__page_number(ink__page *page, double value, int decimals); /* a dash for what is undefined */
void ink__page_heading(ink__page *page, const char *title);
void ink__page_paragraph(ink__page *page, const char *text);
void ink__page_note(ink__page *page, const char *text); /* small print */

/* A table: its columns' names, the first `words` of which hold words and the others numbers. Then cells, row
 * after row. */
void ink__page_table(ink__page *page, const char *caption, const char *const *columns, size_t n,
                     size_t words);
void ink__page_row(ink__page *page); /* begins a row; the first cell after it is the row's heading */
void ink__page_cell_text(ink__page *page, const char *utf8, size_t len);
void ink__page_cell_count(ink__page *page, uint64_t n);
void ink__page_cell_number(ink__page *page, double value, int decimals);
void ink__page_table_end(ink__page *page);

/* What a chart has no room to say, folded away: between the two comes a table. */
void ink__page_fold(ink__page *page, const char *summary);
void ink__page_fold_end(ink__page *page);

/* ---- charts (report_charts.c, report_plots.c) ---- */

/* Bars from 0 to 1 with a whisker where low and high are known, in the order given. */
typedef struct ink__bar {
    const char *label;
    double value, low, high; /* NaN: no bar, no whisker */
} ink__bar;
void ink__chart_bars(ink__page *page, const char *title, const char *about, const ink__bar *bars, size_t n);

/* counts [C,C], row by row; a cell's shade is its share of the row. */
void ink__chart_matrix(ink__page *page, const char *title, const char *about, const uint64_t *counts,
                       const char *const *labels, size_t C);

/* Columns side by side over n bins of equal width from `from` to `to`: one colour a series, at most
 * INK__SERIES_MAX of them. */
enum { INK__SERIES_MAX = 4 };
typedef struct ink__columns {
    const char *title, *about, *x_title, *y_title;
    double from, to;
    size_t n, n_series;
    const double *values[INK__SERIES_MAX]; /* [n] each; NaN: none */
    const char *names[INK__SERIES_MAX];
    const char *diagonal; /* NULL, or the name of a line from corner to corner: where x is y */
    const double *points; /* [n] or NULL: a dot in each bin, at (points[i], values[0][i]) */
    const char *points_name;
} ink__columns;
void ink__chart_columns(ink__page *page, const ink__columns *columns);

/* Lines through points, or the points alone. */
typedef struct ink__line {
    const char *name;
    const double *x, *y; /* [n]; what is not finite is left out */
    size_t n;
} ink__line;
typedef struct ink__lines {
    const char *title, *about, *x_title, *y_title;
    const ink__line *lines;
    size_t n_lines; /* at most INK__SERIES_MAX */
    bool dots;      /* points alone */
    bool diagonal;  /* and the line on which x is y; both axes then show the same range */
    bool from_zero; /* the upright axis begins at 0 */
    double level;   /* a level to compare with, drawn where it has a name */
    const char *level_name;
} ink__lines;
void ink__chart_lines(ink__page *page, const ink__lines *lines);

/* ---- for the charts ---- */

/* value with so many decimals and a point, terminated; "-" if it is not finite. */
enum { INK__NUMBER_MAX = 400 };
const char *ink__number(char text[INK__NUMBER_MAX], double value, int decimals);

/* <svg ...> with title and description, in a figure with its caption. */
void ink__svg_open(ink__page *page, const char *title, const char *about, double width, double height);
void ink__svg_close(ink__page *page);
/* Text at (x,y): anchor "start", "middle" or "end"; at most `room` columns wide (East Asian characters take
 * two), what is longer ends in an ellipsis and is told whole on hovering. */
void ink__svg_text(ink__page *page, double x, double y, const char *anchor, const char *utf8, size_t room);
/* name="12.3" -- with a space before it. */
void ink__svg_attribute(ink__page *page, const char *name, double value);
void ink__svg_line(ink__page *page, const char *class_name, double x1, double y1, double x2, double y2);
void ink__svg_rect(ink__page *page, const char *class_name, double x, double y, double width, double height,
                   const char *tip); /* tip: told on hovering, or NULL */
/* The names of the series, each with its colour, from (x,y) to the right; returns where they end. */
double ink__svg_legend(ink__page *page, double x, double y, const char *const *names, size_t n);

#endif
