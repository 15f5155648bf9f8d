/* A golden ELECTRA with its replaced.safetensors (see make_replaced.py): the discriminator, and a generator
 * of half its width, in one store. */
#ifndef INK_TESTS_TRAIN_REPLACED_H
#define INK_TESTS_TRAIN_REPLACED_H

#include "model/model.h"
#include "support/golden.h"
#include "support/numbers.h"
#include "train/config_text.h"
#include "train/store.h"

#include <math.h>

struct pair {
    struct golden golden;
    ink__tensors *replaced;
    ink_model *model;
    ink__text config_text;
    ink__json json;
    ink__config config; /* the generator's */
    ink__store store, view;
    ink_error err;
};

static inline const ink__tensor *pair_find(const struct pair *f, const char *prefix, const char *name)
{
    char full[300];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return ink__tensors_find(f->replaced, full);
}

static inline float pair_number(const struct pair *f, const char *name)
{
    return *(const float *)pair_find(f, "", name)->data;
}

static inline int pair_count(const struct pair *f, const char *name)
{
    return *(const int32_t *)pair_find(f, "", name)->data;
}

/* Values of the parameters that the file has under the prefix; returns how many. */
static inline size_t pair_fill(struct pair *f, const ink__store *store, const char *prefix)
{
    size_t found = 0;
    for (size_t i = 0; i < store->count; ++i) {
        const ink__parameter *p = &store->list[i];
        const ink__tensor *t = ink__store_has(store, p) ? pair_find(f, prefix, p->name) : NULL;
        if (!t)
            continue;
        cr_assert(t->bytes == p->n * sizeof(float), "%s", p->name);
        memcpy(store->values + p->at, t->data, t->bytes);
        ++found;
    }
    return found;
}

static inline void pair_open(struct pair *f)
{
    static const ink__config_number half[] = {
        {"hidden_size", 16}, {"num_attention_heads", 2}, {"intermediate_size", 24}};
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    char path[600];
    ink__text text = {0};
    *f = (struct pair){0};
    golden_open(&f->golden, "electra-projected");
    snprintf(path, sizeof path, "%s/replaced.safetensors", f->golden.dir);
    cr_assert(ink__tensors_open(&f->replaced, path, &f->err) == INK_OK, "%s", f->err.text);
    cr_assert(ink_model_open(&f->model, f->golden.dir, &plain, &f->err) == INK_OK, "%s", f->err.text);
    cr_assert(ink__config_text_load(&text, f->golden.dir, &f->err) == INK_OK, "%s", f->err.text);
    cr_assert(ink__config_text_numbers(&f->config_text, &text, "config.json", half, 3, &f->err) == INK_OK,
              "%s", f->err.text);
    cr_assert(ink__json_parse(&f->json, f->config_text.data, f->config_text.len, "config.json", &f->err) ==
                  INK_OK,
              "%s", f->err.text);
    cr_assert(ink__config_read(&f->config, &f->json, &f->err) == INK_OK, "%s", f->err.text);
    ink__text_free(&text);

    const ink__pretrained_head *heads = f->config.arch->pretraining;
    ink__store_options options = {
        .from = &f->model->params, .head = heads[INK__JUDGES].params, .deviation = 0.02, .seed = 3};
    cr_assert(ink__store_create(&f->store, &f->model->config, &options, &f->err) == INK_OK, "%s",
              f->err.text);
    options.from = NULL, options.head = heads[INK__GUESSES].params;
    cr_assert(ink__store_extend(&f->view, &f->store, &f->config, &options, &f->err) == INK_OK, "%s",
              f->err.text);
}

static inline void pair_close(struct pair *f)
{
    ink__store_free(&f->view);
    ink__store_free(&f->store);
    ink__config_free(&f->config);
    ink__json_close(&f->json);
    ink__text_free(&f->config_text);
    ink_model_free(f->model);
    ink__tensors_free(f->replaced);
    golden_close(&f->golden);
}

#endif
