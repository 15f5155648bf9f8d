/* The pipeline of RoBERTa and ModernBERT: NFC or nothing | GPT-2's words | byte-level BPE. */
#ifndef INK_TOKENIZER_BYTE_LEVEL_H
#define INK_TOKENIZER_BYTE_LEVEL_H

#include "tokenizer/bpe.h"
#include "tokenizer/tokenizer.h"

/* All that a file says of a byte-level tokenizer besides its tokens and merges. */
typedef struct ink__byte_level_config {
    bool nfc;
    bool prefix_space; /* each part between added tokens begins with a space, put there if need be */
    bool whole_parts;  /* such a part is one word: no regular expression splits it */
    const char *unk;   /* text of the unknown token; NULL: there is none */
    bool fuse_unk, ignore_merges;
} ink__byte_level_config;

/* Puts the pipeline over the tokens that the vocabulary has so far; *model, to which the merges were put, is
 * taken over, also when it fails. INK_E_FORMAT if a byte or unk has no token; `where` opens the text. */
ink_status ink__byte_level_init(ink_tokenizer *tokenizer, ink__bpe *model,
                                const ink__byte_level_config *config, const char *where, ink_error *err);

/* From now on white space at a token's ends is left out of its offsets, as "trim_offsets" of a post-processor
 * asks for. With keep_prefix, not the one space before the first word, which a tokenizer with prefix_space
 * may have put there itself. */
void ink__byte_level_trim(ink_tokenizer *tokenizer, bool keep_prefix);

#endif
