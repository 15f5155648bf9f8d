/* Models in 8 bits: near the floats they come from, the same by the definition and by the fused backend, the
 * same bits in every batch; their directories, and what is refused. */
#include "io/file.h"
#include "io/safetensors.h"
#include "support/golden.h"
#include "support/random_model.h"

#include <inkling/quantize.h>

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By what share of their length all hidden states may differ, on models 8 to 64 numbers wide whose weights
 * are random. Worst seen: 0.037 from floats; 0.028 of fused from the definition, whose attention is in
 * floats. */
static const double NEAR = 0.09, APART = 0.07;

static ink_error err;

static ink_model *open_model(const char *dir, ink_backend backend, ink_precision precision)
{
    ink_model_options options = INK_MODEL_OPTIONS_INIT;
    ink_model *model;
    options.backend = backend, options.precision = precision;
    cr_assert(ink_model_open(&model, dir, &options, &err) == INK_OK, "%s: %s", dir, err.text);
    return model;
}

static ink_model_info info_of(const ink_model *model)
{
    ink_model_info info;
    ink_model_get_info(&info, model);
    return info;
}

/* Processors without VNNI compute in floats; the ref backend always does what it is told. */
static bool in_int8(const ink_model *model)
{
    return strcmp(info_of(model).precision, "int8") == 0;
}

static ink_session *session_of(const ink_model *model, size_t threads, size_t max_tokens)
{
    ink_session_options plan = INK_SESSION_OPTIONS_INIT;
    ink_session *session;
    plan.threads = threads, plan.max_tokens = max_tokens;
    cr_assert(ink_session_create(&session, model, &plan, &err) == INK_OK, "%s", err.text);
    return session;
}

/* Hidden states [R,H] of a golden's batch. free() them. */
static float *encode(const ink_model *model, const struct golden *g, size_t threads)
{
    const size_t n = g->R * info_of(model).hidden;
    ink_session *session = session_of(model, threads, g->R);
    float *hidden = calloc(n, sizeof *hidden);
    cr_assert(ink_encode(hidden, n, session, &g->batch, &err) == INK_OK, "%s", err.text);
    ink_session_free(session);
    return hidden;
}

/* |a - b| / |b| over n numbers, as lengths of vectors. */
static double distance(const float *a, const float *b, size_t n)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < n; ++i)
        error += pow((double)a[i] - b[i], 2), size += (double)b[i] * b[i];
    return sqrt(error / size);
}

/* Every architecture: floats, 8 bits by the definition, 8 bits as they are run. */
Test(int8, every_golden_model_is_near_its_floats_by_the_definition_and_fused)
{
    static char names[GOLDEN_NAMES_MAX][64];
    const size_t n_names = golden_names(names);
    for (size_t i = 0; i < n_names; ++i) {
        struct golden g;
        golden_open(&g, names[i]);
        ink_model *floats = open_model(g.dir, INK_BACKEND_FUSED, INK_PRECISION_F32);
        ink_model *ref = open_model(g.dir, INK_BACKEND_REF, INK_PRECISION_INT8);
        ink_model *fused = open_model(g.dir, INK_BACKEND_FUSED, INK_PRECISION_INT8);
        const size_t n = g.R * info_of(floats).hidden;
        float *a = encode(floats, &g, 1), *b = encode(ref, &g, 1), *c = encode(fused, &g, 1);
        cr_expect(in_int8(ref) && !in_int8(floats));
        const double near = fmax(distance(b, a, n), distance(c, a, n));
        const double apart = in_int8(fused) ? distance(c, b, n) : 0;
        cr_expect(near < NEAR, "%s: 8 bits are %g from floats", names[i], near);
        cr_expect(apart < APART, "%s: fused is %g from the definition", names[i], apart);
        cr_expect(distance(b, a, n) > 1e-4, "%s: 8 bits that nothing tells from floats", names[i]);
        free(a), free(b), free(c);
        ink_model_free(floats), ink_model_free(ref), ink_model_free(fused);
        golden_close(&g);
    }
}

Test(int8, a_sequence_has_the_same_bits_alone_anywhere_and_on_any_number_of_threads)
{
    static char names[GOLDEN_NAMES_MAX][64];
    const size_t n_names = golden_names(names);
    for (size_t i = 0; i < n_names; ++i) {
        struct golden g;
        golden_open(&g, names[i]);
        ink_model *model = open_model(g.dir, INK_BACKEND_FUSED, INK_PRECISION_INT8);
        const size_t H = info_of(model).hidden;
        float *all = encode(model, &g, 1), *alone = calloc(g.R * H, sizeof *alone);
        for (size_t threads = 1; threads <= 3; ++threads) {
            float *again = encode(model, &g, threads);
            cr_expect(memcmp(again, all, g.R * H * sizeof *all) == 0, "%s: %zu threads", names[i], threads);
            free(again);
            ink_session *session = session_of(model, threads, g.R);
            for (size_t b = 0; b < g.B; ++b) {
                size_t offsets[2];
                const ink_batch one = golden_one(&g, b, offsets);
                cr_assert(ink_encode(alone, g.R * H, session, &one, &err) == INK_OK, "%s", err.text);
                cr_expect(memcmp(alone, all + g.offsets[b] * H, offsets[1] * H * sizeof *all) == 0,
                          "%s: sequence %zu alone, %zu threads", names[i], b, threads);
            }
            ink_session_free(session);
        }
        free(all), free(alone);
        ink_model_free(model);
        golden_close(&g);
    }
}

/* Long and short ones mixed, so that blocks of rows begin and end everywhere. */
Test(int8, a_sequence_has_the_same_bits_in_larger_batches)
{
    enum { B = 40, LONGEST = 130, ROOM = B * LONGEST };
    static const struct random_model odd = {"bert", 36, 2, 3, 50, LONGEST, 3, 8};
    static int32_t ids[ROOM];
    char dir[256];
    unsigned state = 3;
    size_t offsets[B + 1] = {0};
    scratch_dir(dir);
    random_model_write(dir, &odd);
    for (size_t b = 0; b < B; ++b)
        offsets[b + 1] = offsets[b] + 1 + random_next(&state) % (b % 7 ? 20 : LONGEST - 1);
    for (size_t r = 0; r < offsets[B]; ++r)
        ids[r] = (int32_t)(random_next(&state) % RANDOM_MODEL_V);
    ink_model *model = open_model(dir, INK_BACKEND_FUSED, INK_PRECISION_INT8);
    const size_t n = offsets[B] * odd.H;
    float *all = calloc(n, sizeof *all), *alone = calloc(n, sizeof *alone);
    for (size_t threads = 1; threads <= 3; ++threads) {
        ink_session *session = session_of(model, threads, ROOM);
        const ink_batch batch = {ids, NULL, offsets, B};
        cr_assert(ink_encode(all, n, session, &batch, &err) == INK_OK, "%s", err.text);
        for (size_t b = 0; b < B; ++b) {
            const size_t S = offsets[b + 1] - offsets[b], own[] = {0, S};
            const ink_batch one = {ids + offsets[b], NULL, own, 1};
            cr_assert(ink_encode(alone, n, session, &one, &err) == INK_OK, "%s", err.text);
            cr_expect(memcmp(alone, all + offsets[b] * odd.H, S * odd.H * sizeof *all) == 0,
                      "sequence %zu of %zu rows, %zu threads", b, S, threads);
        }
        ink_session_free(session);
    }
    free(all), free(alone);
    ink_model_free(model);
    scratch_remove(dir);
}

/* ---- directories ----------------------------------------------------------------------------------- */

static char dir[256], made[300];

/* Quantizes a golden model into `made`, a directory inside the scratch one. */
static void quantize(const struct golden *g, ink_quantized *result)
{
    ink_model *model = open_model(g->dir, INK_BACKEND_REF, INK_PRECISION_F32);
    scratch_dir(dir);
    snprintf(made, sizeof made, "%s/int8", dir);
    cr_assert(ink_quantize(result, model, made, NULL, &err) == INK_OK, "%s", err.text);
    ink_model_free(model);
}

Test(int8, a_directory_computes_what_its_source_does_in_8_bits_but_for_embeddings)
{
    static char names[GOLDEN_NAMES_MAX][64];
    const size_t n_names = golden_names(names);
    for (size_t i = 0; i < n_names; ++i) {
        struct golden g;
        ink_quantized result;
        golden_open(&g, names[i]);
        quantize(&g, &result);
        cr_expect(result.matrices > 4 && result.bytes_after < result.bytes_before,
                  "%s: %zu, %zu to %zu bytes", names[i], result.matrices, (size_t)result.bytes_before,
                  (size_t)result.bytes_after);
        ink_model *source = open_model(g.dir, INK_BACKEND_REF, INK_PRECISION_INT8);
        ink_model *stored = open_model(made, INK_BACKEND_REF, INK_PRECISION_AUTO);
        ink_model *floats = open_model(made, INK_BACKEND_FUSED, INK_PRECISION_F32);
        cr_expect(in_int8(stored) && !in_int8(floats) && strcmp(info_of(stored).dtype, "I8") == 0);
        cr_expect(info_of(stored).labels == info_of(source).labels);
        const size_t n = g.R * info_of(source).hidden;
        float *a = encode(source, &g, 1), *b = encode(stored, &g, 1), *c = encode(floats, &g, 1);
        const double near = distance(b, a, n), as_floats = distance(c, a, n);
        cr_expect(near < NEAR, "%s: %g from its source in 8 bits", names[i], near);
        cr_expect(as_floats < NEAR, "%s: its weights in floats are %g away", names[i], as_floats);
        free(a), free(b), free(c);
        ink_model_free(source), ink_model_free(stored), ink_model_free(floats);
        scratch_remove(dir);
        golden_close(&g);
    }
}

/* Layers' weights alone: quantizing what was stored must give the very bytes again. */
Test(int8, stored_weights_are_those_that_loading_makes)
{
    struct golden g;
    ink_quantized result;
    ink__tensors *before, *after;
    static const char name[] = "bert.encoder.layer.0.intermediate.dense.weight";
    golden_open(&g, "bert-tiny-cls");
    quantize(&g, &result);
    cr_assert(ink__tensors_open_dir(&before, g.dir, &err) == INK_OK, "%s", err.text);
    cr_assert(ink__tensors_open_dir(&after, made, &err) == INK_OK, "%s", err.text);
    const ink__tensor *W = ink__tensors_find(before, name), *Q = ink__tensors_find(after, name);
    cr_assert(W && Q && W->dtype == INK__F32 && Q->dtype == INK__I8 && Q->scale);
    for (size_t i = 0; i < W->bytes / sizeof(float); ++i) {
        float w, scale;
        memcpy(&w, (const char *)W->data + i * sizeof w, sizeof w);
        memcpy(&scale, (const char *)Q->scale + i / W->shape[1] * sizeof scale, sizeof scale);
        cr_expect(fabsf(w - scale * ((const int8_t *)Q->data)[i]) <= 0.5001f * scale, "weight %zu", i);
    }
    const ink__tensor *head = ink__tensors_find(after, "classifier.weight");
    cr_expect(head && head->dtype == INK__F32, "the layer that ends in labels stays");
    cr_expect(ink__file_exists(made, "vocab.txt") && ink__file_exists(made, "config.json"));
    ink__tensors_free(before), ink__tensors_free(after);
    scratch_remove(dir);
    golden_close(&g);
}

/* ---- refusals -------------------------------------------------------------------------------------- */

static void expect_refusal(ink_status wanted, const char *says, const char *from, ink_backend backend,
                           ink_precision precision)
{
    ink_model_options options = INK_MODEL_OPTIONS_INIT;
    ink_model *model = NULL;
    options.backend = backend, options.precision = precision;
    const ink_status st = ink_model_open(&model, from, &options, &err);
    cr_expect(st == wanted && strstr(err.text, says), "%d: %s; wanted %s", (int)st, err.text, says);
    if (st == INK_OK)
        ink_model_free(model);
}

static const char layer[] = "bert.encoder.layer.0.attention.output.dense.weight";

/* Writes `made`'s tensors anew after a change. */
static void rewrite(void (*change)(ink__tensor *tensors, size_t *n))
{
    static ink__tensor tensors[512];
    static char names[512][128];
    char path[400];
    ink__tensors *file;
    cr_assert(ink__tensors_open_dir(&file, made, &err) == INK_OK, "%s", err.text);
    size_t n = ink__tensors_count(file);
    cr_assert(n <= 512);
    for (size_t i = 0; i < n; ++i) {
        tensors[i] = *ink__tensors_at(file, i);
        void *bytes = malloc(tensors[i].bytes);
        memcpy(bytes, tensors[i].data, tensors[i].bytes);
        snprintf(names[i], sizeof names[i], "%s", tensors[i].name);
        tensors[i].data = bytes, tensors[i].name = names[i];
    }
    ink__tensors_free(file);
    change(tensors, &n);
    snprintf(path, sizeof path, "%s/model.safetensors", made);
    cr_assert(ink__tensors_write(path, tensors, n, &err) == INK_OK, "%s", err.text);
    for (size_t i = 0; i < n; ++i)
        free((void *)tensors[i].data);
}

static ink__tensor *named(ink__tensor *tensors, size_t n, const char *end)
{
    char name[160];
    snprintf(name, sizeof name, "%s%s", layer, end);
    for (size_t i = 0; i < n; ++i)
        if (strcmp(tensors[i].name, name) == 0)
            return &tensors[i];
    cr_assert(false, "no %s", name);
    return NULL;
}

static void drop_scale(ink__tensor *tensors, size_t *n)
{
    ink__tensor *scale = named(tensors, *n, ".scale");
    free((void *)scale->data);
    *scale = tensors[--*n];
}

static void shorten_scale(ink__tensor *tensors, size_t *n)
{
    ink__tensor *scale = named(tensors, *n, ".scale");
    scale->shape[0] -= 1, scale->bytes -= sizeof(float);
}

static void halve_scale(ink__tensor *tensors, size_t *n)
{
    ink__tensor *scale = named(tensors, *n, ".scale");
    scale->dtype = INK__F16, scale->bytes /= 2;
}

static void break_weight(ink__tensor *tensors, size_t *n)
{
    ink__tensor *W = named(tensors, *n, "");
    const float nan = NAN;
    memcpy((char *)W->data + 5 * sizeof nan, &nan, sizeof nan);
}

Test(int8, broken_directories_are_refused_with_the_tensors_name)
{
    static const struct {
        void (*change)(ink__tensor *, size_t *);
        ink_status status;
        const char *says;
    } cases[] = {
        {drop_scale, INK_E_UNSUPPORTED, "dense.weight is I8 without"},
        {shorten_scale, INK_E_FORMAT, "unexpected: bert.encoder.layer.0.attention.output.dense.weight.scale"},
        {halve_scale, INK_E_FORMAT, "dense.weight.scale"}};
    struct golden g;
    ink_quantized result;
    golden_open(&g, "bert-tiny-cls");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        quantize(&g, &result);
        rewrite(cases[i].change);
        expect_refusal(cases[i].status, cases[i].says, made, INK_BACKEND_FUSED, INK_PRECISION_AUTO);
        scratch_remove(dir);
    }
    golden_close(&g);
}

Test(int8, weights_in_8_bits_must_be_declared)
{
    struct golden g;
    ink_quantized result;
    char config[1 << 14];
    golden_open(&g, "bert-tiny-cls");
    quantize(&g, &result);
    snprintf(config, sizeof config, "%s/config.json", g.dir);
    FILE *f = fopen(config, "rb");
    const size_t len = fread(config, 1, sizeof config, f);
    fclose(f);
    scratch_write(made, "config.json", config, len);
    expect_refusal(INK_E_UNSUPPORTED, "word_embeddings.weight is I8, undeclared", made, INK_BACKEND_FUSED,
                   INK_PRECISION_AUTO);
    static const char other[] =
        "{\"model_type\":\"bert\",\"quantization_config\":{\"quant_method\":\"gptq\"}}";
    scratch_write(made, "config.json", other, strlen(other));
    expect_refusal(INK_E_UNSUPPORTED, "gptq", made, INK_BACKEND_FUSED, INK_PRECISION_AUTO);
    scratch_remove(dir);
    golden_close(&g);
}

Test(int8, a_weight_that_is_not_finite_is_refused_with_its_name)
{
    static const struct random_model tiny = {"bert", 32, 1, 4, 48, 40, 3, 3};
    ink_quantized result;
    scratch_dir(dir);
    random_model_write(dir, &tiny);
    snprintf(made, sizeof made, "%s", dir);
    rewrite(break_weight);
    expect_refusal(INK_E_NUMERIC, layer, dir, INK_BACKEND_REF, INK_PRECISION_INT8);
    ink_model *model = open_model(dir, INK_BACKEND_REF, INK_PRECISION_F32);
    snprintf(made, sizeof made, "%s/int8", dir);
    cr_expect(ink_quantize(&result, model, made, NULL, &err) == INK_E_NUMERIC && strstr(err.text, layer),
              "%s", err.text);
    cr_expect(!ink__file_exists(dir, "int8") && !ink__file_exists(made, "config.json"));
    ink_model_free(model);
    scratch_remove(dir);
}

Test(int8, what_cannot_be_quantized_is_refused)
{
    struct golden g;
    ink_quantized result;
    golden_open(&g, "bert-tiny-cls");
    quantize(&g, &result);
    ink_model *again = open_model(made, INK_BACKEND_REF, INK_PRECISION_AUTO);
    ink_model *floats = open_model(g.dir, INK_BACKEND_REF, INK_PRECISION_AUTO);
    char other[400];
    snprintf(other, sizeof other, "%s/other", dir);
    cr_expect(ink_quantize(&result, again, other, NULL, &err) == INK_E_ARG &&
                  strstr(err.text, "8 bits already"),
              "%s", err.text);
    cr_expect(ink_quantize(&result, floats, made, NULL, &err) == INK_E_IO &&
                  strstr(err.text, "there already"),
              "%s", err.text);
    snprintf(other, sizeof other, "%s/no/such/parent", dir);
    cr_expect(ink_quantize(&result, floats, other, NULL, &err) == INK_E_IO, "%s", err.text);
    ink_quantize_options options = INK_QUANTIZE_OPTIONS_INIT;
    options.max_drop = NAN;
    snprintf(other, sizeof other, "%s/other", dir);
    cr_expect(ink_quantize(&result, floats, other, &options, &err) == INK_E_ARG, "%s", err.text);
    ink_model_free(again), ink_model_free(floats);
    expect_refusal(INK_E_UNSUPPORTED, "dnnl", g.dir, INK_BACKEND_DNNL, INK_PRECISION_INT8);
    expect_refusal(INK_E_ARG, "precision 9", g.dir, INK_BACKEND_FUSED, (ink_precision)9);
    ink_model *stored = open_model(made, INK_BACKEND_DNNL, INK_PRECISION_AUTO);
    cr_expect(!in_int8(stored) && strstr(info_of(stored).precision_why, "backend"), "%s",
              info_of(stored).precision_why);
    ink_model_free(stored);
    scratch_remove(dir);
    golden_close(&g);
}

/* ctest runs this file once more with DNNL_MAX_CPU_ISA=AVX512_CORE. */
Test(int8, a_processor_without_exact_products_computes_in_floats_and_says_so)
{
    struct golden g;
    golden_open(&g, "bert-tiny-cls");
    ink_model *model = open_model(g.dir, INK_BACKEND_FUSED, INK_PRECISION_INT8);
    const char *isa = getenv("DNNL_MAX_CPU_ISA");
    if (isa && strcmp(isa, "AVX512_CORE") == 0)
        cr_expect(!in_int8(model), "8 bits without VNNI");
    if (!in_int8(model)) {
        ink_model *floats = open_model(g.dir, INK_BACKEND_FUSED, INK_PRECISION_F32);
        const size_t n = g.R * info_of(model).hidden;
        float *a = encode(model, &g, 1), *b = encode(floats, &g, 1);
        cr_expect(strstr(info_of(model).precision_why, "VNNI"), "%s", info_of(model).precision_why);
        cr_expect(memcmp(a, b, n * sizeof *a) == 0);
        free(a), free(b);
        ink_model_free(floats);
    }
    ink_model_free(model);
    golden_close(&g);
}
