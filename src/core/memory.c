/* Memory: see memory.h. */
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

ink_status ink__calloc(void *out, size_t n, size_t size, const char *what, ink_error *err)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    memcpy(out, &p, sizeof p);
    if (!p)
        return ink_fail(err, INK_E_MEMORY, "no memory for %zu x %zu bytes of %s", n, size, what);
    return INK_OK;
}

ink_status ink__strndup(char **out, const char *text, size_t len, ink_error *err)
{
    INK_TRY(ink__calloc(out, len + 1, 1, "text", err));
    if (len)
        memcpy(*out, text, len);
    return INK_OK;
}

ink_status ink__grow(void *array, size_t *capacity, size_t want, size_t size, const char *what,
                     ink_error *err)
{
    if (want <= *capacity)
        return INK_OK;
    size_t next = *capacity ? *capacity : 16, bytes;
    while (next < want)
        if (!ink__mul(&next, next, 2))
            next = want;
    void *old, *p = NULL;
    memcpy(&old, array, sizeof old);
    if (ink__mul(&bytes, next, size))
        p = realloc(old, bytes);
    if (!p)
        return ink_fail(err, INK_E_MEMORY, "no memory for %zu x %zu bytes of %s", next, size, what);
    memcpy(array, &p, sizeof p);
    *capacity = next;
    return INK_OK;
}

ink_status ink__aligned_alloc(void *out, size_t bytes, const char *what, ink_error *err)
{
    void *p = NULL;
    if (bytes <= SIZE_MAX - INK__ALIGN)
        p = aligned_alloc(INK__ALIGN, (bytes + INK__ALIGN) / INK__ALIGN * INK__ALIGN);
    memcpy(out, &p, sizeof p);
    if (!p)
        return ink_fail(err, INK_E_MEMORY, "no memory for %zu bytes of %s", bytes, what);
    return INK_OK;
}

void ink__aligned_free(void *p)
{
    free(p);
}

void *ink_arena_bytes(ink_arena *arena, size_t n, size_t size)
{
    size_t bytes, end;
    if (!ink__mul(&bytes, n, size) || __builtin_add_overflow(bytes, (size_t)INK__ALIGN - 1, &bytes) ||
        __builtin_add_overflow(arena->used, bytes / INK__ALIGN * INK__ALIGN, &end)) {
        arena->overflow = true;
        return NULL;
    }
    void *p = arena->block && end <= arena->size ? arena->block + arena->used : NULL;
    arena->used = end;
    return p;
}

float *ink_arena_f32(ink_arena *arena, size_t n)
{
    return ink_arena_bytes(arena, n, sizeof(float));
}

ink_status ink_arena_plan(ink_arena *arena, ink_carve *carve, void *buffers, const void *dims, ink_error *err)
{
    *arena = (ink_arena){0};
    carve(arena, buffers, dims);
    if (arena->overflow)
        return ink_fail(err, INK_E_SHAPE, "the sizes asked for exceed the address space");
    arena->size = arena->used;
    arena->used = 0;
    /* calloc knows which memory the system has just given, zeroed: a large block is not touched here, but by
     * whoever first needs each part of it. */
    size_t bytes;
    if (__builtin_add_overflow(arena->size, (size_t)INK__ALIGN, &bytes))
        return ink_fail(err, INK_E_MEMORY, "no memory for %zu bytes of working memory", arena->size);
    INK_TRY(ink__calloc(&arena->owned, bytes, 1, "working memory", err));
    arena->block = arena->owned + (-(uintptr_t)arena->owned & (INK__ALIGN - 1));
    carve(arena, buffers, dims);
    return INK_OK;
}

void ink_arena_free(ink_arena *arena)
{
    free(arena->owned);
    *arena = (ink_arena){0};
}
