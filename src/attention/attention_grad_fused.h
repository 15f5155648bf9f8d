/* Attention's forward and backward in training, vectorised: a head of one sequence. See nn/passes.h for what
 * they compute and attention_grad_ref.c for the formulas; included by src/tensor/passes_isa.c.
 *
 * A block of QUERIES queries is taken at a time, with all the keys it sees: its scores [QUERIES][keys] stay
 * in the cache, memory grows linearly with the sequence, and a row is whole when softmax meets it. (Dao et
 * al., arXiv 2205.14135, is the plan: p is computed again from lse, nothing of size S*S is kept.) Keys and
 * values are transposed once, into panels [D][LANES2], so that every product has its right-hand side's rows
 * in the lanes:
 *
 *   s = q k^T   dp = dctx v^T   dq = ds k   dk += ds^T q   dv += p^T dctx
 *
 * are all c(m,n) = sum_k a(m,k) b[k,n], a number of `a` broadcast at a time. Widths are padded to whole
 * vectors with zeros, heights to whole tiles whose surplus rows are computed and left. Scores are in units of
 * log 2, as in attention_fused.h: the copy of q is scaled by log2(e) / sqrt(D). */
#ifndef INK_ATTENTION_ATTENTION_GRAD_FUSED_H
#define INK_ATTENTION_ATTENTION_GRAD_FUSED_H

#include "attention/attention.h"
#include "attention/transposed_fused.h"
#include "nn/dropout_fused.h"

#include <math.h>
#include <stdbool.h>

enum {
    QUERIES = 32,
    TALL = VL == 16 ? 8 : 4 /* rows of a tile; its 2*TALL sums fit the registers */
};

/* ---- products --------------------------------------------------------------------------------------- */

/* c [TALL][V*VL] = the product, or that much more. */
static inline __attribute__((always_inline)) void product_tile(float *c, size_t c_stride, const float *a,
                                                               size_t a_m, size_t a_k, const float *b,
                                                               size_t b_stride, size_t K, const int V,
                                                               const bool adds)
{
    vf sum[TALL][2];
    for (int m = 0; m < TALL; ++m)
        for (int v = 0; v < V; ++v)
            sum[m][v] = adds ? v_load(c + (size_t)m * c_stride + v * VL) : (vf){0};
    for (size_t k = 0; k < K; ++k) {
        vf b_k[2];
        for (int v = 0; v < V; ++v)
            b_k[v] = v_load(b + k * b_stride + v * VL);
        for (int m = 0; m < TALL; ++m)
            for (int v = 0; v < V; ++v)
                sum[m][v] += b_k[v] * a[(size_t)m * a_m + k * a_k];
    }
    for (int m = 0; m < TALL; ++m)
        for (int v = 0; v < V; ++v)
            v_store(c + (size_t)m * c_stride + v * VL, sum[m][v]);
}

/* c [M,N] = sum_k a(m,k) b[k,N], M being rounded up to TALL and N to VL. The next LANES2 columns of b are
 * b_panel further. */
static inline __attribute__((always_inline)) void product(float *c, size_t c_stride, const float *a,
                                                          size_t a_m, size_t a_k, const float *b,
                                                          size_t b_stride, size_t b_panel, size_t M, size_t N,
                                                          size_t K, const bool adds)
{
    for (size_t n = 0; n < N; n += LANES2, b += b_panel)
        for (size_t m = 0; m < M; m += TALL)
            if (N - n > VL)
                product_tile(c + m * c_stride + n, c_stride, a + m * a_m, a_m, a_k, b, b_stride, K, 2, adds);
            else
                product_tile(c + m * c_stride + n, c_stride, a + m * a_m, a_m, a_k, b, b_stride, K, 1, adds);
}

/* c [M,N] = a [M,K] times b */
static void product_rows(float *c, size_t c_stride, const float *a, size_t a_stride, const float *b,
                         size_t b_stride, size_t b_panel, size_t M, size_t N, size_t K)
{
    product(c, c_stride, a, a_stride, 1, b, b_stride, b_panel, M, N, K, false);
}

/* c [M,N] += a [K,M] transposed times b [K,N] */
static void product_columns(float *c, size_t c_stride, const float *a, size_t a_stride, const float *b,
                            size_t b_stride, size_t M, size_t N, size_t K)
{
    product(c, c_stride, a, 1, a_stride, b, b_stride, LANES2, M, N, K, true);
}

/* ---- memory ----------------------------------------------------------------------------------------- */

/* W is D, and P is S, rounded up to whole vectors and panels. */
struct grad_buffers {
    float *q, *dctx, *out; /* [QUERIES,W] of the block: q scaled; out is ctx, or dq, before it is stored */
    float *s, *ds;         /* [QUERIES][stride]: s, then p as dropout leaves it; dp, then ds */
    float *kt, *vt;        /* [P/LANES2][W][LANES2] */
    float *rows;           /* [P,W] values going forward, keys going backward */
    float *dk, *dv;        /* [P,W] */
    float *bias, *dbias;   /* [2P] by j - i + S - 1: that way round they suit a row; bias times log2(e) */
    size_t S, P, D, W, stride;
};

static size_t whole_panels(size_t S)
{
    return (S + LANES2 - 1) / LANES2 * LANES2;
}

/* The only list of these buffers. Floats used; with scratch NULL it only counts. */
static size_t carve_grad(struct grad_buffers *x, float *scratch, size_t S, size_t D)
{
    const size_t W = whole_tiles(D), P = whole_panels(S);
    const size_t stride = P + VL; /* not a power of two: columns of s would share a few lines of the cache */
    const size_t block = QUERIES * W;
    const struct {
        float **buffer;
        size_t size;
    } list[] = {{&x->q, block},
                {&x->dctx, block},
                {&x->out, block},
                {&x->s, QUERIES * stride},
                {&x->ds, QUERIES * stride},
                {&x->kt, P * W},
                {&x->vt, P * W},
                {&x->rows, P * W},
                {&x->dk, P * W},
                {&x->dv, P * W},
                {&x->bias, 2 * P},
                {&x->dbias, 2 * P}};
    x->S = S, x->P = P, x->D = D, x->W = W, x->stride = stride;
    size_t used = 0;
    for (size_t i = 0; i < sizeof list / sizeof *list; ++i) {
        if (scratch)
            *list[i].buffer = scratch + used;
        used += list[i].size;
    }
    return used;
}

static size_t fused_attend_train_scratch(size_t max_S, size_t D)
{
    struct grad_buffers x;
    return carve_grad(&x, NULL, max_S, D) + VL; /* to begin at a whole vector's address */
}

static struct grad_buffers grad_buffers_in(float *scratch, size_t S, size_t D)
{
    struct grad_buffers x;
    const size_t past = (uintptr_t)scratch / sizeof *scratch % VL;
    carve_grad(&x, scratch + (VL - past) % VL, S, D);
    return x;
}

/* dst [n,W] = scale * n rows of src, and zeros past D. */
static void copy_rows(float *dst, const float *src, size_t stride, size_t n, size_t D, float scale)
{
    const size_t W = whole_tiles(D);
    for (size_t i = 0; i < n; ++i)
        for (size_t d = 0; d < D; d += VL) {
            const float *x = src + i * stride + d;
            v_store(dst + i * W + d, scale * (D - d >= VL ? v_load(x) : v_load_part(x, D - d)));
        }
}

/* The n rows of dst = scale * src [n,W] */
static void store_rows(float *dst, const float *src, size_t stride, size_t n, size_t D, float scale)
{
    const size_t W = whole_tiles(D);
    for (size_t i = 0; i < n; ++i)
        for (size_t d = 0; d < D; d += VL) {
            const vf x = scale * v_load(src + i * W + d);
            if (D - d >= VL)
                v_store(dst + i * stride + d, x);
            else
                v_store_part(dst + i * stride + d, x, D - d);
        }
}

/* dst [P/LANES2][W][LANES2]: S rows of src in panels. */
static void load_panels(float *dst, const float *src, size_t stride, size_t S, size_t D)
{
    for (size_t j = 0; j < S; j += LANES2, dst += whole_tiles(D) * LANES2) {
        const size_t n = S - j < LANES2 ? S - j : LANES2;
        load_transposed(dst, src + j * stride, stride, n, D, 1);
    }
}

/* ---- a block of queries ------------------------------------------------------------------------------ */

struct grad_block {
    size_t query, n;  /* n <= QUERIES from `query` on; */
    size_t key, keys; /* what they see lies in keys from `key`, a panel's first, on; */
    size_t wide;      /* keys in whole vectors */
};

static struct grad_block grad_block_at(size_t query, size_t S, const ink__attending *how)
{
    struct grad_block b = {.query = query, .n = S - query < QUERIES ? S - query : QUERIES};
    size_t first, end, ignored;
    ink__attending_keys(&first, &ignored, how, query, S);
    ink__attending_keys(&ignored, &end, how, query + b.n - 1, S);
    b.key = first / LANES2 * LANES2;
    b.keys = end - b.key;
    b.wide = (b.keys + VL - 1) / VL * VL;
    return b;
}

/* One row of a block: columns [first,end) of its keys are those that query `query` sees. */
struct grad_row {
    size_t query, first, end;
    size_t bias; /* index of column 0 in bias and dbias */
};

static struct grad_row grad_row_at(const struct grad_block *b, size_t i, size_t S, const ink__attending *how)
{
    struct grad_row row = {.query = b->query + i};
    ink__attending_keys(&row.first, &row.end, how, row.query, S);
    row.first -= b->key, row.end -= b->key;
    row.bias = b->key + S - 1 - row.query;
    return row;
}

/* x where the column, of those from `column` on, is seen; else `other`. */
static inline vf seen_or(vf x, float other, const struct grad_row *row, size_t column)
{
    if (column >= row->first && column + VL <= row->end)
        return x;
    vi at;
    for (int lane = 0; lane < VL; ++lane)
        at[lane] = (int32_t)column + lane;
    return v_select((at >= (int32_t)row->first) & (at < (int32_t)row->end), x, v_set(other));
}

/* x->bias from that of the head at distance 0. */
static void load_bias(struct grad_buffers *x, const float *bias)
{
    for (size_t k = 0; k < 2 * x->S - 1; ++k)
        x->bias[k] = 1.44269504f * bias[(ptrdiff_t)(x->S - 1) - (ptrdiff_t)k];
}

/* x->s = scores of the block, without bias. x->q [n,W] is made on the way. */
static void block_scores(const struct grad_buffers *x, const struct grad_block *b, const float *q,
                         size_t stride)
{
    const float scale = 1.44269504f / sqrtf((float)x->D); /* log2(e) / sqrt(D) */
    copy_rows(x->q, q + b->query * stride, stride, b->n, x->D, scale);
    product_rows(x->s, x->stride, x->q, x->W, x->kt + b->key * x->W, LANES2, x->W * LANES2, b->n, b->wide,
                 x->D);
}

/* ---- forward ---------------------------------------------------------------------------------------- */

static float highest_lane(vf x)
{
    float lane[INK_LANES], highest = -INFINITY;
    memcpy(lane, &x, sizeof lane);
    for (int i = 0; i < VL; ++i)
        highest = lane[i] > highest ? lane[i] : highest;
    return highest;
}

/* s [wide] becomes exp2(s - its highest), 0 where nothing is seen. The sum of that, and the highest. */
static float exponentials(float *highest, float *s, const float *bias, const struct grad_row *row,
                          size_t wide)
{
    vf most = v_set(-INFINITY), sum = {0};
    for (size_t j = 0; j < wide; j += VL) {
        vf x = v_load(s + j);
        if (bias)
            x += v_load(bias + row->bias + j);
        x = seen_or(x, -INFINITY, row, j);
        v_store(s + j, x);
        most = v_max(x, most);
    }
    *highest = highest_lane(most);
    for (size_t j = 0; j < wide; j += VL) {
        const vf p = v_exp2(v_load(s + j) - *highest);
        v_store(s + j, p);
        sum += p;
    }
    return v_sum(sum);
}

static void fused_attend_train(float *ctx, float *lse, float *scratch, const float *qkv, size_t S,
                               const ink__attending *how, size_t head, const ink__dropout *drop)
{
    const size_t D = how->D, H = how->N * D, stride = 3 * H;
    const float *bias = ink__attending_bias(how, head);
    struct grad_buffers x = grad_buffers_in(scratch, S, D);
    load_panels(x.kt, qkv + H, stride, S, D);
    copy_rows(x.rows, qkv + 2 * H, stride, S, D, 1);
    if (bias)
        load_bias(&x, bias);
    for (size_t query = 0; query < S; query += QUERIES) {
        const struct grad_block b = grad_block_at(query, S, how);
        float share[QUERIES]; /* 1 / sum */
        block_scores(&x, &b, qkv, stride);
        for (size_t i = 0; i < b.n; ++i) {
            const struct grad_row row = grad_row_at(&b, i, S, how);
            float *s = x.s + i * x.stride, highest; /* [wide] */
            const float sum = exponentials(&highest, s, bias ? x.bias : NULL, &row, b.wide);
            share[i] = 1.0f / sum;
            lse[row.query * how->N] = highest + log2f(sum);
            if (drop->threshold) {
                struct dropout_row kept;
                dropout_row_start(&kept, drop, row.query);
                for (size_t j = 0; j < b.wide; j += VL)
                    v_store(s + j, v_load(s + j) * dropout_factor(&kept, b.key + j));
            }
        }
        product_rows(x.out, x.W, x.s, x.stride, x.rows + b.key * x.W, x.W, LANES2, b.n, x.W, b.keys);
        for (size_t i = 0; i < b.n; ++i)
            store_rows(ctx + (query + i) * H, x.out + i * x.W, H, 1, D, share[i]);
    }
}

/* ---- backward --------------------------------------------------------------------------------------- */

/* s [wide] becomes what dropout leaves of p, dp [wide] becomes ds; bias and dbias may be NULL. */
static void gradients_of_row(float *s, float *dp, const float *bias, float *dbias, const ink__dropout *drop,
                             const struct grad_row *row, const struct grad_block *b, float lse, float delta)
{
    struct dropout_row kept;
    dropout_row_start(&kept, drop, row->query);
    for (size_t j = 0; j < b->wide; j += VL) {
        vf x = v_load(s + j), dp_j = v_load(dp + j);
        if (bias)
            x += v_load(bias + row->bias + j);
        const vf p = seen_or(v_exp2(x - lse), 0, row, j); /* x has forward's bits, so is no more than lse */
        vf left = p;
        if (drop->threshold) {
            const vf m = dropout_factor(&kept, b->key + j);
            left *= m, dp_j *= m;
        }
        const vf ds = seen_or(p * (dp_j - delta), 0, row, j);
        v_store(s + j, left);
        v_store(dp + j, ds);
        if (dbias)
            v_store(dbias + row->bias + j, v_load(dbias + row->bias + j) + ds);
    }
}

/* dctx_i . ctx_i; dctx_i is the padded copy. */
static float delta_of(const float *dctx, const float *ctx, size_t D)
{
    vf sum = {0};
    for (size_t d = 0; d < D; d += VL)
        sum += v_load(dctx + d) * (D - d >= VL ? v_load(ctx + d) : v_load_part(ctx + d, D - d));
    return v_sum(sum);
}

static void fused_attend_backward(float *dqkv, float *dbias, float *scratch, const float *dctx,
                                  const float *ctx, const float *lse, const float *qkv, size_t S,
                                  const ink__attending *how, size_t head, const ink__dropout *drop)
{
    const size_t D = how->D, H = how->N * D, stride = 3 * H;
    const float *bias = ink__attending_bias(how, head);
    struct grad_buffers x = grad_buffers_in(scratch, S, D);
    load_panels(x.kt, qkv + H, stride, S, D);
    load_panels(x.vt, qkv + 2 * H, stride, S, D);
    copy_rows(x.rows, qkv + H, stride, S, D, 1);
    memset(x.dk, 0, x.P * x.W * sizeof *x.dk);
    memset(x.dv, 0, x.P * x.W * sizeof *x.dv);
    memset(x.dbias, 0, 2 * x.P * sizeof *x.dbias);
    if (bias)
        load_bias(&x, bias);
    for (size_t query = 0; query < S; query += QUERIES) {
        const struct grad_block b = grad_block_at(query, S, how);
        block_scores(&x, &b, qkv, stride);
        copy_rows(x.dctx, dctx + query * H, H, b.n, D, 1);
        product_rows(x.ds, x.stride, x.dctx, x.W, x.vt + b.key * x.W, LANES2, x.W * LANES2, b.n, b.wide, D);
        for (size_t i = 0; i < b.n; ++i) {
            const struct grad_row row = grad_row_at(&b, i, S, how);
            const float *ctx_i = ctx + row.query * H; /* [D] */
            gradients_of_row(x.s + i * x.stride, x.ds + i * x.stride, bias ? x.bias : NULL,
                             dbias ? x.dbias : NULL, drop, &row, &b, lse[row.query * how->N],
                             delta_of(x.dctx + i * x.W, ctx_i, D));
        }
        product_rows(x.out, x.W, x.ds, x.stride, x.rows + b.key * x.W, x.W, LANES2, b.n, x.W, b.keys);
        store_rows(dqkv + query * stride, x.out, stride, b.n, D, 1.0f / sqrtf((float)D));
        product_columns(x.dk + b.key * x.W, x.W, x.ds, x.stride, x.q, x.W, b.keys, x.W, b.n);
        product_columns(x.dv + b.key * x.W, x.W, x.s, x.stride, x.dctx, x.W, b.keys, x.W, b.n);
    }
    store_rows(dqkv + H, x.dk, stride, S, D, 0.693147181f); /* ln 2: q was scaled by log2(e) */
    store_rows(dqkv + 2 * H, x.dv, stride, S, D, 1);
    for (size_t k = 0; dbias && k < 2 * S - 1; ++k) /* i - j = S - 1 - k */
        dbias[how->reach + S - 2 - k] += x.dbias[k];
}

#endif
