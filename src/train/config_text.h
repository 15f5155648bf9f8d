/* config.json as text: that of a model to start from, that of a model made from nothing, and the one that a
 * finetuned classifier is saved with. What is not about the classifier stays as it was written, number by
 * number. */
#ifndef INK_TRAIN_CONFIG_TEXT_H
#define INK_TRAIN_CONFIG_TEXT_H

#include "io/jsontext.h"
#include "io/safetensors.h"
#include "model/arch.h"
#include "train/dataset.h"

/* Replaces *text by dir/config.json. */
ink_status ink__config_text_load(ink__text *text, const char *dir, ink_error *err);

/* Replaces *text by the config.json of a new model: of the family "bert" or "electra" and size "tiny",
 * "mini", "small" or "base" (2 layers of 128, 4 of 256, 4 of 512, 12 of 768; feed-forward 4H, heads of 64,
 * 512 positions, ELECTRA's embeddings 128 wide), else Hugging Face's defaults; or by the config.json of any
 * family that the file `size` is, with the tokenizer's vocabulary and special tokens. INK_E_ARG: neither a
 * size nor a file. */
ink_status ink__config_text_start(ink__text *text, const char *family, const char *size,
                                  const ink_tokenizer *tokenizer, ink_error *err);
bool ink__config_text_is_file(const char *size);

typedef struct ink__classifier {
    const ink__arch *arch;
    ink__task task;
    const char *const *labels; /* [C]; of a REGRESSION: looked at by nobody, and C is 1 */
    size_t C;
    ink__dtype dtype; /* that the weights are saved as */
} ink__classifier;

/* Replaces *text by base with a quantization_config that says the weights are in 8 bits. INK_E_FORMAT: base
 * is not JSON. */
ink_status ink__config_text_int8(ink__text *text, const ink__text *base, const char *path, ink_error *err);

/* Replaces *text by base with the classifier's architectures, id2label, label2id, problem_type and dtype;
 * path names base in messages. INK_E_FORMAT: base is not JSON. */
ink_status ink__config_text_classifier(ink__text *text, const ink__text *base, const char *path,
                                       const ink__classifier *classifier, ink_error *err);

/* Replaces *text by base with the architectures and dtype of a model of Hugging Face's that learns from text
 * alone. */
ink_status ink__config_text_pretrained(ink__text *text, const ink__text *base, const char *path,
                                       const char *class, ink__dtype dtype, ink_error *err);

/* A member that is a whole number. */
typedef struct ink__config_number {
    const char *key;
    size_t value;
} ink__config_number;

enum { INK__CONFIG_NUMBERS = 6 };

/* Replaces *text by base with these numbers [n], at most INK__CONFIG_NUMBERS. INK_E_FORMAT: base is not JSON.
 */
ink_status ink__config_text_numbers(ink__text *text, const ink__text *base, const char *path,
                                    const ink__config_number *numbers, size_t n, ink_error *err);

#endif
