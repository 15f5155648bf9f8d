/* What config.json says of a model, whatever its architecture calls it. */
#ifndef INK_MODEL_CONFIG_H
#define INK_MODEL_CONFIG_H

#include "io/json.h"
#include "nn/activation.h"

#include <inkling/model.h>

typedef struct ink__arch ink__arch;

typedef struct ink__config {
    const ink__arch *arch;
    size_t H, L, N, F, V; /* hidden, layers, heads, feed-forward, vocabulary */
    size_t P, T;          /* positions; token types, 0 where the architecture has none */
    size_t C;             /* labels that config.json names or implies; the head decides if they count */
    float norm_eps;
    ink__activation activation;
    ink_activation output; /* of the head */
    bool token_head;       /* `architectures` names a head that is not a sequence classifier's */
    char **labels;         /* [C] */
} ink__config;

/* Fills *config from the parsed file. INK_E_UNSUPPORTED: an unknown model_type, activation or position
 * embedding. INK_E_FORMAT: sizes that cannot be (0, H not a multiple of N, ids missing in id2label). */
ink_status ink__config_read(ink__config *config, const ink__json *json, ink_error *err);
void ink__config_free(ink__config *config);

#endif
