/* The passes of training between the products: each layer's forward, keeping what its backward needs, and its
 * backward. They are tables of functions: ink__passes_ref defines them, and one more per instruction set
 * agrees with it within rounding (tensor/passes.c chooses).
 *
 * Parameter gradients add, activation gradients overwrite. Every function works on one thread, allocates
 * nothing and cannot fail; a row's result, and a column's sum, never depend on how the work was split. */
#ifndef INK_NN_PASSES_H
#define INK_NN_PASSES_H

#include "attention/attention.h"
#include "nn/activation.h"
#include "nn/dropout.h"
#include "nn/loss.h"
#include "nn/update.h"

typedef struct ink__passes {
    const char *isa; /* "ref", "avx512", "avx2", "generic" */

    /* y [n] = f(u); y may be u */
    void (*activate)(float *y, const float *u, size_t n, ink__activation f);
    /* du [n] = dy * f'(u); du may be dy */
    void (*activate_backward)(float *du, const float *dy, const float *u, size_t n, ink__activation f);

    /* y [R,F] = f(u) * g, row r of both [R,2F] being u then g */
    void (*gate)(float *y, const float *both, ink__activation f, size_t R, size_t F);
    /* dboth [R,2F] from dy [R,F]: du = dy * g * f'(u), dg = dy * f(u). dboth may be both. */
    void (*gate_backward)(float *dboth, const float *dy, const float *both, ink__activation f, size_t R,
                          size_t F);

    /* mu = mean(x)   rstd = 1/sqrt(mean((x-mu)^2) + eps)   xh = (x-mu)*rstd   y = gamma*xh + beta
     * rstd [R]; xh [R,H] may be x; y [R,H] may be neither. */
    void (*norm)(float *y, float *xh, float *rstd, const float *x, const float *gamma, const float *beta,
                 size_t R, size_t H, float eps);
    /* With g = gamma*dy:  dx = rstd * (g - mean(g) - xh*mean(g*xh)). dx may be dy. */
    void (*norm_backward)(float *dx, const float *dy, const float *xh, const float *rstd, const float *gamma,
                          size_t R, size_t H);
    /* For columns [first,end) of H: dgamma += sum_R dy*xh, dbeta += sum_R dy. */
    void (*norm_gradients)(float *dgamma, float *dbeta, const float *dy, const float *xh, size_t R, size_t H,
                           size_t first, size_t end);

    /* For columns [first,end) of `out`: db += sum_R dy. The gradient of a bias. */
    void (*column_sums)(float *db, const float *dy, size_t R, size_t out, size_t first, size_t end);

    /* y [R,H] = dropout(x) + residual, residual NULL: without it; y may be x or residual. With threshold 0 it
     * only adds. The backward is the same with dy for x. */
    void (*dropout_add)(float *y, const float *x, const float *residual, const ink__dropout *drop, size_t R,
                        size_t H);

    /* Head n of one sequence of S rows, as in tensor/fused.h but keeping what backward needs:
     *   p = softmax_j(s) as in attention.h,  pd = dropout(p),  ctx_i = sum_j pd_ij v_j
     *   lse_i = log sum_j exp(s_j), in a base that only the table's own attend_backward knows
     * lse points at the head's column of [S,N], ctx and qkv at its columns of [S,H] and [S,3H].
     * Rows and columns of the dropout are i and j; its site is the head's own. */
    void (*attend)(float *ctx, float *lse, float *scratch, const float *qkv, size_t S,
                   const ink__attending *how, size_t n, const ink__dropout *drop);
    /* p is computed again from lse. With dpd_ij = dctx_i . v_j and dp = dropout(dpd):
     *   dv_j = sum_i pd_ij dctx_i     D_i = dctx_i . ctx_i     ds_ij = p_ij (dp_ij - D_i)
     *   dq_i = sum_j ds_ij k_j / sqrt(D)     dk_j = sum_i ds_ij q_i / sqrt(D)
     *   dbias [2*reach-1] += ds_ij at i - j + reach - 1; it is head n's own; NULL: not wanted
     * dqkv, laid out as qkv, is overwritten in the head's columns; dctx points as ctx does. */
    void (*attend_backward)(float *dqkv, float *dbias, float *scratch, const float *dctx, const float *ctx,
                            const float *lse, const float *qkv, size_t S, const ink__attending *how, size_t n,
                            const ink__dropout *drop);
    size_t (*attend_scratch)(size_t max_S, size_t D); /* floats for either; grows linearly with max_S */

    /* See nn/loss.h. */
    double (*cross_entropy_row)(float *z, bool *first, size_t y, float scale, size_t V);

    /* See nn/update.h. */
    double (*sum_squares)(const float *g, size_t n);
    void (*adamw)(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u);
    void (*decay)(float *p, size_t n, const ink__update *u);
    void (*adam)(float *p, float *m, float *v, const float *g, size_t n, const ink__update *u);
    void (*sgd)(float *p, float *m, const float *g, size_t n, const ink__update *u);
} ink__passes;

extern const ink__passes ink__passes_ref;

/* The best this processor runs; and the i-th, best first, NULL past the last. */
const ink__passes *ink__passes_best(void);
const ink__passes *ink__passes_at(size_t i);

#endif
