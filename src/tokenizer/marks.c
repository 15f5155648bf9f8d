/* See marks.h. The tables are what scripts/make_marks_tables.py prints: every code point, asked of the
 * tokenizers package and of utf8proc 2.8. */
#include "tokenizer/marks.h"

#include <stddef.h>

typedef struct run {
    uint32_t first, last;
} run;

/* Category M to one of the two, and not to the other. */
static const run changed_marks[] = {
    {0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},     {0xAFA, 0xAFF},
    {0xB55, 0xB55},     {0xC04, 0xC04},     {0xC3C, 0xC3C},     {0xCF3, 0xCF3},     {0xD00, 0xD00},
    {0xD3B, 0xD3C},     {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0xECE, 0xECE},     {0x1715, 0x1715},
    {0x180F, 0x180F},   {0x1ABF, 0x1ACE},   {0x1CF2, 0x1CF3},   {0x1CF7, 0x1CF7},   {0x1DF6, 0x1DFA},
    {0xA82C, 0xA82C},   {0xA8FF, 0xA8FF},   {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF},
    {0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x11073, 0x11074}, {0x110C2, 0x110C2},
    {0x11145, 0x11146}, {0x111C9, 0x111C9}, {0x111CE, 0x111CF}, {0x11241, 0x11241}, {0x1133B, 0x1133B},
    {0x1145E, 0x1145E}, {0x1182C, 0x1183A}, {0x11930, 0x11935}, {0x11937, 0x11938}, {0x1193B, 0x1193E},
    {0x11940, 0x11940}, {0x11942, 0x11943}, {0x119D1, 0x119D7}, {0x119DA, 0x119E0}, {0x119E4, 0x119E4},
    {0x11A01, 0x11A0A}, {0x11A33, 0x11A39}, {0x11A3B, 0x11A3E}, {0x11A47, 0x11A47}, {0x11A51, 0x11A5B},
    {0x11A8A, 0x11A99}, {0x11D31, 0x11D36}, {0x11D3A, 0x11D3A}, {0x11D3C, 0x11D3D}, {0x11D3F, 0x11D45},
    {0x11D47, 0x11D47}, {0x11D8A, 0x11D8E}, {0x11D90, 0x11D91}, {0x11D93, 0x11D97}, {0x11EF3, 0x11EF6},
    {0x11F00, 0x11F01}, {0x11F03, 0x11F03}, {0x11F34, 0x11F3A}, {0x11F3E, 0x11F42}, {0x13440, 0x13440},
    {0x13447, 0x13455}, {0x16F4F, 0x16F4F}, {0x16F7F, 0x16F87}, {0x16FE4, 0x16FE4}, {0x16FF0, 0x16FF1},
    {0x1CF00, 0x1CF2D}, {0x1CF30, 0x1CF46}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE},
    {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF},
};

static const run newer_decompositions[] = {
    {0x32FF, 0x32FF},   {0xA7F2, 0xA7F4},   {0xAB69, 0xAB69},   {0x10781, 0x10785}, {0x10787, 0x107B0},
    {0x107B2, 0x107BA}, {0x11938, 0x11938}, {0x1E030, 0x1E06D}, {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9},
};

/* They join the cluster before them (Extend, SpacingMark) since Unicode 16 or 17. */
static const run newer_joining[] = {
    {0x897, 0x897},     {0x1ACF, 0x1ADD},   {0x1AE0, 0x1AEB},   {0x10D69, 0x10D6D}, {0x10EFA, 0x10EFC},
    {0x113B8, 0x113C0}, {0x113C2, 0x113C2}, {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D0},
    {0x113D2, 0x113D2}, {0x113E1, 0x113E2}, {0x11B60, 0x11B67}, {0x11F5A, 0x11F5A}, {0x1611E, 0x1612F},
    {0x1E5EE, 0x1E5EF}, {0x1E6E3, 0x1E6E3}, {0x1E6E6, 0x1E6E6}, {0x1E6EE, 0x1E6EF}, {0x1E6F5, 0x1E6F5},
};

/* What follows joins the first one's cluster (Prepend), and no longer the second one's. */
static const uint32_t newer_prepended = 0x113D1, no_longer_prepended = 0x11A3A;

static bool contains(const run *runs, size_t n, uint32_t cp)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (runs[middle].last < cp)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && runs[low].first <= cp;
}

bool ink__marks_is_mark(uint32_t cp)
{
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    const bool mark = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
                      category == UTF8PROC_CATEGORY_ME;
    return mark != contains(changed_marks, sizeof changed_marks / sizeof *changed_marks, cp);
}

bool ink__marks_newer_decomposition(uint32_t cp)
{
    return contains(newer_decompositions, sizeof newer_decompositions / sizeof *newer_decompositions, cp);
}

static int boundary_class(uint32_t cp)
{
    return (int)utf8proc_get_property((utf8proc_int32_t)cp)->boundclass;
}

static bool stands_apart(uint32_t cp)
{
    const int class = boundary_class(cp);
    return class == UTF8PROC_BOUNDCLASS_CONTROL || class == UTF8PROC_BOUNDCLASS_CR ||
           class == UTF8PROC_BOUNDCLASS_LF;
}

static bool joins(uint32_t cp)
{
    const int class = boundary_class(cp);
    return class == UTF8PROC_BOUNDCLASS_EXTEND || class == UTF8PROC_BOUNDCLASS_SPACINGMARK ||
           class == UTF8PROC_BOUNDCLASS_ZWJ ||
           contains(newer_joining, sizeof newer_joining / sizeof *newer_joining, cp);
}

bool ink__marks_cluster_ends(utf8proc_int32_t *state, uint32_t before, uint32_t after)
{
    const bool ends =
        utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)after, state);
    if (before == no_longer_prepended)
        return !joins(after);
    if (before == newer_prepended)
        return stands_apart(after);
    return ends && (stands_apart(before) ||
                    !contains(newer_joining, sizeof newer_joining / sizeof *newer_joining, after));
}
