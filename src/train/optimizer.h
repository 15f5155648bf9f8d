/* The optimizer: one threaded pass over every parameter that is not frozen, which also clears the gradients.
 * The rules are nn/update.h's. Most rows of the word embeddings are in no batch: their gradient is neither
 * read nor cleared, and the moments of those that were in none so far, which are zero, neither read nor
 * written. */
#ifndef INK_TRAIN_OPTIMIZER_H
#define INK_TRAIN_OPTIMIZER_H

#include "nn/passes.h"
#include "train/store.h"

typedef enum ink__optimizer_kind { INK__ADAMW, INK__ADAM, INK__SGD } ink__optimizer_kind;

/* *kind by its name, "adamw" and the like; INK_E_ARG names those there are. */
ink_status ink__optimizer_find(ink__optimizer_kind *kind, const char *name, ink_error *err);

typedef struct ink__optimizer {
    ink__optimizer_kind kind;
    double decay;         /* of weights; biases and norms have none */
    double max_grad_norm; /* gradients longer than this are scaled down to it; 0: any length */
    uint64_t updates;     /* so far */
    ink__store *store;
    const ink__passes *passes;
    size_t threads;
    float *moments[2]; /* [store->floats] each; the second is NULL for SGD */
    bool *moved;       /* [store->written_n] rows of the word embeddings whose moments may not be zero */
    float *zeros;      /* [E] their gradient where none was written */
    struct ink__stretch *stretches; /* [n_stretches] what one work item takes */
    size_t n_stretches;
} ink__optimizer;

/* Betas are 0.9 and 0.999, epsilon 1e-8, momentum 0.9: the defaults of Hugging Face and what SGD is used
 * with. */
ink_status ink__optimizer_create(ink__optimizer *optimizer, ink__optimizer_kind kind, ink__store *store,
                                 const ink__passes *passes, size_t threads, ink_error *err);
/* To be called after the moments were read from elsewhere. */
void ink__optimizer_restored(ink__optimizer *optimizer);
void ink__optimizer_free(ink__optimizer *optimizer);

/* Updates the parameters by the gradients, at learning rate lr times each one's part of it, and clears the
 * gradients. *norm is their length before clipping. INK_E_NUMERIC: it is not finite, and nothing changed. */
ink_status ink__optimizer_step(double *norm, ink__optimizer *optimizer, double lr, ink_error *err);

#endif
