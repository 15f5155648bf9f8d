/* The head that tells of every token whether it was replaced (Clark et al., arXiv 2003.10555, section 2;
 * ElectraForPreTraining's names and formulas):
 *
 *   u = x W^T + b     z = f(u) w + c     loss = sum over the rows of -y log s(z) - (1 - y) log s(-z)
 *
 * with s the logistic function. */
#ifndef INK_TRAIN_REPLACED_HEAD_H
#define INK_TRAIN_REPLACED_HEAD_H

#include "train/network.h"

typedef struct ink__replaced_head {
    ink__network *network;
    ink_arena arena;
    float *u, *a; /* [R,H] before and after the activation; R is the network's max_rows */
    float *z, *y; /* [R] logits, and 1 where a token was replaced */
} ink__replaced_head;

/* What became of some rows. */
typedef struct ink__judgements {
    double loss;              /* divided by the divisor */
    uint64_t replaced, found; /* rows that were, and those of them whose logit says so */
    uint64_t right;           /* rows of either kind whose logit says what they are */
} ink__judgements;

/* network outlives the head; its store has the parameters (ink__store_options.head). */
ink_status ink__replaced_head_create(ink__replaced_head *head, ink__network *network, ink_error *err);
void ink__replaced_head_free(ink__replaced_head *head);

/* Of rows [R] of network->x, the tokens being ids [R] and having been originals [R]. With `learn` network->x
 * becomes its own gradient, and the head's gradients are added to the store. */
ink_status ink__replaced_head_run(ink__judgements *judgements, ink__replaced_head *head, const int32_t *ids,
                                  const int32_t *originals, size_t R, double divisor, bool learn,
                                  ink_error *err);

#endif
