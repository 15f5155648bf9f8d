/* A SentencePiece model and nothing else: text, ids and offsets are those of SentencePiece's own encoder,
 * with the model's own normalizer, and no special tokens stand around a text. */
#ifndef INK_TOKENIZER_SPM_BARE_H
#define INK_TOKENIZER_SPM_BARE_H

#include "tokenizer/spm_model.h"
#include "tokenizer/tokenizer.h"

/* Fills in an empty tokenizer from a model that was read. `where` opens the error's text. */
ink_status ink__spm_bare_init(ink_tokenizer *tokenizer, const ink__spm_model *model, const char *where,
                              ink_error *err);

#endif
