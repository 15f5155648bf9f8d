/* Multi-head self-attention (Vaswani et al., arXiv 1706.03762, section 3.2) over packed rows: each sequence
 * attends to itself alone, so there is no padding.
 *
 *   for each sequence, head n, query i:
 *     s_j = q_i . k_j / sqrt(D) + bias_n(i - j)   for the keys j with |i - j| <= window
 *     p = softmax_j(s)    ctx_i = sum_j p_j v_j
 *
 * qkv [R,3H] holds q, k and v side by side: head n's query is columns n*D to (n+1)*D, its key H further, its
 * value 2H further. ctx [R,H] takes head n at columns n*D. */
#ifndef INK_ATTENTION_ATTENTION_H
#define INK_ATTENTION_ATTENTION_H

#include "nn/dropout.h"
#include "tensor/onednn.h"

/* Vectors may read so many floats past the table of biases. */
enum { INK__BIAS_SLACK = 64 };

/* How one layer attends. */
typedef struct ink__attending {
    size_t N, D;
    size_t window;     /* SIZE_MAX: every query sees every key */
    const float *bias; /* [N][2*reach-1] by i - j + reach - 1, and INK__BIAS_SLACK more; NULL: none */
    size_t reach;      /* distances below this have a bias: the longest sequence */
} ink__attending;

/* Keys that query i of S sees: [*first, *end). */
static inline void ink__attending_keys(size_t *first, size_t *end, const ink__attending *a, size_t i,
                                       size_t S)
{
    *first = i > a->window ? i - a->window : 0;
    *end = S - i > a->window ? i + a->window + 1 : S;
}

/* Head n's bias at distance 0, NULL where there is none; [i - j] of it is the bias of query i and key j. */
static inline const float *ink__attending_bias(const ink__attending *a, size_t n)
{
    return a->bias ? a->bias + n * (2 * a->reach - 1) + a->reach - 1 : NULL;
}

/* The definition, for sequences of one token and more, as everywhere here. scores [S] is scratch for the
 * longest sequence. */
void ink_attention_forward(float *ctx, float *scores, const float *qkv, const size_t *offsets, size_t B,
                           const ink__attending *how);

/* The definition of training's forward and backward, a head of one sequence at a time: see attend,
 * attend_backward and attend_scratch in nn/passes.h. */
void ink_attention_train_ref(float *ctx, float *lse, float *scratch, const float *qkv, size_t S,
                             const ink__attending *how, size_t n, const ink__dropout *drop);
void ink_attention_backward_ref(float *dqkv, float *dbias, float *scratch, const float *dctx,
                                const float *ctx, const float *lse, const float *qkv, size_t S,
                                const ink__attending *how, size_t n, const ink__dropout *drop);
size_t ink_attention_train_scratch_ref(size_t max_S, size_t D);

/* Through oneDNN's products and softmax, a head at a time. Holds primitives for every length up to max_S in
 * steps of INK__ROWS; positions past a sequence's end or window are left out by softmax over exp(-inf) = 0.
 */
typedef struct ink__attention_dnnl ink__attention_dnnl;

ink_status ink__attention_dnnl_create(ink__attention_dnnl **attention, ink__onednn *engine, size_t max_S,
                                      size_t D, size_t threads, ink_error *err);
void ink__attention_dnnl_free(ink__attention_dnnl *attention);
ink_status ink__attention_dnnl_forward(float *ctx, ink__attention_dnnl *attention, const float *qkv,
                                       const size_t *offsets, size_t B, const ink__attending *how,
                                       ink_error *err);

/* Rotary positions (Su et al., arXiv 2104.09864) of the form that rotates halves: with angle
 * a = position * theta^(-2d/D), columns d and d + D/2 of each head's query and key become
 *
 *   (x_d cos a - x_{d+D/2} sin a,  x_{d+D/2} cos a + x_d sin a)        for d < D/2
 *
 * cosines and sines [P,D/2] come from ink_rope_table. The same code serves every backend. A rotation's
 * transpose is the one by -a: so the backward turns the gradients of queries and keys in dqkv back. */
void ink_rope_table(float *cosines, float *sines, size_t P, size_t D, double theta);
void ink_rope_forward(float *qkv, const float *cosines, const float *sines, const size_t *offsets, size_t B,
                      size_t N, size_t D);
void ink_rope_backward(float *dqkv, const float *cosines, const float *sines, const size_t *offsets, size_t B,
                       size_t N, size_t D);

/* Bias by distance as T5 and MPNet have it (Raffel et al., arXiv 1910.10683, section 2.1): bias
 * [N][2*reach-1] from table [INK__BUCKETS,N]. Half the buckets are for each direction; of those, half are
 * exact and the rest grow logarithmically up to a distance of 128. Its backward adds to dtable what dbias,
 * laid out as bias, has at each bucket's distances. */
enum { INK__BUCKETS = 32 };
void ink_relative_bias(float *bias, const float *table, size_t N, size_t reach);
void ink_relative_bias_backward(float *dtable, const float *dbias, size_t N, size_t reach);

#endif
