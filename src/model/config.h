/* What config.json says of a model, whatever its architecture calls it. */
#ifndef INK_MODEL_CONFIG_H
#define INK_MODEL_CONFIG_H

#include "io/json.h"
#include "nn/activation.h"

#include <inkling/model.h>

typedef struct ink__arch ink__arch;

/* Where training drops elements. */
typedef enum ink__drop {
    INK__DROP_EMBED,     /* the embeddings, after their norm */
    INK__DROP_ATTENTION, /* attention's probabilities */
    INK__DROP_ATTN_OUT,  /* what attention adds to the residual */
    INK__DROP_FF_IN,     /* inside the feed-forward layer */
    INK__DROP_FF_OUT,    /* what the feed-forward layer adds to the residual */
    INK__DROP_HEAD_IN,   /* what the head looks at */
    INK__DROP_HEAD,      /* before the layer that ends in labels */
    INK__DROPS
} ink__drop;

/* One layer as it is run: whose parameters it takes, and how it attends. */
typedef struct ink__step {
    size_t layer;  /* of the parameters */
    size_t window; /* positions further apart than this do not see each other; SIZE_MAX: all do */
    double theta;  /* base of the rotary positions; 0: none */
} ink__step;

typedef struct ink__config {
    const ink__arch *arch;
    size_t H, L, N, F, V; /* hidden, layers of parameters, heads, feed-forward, vocabulary */
    size_t E;             /* embedding width; 0 until read: H */
    size_t P, T;          /* positions, 0: the tables have none; token types, 0: likewise */
    size_t C;             /* labels that config.json names or implies; the head decides if they count */
    size_t pad;           /* pad_token_id */
    size_t buckets;       /* of distances in attention, 0: none */
    size_t groups, inner; /* layers are `groups` groups of `inner`, for names */
    size_t n_steps;
    ink__step *steps; /* [n_steps] */
    float norm_eps;
    double drops[INK__DROPS]; /* probabilities */
    ink__activation activation, head_activation;
    ink_activation output; /* of the head */
    bool int8;             /* matrices are stored in 8 bits, as ink_quantize writes them */
    bool projected;        /* embeddings of width E are projected to H */
    bool head_mean;        /* the head looks at the mean of all tokens instead of the first */
    bool sequence_head;    /* `architectures` promises a sequence classifier */
    bool token_head;       /* it names a head that is not one, though its tensors may be called the same */
    char **labels;         /* [C] */
} ink__config;

/* quantization_config.method of directories in 8 bits. Without the key quant_method transformers refuses to
 * open them; with one that it does not know it would go on and take the bytes for weights. */
#define INK__INT8_METHOD "inkling_int8"

/* Positions a text may have. */
size_t ink__config_longest(const ink__config *config);

/* Fills *config from the parsed file. INK_E_UNSUPPORTED: an unknown model_type, activation or position
 * embedding. INK_E_FORMAT: sizes that cannot be (0, H not a multiple of N, ids missing in id2label). */
ink_status ink__config_read(ink__config *config, const ink__json *json, ink_error *err);
void ink__config_free(ink__config *config);

/* For plans: makes room for n steps, each of its own layer, seeing all, without rotary positions. */
ink_status ink__config_steps(ink__config *config, size_t n, ink_error *err);

/* Activation functions by name; INK_E_UNSUPPORTED names the key and those there are. */
ink_status ink__config_activation(ink__activation *activation, const ink__json *json, const char *key,
                                  const char *absent, ink_error *err);

#endif
