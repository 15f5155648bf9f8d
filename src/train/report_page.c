/* The page of a report: text, numbers, tables. See report.h. */
#include "train/report.h"
#include "core/utf8.h"
#include "io/output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Colours are those of Okabe and Ito (2008), which people who see fewer colours can tell apart, lightened for
 * the dark. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"generator\" content=\"Inkling\">\n<style>\n"
    ":root{color-scheme:light dark;--page:#fff;--ink:#1c2126;--soft:#5b6570;--rule:#d5dae0;--shade:#f4f6f8;"
    "--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#a0628c;--warn:#fff3d6;--cell:#0072b2}\n"
    "@media (prefers-color-scheme:dark){:root{--page:#15191d;--ink:#e6e9ec;--soft:#9aa5b0;--rule:#39424b;"
    "--shade:#1f252b;--s0:#56b4e9;--s1:#f0955a;--s2:#3cc79c;--s3:#d69cc4;--warn:#3d3314;--cell:#3a9bd9}}\n"
    "@media print{:root{color-scheme:light;--page:#fff;--ink:#000;--soft:#444;--rule:#bbb;--shade:#f4f6f8;"
    "--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#a0628c;--warn:#fff;--cell:#0072b2}"
    "figure,tr{break-inside:avoid}h2{break-after:avoid}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;background:var(--page);color:var(--ink);max-width:62rem;"
    "margin:0 auto;padding:1.5rem}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}\n"
    "h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--rule);padding-bottom:.2rem}\n"
    "p{max-width:46rem}.note{color:var(--soft);font-size:.87rem}\n"
    ".warn{background:var(--warn);border-left:4px solid var(--s1);padding:.4rem .8rem;margin:.4rem 0}\n"
    ".verdict{font-size:1.15rem}.verdict strong{font-size:1.35rem}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.6rem 0}\n"
    "caption{text-align:left;color:var(--soft);padding-bottom:.3rem}\n"
    "th,td{padding:.22rem .7rem .22rem 0;text-align:right;border-bottom:1px solid var(--rule);"
    "vertical-align:top}\n"
    "th[scope=row],.w{text-align:left;font-weight:normal;overflow-wrap:anywhere;min-width:5.5rem}\n"
    "thead th{color:var(--soft);font-weight:600}\n"
    "figure{margin:1rem 0}figcaption{font-weight:600;margin-bottom:.2rem}\n"
    "figcaption small{display:block;font-weight:normal;color:var(--soft)}\n"
    "svg{display:block;max-width:100%;height:auto;font-size:12px}svg text{fill:var(--ink)}\n"
    "svg .soft text{fill:var(--soft)}.axis{stroke:var(--soft);stroke-width:1}"
    ".grid{stroke:var(--rule);stroke-width:1}.guide{stroke:var(--soft);stroke-width:1;stroke-dasharray:4 3}\n"
    ".whisker{stroke:var(--ink);stroke-width:1.5}.cell{fill:var(--cell)}.empty{fill:var(--shade)}"
    ".dot{fill:var(--ink)}.bar{fill:var(--s0);opacity:.6}\n"
    ".s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}\n"
    ".l0,.l1,.l2,.l3{fill:none;stroke-width:2}.l0{stroke:var(--s0)}.l1{stroke:var(--s1)}"
    ".l2{stroke:var(--s2)}.l3{stroke:var(--s3)}\n"
    "details{margin:.4rem 0}summary{color:var(--soft);cursor:pointer;font-size:.9rem}\n"
    ".mistake{border-bottom:1px solid var(--rule);padding:.5rem 0}"
    ".mistake p{margin:.2rem 0;white-space:pre-wrap;overflow-wrap:anywhere;max-width:none}\n"
    "</style>\n<title>";

static void append(ink__page *page, const char *bytes, size_t len)
{
    if (page->status == INK_OK)
        page->status = ink__text_bytes(&page->text, bytes, len, &page->error);
}

void ink__page_html(ink__page *page, const char *html)
{
    append(page, html, strlen(html));
}

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        /* HTML has no control characters but tab and the line ends. */
        return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f ? "\xEF\xBF\xBD" : NULL;
    }
}

void ink__page_bytes(ink__page *page, const char *utf8, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; ++i) {
        const char *instead = entity((unsigned char)utf8[i]);
        if (!instead)
            continue;
        append(page, utf8 + from, i - from);
        ink__page_html(page, instead);
        from = i + 1;
    }
    if (len > from)
        append(page, utf8 + from, len - from);
}

void ink__page_string(ink__page *page, const char *utf8)
{
    ink__page_bytes(page, utf8, strlen(utf8));
}

void ink__page_count(ink__page *page, uint64_t n)
{
    char text[32], *p = text + sizeof text;
    for (int digits = 0; digits == 0 || n > 0; ++digits, n /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + n % 10);
    }
    append(page, p, (size_t)(text + sizeof text - p));
}

const char *ink__number(char text[INK__NUMBER_MAX], double value, int decimals)
{
    if (!isfinite(value))
        return strcpy(text, "\xE2\x80\x93");
    const int n = snprintf(text, INK__NUMBER_MAX, "%.*f", decimals, value);
    if (decimals == 0)
        return strspn(text, "-0") == (size_t)n ? strcpy(text, "0") : text;
    /* The decimal sign is the locale's, of one byte or more: what is not a digit. */
    const size_t whole = strspn(text, "-0123456789");
    text[whole] = '.';
    memmove(text + whole + 1, text + n - decimals, (size_t)decimals + 1);
    return strspn(text, "-0.") == strlen(text) && text[0] == '-' ? memmove(text, text + 1, strlen(text))
                                                                 : text;
}

void ink__page_number(ink__page *page, double value, int decimals)
{
    char text[INK__NUMBER_MAX];
    ink__page_html(page, ink__number(text, value, decimals));
}

void ink__page_open(ink__page *page, const char *title)
{
    ink__page_html(page, head);
    ink__page_string(page, title);
    ink__page_html(page, "</title>\n</head>\n<body>\n<main>\n<h1>");
    ink__page_string(page, title);
    ink__page_html(page, "</h1>\n");
}

void ink__page_free(ink__page *page)
{
    ink__text_free(&page->text);
}

ink_status ink__page_save(ink__page *page, const char *path, ink_error *err)
{
    ink__output *output = NULL;
    ink__page_html(page, "</main>\n</body>\n</html>\n");
    ink_status st = page->status;
    if (st != INK_OK && err)
        *err = page->error;
    if (st == INK_OK)
        st = ink__output_open(&output, path, err);
    if (st == INK_OK)
        st = ink__output_write(output, page->text.data, page->text.len, err);
    if (st == INK_OK)
        st = ink__output_commit(output, err);
    ink__output_free(output);
    ink__page_free(page);
    return st;
}

static void element(ink__page *page, const char *open, const char *text, const char *close)
{
    ink__page_html(page, open);
    ink__page_string(page, text);
    ink__page_html(page, close);
}

void ink__page_heading(ink__page *page, const char *title)
{
    element(page, "<h2>", title, "</h2>\n");
}

void ink__page_paragraph(ink__page *page, const char *text)
{
    element(page, "<p>", text, "</p>\n");
}

void ink__page_note(ink__page *page, const char *text)
{
    element(page, "<p class=\"note\">", text, "</p>\n");
}

void ink__page_table(ink__page *page, const char *caption, const char *const *columns, size_t n, size_t words)
{
    element(page, "<div class=\"scroll\"><table><caption>", caption, "</caption>\n<thead><tr>");
    for (size_t i = 0; i < n; ++i)
        element(page, i < words ? "<th scope=\"col\" class=\"w\">" : "<th scope=\"col\">", columns[i],
                "</th>");
    ink__page_html(page, "</tr></thead>\n<tbody>");
}

void ink__page_row(ink__page *page)
{
    ink__page_html(page, page->in_row ? "</tr>\n<tr>" : "\n<tr>");
    page->in_row = true;
}

/* A row's first cell is its heading. */
static const char *cell(ink__page *page, const char *open)
{
    const bool first = page->text.len >= 4 && memcmp(page->text.data + page->text.len - 4, "<tr>", 4) == 0;
    ink__page_html(page, first ? "<th scope=\"row\">" : open);
    return first ? "</th>" : "</td>";
}

void ink__page_cell_text(ink__page *page, const char *utf8, size_t len)
{
    const char *close = cell(page, "<td class=\"w\">");
    ink__page_html(page, "<bdi>"); /* a text that runs from right to left stays in its cell */
    ink__page_bytes(page, utf8, len);
    ink__page_html(page, "</bdi>");
    ink__page_html(page, close);
}

void ink__page_cell_count(ink__page *page, uint64_t n)
{
    const char *close = cell(page, "<td>");
    ink__page_count(page, n);
    ink__page_html(page, close);
}

void ink__page_cell_number(ink__page *page, double value, int decimals)
{
    const char *close = cell(page, "<td>");
    ink__page_number(page, value, decimals);
    ink__page_html(page, close);
}

void ink__page_table_end(ink__page *page)
{
    ink__page_html(page, page->in_row ? "</tr>\n</tbody></table></div>\n" : "\n</tbody></table></div>\n");
    page->in_row = false;
}

void ink__page_fold(ink__page *page, const char *summary)
{
    element(page, "<details><summary>", summary, "</summary>\n");
}

void ink__page_fold_end(ink__page *page)
{
    ink__page_html(page, "</details>\n");
}
