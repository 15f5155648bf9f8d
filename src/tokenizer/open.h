/* Readers of tokenizer files; each fills in an empty ink_tokenizer. */
#ifndef INK_TOKENIZER_OPEN_H
#define INK_TOKENIZER_OPEN_H

#include "io/json.h"
#include "tokenizer/tokenizer.h"

/* From tokenizer.json, as the tokenizers package reads it. */
ink_status ink__tokenizer_from_json(ink_tokenizer *tokenizer, const char *path, ink_error *err);

/* From vocab.txt and the settings that transformers' BertTokenizer takes from the files beside it;
 * config->root is NULL where there is no tokenizer_config.json. */
ink_status ink__tokenizer_from_vocab(ink_tokenizer *tokenizer, const char *dir, const ink__json *config,
                                     ink_error *err);

/* The same from text in memory, for tests and fuzzing; `path` names it in messages. */
ink_status ink__tokenizer_parse_json(ink_tokenizer *tokenizer, const char *bytes, size_t len,
                                     const char *path, ink_error *err);

/* The flags of an AddedToken object. With `all`, every one must be there; else a missing one is false, and
 * normalized the opposite of special. */
ink_status ink__added_flags(ink__added_token *token, const ink__json *json, const json_t *object, bool all,
                            ink_error *err);

/* Puts `content` on the list of added tokens. One that the vocabulary lacks gets the next id; what the file
 * says of its id (*said, unless NULL) has to agree. */
ink_status ink__tokenizer_add(ink_tokenizer *tokenizer, ink__added_token token, const char *content,
                              size_t len, const double *said, const char *path, ink_error *err);

#endif
