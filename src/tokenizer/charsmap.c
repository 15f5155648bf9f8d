/* The precompiled rules: see charsmap.h. A unit of the trie holds, from the low bit up, its label (8 bits),
 * whether it has a value (bit 8), and the offset to its children (bit 9 scales it by 256); the unit of a
 * value has bit 31 set and the value below it. */
#include "tokenizer/charsmap.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNITS_MAX = 1 << 20,
    KEY_MAX = 255,   /* bytes of a key: builder.cc's are under 40 */
    MATCHES_MAX = 32 /* SentencePiece's Normalizer::kMaxTrieResultsSize */
};

static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

static bool has_value(uint32_t unit)
{
    return unit >> 8 & 1;
}

static uint32_t label_of(uint32_t unit)
{
    return unit & (1u << 31 | 0xFF);
}

/* --- The check ----------------------------------------------------------------------------------------- */

enum { UNSEEN, BUSY, DONE };
typedef struct check {
    const ink__charsmap *map;
    uint8_t *state, *matches; /* [n_units] most matches from a node on */
    const char *where;
    ink_error *err;
} check;

static ink_status check_value(const check *c, size_t node)
{
    const uint32_t value = c->map->units[node] & ~(1u << 31);
    if (!(c->map->units[node] & 1u << 31))
        return ink_fail(c->err, INK_E_FORMAT, "%s: unit %zu of the precompiled_charsmap should be a value",
                        c->where, node);
    if (value >= c->map->replacements_len || (c->map->replacements[value] & 0xC0) == 0x80)
        return ink_fail(c->err, INK_E_FORMAT,
                        "%s: a rule of the precompiled_charsmap points to byte %u, which starts no character "
                        "of its %zu bytes of replacements",
                        c->where, (unsigned)value, c->map->replacements_len);
    return INK_OK;
}

/* The node is one that a text has led to, after `depth` bytes; a trie shares its ends, so that each node is
 * looked at once. */
static ink_status check_node(check *c, size_t node, size_t depth)
{
    const size_t children = node ^ offset_of(c->map->units[node]);
    unsigned most = 0;
    if (c->state[node] == DONE)
        return INK_OK;
    if (c->state[node] == BUSY || depth > KEY_MAX)
        return ink_fail(c->err, INK_E_FORMAT,
                        "%s: the trie of the precompiled_charsmap goes round in circles, or has a key of "
                        "more than %d bytes",
                        c->where, (int)KEY_MAX);
    if ((children | 0xFF) >= c->map->n_units)
        return ink_fail(c->err, INK_E_FORMAT,
                        "%s: unit %zu of the precompiled_charsmap points to unit %zu; there are %zu",
                        c->where, node, children | 0xFF, c->map->n_units);
    c->state[node] = BUSY;
    for (uint32_t byte = 1; byte < 256; ++byte) {
        const size_t child = children ^ byte;
        if (label_of(c->map->units[child]) != byte)
            continue;
        INK_TRY(check_node(c, child, depth + 1));
        if (c->matches[child] > most)
            most = c->matches[child];
    }
    if (has_value(c->map->units[node])) {
        INK_TRY(check_value(c, children));
        ++most;
    }
    if (most > MATCHES_MAX)
        return ink_fail(c->err, INK_E_FORMAT,
                        "%s: more than %d keys of the precompiled_charsmap start with one another", c->where,
                        (int)MATCHES_MAX);
    c->matches[node] = (uint8_t)most;
    c->state[node] = DONE;
    return INK_OK;
}

static ink_status check_map(const ink__charsmap *map, const char *where, ink_error *err)
{
    ink_status st;
    check c = {.map = map, .where = where, .err = err};
    if (map->replacements_len == 0 || map->replacements[map->replacements_len - 1] != '\0')
        return ink_fail(err, INK_E_FORMAT,
                        "%s: the replacements of the precompiled_charsmap do not end in NUL", where);
    if (ink__utf8_valid_prefix(map->replacements, map->replacements_len) < map->replacements_len)
        return ink_fail(err, INK_E_FORMAT, "%s: the replacements of the precompiled_charsmap are not UTF-8",
                        where);
    if (has_value(map->units[0]))
        return ink_fail(err, INK_E_FORMAT, "%s: the precompiled_charsmap has a rule for the empty text",
                        where);
    INK_TRY_GOTO(ink__calloc(&c.state, map->n_units, 1, "a check", err));
    INK_TRY_GOTO(ink__calloc(&c.matches, map->n_units, 1, "a check", err));
    st = check_node(&c, 0, 0);
done:
    free(c.state);
    free(c.matches);
    return st;
}

/* --- Public -------------------------------------------------------------------------------------------- */

ink_status ink__charsmap_open(ink__charsmap *map, const void *bytes, size_t len, const char *where,
                              ink_error *err)
{
    const unsigned char *p = bytes;
    *map = (ink__charsmap){0};
    const size_t trie = len < 4 ? 0 : p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (len < 4 || trie > len - 4 || trie % 4 != 0 || trie < 4 || trie / 4 > UNITS_MAX)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: the precompiled_charsmap of %zu bytes says that its trie has %zu bytes", where,
                        len, trie);
    map->n_units = trie / 4;
    map->replacements_len = len - 4 - trie;
    ink_status st = ink__calloc(&map->units, map->n_units, sizeof *map->units, "normalisation rules", err);
    if (st == INK_OK)
        st = ink__strndup(&map->replacements, (const char *)p + 4 + trie, map->replacements_len, err);
    if (st == INK_OK) {
        for (size_t i = 0; i < map->n_units; ++i) {
            const unsigned char *u = p + 4 + 4 * i;
            map->units[i] = u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
        }
        st = check_map(map, where, err);
    }
    if (st != INK_OK)
        ink__charsmap_release(map);
    return st;
}

void ink__charsmap_release(ink__charsmap *map)
{
    free(map->units);
    free(map->replacements);
    *map = (ink__charsmap){0};
}

const char *ink__charsmap_find(const ink__charsmap *map, const unsigned char *text, size_t len)
{
    size_t node = offset_of(map->units[0]);
    for (size_t i = 0; i < len && text[i] != 0; ++i) {
        node ^= text[i];
        if (label_of(map->units[node]) != text[i])
            return NULL;
        const uint32_t unit = map->units[node];
        node ^= offset_of(unit);
        if (has_value(unit))
            return map->replacements + (map->units[node] & ~(1u << 31));
    }
    return NULL;
}
