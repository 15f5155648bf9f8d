/* Checked sizes, growing arrays, aligned blocks and the arena. */
#include "core/memory.h"

#include <criterion/criterion.h>

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Under AddressSanitizer an allocation that cannot be had returns NULL, as it does without. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* ---- the arena ------------------------------------------------------------------------------------- */

enum { PIECES = 5 };

/* Odd on purpose: nothing is a multiple of the alignment, and one piece is empty. */
static const struct {
    size_t n, size;
} pieces[PIECES] = {{1, 1}, {17, 4}, {0, 8}, {5, 24}, {63, 1}};

struct places {
    unsigned char *at[PIECES];
    size_t used[2][PIECES]; /* of the arena before each piece, in each pass */
    size_t passes;
};

static void carve_pieces(ink_arena *arena, void *buffers, const void *dims)
{
    struct places *p = buffers;
    cr_assert(p->passes < 2 && dims == &pieces);
    for (size_t i = 0; i < PIECES; ++i) {
        p->used[p->passes][i] = arena->used;
        p->at[i] = ink_arena_bytes(arena, pieces[i].n, pieces[i].size);
        if (p->passes == 0)
            cr_expect(!p->at[i], "piece %zu is handed out while measuring", i);
    }
    ++p->passes;
}

Test(memory, both_passes_of_an_arena_cut_the_same_pieces)
{
    ink_error err;
    ink_arena arena;
    struct places p = {.passes = 0};
    cr_assert(ink_arena_plan(&arena, carve_pieces, &p, &pieces, &err) == INK_OK, "%s", err.text);
    cr_expect(p.passes == 2);
    for (size_t i = 0; i < PIECES; ++i) {
        cr_expect(p.used[0][i] == p.used[1][i], "piece %zu at %zu, then %zu", i, p.used[0][i], p.used[1][i]);
        cr_expect(p.at[i] == arena.block + p.used[1][i], "piece %zu", i);
    }
    cr_expect(arena.used == arena.size);
    ink_arena_free(&arena);
    cr_expect(!arena.block && arena.size == 0);
}

Test(memory, pieces_of_an_arena_are_aligned_zeroed_and_apart)
{
    mallopt(M_PERTURB, 0xA5); /* what malloc gives is never zero by luck */
    ink_error err;
    ink_arena arena;
    struct places p = {.passes = 0};
    cr_assert(ink_arena_plan(&arena, carve_pieces, &p, &pieces, &err) == INK_OK, "%s", err.text);
    for (size_t i = 0; i < PIECES; ++i) {
        const size_t bytes = pieces[i].n * pieces[i].size;
        cr_expect((uintptr_t)p.at[i] % INK__ALIGN == 0, "piece %zu", i);
        for (size_t k = 0; k < bytes; ++k)
            cr_assert(p.at[i][k] == 0, "piece %zu, byte %zu: dirty, or part of another piece", i, k);
        memset(p.at[i], 0xA5, bytes);
        cr_expect(p.at[i] + bytes <= arena.block + arena.size, "piece %zu runs past the block", i);
    }
    ink_arena_free(&arena);
}

static void carve_large(ink_arena *arena, void *buffers, const void *dims)
{
    *(float **)buffers = ink_arena_f32(arena, *(const size_t *)dims);
}

/* A session is planned for its largest batch, and weights are packed by all threads into the arena they are
 * given: a plan that wrote the zeros itself would take the memory of the one and the time of the other. */
Test(memory, the_memory_of_a_large_arena_is_not_touched_by_the_plan)
{
    enum { BYTES = 64 << 20 };
    static unsigned char in_core[BYTES / 4096];
    const size_t n = BYTES / sizeof(float), page = (size_t)sysconf(_SC_PAGESIZE);
    ink_error err;
    ink_arena arena;
    float *x;
    size_t pages = 0;
    cr_assert(ink_arena_plan(&arena, carve_large, &x, &n, &err) == INK_OK, "%s", err.text);
    const uintptr_t first = ((uintptr_t)x + page - 1) / page * page;
    const size_t whole = ((uintptr_t)x + BYTES - first) / page;
    cr_assert(mincore((void *)first, whole * page, in_core) == 0);
    for (size_t i = 0; i < whole; ++i)
        pages += in_core[i] & 1;
    cr_expect(pages < whole / 4, "%zu of %zu pages are there", pages, whole);
    ink_arena_free(&arena);
}

static void carve_floats(ink_arena *arena, void *buffers, const void *dims)
{
    float **x = buffers;
    const size_t *n = dims;
    x[0] = ink_arena_f32(arena, n[0]);
    x[1] = ink_arena_f32(arena, n[1]);
}

Test(memory, sizes_past_the_address_space_are_a_shape_error)
{
    static const size_t sizes[][2] = {
        {SIZE_MAX / 4 + 1, 1},               /* the product overflows */
        {SIZE_MAX / 4, 1},                   /* rounding up to the alignment does */
        {SIZE_MAX / 8 + 1, SIZE_MAX / 8 + 1} /* the sum does */
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        ink_error err;
        ink_arena arena;
        float *x[2];
        cr_expect(ink_arena_plan(&arena, carve_floats, x, sizes[i], &err) == INK_E_SHAPE, "case %zu", i);
        cr_expect(strstr(err.text, "address space"), "%s", err.text);
        cr_expect(!arena.block && !x[0], "case %zu", i);
        ink_arena_free(&arena);
    }
}

Test(memory, an_arena_that_cannot_be_had_is_a_memory_error)
{
    const size_t n[2] = {SIZE_MAX / 16, SIZE_MAX / 16};
    ink_error err;
    ink_arena arena;
    float *x[2];
    cr_expect(ink_arena_plan(&arena, carve_floats, x, n, &err) == INK_E_MEMORY);
    cr_expect(strstr(err.text, "working memory"), "%s", err.text);
    cr_expect(!x[0] && !x[1]);
    ink_arena_free(&arena);
}

/* ---- arrays ---------------------------------------------------------------------------------------- */

Test(memory, growing_keeps_what_was_there)
{
    uint64_t *x = NULL;
    size_t capacity = 0, reallocations = 0;
    ink_error err;
    for (size_t n = 0; n < 10007; ++n) {
        const size_t before = capacity;
        cr_assert(ink__grow(&x, &capacity, n + 1, sizeof *x, "numbers", &err) == INK_OK, "%s", err.text);
        cr_assert(capacity > n);
        reallocations += capacity != before;
        x[n] = n * n;
    }
    for (size_t n = 0; n < 10007; ++n)
        cr_assert(x[n] == n * n, "number %zu", n);
    cr_expect(reallocations == 11, "%zu times, wanted 16 doubled until it exceeds 10007", reallocations);

    const size_t before = capacity;
    const uint64_t *same = x;
    cr_expect(ink__grow(&x, &capacity, before, sizeof *x, "numbers", &err) == INK_OK);
    cr_expect(x == same && capacity == before, "there was room");
    free(x);
}

Test(memory, growing_past_the_address_space_fails_and_changes_nothing)
{
    static const size_t wants[] = {SIZE_MAX, SIZE_MAX / 8 + 1, SIZE_MAX / 2};
    uint64_t *x = NULL;
    size_t capacity = 0;
    ink_error err;
    cr_assert(ink__grow(&x, &capacity, 5, sizeof *x, "numbers", &err) == INK_OK);
    x[4] = 77;
    const uint64_t *same = x;
    const size_t before = capacity;
    for (size_t i = 0; i < sizeof wants / sizeof *wants; ++i) {
        cr_expect(ink__grow(&x, &capacity, wants[i], sizeof *x, "numbers", &err) == INK_E_MEMORY);
        cr_expect(strstr(err.text, "numbers"), "%s", err.text);
        cr_expect(x == same && capacity == before && x[4] == 77, "want %zu", wants[i]);
    }
    free(x);
}

Test(memory, zeroed_arrays_exist_even_when_empty)
{
    static const size_t sizes[][2] = {{0, 0}, {0, 7}, {7, 0}, {1, 1}, {129, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        unsigned char *x;
        ink_error err;
        cr_assert(ink__calloc(&x, sizes[i][0], sizes[i][1], "bytes", &err) == INK_OK, "%s", err.text);
        cr_assert(x);
        for (size_t k = 0; k < sizes[i][0] * sizes[i][1]; ++k)
            cr_assert(x[k] == 0);
        free(x);
    }
}

Test(memory, an_array_that_cannot_be_had_is_named)
{
    int here;
    void *x = &here;
    ink_error err;
    cr_expect(ink__calloc(&x, SIZE_MAX / 2, 3, "thoughts", &err) == INK_E_MEMORY);
    cr_expect(!x);
    cr_expect(strstr(err.text, "thoughts"), "%s", err.text);
}

Test(memory, a_copied_text_is_terminated)
{
    char *text;
    ink_error err;
    cr_assert(ink__strndup(&text, "a\0bcd", 3, &err) == INK_OK);
    cr_expect(memcmp(text, "a\0b", 4) == 0, "with its own zero bytes");
    free(text);
    cr_assert(ink__strndup(&text, NULL, 0, &err) == INK_OK);
    cr_expect(*text == '\0');
    free(text);
}

Test(memory, aligned_blocks_are_aligned_whatever_their_size)
{
    for (size_t bytes = 0; bytes < 4 * INK__ALIGN; ++bytes) {
        unsigned char *x;
        ink_error err;
        cr_assert(ink__aligned_alloc(&x, bytes, "bytes", &err) == INK_OK, "%s", err.text);
        cr_expect(x && (uintptr_t)x % INK__ALIGN == 0, "%zu bytes", bytes);
        memset(x, 1, bytes);
        ink__aligned_free(x);
    }
    ink__aligned_free(NULL);
}

Test(memory, an_aligned_block_past_the_address_space_is_a_memory_error)
{
    for (size_t less = 0; less < 3 * INK__ALIGN; less += 21) {
        int here;
        void *x = &here;
        ink_error err;
        cr_expect(ink__aligned_alloc(&x, SIZE_MAX - less, "bytes", &err) == INK_E_MEMORY && !x, "-%zu", less);
    }
}

Test(memory, a_product_of_sizes_says_when_it_overflows)
{
    size_t product = 0;
    cr_expect(ink__mul(&product, SIZE_MAX / 3, 3) && product == SIZE_MAX);
    cr_expect(!ink__mul(&product, SIZE_MAX / 3 + 1, 3));
    cr_expect(!ink__mul(&product, (size_t)1 << 32, (size_t)1 << 32));
    cr_expect(ink__mul(&product, SIZE_MAX, 0) && product == 0);
}
