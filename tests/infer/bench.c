/* What a bench counts and refuses. How fast anything is depends on the machine and is not asserted. */
#include "io/json.h"
#include "support/random_model.h"

#include <criterion/criterion.h>
#include <inkling.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct random_model shape = {"bert", 32, 2, 4, 48, 40, 3, 3};
enum { H = 32, L = 2, F = 48, C = 3, S = 24, LONGEST = 40 };

static char dir[256];
static ink_model *model;
static ink_error err;

static void setup(void)
{
    scratch_dir(dir);
    random_model_write(dir, &shape);
    cr_assert(ink_model_open(&model, dir, NULL, &err) == INK_OK, "%s", err.text);
}

static void teardown(void)
{
    ink_model_free(model);
    scratch_remove(dir);
}

TestSuite(bench, .init = setup, .fini = teardown);

/* One sequence is enough for so many rows, so that work can be counted by hand. */
static ink_bench measured(const ink_model *of, unsigned parts, size_t rounds)
{
    const ink_bench_options options = {
        .version = 1, .parts = parts, .threads = 2, .rounds = rounds, .rows = S};
    ink_bench b;
    cr_assert(ink_bench_run(&b, of, &options, &err) == INK_OK, "%s", err.text);
    return b;
}

static void expect_figure(const ink_figure *f, const char *what)
{
    cr_expect(f->low > 0 && f->low <= f->median && f->median <= f->high && isfinite(f->high),
              "%s: %g, %g to %g", what, f->median, f->low, f->high);
}

Test(bench, every_figure_is_positive_and_in_order)
{
    const ink_bench b = measured(model, 0, 2);
    cr_expect(b.threads == 2 && b.rounds == 2 && b.rows == S);
    for (size_t i = 0; i < INK_BENCH_PRODUCT_SHAPES; ++i) {
        const ink_bench_product *p = &b.products[i];
        expect_figure(&p->peak, p->name), expect_figure(&p->peak_int8, p->name);
        expect_figure(&p->together, p->name), expect_figure(&p->apart, p->name);
        cr_expect(p->kernel[0] && p->kernel_int8[0]);
    }
    expect_figure(&b.peak_gflops, "peak"), expect_figure(&b.peak_int8_gflops, "int8 peak");
    expect_figure(&b.together_gflops, "together"), expect_figure(&b.apart_gflops, "apart");
    for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
        const ink_bench_batch *batch = &b.batches[i];
        expect_figure(&batch->tokens_per_s, batch->name), expect_figure(&batch->share, batch->name);
        expect_figure(&batch->pass, batch->name);
        for (size_t o = 0; o < INK_OPERATIONS; ++o)
            expect_figure(&batch->seconds[o], ink_operation_name((ink_operation)o));
    }
    cr_assert(b.n_latencies == 3, "the model has %d positions", LONGEST);
    for (size_t i = 0; i < b.n_latencies; ++i) {
        cr_expect(b.latencies[i].tokens == (size_t)8 << i);
        expect_figure(&b.latencies[i].ms, "latency");
    }
    expect_figure(&b.tokenizer_mb_per_s, "tokenizer");
}

Test(bench, the_numbers_of_one_round_agree_with_each_other)
{
    const ink_bench b = measured(model, INK_BENCH_ENCODER, 1);
    for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
        const ink_bench_batch *batch = &b.batches[i];
        const double lanes = batch->apart ? 2 : 1, pass = batch->pass.median;
        const double tokens = lanes * (double)batch->rows / pass, gflops = lanes * batch->flops / pass * 1e-9;
        cr_expect(fabs(batch->tokens_per_s.median / tokens - 1) < 1e-9);
        cr_expect(batch->share.median >= gflops / b.peak_gflops.high * (1 - 1e-9) &&
                      batch->share.median <= gflops / b.peak_gflops.low * (1 + 1e-9),
                  "%s: %g of %g to %g is not %g", batch->name, gflops, b.peak_gflops.low, b.peak_gflops.high,
                  batch->share.median);
        double sum = 0;
        for (size_t o = 0; o < INK_OPERATIONS; ++o)
            sum += batch->seconds[o].median;
        cr_expect(sum <= pass * (1 + 1e-9), "%s: operations take %g s of %g", batch->name, sum, pass);
    }
}

Test(bench, work_is_counted_by_the_formula)
{
    const ink_bench b = measured(model, INK_BENCH_ENCODER, 1);
    static const size_t lengths[] = {S, S, LONGEST, LONGEST};
    for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
        const ink_bench_batch *batch = &b.batches[i];
        const size_t n = lengths[i];
        cr_expect(batch->sequences == 1 && batch->rows == n && batch->shortest == n && batch->longest == n);
        cr_expect(batch->flops == (double)(L * (8 * n * H * H + 4 * n * H * F + 4 * n * n * H)), "%g",
                  batch->flops);
        cr_expect(batch->apart == (i % 2 == 1) && strcmp(batch->name, i < 2 ? "short" : "long") == 0);
    }
    cr_expect(b.products[0].out == 3 * H && b.products[2].out == F && b.products[3].in == F);
}

Test(bench, gated_layers_and_windows_are_counted_as_they_are)
{
    enum {
        LAYERS = 4,
        GATED_F = 24,
        REACH = 3
    }; /* of the golden; the layers between first and last are local */
    ink_model *modern;
    cr_assert(ink_model_open(&modern, INK_TEST_DATA "/golden/modernbert-biases", NULL, &err) == INK_OK, "%s",
              err.text);
    const ink_bench b = measured(modern, INK_BENCH_ENCODER, 1);
    size_t seen = 0;
    for (int i = 0; i < S; ++i)
        for (int j = 0; j < S; ++j)
            seen += i - j <= REACH && j - i <= REACH;
    const size_t flops = LAYERS * S * (8 * H * H + 6 * H * GATED_F) + 4 * H * (2 * S * S + 2 * seen);
    cr_expect(b.batches[0].flops == (double)flops, "%g, wanted %zu", b.batches[0].flops, flops);
    cr_expect(b.products[2].out == 2 * GATED_F);
    ink_model_free(modern);
}

Test(bench, what_was_not_asked_for_stays_zero)
{
    const ink_bench b = measured(model, INK_BENCH_TOKENIZER, 1);
    cr_expect(b.peak_gflops.high == 0 && b.batches[0].pass.high == 0 && b.latencies[0].ms.high == 0);
    expect_figure(&b.tokenizer_mb_per_s, "tokenizer");
    const ink_bench c = measured(model, INK_BENCH_PRODUCTS, 1);
    cr_expect(c.batches[0].pass.high == 0 && c.tokenizer_mb_per_s.high == 0);
    expect_figure(&c.peak_gflops, "peak");
}

Test(bench, the_text_that_was_given_is_tokenized_line_by_line)
{
    static const char text[] = "good\n\nbad movie\nthe";
    ink_encoding encoding = {0};
    size_t tokens = 0;
    const char *const lines[] = {"good", "", "bad movie", "the"};
    for (size_t i = 0; i < 4; ++i) {
        cr_assert(ink_tokenizer_encode(&encoding, ink_model_tokenizer(model), lines[i], strlen(lines[i]),
                                       NULL, 0, NULL, &err) == INK_OK);
        tokens += encoding.length;
    }
    ink_encoding_free(&encoding);
    const ink_bench_options options = {
        .version = 1, .parts = INK_BENCH_TOKENIZER, .rounds = 1, .text = text, .text_len = sizeof text - 1};
    ink_bench b;
    cr_assert(ink_bench_run(&b, model, &options, &err) == INK_OK, "%s", err.text);
    cr_expect(b.text_bytes == sizeof text - 1 && b.text_tokens == tokens, "%zu tokens, wanted %zu",
              b.text_tokens, tokens);
}

static void expect_refused(const ink_bench_options *options, const char *says)
{
    ink_bench b;
    cr_expect(ink_bench_run(&b, model, options, &err) == INK_E_ARG && strstr(err.text, says), "%s", err.text);
}

Test(bench, refuses_what_it_cannot_do)
{
    expect_refused(&(ink_bench_options){.version = 2}, "version 2");
    expect_refused(&(ink_bench_options){.version = 1, .parts = 16}, "parts 0x10");
    expect_refused(&(ink_bench_options){.version = 1, .threads = 1025}, "1025 threads");
    expect_refused(&(ink_bench_options){.version = 1, .rounds = 100}, "100 rounds");
    expect_refused(&(ink_bench_options){.version = 1, .rows = 1000001}, "1000001 rows");
    expect_refused(&(ink_bench_options){.version = 1, .text = "\n\n", .text_len = 2}, "is empty");
    ink_bench b;
    cr_expect(ink_bench_run(&b, NULL, NULL, &err) == INK_E_ARG);
    cr_expect(ink_bench_run(NULL, model, NULL, &err) == INK_E_ARG);
    cr_expect(ink_bench_write_json(NULL, model, "-", &err) == INK_E_ARG);
}

Test(bench, json_holds_the_same_numbers)
{
    ink_bench b = measured(model, 0, 1);
    b.batches[3].share = (ink_figure){0.5, 0.25, 0.75}; /* one round's low and high are the same */
    char path[300];
    ink__json json;
    snprintf(path, sizeof path, "%s/bench.json", dir);
    cr_assert(ink_bench_write_json(&b, model, path, &err) == INK_OK, "%s", err.text);
    cr_assert(ink__json_open(&json, path, &err) == INK_OK, "%s", err.text);
    double threads, peak, share, qkv;
    json_t *long_apart = json_array_get(json_object_get(json.root, "encoder"), 3);
    cr_assert(json_unpack(json.root, "{s:F, s:{s:{s:F}}}", "threads", &threads, "products", "peak_gflops",
                          "median", &peak) == 0);
    cr_assert(json_unpack(long_apart, "{s:{s:F}, s:{s:{s:F}}}", "share_of_peak", "low", &share, "operations",
                          "qkv", "high", &qkv) == 0);
    cr_expect(threads == 2 && (float)peak == (float)b.peak_gflops.median);
    cr_expect(share == 0.25);
    cr_expect((float)qkv == (float)b.batches[3].seconds[INK_OPERATION_QKV].high);
    cr_expect(json_array_size(json_object_get(json.root, "latency")) == 3);
    ink__json_close(&json);
    cr_expect(ink_bench_write_json(&b, model, "/nonexistent/bench.json", &err) == INK_E_IO);
}

/* ---- the profile ----------------------------------------------------------------------------------- */

enum { EVENTS_MOST = 64 };
struct events {
    ink_profile_event of[EVENTS_MOST];
    size_t n;
};

static void keep(const ink_profile_event *event, void *user)
{
    struct events *e = user;
    if (e->n < EVENTS_MOST)
        e->of[e->n] = *event;
    ++e->n;
}

Test(bench, a_profile_names_every_operation_of_a_pass_in_order)
{
    static const struct {
        ink_operation operation;
        size_t in, out;
    } layer[] = {{INK_OPERATION_QKV, H, 3 * H},
                 {INK_OPERATION_ATTENTION, 3 * H, H},
                 {INK_OPERATION_ATTN_OUT, H, H},
                 {INK_OPERATION_FF_IN, H, F},
                 {INK_OPERATION_FF_OUT, F, H}};
    struct events e = {.n = 0};
    const ink_model_options options = {
        .version = 1, .backend = INK_BACKEND_REF, .profile = keep, .profile_user = &e};
    const int32_t ids[] = {2, 7, 8, 3, 2, 9, 3};
    const size_t offsets[] = {0, 4, 7};
    const ink_batch batch = {.ids = ids, .offsets = offsets, .B = 2};
    ink_model *watched;
    ink_session *session;
    float logits[2 * C];
    cr_assert(ink_model_open(&watched, dir, &options, &err) == INK_OK, "%s", err.text);
    cr_assert(ink_session_create(&session, watched, NULL, &err) == INK_OK, "%s", err.text);
    cr_assert(ink_logits(logits, 2 * C, session, &batch, &err) == INK_OK, "%s", err.text);
    cr_assert(e.n == 2 + L * 5 + 1, "%zu events", e.n);
    cr_expect(e.of[0].operation == INK_OPERATION_EMBEDDING && e.of[1].operation == INK_OPERATION_EMBEDDING &&
              e.of[0].rows == 7);
    for (size_t i = 0; i < L * 5; ++i) {
        const ink_profile_event *x = &e.of[2 + i];
        cr_expect(x->operation == layer[i % 5].operation && x->layer == i / 5 && x->rows == 7, "event %zu",
                  2 + i);
        cr_expect(x->in == layer[i % 5].in && x->out == layer[i % 5].out, "event %zu: %zu to %zu", 2 + i,
                  x->in, x->out);
        cr_expect(x->seconds >= 0 && x->threads == ink_threads_default(NULL) &&
                  strcmp(x->backend, "ref") == 0);
    }
    cr_expect(e.of[e.n - 1].operation == INK_OPERATION_HEAD && e.of[e.n - 1].rows == 2 &&
              e.of[e.n - 1].out == C);
    ink_session_free(session);
    ink_model_free(watched);
    cr_expect(ink_operation_name((ink_operation)INK_OPERATIONS) == NULL);
}
