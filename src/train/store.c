/* Parameters in one array: see store.h. New weights are normal numbers, new norms start as the identity, and
 * new biases as zero, as Hugging Face's classes start them; finetune_head.c has more to say of a head's. */
#include "train/store.h"
#include "core/memory.h"
#include "core/random.h"
#include "tensor/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Streams of random numbers: one for each parameter. */
#define INIT_STREAM ((uint64_t)0x696e6974 << 32)

static bool per_layer(ink__slot slot)
{
    return slot >= INK__MODEL_SLOTS;
}

/* The i-th parameter of the table that the model is to have, NULL past the last. */
static const ink__param_spec *spec_at(size_t i, const ink__config *config, const ink__store_options *options)
{
    for (const ink__param_spec *spec = config->arch->params; spec->name; ++spec) {
        const bool labels =
            spec->need == INK__WITH_HEAD || spec->need == INK__HEAD || spec->need == INK__HEAD_OPTIONAL;
        if (!(labels && options->guesses) && i-- == 0)
            return spec;
    }
    for (const ink__param_spec *spec = config->arch->masked; options->guesses && spec->name; ++spec)
        if (i-- == 0)
            return spec;
    return NULL;
}

static const ink__tensor *source_of(const ink__store_options *options, const ink__param_spec *spec, size_t l)
{
    const bool output = spec->slot == INK__HEAD_OUT_W || spec->slot == INK__HEAD_OUT_B;
    if (!options->from || (output && !options->keep_head))
        return NULL;
    return per_layer(spec->slot) ? options->from->layers[l][spec->slot] : options->from->model[spec->slot];
}

/* A parameter that the start does not have is made where the model cannot do without. */
static bool is_needed(const ink__param_spec *spec, size_t l, const ink__config *config)
{
    switch (spec->need) {
    case INK__ALWAYS:
    case INK__WITH_HEAD:
    case INK__HEAD:
    case INK__MASKED:
        return true;
    case INK__NOT_IN_FIRST:
        return l > 0;
    case INK__IF_PROJECTED:
        return config->projected;
    case INK__OPTIONAL:
    case INK__HEAD_OPTIONAL:
        break;
    }
    return false;
}

static bool is_gamma(ink__slot slot)
{
    return slot == INK__EMBED_GAMMA || slot == INK__FINAL_GAMMA || slot == INK__HEAD_GAMMA ||
           slot == INK__MASKED_GAMMA || slot == INK__ATTN_GAMMA || slot == INK__FF_GAMMA;
}

static ink_status name_parameter(ink__parameter *p, const ink__param_spec *spec, const ink__config *config,
                                 ink_error *err)
{
    char name[256], full[320];
    const bool head =
        spec->need == INK__HEAD || spec->need == INK__HEAD_OPTIONAL || spec->need == INK__MASKED;
    ink__param_name(name, sizeof name, spec, p->layer, config);
    const int len = snprintf(full, sizeof full, "%s%s", head ? "" : config->arch->prefix, name);
    return ink__strndup(&p->name, full, (size_t)len, err);
}

/* Adds the parameter to the list if the model has it. */
static ink_status add(ink__store *s, const ink__config *config, const ink__store_options *options,
                      const ink__param_spec *spec, size_t l, ink_error *err)
{
    const ink__tensor *tensor = source_of(options, spec, l);
    if (!tensor && !is_needed(spec, l, config))
        return INK_OK;
    ink__parameter *p = &s->list[s->count++];
    *p = (ink__parameter){.slot = spec->slot, .layer = l, .fresh = !tensor, .lr_part = 1, .n = 1};
    for (; spec->shape[p->rank]; ++p->rank) {
        p->shape[p->rank] = ink__param_size(config, spec->shape[p->rank]);
        if (!ink__mul(&p->n, p->n, p->shape[p->rank]))
            return ink_fail(err, INK_E_SHAPE, "parameter %s exceeds the address space", spec->name);
    }
    /* A table of biases is biases: its name keeps it from decaying in transformers, too. */
    p->product = ink__slot_is_product(spec->slot);
    p->decays = p->rank > 1 && spec->slot != INK__RELATIVE;
    *(per_layer(spec->slot) ? &s->layers[l][spec->slot] : &s->model[spec->slot]) = s->count;
    return name_parameter(p, spec, config, err);
}

static void place(ink__store *s, size_t index)
{
    if (index == 0)
        return;
    s->list[index - 1].at = s->floats;
    s->floats += s->list[index - 1].n;
}

static void align(ink__store *s)
{
    enum { FLOATS = INK__ALIGN / sizeof(float) };
    s->floats = (s->floats + FLOATS - 1) / FLOATS * FLOATS;
}

/* Every slot by itself but for query, key and value, which follow one another. */
static void place_all(ink__store *s, const ink__config *config)
{
    static const ink__slot together[][3] = {{INK__QUERY_W, INK__KEY_W, INK__VALUE_W},
                                            {INK__QUERY_B, INK__KEY_B, INK__VALUE_B}};
    for (ink__slot slot = 0; slot < INK__MODEL_SLOTS; ++slot, align(s))
        place(s, s->model[slot]);
    for (size_t l = 0; l < config->L; ++l) {
        for (ink__slot slot = INK__MODEL_SLOTS; slot < INK__SLOTS; ++slot, align(s))
            if (slot < INK__QUERY_W || slot > INK__VALUE_B)
                place(s, s->layers[l][slot]);
        for (size_t i = 0; i < 2; ++i, align(s))
            for (size_t j = 0; j < 3; ++j)
                place(s, s->layers[l][together[i][j]]);
    }
}

/* x [n] = normal numbers (Box and Muller, 1958) */
static void fill_normal(float *x, size_t n, double deviation, uint64_t seed, uint64_t stream)
{
    for (size_t i = 0; i < n; i += 4) {
        uint32_t words[4];
        ink__random_u32x4(words, seed, stream, i / 4);
        for (size_t k = 0; k < 4 && i + k < n; ++k) {
            const double radius = sqrt(-2 * log((words[k & 2] + 1.0) * 0x1p-32));
            const double angle = 6.283185307179586 * (words[(k & 2) + 1] * 0x1p-32);
            x[i + k] = (float)(deviation * radius * (k & 1 ? sin(angle) : cos(angle)));
        }
    }
}

static void fill(const ink__store *s, const ink__config *config, const ink__store_options *options)
{
    const ink__param_spec *spec;
    for (size_t i = 0; (spec = spec_at(i, config, options)); ++i)
        for (size_t l = 0; l < (per_layer(spec->slot) ? config->L : 1); ++l) {
            const ink__parameter *p = ink__store_find(s, spec->slot, l);
            if (!p)
                continue;
            float *value = s->values + p->at; /* [n] */
            const ink__tensor *tensor = source_of(options, spec, l);
            if (tensor)
                ink__tensor_to_f32(value, tensor);
            else if (p->rank > 1)
                fill_normal(value, p->n, options->deviation, options->seed,
                            INIT_STREAM | (uint64_t)(p - s->list));
            else
                for (size_t e = 0; e < p->n; ++e)
                    value[e] = is_gamma(spec->slot) ? 1 : 0;
        }
}

static size_t count_specs(const ink__config *config, const ink__store_options *options)
{
    const ink__param_spec *spec;
    size_t n = 0;
    for (size_t i = 0; (spec = spec_at(i, config, options)); ++i)
        n += per_layer(spec->slot) ? config->L : 1;
    return n;
}

static ink_status create(ink__store *s, const ink__config *config, const ink__store_options *options,
                         ink_error *err)
{
    const ink__param_spec *spec;
    size_t bytes;
    INK_TRY(ink__calloc(&s->list, count_specs(config, options), sizeof *s->list, "parameters", err));
    INK_TRY(ink__calloc(&s->model, INK__MODEL_SLOTS, sizeof *s->model, "parameters", err));
    INK_TRY(ink__calloc(&s->layers, config->L, sizeof *s->layers, "parameters", err));
    for (size_t i = 0; (spec = spec_at(i, config, options)); ++i)
        for (size_t l = 0; l < (per_layer(spec->slot) ? config->L : 1); ++l)
            INK_TRY(add(s, config, options, spec, l, err));
    place_all(s, config);
    if (!ink__mul(&bytes, s->floats, sizeof(float)))
        return ink_fail(err, INK_E_SHAPE, "%zu parameters exceed the address space", s->floats);
    INK_TRY(ink__aligned_alloc(&s->values, bytes, "parameters", err));
    INK_TRY(ink__aligned_alloc(&s->gradients, bytes, "gradients", err));
    INK_TRY(ink__calloc(&s->old, s->count, sizeof *s->old, "gradients", err));
    s->written_n = ink__store_find(s, INK__WORD, 0)->shape[0];
    INK_TRY(ink__calloc(&s->written, s->written_n, sizeof *s->written, "gradients", err));
    memset(s->values, 0, bytes);
    ink__store_clear(s);
    fill(s, config, options);
    return INK_OK;
}

ink_status ink__store_create(ink__store *store, const ink__config *config, const ink__store_options *options,
                             ink_error *err)
{
    *store = (ink__store){0};
    const ink_status st = create(store, config, options, err);
    if (st != INK_OK)
        ink__store_free(store);
    return st;
}

void ink__store_clear(ink__store *store)
{
    memset(store->gradients, 0, store->floats * sizeof *store->gradients);
    memset(store->written, 0, store->written_n * sizeof *store->written);
    for (size_t i = 0; i < store->count; ++i)
        store->old[i] = store->list[i].product;
}

void ink__store_free(ink__store *store)
{
    for (size_t i = 0; i < store->count; ++i)
        free(store->list[i].name);
    free(store->list);
    free(store->model);
    free(store->layers);
    ink__aligned_free(store->values);
    ink__aligned_free(store->gradients);
    free(store->old);
    free(store->written);
    *store = (ink__store){0};
}

const ink__parameter *ink__store_find(const ink__store *store, ink__slot slot, size_t layer)
{
    const size_t index = per_layer(slot) ? store->layers[layer][slot] : store->model[slot];
    return index ? &store->list[index - 1] : NULL;
}

bool ink__store_renew(const ink__store *store, ink__slot slot, size_t layer)
{
    const ink__slot last = slot == INK__QUERY_W ? INK__VALUE_W : slot;
    bool old = false;
    for (; slot <= last; ++slot) {
        const ink__parameter *p = ink__store_find(store, slot, layer);
        if (!p)
            continue;
        old |= store->old[p - store->list];
        store->old[p - store->list] = false;
    }
    return old;
}

float *ink__store_value(const ink__store *store, ink__slot slot, size_t layer)
{
    const ink__parameter *p = ink__store_find(store, slot, layer);
    return p ? store->values + p->at : NULL;
}

float *ink__store_gradient(const ink__store *store, ink__slot slot, size_t layer)
{
    const ink__parameter *p = ink__store_find(store, slot, layer);
    return p ? store->gradients + p->at : NULL;
}
