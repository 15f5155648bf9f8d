/* A C face on SentencePiece, the only thing of it that the library touches: spm_shim.cc is the only C++. */
#ifndef INK_TOKENIZER_SPM_SHIM_H
#define INK_TOKENIZER_SPM_SHIM_H

#ifdef __cplusplus
extern "C" { /* core/status.h is C only */
#endif

#include "core/status.h"

/* A loaded model; immutable, any number of threads may encode with it. */
typedef struct ink__spm ink__spm;

/* Loads a serialized ModelProto. SentencePiece itself trusts these bytes: give it only what
 * ink__spm_model_write made of a checked model. `where` opens the error's text. */
ink_status ink__spm_load(ink__spm **spm, const void *bytes, size_t len, const char *where, ink_error *err);
void ink__spm_free(ink__spm *spm); /* NULL is fine */

size_t ink__spm_size(const ink__spm *spm);

/* The text of piece id < size, terminated and borrowed. */
const char *ink__spm_piece_text(const ink__spm *spm, size_t id);

/* Calls put for each piece of text[0, len) in order, with its bytes [begin, end) in text. len is at most
 * INT32_MAX. A status that put returns ends the walk and is passed on. */
typedef ink_status ink__spm_put(void *context, int32_t id, size_t begin, size_t end, ink_error *err);
ink_status ink__spm_encode(ink__spm_put *put, void *context, const ink__spm *spm, const char *text,
                           size_t len, ink_error *err);

/* What SentencePiece's trainer is told. Its special tokens are those of train.h, with their ids. */
typedef struct ink__spm_training {
    const char *type; /* "unigram" or "bpe" */
    size_t vocab_size;
    double character_coverage;
    bool lowercase, byte_fallback;
} ink__spm_training;

/* The next sentence, which stays in place until the one after it is asked for; false behind the last. */
typedef bool ink__spm_sentence(void *context, const char **text, size_t *len);

/* *bytes = a serialized ModelProto, malloc'd, of at most vocab_size pieces. SentencePiece's trainer ends the
 * process where it meets what it does not expect, and sets how much it logs for the whole process: call this
 * in one that can be lost (train_spm.c does). A failure's text is SentencePiece's own. */
ink_status ink__spm_train(char **bytes, size_t *len, const ink__spm_training *training,
                          ink__spm_sentence *sentence, void *context, ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
