/* Readers of tokenizer files; each fills in an empty ink_tokenizer. */
#ifndef INK_TOKENIZER_OPEN_H
#define INK_TOKENIZER_OPEN_H

#include "io/json.h"
#include "tokenizer/tokenizer.h"

/* The tokens with a name, in the order in which transformers gives them ids. */
enum { INK__BOS, INK__EOS, INK__UNK, INK__SEP, INK__PAD, INK__CLS, INK__MASK, INK__NAMED };
typedef struct ink__named {
    const char *content; /* NULL: there is none */
    bool given;          /* by a file, not just by custom */
    ink__added_token token;
} ink__named;

/* What the files beside a vocabulary say of special and added tokens: open_vocab.c. The two older files,
 * special_tokens_map.json and added_tokens.json, stay empty where they are missing or where config has an
 * added_tokens_decoder. Their tokens are added in the order on which the ids of new ones depend: first the
 * listed ones, then the named ones that are `given` or in the vocabulary, and the extra ones. */
ink_status ink__beside_open(ink__json *map, ink__json *list, const char *dir, const ink__json *config,
                            ink_error *err);
ink_status ink__named_read(ink__named named[INK__NAMED], const ink__json *json, ink_error *err);
ink_status ink__listed_add(ink_tokenizer *tokenizer, const ink__json *config, const ink__json *list,
                           ink_error *err);
ink_status ink__named_add(ink_tokenizer *tokenizer, const ink__named named[INK__NAMED], const char *path,
                          const ink__json *config, const ink__json *map, ink_error *err);
ink_status ink__named_id(int32_t *id, const ink_tokenizer *tokenizer, const ink__named *named,
                         const char *path, ink_error *err);

/* From vocab.json and merges.txt and the settings that transformers' RobertaTokenizer takes from the files
 * beside them; config->root may be NULL. */
ink_status ink__tokenizer_from_merges(ink_tokenizer *tokenizer, const char *dir, const ink__json *config,
                                      ink_error *err);

/* From tokenizer.json, as the tokenizers package reads it. */
ink_status ink__tokenizer_from_json(ink_tokenizer *tokenizer, const char *path, ink_error *err);

/* From vocab.txt and the settings that transformers' BertTokenizer takes from the files beside it;
 * config->root is NULL where there is no tokenizer_config.json. */
ink_status ink__tokenizer_from_vocab(ink_tokenizer *tokenizer, const char *dir, const ink__json *config,
                                     ink_error *err);

/* The same from text in memory, for tests and fuzzing; `path` names it in messages. */
ink_status ink__tokenizer_parse_json(ink_tokenizer *tokenizer, const char *bytes, size_t len,
                                     const char *path, ink_error *err);

/* Parts of tokenizer.json that its model's kinds share. The ids of the vocabulary's n tokens are exactly 0 to
 * n-1; "added_tokens"; one special token of a post-processor, whose id and text have to agree; the two lists
 * of a TemplateProcessing. */
ink_status ink__vocab_read(ink__vocab *vocab, const ink__json *json, const json_t *object, ink_error *err);
ink_status ink__added_read(ink_tokenizer *tokenizer, const ink__json *json, ink_error *err);
ink_status ink__template_put(ink__template *template, const ink_tokenizer *tokenizer, const ink__json *json,
                             const json_t *id, const json_t *text, size_t type, ink_error *err);
ink_status ink__template_read(ink_tokenizer *tokenizer, const ink__json *json, const json_t *part,
                              ink_error *err);

/* A tokenizer.json whose model is byte-level BPE: open_bpe.c. */
ink_status ink__tokenizer_read_bpe(ink_tokenizer *tokenizer, const ink__json *json, ink_error *err);

/* Its "model": the vocabulary, the merges, and what is said besides. *bpe is the caller's to release, also
 * when this fails. */
typedef struct ink__bpe_options {
    const char *unk; /* NULL: there is none */
    bool fuse_unk, ignore_merges, byte_fallback;
} ink__bpe_options;
ink_status ink__bpe_read(ink__bpe *bpe, ink__bpe_options *options, ink_tokenizer *tokenizer,
                         const ink__json *json, ink_error *err);

/* A tokenizer.json that was made of a SentencePiece model, which is Unigram or, with Metaspace among its
 * pre-tokenizers, BPE: open_unigram.c. */
bool ink__has_metaspace(const ink__json *json);
ink_status ink__tokenizer_read_unigram(ink_tokenizer *tokenizer, const ink__json *json, ink_error *err);
ink_status ink__tokenizer_read_spm_bpe(ink_tokenizer *tokenizer, const ink__json *json, ink_error *err);

/* Adds what tokenizer_config.json's "added_tokens_decoder" lists, in the order of the ids. */
ink_status ink__added_read_decoder(ink_tokenizer *tokenizer, const ink__json *json, const json_t *decoder,
                                   ink_error *err);

/* From a SentencePiece model, dir/name, and the settings that transformers' XLMRobertaTokenizer,
 * CamembertTokenizer or AlbertTokenizer takes from the files beside it; config->root may be NULL. */
ink_status ink__tokenizer_from_spm(ink_tokenizer *tokenizer, const char *dir, const char *name,
                                   const ink__json *config, ink_error *err);

/* The flags of an AddedToken object. With `all`, every one must be there; else a missing one is false, and
 * normalized the opposite of special. */
ink_status ink__added_flags(ink__added_token *token, const ink__json *json, const json_t *object, bool all,
                            ink_error *err);

/* Puts `content` on the list of added tokens. One that the vocabulary lacks gets the next id; what the file
 * says of its id (*said, unless NULL) has to agree. */
ink_status ink__tokenizer_add(ink_tokenizer *tokenizer, ink__added_token token, const char *content,
                              size_t len, const double *said, const char *path, ink_error *err);

#endif
