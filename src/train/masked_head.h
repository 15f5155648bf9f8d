/* The head that guesses masked tokens (Devlin et al., arXiv 1810.04805; BertForMaskedLM's names and
 * formulas), over the rows that were masked and no others:
 *
 *   u = x W^T + b     a = norm(f(u))     z = a E^T + c     loss = sum over the rows of -log softmax(z)_label
 *
 * with E [V,E] the word embeddings again. The logits of a block of rows at a time are in memory, never those
 * of all. */
#ifndef INK_TRAIN_MASKED_HEAD_H
#define INK_TRAIN_MASKED_HEAD_H

#include "train/network.h"

typedef struct ink__masked_head {
    ink__network *network;
    ink__trained_linear *dense, *decode; /* NULL: plain products */
    size_t block;                        /* rows whose logits are in memory at once */
    ink_arena arena;
    float *x, *dx;        /* [M,H] gathered rows; M is the network's max_rows */
    float *u, *xh, *rstd; /* [M,E] [M,E] [M] */
    float *a, *da;        /* [M,E] */
    float *logits;        /* [block,V] */
    double *losses;       /* [block] */
    bool *right;          /* [block] */
} ink__masked_head;

/* network outlives the head; its store has the parameters (ink__store_options.head). */
ink_status ink__masked_head_create(ink__masked_head *head, ink__network *network, ink_error *err);
void ink__masked_head_free(ink__masked_head *head);

/* What became of some rows. */
typedef struct ink__guesses {
    double loss;    /* divided by the divisor */
    uint64_t right; /* rows whose label has the greatest logit */
} ink__guesses;

/* Tokens to be drawn from the softmax of each row: a pure function of the softmax, and of seed, update and
 * the row's number in the update's batch. */
typedef struct ink__draw {
    int32_t *tokens; /* [n] */
    uint64_t seed;
    uint32_t update, first_row; /* number of row 0 */
} ink__draw;

/* Of rows [n] of network->x, which labels [n] should be guessed from. With `learn` network->x becomes its own
 * gradient, and the head's gradients are added to the store. draw NULL: nothing is drawn. */
ink_status ink__masked_head_run(ink__guesses *guesses, ink__masked_head *head, const uint32_t *rows,
                                const int32_t *labels, size_t n, size_t R, double divisor, bool learn,
                                const ink__draw *draw, ink_error *err);

#endif
