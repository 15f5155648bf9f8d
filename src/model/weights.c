/* From mapped tensors to packed weights: see weights.h. */
#include "model/weights.h"
#include "attention/attention.h"
#include "nn/quantize.h"
#include "tensor/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ink__shape_size(size_t *in, size_t *out, ink__shape shape, const ink__config *config)
{
    const size_t H = config->H, F = config->F;
    switch (shape) {
    case INK__SHAPE_QKV:
        *in = H, *out = 3 * H;
        return;
    case INK__SHAPE_SQUARE:
        *in = H, *out = H;
        return;
    case INK__SHAPE_FF_IN:
        *in = H, *out = config->arch->gated ? 2 * F : F;
        return;
    case INK__SHAPE_FF_OUT:
        *in = F, *out = H;
        return;
    case INK__SHAPE_PROJECT:
    case INK__SHAPES:
        break;
    }
    *in = config->E, *out = config->projected ? H : 0;
}

struct dims {
    const ink__config *config;
    const ink__params *params;
    bool int8;
    size_t packed[2][INK__SHAPES]; /* bytes of one W, in floats and in 8 bits */
};

static void carve_linear(ink__linear *linear, ink_arena *a, const struct dims *d, ink__shape shape, bool int8)
{
    void *W = ink_arena_bytes(a, d->packed[int8][shape], 1);
    linear->shape = shape;
    ink__shape_size(&linear->in, &linear->out, shape, d->config);
    linear->b = ink_arena_f32(a, linear->out);
    linear->W = int8 ? NULL : W;
    linear->Q = int8 ? W : NULL;
    if (int8) {
        linear->scale = ink_arena_f32(a, linear->out);
        linear->shift = ink_arena_f32(a, linear->out);
    }
}

static void carve_norm(ink__norm *norm, ink_arena *a, size_t H)
{
    norm->gamma = ink_arena_f32(a, H);
    norm->beta = ink_arena_f32(a, H);
}

void ink__ropes_carve(ink__rope *ropes, ink_arena *a, const ink__config *c)
{
    for (size_t s = 0; s < c->n_steps; ++s) {
        size_t i = 0;
        while (i < INK__ROPES && ropes[i].theta != 0 && ropes[i].theta != c->steps[s].theta)
            ++i;
        if (i == INK__ROPES || c->steps[s].theta == 0)
            continue;
        ropes[i].theta = c->steps[s].theta;
    }
    for (size_t i = 0; i < INK__ROPES; ++i)
        if (ropes[i].theta != 0) {
            ropes[i].cosines = ink_arena_bytes(a, c->P, c->H / c->N / 2 * sizeof(float));
            ropes[i].sines = ink_arena_bytes(a, c->P, c->H / c->N / 2 * sizeof(float));
        }
}

void ink__ropes_fill(const ink__rope *ropes, const ink__config *c)
{
    for (size_t i = 0; i < INK__ROPES; ++i)
        if (ropes[i].theta != 0)
            ink_rope_table(ropes[i].cosines, ropes[i].sines, c->P, c->H / c->N, ropes[i].theta);
}

const ink__rope *ink__rope_of(const ink__rope *ropes, double theta)
{
    while (ropes->theta != theta)
        ++ropes;
    return ropes;
}

static void carve(ink_arena *a, void *buffers, const void *dims)
{
    ink__weights *w = buffers;
    const struct dims *d = dims;
    const ink__config *c = d->config;
    const ink__tensor *const *t = d->params->model;
    const size_t H = c->H, C = c->C;
    carve_norm(&w->embed_norm, a, c->E);
    if (t[INK__PROJECT_W])
        carve_linear(&w->project, a, d, INK__SHAPE_PROJECT, false);
    ink__ropes_carve(w->ropes, a, c);
    if (t[INK__RELATIVE])
        w->bias = ink_arena_bytes(a, c->N * (2 * c->P - 1) + INK__BIAS_SLACK, sizeof *w->bias);
    if (t[INK__FINAL_GAMMA])
        carve_norm(&w->final_norm, a, H);
    if (t[INK__HEAD_GAMMA])
        carve_norm(&w->head_norm, a, H);
    w->layers = ink_arena_bytes(a, d->config->L, sizeof *w->layers);
    for (size_t l = 0; l < d->config->L; ++l) {
        ink__layer unplaced, *layer = w->layers ? &w->layers[l] : &unplaced; /* the measuring pass has none */
        carve_linear(&layer->qkv, a, d, INK__SHAPE_QKV, d->int8);
        carve_linear(&layer->attn_out, a, d, INK__SHAPE_SQUARE, d->int8);
        carve_linear(&layer->ff_in, a, d, INK__SHAPE_FF_IN, d->int8);
        carve_linear(&layer->ff_out, a, d, INK__SHAPE_FF_OUT, d->int8);
        if (d->params->layers[l][INK__ATTN_GAMMA])
            carve_norm(&layer->attn_norm, a, H);
        carve_norm(&layer->ff_norm, a, H);
    }
    if (t[INK__HEAD_DENSE_W])
        carve_linear(&w->head_dense, a, d, INK__SHAPE_SQUARE, false);
    if (t[INK__HEAD_OUT_W]) {
        w->head_W = ink_arena_f32(a, C * H);
        w->head_b = ink_arena_f32(a, C);
    }
}

/* A vector or plain matrix; what the file leaves out stays zero. */
static void read_vector(float *y, const ink__tensor *tensor)
{
    if (tensor)
        ink__tensor_to_f32(y, tensor);
}

static void read_norm(ink__norm *norm, const ink__tensor *gamma, const ink__tensor *beta)
{
    if (!norm->gamma)
        return;
    read_vector(norm->gamma, gamma);
    read_vector(norm->beta, beta);
}

static ink__table table_of(const ink__tensor *tensor)
{
    return tensor ? (ink__table){tensor->data, tensor->dtype, tensor->shape[0], tensor->scale}
                  : (ink__table){0};
}

struct packer {
    ink__product *products[2][INK__SHAPES]; /* in floats, in 8 bits; NULL where plain */
    float *matrix;                          /* room for the largest [out,in] */
    int8_t *bytes;                          /* likewise */
};

/* Q, scale and shift of `rows` rows of a tensor, from row `first` of the layer on. */
static ink_status read_int8(ink__linear *linear, struct packer *p, int8_t *Q, const ink__tensor *W,
                            size_t first, size_t rows, ink_error *err)
{
    const size_t in = linear->in;
    int8_t *Q_rows = Q + first * in; /* [rows,in] */
    if (W->dtype == INK__I8) {
        memcpy(Q_rows, W->data, rows * in);
        memcpy(linear->scale + first, W->scale, rows * sizeof *linear->scale);
    } else {
        ink__tensor_to_f32(p->matrix, W);
        for (size_t i = 0; i < rows * in; ++i)
            if (!isfinite(p->matrix[i]))
                return ink_fail(err, INK_E_NUMERIC, "weight %zu of %s is not finite", i, W->name);
        ink_quantize_weights(Q_rows, linear->scale + first, p->matrix, rows, in);
    }
    ink_quantize_shift(linear->shift + first, Q_rows, linear->scale + first, rows, in);
    return INK_OK;
}

/* linear = the n matrices stacked on their output side: one, or query, key and value. */
static ink_status pack(ink__linear *linear, struct packer *p, const ink__tensor *const *W,
                       const ink__tensor *const *b, size_t n, ink_error *err)
{
    const size_t rows = linear->out / n, size = rows * linear->in;
    ink__product *product = p->products[linear->Q != NULL][linear->shape];
    float *plain = product ? p->matrix : linear->W; /* [out,in] */
    int8_t *plain_int8 = product ? p->bytes : linear->Q;
    for (size_t i = 0; i < n; ++i) {
        if (linear->Q)
            INK_TRY(read_int8(linear, p, plain_int8, W[i], i * rows, rows, err));
        else
            ink__tensor_to_f32(plain + i * size, W[i]);
        ink__tensors_release_pages(W[i]);
        read_vector(linear->b + i * rows, b[i]);
    }
    if (!product)
        return INK_OK;
    return linear->Q ? ink__product_pack(linear->Q, product, plain_int8, err)
                     : ink__product_pack(linear->W, product, plain, err);
}

static ink_status pack_qkv(ink__linear *qkv, struct packer *p, const ink__tensor *const *t, ink_error *err)
{
    const ink__tensor *const W[] = {t[INK__QUERY_W], t[INK__KEY_W], t[INK__VALUE_W]};
    const ink__tensor *const b[] = {t[INK__QUERY_B], t[INK__KEY_B], t[INK__VALUE_B]};
    return t[INK__QKV_W] ? pack(qkv, p, &t[INK__QKV_W], &t[INK__QKV_B], 1, err) : pack(qkv, p, W, b, 3, err);
}

static ink_status pack_layer(ink__layer *layer, struct packer *p, const ink__tensor *const *t, ink_error *err)
{
    INK_TRY(pack_qkv(&layer->qkv, p, t, err));
    INK_TRY(pack(&layer->attn_out, p, &t[INK__ATTN_OUT_W], &t[INK__ATTN_OUT_B], 1, err));
    INK_TRY(pack(&layer->ff_in, p, &t[INK__FF_IN_W], &t[INK__FF_IN_B], 1, err));
    INK_TRY(pack(&layer->ff_out, p, &t[INK__FF_OUT_W], &t[INK__FF_OUT_B], 1, err));
    read_norm(&layer->attn_norm, t[INK__ATTN_GAMMA], t[INK__ATTN_BETA]);
    read_norm(&layer->ff_norm, t[INK__FF_GAMMA], t[INK__FF_BETA]);
    return INK_OK;
}

/* What is not a layer's, the head included. */
static ink_status pack_model(ink__weights *w, struct packer *p, const struct dims *d, ink_error *err)
{
    const ink__tensor *const *t = d->params->model;
    const ink__config *c = d->config;
    w->word = table_of(t[INK__WORD]);
    w->position = table_of(t[INK__POSITION]);
    w->type = table_of(t[INK__TYPE]);
    read_norm(&w->embed_norm, t[INK__EMBED_GAMMA], t[INK__EMBED_BETA]);
    read_norm(&w->final_norm, t[INK__FINAL_GAMMA], t[INK__FINAL_BETA]);
    read_norm(&w->head_norm, t[INK__HEAD_GAMMA], t[INK__HEAD_BETA]);
    ink__ropes_fill(w->ropes, c);
    if (w->project.W)
        INK_TRY(pack(&w->project, p, &t[INK__PROJECT_W], &t[INK__PROJECT_B], 1, err));
    if (w->head_dense.W)
        INK_TRY(pack(&w->head_dense, p, &t[INK__HEAD_DENSE_W], &t[INK__HEAD_DENSE_B], 1, err));
    if (w->head_W) {
        read_vector(w->head_W, t[INK__HEAD_OUT_W]);
        read_vector(w->head_b, t[INK__HEAD_OUT_B]);
    }
    return INK_OK;
}

static ink_status spread_bias(ink__weights *w, const struct dims *d, ink_error *err)
{
    const ink__tensor *t = d->params->model[INK__RELATIVE];
    const ink__config *c = d->config;
    float *table;
    if (!t)
        return INK_OK;
    INK_TRY(ink__calloc(&table, c->buckets * c->N, sizeof *table, "attention bias", err));
    read_vector(table, t);
    ink_relative_bias(w->bias, table, c->N, c->P);
    free(table);
    return INK_OK;
}

static ink_status pack_all(ink__weights *w, struct packer *p, const struct dims *d, ink_error *err)
{
    INK_TRY(pack_model(w, p, d, err));
    INK_TRY(spread_bias(w, d, err));
    for (size_t l = 0; l < d->config->L; ++l)
        INK_TRY(pack_layer(&w->layers[l], p, d->params->layers[l], err));
    return INK_OK;
}

/* Embeddings' projection and the head's dense layer, which is square, stay floats. */
void ink__weights_shapes(bool *floats, bool *int8, const ink__weights *w, ink__shape shape)
{
    *int8 = w->int8 && shape != INK__SHAPE_PROJECT;
    *floats = !*int8 || shape == INK__SHAPE_SQUARE;
}

static ink_status make_products(struct packer *p, struct dims *d, const ink__weights *w, ink_error *err)
{
    ink__onednn *engine = w->engine;
    size_t largest = 0;
    for (ink__shape shape = 0; shape < INK__SHAPES; ++shape) {
        size_t in, out;
        bool floats, int8;
        ink__shape_size(&in, &out, shape, d->config);
        if (out == 0)
            continue;
        ink__weights_shapes(&floats, &int8, w, shape);
        largest = in * out > largest ? in * out : largest;
        d->packed[0][shape] = in * out * sizeof(float), d->packed[1][shape] = in * out;
        if (engine && floats) {
            INK_TRY(ink__product_create(&p->products[0][shape], engine, in, out, 1, err));
            d->packed[0][shape] = ink__product_packed_bytes(p->products[0][shape]);
        }
        if (engine && int8) {
            INK_TRY(ink__product_create_int8(&p->products[1][shape], engine, in, out, 1, err));
            d->packed[1][shape] = ink__product_packed_bytes(p->products[1][shape]);
        }
    }
    INK_TRY(ink__aligned_alloc(&p->matrix, largest * sizeof *p->matrix, "weights", err));
    return d->int8 ? ink__aligned_alloc(&p->bytes, largest, "weights", err) : INK_OK;
}

ink_status ink__weights_create(ink__weights *weights, const ink__config *config, const ink__params *params,
                               ink__packing packing, ink_error *err)
{
    *weights = (ink__weights){.int8 = packing.int8};
    struct dims d = {.config = config, .params = params, .int8 = packing.int8};
    struct packer p = {0};
    ink_status st;
    if (!packing.plain)
        INK_TRY_GOTO(ink__onednn_create(&weights->engine, err));
    INK_TRY_GOTO(make_products(&p, &d, weights, err));
    INK_TRY_GOTO(ink_arena_plan(&weights->arena, carve, weights, &d, err));
    st = pack_all(weights, &p, &d, err);
done:
    for (ink__shape shape = 0; shape < INK__SHAPES; ++shape)
        ink__product_free(p.products[0][shape]), ink__product_free(p.products[1][shape]);
    ink__aligned_free(p.matrix);
    ink__aligned_free(p.bytes);
    if (st != INK_OK)
        ink__weights_free(weights);
    return st;
}

void ink__weights_free(ink__weights *weights)
{
    ink__onednn_free(weights->engine);
    ink_arena_free(&weights->arena);
    *weights = (ink__weights){0};
}
