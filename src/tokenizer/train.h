/* Training a tokenizer: what its parts know of each other. train.c reads and decides; train_words.c or
 * train_sample.c keeps what is learned from; train_wordpiece.c or train_spm.c learns; train_write.c writes.
 */
#ifndef INK_TOKENIZER_TRAIN_H
#define INK_TOKENIZER_TRAIN_H

#include "tokenizer/spm_model.h"
#include "tokenizer/train_sample.h"
#include "tokenizer/train_words.h"
#include "tokenizer/vocab.h"

#include <inkling/train_tokenizer.h>

#include <time.h>

/* The special tokens, which have the first ids in this order whatever the type. */
enum { INK__TRAIN_PAD, INK__TRAIN_UNK, INK__TRAIN_CLS, INK__TRAIN_SEP, INK__TRAIN_MASK, INK__TRAIN_SPECIALS };
extern const char *const ink__train_specials[INK__TRAIN_SPECIALS];

enum { INK__TRAIN_WORD_CHARS = 100 }; /* BERT: a longer word is unknown */

typedef struct ink__training {
    ink_train_tokenizer_options options; /* with the defaults in their places */
    ink_train_tokenizer_report *report;
    ink_train_tokenizer_progress progress;
    struct timespec start;
    double told; /* when the callback was last called */
} ink__training;

/* Tells the callback where things stand, if 0.1 s have passed since the last time or if `now`. */
ink_status ink__training_tick(ink__training *training, bool now, ink_error *err);

/* Puts the special tokens and the learned ones into the empty vocab, vocab_size in all. */
ink_status ink__train_wordpiece(ink__vocab *vocab, ink__training *training, const ink__words *words,
                                ink_error *err);

/* Joins pairs of tokens until vocab has `size` of them or no pair comes twice. Each word is a row of tokens,
 * `tokens[begin, begin + len)`, which is worked on in place. */
typedef struct ink__train_word {
    size_t begin;
    uint32_t len;
    uint64_t count;
} ink__train_word;
ink_status ink__train_merge(ink__vocab *vocab, size_t size, ink__train_word *words, size_t n, int32_t *tokens,
                            ink__training *training, ink_error *err);

/* *bytes = a SentencePiece model of exactly vocab_size pieces, malloc'd; *model is it, read. Both are the
 * caller's to free, also when this fails. */
ink_status ink__train_spm(ink__spm_model *model, char **bytes, size_t *len, ink__training *training,
                          ink__sample *sample, ink_error *err);

/* Write the files of a directory. */
ink_status ink__train_write_wordpiece(const char *dir, const ink__vocab *vocab, bool lowercase,
                                      ink_error *err);
ink_status ink__train_write_spm(const char *dir, const ink__spm_model *model, const char *bytes, size_t len,
                                ink_error *err);

#endif
