/* Every parameter of a model in training: values and gradients, each one flat array, under the names they
 * have in a file. The optimizer walks over the arrays, the network finds its parameters by slot and layer.
 * Two models that are trained together are in one store, each found through a view of its own. */
#ifndef INK_TRAIN_STORE_H
#define INK_TRAIN_STORE_H

#include "model/params.h"

typedef struct ink__parameter {
    char *name; /* as Hugging Face has it */
    ink__slot slot;
    size_t layer; /* 0 where the slot is the model's */
    size_t rank, shape[2], n;
    size_t at;     /* values + at, gradients + at */
    bool fresh;    /* made from the seed, not read */
    bool product;  /* its gradient is a product, which overwrites an old one */
    bool decays;   /* weight decay applies: neither a bias nor part of a norm */
    float lr_part; /* of the learning rate; 0: frozen */
} ink__parameter;

typedef struct ink__store {
    ink__parameter *list; /* [count] */
    size_t count;
    size_t floats;             /* of each array, gaps for alignment included */
    float *values, *gradients; /* [floats] */
    bool *old;     /* [count] what stands in the gradient is an earlier update's: it counts as zero */
    bool *written; /* [written_n] rows of the word embeddings whose gradient may not be zero */
    size_t written_n;
    size_t *model;                /* [INK__MODEL_SLOTS] index in list + 1, 0: there is none */
    size_t (*layers)[INK__SLOTS]; /* [L] likewise */
    size_t L;
    bool view; /* of a second model: all but model and layers is borrowed */
} ink__store;

typedef struct ink__store_options {
    const ink__params *from;     /* tensors to start from; NULL: every parameter is made */
    const ink__param_spec *head; /* of pretraining; NULL: that of the architecture, which ends in labels */
    bool keep_head;              /* the layer that ends in labels is taken from there, too */
    double deviation;            /* of the normal numbers that made weights start as */
    uint64_t seed;
} ink__store_options;

/* Values as options say; gradients are zero, and the products' are old. Query, key and value lie side by side
 * as one [3H,H] and [3H]. */
ink_status ink__store_create(ink__store *store, const ink__config *config, const ink__store_options *options,
                             ink_error *err);
void ink__store_free(ink__store *store);

/* Adds a second model to a store that has no network or optimizer yet. Its word, position and type embeddings
 * are those of the first, so that gradients of both add up; *view finds these and its own, and is freed
 * before the store is. INK_E_SHAPE: its embeddings are of other shapes. */
ink_status ink__store_extend(ink__store *view, ink__store *store, const ink__config *config,
                             const ink__store_options *options, ink_error *err);

/* All gradients to zero, as after creation. */
void ink__store_clear(ink__store *store);

/* Whether the gradient of the slot is an old one, which the caller now overwrites; of three that are placed
 * together, the first one's slot stands for all. */
bool ink__store_renew(const ink__store *store, ink__slot slot, size_t layer);

/* Whether p, of the list, is a parameter of the model that the store or view finds. */
bool ink__store_has(const ink__store *store, const ink__parameter *p);

/* NULL where the model has no such parameter. */
const ink__parameter *ink__store_find(const ink__store *store, ink__slot slot, size_t layer);
float *ink__store_value(const ink__store *store, ink__slot slot, size_t layer);
float *ink__store_gradient(const ink__store *store, ink__slot slot, size_t layer);

#endif
