/* The architectures: see arch.h. Names and shapes are those of Hugging Face's classes. */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

#define SIZE(key, member, absent)                                                                            \
    {                                                                                                        \
        key, offsetof(ink__config, member), absent                                                           \
    }

/* ---- BERT (Devlin et al., arXiv 1810.04805); MiniLM and most sentence encoders are BERT too ---------- */

static const ink__config_key bert_sizes[] = {
    SIZE("vocab_size", V, 30522),       SIZE("hidden_size", H, 768),
    SIZE("num_hidden_layers", L, 12),   SIZE("num_attention_heads", N, 12),
    SIZE("intermediate_size", F, 3072), SIZE("max_position_embeddings", P, 512),
    SIZE("type_vocab_size", T, 2),      {0},
};

static const ink__param_spec bert_params[] = {
    {"embeddings.word_embeddings.weight", "VH", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PH", INK__POSITION, INK__ALWAYS},
    {"embeddings.token_type_embeddings.weight", "TH", INK__TYPE, INK__ALWAYS},
    {"embeddings.LayerNorm.weight", "H", INK__EMBED_GAMMA, INK__ALWAYS},
    {"embeddings.LayerNorm.bias", "H", INK__EMBED_BETA, INK__ALWAYS},
    {"encoder.layer.%zu.attention.self.query.weight", "HH", INK__QUERY_W, INK__ALWAYS},
    {"encoder.layer.%zu.attention.self.query.bias", "H", INK__QUERY_B, INK__ALWAYS},
    {"encoder.layer.%zu.attention.self.key.weight", "HH", INK__KEY_W, INK__ALWAYS},
    {"encoder.layer.%zu.attention.self.key.bias", "H", INK__KEY_B, INK__ALWAYS},
    {"encoder.layer.%zu.attention.self.value.weight", "HH", INK__VALUE_W, INK__ALWAYS},
    {"encoder.layer.%zu.attention.self.value.bias", "H", INK__VALUE_B, INK__ALWAYS},
    {"encoder.layer.%zu.attention.output.dense.weight", "HH", INK__ATTN_OUT_W, INK__ALWAYS},
    {"encoder.layer.%zu.attention.output.dense.bias", "H", INK__ATTN_OUT_B, INK__ALWAYS},
    {"encoder.layer.%zu.attention.output.LayerNorm.weight", "H", INK__ATTN_GAMMA, INK__ALWAYS},
    {"encoder.layer.%zu.attention.output.LayerNorm.bias", "H", INK__ATTN_BETA, INK__ALWAYS},
    {"encoder.layer.%zu.intermediate.dense.weight", "FH", INK__FF_IN_W, INK__ALWAYS},
    {"encoder.layer.%zu.intermediate.dense.bias", "F", INK__FF_IN_B, INK__ALWAYS},
    {"encoder.layer.%zu.output.dense.weight", "HF", INK__FF_OUT_W, INK__ALWAYS},
    {"encoder.layer.%zu.output.dense.bias", "H", INK__FF_OUT_B, INK__ALWAYS},
    {"encoder.layer.%zu.output.LayerNorm.weight", "H", INK__FF_GAMMA, INK__ALWAYS},
    {"encoder.layer.%zu.output.LayerNorm.bias", "H", INK__FF_BETA, INK__ALWAYS},
    {"pooler.dense.weight", "HH", INK__HEAD_DENSE_W, INK__WITH_HEAD},
    {"pooler.dense.bias", "H", INK__HEAD_DENSE_B, INK__WITH_HEAD},
    {"classifier.weight", "CH", INK__HEAD_OUT_W, INK__HEAD},
    {"classifier.bias", "C", INK__HEAD_OUT_B, INK__HEAD},
    {0},
};

static const char *const bert_unused[] = {
    "cls.", "qa_outputs.", "*embeddings.position_ids", "*embeddings.token_type_ids", NULL,
};

/* ---- DistilBERT (Sanh et al., arXiv 1910.01108) ------------------------------------------------------ */

static const ink__config_key distilbert_sizes[] = {
    SIZE("vocab_size", V, 30522),
    SIZE("dim", H, 768),
    SIZE("n_layers", L, 6),
    SIZE("n_heads", N, 12),
    SIZE("hidden_dim", F, 3072),
    SIZE("max_position_embeddings", P, 512),
    {0},
};

static const ink__param_spec distilbert_params[] = {
    {"embeddings.word_embeddings.weight", "VH", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PH", INK__POSITION, INK__ALWAYS},
    {"embeddings.LayerNorm.weight", "H", INK__EMBED_GAMMA, INK__ALWAYS},
    {"embeddings.LayerNorm.bias", "H", INK__EMBED_BETA, INK__ALWAYS},
    {"transformer.layer.%zu.attention.q_lin.weight", "HH", INK__QUERY_W, INK__ALWAYS},
    {"transformer.layer.%zu.attention.q_lin.bias", "H", INK__QUERY_B, INK__ALWAYS},
    {"transformer.layer.%zu.attention.k_lin.weight", "HH", INK__KEY_W, INK__ALWAYS},
    {"transformer.layer.%zu.attention.k_lin.bias", "H", INK__KEY_B, INK__ALWAYS},
    {"transformer.layer.%zu.attention.v_lin.weight", "HH", INK__VALUE_W, INK__ALWAYS},
    {"transformer.layer.%zu.attention.v_lin.bias", "H", INK__VALUE_B, INK__ALWAYS},
    {"transformer.layer.%zu.attention.out_lin.weight", "HH", INK__ATTN_OUT_W, INK__ALWAYS},
    {"transformer.layer.%zu.attention.out_lin.bias", "H", INK__ATTN_OUT_B, INK__ALWAYS},
    {"transformer.layer.%zu.sa_layer_norm.weight", "H", INK__ATTN_GAMMA, INK__ALWAYS},
    {"transformer.layer.%zu.sa_layer_norm.bias", "H", INK__ATTN_BETA, INK__ALWAYS},
    {"transformer.layer.%zu.ffn.lin1.weight", "FH", INK__FF_IN_W, INK__ALWAYS},
    {"transformer.layer.%zu.ffn.lin1.bias", "F", INK__FF_IN_B, INK__ALWAYS},
    {"transformer.layer.%zu.ffn.lin2.weight", "HF", INK__FF_OUT_W, INK__ALWAYS},
    {"transformer.layer.%zu.ffn.lin2.bias", "H", INK__FF_OUT_B, INK__ALWAYS},
    {"transformer.layer.%zu.output_layer_norm.weight", "H", INK__FF_GAMMA, INK__ALWAYS},
    {"transformer.layer.%zu.output_layer_norm.bias", "H", INK__FF_BETA, INK__ALWAYS},
    {"pre_classifier.weight", "HH", INK__HEAD_DENSE_W, INK__HEAD},
    {"pre_classifier.bias", "H", INK__HEAD_DENSE_B, INK__HEAD},
    {"classifier.weight", "CH", INK__HEAD_OUT_W, INK__HEAD},
    {"classifier.bias", "C", INK__HEAD_OUT_B, INK__HEAD},
    {0},
};

static const char *const distilbert_unused[] = {
    "vocab_transform.", "vocab_layer_norm.",        "vocab_projector.",
    "qa_outputs.",      "*embeddings.position_ids", NULL,
};

/* ------------------------------------------------------------------------------------------------------ */

static const ink__arch archs[] = {
    {
        .model_type = "bert",
        .prefix = "bert.",
        .sizes = bert_sizes,
        .activation_key = "hidden_act",
        .head_activation = INK__TANH,
        .params = bert_params,
        .known_unused = bert_unused,
    },
    {
        .model_type = "distilbert",
        .prefix = "distilbert.",
        .sizes = distilbert_sizes,
        .activation_key = "activation",
        .fixed_eps = 1e-12,
        .head_activation = INK__RELU,
        .params = distilbert_params,
        .known_unused = distilbert_unused,
    },
};

enum { ARCHS = sizeof archs / sizeof *archs };

const ink__arch *ink__arch_find(const char *model_type)
{
    for (size_t i = 0; i < ARCHS; ++i)
        if (strcmp(archs[i].model_type, model_type) == 0)
            return &archs[i];
    return NULL;
}

void ink__arch_names(char *text, size_t size)
{
    text[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; i < ARCHS && used < size; ++i)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", archs[i].model_type);
}
