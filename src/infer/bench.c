/* Measuring a model: see inkling/bench.h. The work of a text of S tokens is L*(8*S*H*H + 4*S*H*F + 4*S*S*H)
 * floating-point operations in BERT; other architectures are counted by the same rule, product by product. */
#include "infer/bench_lanes.h"
#include "infer/bench_text.h"
#include "infer/job.h"
#include "tensor/onednn_peak.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MOST = 99, ROWS_MOST = 1000000, CALLS_MOST = 101, TOGETHER = 0, APART = 1, F32 = 0, INT8 = 1 };

/* With means of 24 and 384. */
static const size_t short_lengths[] = {24, 7, 41, 16, 32, 12, 36, 20, 28};
static const size_t long_lengths[] = {512, 256, 384, 448, 320};
static const size_t latency_lengths[INK_BENCH_LENGTHS] = {8, 16, 32, 64, 128};

/* The values of a figure; the f32 products have one more a batch. */
struct series {
    ink_figure *figure;
    double values[ROUNDS_MOST * (1 + INK_BENCH_BATCHES)];
    size_t n;
};
enum {
    SERIES_MOST =
        4 * INK_BENCH_PRODUCT_SHAPES + 4 + INK_BENCH_BATCHES * (3 + INK_OPERATIONS) + INK_BENCH_LENGTHS + 1
};

struct bench {
    const ink_model *model;
    ink_bench *result;
    const char *text; /* [text_len] */
    size_t text_len;
    ink__onednn *engine;
    ink__peak *peaks[2][INK_BENCH_PRODUCT_SHAPES]; /* F32, INT8 */
    ink__bench_input inputs[2];                    /* short, long */
    ink__bench_input texts[INK_BENCH_LENGTHS];
    ink__bench_lanes lanes[2]; /* TOGETHER, APART */
    ink_encoding encoding;
    struct series series[SERIES_MOST];
    size_t n_series;
};

/* ---- figures --------------------------------------------------------------------------------------- */

static void note(struct bench *b, ink_figure *figure, double value)
{
    size_t i = 0;
    while (i < b->n_series && b->series[i].figure != figure)
        ++i;
    if (i == b->n_series)
        b->series[b->n_series++].figure = figure;
    struct series *s = &b->series[i];
    s->values[s->n++] = value;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void sum_up(struct bench *b)
{
    for (size_t i = 0; i < b->n_series; ++i) {
        struct series *s = &b->series[i];
        s->figure->median = median(s->values, s->n);
        s->figure->low = s->values[0], s->figure->high = s->values[s->n - 1];
    }
}

/* ---- work ------------------------------------------------------------------------------------------ */

/* Of a row through one product of every step. */
static double product_flops(const ink__config *c, ink__shape shape)
{
    size_t in, out;
    ink__shape_size(&in, &out, shape, c);
    return 2.0 * (double)c->n_steps * (double)in * (double)out;
}

/* Pairs of positions that see each other. */
static double pairs(size_t S, size_t window)
{
    if (window >= S)
        return (double)S * (double)S;
    const double w = (double)window; /* each sees w to either side, but for the ends */
    return (double)S * (2 * w + 1) - w * (w + 1);
}

static double batch_flops(const ink__config *c, const ink__bench_input *input)
{
    double row = c->projected ? 2.0 * (double)c->E * (double)c->H : 0, flops = 0;
    for (ink__shape shape = 0; shape <= INK__SHAPE_FF_OUT; ++shape)
        row += product_flops(c, shape);
    for (size_t i = 0; i < input->B; ++i)
        for (size_t s = 0; s < c->n_steps; ++s)
            flops += 4 * pairs(input->offsets[i + 1] - input->offsets[i], c->steps[s].window) * (double)c->H;
    return flops + row * (double)input->R;
}

/* ---- rounds ---------------------------------------------------------------------------------------- */

static ink_status multiply_peak(ink__bench_lane *lane, const void *what, ink_error *err)
{
    ink__peak *const *peak = what;
    return ink__peak_run(*peak, err);
}

/* The layer's products one by one, and what they make in a row. */
static ink_status round_products(double *gflops, struct bench *b, size_t kind, ink_error *err)
{
    const ink__config *c = &b->model->config;
    double flops = 0, seconds = 0, one;
    for (size_t i = 0; i < INK_BENCH_PRODUCT_SHAPES; ++i) {
        ink_bench_product *p = &b->result->products[i];
        const double work = 2.0 * (double)ink__round_rows(b->result->rows) * (double)p->in * (double)p->out;
        INK_TRY(ink__bench_lanes_time(&one, &b->lanes[TOGETHER], multiply_peak, &b->peaks[kind][i], err));
        note(b, kind == INT8 ? &p->peak_int8 : &p->peak, work / one * 1e-9);
        flops += work * (double)c->n_steps, seconds += one * (double)c->n_steps;
    }
    *gflops = flops / seconds * 1e-9;
    note(b, kind == INT8 ? &b->result->peak_int8_gflops : &b->result->peak_gflops, *gflops);
    return INK_OK;
}

static ink_status round_as_run(struct bench *b, size_t how, ink_error *err)
{
    const ink__config *c = &b->model->config;
    const double rows = (double)b->result->rows * (double)b->lanes[how].n;
    double flops = 0, seconds = 0, one;
    for (ink__shape shape = 0; shape <= INK__SHAPE_FF_OUT; ++shape) {
        ink_bench_product *p = &b->result->products[shape];
        const ink__bench_lane_products what = {.shape = shape, .R = b->result->rows};
        INK_TRY(ink__bench_lanes_time(&one, &b->lanes[how], ink__bench_lane_multiply, &what, err));
        note(b, how == APART ? &p->apart : &p->together, rows * product_flops(c, shape) / one * 1e-9);
        flops += rows * product_flops(c, shape), seconds += one;
    }
    note(b, how == APART ? &b->result->apart_gflops : &b->result->together_gflops, flops / seconds * 1e-9);
    return INK_OK;
}

static ink_status round_batch(struct bench *b, ink_bench_batch *batch, const ink__bench_input *input,
                              double peak_gflops, ink_error *err)
{
    ink__bench_lanes *lanes = &b->lanes[batch->apart ? APART : TOGETHER];
    double pass;
    INK_TRY(ink__bench_lanes_time(&pass, lanes, ink__bench_lane_encode, input, err));
    note(b, &batch->pass, pass);
    note(b, &batch->tokens_per_s, (double)(input->R * lanes->n) / pass);
    note(b, &batch->share, batch->flops * (double)lanes->n / pass * 1e-9 / peak_gflops);
    for (size_t o = 0; o < INK_OPERATIONS; ++o) {
        double sum = 0;
        for (size_t i = 0; i < lanes->n; ++i)
            sum += lanes->lanes[i].seconds[o];
        note(b, &batch->seconds[o], sum / (double)b->result->threads);
    }
    return INK_OK;
}

static ink_status round_latencies(struct bench *b, ink_error *err)
{
    double calls[CALLS_MOST];
    for (size_t i = 0; i < b->result->n_latencies; ++i) {
        const double first = ink__seconds();
        double last = first;
        size_t n = 0;
        while (n < CALLS_MOST && (n < 3 || last - first < 2 * INK__BENCH_SPAN)) {
            INK_TRY(ink__bench_lane_encode(&b->lanes[TOGETHER].lanes[0], &b->texts[i], err));
            const double now = ink__seconds();
            calls[n++] = now - last;
            last = now;
        }
        note(b, &b->result->latencies[i].ms, 1e3 * median(calls, n));
    }
    return INK_OK;
}

/* Every line once; *tokens is how many they have. */
static ink_status tokenize(size_t *tokens, struct bench *b, ink_error *err)
{
    *tokens = 0;
    for (const char *line = b->text, *end = b->text + b->text_len, *next; line < end; line = next) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop : end;
        next = stop + 1;
        INK_TRY(ink_tokenizer_encode(&b->encoding, b->model->tokenizer, line, (size_t)(stop - line), NULL, 0,
                                     NULL, err));
        *tokens += b->encoding.length;
    }
    return INK_OK;
}

static ink_status round_tokenizer(struct bench *b, ink_error *err)
{
    const double begun = ink__seconds();
    double ended;
    size_t times = 0;
    do {
        INK_TRY(tokenize(&b->result->text_tokens, b, err));
        ++times;
        ended = ink__seconds();
    } while (ended - begun < INK__BENCH_SPAN);
    note(b, &b->result->tokenizer_mb_per_s, 1e-6 * (double)(b->text_len * times) / (ended - begun));
    return INK_OK;
}

static ink_status round_all(struct bench *b, ink_error *err)
{
    const unsigned parts = b->result->parts;
    double peak;
    if (parts & INK_BENCH_PRODUCTS) {
        INK_TRY(round_products(&peak, b, F32, err));
        INK_TRY(round_products(&peak, b, INT8, err));
        INK_TRY(round_as_run(b, TOGETHER, err));
        INK_TRY(round_as_run(b, APART, err));
    }
    for (size_t i = 0; parts & INK_BENCH_ENCODER && i < INK_BENCH_BATCHES; ++i) {
        /* The machine drifts: what is compared stands side by side. */
        INK_TRY(round_products(&peak, b, b->model->weights.int8 ? INT8 : F32, err));
        INK_TRY(round_batch(b, &b->result->batches[i], &b->inputs[i / 2], peak, err));
    }
    if (parts & INK_BENCH_LATENCY)
        INK_TRY(round_latencies(b, err));
    return parts & INK_BENCH_TOKENIZER ? round_tokenizer(b, err) : INK_OK;
}

/* ---- before and after ------------------------------------------------------------------------------ */

static ink_status prepare_products(struct bench *b, ink_error *err)
{
    static const char *const names[INK_BENCH_PRODUCT_SHAPES] = {"qkv", "attn_out", "ff_in", "ff_out"};
    INK_TRY(ink__onednn_create(&b->engine, err));
    for (size_t i = 0; i < INK_BENCH_PRODUCT_SHAPES; ++i) {
        ink_bench_product *p = &b->result->products[i];
        p->name = names[i];
        ink__shape_size(&p->in, &p->out, (ink__shape)i, &b->model->config);
        for (size_t kind = F32; kind <= INT8; ++kind) {
            INK_TRY(ink__peak_create(&b->peaks[kind][i], b->engine, ink__round_rows(b->result->rows), p->in,
                                     p->out, kind == INT8, b->result->threads, err));
            char *kernel = kind == INT8 ? p->kernel_int8 : p->kernel;
            strncpy(kernel, ink__peak_kernel(b->peaks[kind][i]), sizeof p->kernel - 1);
        }
    }
    return INK_OK;
}

static ink_status prepare_batches(struct bench *b, ink_error *err)
{
    const ink__config *c = &b->model->config;
    const size_t rows = b->result->rows, longest = ink__config_longest(c);
    const size_t n_short = sizeof short_lengths / sizeof *short_lengths,
                 n_long = sizeof long_lengths / sizeof *long_lengths;
    INK_TRY(ink__bench_input_create(&b->inputs[0], short_lengths, n_short, rows, c, err));
    INK_TRY(ink__bench_input_create(&b->inputs[1], long_lengths, n_long, rows, c, err));
    for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
        const ink__bench_input *input = &b->inputs[i / 2];
        b->result->batches[i] = (ink_bench_batch){.name = i / 2 ? "long" : "short",
                                                  .apart = i % 2 == APART,
                                                  .sequences = input->B,
                                                  .rows = input->R,
                                                  .shortest = input->shortest,
                                                  .longest = input->longest,
                                                  .flops = batch_flops(c, input)};
    }
    for (size_t i = 0; i < INK_BENCH_LENGTHS && (i == 0 || latency_lengths[i] <= longest); ++i) {
        INK_TRY(ink__bench_input_create(&b->texts[i], &latency_lengths[i], 1, 1, c, err));
        b->result->latencies[i].tokens = b->texts[i].R;
        b->result->n_latencies = i + 1;
    }
    return INK_OK;
}

static size_t larger(size_t x, size_t y)
{
    return x > y ? x : y;
}

static ink_status prepare(struct bench *b, ink_error *err)
{
    const size_t threads = b->result->threads;
    INK_TRY(prepare_products(b, err));
    INK_TRY(prepare_batches(b, err));
    const size_t longest = larger(b->inputs[1].longest, b->texts[b->result->n_latencies - 1].R);
    const size_t whole = larger(larger(b->inputs[0].R, b->inputs[1].R), longest);
    INK_TRY(ink__bench_lanes_create(&b->lanes[TOGETHER], b->model, 1, threads, whole, err));
    INK_TRY(ink__bench_lanes_create(&b->lanes[APART], b->model, threads, 1,
                                    larger(INK__BATCH_TOKENS, longest), err));
    double ignore; /* what is set up at first use shall not count */
    INK_TRY(ink__bench_lanes_time(&ignore, &b->lanes[TOGETHER], ink__bench_lane_encode, &b->inputs[0], err));
    return ink__bench_lanes_time(&ignore, &b->lanes[APART], ink__bench_lane_encode, &b->inputs[0], err);
}

static void bench_free(struct bench *b)
{
    for (size_t i = 0; i < INK_BENCH_PRODUCT_SHAPES; ++i)
        ink__peak_free(b->peaks[F32][i]), ink__peak_free(b->peaks[INT8][i]);
    ink__onednn_free(b->engine);
    ink__bench_input_free(&b->inputs[0]), ink__bench_input_free(&b->inputs[1]);
    for (size_t i = 0; i < INK_BENCH_LENGTHS; ++i)
        ink__bench_input_free(&b->texts[i]);
    ink__bench_lanes_free(&b->lanes[TOGETHER]), ink__bench_lanes_free(&b->lanes[APART]);
    ink_encoding_free(&b->encoding);
    free(b);
}

static ink_status check(const ink_bench_options *o, ink_error *err)
{
    if (o->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_bench_options has version %u, wanted 1", o->version);
    if (o->parts > (INK_BENCH_TOKENIZER << 1) - 1)
        return ink_fail(err, INK_E_ARG, "parts %#x of a bench, there are those up to %#x", o->parts,
                        (INK_BENCH_TOKENIZER << 1) - 1);
    if (o->threads > 1024)
        return ink_fail(err, INK_E_ARG, "%zu threads, at most 1024", o->threads);
    if (o->rounds > ROUNDS_MOST)
        return ink_fail(err, INK_E_ARG, "%zu rounds, at most %d", o->rounds, ROUNDS_MOST);
    if (o->rows > ROWS_MOST)
        return ink_fail(err, INK_E_ARG, "%zu rows, at most %d", o->rows, ROWS_MOST);
    size_t i = 0;
    while (o->text && i < o->text_len && o->text[i] == '\n')
        ++i;
    if (o->text && i == o->text_len)
        return ink_fail(err, INK_E_ARG, "the text for the tokenizer is empty");
    return INK_OK;
}

ink_status ink_bench_run(ink_bench *bench, const ink_model *model, const ink_bench_options *options,
                         ink_error *err)
{
    static const ink_bench_options defaults = INK_BENCH_OPTIONS_INIT;
    if (!bench || !model)
        return ink_fail(err, INK_E_ARG, "ink_bench_run: bench and model may not be NULL");
    if (!options)
        options = &defaults;
    INK_TRY(check(options, err));
    struct bench *b;
    INK_TRY(ink__calloc(&b, 1, sizeof *b, "bench", err));
    b->model = model, b->result = bench;
    b->text = options->text ? options->text : ink__bench_text;
    b->text_len = options->text ? options->text_len : strlen(ink__bench_text);
    *bench = (ink_bench){.parts = options->parts ? options->parts : (INK_BENCH_TOKENIZER << 1) - 1,
                         .threads = options->threads ? options->threads : ink_threads_default(NULL),
                         .rounds = options->rounds ? options->rounds : 5,
                         .rows = options->rows ? options->rows : 1024,
                         .text_bytes = b->text_len};
    ink_status st;
    INK_TRY_GOTO(prepare(b, err));
    for (size_t i = 0; i < bench->rounds; ++i)
        INK_TRY_GOTO(round_all(b, err));
    sum_up(b);
done:
    bench_free(b);
    return st;
}
