/* The products of a linear layer in training: against the definitions in double for row counts on both sides
 * of every block, the same bits on any number of threads, and no reference kernel. */
#include "core/threads.h"
#include "support/numbers.h"
#include "tensor/onednn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 2100, THREADS = 3 };
static const struct {
    size_t in, out;
} shapes[] = {{37, 21}, {48, 96}};
static const size_t counts[] = {1, 16, 17, 100, 400, 512, 513, 1024, 1025, 1040, MOST};

#define OK(call)                                                                                             \
    do {                                                                                                     \
        ink_error err_;                                                                                      \
        err_.text[0] = '\0';                                                                                 \
        ink_error *err = &err_;                                                                              \
        cr_assert((call) == INK_OK, "%s", err_.text);                                                        \
    } while (0)

/* One layer, and what goes into its products: [R,in], [R,out], with rows past R that must not count. */
struct layer {
    size_t in, out;
    ink__onednn *engine;
    ink__trained_linear *linear;
    float *W, *b, *x, *dy;
};

/* What comes out of them. */
struct results {
    float *y, *dx, *dW, *sum; /* sum: dW twice over */
};

static void open_layer(struct layer *l, size_t in, size_t out, size_t threads)
{
    const size_t room = ink__round_rows(MOST);
    *l = (struct layer){.in = in, .out = out};
    l->W = random_floats(in * out, 1, 1), l->b = random_floats(out, 1, 2);
    l->x = random_floats(room * in, 1, 3), l->dy = random_floats(room * out, 1, 4);
    OK(ink__onednn_create(&l->engine, err));
    OK(ink__trained_linear_create(&l->linear, l->engine, in, out, threads, err));
}

static void close_layer(struct layer *l)
{
    ink__trained_linear_free(l->linear);
    ink__onednn_free(l->engine);
    free(l->W), free(l->b), free(l->x), free(l->dy);
}

static struct results make_results(const struct layer *l)
{
    const size_t room = ink__round_rows(MOST);
    return (struct results){new_floats(room * l->out), new_floats(room * l->in), new_floats(l->in * l->out),
                            new_floats(l->in * l->out)};
}

static void free_results(struct results *r)
{
    free(r->y), free(r->dx), free(r->dW), free(r->sum);
}

static void run(struct results *r, const struct layer *l, size_t R, size_t threads)
{
    const size_t room = ink__round_rows(R);
    float *x = new_floats(room * l->in), *dy = new_floats(room * l->out);
    memcpy(x, l->x, room * l->in * sizeof *x), memcpy(dy, l->dy, room * l->out * sizeof *dy);
    fill_random(r->dW, l->in * l->out, 9, 5); /* to be overwritten */
    const int before = ink__omp_enter(threads);
    OK(ink__trained_linear_forward(r->y, l->linear, x, l->W, l->b, R, err));
    OK(ink__trained_linear_backward(r->dx, l->linear, dy, l->W, R, err));
    OK(ink__trained_linear_gradient(r->dW, l->linear, dy, x, R, false, err));
    memcpy(r->sum, r->dW, l->in * l->out * sizeof *r->sum);
    OK(ink__trained_linear_gradient(r->sum, l->linear, dy, x, R, true, err));
    ink__omp_leave(before);
    free(x), free(dy);
}

/* sum_k a[k] b[k], with strides */
static double dot(const float *a, size_t a_stride, const float *b, size_t b_stride, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; ++k)
        sum += (double)a[k * a_stride] * b[k * b_stride];
    return sum;
}

/* Errors by the root of the number of terms, each up to 1; worst seen 2.7e-6. */
static void check(const struct results *r, const struct layer *l, size_t R)
{
    double y = 0, dx = 0, dW = 0, sum = 0;
    for (size_t i = 0; i < R; ++i) {
        for (size_t o = 0; o < l->out; ++o)
            y = fmax(y, fabs(r->y[i * l->out + o] - l->b[o] -
                             dot(l->x + i * l->in, 1, l->W + o * l->in, 1, l->in)));
        for (size_t c = 0; c < l->in; ++c)
            dx = fmax(dx, fabs(r->dx[i * l->in + c] - dot(l->dy + i * l->out, 1, l->W + c, l->in, l->out)));
    }
    for (size_t o = 0; o < l->out; ++o)
        for (size_t c = 0; c < l->in; ++c) {
            const double wanted = dot(l->dy + o, l->out, l->x + c, l->in, R);
            dW = fmax(dW, fabs(r->dW[o * l->in + c] - wanted));
            sum = fmax(sum, fabs(r->sum[o * l->in + c] - 2 * wanted));
        }
    y /= sqrt((double)l->in), dx /= sqrt((double)l->out), dW /= sqrt((double)R), sum /= 2 * sqrt((double)R);
    cr_expect(y < 8e-6 && dx < 8e-6 && dW < 8e-6 && sum < 8e-6,
              "%zu to %zu, %zu rows: y %g, dx %g, dW %g, added to %g", l->in, l->out, R, y, dx, dW, sum);
}

Test(trained_linear, products_agree_with_the_definition_and_threads_change_no_bit)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
        struct layer l[THREADS];
        struct results one, more;
        for (size_t t = 0; t < THREADS; ++t)
            open_layer(&l[t], shapes[i].in, shapes[i].out, t + 1);
        one = make_results(&l[0]), more = make_results(&l[0]);
        for (size_t k = 0; k < sizeof counts / sizeof *counts; ++k) {
            const size_t R = counts[k], in = l[0].in, out = l[0].out;
            run(&one, &l[0], R, 1);
            check(&one, &l[0], R);
            for (size_t t = 1; t < THREADS; ++t) {
                run(&more, &l[t], R, t + 1);
                cr_expect(same_bits(one.y, more.y, R * out) && same_bits(one.dx, more.dx, R * in) &&
                              same_bits(one.dW, more.dW, in * out) && same_bits(one.sum, more.sum, in * out),
                          "%zu to %zu, %zu rows: other bits on %zu threads", in, out, R, t + 1);
            }
        }
        free_results(&one), free_results(&more);
        for (size_t t = 0; t < THREADS; ++t)
            close_layer(&l[t]);
    }
}

/* A model's own shapes on the counts of its batches: kernels choose their blocks by size. */
Test(trained_linear, threads_change_no_bit_in_the_shapes_of_a_model)
{
    static const size_t rows[] = {48, 400, 656};
    struct layer l[2];
    struct results one, two;
    open_layer(&l[0], 384, 1536, 1), open_layer(&l[1], 384, 1536, 2);
    one = make_results(&l[0]), two = make_results(&l[0]);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; ++k) {
        run(&one, &l[0], rows[k], 1), run(&two, &l[1], rows[k], 2);
        cr_expect(same_bits(one.y, two.y, rows[k] * 1536) && same_bits(one.dx, two.dx, rows[k] * 384) &&
                      same_bits(one.dW, two.dW, 384 * 1536) && same_bits(one.sum, two.sum, 384 * 1536),
                  "%zu rows", rows[k]);
    }
    free_results(&one), free_results(&two);
    close_layer(&l[0]), close_layer(&l[1]);
}

/* oneDNN's own log names the kernels. */
Test(trained_linear, no_product_runs_on_a_reference_kernel)
{
    setenv("DNNL_VERBOSE", "1", 1);
    char path[] = "/tmp/inkling-test-XXXXXX", line[1024];
    const int log = mkstemp(path), out = dup(STDOUT_FILENO);
    cr_assert(log >= 0 && out >= 0 && fflush(stdout) == 0 && dup2(log, STDOUT_FILENO) >= 0);
    size_t lines = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
        struct layer l;
        open_layer(&l, shapes[i].in, shapes[i].out, 1);
        struct results r = make_results(&l);
        for (size_t k = 0; k < sizeof counts / sizeof *counts; ++k)
            run(&r, &l, counts[k], 1);
        free_results(&r);
        close_layer(&l);
    }
    fflush(stdout), dup2(out, STDOUT_FILENO);
    FILE *f = fopen(path, "r");
    unlink(path);
    cr_assert(f);
    while (fgets(line, sizeof line, f))
        if (strstr(line, ",exec,")) {
            ++lines;
            cr_expect(!strstr(line, ",ref") && !strstr(line, ":ref"), "%s", line);
        }
    fclose(f), close(log), close(out);
    cr_expect(lines > 80, "%zu products in the log", lines);
}

Test(trained_linear, what_cannot_be_made_is_an_error)
{
    ink_error err;
    ink__onednn *engine;
    ink__trained_linear *l;
    float x[16] = {0};
    cr_assert(ink__onednn_create(&engine, &err) == INK_OK);
    cr_assert(ink__trained_linear_create(&l, engine, (size_t)1 << 63, 3, 1, &err) == INK_OK);
    cr_expect(ink__trained_linear_forward(x, l, x, x, x, 1, &err) == INK_E_BACKEND);
    cr_expect(strstr(err.text, "oneDNN"), "%s", err.text);
    ink__trained_linear_free(l), ink__trained_linear_free(NULL);
    ink__onednn_free(engine);
}
