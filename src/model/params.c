/* Binding names to tensors: see params.h. */
#include "model/params.h"
#include "core/memory.h"
#include "tensor/convert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 256 };

/* A list of offences, as many as fit in a sentence, then a count of the rest. */
struct list {
    char text[640];
    size_t used, more;
};

static void add(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct list *list, const char *format, ...)
{
    char item[384];
    va_list args;
    va_start(args, format);
    vsnprintf(item, sizeof item, format, args);
    va_end(args);
    const size_t len = strlen(item), separator = list->used ? 2 : 0;
    if (list->more || list->used + separator + len + 1 > sizeof list->text) {
        ++list->more;
        return;
    }
    memcpy(list->text + list->used, ", ", separator);
    memcpy(list->text + list->used + separator, item, len + 1);
    list->used += separator + len;
}

void ink__param_name(char *name, size_t size, const ink__param_spec *spec, size_t layer,
                     const ink__config *config)
{
    size_t used = 0;
    for (const char *p = spec->name; *p && used + 1 < size; ++p) {
        if (p[0] != '{') {
            name[used++] = *p;
            continue;
        }
        const size_t number = p[1] == 'l'   ? layer
                              : p[1] == 'g' ? layer / config->inner
                                            : layer % config->inner;
        used += (size_t)snprintf(name + used, size - used, "%zu", number);
        p += 2;
    }
    name[used < size ? used : size - 1] = '\0';
}

struct binding {
    const ink__config *config;
    const ink__tensors *tensors;
    bool *used; /* [count of tensors] */
    struct list missing, misshapen, strange, dtypes;
};

size_t ink__param_size(const ink__config *config, char letter)
{
    switch (letter) {
    case 'H':
        return config->H;
    case 'Q':
        return 3 * config->H;
    case 'E':
        return config->E;
    case 'F':
        return config->F;
    case 'G':
        return 2 * config->F;
    case 'N':
        return config->N;
    case 'V':
        return config->V;
    case 'P':
        return config->P;
    case 'T':
        return config->T;
    case 'R':
        return config->buckets;
    case 'C':
        return config->C;
    case '1':
        return 1;
    }
    return 0;
}

static const ink__tensor *find(struct binding *b, const char *prefix, const char *name)
{
    char full[NAME_SIZE];
    if (snprintf(full, sizeof full, "%s%s", prefix, name) >= (int)sizeof full)
        return NULL;
    return ink__tensors_find(b->tensors, full);
}

/* Old checkpoints call a layer norm's weight and bias gamma and beta. */
static const ink__tensor *find_old(struct binding *b, const char *prefix, const char *name)
{
    static const char *const renamed[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                             {"LayerNorm.bias", "LayerNorm.beta"}};
    const size_t len = strlen(name);
    for (size_t i = 0; i < 2; ++i) {
        const size_t tail = strlen(renamed[i][0]);
        if (len < tail || strcmp(name + len - tail, renamed[i][0]) != 0)
            continue;
        char old[NAME_SIZE];
        snprintf(old, sizeof old, "%.*s%s", (int)(len - tail), name, renamed[i][1]);
        return find(b, prefix, old);
    }
    return NULL;
}

static void shape_text(char *text, size_t size, const size_t *shape, size_t rank)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < rank && used < size; ++i)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? "," : "", shape[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static void check_shape(struct binding *b, const ink__param_spec *spec, const ink__tensor *tensor)
{
    size_t wanted[INK__MAX_RANK], rank = strlen(spec->shape);
    bool same = tensor->rank == rank;
    for (size_t i = 0; i < rank; ++i) {
        wanted[i] = ink__param_size(b->config, spec->shape[i]);
        same = same && tensor->shape[i] == wanted[i];
    }
    if (!same) {
        char found_text[128], wanted_text[128];
        shape_text(found_text, sizeof found_text, tensor->shape, tensor->rank);
        shape_text(wanted_text, sizeof wanted_text, wanted, rank);
        add(&b->misshapen, "%s is %s, config.json wants %s", tensor->name, found_text, wanted_text);
    }
    const bool int8 = b->config->int8 && tensor->dtype == INK__I8 && tensor->scale;
    if (!int8 && !ink__is_float(tensor->dtype))
        add(&b->dtypes, "%s is %s%s", tensor->name, ink__dtype_name(tensor->dtype),
            tensor->dtype != INK__I8 ? ""
            : b->config->int8        ? " without NAME.scale, an F32 for each row"
                                     : ", undeclared");
}

static bool of_head(const ink__param_spec *spec)
{
    return spec->need == INK__HEAD || spec->need == INK__HEAD_OPTIONAL || spec->need == INK__PRETRAINS;
}

static bool per_layer(const ink__param_spec *spec)
{
    return spec->slot >= INK__MODEL_SLOTS;
}

/* Looks up one parameter under every name it may have. */
static const ink__tensor *bind(struct binding *b, const ink__param_spec *spec, size_t layer, bool required)
{
    const char *prefixes[] = {of_head(spec) ? "" : b->config->arch->prefix, ""};
    char name[NAME_SIZE];
    ink__param_name(name, sizeof name, spec, layer, b->config);
    const ink__tensor *tensor = NULL;
    for (size_t i = 0; i < 2 && !tensor; ++i) {
        tensor = find(b, prefixes[i], name);
        if (!tensor)
            tensor = find_old(b, prefixes[i], name);
    }
    if (!tensor) {
        if (required)
            add(&b->missing, "%s%s", prefixes[0], name);
        return NULL;
    }
    b->used[ink__tensors_index(b->tensors, tensor)] = true;
    check_shape(b, spec, tensor);
    return tensor;
}

static bool known_unused(const ink__config *config, const char *name)
{
    const char *const *known = config->arch->known_unused;
    for (; *known; ++known) {
        const bool ending = **known == '*';
        const char *part = *known + ending;
        const size_t len = strlen(name), n = strlen(part);
        if (n <= len && memcmp(ending ? name + len - n : name, part, n) == 0)
            return true;
    }
    return false;
}

/* NAME.scale, which I8 weights NAME took. */
static bool is_scale(const struct binding *b, const ink__tensor *tensor)
{
    char name[NAME_SIZE];
    const size_t len = strlen(tensor->name), end = strlen(".scale");
    if (len < end || len >= sizeof name || strcmp(tensor->name + len - end, ".scale") != 0)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)(len - end), tensor->name);
    const ink__tensor *of = ink__tensors_find(b->tensors, name);
    return of && of->scale == tensor->data;
}

static size_t elements(const ink__tensor *tensor)
{
    return tensor ? tensor->bytes / ink__dtype_size(tensor->dtype) : 0;
}

static bool is_required(const ink__param_spec *spec, size_t layer, const struct binding *b, bool has_head)
{
    switch (spec->need) {
    case INK__ALWAYS:
        return true;
    case INK__NOT_IN_FIRST:
        return layer > 0;
    case INK__IF_PROJECTED:
        return b->config->projected;
    case INK__WITH_HEAD:
    case INK__HEAD:
        return has_head;
    case INK__OPTIONAL:
    case INK__HEAD_OPTIONAL:
    case INK__PRETRAINS:
        break;
    }
    return false;
}

/* The layer that ends in labels is there, or promised. */
static bool find_head(struct binding *b)
{
    bool found = b->config->sequence_head;
    for (const ink__param_spec *spec = b->config->arch->params; spec->name; ++spec)
        if (spec->slot == INK__HEAD_OUT_W && find(b, "", spec->name))
            found = true;
    return found && !b->config->token_head;
}

static void bind_all(ink__params *params, struct binding *b)
{
    const ink__config *config = b->config;
    params->has_head = find_head(b);
    for (const ink__param_spec *spec = config->arch->params; spec->name; ++spec) {
        if (of_head(spec) && !params->has_head)
            continue;
        for (size_t l = 0; l < (per_layer(spec) ? config->L : 1); ++l) {
            const ink__tensor *tensor = bind(b, spec, l, is_required(spec, l, b, params->has_head));
            if (per_layer(spec))
                params->layers[l][spec->slot] = tensor;
            else
                params->model[spec->slot] = tensor;
            params->count += elements(tensor);
        }
    }
    for (size_t i = 0; i < ink__tensors_count(b->tensors); ++i) {
        const ink__tensor *tensor = ink__tensors_at(b->tensors, i);
        const char *name = tensor->name;
        const bool other_head = config->token_head && strncmp(name, "classifier.", 11) == 0;
        if (!b->used[i] && !other_head && !known_unused(config, name) && !is_scale(b, tensor))
            add(&b->strange, "%s", name);
    }
}

static ink_status verdict(const struct binding *b, const char *where, ink_error *err)
{
    const struct list *lists[] = {&b->missing, &b->misshapen, &b->strange};
    static const char *const titles[] = {"missing: ", "wrong shape: ", "unexpected: "};
    char text[960];
    size_t used = 0;
    for (size_t i = 0; i < 3; ++i)
        if (lists[i]->used && used < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s", used ? "; " : "", titles[i],
                                     lists[i]->text);
            if (lists[i]->more && used < sizeof text)
                used += (size_t)snprintf(text + used, sizeof text - used, " and %zu more", lists[i]->more);
        }
    if (used)
        return ink_fail(err, INK_E_FORMAT, "%s: tensors do not fit a %s model: %s", where,
                        b->config->arch->model_type, text);
    if (b->dtypes.used)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: Inkling reads F32, F16 and BF16 weights: %s", where,
                        b->dtypes.text);
    return INK_OK;
}

ink_status ink__params_bind(ink__params *params, const ink__config *config, const ink__tensors *tensors,
                            const char *where, ink_error *err)
{
    *params = (ink__params){0};
    struct binding *b = NULL;
    ink_status st;
    /* A config.json that claims a million layers shall not cost a million look-ups. */
    if (config->L > ink__tensors_count(tensors))
        return ink_fail(err, INK_E_FORMAT, "%s: config.json says %zu layers but there are only %zu tensors",
                        where, config->L, ink__tensors_count(tensors));
    INK_TRY_GOTO(ink__calloc(&b, 1, sizeof *b, "parameters", err));
    b->config = config, b->tensors = tensors;
    INK_TRY_GOTO(ink__calloc(&b->used, ink__tensors_count(tensors), sizeof *b->used, "parameters", err));
    INK_TRY_GOTO(ink__calloc(&params->model, INK__MODEL_SLOTS, sizeof *params->model, "parameters", err));
    INK_TRY_GOTO(ink__calloc(&params->layers, config->L, sizeof *params->layers, "parameters", err));
    bind_all(params, b);
    st = verdict(b, where, err);
done:
    if (b)
        free(b->used);
    free(b);
    if (st != INK_OK)
        ink__params_free(params);
    return st;
}

ink_status ink__params_bind_pretraining(ink__params *params, const ink__config *config,
                                        ink__pretraining_head head, const ink__tensors *tensors,
                                        const char *where, ink_error *err)
{
    struct binding *b;
    ink_status st;
    bool found = false;
    INK_TRY(ink__calloc(&b, 1, sizeof *b, "parameters", err));
    b->config = config, b->tensors = tensors;
    INK_TRY_GOTO(ink__calloc(&b->used, ink__tensors_count(tensors), sizeof *b->used, "parameters", err));
    for (const ink__param_spec *spec = config->arch->pretraining[head].params; spec->name; ++spec) {
        params->model[spec->slot] = bind(b, spec, 0, found);
        found = params->model[spec->slot] != NULL;
    }
    st = verdict(b, where, err);
done:
    free(b->used);
    free(b);
    return st;
}

void ink__params_free(ink__params *params)
{
    free(params->model);
    free(params->layers);
    *params = (ink__params){0};
}

bool ink__slot_is_product(ink__slot slot)
{
    switch (slot) {
    case INK__PROJECT_W:
    case INK__HEAD_DENSE_W:
    case INK__MASKED_DENSE_W:
    case INK__REPLACED_DENSE_W:
    case INK__QKV_W:
    case INK__QUERY_W:
    case INK__KEY_W:
    case INK__VALUE_W:
    case INK__ATTN_OUT_W:
    case INK__FF_IN_W:
    case INK__FF_OUT_W:
        return true;
    default:
        return false;
    }
}
