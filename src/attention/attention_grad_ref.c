/* Attention's forward and backward in training, by their definition: see nn/passes.h. With
 *
 *   s_ij = q_i . k_j / sqrt(D) + bias(i - j)     m_ij = 1 / (1 - rate) where dropout keeps (i,j), else 0
 *
 *   forward    lse_i = log sum_j exp(s_ij)   p_ij = exp(s_ij - lse_i)   ctx_i = sum_j m_ij p_ij v_j
 *   backward   ds_ij = p_ij (m_ij dctx_i . v_j - dctx_i . ctx_i)        (Dao et al., arXiv 2205.14135, B.2)
 *
 * Backward walks the pairs (i,j) once for each of its sums and computes a pair afresh each time: no more than
 * a number per row is kept, and each sum is one of doubles. */
#include "attention/attention.h"

#include <math.h>

/* One head of one sequence: rows `stride` = 3H apart in qkv, H in ctx and dctx. */
struct head {
    const float *q, *k, *v, *dctx;
    const float *lse, *delta; /* per row: lse is N apart; delta_i = dctx_i . ctx_i */
    const float *bias;        /* at distance 0, or NULL */
    const ink__dropout *drop;
    size_t S, N, D, H, stride;
    double scale; /* 1 / sqrt(D) */
};

static struct head head_of(const float *qkv, size_t S, const ink__attending *how, size_t n,
                           const ink__dropout *drop)
{
    const size_t H = how->N * how->D;
    return (struct head){.q = qkv,
                         .k = qkv + H,
                         .v = qkv + 2 * H,
                         .bias = ink__attending_bias(how, n),
                         .drop = drop,
                         .S = S,
                         .N = how->N,
                         .D = how->D,
                         .H = H,
                         .stride = 3 * H,
                         .scale = 1 / sqrt((double)how->D)};
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += (double)a[i] * b[i];
    return sum;
}

/* s_ij, rounded: as exact as lse, so that where one key takes all, p is 1 however large the score. */
static float score(const struct head *h, size_t i, size_t j)
{
    return (float)(dot(h->q + i * h->stride, h->k + j * h->stride, h->D) * h->scale +
                   (h->bias ? h->bias[(ptrdiff_t)i - (ptrdiff_t)j] : 0));
}

/* m_ij */
static double factor(const struct head *h, size_t i, size_t j)
{
    if (h->drop->threshold == 0)
        return 1;
    return ink__dropout_keeps(h->drop, i, j) ? ink__dropout_scale(h->drop) : 0;
}

void ink_attention_train_ref(float *ctx, float *lse, float *scratch, const float *qkv, size_t S,
                             const ink__attending *how, size_t n, const ink__dropout *drop)
{
    const struct head h = head_of(qkv, S, how, n, drop);
    for (size_t i = 0; i < S; ++i) {
        float *s = scratch; /* [S] */
        size_t first, end;
        ink__attending_keys(&first, &end, how, i, S);
        double top = -INFINITY, sum = 0;
        for (size_t j = first; j < end; ++j) {
            s[j] = score(&h, i, j);
            top = s[j] > top ? s[j] : top;
        }
        for (size_t j = first; j < end; ++j)
            sum += exp(s[j] - top);
        lse[i * how->N] = (float)(top + log(sum));
        for (size_t j = first; j < end; ++j)
            s[j] = (float)(exp(s[j] - top) / sum * factor(&h, i, j)); /* from here on m_ij p_ij */
        for (size_t d = 0; d < how->D; ++d) {
            double value = 0;
            for (size_t j = first; j < end; ++j)
                value += (double)s[j] * h.v[j * h.stride + d];
            ctx[i * h.H + d] = (float)value;
        }
    }
}

/* m_ij p_ij and ds_ij. */
struct pair {
    double p, ds;
};

static struct pair pair_at(const struct head *h, size_t i, size_t j)
{
    const double p = exp((double)score(h, i, j) - h->lse[i * h->N]);
    const double m = factor(h, i, j), dpd = dot(h->dctx + i * h->H, h->v + j * h->stride, h->D);
    return (struct pair){m * p, p * (m * dpd - h->delta[i])};
}

/* Queries that see key j are those that query j would see as keys: distance has no sign. */
void ink_attention_backward_ref(float *dqkv, float *dbias, float *scratch, const float *dctx,
                                const float *ctx, const float *lse, const float *qkv, size_t S,
                                const ink__attending *how, size_t n, const ink__dropout *drop)
{
    struct head h = head_of(qkv, S, how, n, drop);
    const size_t D = how->D, H = h.H, stride = h.stride;
    float *delta = scratch, *p = delta + S, *ds = p + S; /* [S] each */
    h.dctx = dctx, h.lse = lse, h.delta = delta;
    for (size_t i = 0; i < S; ++i)
        delta[i] = (float)dot(dctx + i * H, ctx + i * H, D);

    for (size_t i = 0; i < S; ++i) { /* a row of pairs: dq */
        size_t first, end;
        ink__attending_keys(&first, &end, how, i, S);
        for (size_t j = first; j < end; ++j)
            ds[j] = (float)pair_at(&h, i, j).ds;
        for (size_t d = 0; d < D; ++d) {
            double sum = 0;
            for (size_t j = first; j < end; ++j)
                sum += (double)ds[j] * h.k[j * stride + d];
            dqkv[i * stride + d] = (float)(sum * h.scale);
        }
    }
    for (size_t j = 0; j < S; ++j) { /* a column: dk and dv */
        size_t first, end;
        ink__attending_keys(&first, &end, how, j, S);
        for (size_t i = first; i < end; ++i) {
            const struct pair pair = pair_at(&h, i, j);
            p[i] = (float)pair.p, ds[i] = (float)pair.ds;
        }
        for (size_t d = 0; d < D; ++d) {
            double dk = 0, dv = 0;
            for (size_t i = first; i < end; ++i) {
                dk += (double)ds[i] * h.q[i * stride + d];
                dv += (double)p[i] * dctx[i * H + d];
            }
            dqkv[j * stride + H + d] = (float)(dk * h.scale);
            dqkv[j * stride + 2 * H + d] = (float)dv;
        }
    }
    const size_t furthest = how->window < S - 1 ? how->window : S - 1;
    for (size_t x = 0; dbias && x <= 2 * furthest; ++x) { /* a diagonal: i - j = x - furthest */
        double sum = 0;
        for (size_t i = x > furthest ? x - furthest : 0; i < S && i + furthest < S + x; ++i)
            sum += pair_at(&h, i, i + furthest - x).ds;
        dbias[x + how->reach - 1 - furthest] += (float)sum;
    }
}

size_t ink_attention_train_scratch_ref(size_t max_S, size_t D)
{
    return 3 * max_S;
}
