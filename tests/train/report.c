/* The page: numbers, escaping, and well-formed whatever goes into it. */
#include "train/evaluation.h"
#include "core/random.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(report, numbers_have_a_point_and_no_negative_zero)
{
    static const struct {
        double value;
        int decimals;
        const char *text;
    } cases[] = {{0.12345, 3, "0.123"}, {-0.0001, 2, "0.00"}, {-1.5, 1, "-1.5"}, {12, 0, "12"},
                 {-0.2, 0, "0"},        {10, 0, "10"},        {-10, 0, "-10"},   {0, 1, "0.0"}};
    char text[INK__NUMBER_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        cr_expect(strcmp(ink__number(text, cases[i].value, cases[i].decimals), cases[i].text) == 0,
                  "%s, wanted %s", text, cases[i].text);
    cr_expect(strcmp(ink__number(text, NAN, 2), "\xE2\x80\x93") == 0);
    cr_expect(strlen(ink__number(text, -1.7e308, 6)) == 317);
}

Test(report, counts_are_grouped)
{
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__page page = {.status = INK_OK};
        ink__page_count(&page, cases[i].n);
        cr_expect(page.text.len == strlen(cases[i].text) &&
                  memcmp(page.text.data, cases[i].text, page.text.len) == 0);
        ink__page_free(&page);
    }
}

Test(report, text_is_escaped)
{
    ink__page page = {.status = INK_OK};
    ink__page_bytes(&page, "a<b>&\"'\0\x1b\tz", 11);
    static const char wanted[] = "a&lt;b&gt;&amp;&quot;&#39;\xEF\xBF\xBD\xEF\xBF\xBD\tz";
    cr_expect(page.text.len == sizeof wanted - 1 && memcmp(page.text.data, wanted, sizeof wanted - 1) == 0,
              "%.*s", (int)page.text.len, page.text.data);
    ink__page_free(&page);
}

/* Every element that opens closes, in order; attributes are quoted; no NaN and no infinity is drawn. */
static void expect_well_formed(const char *html, const char *what)
{
    char open[64][16];
    size_t depth = 0;
    for (const char *p = strchr(html, '<'); p; p = strchr(p, '<')) {
        char name[16] = "";
        const char *end = strchr(p, '>');
        cr_assert(end, "%s: a tag without an end", what);
        size_t quotes = 0;
        for (const char *q = p; q < end; ++q)
            quotes += *q == '"';
        cr_assert(quotes % 2 == 0, "%s: %.*s", what, (int)(end - p), p);
        sscanf(p + (p[1] == '/' ? 2 : 1), "%15[A-Za-z0-9!]", name);
        if (p[1] == '/') {
            cr_assert(depth > 0 && strcmp(open[depth - 1], name) == 0, "%s: </%s> closes <%s>", what, name,
                      depth ? open[depth - 1] : "");
            --depth;
        } else if (end[-1] != '/' && strcmp(name, "meta") != 0 && name[0] != '!') {
            cr_assert(depth < 64, "%s", what);
            strcpy(open[depth++], name);
        }
        if (strcmp(name, "style") == 0 && p[1] != '/')
            end = strstr(p, "</style>") - 1;
        p = end + 1;
    }
    cr_expect(depth == 0, "%s: <%s> stays open", what, depth ? open[depth - 1] : "");
    cr_expect(!strstr(html, "\"nan") && !strstr(html, "inf\"") && !strstr(html, "nan,"), "%s", what);
}

static char *save(ink__page *page)
{
    char path[] = "/tmp/inkling-test-XXXXXX";
    const int fd = mkstemp(path);
    ink_error err;
    cr_assert(fd >= 0);
    cr_assert(ink__page_save(page, path, &err) == INK_OK, "%s", err.text);
    FILE *f = fopen(path, "rb");
    char *html = calloc(1, 4 << 20);
    cr_assert(f && html && fread(html, 1, (4 << 20) - 1, f) > 0);
    fclose(f);
    remove(path);
    return html;
}

/* A page for n records of C labels, with groups and a second model. */
static char *page_of(ink_activation kind, size_t n, size_t C)
{
    int32_t *truth = calloc(n, sizeof *truth);
    uint8_t *truths = calloc(n, C);
    double *targets = calloc(n, sizeof *targets);
    float *scores = calloc(n * C, sizeof *scores);
    uint32_t *groups = calloc(n, sizeof *groups);
    const char **labels = calloc(C, sizeof *labels);
    ink__shown *shown = calloc(n, sizeof *shown);
    cr_assert(truth && truths && targets && scores && groups && labels && shown);
    static const char *const group_names[] = {"", "<&>"};
    ink__random random = ink__random_start(n, C);
    for (size_t c = 0; c < C; ++c)
        labels[c] = c % 3 ? "a long name of a label with <tags> & more" : "\xE9\x85\x92\xE5\xBA\x97";
    for (size_t i = 0; i < n; ++i) {
        truth[i] = (int32_t)ink__random_below(&random, (uint32_t)C);
        targets[i] = ink__random_unit(ink__random_next(&random)) * 5;
        groups[i] = i % 3 == 0;
        shown[i] = (ink__shown){"\"id\"", "a <text> of \xE9\x85\x92", NULL, 4, 15, 0};
        for (size_t c = 0; c < C; ++c) {
            scores[i * C + c] = ink__random_unit(ink__random_next(&random));
            truths[i * C + c] = ink__random_below(&random, 4) == 0;
        }
    }
    const ink__evaluation_input in = {.judged = {kind, n, C, truth, truths, targets, scores, NULL},
                                      .labels = labels,
                                      .compared = scores,
                                      .slice = "a \"field\"",
                                      .groups = groups,
                                      .group_names = group_names,
                                      .n_groups = n > 1 ? 2 : 1,
                                      .shown = shown,
                                      .draws = {.resamples = 20, .seed = 1}};
    if (n == 1)
        groups[0] = 0;
    ink__evaluation *e;
    ink_error err;
    cr_assert(ink__evaluation_create(&e, &in, &err) == INK_OK, "%s", err.text);
    ink__page page = {.status = INK_OK};
    ink__page_open(&page, "A <title>");
    ink__report_evaluation(&page, e);
    char *html = save(&page);
    ink_evaluation_free(&e->found);
    free(truth);
    free(truths);
    free(targets);
    free(scores);
    free(groups);
    free(labels);
    free(shown);
    return html;
}

Test(report, is_well_formed_for_every_kind_and_size)
{
    static const struct {
        ink_activation kind;
        size_t n, C;
    } cases[] = {{INK_ACTIVATION_SOFTMAX, 90, 2},    {INK_ACTIVATION_SOFTMAX, 90, 12},
                 {INK_ACTIVATION_SOFTMAX, 300, 151}, {INK_ACTIVATION_SOFTMAX, 1, 3},
                 {INK_ACTIVATION_SOFTMAX, 9, 1},     {INK_ACTIVATION_SIGMOID, 90, 1},
                 {INK_ACTIVATION_SIGMOID, 90, 45},   {INK_ACTIVATION_NONE, 90, 1},
                 {INK_ACTIVATION_NONE, 1, 1},        {INK_ACTIVATION_NONE, 5000, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char what[60];
        snprintf(what, sizeof what, "kind %d, %zu records, %zu labels", cases[i].kind, cases[i].n,
                 cases[i].C);
        char *html = page_of(cases[i].kind, cases[i].n, cases[i].C);
        expect_well_formed(html, what);
        const bool matrix = cases[i].kind == INK_ACTIVATION_SOFTMAX && cases[i].C <= 30;
        cr_expect((strstr(html, "Confusion matrix") != NULL) == matrix, "%s", what);
        cr_expect(strlen(html) < 600000, "%s: %zu bytes", what, strlen(html));
        cr_expect(!strstr(html, "<text>") && !strstr(html, "http"), "%s", what);
        free(html);
    }
}

Test(report, curves_of_any_numbers_are_drawn_within_the_frame)
{
    static const double x[] = {0, 1, 2, 3}, flat[] = {2, 2, 2, 2}, wild[] = {1e-30, NAN, 1e30, -1e30},
                        none[] = {NAN, NAN, NAN, NAN}, zero[] = {0, 0, 0, 0};
    const double *const ys[] = {flat, wild, none, zero};
    for (size_t i = 0; i < 4; ++i)
        for (int diagonal = 0; diagonal < 2; ++diagonal) {
            const ink__line lines[] = {{"train", x, ys[i], 4}, {"dev", x, ys[i], i}};
            const ink__lines chart = {.title = "Loss",
                                      .about = "by step",
                                      .x_title = "step",
                                      .y_title = "loss",
                                      .lines = lines,
                                      .n_lines = 2,
                                      .diagonal = diagonal,
                                      .from_zero = i % 2};
            ink__page page = {.status = INK_OK};
            ink__page_open(&page, "curves");
            ink__chart_lines(&page, &chart);
            char *html = save(&page);
            expect_well_formed(html, "curves");
            /* Coordinates: nothing lies far outside. */
            for (const char *p = strstr(html, "<svg"); (p = strstr(p, "y1=\"")); ++p)
                cr_expect(strtod(p + 4, NULL) >= 0 && strtod(p + 4, NULL) <= 400, "case %zu: %.20s", i, p);
            for (const char *p = strstr(html, "<svg"); (p = strstr(p, "cy=\"")); ++p)
                cr_expect(strtod(p + 4, NULL) >= 0 && strtod(p + 4, NULL) <= 400, "case %zu: %.20s", i, p);
            free(html);
        }
}
