/* Architectures as tables: what config.json calls things, which named tensors there are, and the properties
 * that the encoder computes by. Adding one is adding a table (arch_<family>.c) to the list in arch.c. */
#ifndef INK_MODEL_ARCH_H
#define INK_MODEL_ARCH_H

#include "model/config.h"
#include "nn/embedding.h"

/* What a parameter is for, whatever its name. */
typedef enum ink__slot {
    /* once per model */
    INK__WORD,
    INK__POSITION,
    INK__TYPE,
    INK__EMBED_GAMMA,
    INK__EMBED_BETA,
    INK__PROJECT_W, /* from embedding width E to hidden width H */
    INK__PROJECT_B,
    INK__RELATIVE, /* attention bias by distance */
    INK__FINAL_GAMMA,
    INK__FINAL_BETA,
    INK__HEAD_DENSE_W, /* the layer between the pooled vector and the labels: BERT's pooler */
    INK__HEAD_DENSE_B,
    INK__HEAD_GAMMA,
    INK__HEAD_BETA,
    INK__HEAD_OUT_W,
    INK__HEAD_OUT_B,
    INK__MASKED_DENSE_W, /* the head that guesses masked tokens: [E,H], and then the word embeddings again */
    INK__MASKED_DENSE_B,
    INK__MASKED_GAMMA,
    INK__MASKED_BETA,
    INK__MASKED_OUT_B,     /* [V] */
    INK__REPLACED_DENSE_W, /* the head that tells which tokens were replaced: [H,H] ... */
    INK__REPLACED_DENSE_B,
    INK__REPLACED_OUT_W, /* ... and [1,H] */
    INK__REPLACED_OUT_B,
    INK__MODEL_SLOTS,
    /* once per layer */
    INK__QKV_W = INK__MODEL_SLOTS, /* query, key and value in one, or the three below */
    INK__QKV_B,
    INK__QUERY_W,
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
    INK__OPTIONAL,      /* used if it is there */
    INK__NOT_IN_FIRST,  /* in every layer but the first */
    INK__IF_PROJECTED,  /* where the embedding width is not the hidden width */
    INK__WITH_HEAD,     /* whenever the model has a classification head */
    INK__HEAD,          /* the head itself: its name carries no prefix */
    INK__HEAD_OPTIONAL, /* likewise, used if it is there */
    INK__PRETRAINS      /* of a head of pretraining; no prefix either */
} ink__need;

typedef struct ink__param_spec {
    const char *name;  /* "{l}" is the layer; "{g}" and "{k}" its group and its place in that */
    const char *shape; /* sizes by their letters: "VH" is [V,H]; Q = 3H, G = 2F, R buckets by distance; 1 */
    ink__slot slot;
    ink__need need;
} ink__param_spec;

/* The heads that only pretraining looks at. */
typedef enum ink__pretraining_head {
    INK__GUESSES, /* masked tokens */
    INK__JUDGES,  /* which tokens were replaced */
    INK__PRETRAININGS
} ink__pretraining_head;

typedef struct ink__pretrained_head {
    const char *class;             /* Hugging Face's name of the model with it; NULL: there is none */
    const ink__param_spec *params; /* ends with name NULL */
} ink__pretrained_head;

/* A number of config.json: its key, where it goes, what it is when absent, and the least it may be. */
typedef struct ink__config_key {
    const char *key;
    size_t offset; /* in ink__config, of a size_t */
    size_t absent;
    size_t least;
} ink__config_key;

/* A dropout probability: its key, where it counts, and what it is when absent (below 0: what the entries
 * before it say). */
typedef struct ink__drop_key {
    const char *key;
    ink__drop drop;
    double absent;
} ink__drop_key;

#define INK__SIZE(key, member, absent)                                                                       \
    {                                                                                                        \
        key, offsetof(ink__config, member), absent, 1                                                        \
    }
#define INK__INDEX(key, member, absent)                                                                      \
    {                                                                                                        \
        key, offsetof(ink__config, member), absent, 0                                                        \
    }

struct ink__arch {
    const char *model_type;       /* config.json's */
    const char *sequence_class;   /* Hugging Face's name of the model with a sequence classification head */
    const char *prefix;           /* of the encoder's tensors, where a head was saved with it */
    const ink__config_key *sizes; /* ends with key NULL */
    const char *activation_key, *activation_absent;
    const char *eps_key; /* NULL: every layer norm's epsilon is eps_absent */
    double eps_absent;
    const ink__drop_key *drops;    /* ends with key NULL */
    const ink__param_spec *params; /* ends with name NULL */
    ink__pretrained_head pretraining[INK__PRETRAININGS];
    bool masked_gelu; /* after the guessing head's dense layer, whatever the layers' activation is */
    const char *const *known_unused; /* beginnings and endings ("*x") of tensors that other heads and
                                      * buffers bring along; ends with NULL */
    ink__activation head_activation; /* after the head's dense layer */
    bool pre_norm;               /* norms come before attention and feed-forward, and one more at the end */
    bool gated;                  /* feed-forward is f(u) * g, with u and g the halves of what W_in gives */
    bool positions_skip_padding; /* the first position is that of pad_token_id + 1; padding has its own */
    /* What tables cannot say, such as which layers share parameters; NULL: L plain layers. */
    ink_status (*plan)(ink__config *config, const ink__json *json, ink_error *err);
};

/* Which positions its tokens have. */
static inline ink__positions ink__config_positions(const ink__config *config)
{
    const bool skip = config->arch->positions_skip_padding;
    return (ink__positions){
        .first = skip ? config->pad + 1 : 0, .skip = skip, .padding = (int32_t)config->pad};
}

/* By model_type, or NULL. */
const ink__arch *ink__arch_find(const char *model_type);

/* "bert, distilbert": for messages. */
void ink__arch_names(char *text, size_t size);

#endif
