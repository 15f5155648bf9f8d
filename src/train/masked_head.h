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

/* network outlives the head; its store has the parameters (ink__store_options.guesses). */
ink_status ink__masked_head_create(ink__masked_head *head, ink__network *network, ink_error *err);
void ink__masked_head_free(ink__masked_head *head);

/* What became of some rows. */
typedef struct ink__guesses {
    double loss;    /* divided by the divisor */
    uint64_t right; /* rows whose label has the greatest logit */
} ink__guesses;

/* Of rows [n] of network->x, which labels [n] should be guessed from. With `learn` network->x becomes its own
 * gradient, and the head's gradients are added to the store. */
ink_status ink__masked_head_run(ink__guesses *guesses, ink__masked_head *head, const uint32_t *rows,
                                const int32_t *labels, size_t n, size_t R, double divisor, bool learn,
                                ink_error *err);

#endif
