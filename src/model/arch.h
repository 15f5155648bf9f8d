/* Architectures as tables: what config.json calls things, and which named tensors there are. Adding one is
 * adding a table (arch.c). */
#ifndef INK_MODEL_ARCH_H
#define INK_MODEL_ARCH_H

#include "model/config.h"

/* What a parameter is for, whatever its name. */
typedef enum ink__slot {
    /* once per model */
    INK__WORD,
    INK__POSITION,
    INK__TYPE,
    INK__EMBED_GAMMA,
    INK__EMBED_BETA,
    INK__HEAD_DENSE_W, /* the layer between the first token and the labels: BERT's pooler */
    INK__HEAD_DENSE_B,
    INK__HEAD_OUT_W,
    INK__HEAD_OUT_B,
    INK__MODEL_SLOTS,
    /* once per layer */
    INK__QUERY_W = INK__MODEL_SLOTS,
    INK__QUERY_B,
    INK__KEY_W,
    INK__KEY_B,
    INK__VALUE_W,
    INK__VALUE_B,
    INK__ATTN_OUT_W,
    INK__ATTN_OUT_B,
    INK__ATTN_GAMMA,
    INK__ATTN_BETA,
    INK__FF_IN_W,
    INK__FF_IN_B,
    INK__FF_OUT_W,
    INK__FF_OUT_B,
    INK__FF_GAMMA,
    INK__FF_BETA,
    INK__SLOTS
} ink__slot;

/* When a parameter must be there. */
typedef enum ink__need {
    INK__ALWAYS,
    INK__WITH_HEAD, /* whenever the model has a classification head */
    INK__HEAD       /* the head itself: its name carries no prefix */
} ink__need;

typedef struct ink__param_spec {
    const char *name;  /* "%zu" is the layer */
    const char *shape; /* sizes by their letters: "VH" is [V,H] */
    ink__slot slot;
    ink__need need;
} ink__param_spec;

/* A number of config.json: its key, where it goes and what it is when absent (0: it must be there). */
typedef struct ink__config_key {
    const char *key;
    size_t offset; /* in ink__config, of a size_t */
    size_t absent;
} ink__config_key;

struct ink__arch {
    const char *model_type;       /* config.json's */
    const char *prefix;           /* of the encoder's tensors, where a head was saved with it */
    const ink__config_key *sizes; /* ends with key NULL */
    const char *activation_key;
    double fixed_eps;                /* of every layer norm; 0: config.json's layer_norm_eps */
    ink__activation head_activation; /* after the head's dense layer */
    const ink__param_spec *params;   /* ends with name NULL */
    const char *const *known_unused; /* beginnings and endings ("*x") of tensors that other heads and
                                      * buffers bring along; ends with NULL */
};

/* By model_type, or NULL. */
const ink__arch *ink__arch_find(const char *model_type);

/* "bert, distilbert": for messages. */
void ink__arch_names(char *text, size_t size);

#endif
