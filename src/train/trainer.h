/* One model being trained: a batch's loss and gradients, an update, and scores. What is learned is an
 * objective; everything else is the same for all of them. */
#ifndef INK_TRAIN_TRAINER_H
#define INK_TRAIN_TRAINER_H

#include "train/dataset.h"
#include "train/masking.h"
#include "train/network.h"
#include "train/optimizer.h"

typedef struct ink__trainer ink__trainer;

/* A piece of a batch, in the trainer's own arrays. */
typedef struct ink__piece {
    ink_batch batch;
    const ink__dataset *data;
    const uint32_t *records;   /* [batch.B] of data */
    const ink__dropping *drop; /* NULL: the loss alone is wanted, without dropout */
    uint32_t update;           /* whose batch it is, from 0; UINT32_MAX: none's, it is only measured */
    uint32_t first_row;        /* of the piece in that batch */
    double divisor;
    double rows; /* of the whole batch */
} ink__piece;

/* What an objective may tell besides its loss and the share of masked tokens that were guessed. */
typedef enum ink__figure {
    INK__GENERATOR_LOSS,         /* mean over the masked tokens */
    INK__DISCRIMINATOR_LOSS,     /* mean over all tokens */
    INK__DISCRIMINATOR_ACCURACY, /* share of all tokens that were judged rightly */
    INK__REPLACED_FOUND,         /* share of the replaced tokens that were */
    INK__FIGURES
} ink__figure;

extern const char *const ink__figure_names[INK__FIGURES]; /* "generator_loss" and so on */

/* Sums over an update so far. */
typedef struct ink__tally {
    uint64_t asked, guessed; /* masked tokens */
    uint64_t judged, right;  /* all tokens, by whether they were replaced */
    uint64_t replaced, found;
    double generator_loss, discriminator_loss;
} ink__tally;

enum { INK__NETWORKS = 2 };

typedef struct ink__objective {
    const char *name;   /* of one of pretraining, which also says what it wants: */
    const char *family; /* of a new model */
    struct {
        const char *folder; /* where the network is written within the run's; NULL: there itself */
        ink__pretraining_head head;
    } networks[INK__NETWORKS];
    size_t n_networks;
    size_t n_figures;                                            /* 0, or INK__FIGURES */
    ink_status (*create)(ink__trainer *trainer, ink_error *err); /* makes trainer->own; or NULL */
    void (*free)(ink__trainer *trainer);
    double (*divisor)(const ink__trainer *trainer, const ink__dataset *data, const uint32_t *records,
                      size_t count, uint32_t update);
    /* *loss = the piece's share of the batch's; unless piece->drop is NULL, gradients are added. */
    ink_status (*learn)(double *loss, ink__trainer *trainer, const ink__piece *piece, ink_error *err);
} ink__objective;

extern const ink__objective ink__objective_labels;   /* the options' task (objective_labels.c) */
extern const ink__objective ink__objective_masked;   /* masked tokens (objective_masked.c) */
extern const ink__objective ink__objective_replaced; /* replaced tokens (objective_replaced.c) */

/* A divisor: how many tokens of the records are masked, and 1 where none is. */
double ink__masked_divisor(const ink__trainer *trainer, const ink__dataset *data, const uint32_t *records,
                           size_t count, uint32_t update);

/* What a teacher says of the texts that are learned from. Records from `labelled` on have no labels and are
 * learned from it alone. What it points to may be filled in after the trainer is made. */
typedef struct ink__soft {
    const float *logits;   /* [texts,C] */
    const uint32_t *texts; /* [n] the text of each record of the data */
    size_t labelled;
    double temperature;
    double weight;      /* of the teacher, 0 to 1; the labels have the rest */
    double mean_weight; /* of the classes of the records with labels; 1 without class weights */
} ink__soft;

typedef struct ink__trainer_options {
    const ink__objective *objective; /* NULL: labels */
    const ink__masking *masking;     /* of masked tokens */
    /* Of an objective of two networks the second one's; its store is a view of the first one's. */
    const ink__config *second_config;
    const ink__store *second_store;
    ink__task task;
    ink_backend backend;
    size_t threads;
    size_t piece_tokens; /* rows computed at once; a batch of more comes in pieces */
    size_t longest;      /* tokens of the longest record that will come */
    uint64_t seed;       /* of the dropout */
    ink__optimizer_kind optimizer;
    double decay, max_grad_norm;
    double label_smoothing;
    const ink__soft *soft; /* NULL: labels alone. Borrowed */
    const float
        *class_weights; /* [C] of the classes, or of the positives of a MULTI task; NULL: 1. Borrowed. */
} ink__trainer_options;

struct ink__trainer {
    ink__trainer_options options;
    void *own; /* the objective's */
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
    ink__tally tally;
};

ink_status ink__trainer_create(ink__trainer *trainer, const ink__config *config, ink__store *store,
                               const ink__trainer_options *options, ink_error *err);
void ink__trainer_free(ink__trainer *trainer);

/* What the loss of these records is divided by: the weights of their classes, their labels, their number; or
 * how many of their tokens the next update masks, and 1 where it masks none. */
double ink__trainer_divisor(const ink__trainer *trainer, const ink__dataset *data, const uint32_t *records,
                            size_t count);

/* Adds the gradients of records [count] to the store; *loss is their share of the update's. */
ink_status ink__trainer_learn(double *loss, ink__trainer *trainer, const ink__dataset *data,
                              const uint32_t *records, size_t count, double divisor, ink_error *err);

/* Of the update under way: the share of masked tokens that was guessed, and figures [INK__FIGURES]; NaN where
 * there are none. */
void ink__trainer_tell(double *accuracy, double *figures, const ink__trainer *trainer);

/* The loss of records [count], dropout off and nothing learned, and what ink__trainer_tell tells. Masks, and
 * what is drawn, are always the same. Not within an update. */
ink_status ink__trainer_measure(double *loss, double *accuracy, double *figures, ink__trainer *trainer,
                                const ink__dataset *data, const uint32_t *records, size_t count,
                                ink_error *err);

/* Ends the update at learning rate lr; *norm as of ink__optimizer_step. */
ink_status ink__trainer_update(double *norm, ink__trainer *trainer, double lr, ink_error *err);

/* scores [n,C]: the activation of the model's task over the logits of every record, dropout off. */
ink_status ink__trainer_score(float *scores, ink__trainer *trainer, const ink__dataset *data, ink_error *err);

#endif
