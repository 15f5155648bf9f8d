/* SentencePiece's pipeline as Hugging Face's fast tokenizers have it: steps that normalize the text | white
 * space split | Metaspace | the model on each word. Steps and Metaspace stand for SentencePiece's own
 * normalizer, which differs from theirs in text and in offsets. A unigram model is unigram.h's; a BPE model
 * is SentencePiece's, rebuilt without a normalizer. The normalised text is held as a whole. */
#ifndef INK_TOKENIZER_SPM_H
#define INK_TOKENIZER_SPM_H

#include "tokenizer/aligned.h"
#include "tokenizer/bpe.h"
#include "tokenizer/spm_model.h"
#include "tokenizer/spm_shim.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/unigram.h"

typedef enum ink__prepend { INK__PREPEND_ALWAYS, INK__PREPEND_FIRST, INK__PREPEND_NEVER } ink__prepend;

typedef struct ink__spm_stages {
    ink__step *steps; /* [n_steps] */
    size_t n_steps, steps_capacity;
    bool whitespace_split; /* words end at white space, which goes */
    uint32_t space;        /* what Metaspace puts for U+0020: U+2581 */
    ink__prepend prepend;  /* where Metaspace puts one before a word */
    bool split;            /* words start at each */
    bool byte_fallback;
    int32_t model_type; /* enum ink__spm_type */
    int32_t unk;
    int32_t bytes[256]; /* with byte_fallback, the ids of "<0x00>" to "<0xFF>"; -1: there is none */
    ink__unigram unigram;
    ink__spm *model; /* in place of unigram, where the model file is BPE */
    ink__bpe merges; /* or where tokenizer.json is */
} ink__spm_stages;

extern const ink__pipeline ink__unigram_pipeline, ink__spm_bpe_pipeline; /* spm.c */

/* Appends a character to the word, with the bytes of the original that `like` stands for. */
ink_status ink__spm_put_char(ink__spm_scratch *scratch, uint32_t cp, const ink__char *like, ink_error *err);

/* Puts an empty pipeline, that of U+2581, in place; the reader fills it in. */
ink_status ink__spm_init(ink__spm_stages **stages, ink_tokenizer *tokenizer, ink_error *err);

/* Appends a step and takes it over, also when it fails. */
ink_status ink__spm_add_step(ink__spm_stages *stages, ink__step step, ink_error *err);
ink_status ink__spm_add_charsmap(ink__spm_stages *stages, const void *bytes, size_t len, const char *where,
                                 ink_error *err);
ink_status ink__spm_add_replace(ink__spm_stages *stages, const char *from, const char *to, ink_error *err);

/* Builds the model from the first n tokens of the vocabulary and their scores, after the added tokens are
 * sealed: of these the special ones are never found in a text that is plain. */
ink_status ink__spm_build(ink_tokenizer *tokenizer, const double *scores, size_t n, const char *where,
                          ink_error *err);

/* The same where stages->merges is sealed; only hides the special tokens. */
ink_status ink__spm_build_merges(ink_tokenizer *tokenizer, size_t n, ink_error *err);

#endif
