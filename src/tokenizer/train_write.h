/* Pieces of the files of a trained tokenizer, as text. */
#ifndef INK_TOKENIZER_TRAIN_WRITE_H
#define INK_TOKENIZER_TRAIN_WRITE_H

#include "io/jsontext.h"
#include "tokenizer/train.h"

/* Appends the strings up to a NULL. */
ink_status ink__put(ink__text *text, ink_error *err, ...);

ink_status ink__put_base64(ink__text *text, const unsigned char *bytes, size_t len, ink_error *err);

/* BPE's merges as a JSON list: for each piece, in the order in which training made them, the pairs of pieces
 * that it can be made of. SentencePiece's model does not keep which of them it was; this is the list that
 * transformers makes of one (SentencePieceExtractor). */
ink_status ink__put_merges(ink__text *text, const ink__spm_model *model, ink_error *err);

#endif
