/* RoBERTa (Liu et al., arXiv 1907.11692), XLM-RoBERTa (Conneau et al., arXiv 1911.02116) and CamemBERT
 * (Martin et al., arXiv 1911.03894), which are one architecture; and MPNet (Song et al., arXiv 2004.09297),
 * which adds an attention bias by distance. Names, shapes and defaults are those of Hugging Face's classes.
 */
#include "attention/attention.h"
#include "model/arch_families.h"

/* ---- RoBERTa --------------------------------------------------------------------------------------- */

static const ink__config_key roberta_sizes[] = {
    INK__SIZE("vocab_size", V, 50265),
    INK__SIZE("hidden_size", H, 768),
    INK__SIZE("num_hidden_layers", L, 12),
    INK__SIZE("num_attention_heads", N, 12),
    INK__SIZE("intermediate_size", F, 3072),
    INK__SIZE("max_position_embeddings", P, 512),
    INK__SIZE("type_vocab_size", T, 2),
    INK__INDEX("pad_token_id", pad, 1),
    {0},
};

static const ink__param_spec roberta_params[] = {
    {"embeddings.word_embeddings.weight", "VH", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PH", INK__POSITION, INK__ALWAYS},
    {"embeddings.token_type_embeddings.weight", "TH", INK__TYPE, INK__ALWAYS},
    INK__NORM("embeddings.LayerNorm", "H", EMBED, INK__ALWAYS),
    INK__BERT_LAYERS,
    INK__LINEAR("classifier.dense", "HH", "H", HEAD_DENSE, INK__HEAD),
    INK__LINEAR("classifier.out_proj", "CH", "C", HEAD_OUT, INK__HEAD),
    {0},
};

static const ink__param_spec masked[] =
    INK__MASKED_HEAD("lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "H", "HH");

static const char *const roberta_unused[] = {
    "lm_head.",
    "qa_outputs.",
    "pooler.",
    "roberta.pooler.",
    "*embeddings.position_ids",
    "*embeddings.token_type_ids",
    NULL,
};

static const ink__drop_key drops[] = {
    INK__HIDDEN_DROPS(0.1),
    {"hidden_dropout_prob", INK__DROP_HEAD_IN, 0.1},
    {"classifier_dropout", INK__DROP_HEAD_IN, -1},
    {0},
};

#define ROBERTA(name, family)                                                                                \
    {                                                                                                        \
        .model_type = name, .sequence_class = family "ForSequenceClassification", .prefix = "roberta.",      \
        .sizes = roberta_sizes, .activation_key = "hidden_act", .activation_absent = "gelu",                 \
        .eps_key = "layer_norm_eps", .eps_absent = 1e-12, .drops = drops, .params = roberta_params,          \
        .known_unused = roberta_unused, .pretraining = {[INK__GUESSES] = {family "ForMaskedLM", masked}},    \
        .masked_gelu = true, .head_activation = INK__TANH, .positions_skip_padding = true,                   \
    }

const ink__arch ink__arch_roberta = ROBERTA("roberta", "Roberta");
const ink__arch ink__arch_xlm_roberta = ROBERTA("xlm-roberta", "XLMRoberta");
const ink__arch ink__arch_camembert = ROBERTA("camembert", "Camembert");

/* ---- MPNet ----------------------------------------------------------------------------------------- */

static const ink__config_key mpnet_sizes[] = {
    INK__SIZE("vocab_size", V, 30527),
    INK__SIZE("hidden_size", H, 768),
    INK__SIZE("num_hidden_layers", L, 12),
    INK__SIZE("num_attention_heads", N, 12),
    INK__SIZE("intermediate_size", F, 3072),
    INK__SIZE("max_position_embeddings", P, 512),
    /* Hugging Face's class uses 32 of them whatever this says. */
    {"relative_attention_num_buckets", offsetof(ink__config, buckets), 32, INK__BUCKETS},
    INK__INDEX("pad_token_id", pad, 1),
    {0},
};

static const ink__param_spec mpnet_params[] = {
    {"embeddings.word_embeddings.weight", "VH", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PH", INK__POSITION, INK__ALWAYS},
    INK__NORM("embeddings.LayerNorm", "H", EMBED, INK__ALWAYS),
    {"encoder.relative_attention_bias.weight", "RN", INK__RELATIVE, INK__ALWAYS},
    INK__LINEAR("encoder.layer.{l}.attention.attn.q", "HH", "H", QUERY, INK__ALWAYS),
    INK__LINEAR("encoder.layer.{l}.attention.attn.k", "HH", "H", KEY, INK__ALWAYS),
    INK__LINEAR("encoder.layer.{l}.attention.attn.v", "HH", "H", VALUE, INK__ALWAYS),
    INK__LINEAR("encoder.layer.{l}.attention.attn.o", "HH", "H", ATTN_OUT, INK__ALWAYS),
    INK__NORM("encoder.layer.{l}.attention.LayerNorm", "H", ATTN, INK__ALWAYS),
    INK__LINEAR("encoder.layer.{l}.intermediate.dense", "FH", "F", FF_IN, INK__ALWAYS),
    INK__LINEAR("encoder.layer.{l}.output.dense", "HF", "H", FF_OUT, INK__ALWAYS),
    INK__NORM("encoder.layer.{l}.output.LayerNorm", "H", FF, INK__ALWAYS),
    INK__LINEAR("classifier.dense", "HH", "H", HEAD_DENSE, INK__HEAD),
    INK__LINEAR("classifier.out_proj", "CH", "C", HEAD_OUT, INK__HEAD),
    {0},
};

static const char *const mpnet_unused[] = {
    "lm_head.", "qa_outputs.", "pooler.", "mpnet.pooler.", "*embeddings.position_ids", NULL,
};

const ink__arch ink__arch_mpnet = {
    .model_type = "mpnet",
    .sequence_class = "MPNetForSequenceClassification",
    .prefix = "mpnet.",
    .sizes = mpnet_sizes,
    .activation_key = "hidden_act",
    .activation_absent = "gelu",
    .eps_key = "layer_norm_eps",
    .eps_absent = 1e-12,
    .drops = drops,
    .params = mpnet_params,
    .pretraining = {[INK__GUESSES] = {"MPNetForMaskedLM", masked}},
    .masked_gelu = true,
    .known_unused = mpnet_unused,
    .head_activation = INK__TANH,
    .positions_skip_padding = true,
};
