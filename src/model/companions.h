/* The files of a model directory beside its weights, which are copied byte for byte. */
#ifndef INK_MODEL_COMPANIONS_H
#define INK_MODEL_COMPANIONS_H

#include "core/digest.h"
#include "core/status.h"

typedef enum ink__companions {
    INK__TOKENIZER_FILES,
    INK__ALL_FILES,   /* also config.json, and what sentence-transformers adds */
    INK__WITH_WEIGHTS /* also what holds for these very weights: the calibration */
} ink__companions;

/* Copies those files that from_dir has to to_dir, which exists, each whole or not at all. Nothing happens
 * where both are the same directory. */
ink_status ink__companions_copy(const char *to_dir, const char *from_dir, ink__companions which,
                                ink_error *err);

/* Goes on digesting, by name and contents, those files that dir has. */
ink_status ink__companions_digest(ink__digest *digest, const char *dir, ink__companions which,
                                  ink_error *err);

/* to_dir/name = from_dir/name, whole or not at all; both folders exist. */
ink_status ink__copy_into(const char *to_dir, const char *from_dir, const char *name, ink_error *err);

/* True if both are there and the same directory. */
bool ink__same_directory(const char *a, const char *b);

#endif
