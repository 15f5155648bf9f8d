/* ALBERT (Lan et al., arXiv 1909.11942): narrow embeddings, and layers that share parameters by groups.
 * Names, shapes and defaults are those of Hugging Face's classes. */
#include "model/arch_families.h"

static const ink__config_key sizes[] = {
    INK__SIZE("vocab_size", V, 30000),
    INK__SIZE("embedding_size", E, 128),
    INK__SIZE("hidden_size", H, 4096),
    INK__SIZE("num_hidden_layers", L, 12),
    INK__SIZE("num_attention_heads", N, 64),
    INK__SIZE("intermediate_size", F, 16384),
    INK__SIZE("max_position_embeddings", P, 512),
    INK__SIZE("type_vocab_size", T, 2),
    {0},
};

#define GROUP "encoder.albert_layer_groups.{g}.albert_layers.{k}."

static const ink__param_spec params[] = {
    {"embeddings.word_embeddings.weight", "VE", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PE", INK__POSITION, INK__ALWAYS},
    {"embeddings.token_type_embeddings.weight", "TE", INK__TYPE, INK__ALWAYS},
    INK__NORM("embeddings.LayerNorm", "E", EMBED, INK__ALWAYS),
    INK__LINEAR("encoder.embedding_hidden_mapping_in", "HE", "H", PROJECT, INK__ALWAYS),
    INK__LINEAR(GROUP "attention.query", "HH", "H", QUERY, INK__ALWAYS),
    INK__LINEAR(GROUP "attention.key", "HH", "H", KEY, INK__ALWAYS),
    INK__LINEAR(GROUP "attention.value", "HH", "H", VALUE, INK__ALWAYS),
    INK__LINEAR(GROUP "attention.dense", "HH", "H", ATTN_OUT, INK__ALWAYS),
    INK__NORM(GROUP "attention.LayerNorm", "H", ATTN, INK__ALWAYS),
    INK__LINEAR(GROUP "ffn", "FH", "F", FF_IN, INK__ALWAYS),
    INK__LINEAR(GROUP "ffn_output", "HF", "H", FF_OUT, INK__ALWAYS),
    INK__NORM(GROUP "full_layer_layer_norm", "H", FF, INK__ALWAYS),
    INK__LINEAR("pooler", "HH", "H", HEAD_DENSE, INK__WITH_HEAD),
    INK__LINEAR("classifier", "CH", "C", HEAD_OUT, INK__HEAD),
    {0},
};

static const ink__param_spec masked[] =
    INK__MASKED_HEAD("predictions.dense", "predictions.LayerNorm", "predictions.bias", "E", "EH");

static const char *const unused[] = {
    "predictions.",
    "sop_classifier.",
    "qa_outputs.",
    "*embeddings.position_ids",
    "*embeddings.token_type_ids",
    NULL,
};

/* Layer i runs all of group i / (L / groups), rounded down. */
static ink_status plan(ink__config *config, const ink__json *json, ink_error *err)
{
    const size_t runs = config->L;
    size_t groups = 1, inner = 1;
    INK_TRY(ink__json_size(&groups, json, json->root, "num_hidden_groups", err));
    INK_TRY(ink__json_size(&inner, json, json->root, "inner_group_num", err));
    if (groups < 1 || groups > runs || inner < 1 || inner > 64)
        return ink_fail(err, INK_E_FORMAT, "%s: %zu groups of %zu layers for %zu layers", json->path, groups,
                        inner, runs);
    INK_TRY(ink__config_steps(config, runs * inner, err));
    for (size_t i = 0; i < config->n_steps; ++i)
        config->steps[i].layer = i / inner * groups / runs * inner + i % inner;
    config->projected = true; /* even where the widths agree */
    config->groups = groups, config->inner = inner, config->L = groups * inner;
    return INK_OK;
}

static const ink__drop_key drops[] = {
    {"hidden_dropout_prob", INK__DROP_EMBED, 0},
    {"attention_probs_dropout_prob", INK__DROP_ATTENTION, 0},
    {"hidden_dropout_prob", INK__DROP_ATTN_OUT, 0},
    {"classifier_dropout_prob", INK__DROP_HEAD, 0.1},
    {0},
};

const ink__arch ink__arch_albert = {
    .model_type = "albert",
    .sequence_class = "AlbertForSequenceClassification",
    .prefix = "albert.",
    .sizes = sizes,
    .activation_key = "hidden_act",
    .activation_absent = "gelu_new",
    .eps_key = "layer_norm_eps",
    .eps_absent = 1e-12,
    .drops = drops,
    .params = params,
    .pretraining = {[INK__GUESSES] = {"AlbertForMaskedLM", masked}},
    .known_unused = unused,
    .head_activation = INK__TANH,
    .plan = plan,
};
