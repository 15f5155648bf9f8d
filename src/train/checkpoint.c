/* Checkpoint files: see checkpoint.h for the format. */
#include "train/checkpoint.h"
#include "core/crc32c.h"
#include "core/memory.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, FIXED = 24, ENTRY = 16, ALIGN = 64, CRC_AT = 20 };

static const char magic[8] = "INKCKPT";

struct ink__checkpoint {
    char *path;
    ink__map map;
    ink__section *sections; /* [n] */
    char *names;            /* what their names point to */
    size_t n;
};

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static void put(unsigned char *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        p[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *p, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i)
        value |= (uint64_t)p[i] << 8 * i;
    return value;
}

static uint32_t header_crc(const ink__crc32c *crc, const unsigned char *header, size_t size)
{
    static const unsigned char zeros[4];
    uint32_t sum = ink__crc32c_add(crc, 0, header, CRC_AT);
    sum = ink__crc32c_add(crc, sum, zeros, sizeof zeros);
    return ink__crc32c_add(crc, sum, header + CRC_AT + 4, size - CRC_AT - 4);
}

/* ---- writing --------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const ink__section *const *)a)->name, (*(const ink__section *const *)b)->name);
}

/* *size = bytes of the header, names checked. */
static ink_status plan_header(size_t *size, const ink__section *const *order, size_t n, const char *path,
                              ink_error *err)
{
    size_t bytes = FIXED + n * ENTRY;
    for (size_t i = 0; i < n; ++i) {
        if (!order[i]->name[0])
            return ink_fail(err, INK_E_ARG, "%s: a section of a checkpoint wants a name", path);
        if (i > 0 && by_name(&order[i - 1], &order[i]) == 0)
            return ink_fail(err, INK_E_ARG, "%s: two sections are named \"%.160s\"", path, order[i]->name);
        bytes += strlen(order[i]->name);
    }
    if (bytes > UINT32_MAX - ALIGN)
        return ink_fail(err, INK_E_ARG, "%s: the names of %zu sections are too long", path, n);
    *size = aligned(bytes);
    return INK_OK;
}

static void fill_header(unsigned char *header, size_t size, const ink__section *const *order, size_t n,
                        const ink__crc32c *crc)
{
    unsigned char *entry = header + FIXED, *name = entry + n * ENTRY;
    memcpy(header, magic, sizeof magic);
    put(header + 8, VERSION, 4);
    put(header + 12, n, 4);
    put(header + 16, size, 4);
    for (size_t i = 0; i < n; ++i, entry += ENTRY) {
        const size_t len = strlen(order[i]->name);
        put(entry, order[i]->size, 8);
        put(entry + 8, ink__crc32c_add(crc, 0, order[i]->data, order[i]->size), 4);
        put(entry + 12, len, 4);
        memcpy(name, order[i]->name, len);
        name += len;
    }
    put(header + CRC_AT, header_crc(crc, header, size), 4);
}

ink_status ink__checkpoint_write(const char *path, const ink__section *sections, size_t n, ink_error *err)
{
    static const unsigned char zeros[ALIGN];
    ink_status st;
    const ink__section **order = NULL;
    unsigned char *header = NULL;
    ink__atomic *file = NULL;
    ink__crc32c crc;
    size_t size = 0, padding = 0;
    if (n > UINT32_MAX / ENTRY)
        return ink_fail(err, INK_E_ARG, "%s: %zu sections", path, n);
    ink__crc32c_init(&crc);
    INK_TRY_GOTO(ink__calloc(&order, n, sizeof *order, "sections", err));
    for (size_t i = 0; i < n; ++i)
        order[i] = &sections[i];
    qsort(order, n, sizeof *order, by_name);
    INK_TRY_GOTO(plan_header(&size, order, n, path, err));
    INK_TRY_GOTO(ink__calloc(&header, size, 1, "a header", err));
    fill_header(header, size, order, n, &crc);
    INK_TRY_GOTO(ink__atomic_open(&file, path, err));
    INK_TRY_GOTO(ink__atomic_write(file, header, size, err));
    for (size_t i = 0; i < n; ++i) {
        if (order[i]->size == 0)
            continue;
        INK_TRY_GOTO(ink__atomic_write(file, zeros, padding, err));
        INK_TRY_GOTO(ink__atomic_write(file, order[i]->data, order[i]->size, err));
        padding = aligned(order[i]->size) - order[i]->size;
    }
    st = ink__atomic_commit(file, err);
done:
    ink__atomic_free(file);
    free(header);
    free(order);
    return st;
}

/* ---- reading --------------------------------------------------------------------------------------- */

static ink_status check_header(size_t *size, const ink__checkpoint *c, const ink__crc32c *crc, ink_error *err)
{
    const unsigned char *p = c->map.data;
    if (c->map.size < sizeof magic || memcmp(p, magic, sizeof magic) != 0)
        return ink_fail(err, INK_E_FORMAT, "%s: is no checkpoint of Inkling's", c->path);
    if (c->map.size < FIXED)
        return ink_fail(err, INK_E_FORMAT, "%s: is cut short, in its header", c->path);
    if (get(p + 8, 4) != VERSION)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: is a checkpoint of version %u, this Inkling reads %d",
                        c->path, (unsigned)get(p + 8, 4), VERSION);
    *size = (size_t)get(p + 16, 4);
    if (*size > c->map.size)
        return ink_fail(err, INK_E_FORMAT, "%s: is cut short, in its header", c->path);
    if (*size < FIXED + get(p + 12, 4) * ENTRY || *size % ALIGN != 0 ||
        header_crc(crc, p, *size) != get(p + CRC_AT, 4))
        return ink_fail(err, INK_E_FORMAT, "%s: is damaged, in its header", c->path);
    return INK_OK;
}

/* Fills in names and sizes. The header's checksum was right: what is wrong here was written so. */
static ink_status read_entries(ink__checkpoint *c, size_t size, ink_error *err)
{
    const unsigned char *p = c->map.data, *name, *end = p + size;
    c->n = (size_t)get(p + 12, 4);
    INK_TRY(ink__calloc(&c->sections, c->n, sizeof *c->sections, "sections", err));
    INK_TRY(
        ink__calloc(&c->names, size, 1, "sections", err)); /* each gains a terminator and loses 16 bytes */
    name = p + FIXED + c->n * ENTRY;
    char *copy = c->names;
    for (size_t i = 0; i < c->n; ++i) {
        const unsigned char *entry = p + FIXED + i * ENTRY;
        const size_t len = (size_t)get(entry + 12, 4);
        if (len == 0 || len > (size_t)(end - name) || memchr(name, 0, len))
            return ink_fail(err, INK_E_FORMAT, "%s: section %zu has no proper name", c->path, i);
        memcpy(copy, name, len);
        c->sections[i] = (ink__section){.name = copy, .size = (size_t)get(entry, 8)};
        if (i > 0 && strcmp(c->sections[i - 1].name, copy) >= 0)
            return ink_fail(err, INK_E_FORMAT, "%s: sections \"%.160s\" and \"%.160s\" are out of order",
                            c->path, c->sections[i - 1].name, copy);
        name += len, copy += len + 1;
    }
    for (; name < end; ++name)
        if (*name)
            return ink_fail(err, INK_E_FORMAT, "%s: is damaged, in its header", c->path);
    return INK_OK;
}

static ink_status find_sections(ink__checkpoint *c, size_t at, const ink__crc32c *crc, ink_error *err)
{
    const unsigned char *p = c->map.data;
    size_t end = at; /* of the last section that is not empty, or of the header */
    for (size_t i = 0; i < c->n; ++i) {
        ink__section *section = &c->sections[i];
        section->data = p;
        if (section->size == 0)
            continue;
        at = aligned(end);
        if (at > c->map.size || section->size > c->map.size - at)
            return ink_fail(err, INK_E_FORMAT, "%s: is cut short, in section \"%.160s\"", c->path,
                            section->name);
        for (; end < at; ++end)
            if (p[end])
                return ink_fail(err, INK_E_FORMAT, "%s: is damaged, before section \"%.160s\"", c->path,
                                section->name);
        section->data = p + at;
        end = at + section->size;
    }
    if (end != c->map.size)
        return ink_fail(err, INK_E_FORMAT, "%s: has %zu bytes, %zu of them behind its last section", c->path,
                        c->map.size, c->map.size - end);
    for (size_t i = 0; i < c->n; ++i)
        if (ink__crc32c_add(crc, 0, c->sections[i].data, c->sections[i].size) !=
            get(p + FIXED + i * ENTRY + 8, 4))
            return ink_fail(err, INK_E_FORMAT, "%s: is damaged, in section \"%.160s\"", c->path,
                            c->sections[i].name);
    return INK_OK;
}

ink_status ink__checkpoint_open(ink__checkpoint **out, const char *path, ink_error *err)
{
    ink_status st;
    size_t size = 0;
    ink__crc32c crc;
    ink__checkpoint *c = NULL;
    *out = NULL;
    INK_TRY(ink__calloc(&c, 1, sizeof *c, "a checkpoint", err));
    ink__crc32c_init(&crc);
    INK_TRY_GOTO(ink__strndup(&c->path, path, strlen(path), err));
    INK_TRY_GOTO(ink__map_open(&c->map, path, err));
    INK_TRY_GOTO(check_header(&size, c, &crc, err));
    INK_TRY_GOTO(read_entries(c, size, err));
    INK_TRY_GOTO(find_sections(c, size, &crc, err));
    *out = c;
    return INK_OK;
done:
    ink__checkpoint_close(c);
    return st;
}

void ink__checkpoint_close(ink__checkpoint *c)
{
    if (!c)
        return;
    ink__map_close(&c->map);
    free(c->sections);
    free(c->names);
    free(c->path);
    free(c);
}

size_t ink__checkpoint_count(const ink__checkpoint *c)
{
    return c->n;
}

const ink__section *ink__checkpoint_at(const ink__checkpoint *c, size_t i)
{
    return &c->sections[i];
}

static int name_order(const void *name, const void *section)
{
    return strcmp(name, ((const ink__section *)section)->name);
}

const ink__section *ink__checkpoint_find(const ink__checkpoint *c, const char *name)
{
    return bsearch(name, c->sections, c->n, sizeof *c->sections, name_order);
}

ink_status ink__checkpoint_need(const void **data, const ink__checkpoint *c, const char *name, size_t size,
                                ink_error *err)
{
    const ink__section *section = ink__checkpoint_find(c, name);
    if (!section)
        return ink_fail(err, INK_E_FORMAT, "%s: has no section \"%s\"", c->path, name);
    if (section->size != size)
        return ink_fail(err, INK_E_FORMAT, "%s: section \"%s\" has %zu bytes, wanted %zu", c->path, name,
                        section->size, size);
    *data = section->data;
    return INK_OK;
}
