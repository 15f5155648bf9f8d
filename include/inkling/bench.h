/* How fast a model is on this machine, and how fast it could be: oneDNN's own packed products are the limit
 * that everything else is measured against, in the same run. */
#ifndef INKLING_BENCH_H
#define INKLING_BENCH_H

#include <inkling/base.h>
#include <inkling/model.h>
#include <inkling/profile.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the rounds' values: rounds take turns through everything measured, so that low and high show how far the
 * machine drifted meanwhile. */
typedef struct ink_figure {
    double median, low, high;
} ink_figure;

/* What to measure; these can be added. */
typedef enum ink_bench_part {
    INK_BENCH_PRODUCTS = 1,
    INK_BENCH_ENCODER = 2, /* with the products' peak, of which it gives its share */
    INK_BENCH_LATENCY = 4,
    INK_BENCH_TOKENIZER = 8
} ink_bench_part;

typedef struct ink_bench_options {
    uint32_t version; /* 1 */
    unsigned parts;   /* ink_bench_part; 0: all */
    size_t threads;   /* 0: ink_threads_default() */
    size_t rounds;    /* at most 99; 0: 5 */
    size_t rows;      /* tokens of a batch, at least; 1,000,000 at most; 0: 1,024 */
    const char *text; /* UTF-8, a text a line, for the tokenizer; NULL: some sentences of our own */
    size_t text_len;
} ink_bench_options;
#define INK_BENCH_OPTIONS_INIT                                                                               \
    {                                                                                                        \
        1, 0, 0, 0, 0, NULL, 0                                                                               \
    }

/* Two ways to use several threads: "together", one session whose every operation is shared by all; "apart",
 * as many sessions of one thread as there are threads, side by side, as jobs do it. */

/* One of a layer's linear layers, in GFLOP/s (thousands of millions of operations a second). */
typedef struct ink_bench_product {
    const char *name; /* "qkv", "attn_out", "ff_in", "ff_out" */
    size_t in, out;
    char kernel[64], kernel_int8[64]; /* oneDNN's names of what the peaks are measured with */
    ink_figure peak;                  /* bare f32 product of a whole batch's rows, all threads */
    ink_figure peak_int8;             /* the same of bytes */
    ink_figure together, apart; /* as the model's backend runs it, layer after layer, without what follows */
} ink_bench_product;
enum { INK_BENCH_PRODUCT_SHAPES = 4 };

/* The encoder, with the head if there is one, on a batch of `sequences` of shortest to longest tokens. */
typedef struct ink_bench_batch {
    const char
        *name;  /* "short": 24 tokens in the mean; "long": 256 to 512, if the model has as many positions */
    bool apart; /* each session computes a batch of its own */
    size_t sequences, rows, shortest, longest;
    double flops; /* floating-point operations of one batch: products and attention, real lengths */
    ink_figure tokens_per_s;
    ink_figure share; /* of the products' peak: flops a second over those of the bare products just before */
    ink_figure pass;  /* seconds that one batch takes */
    ink_figure seconds[INK_OPERATIONS]; /* of those, by operation */
} ink_bench_batch;
enum { INK_BENCH_BATCHES = 4 };

/* One text at a time, token ids ready: the median of a round's calls. */
typedef struct ink_bench_latency {
    size_t tokens;
    ink_figure ms;
} ink_bench_latency;
enum { INK_BENCH_LENGTHS = 5 };

typedef struct ink_bench {
    unsigned parts; /* as asked for; what was not is zero below */
    size_t threads, rounds, rows;
    ink_bench_product products[INK_BENCH_PRODUCT_SHAPES];
    ink_figure peak_gflops, peak_int8_gflops; /* of a layer's products in a row */
    ink_figure together_gflops, apart_gflops;
    ink_bench_batch batches[INK_BENCH_BATCHES];
    size_t n_latencies; /* lengths that the model has positions for, at least one */
    ink_bench_latency latencies[INK_BENCH_LENGTHS];
    size_t text_bytes, text_tokens;
    ink_figure tokenizer_mb_per_s; /* millions of bytes, one thread */
} ink_bench;

/* Measures for some seconds (MiniLM) to minutes. The numbers mean something only where nothing else runs.
 * options may be NULL.
 *
 * INK_E_ARG     an option is out of range; the text has no character but line ends
 * INK_E_MEMORY  batches of so many rows do not fit
 * others        as ink_session_create and ink_logits */
INK_API INK_NODISCARD ink_status ink_bench_run(ink_bench *bench, const ink_model *model,
                                               const ink_bench_options *options, ink_error *err);

/* Writes all numbers as one JSON object; path "-" is stdout, a file appears whole or not at all. model is
 * what was measured. INK_E_IO: it cannot be written. */
INK_API INK_NODISCARD ink_status ink_bench_write_json(const ink_bench *bench, const ink_model *model,
                                                      const char *path, ink_error *err);

#ifdef __cplusplus
}
#endif

#endif
