/* Model directories of any size with random weights, written where a test wants them. */
#ifndef INK_TESTS_RANDOM_MODEL_H
#define INK_TESTS_RANDOM_MODEL_H

#include <stddef.h>

struct random_model {
    const char *model_type; /* "bert" */
    size_t H, L, N, F, P, C;
    unsigned seed;
};

enum { RANDOM_MODEL_V = 239 }; /* entries of the goldens' vocabulary */

/* Makes an empty temporary directory. */
void scratch_dir(char dir[256]);

/* Removes a directory and all in it. */
void scratch_remove(const char *dir);

/* Writes text as dir/name. */
void scratch_write(const char *dir, const char *name, const char *text, size_t len);

/* Writes config.json, vocab.txt, tokenizer_config.json and model.safetensors (F32) to dir. */
void random_model_write(const char *dir, const struct random_model *m);

/* xorshift: the same numbers everywhere. */
unsigned random_next(unsigned *state);
float random_normal(unsigned *state); /* roughly, by a sum of uniforms */

#endif
