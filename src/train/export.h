/* Saving what was trained as a Hugging Face directory: config.json, model.safetensors and the tokenizer's
 * files. */
#ifndef INK_TRAIN_EXPORT_H
#define INK_TRAIN_EXPORT_H

#include "train/config_text.h"
#include "train/store.h"

typedef struct ink__export {
    const char *dir;            /* where; its parent exists */
    const char *tokenizer_dir;  /* whose tokenizer it is; its files are copied byte for byte */
    const ink__text *config;    /* config.json to be */
    const ink__tensor *tensors; /* [n] under Hugging Face's names; F32 (aligned as floats) become dtype,
                                 * others stay */
    size_t n;
    ink__dtype dtype; /* F32, F16 or BF16, rounded to nearest even */
} ink__export;

/* Writes it: in a temporary folder that is renamed where dir is not there yet, else file by file into it, the
 * weights last; each file is synced, and whole or not at all. INK_E_IO: something cannot be read or written.
 * INK_E_NUMERIC: a weight that is not finite, or is too large for dtype; nothing is written then. */
ink_status ink__export_write(const ink__export *what, ink_error *err);

/* The same of every parameter of a store's or view's model. */
ink_status ink__export_store(const ink__export *what, const ink__store *store, ink_error *err);

/* dir/name = bytes, whole or not at all. */
ink_status ink__export_file(const char *dir, const char *name, const char *bytes, size_t len, ink_error *err);

/* dir/config.json = text, whole or not at all. */
ink_status ink__export_config(const char *dir, const ink__text *text, ink_error *err);

/* *dtype by its name, "f32", "f16" or "bf16"; INK_E_ARG. */
ink_status ink__save_dtype_find(ink__dtype *dtype, const char *name, ink_error *err);

#endif
