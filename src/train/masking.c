/* Masking: see masking.h. Row r of an update draws one counter of four words: the first decides, where it
 * begins a word, on the word; the second what its own token is shown as; the third on a random token. */
#include "train/masking.h"
#include "core/memory.h"
#include "core/random.h"
#include "train/streams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ink_status ink__masking_create(ink__masking *masking, const ink_tokenizer *tokenizer, double rate,
                               uint64_t seed, ink_error *err)
{
    static const char *const names[] = {"[MASK]", "<mask>"};
    *masking =
        (ink__masking){.V = ink_tokenizer_vocab_size(tokenizer), .mask = -1, .rate = rate, .seed = seed};
    if (!(rate > 0 && rate <= 1))
        return ink_fail(err, INK_E_ARG, "a mask rate of %g, wanted above 0 and at most 1", rate);
    for (size_t i = 0; i < 2 && masking->mask < 0; ++i)
        masking->mask = ink_tokenizer_id(tokenizer, names[i], strlen(names[i]));
    if (masking->mask < 0)
        return ink_fail(err, INK_E_ARG, "the tokenizer has neither [MASK] nor <mask>, which hides a token");
    INK_TRY(ink__calloc(&masking->kinds, masking->V, sizeof *masking->kinds, "kinds of tokens", err));
    for (size_t id = 0; id < masking->V; ++id)
        masking->kinds[id] = (uint8_t)ink__token_kind(tokenizer, (int32_t)id);
    return INK_OK;
}

void ink__masking_free(ink__masking *masking)
{
    free(masking->kinds);
    *masking = (ink__masking){0};
}

/* ---- choosing -------------------------------------------------------------------------------------- */

/* A sequence being walked. */
struct walk {
    const ink__masking *masking;
    uint64_t stream;
    bool inside; /* the row before belongs to a word that may go on */
    bool chosen; /* that word */
};

static struct walk start(const ink__masking *masking, uint32_t update)
{
    return (struct walk){.masking = masking, .stream = ink__stream(INK__DRAW_MASK, update)};
}

/* Whether the token of the next row is chosen; words [4] are the row's. */
static bool choose(struct walk *w, uint32_t words[4], int32_t id, uint32_t row)
{
    const ink__masking *m = w->masking;
    const int kind = (size_t)id < m->V ? m->kinds[id] : INK__SPECIAL;
    ink__random_u32x4(words, m->seed, w->stream, row);
    if (kind & INK__SPECIAL)
        return w->inside = w->chosen = false;
    if (!w->inside || kind & INK__BEGINS_WORD)
        w->chosen = (double)words[0] < m->rate * 0x1p32;
    w->inside = !(kind & INK__ENDS_WORD);
    return w->chosen;
}

static int32_t shown(const ink__masking *m, const uint32_t words[4], int32_t id)
{
    if (words[1] < (uint32_t)(0.8 * 0x1p32))
        return m->mask;
    return words[1] < (uint32_t)(0.9 * 0x1p32) ? (int32_t)((uint64_t)words[2] * m->V >> 32) : id;
}

size_t ink__masking_apply(int32_t *ids, uint32_t *rows, int32_t *labels, const ink__masking *masking,
                          const size_t *offsets, size_t B, uint32_t update, uint32_t first)
{
    size_t n = 0;
    for (size_t b = 0; b < B; ++b) {
        struct walk w = start(masking, update);
        for (size_t r = offsets[b]; r < offsets[b + 1]; ++r) {
            uint32_t words[4];
            if (!choose(&w, words, ids[r], first + (uint32_t)r))
                continue;
            rows[n] = (uint32_t)r, labels[n++] = ids[r];
            ids[r] = shown(masking, words, ids[r]);
        }
    }
    return n;
}

size_t ink__masking_count(const ink__masking *masking, const int32_t *ids, size_t length, uint32_t update,
                          uint32_t first)
{
    struct walk w = start(masking, update);
    size_t n = 0;
    for (size_t r = 0; r < length; ++r) {
        uint32_t words[4];
        n += choose(&w, words, ids[r], first + (uint32_t)r);
    }
    return n;
}

ink_status ink__masking_floor(double *nats, const ink__masking *masking, const int32_t *ids, size_t n,
                              ink_error *err)
{
    uint64_t *counts, all = 0; /* [V] */
    *nats = 0;
    INK_TRY(ink__calloc(&counts, masking->V, sizeof *counts, "counts of tokens", err));
    for (size_t i = 0; i < n; ++i)
        if ((size_t)ids[i] < masking->V && !(masking->kinds[ids[i]] & INK__SPECIAL))
            ++counts[ids[i]], ++all;
    for (size_t id = 0; id < masking->V; ++id)
        if (counts[id] > 0)
            *nats += (double)counts[id] / (double)all * log((double)all / (double)counts[id]);
    free(counts);
    return INK_OK;
}
