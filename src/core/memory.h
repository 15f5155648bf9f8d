/* Memory: checked sizes, zeroed arrays, growing buffers, and the arena that a session is carved from. */
#ifndef INK_CORE_MEMORY_H
#define INK_CORE_MEMORY_H

#include "core/status.h"

/* *product = a * b; false on overflow. Every product of sizes that came from outside goes through here. */
static inline bool ink__mul(size_t *product, size_t a, size_t b)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* *out = n zeroed elements of `size` bytes (one byte at least); INK_E_MEMORY names `what`. free() it. */
ink_status ink__calloc(void *out, size_t n, size_t size, const char *what, ink_error *err);

/* *out = a terminated copy of len bytes. free() it. */
ink_status ink__strndup(char **out, const char *text, size_t len, ink_error *err);

/* Makes room for at least `want` elements of `size` bytes in *array, doubling *capacity; what was there
 * stays. The new part is not cleared. */
ink_status ink__grow(void *array, size_t *capacity, size_t want, size_t size, const char *what,
                     ink_error *err);

/* Aligned to INK__ALIGN bytes; ink__aligned_free takes NULL. */
#define INK__ALIGN 64
ink_status ink__aligned_alloc(void *out, size_t bytes, const char *what, ink_error *err);
void ink__aligned_free(void *p);

/* An arena: one block, planned by running the same carve function twice. The first pass only measures (the
 * pointers it hands out are NULL), the second points into the block. Every piece is aligned to INK__ALIGN
 * and starts zeroed. */
typedef struct ink_arena {
    unsigned char *block, *owned; /* block is owned, from the first aligned byte on */
    size_t used, size;
    bool overflow;
} ink_arena;

typedef void ink_carve(ink_arena *arena, void *buffers, const void *dims);

ink_status ink_arena_plan(ink_arena *arena, ink_carve *carve, void *buffers, const void *dims,
                          ink_error *err);
void ink_arena_free(ink_arena *arena);

void *ink_arena_bytes(ink_arena *arena, size_t n, size_t size);
float *ink_arena_f32(ink_arena *arena, size_t n);

#endif
