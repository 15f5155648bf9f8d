/* What `inkling bench` prints: see bench_table.h. */
#include "bench_table.h"

#include <stdio.h>

/* The median, and how far the rounds lay from it. */
static void print_figure(const ink_figure *f, double unit, int digits)
{
    char text[64];
    snprintf(text, sizeof text, "%.*f (%.*f-%.*f)", digits, f->median * unit, digits, f->low * unit, digits,
             f->high * unit);
    printf("  %-20s", text);
}

static void print_products(const ink_bench *b)
{
    const bool all = b->parts & INK_BENCH_PRODUCTS, int8 = !all && b->peak_int8_gflops.high > 0;
    printf("\nproducts, GFLOP/s       %-22s%s\n", int8 ? "bare int8" : "bare f32",
           all ? "as run together       as run apart          bare int8" : "");
    for (size_t i = 0; i <= INK_BENCH_PRODUCT_SHAPES; ++i) {
        const bool sum = i == INK_BENCH_PRODUCT_SHAPES;
        const ink_bench_product *p = &b->products[sum ? 0 : i];
        if (sum)
            printf("%-22s", "a layer");
        else
            printf("%-8s %5zu x %-5zu", p->name, p->in, p->out);
        if (!int8)
            print_figure(sum ? &b->peak_gflops : &p->peak, 1, 0);
        if (all) {
            print_figure(sum ? &b->together_gflops : &p->together, 1, 0);
            print_figure(sum ? &b->apart_gflops : &p->apart, 1, 0);
        }
        if (all || int8)
            print_figure(sum ? &b->peak_int8_gflops : &p->peak_int8, 1, 0);
        printf("\n");
    }
    printf("kernels: %s, %s\n", b->products[0].kernel, b->products[0].kernel_int8);
}

static void print_encoder(const ink_bench *b)
{
    printf("\nencoder                 tokens/s              %% of bare products    ms a batch\n");
    for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
        const ink_bench_batch *batch = &b->batches[i];
        printf("%-5s %-16s", batch->name, batch->apart ? "apart" : "together");
        print_figure(&batch->tokens_per_s, 1, 0);
        print_figure(&batch->share, 100, 1);
        print_figure(&batch->pass, 1e3, 1);
        printf("  %zu texts, %zu tokens\n", batch->sequences, batch->rows);
    }
    printf("\nus a token              ");
    for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
        const ink_bench_batch *batch = &b->batches[i];
        printf("%5s %-10s", batch->name, batch->apart ? "apart" : "together");
    }
    printf("\n");
    for (size_t o = 0; o < INK_OPERATIONS; ++o) {
        printf("%-22s", ink_operation_name((ink_operation)o));
        for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
            const ink_bench_batch *batch = &b->batches[i];
            const double seconds = batch->seconds[o].median;
            const size_t tokens = batch->rows * (batch->apart ? b->threads : 1);
            printf("%8.2f %4.1f%%  ", 1e6 * seconds / (double)tokens, 100 * seconds / batch->pass.median);
        }
        printf("\n");
    }
}

void bench_table(const ink_bench *b, const ink_model *model, const char *dir)
{
    ink_model_info info;
    ink_model_get_info(&info, model);
    printf("%s: %zu layers of %zu, %s, %s, %s, %zu thread%s, %s%zu round%s%s\n", dir, info.layers,
           info.hidden, info.precision, info.backend, info.isa, b->threads, b->threads == 1 ? "" : "s",
           b->rounds == 1 ? "" : "medians of ", b->rounds, b->rounds == 1 ? "" : "s",
           b->rounds == 1 ? "" : " (low-high)");
    if (b->parts & (INK_BENCH_PRODUCTS | INK_BENCH_ENCODER))
        print_products(b);
    if (b->parts & INK_BENCH_ENCODER)
        print_encoder(b);
    if (b->parts & INK_BENCH_LATENCY) {
        printf("\none text at a time, ms\n");
        for (size_t i = 0; i < b->n_latencies; ++i) {
            printf("%3zu tokens            ", b->latencies[i].tokens);
            print_figure(&b->latencies[i].ms, 1, 2);
            printf("\n");
        }
    }
    if (b->parts & INK_BENCH_TOKENIZER) {
        printf("\n%s, one thread    ", ink_tokenizer_kind(ink_model_tokenizer(model)));
        print_figure(&b->tokenizer_mb_per_s, 1, 2);
        printf("  MB/s, %zu bytes, %zu tokens\n", b->text_bytes, b->text_tokens);
    }
}
