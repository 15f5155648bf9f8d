/* SentencePiece's model file, a ModelProto in protobuf's wire format (sentencepiece_model.proto): read and
 * checked here, because SentencePiece trusts what it is given, and written anew for it to load. */
#ifndef INK_TOKENIZER_SPM_MODEL_H
#define INK_TOKENIZER_SPM_MODEL_H

#include "core/status.h"

enum ink__spm_type { INK__SPM_UNIGRAM = 1, INK__SPM_BPE = 2 };

enum ink__spm_piece_type {
    INK__SPM_NORMAL = 1,
    INK__SPM_UNKNOWN,
    INK__SPM_CONTROL, /* never found in a text */
    INK__SPM_USER_DEFINED,
    INK__SPM_UNUSED,
    INK__SPM_BYTE
};

typedef struct ink__spm_piece {
    const char *text; /* borrowed */
    size_t len;
    float score;
    int32_t type; /* enum ink__spm_piece_type */
} ink__spm_piece;

/* Zero it; a field's default is what the .proto says. */
typedef struct ink__spm_model {
    ink__spm_piece *pieces; /* [n] owned */
    size_t n, capacity;
    int32_t type;         /* enum ink__spm_type */
    size_t unk;           /* the piece of type UNKNOWN */
    const char *charsmap; /* borrowed; charsmap_len 0: the text is left as it is */
    size_t charsmap_len;
    bool dummy_prefix, remove_spaces, escape_spaces, space_suffix, byte_fallback;
} ink__spm_model;

/* Appends a piece; its text is borrowed. */
ink_status ink__spm_model_add(ink__spm_model *model, ink__spm_piece piece, ink_error *err);

/* Reads any bytes; the model borrows from them. Only what passes ink__spm_model_check comes out. */
ink_status ink__spm_model_read(ink__spm_model *model, const void *bytes, size_t len, const char *where,
                               ink_error *err);

/* What SentencePiece takes for granted: unigram or BPE; pieces that are not empty, not twice there, UTF-8
 * without NUL; finite scores; exactly one unknown piece, which becomes model->unk; byte pieces if and only if
 * byte_fallback, all 256; a sound charsmap. `where` opens the error's text. */
ink_status ink__spm_model_check(ink__spm_model *model, const char *where, ink_error *err);

/* *bytes = the model as a ModelProto, malloc'd. The model was checked. */
ink_status ink__spm_model_write(char **bytes, size_t *len, const ink__spm_model *model, ink_error *err);

void ink__spm_model_free(ink__spm_model *model); /* what it owns */

#endif
