/* Which tokens a model in pretraining has to guess (Devlin et al., arXiv 1810.04805, section 3.1), chosen
 * anew for every batch (Liu et al., arXiv 1907.11692) and by whole words (google-research/bert, "whole word
 * masking"). A pure function of seed, update and row: nothing is kept, and pieces of a batch agree. */
#ifndef INK_TRAIN_MASKING_H
#define INK_TRAIN_MASKING_H

#include "tokenizer/token_kind.h"

typedef struct ink__masking {
    uint8_t *kinds; /* [V] what a token is in a word: ink__token_kind */
    size_t V;       /* tokens there are; a random one is any of them, special ones too, as in Hugging Face */
    int32_t mask;   /* the id of [MASK] */
    double rate;    /* share of the words that are chosen */
    uint64_t seed;
} ink__masking;

/* INK_E_ARG: a rate that is not above 0 and at most 1, or a tokenizer without [MASK] or <mask>. */
ink_status ink__masking_create(ink__masking *masking, const ink_tokenizer *tokenizer, double rate,
                               uint64_t seed, ink_error *err);
void ink__masking_free(ink__masking *masking);

/* Chooses among the R rows of B sequences, offsets [B+1], of which the first is row `first` of the update's
 * batch, and puts what the model is shown into ids: of the chosen tokens [MASK] in 80 % of the cases, a
 * random token in 10 %, in 10 % the token itself. rows [R], labels [R]: where they are and what they were;
 * returns how many. */
size_t ink__masking_apply(int32_t *ids, uint32_t *rows, int32_t *labels, const ink__masking *masking,
                          const size_t *offsets, size_t B, uint32_t update, uint32_t first);

/* How many of one sequence it would choose. */
size_t ink__masking_count(const ink__masking *masking, const int32_t *ids, size_t length, uint32_t update,
                          uint32_t first);

/* *nats = what it costs on average to guess ids [n], those aside that are never chosen, by how often each
 * token occurs among them and nothing else: the entropy of their frequencies. A model has learned what
 * contexts are for once its loss is below that. 0 where there are none. */
ink_status ink__masking_floor(double *nats, const ink__masking *masking, const int32_t *ids, size_t n,
                              ink_error *err);

#endif
