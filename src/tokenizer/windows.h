/* Texts that are longer than a model reads: their two ends, or windows over all of them. Either is made as
 * tokens come, so that memory is that of a window or two whatever the text's length. */
#ifndef INK_TOKENIZER_WINDOWS_H
#define INK_TOKENIZER_WINDOWS_H

#include "tokenizer/postprocess.h"

/* ink_tokenizer_encode with head_tail and a maximum; e has been started (ink__encode_start). */
ink_status ink__encode_head_tail(ink_encoding *e, const ink_tokenizer *tokenizer, const ink__template *around,
                                 const char *text, size_t len, const ink_encode_options *options,
                                 ink_error *err);

/* Takes a window: its ids, types and spans, special tokens included; of total and the rest nothing is said.
 * Valid during the call. */
typedef ink_status ink__window_fn(void *user, const ink_encoding *window, ink_error *err);

/* Gives the text's tokens to `take` in windows of at most max_length, special tokens around each; neighbours
 * share `stride` of the text's tokens. Each has tokens that none before it had, and a text that is short is
 * one window: what ink_tokenizer_encode gives. e is used on the way and holds total and bad_bytes at the end.
 * INK_E_ARG: no max_length, or no room in it for stride + 1 tokens. */
ink_status ink__encode_windows(ink_encoding *e, const ink_tokenizer *tokenizer, const char *text, size_t len,
                               const ink_encode_options *options, size_t stride, ink__window_fn *take,
                               void *user, ink_error *err);

#endif
