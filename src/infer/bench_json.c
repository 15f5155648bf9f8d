/* A bench's numbers as one JSON object: see inkling/bench.h. */
#include "io/jsontext.h"
#include "io/output.h"
#include "model/model.h"

#include <inkling/bench.h>

#include <string.h>

/* The object under way; once something fails, the rest does nothing. */
struct out {
    ink__text text;
    ink_status status;
    ink_error error;
};

#define PUT(o, call)                                                                                         \
    do {                                                                                                     \
        if ((o)->status == INK_OK)                                                                           \
            (o)->status = (call);                                                                            \
    } while (0)

static void put(struct out *o, const char *json)
{
    PUT(o, ink__text_cstr(&o->text, json, &o->error));
}

static void key_text(struct out *o, const char *key, const char *utf8)
{
    put(o, key);
    PUT(o, ink__text_string(&o->text, utf8, strlen(utf8), &o->error));
}

static void key_count(struct out *o, const char *key, size_t n)
{
    put(o, key);
    PUT(o, ink__text_uint(&o->text, n, &o->error));
}

/* Nine digits at most: more would be noise. */
static void key_number(struct out *o, const char *key, double x)
{
    put(o, key);
    PUT(o, ink__text_float(&o->text, (float)x, &o->error));
}

static void key_figure(struct out *o, const char *key, const ink_figure *f)
{
    put(o, key);
    key_number(o, "{\"median\":", f->median);
    key_number(o, ",\"low\":", f->low);
    key_number(o, ",\"high\":", f->high);
    put(o, "}");
}

/* Of the products' figures, those that were measured. */
static void key_measured(struct out *o, const char *key, const ink_figure *f)
{
    if (f->high > 0)
        key_figure(o, key, f);
}

static void put_products(struct out *o, const ink_bench *b)
{
    key_count(o, ",\"products\":{\"rows\":", b->rows);
    key_measured(o, ",\"peak_gflops\":", &b->peak_gflops);
    key_measured(o, ",\"peak_int8_gflops\":", &b->peak_int8_gflops);
    key_measured(o, ",\"together_gflops\":", &b->together_gflops);
    key_measured(o, ",\"apart_gflops\":", &b->apart_gflops);
    for (size_t i = 0; i < INK_BENCH_PRODUCT_SHAPES; ++i) {
        const ink_bench_product *p = &b->products[i];
        key_text(o, i ? ",{\"name\":" : ",\"layers\":[{\"name\":", p->name);
        key_count(o, ",\"in\":", p->in);
        key_count(o, ",\"out\":", p->out);
        key_text(o, ",\"kernel\":", p->kernel);
        key_measured(o, ",\"peak_gflops\":", &p->peak);
        key_text(o, ",\"kernel_int8\":", p->kernel_int8);
        key_measured(o, ",\"peak_int8_gflops\":", &p->peak_int8);
        key_measured(o, ",\"together_gflops\":", &p->together);
        key_measured(o, ",\"apart_gflops\":", &p->apart);
        put(o, "}");
    }
    put(o, "]}");
}

static void put_encoder(struct out *o, const ink_bench *b)
{
    for (size_t i = 0; i < INK_BENCH_BATCHES; ++i) {
        const ink_bench_batch *batch = &b->batches[i];
        key_text(o, i ? ",{\"name\":" : ",\"encoder\":[{\"name\":", batch->name);
        put(o, batch->apart ? ",\"apart\":true" : ",\"apart\":false");
        key_count(o, ",\"sequences\":", batch->sequences);
        key_count(o, ",\"rows\":", batch->rows);
        key_count(o, ",\"shortest\":", batch->shortest);
        key_count(o, ",\"longest\":", batch->longest);
        key_number(o, ",\"flops\":", batch->flops);
        key_figure(o, ",\"tokens_per_s\":", &batch->tokens_per_s);
        key_figure(o, ",\"share_of_peak\":", &batch->share);
        key_figure(o, ",\"seconds\":", &batch->pass);
        for (size_t op = 0; op < INK_OPERATIONS; ++op) {
            key_text(o, op ? "," : ",\"operations\":{", ink_operation_name((ink_operation)op));
            key_figure(o, ":", &batch->seconds[op]);
        }
        put(o, "}}");
    }
    put(o, "]");
}

static void put_bench(struct out *o, const ink_bench *b, const ink_model *model)
{
    ink_model_info info;
    ink_model_get_info(&info, model);
    key_text(o, "{\"model\":", model->dir);
    key_text(o, ",\"architecture\":", info.architecture);
    key_text(o, ",\"backend\":", info.backend);
    key_text(o, ",\"instructions\":", info.isa);
    key_text(o, ",\"precision\":", info.precision);
    key_count(o, ",\"threads\":", b->threads);
    key_count(o, ",\"rounds\":", b->rounds);
    if (b->parts & (INK_BENCH_PRODUCTS | INK_BENCH_ENCODER))
        put_products(o, b);
    if (b->parts & INK_BENCH_ENCODER)
        put_encoder(o, b);
    if (b->parts & INK_BENCH_LATENCY) {
        for (size_t i = 0; i < b->n_latencies; ++i) {
            key_count(o, i ? ",{\"tokens\":" : ",\"latency\":[{\"tokens\":", b->latencies[i].tokens);
            key_figure(o, ",\"ms\":", &b->latencies[i].ms);
            put(o, "}");
        }
        put(o, "]");
    }
    if (b->parts & INK_BENCH_TOKENIZER) {
        key_text(o, ",\"tokenizer\":{\"kind\":", ink_tokenizer_kind(model->tokenizer));
        key_count(o, ",\"bytes\":", b->text_bytes);
        key_count(o, ",\"tokens\":", b->text_tokens);
        key_figure(o, ",\"mb_per_s\":", &b->tokenizer_mb_per_s);
        put(o, "}");
    }
    put(o, "}\n");
}

ink_status ink_bench_write_json(const ink_bench *bench, const ink_model *model, const char *path,
                                ink_error *err)
{
    struct out o = {.status = INK_OK};
    ink__output *output;
    if (!bench || !model || !path)
        return ink_fail(err, INK_E_ARG, "ink_bench_write_json: bench, model and path may not be NULL");
    INK_TRY(ink__output_open(&output, path, err));
    put_bench(&o, bench, model);
    ink_status st = o.status;
    if (st != INK_OK && err)
        *err = o.error;
    if (st == INK_OK)
        st = ink__output_write(output, o.text.data, o.text.len, err);
    if (st == INK_OK)
        st = ink__output_commit(output, err);
    ink__text_free(&o.text);
    ink__output_free(output);
    return st;
}
