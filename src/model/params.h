/* The parameters of a model: every tensor of its table, found in its files by name and checked. */
#ifndef INK_MODEL_PARAMS_H
#define INK_MODEL_PARAMS_H

#include "io/safetensors.h"
#include "model/arch.h"

typedef struct ink__params {
    const ink__tensor **model;                /* [INK__MODEL_SLOTS], NULL where the model has none */
    const ink__tensor *(*layers)[INK__SLOTS]; /* [L][slot] */
    bool has_head;                            /* a sequence classification head is there */
    size_t count;                             /* numbers in all of them */
} ink__params;

/* Finds every parameter of config's table in tensors. Missing, mis-shaped and unexpected ones are all named
 * in one INK_E_FORMAT; a dtype that is not F32, F16 or BF16 is INK_E_UNSUPPORTED. `where` names the
 * directory. */
ink_status ink__params_bind(ink__params *params, const ink__config *config, const ink__tensors *tensors,
                            const char *where, ink_error *err);

/* Finds a head of pretraining that the architecture has as well; it is there as a whole or not at all. */
ink_status ink__params_bind_pretraining(ink__params *params, const ink__config *config,
                                        ink__pretraining_head head, const ink__tensors *tensors,
                                        const char *where, ink_error *err);

/* name = the parameter's name in a certain layer, without the prefix. */
void ink__param_name(char *name, size_t size, const ink__param_spec *spec, size_t layer,
                     const ink__config *config);

/* The size that a letter of a shape stands for. */
size_t ink__param_size(const ink__config *config, char letter);

/* It is the weight of a product over all rows of a batch: not a table, a vector, or the layer of labels. */
bool ink__slot_is_product(ink__slot slot);

void ink__params_free(ink__params *params);

#endif
