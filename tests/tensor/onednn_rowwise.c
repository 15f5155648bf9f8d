/* oneDNN's row-wise operations against the definitions of src/nn. */
#include "core/threads.h"
#include "nn/activation.h"
#include "nn/layernorm.h"
#include "nn/softmax.h"
#include "support/golden.h"
#include "support/numbers.h"
#include "tensor/onednn.h"

#include <math.h>

static const float GUARD = 1234.5f;

#define OK(call)                                                                                             \
    do {                                                                                                     \
        ink_error err_;                                                                                      \
        err_.text[0] = '\0';                                                                                 \
        ink_error *err = &err_;                                                                              \
        cr_assert((call) == INK_OK, "%s", err_.text);                                                        \
    } while (0)

static const size_t widths[] = {1, 7, 16, 36, 53, 384}, row_counts[] = {1, 15, 16, 17, 65, 300};

/* What oneDNN must agree with; gamma and beta for layer norm only. */
static void rowwise_wanted(float *y, ink__rowwise_kind kind, const float *x, const float *gamma,
                           const float *beta, size_t R, size_t width)
{
    static const ink__activation activations[] = {[INK__ROWWISE_GELU_ERF] = INK__GELU,
                                                  [INK__ROWWISE_GELU_TANH] = INK__GELU_TANH,
                                                  [INK__ROWWISE_RELU] = INK__RELU,
                                                  [INK__ROWWISE_TANH] = INK__TANH};
    if (kind == INK__ROWWISE_LAYERNORM) {
        ink_layernorm_forward(y, x, gamma, beta, R, width, 1e-12f);
    } else if (kind == INK__ROWWISE_SOFTMAX) {
        ink_softmax_forward(y, x, R, width);
    } else {
        ink_activation_forward(y, x, R * width, activations[kind]);
    }
}

/* Elsewhere and in place, for every width and number of rows. */
static void check_rowwise(ink__rowwise_kind kind, double tolerance, size_t threads)
{
    ink__onednn *engine;
    OK(ink__onednn_create(&engine, err));
    for (size_t i = 0; i < sizeof widths / sizeof *widths; ++i) {
        const size_t width = widths[i];
        const bool affine = kind == INK__ROWWISE_LAYERNORM;
        float *gamma = affine ? random_floats(width, 1, 41) : NULL,
              *beta = affine ? random_floats(width, 1, 42) : NULL;
        ink__rowwise *op;
        OK(ink__rowwise_create(&op, engine, kind, width, 1e-12f, threads, err));
        for (size_t k = 0; k < sizeof row_counts / sizeof *row_counts; ++k) {
            const size_t R = row_counts[k], n = ink__round_rows(R) * width;
            float *x = random_floats(n, 2, 43), *y = new_floats(n + 1), *wanted = new_floats(n);
            y[n] = GUARD;
            rowwise_wanted(wanted, kind, x, gamma, beta, R, width);
            const int before = ink__omp_enter(threads);
            OK(ink__rowwise_run(y, op, x, gamma, beta, R, err));
            OK(ink__rowwise_run(x, op, x, gamma, beta, R, err));
            ink__omp_leave(before);
            const double error = max_difference(y, wanted, R * width);
            cr_expect(error <= tolerance, "width %zu, %zu rows: %g", width, R, error);
            cr_expect(same_bits(x, y, R * width), "width %zu, %zu rows: differs in place", width, R);
            cr_expect(y[n] == GUARD, "width %zu, %zu rows: written past the end", width, R);
            free(x), free(y), free(wanted);
        }
        ink__rowwise_free(op);
        free(gamma), free(beta);
    }
    ink__onednn_free(engine);
}

/* oneDNN approximates exp, erf and tanh by polynomials; layer norm adds in float. Each bound is about four
 * times the worst seen, which stands behind it. */
Test(onednn_rowwise, gelu_agrees_with_the_definition)
{
    check_rowwise(INK__ROWWISE_GELU_ERF, 2e-6, 1); /* 4.8e-7 */
}

Test(onednn_rowwise, tanh_gelu_agrees_with_the_definition)
{
    check_rowwise(INK__ROWWISE_GELU_TANH, 2e-6, 1); /* 4.8e-7 */
}

Test(onednn_rowwise, relu_is_exact)
{
    check_rowwise(INK__ROWWISE_RELU, 0, 1);
}

Test(onednn_rowwise, tanh_agrees_with_the_definition)
{
    check_rowwise(INK__ROWWISE_TANH, 5e-7, 1); /* 1.2e-7 */
}

Test(onednn_rowwise, layer_norm_agrees_with_the_definition)
{
    check_rowwise(INK__ROWWISE_LAYERNORM, 5e-6, 1); /* 1.2e-6 */
}

Test(onednn_rowwise, softmax_agrees_with_the_definition)
{
    check_rowwise(INK__ROWWISE_SOFTMAX, 5e-7, 1); /* 1.2e-7 */
}

Test(onednn_rowwise, operations_agree_on_two_threads_too)
{
    for (ink__rowwise_kind kind = INK__ROWWISE_GELU_ERF; kind <= INK__ROWWISE_SOFTMAX; ++kind)
        check_rowwise(kind, 5e-6, 2);
}

Test(onednn_rowwise, rows_have_the_same_bits_in_every_batch)
{
    enum { R = 300, WIDTH = 53 };
    ink__onednn *engine;
    OK(ink__onednn_create(&engine, err));
    for (ink__rowwise_kind kind = INK__ROWWISE_GELU_ERF; kind <= INK__ROWWISE_SOFTMAX; ++kind) {
        const size_t room = (ink__round_rows(R) + INK__ROWS) * WIDTH;
        float *x = random_floats(room, 2, 51), *y = new_floats(room), *all = new_floats(room);
        float *gamma = random_floats(WIDTH, 1, 52), *beta = random_floats(WIDTH, 1, 53);
        const bool affine = kind == INK__ROWWISE_LAYERNORM;
        ink__rowwise *op;
        OK(ink__rowwise_create(&op, engine, kind, WIDTH, 1e-12f, 1, err));
        OK(ink__rowwise_run(all, op, x, affine ? gamma : NULL, affine ? beta : NULL, R, err));
        for (size_t n = 1; n < R; n += 7) { /* the last n rows: other blocks, other places */
            const size_t first = (R - n) * WIDTH;
            OK(ink__rowwise_run(y, op, x + first, affine ? gamma : NULL, affine ? beta : NULL, n, err));
            cr_expect(same_bits(y, all + first, n * WIDTH), "operation %d, %zu rows", (int)kind, n);
        }
        ink__rowwise_free(op);
        free(x), free(y), free(all), free(gamma), free(beta);
    }
    ink__onednn_free(engine);
}
