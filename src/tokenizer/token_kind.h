/* What a token is in a word, whatever the kind of tokenizer: for choosing whole words. */
#ifndef INK_TOKENIZER_TOKEN_KIND_H
#define INK_TOKENIZER_TOKEN_KIND_H

#include "core/status.h"

#include <inkling/tokenizer.h>

/* What a token is in a word: a set of these. A word is a token that begins one and those after it that do
 * not; the first of a sequence begins one whatever it is. */
enum {
    INK__BEGINS_WORD = 1,
    INK__ENDS_WORD = 2, /* whatever follows begins another */
    INK__SPECIAL = 4    /* never chosen: [CLS] and its like, and ids that no token has */
};

/* By kind of tokenizer: WordPiece's tokens begin a word unless they open with "##"; SentencePiece's if they
 * open with U+2581, byte-level BPE's if with white space. Of a script that is written without spaces
 * (Chinese, Japanese, Thai and their neighbours) every token is a word. */
int ink__token_kind(const ink_tokenizer *tokenizer, int32_t id);

#endif
