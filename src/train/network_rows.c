/* The passes shared out over threads: by rows, or by columns where rows are summed, so that no sum depends on
 * how many threads there are. See network.h. */
#include "train/network.h"
#include "core/memory.h"
#include "nn/linear.h"

#include <string.h>

/* Rows and columns per work item. */
enum { ROWS = 32, COLUMNS = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void ink__rows_activate(float *y, const ink__network *net, const float *u, ink__activation f, size_t R,
                        size_t width)
{
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t r = 0; r < R; r += ROWS)
        net->passes->activate(y + r * width, u + r * width, least(ROWS, R - r) * width, f);
}

void ink__rows_activate_backward(float *du, const ink__network *net, const float *dy, const float *u,
                                 ink__activation f, size_t R, size_t width)
{
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t r = 0; r < R; r += ROWS)
        net->passes->activate_backward(du + r * width, dy + r * width, u + r * width,
                                       least(ROWS, R - r) * width, f);
}

void ink__rows_gate(float *y, const ink__network *net, const float *both, ink__activation f, size_t R)
{
    const size_t F = net->config->F;
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t r = 0; r < R; r += ROWS)
        net->passes->gate(y + r * F, both + r * 2 * F, f, least(ROWS, R - r), F);
}

void ink__rows_gate_backward(float *dboth, const ink__network *net, const float *dy, const float *both,
                             ink__activation f, size_t R)
{
    const size_t F = net->config->F;
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t r = 0; r < R; r += ROWS)
        net->passes->gate_backward(dboth + r * 2 * F, dy + r * F, both + r * 2 * F, f, least(ROWS, R - r), F);
}

void ink__rows_norm(float *y, float *xh, float *rstd, const ink__network *net, const float *x,
                    ink__slot gamma, size_t layer, size_t R, size_t width)
{
    const float *scale = ink__store_value(net->store, gamma, layer);
    const float *shift = ink__store_value(net->store, gamma + 1, layer);
    if (!shift)
        shift = net->zeros;
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t r = 0; r < R; r += ROWS)
        net->passes->norm(y + r * width, xh + r * width, rstd + r, x + r * width, scale, shift,
                          least(ROWS, R - r), width, net->config->norm_eps);
}

void ink__rows_norm_backward(float *dx, const ink__network *net, const float *dy, const float *xh,
                             const float *rstd, ink__slot gamma, size_t layer, size_t R, size_t width)
{
    const float *scale = ink__store_value(net->store, gamma, layer);
    float *dgamma = ink__store_gradient(net->store, gamma, layer);
    float *dbeta = ink__store_gradient(net->store, gamma + 1, layer);
    if (!dbeta)
        dbeta = net->sink;
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t c = 0; c < width; c += COLUMNS)
        net->passes->norm_gradients(dgamma, dbeta, dy, xh, R, width, c, least(c + COLUMNS, width));
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t r = 0; r < R; r += ROWS)
        net->passes->norm_backward(dx + r * width, dy + r * width, xh + r * width, rstd + r, scale,
                                   least(ROWS, R - r), width);
}

void ink__rows_dropout_add(float *y, const ink__network *net, const float *x, const float *residual,
                           const ink__dropout *drop, size_t R, size_t width)
{
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
    for (size_t r = 0; r < R; r += ROWS) {
        ink__dropout here = *drop;
        here.row += (uint32_t)r;
        net->passes->dropout_add(y + r * width, x + r * width, residual ? residual + r * width : NULL, &here,
                                 least(ROWS, R - r), width);
    }
}

ink__affine ink__network_linear(const ink__network *net, ink__trained_linear *product, size_t in, size_t out,
                                ink__slot W, ink__slot b, size_t layer)
{
    ink__affine a = {.product = product, .slot = W, .layer = layer, .in = in, .out = out};
    a.W = ink__store_value(net->store, W, layer);
    a.b = ink__store_value(net->store, b, layer);
    if (!a.b)
        a.b = net->zeros;
    a.dW = ink__store_gradient(net->store, W, layer);
    a.db = ink__store_gradient(net->store, b, layer);
    return a;
}

ink__affine ink__network_affine(const ink__network *net, ink__shape shape, ink__slot W, size_t layer)
{
    size_t in, out;
    if (W == INK__QKV_W && !ink__store_find(net->store, W, layer))
        W = INK__QUERY_W; /* the three lie side by side */
    ink__shape_size(&in, &out, shape, net->config);
    return ink__network_linear(net, net->products[shape], in, out, W, W + 1, layer);
}

ink_status ink__affine_forward(float *y, ink__network *net, const ink__affine *a, const float *x, size_t R,
                               ink_error *err)
{
    if (net->engine)
        return ink__trained_linear_forward(y, a->product, x, a->W, a->b, R, err);
    ink_linear_forward(y, x, a->W, a->b, R, a->in, a->out);
    return INK_OK;
}

ink_status ink__affine_backward(float *dx, ink__network *net, const ink__affine *a, float *dy, float *x,
                                size_t R, ink_error *err)
{
    if (a->db)
#pragma omp parallel for schedule(static) num_threads(net->threads) if (net->threads > 1)
        for (size_t c = 0; c < a->out; c += COLUMNS)
            net->passes->column_sums(a->db, dy, R, a->out, c, least(c + COLUMNS, a->out));
    const bool renew = ink__store_renew(net->store, a->slot, a->layer);
    if (!net->engine) {
        if (renew)
            memset(a->dW, 0, a->in * a->out * sizeof *a->dW);
        ink_linear_gradient(a->dW, dy, x, R, a->in, a->out);
        if (dx)
            ink_linear_backward(dx, dy, a->W, R, a->in, a->out);
        return INK_OK;
    }
    INK_TRY(ink__trained_linear_gradient(a->dW, a->product, dy, x, R, !renew, err));
    return dx ? ink__trained_linear_backward(dx, a->product, dy, a->W, R, err) : INK_OK;
}
