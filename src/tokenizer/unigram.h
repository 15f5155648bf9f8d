/* SentencePiece's unigram model (Kudo 2018, arXiv 1804.10959): of all ways to cut a text into tokens the one
 * whose scores have the highest sum. Summed up in double and tied as tokenizers' models/unigram does, on
 * whose ids encoders were trained; SentencePiece itself adds floats, and its versions round and compare them
 * differently. */
#ifndef INK_TOKENIZER_UNIGRAM_H
#define INK_TOKENIZER_UNIGRAM_H

#include "tokenizer/spm_scratch.h"
#include "tokenizer/vocab.h"

/* A model, immutable once made. The tokens that a text may hold are the paths of a trie whose nodes stand in
 * breadth-first order, so that the children of node i are nodes first[i] to first[i + 1]; the root is 0. */
typedef struct ink__unigram {
    uint32_t *first; /* [n_nodes + 1] */
    uint8_t *label;  /* [n_nodes] the byte that leads to the node */
    int32_t *id;     /* [n_nodes] the token that ends here, or -1 */
    double *scores;  /* [n_scores] by id */
    size_t n_nodes, n_scores;
    double unknown_score; /* of a character that is no token */
    int32_t unk;
} ink__unigram;

/* From the vocabulary's first n tokens. hidden[i]: no text holds token i. INK_E_FORMAT for a token that is
 * empty or too long or whose score no float holds; `where` opens the text. */
ink_status ink__unigram_init(ink__unigram *model, const ink__vocab *vocab, const double *scores,
                             const bool *hidden, size_t n, int32_t unk, const char *where, ink_error *err);
void ink__unigram_release(ink__unigram *model);

/* The token that is exactly this text, or -1. */
int32_t ink__unigram_find(const ink__unigram *model, const char *text, size_t len);

/* scratch->parts become those of scratch->word, well-formed UTF-8: tokens, and runs of characters that are
 * none as one part with the id unk. Time is linear in the word for each byte of the longest token. */
ink_status ink__unigram_encode(ink__spm_scratch *scratch, const ink__unigram *model, ink_error *err);

#endif
