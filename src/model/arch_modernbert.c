/* ModernBERT (Warner et al., arXiv 2412.13663): norms first, rotary positions (Su et al., arXiv 2104.09864),
 * gated feed-forward (Shazeer, arXiv 2002.05202), and attention that is local in most layers. Names, shapes
 * and defaults are those of Hugging Face's classes. */
#include "model/arch_families.h"

#include <string.h>

enum { POSITIONS_MAX = 1 << 17 };

static const ink__config_key sizes[] = {
    INK__SIZE("vocab_size", V, 50368),
    INK__SIZE("hidden_size", H, 768),
    INK__SIZE("num_hidden_layers", L, 22),
    INK__SIZE("num_attention_heads", N, 12),
    INK__SIZE("intermediate_size", F, 1152),
    INK__SIZE("max_position_embeddings", P, 8192),
    {0},
};

static const ink__param_spec params[] = {
    {"embeddings.tok_embeddings.weight", "VH", INK__WORD, INK__ALWAYS},
    {"embeddings.norm.weight", "H", INK__EMBED_GAMMA, INK__ALWAYS},
    {"embeddings.norm.bias", "H", INK__EMBED_BETA, INK__OPTIONAL},
    {"layers.{l}.attn_norm.weight", "H", INK__ATTN_GAMMA, INK__NOT_IN_FIRST},
    {"layers.{l}.attn_norm.bias", "H", INK__ATTN_BETA, INK__OPTIONAL},
    {"layers.{l}.attn.Wqkv.weight", "QH", INK__QKV_W, INK__ALWAYS},
    {"layers.{l}.attn.Wqkv.bias", "Q", INK__QKV_B, INK__OPTIONAL},
    {"layers.{l}.attn.Wo.weight", "HH", INK__ATTN_OUT_W, INK__ALWAYS},
    {"layers.{l}.attn.Wo.bias", "H", INK__ATTN_OUT_B, INK__OPTIONAL},
    {"layers.{l}.mlp_norm.weight", "H", INK__FF_GAMMA, INK__ALWAYS},
    {"layers.{l}.mlp_norm.bias", "H", INK__FF_BETA, INK__OPTIONAL},
    {"layers.{l}.mlp.Wi.weight", "GH", INK__FF_IN_W, INK__ALWAYS},
    {"layers.{l}.mlp.Wi.bias", "G", INK__FF_IN_B, INK__OPTIONAL},
    {"layers.{l}.mlp.Wo.weight", "HF", INK__FF_OUT_W, INK__ALWAYS},
    {"layers.{l}.mlp.Wo.bias", "H", INK__FF_OUT_B, INK__OPTIONAL},
    {"final_norm.weight", "H", INK__FINAL_GAMMA, INK__ALWAYS},
    {"final_norm.bias", "H", INK__FINAL_BETA, INK__OPTIONAL},
    {"head.dense.weight", "HH", INK__HEAD_DENSE_W, INK__HEAD},
    {"head.dense.bias", "H", INK__HEAD_DENSE_B, INK__HEAD_OPTIONAL},
    {"head.norm.weight", "H", INK__HEAD_GAMMA, INK__HEAD},
    {"head.norm.bias", "H", INK__HEAD_BETA, INK__HEAD_OPTIONAL},
    INK__LINEAR("classifier", "CH", "C", HEAD_OUT, INK__HEAD),
    {0},
};

static const ink__param_spec masked[] = {
    {"head.dense.weight", "HH", INK__MASKED_DENSE_W, INK__PRETRAINS},
    {"head.norm.weight", "H", INK__MASKED_GAMMA, INK__PRETRAINS},
    {"decoder.bias", "V", INK__MASKED_OUT_B, INK__PRETRAINS},
    {0},
};

static const ink__drop_key drops[] = {
    {"embedding_dropout", INK__DROP_EMBED, 0},    {"attention_dropout", INK__DROP_ATTENTION, 0},
    {"attention_dropout", INK__DROP_ATTN_OUT, 0}, {"mlp_dropout", INK__DROP_FF_IN, 0},
    {"classifier_dropout", INK__DROP_HEAD, 0},    {0},
};

static const char *const unused[] = {"head.", "decoder.", "qa_outputs.", NULL};

/* rope_parameters: {KIND: {"rope_type": "default", "rope_theta": N}} */
static ink_status read_theta(double *theta, const ink__json *json, const char *kind, ink_error *err)
{
    const json_t *all = json_object_get(json->root, "rope_parameters"), *one = json_object_get(all, kind);
    const char *type = "default";
    if (!json_is_object(one))
        return INK_OK;
    INK_TRY(ink__json_string(&type, json, one, "rope_type", err));
    if (strcmp(type, "default") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: \"rope_type\" is \"%s\"; Inkling does default",
                        json->path, type);
    return ink__json_double(theta, json, one, "rope_theta", err);
}

static ink_status is_global(bool *global, const ink__config *config, const ink__json *json, size_t every,
                            size_t l, ink_error *err)
{
    const json_t *types = json_object_get(json->root, "layer_types");
    if (!json_is_array(types)) {
        *global = l % every == 0;
        return INK_OK;
    }
    const char *type = json_string_value(json_array_get(types, l));
    if (json_array_size(types) != config->L || !type)
        return ink_fail(err, INK_E_FORMAT, "%s: \"layer_types\" has %zu entries, wanted %zu names",
                        json->path, json_array_size(types), config->L);
    *global = strcmp(type, "full_attention") == 0;
    if (!*global && strcmp(type, "sliding_attention") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: layer type \"%s\"; Inkling does full and sliding_attention", json->path, type);
    return INK_OK;
}

/* Two dialects: global_rope_theta, local_rope_theta and global_attn_every_n_layers; since transformers 5
 * rope_parameters and layer_types. */
static ink_status plan(ink__config *config, const ink__json *json, ink_error *err)
{
    double global_theta = 160000, local_theta = 10000;
    size_t every = 3, local = 128;
    const char *pooling = "cls";
    INK_TRY(ink__json_double(&global_theta, json, json->root, "global_rope_theta", err));
    INK_TRY(ink__json_double(&local_theta, json, json->root, "local_rope_theta", err));
    INK_TRY(read_theta(&global_theta, json, "full_attention", err));
    INK_TRY(read_theta(&local_theta, json, "sliding_attention", err));
    INK_TRY(ink__json_size(&every, json, json->root, "global_attn_every_n_layers", err));
    INK_TRY(ink__json_size(&local, json, json->root, "local_attention", err));
    INK_TRY(ink__json_string(&pooling, json, json->root, "classifier_pooling", err));
    INK_TRY(ink__config_activation(&config->head_activation, json, "classifier_activation", "gelu", err));
    if (every == 0 || local > INT32_MAX || !(global_theta > 0) || !(local_theta > 0))
        return ink_fail(err, INK_E_FORMAT,
                        "%s: global attention every %zu layers, local over %zu, thetas %g and %g", json->path,
                        every, local, global_theta, local_theta);
    /* No table in the weights bounds the positions, and ours are made for all of them. */
    if (config->P > POSITIONS_MAX)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: %zu positions, at most %d", json->path, config->P,
                        POSITIONS_MAX);
    if (config->H / config->N % 2 != 0)
        return ink_fail(err, INK_E_FORMAT, "%s: rotary positions want heads of even width, they have %zu",
                        json->path, config->H / config->N);
    config->head_mean = strcmp(pooling, "mean") == 0;
    if (!config->head_mean && strcmp(pooling, "cls") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: \"classifier_pooling\" is \"%s\", wanted cls or mean",
                        json->path, pooling);
    INK_TRY(ink__config_steps(config, config->L, err));
    for (size_t l = 0; l < config->L; ++l) {
        bool global = true;
        INK_TRY(is_global(&global, config, json, every, l, err));
        config->steps[l].theta = global ? global_theta : local_theta;
        config->steps[l].window = global ? SIZE_MAX : local / 2;
    }
    return INK_OK;
}

const ink__arch ink__arch_modernbert = {
    .model_type = "modernbert",
    .sequence_class = "ModernBertForSequenceClassification",
    .prefix = "model.",
    .sizes = sizes,
    .activation_key = "hidden_activation",
    .activation_absent = "gelu",
    .eps_key = "norm_eps",
    .eps_absent = 1e-5,
    .drops = drops,
    .params = params,
    .pretraining = {[INK__GUESSES] = {"ModernBertForMaskedLM", masked}},
    .masked_gelu = true,
    .known_unused = unused,
    .head_activation = INK__GELU,
    .pre_norm = true,
    .gated = true,
    .plan = plan,
};
