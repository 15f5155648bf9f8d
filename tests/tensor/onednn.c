/* oneDNN behind its door: products, row-wise operations and plain products against the definitions in nn/,
 * the same bits wherever a row stands, and no reference kernel anywhere. */
#include "tensor/onednn.h"
#include "core/threads.h"
#include "nn/linear.h"
#include "support/golden.h"
#include "support/numbers.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const float GUARD = 1234.5f;

#define OK(call)                                                                                             \
    do {                                                                                                     \
        ink_error err_;                                                                                      \
        err_.text[0] = '\0';                                                                                 \
        ink_error *err = &err_;                                                                              \
        cr_assert((call) == INK_OK, "%s", err_.text);                                                        \
    } while (0)

/* ---- products -------------------------------------------------------------------------------------- */

static const struct {
    size_t in, out;
} shapes[] = {{1, 1}, {7, 5}, {36, 52}, {67, 3}, {5, 131}, {384, 1152}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* y = x W^T + b with everything it takes. */
struct linear {
    ink__onednn *engine;
    ink__product *product;
    size_t in, out, threads;
    float *W, *b, *packed;
};

static void linear_open(struct linear *l, size_t in, size_t out, size_t threads)
{
    *l = (struct linear){.in = in, .out = out, .threads = threads};
    l->W = random_floats(in * out, 1.0f / sqrtf((float)in), 11);
    l->b = random_floats(out, 1, 12);
    OK(ink__onednn_create(&l->engine, err));
    OK(ink__product_create(&l->product, l->engine, in, out, threads, err));
    OK(ink__aligned_alloc(&l->packed, ink__product_packed_bytes(l->product), "W", err));
    OK(ink__product_pack(l->packed, l->product, l->W, err));
}

static void linear_close(struct linear *l)
{
    ink__aligned_free(l->packed);
    ink__product_free(l->product);
    ink__onednn_free(l->engine);
    free(l->W), free(l->b);
}

/* y [round_rows(R),out] from x [round_rows(R),in], block by block as a backend walks it. */
static void linear_run(float *y, const struct linear *l, const float *x, size_t R)
{
    const int before = ink__omp_enter(l->threads);
    for (size_t first = 0, block; first < R; first += block) {
        block = ink__product_block(l->product, R - first);
        cr_assert(block > 0 && block % INK__ROWS == 0 && first + block <= ink__round_rows(R),
                  "%zu rows at %zu of %zu", block, first, R);
        OK(ink__product_run(y + first * l->out, l->product, x + first * l->in, l->packed, l->b, block, err));
    }
    ink__omp_leave(before);
}

Test(onednn, products_agree_with_the_definition)
{
    static const size_t rows[] = {1, 15, 16, 17, 63, 65, 255, 337};
    for (size_t i = 0; i < SHAPES; ++i) {
        struct linear l;
        linear_open(&l, shapes[i].in, shapes[i].out, 1);
        for (size_t k = 0; k < sizeof rows / sizeof *rows; ++k) {
            const size_t R = rows[k], room = ink__round_rows(R);
            float *x = random_floats(room * l.in, 1, 13), *y = new_floats(room * l.out + 1);
            float *wanted = new_floats(R * l.out);
            y[room * l.out] = GUARD;
            linear_run(y, &l, x, R);
            ink_linear_forward(wanted, x, l.W, l.b, R, l.in, l.out);
            /* Sums in float of `in` products, of size about 1 in all; worst seen 3.8e-6, at 384. */
            const double error = max_difference(y, wanted, R * l.out);
            cr_expect(error < 1.2e-5, "%zu to %zu, %zu rows: %g", l.in, l.out, R, error);
            cr_expect(y[room * l.out] == GUARD, "%zu to %zu, %zu rows: written past the end", l.in, l.out, R);
            free(x), free(y), free(wanted);
        }
        linear_close(&l);
    }
}

/* Every R takes its own blocks, so that each row is computed in every place of every block size there is. */
static void check_bits_in_every_batch(size_t in, size_t out, size_t threads, size_t max_R)
{
    struct linear l;
    linear_open(&l, in, out, threads);
    const size_t room = ink__round_rows(max_R);
    float *x = random_floats(room * in, 1, 17), *moved = new_floats(room * in), *y = new_floats(room * out);
    float *alone = new_floats(max_R * out), *block = new_floats(INK__ROWS * in);
    float *block_y = new_floats(INK__ROWS * out);
    for (size_t r = 0; r < max_R; ++r) { /* each row by itself, in the smallest block, beside zeros */
        memset(block, 0, INK__ROWS * in * sizeof *block);
        memcpy(block, x + r * in, in * sizeof *x);
        linear_run(block_y, &l, block, 1);
        memcpy(alone + r * out, block_y, out * sizeof *alone);
    }
    for (size_t R = 1; R <= max_R; ++R) {
        linear_run(y, &l, x, R);
        cr_assert(same_bits(y, alone, R * out), "%zu to %zu, %zu threads: a row differs at R = %zu", in, out,
                  threads, R);
    }
    for (size_t shift = 1; shift < max_R; shift += 13) { /* the same rows elsewhere */
        memcpy(moved, x + shift * in, (max_R - shift) * in * sizeof *x);
        memcpy(moved + (max_R - shift) * in, x, shift * in * sizeof *x);
        linear_run(y, &l, moved, max_R);
        cr_assert(same_bits(y, alone + shift * out, (max_R - shift) * out) &&
                      same_bits(y + (max_R - shift) * out, alone, shift * out),
                  "%zu to %zu, %zu threads: a row differs when moved by %zu", in, out, threads, shift);
    }
    free(x), free(moved), free(y), free(alone), free(block), free(block_y);
    linear_close(&l);
}

Test(onednn, a_row_has_the_same_bits_in_every_block_and_place)
{
    check_bits_in_every_batch(7, 5, 1, 600);
    check_bits_in_every_batch(36, 52, 1, 600);
    check_bits_in_every_batch(36, 52, 2, 600);
}

Test(onednn, a_row_has_the_same_bits_with_any_number_of_threads)
{
    static const size_t rows[] = {1, 16, 31, 49, 256, 600};
    const size_t room = ink__round_rows(600);
    for (size_t i = 0; i < SHAPES; ++i) {
        struct linear one;
        linear_open(&one, shapes[i].in, shapes[i].out, 1);
        float *x = random_floats(room * one.in, 1, 19), *y = new_floats(room * one.out);
        float *wanted = new_floats(room * one.out);
        linear_run(wanted, &one, x, 600);
        for (size_t threads = 1; threads <= 4; ++threads) {
            struct linear l;
            linear_open(&l, shapes[i].in, shapes[i].out, threads);
            for (size_t k = 0; k < sizeof rows / sizeof *rows; ++k) {
                linear_run(y, &l, x, rows[k]);
                cr_expect(same_bits(y, wanted, rows[k] * l.out), "%zu to %zu, %zu rows, %zu threads", l.in,
                          l.out, rows[k], threads);
            }
            linear_close(&l);
        }
        free(x), free(y), free(wanted);
        linear_close(&one);
    }
}

/* So that sessions of one model share its packed weights. */
Test(onednn, packed_weights_are_the_same_for_any_number_of_threads)
{
    for (size_t i = 0; i < SHAPES; ++i) {
        struct linear one, two;
        linear_open(&one, shapes[i].in, shapes[i].out, 1);
        linear_open(&two, shapes[i].in, shapes[i].out, 2);
        const size_t n = ink__product_packed_bytes(one.product);
        cr_expect(n >= one.in * one.out * sizeof(float) && n == ink__product_packed_bytes(two.product));
        /* Again over garbage: padding is written, not left. */
        memset(two.packed, 0xA5, n);
        OK(ink__product_pack(two.packed, two.product, two.W, err));
        cr_expect(same_bits(one.packed, two.packed, n / sizeof(float)), "%zu to %zu", one.in, one.out);
        linear_close(&one), linear_close(&two);
    }
}

Test(onednn, running_a_product_only_reads_its_weights)
{
    for (size_t i = 0; i < SHAPES; ++i) {
        struct linear l;
        linear_open(&l, shapes[i].in, shapes[i].out, 1);
        const size_t bytes = ink__product_packed_bytes(l.product);
        float *locked = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        cr_assert(locked != MAP_FAILED);
        memcpy(locked, l.packed, bytes);
        cr_assert(mprotect(locked, bytes, PROT_READ) == 0);
        struct linear reading = l;
        reading.packed = locked;
        float *x = random_floats(80 * l.in, 1, 23), *y = new_floats(80 * l.out), *z = new_floats(80 * l.out);
        linear_run(y, &l, x, 80);
        linear_run(z, &reading, x, 80); /* a write would end the test here */
        cr_expect(same_bits(y, z, 80 * l.out));
        free(x), free(y), free(z), munmap(locked, bytes);
        linear_close(&l);
    }
}

Test(onednn, blocks_cover_the_rows_and_the_rest_of_the_last_sixteen)
{
    struct linear l;
    linear_open(&l, 7, 5, 1);
    for (size_t R = 1; R <= 1200; ++R) {
        size_t left = R, done = 0;
        while (left > 0) {
            const size_t block = ink__product_block(l.product, left);
            cr_assert(block >= INK__ROWS && block <= ink__round_rows(left), "%zu of %zu", block, left);
            done += block, left -= block < left ? block : left;
        }
        cr_assert(done == ink__round_rows(R), "%zu of %zu", done, R);
    }
    linear_close(&l);
}

struct worker {
    pthread_barrier_t *start;
    struct linear *l;
    const float *x, *wanted;
    size_t R;
    int wrong;
};

static void *work(void *context)
{
    struct worker *w = context;
    float *y = malloc(ink__round_rows(w->R) * w->l->out * sizeof *y);
    pthread_barrier_wait(w->start);
    for (int i = 0; i < 5000; ++i) {
        linear_run(y, w->l, w->x, w->R);
        w->wrong += !same_bits(y, w->wanted, w->R * w->l->out);
    }
    free(y);
    return NULL;
}

Test(onednn, two_products_of_a_shape_run_at_once)
{
    enum { R = 81 };
    struct linear first, second;
    linear_open(&first, 36, 52, 1);
    linear_open(&second, 36, 52, 1);
    const size_t room = ink__round_rows(R);
    float *x[2] = {random_floats(room * 36, 1, 31), random_floats(room * 36, 1, 32)};
    float *wanted[2] = {new_floats(room * 52), new_floats(room * 52)};
    linear_run(wanted[0], &first, x[0], R);
    linear_run(wanted[1], &second, x[1], R);

    ink__aligned_free(second.packed), second.packed = first.packed; /* as sessions share a model's */
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    struct worker workers[2] = {{&start, &first, x[0], wanted[0], R, 0},
                                {&start, &second, x[1], wanted[1], R, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i)
        cr_assert(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], NULL);
        cr_expect(workers[i].wrong == 0, "thread %d: %d of 5000 differ", i, workers[i].wrong);
    }
    for (int i = 0; i < 2; ++i)
        free(x[i]), free(wanted[i]);
    second.packed = NULL;
    linear_close(&first), linear_close(&second);
}

/* ---- plain products -------------------------------------------------------------------------------- */

static void check_matmul(size_t M, size_t N, size_t K, bool transposed)
{
    ink__onednn *engine;
    ink__matmul *op;
    OK(ink__onednn_create(&engine, err));
    OK(ink__matmul_create(&op, engine, M, N, K, transposed, 1, err));
    float *A = random_floats(M * K, 1, 61), *B = random_floats(K * N, 1, 62), *C = new_floats(M * N + 1);
    C[M * N] = GUARD;
    OK(ink__matmul_run(C, op, A, B, err));
    double worst = 0;
    for (size_t m = 0; m < M; ++m)
        for (size_t n = 0; n < N; ++n) {
            double sum = 0;
            for (size_t k = 0; k < K; ++k)
                sum += (double)A[m * K + k] * (transposed ? B[n * K + k] : B[k * N + n]);
            worst = fmax(worst, fabs(C[m * N + n] - sum) / sqrt((double)K));
        }
    /* Relative to a sum's typical size, sqrt(K). Worst seen 4.7e-6, at K = 512, where adding one by one in
     * float is off by as much. */
    cr_expect(worst < 1e-5, "%zu x %zu x %zu: %g", M, N, K, worst);
    cr_expect(C[M * N] == GUARD, "%zu x %zu x %zu: written past the end", M, N, K);
    free(A), free(B), free(C);
    ink__matmul_free(op);
    ink__onednn_free(engine);
}

Test(onednn, plain_products_agree_with_the_definition_both_ways)
{
    static const size_t sizes[][3] = {{1, 1, 1},    {3, 5, 7},      {16, 16, 1},
                                      {48, 48, 33}, {112, 31, 112}, {512, 64, 512}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        check_matmul(sizes[i][0], sizes[i][1], sizes[i][2], false);
        check_matmul(sizes[i][0], sizes[i][1], sizes[i][2], true);
    }
}

/* ---- what runs ------------------------------------------------------------------------------------- */

Test(onednn, no_product_runs_on_a_reference_kernel)
{
    for (size_t i = 0; i < SHAPES; ++i)
        for (size_t threads = 1; threads <= 2; ++threads) {
            struct linear l;
            linear_open(&l, shapes[i].in, shapes[i].out, threads);
            size_t rungs = 0;
            for (const char *kernel; (kernel = ink__product_kernel(l.product, rungs)); ++rungs)
                cr_expect(*kernel && !strstr(kernel, "ref"), "%zu to %zu: `%s`", l.in, l.out, kernel);
            cr_expect(rungs > 0);
            linear_close(&l);
        }
}

/* oneDNN's own log, because row-wise operations do not tell their kernels' names. */
Test(onednn, its_log_names_no_reference_kernel)
{
    setenv("DNNL_VERBOSE", "1", 1);
    char path[] = "/tmp/inkling-test-XXXXXX";
    const int log = mkstemp(path), out = dup(STDOUT_FILENO);
    cr_assert(log >= 0 && out >= 0 && fflush(stdout) == 0 && dup2(log, STDOUT_FILENO) >= 0);
    float x[INK__ROWS * 36], y[INK__ROWS * 36];
    fill_random(x, INK__ROWS * 36, 1, 71);
    ink__onednn *engine;
    ink_status st = ink__onednn_create(&engine, NULL);
    for (ink__rowwise_kind kind = INK__ROWWISE_GELU_ERF; st == INK_OK && kind <= INK__ROWWISE_SOFTMAX;
         ++kind) {
        ink__rowwise *op;
        st = ink__rowwise_create(&op, engine, kind, 36, 1e-12f, 1, NULL);
        if (st == INK_OK)
            st = ink__rowwise_run(y, op, x, kind == INK__ROWWISE_LAYERNORM ? x : NULL,
                                  kind == INK__ROWWISE_LAYERNORM ? x + 36 : NULL, INK__ROWS, NULL);
        ink__rowwise_free(op);
    }
    for (int transposed = 0; st == INK_OK && transposed < 2; ++transposed) {
        ink__matmul *op;
        st = ink__matmul_create(&op, engine, 16, 16, 36, transposed, 1, NULL);
        if (st == INK_OK)
            st = ink__matmul_run(y, op, x, x, NULL);
        ink__matmul_free(op);
    }
    ink__onednn_free(engine);
    fflush(stdout), dup2(out, STDOUT_FILENO);
    cr_assert(st == INK_OK);

    FILE *f = fopen(path, "r");
    unlink(path);
    cr_assert(f);
    char line[1024];
    size_t lines = 0;
    while (fgets(line, sizeof line, f))
        if (strstr(line, ",exec,")) {
            ++lines;
            cr_expect(!strstr(line, ",ref") && !strstr(line, ":ref"), "%s", line);
        }
    fclose(f), close(log), close(out);
    cr_expect(lines == 8, "%zu operations in the log, wanted 8", lines);
}

Test(onednn, the_version_is_one_that_was_written_for)
{
    char text[32];
    ink__onednn_version(text, sizeof text);
    cr_expect(strncmp(text, "2.", 2) == 0 || strncmp(text, "3.", 2) == 0, "%s", text);
}

Test(onednn, what_cannot_be_made_is_an_error_and_no_object)
{
    ink__onednn *engine;
    OK(ink__onednn_create(&engine, err));
    ink_error err;
    ink__product *product = (ink__product *)&err;
    ink__rowwise *op = (ink__rowwise *)&err;
    ink__matmul *matmul = (ink__matmul *)&err;
    const size_t absurd = (size_t)1 << 63; /* a negative size to oneDNN */
    cr_expect(ink__product_create(&product, engine, absurd, 3, 1, &err) == INK_E_BACKEND && !product);
    cr_expect(strstr(err.text, "oneDNN"), "%s", err.text);
    cr_expect(ink__rowwise_create(&op, engine, INK__ROWWISE_RELU, absurd, 0, 1, &err) == INK_E_BACKEND &&
              !op);
    cr_expect(ink__rowwise_create(&op, engine, (ink__rowwise_kind)99, 3, 0, 1, &err) == INK_E_BACKEND && !op);
    cr_expect(ink__matmul_create(&matmul, engine, 3, absurd, 5, false, 1, &err) == INK_E_BACKEND && !matmul);
    ink__product_free(NULL), ink__rowwise_free(NULL), ink__matmul_free(NULL), ink__onednn_free(NULL);
    ink__onednn_free(engine);
}
