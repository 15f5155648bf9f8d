/* oneDNN's products in 8 bits: exact integers at every shape, block and place, by no reference kernel, with
 * weights that are only read; and whether this processor can be trusted with them. */
#include "core/threads.h"
#include "support/numbers.h"
#include "tensor/onednn.h"

#include <sys/mman.h>

static const int32_t GUARD = 123456789;

#define OK(call)                                                                                             \
    do {                                                                                                     \
        ink_error err_;                                                                                      \
        err_.text[0] = '\0';                                                                                 \
        ink_error *err = &err_;                                                                              \
        cr_assert((call) == INK_OK, "%s", err_.text);                                                        \
    } while (0)

static const struct {
    size_t in, out;
} shapes[] = {{1, 1}, {7, 5}, {36, 52}, {67, 3}, {5, 131}, {384, 1152}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct product {
    ink__onednn *engine;
    ink__product *product;
    size_t in, out, threads;
    int8_t *W, *packed;
};

/* W over the whole range that weights have, the extremes often. */
static void product_open(struct product *p, size_t in, size_t out, size_t threads)
{
    unsigned state = 5;
    *p = (struct product){.in = in, .out = out, .threads = threads, .W = malloc(in * out)};
    for (size_t i = 0; i < in * out; ++i) {
        const unsigned n = random_next(&state) >> 8;
        p->W[i] = (int8_t)(n % 4 == 0 ? (n % 8 ? 127 : -127) : (int)(n / 8 % 255) - 127);
    }
    OK(ink__onednn_create(&p->engine, err));
    OK(ink__product_create_int8(&p->product, p->engine, in, out, threads, err));
    OK(ink__aligned_alloc(&p->packed, ink__product_packed_bytes(p->product), "W", err));
    OK(ink__product_pack(p->packed, p->product, p->W, err));
}

static void product_close(struct product *p)
{
    ink__aligned_free(p->packed);
    ink__product_free(p->product);
    ink__onednn_free(p->engine);
    free(p->W);
}

/* y [round_rows(R),out] from x [round_rows(R),in], block by block. */
static void product_run(int32_t *y, const struct product *p, const uint8_t *x, size_t R)
{
    const int before = ink__omp_enter(p->threads);
    for (size_t first = 0, block; first < R; first += block) {
        block = ink__product_block(p->product, R - first);
        OK(ink__product_run_int8(y + first * p->out, p->product, x + first * p->in, p->packed, block, err));
    }
    ink__omp_leave(before);
}

static uint8_t *random_bytes(size_t n, unsigned state)
{
    uint8_t *x = malloc(n);
    for (size_t i = 0; i < n; ++i) {
        const unsigned k = random_next(&state) >> 8;
        x[i] = (uint8_t)(k % 4 == 0 ? 255 : k / 4);
    }
    return x;
}

static bool is_exact(void)
{
    ink__onednn *engine;
    bool exact;
    OK(ink__onednn_create(&engine, err));
    OK(ink__int8_is_exact(&exact, engine, err));
    ink__onednn_free(engine);
    return exact;
}

static bool same_integers(const int32_t *a, const int32_t *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static void multiply(int32_t *y, const uint8_t *x, const int8_t *W, size_t R, size_t in, size_t out)
{
    for (size_t r = 0; r < R; ++r)
        for (size_t o = 0; o < out; ++o) {
            y[r * out + o] = 0;
            for (size_t i = 0; i < in; ++i)
                y[r * out + o] += x[r * in + i] * W[o * in + i];
        }
}

Test(onednn_int8, products_are_exact_on_any_number_of_threads)
{
    static const size_t rows[] = {1, 15, 16, 17, 63, 65, 255, 337}; /* every rung, and every rest */
    if (!is_exact())
        return; /* which the last test is about */
    for (size_t i = 0; i < SHAPES; ++i)
        for (size_t threads = 1; threads <= 3; ++threads) {
            struct product p;
            product_open(&p, shapes[i].in, shapes[i].out, threads);
            for (size_t k = 0; k < sizeof rows / sizeof *rows; ++k) {
                const size_t R = rows[k], room = ink__round_rows(R);
                uint8_t *x = random_bytes(room * p.in, 13);
                int32_t *y = malloc((room * p.out + 1) * sizeof *y), *wanted = malloc(R * p.out * sizeof *y);
                y[room * p.out] = GUARD;
                product_run(y, &p, x, R);
                multiply(wanted, x, p.W, R, p.in, p.out);
                cr_expect(same_integers(y, wanted, R * p.out), "%zu to %zu, %zu rows, %zu threads", p.in,
                          p.out, R, threads);
                cr_expect(y[room * p.out] == GUARD, "%zu to %zu, %zu rows: written past the end", p.in, p.out,
                          R);
                free(x), free(y), free(wanted);
            }
            product_close(&p);
        }
}

Test(onednn_int8, the_largest_sums_do_not_overflow)
{
    enum { IN = 3072, OUT = 6, R = 17 };
    if (!is_exact())
        return;
    struct product p;
    product_open(&p, IN, OUT, 1);
    for (size_t i = 0; i < OUT * IN; ++i)
        p.W[i] = i / IN % 2 ? -127 : 127;
    OK(ink__product_pack(p.packed, p.product, p.W, err));
    uint8_t *x = malloc(32 * IN);
    int32_t y[32 * OUT];
    memset(x, 255, 32 * IN);
    product_run(y, &p, x, R);
    for (size_t i = 0; i < R * OUT; ++i)
        cr_expect(y[i] == (i % 2 ? -255 : 255) * 127 * IN, "%d", y[i]);
    free(x);
    product_close(&p);
}

Test(onednn_int8, packed_weights_are_the_same_for_any_number_of_threads)
{
    for (size_t i = 0; i < SHAPES; ++i) {
        struct product one, two;
        product_open(&one, shapes[i].in, shapes[i].out, 1);
        product_open(&two, shapes[i].in, shapes[i].out, 2);
        const size_t n = ink__product_packed_bytes(one.product);
        cr_expect(n >= one.in * one.out && n == ink__product_packed_bytes(two.product));
        memset(two.packed, 0xA5, n); /* padding is written, not left */
        OK(ink__product_pack(two.packed, two.product, two.W, err));
        cr_expect(memcmp(one.packed, two.packed, n) == 0, "%zu to %zu", one.in, one.out);
        product_close(&one), product_close(&two);
    }
}

Test(onednn_int8, running_a_product_only_reads_its_weights)
{
    for (size_t i = 0; i < SHAPES; ++i) {
        struct product p;
        product_open(&p, shapes[i].in, shapes[i].out, 1);
        const size_t bytes = ink__product_packed_bytes(p.product);
        int8_t *locked = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        cr_assert(locked != MAP_FAILED);
        memcpy(locked, p.packed, bytes);
        cr_assert(mprotect(locked, bytes, PROT_READ) == 0);
        struct product reading = p;
        reading.packed = locked;
        uint8_t *x = random_bytes(80 * p.in, 23);
        int32_t *y = malloc(80 * p.out * sizeof *y), *z = malloc(80 * p.out * sizeof *z);
        product_run(y, &p, x, 80);
        product_run(z, &reading, x, 80); /* a write would end the test here */
        cr_expect(same_integers(y, z, 80 * p.out));
        free(x), free(y), free(z), munmap(locked, bytes);
        product_close(&p);
    }
}

Test(onednn_int8, no_product_runs_on_a_reference_kernel)
{
    for (size_t i = 0; i < SHAPES; ++i)
        for (size_t threads = 1; threads <= 2; ++threads) {
            struct product p;
            product_open(&p, shapes[i].in, shapes[i].out, threads);
            size_t rung = 0;
            for (const char *name; (name = ink__product_kernel(p.product, rung)); ++rung)
                cr_expect(!strstr(name, "ref"), "%zu to %zu, %zu threads: %s", p.in, p.out, threads, name);
            cr_expect(rung >= 4);
            product_close(&p);
        }
}

/* ctest runs this again with DNNL_MAX_CPU_ISA=AVX512_CORE and AVX2, which have no VNNI. */
Test(onednn_int8, products_are_trusted_where_they_are_exact_and_nowhere_else)
{
    struct product p;
    product_open(&p, 384, 1152, 1);
    uint8_t *x = random_bytes(16 * p.in, 29);
    int32_t *y = malloc(16 * p.out * sizeof *y), *wanted = malloc(16 * p.out * sizeof *y);
    product_run(y, &p, x, 16);
    multiply(wanted, x, p.W, 16, p.in, p.out);
    /* Weights and rows full of extremes: pairs in 16 bits are cut off many times over. */
    cr_expect(is_exact() == same_integers(y, wanted, 16 * p.out), "said to be %s",
              is_exact() ? "exact" : "not exact");
    const char *isa = getenv("DNNL_MAX_CPU_ISA");
    cr_expect(!isa || (strcmp(isa, "AVX512_CORE") != 0 && strcmp(isa, "AVX2") != 0) || !is_exact(),
              "%s has no VNNI", isa);
    free(x), free(y), free(wanted);
    product_close(&p);
}
