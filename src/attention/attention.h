/* Multi-head self-attention (Vaswani et al., arXiv 1706.03762, section 3.2) over packed rows: each sequence
 * attends to itself alone, so there is no mask and no padding.
 *
 *   for each sequence, head n, query i:   s_j = q_i . k_j / sqrt(D)   p = softmax_j(s)   ctx_i = sum_j p_j
 * v_j
 *
 * qkv [R,3H] holds q, k and v side by side: head n's query is columns n*D to (n+1)*D, its key H further, its
 * value 2H further. ctx [R,H] takes head n at columns n*D. */
#ifndef INK_ATTENTION_ATTENTION_H
#define INK_ATTENTION_ATTENTION_H

#include "tensor/onednn.h"

/* The definition. scores [S] is scratch for the longest sequence. */
void ink_attention_forward(float *ctx, float *scores, const float *qkv, const size_t *offsets, size_t B,
                           size_t N, size_t D);

/* Through oneDNN's products and softmax, a head at a time. Holds primitives for every length up to max_S in
 * steps of INK__ROWS; positions past a sequence's end are left out by softmax over exp(-inf) = 0. */
typedef struct ink__attention_dnnl ink__attention_dnnl;

ink_status ink__attention_dnnl_create(ink__attention_dnnl **attention, ink__onednn *engine, size_t max_S,
                                      size_t D, size_t threads, ink_error *err);
void ink__attention_dnnl_free(ink__attention_dnnl *attention);
ink_status ink__attention_dnnl_forward(float *ctx, ink__attention_dnnl *attention, const float *qkv,
                                       const size_t *offsets, size_t B, size_t N, size_t D, ink_error *err);

#endif
