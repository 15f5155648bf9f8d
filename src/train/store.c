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

/* A model that is being added. */
struct making {
    const ink__config *config;
    const ink__store_options *options;
    const ink__store *first; /* whose tables it shares, or NULL */
};

/* The i-th parameter that the model is to have of its own, NULL past the last. */
static const ink__param_spec *spec_at(size_t i, const struct making *m)
{
    const ink__param_spec *head = m->options->head;
    for (const ink__param_spec *spec = m->config->arch->params; spec->name; ++spec) {
        const bool labels =
            spec->need == INK__WITH_HEAD || spec->need == INK__HEAD || spec->need == INK__HEAD_OPTIONAL;
        const bool shared = m->first && spec->slot <= INK__TYPE;
        if (!(labels && head) && !shared && i-- == 0)
            return spec;
    }
    for (const ink__param_spec *spec = head; spec && spec->name; ++spec)
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
    case INK__PRETRAINS:
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
        spec->need == INK__HEAD || spec->need == INK__HEAD_OPTIONAL || spec->need == INK__PRETRAINS;
    ink__param_name(name, sizeof name, spec, p->layer, config);
    const int len = snprintf(full, sizeof full, "%s%s", head ? "" : config->arch->prefix, name);
    return ink__strndup(&p->name, full, (size_t)len, err);
}

/* Adds the parameter to the list if the model has it. */
static ink_status add(ink__store *s, const struct making *m, const ink__param_spec *spec, size_t l,
                      ink_error *err)
{
    const ink__config *config = m->config;
    const ink__tensor *tensor = source_of(m->options, spec, l);
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

/* More than there can be stays more than there can be. */
static size_t sum(size_t a, size_t b)
{
    const size_t most = SIZE_MAX / 2;
    return a < most && b < most - a ? a + b : most;
}

static void place(ink__store *s, size_t index)
{
    if (index == 0)
        return;
    s->list[index - 1].at = s->floats;
    s->floats = sum(s->floats, s->list[index - 1].n);
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

static void fill(const ink__store *s, const struct making *m)
{
    const ink__store_options *options = m->options;
    const ink__param_spec *spec;
    for (size_t i = 0; (spec = spec_at(i, m)); ++i)
        for (size_t l = 0; l < (per_layer(spec->slot) ? m->config->L : 1); ++l) {
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

static size_t count_specs(const struct making *m)
{
    const ink__param_spec *spec;
    size_t n = 0;
    for (size_t i = 0; (spec = spec_at(i, m)); ++i)
        n += per_layer(spec->slot) ? m->config->L : 1;
    return n;
}

/* The list of a model's own parameters, and where each is; no arrays yet. */
static ink_status lay_out(ink__store *s, const struct making *m, ink_error *err)
{
    const ink__param_spec *spec;
    s->L = m->config->L;
    INK_TRY(ink__calloc(&s->list, count_specs(m), sizeof *s->list, "parameters", err));
    INK_TRY(ink__calloc(&s->model, INK__MODEL_SLOTS, sizeof *s->model, "parameters", err));
    INK_TRY(ink__calloc(&s->layers, s->L, sizeof *s->layers, "parameters", err));
    for (size_t i = 0; (spec = spec_at(i, m)); ++i)
        for (size_t l = 0; l < (per_layer(spec->slot) ? s->L : 1); ++l)
            INK_TRY(add(s, m, spec, l, err));
    place_all(s, m->config);
    return INK_OK;
}

static ink_status make_arrays(ink__store *s, ink_error *err)
{
    size_t bytes;
    if (!ink__mul(&bytes, s->floats, sizeof(float)))
        return ink_fail(err, INK_E_SHAPE, "%zu parameters exceed the address space", s->floats);
    INK_TRY(ink__aligned_alloc(&s->values, bytes, "parameters", err));
    INK_TRY(ink__aligned_alloc(&s->gradients, bytes, "gradients", err));
    INK_TRY(ink__calloc(&s->old, s->count, sizeof *s->old, "gradients", err));
    s->written_n = ink__store_find(s, INK__WORD, 0)->shape[0];
    INK_TRY(ink__calloc(&s->written, s->written_n, sizeof *s->written, "gradients", err));
    memset(s->values, 0, bytes);
    ink__store_clear(s);
    return INK_OK;
}

static ink_status create(ink__store *s, const struct making *m, ink_error *err)
{
    INK_TRY(lay_out(s, m, err));
    INK_TRY(make_arrays(s, err));
    fill(s, m);
    return INK_OK;
}

ink_status ink__store_create(ink__store *store, const ink__config *config, const ink__store_options *options,
                             ink_error *err)
{
    const struct making making = {config, options, NULL};
    *store = (ink__store){0};
    const ink_status st = create(store, &making, err);
    if (st != INK_OK)
        ink__store_free(store);
    return st;
}

/* ---- a second model -------------------------------------------------------------------------------- */

static ink_status check_shared(const ink__store *first, const ink__config *config, ink_error *err)
{
    for (const ink__param_spec *spec = config->arch->params; spec->name; ++spec) {
        if (spec->slot > INK__TYPE)
            continue;
        const ink__parameter *p = ink__store_find(first, spec->slot, 0);
        const size_t rows = ink__param_size(config, spec->shape[0]);
        const size_t width = ink__param_size(config, spec->shape[1]);
        if (!p || p->shape[0] != rows || p->shape[1] != width)
            return ink_fail(err, INK_E_SHAPE,
                            "%s of the second model is [%zu,%zu], that of the first [%zu,%zu]: they cannot "
                            "be one",
                            spec->name, rows, width, p ? p->shape[0] : 0, p ? p->shape[1] : 0);
    }
    return INK_OK;
}

/* *joint = the lists of both, and room for their arrays; names go over to it. */
static ink_status join(ink__store *joint, ink__store *first, ink__store *second, ink_error *err)
{
    *joint = (ink__store){.count = first->count + second->count,
                          .floats = sum(first->floats, second->floats),
                          .L = first->L,
                          .model = first->model};
    INK_TRY(ink__calloc(&joint->list, joint->count, sizeof *joint->list, "parameters", err));
    memcpy(joint->list, first->list, first->count * sizeof *joint->list);
    memcpy(joint->list + first->count, second->list, second->count * sizeof *joint->list);
    for (size_t i = first->count; i < joint->count; ++i)
        joint->list[i].at += first->floats;
    return make_arrays(joint, err);
}

/* The second's indices are those of the joint list; its tables are the first's. */
static void renumber(ink__store *second, const ink__store *first)
{
    for (ink__slot slot = 0; slot < INK__MODEL_SLOTS; ++slot)
        if (slot <= INK__TYPE)
            second->model[slot] = first->model[slot];
        else if (second->model[slot])
            second->model[slot] += first->count;
    for (size_t l = 0; l < second->L; ++l)
        for (ink__slot slot = INK__MODEL_SLOTS; slot < INK__SLOTS; ++slot)
            if (second->layers[l][slot])
                second->layers[l][slot] += first->count;
}

static void free_arrays(ink__store *store)
{
    free(store->list);
    ink__aligned_free(store->values);
    ink__aligned_free(store->gradients);
    free(store->old);
    free(store->written);
}

ink_status ink__store_extend(ink__store *view, ink__store *store, const ink__config *config,
                             const ink__store_options *options, ink_error *err)
{
    const struct making making = {config, options, store};
    ink__store second = {0}, joint = {0};
    ink_status st;
    *view = (ink__store){0};
    INK_TRY(check_shared(store, config, err));
    INK_TRY_GOTO(lay_out(&second, &making, err));
    INK_TRY_GOTO(join(&joint, store, &second, err));
    memcpy(joint.values, store->values, store->floats * sizeof *store->values);
    renumber(&second, store);
    free(second.list);
    free_arrays(store);
    joint.layers = store->layers;
    *store = *view = joint;
    view->model = second.model, view->layers = second.layers, view->L = second.L, view->view = true;
    fill(view, &making);
    return INK_OK;
done:
    free_arrays(&joint);
    ink__store_free(&second);
    return st;
}

bool ink__store_has(const ink__store *store, const ink__parameter *p)
{
    return p->layer < store->L && ink__store_find(store, p->slot, p->layer) == p;
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
    for (size_t i = 0; i < store->count && !store->view; ++i)
        free(store->list[i].name);
    if (!store->view)
        free_arrays(store);
    free(store->model);
    free(store->layers);
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
