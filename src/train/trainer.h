/* One model being trained on labelled records: a batch's loss and gradients, an update, and scores. */
#ifndef INK_TRAIN_TRAINER_H
#define INK_TRAIN_TRAINER_H

#include "train/dataset.h"
#include "train/network.h"
#include "train/optimizer.h"

typedef struct ink__trainer_options {
    ink__task task;
    ink_backend backend;
    size_t threads;
    size_t piece_tokens; /* rows computed at once; a batch of more comes in pieces */
    size_t longest;      /* tokens of the longest record that will come */
    uint64_t seed;       /* of the dropout */
    ink__optimizer_kind optimizer;
    double decay, max_grad_norm;
    double label_smoothing;
    const float
        *class_weights; /* [C] of the classes, or of the positives of a MULTI task; NULL: 1. Borrowed. */
} ink__trainer_options;

typedef struct ink__trainer {
    ink__trainer_options options;
    const ink__config *config;
    ink__store *store;
    ink__network network;
    ink__optimizer optimizer;
    /* A piece under way. */
    size_t max_rows, max_sequences;
    int32_t *ids, *types; /* [max_rows] */
    size_t *offsets;      /* [max_sequences+1] */
    int32_t *classes;     /* [max_sequences] */
    float *targets;       /* [max_sequences,C] */
    float *dlogits;       /* [max_sequences,C] */
    /* The update under way. */
    uint32_t rows, sequences;
} ink__trainer;

ink_status ink__trainer_create(ink__trainer *trainer, const ink__config *config, ink__store *store,
                               const ink__trainer_options *options, ink_error *err);
void ink__trainer_free(ink__trainer *trainer);

/* What the loss of these records is divided by: the weights of their classes, their labels, or their number.
 */
double ink__trainer_divisor(const ink__trainer *trainer, const ink__dataset *data, const uint32_t *records,
                            size_t count);

/* Adds the gradients of records [count] to the store; *loss is their share of the update's. */
ink_status ink__trainer_learn(double *loss, ink__trainer *trainer, const ink__dataset *data,
                              const uint32_t *records, size_t count, double divisor, ink_error *err);

/* Ends the update at learning rate lr; *norm as of ink__optimizer_step. */
ink_status ink__trainer_update(double *norm, ink__trainer *trainer, double lr, ink_error *err);

/* scores [n,C]: the activation of the model's task over the logits of every record, dropout off. */
ink_status ink__trainer_score(float *scores, ink__trainer *trainer, const ink__dataset *data, ink_error *err);

#endif
