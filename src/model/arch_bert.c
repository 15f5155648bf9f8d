/* BERT (Devlin et al., arXiv 1810.04805; MiniLM and most sentence encoders are BERT too), DistilBERT (Sanh et
 * al., arXiv 1910.01108) and ELECTRA (Clark et al., arXiv 2003.10555). Names, shapes and defaults are those
 * of Hugging Face's classes. */
#include "model/arch_families.h"

/* ---- BERT ------------------------------------------------------------------------------------------ */

static const ink__config_key bert_sizes[] = {
    INK__SIZE("vocab_size", V, 30522),       INK__SIZE("hidden_size", H, 768),
    INK__SIZE("num_hidden_layers", L, 12),   INK__SIZE("num_attention_heads", N, 12),
    INK__SIZE("intermediate_size", F, 3072), INK__SIZE("max_position_embeddings", P, 512),
    INK__SIZE("type_vocab_size", T, 2),      {0},
};

static const ink__param_spec bert_params[] = {
    {"embeddings.word_embeddings.weight", "VH", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PH", INK__POSITION, INK__ALWAYS},
    {"embeddings.token_type_embeddings.weight", "TH", INK__TYPE, INK__ALWAYS},
    INK__NORM("embeddings.LayerNorm", "H", EMBED, INK__ALWAYS),
    INK__BERT_LAYERS,
    INK__LINEAR("pooler.dense", "HH", "H", HEAD_DENSE, INK__WITH_HEAD),
    INK__LINEAR("classifier", "CH", "C", HEAD_OUT, INK__HEAD),
    {0},
};

static const ink__param_spec bert_masked[] =
    INK__MASKED_HEAD("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
                     "cls.predictions.bias", "H", "HH");

static const char *const bert_unused[] = {
    "cls.", "qa_outputs.", "*embeddings.position_ids", "*embeddings.token_type_ids", NULL,
};

static const ink__drop_key bert_drops[] = {INK__HIDDEN_DROPS(0.1), {0}};

const ink__arch ink__arch_bert = {
    .model_type = "bert",
    .sequence_class = "BertForSequenceClassification",
    .prefix = "bert.",
    .sizes = bert_sizes,
    .activation_key = "hidden_act",
    .activation_absent = "gelu",
    .eps_key = "layer_norm_eps",
    .eps_absent = 1e-12,
    .drops = bert_drops,
    .params = bert_params,
    .pretraining = {[INK__GUESSES] = {"BertForMaskedLM", bert_masked}},
    .known_unused = bert_unused,
    .head_activation = INK__TANH,
};

/* ---- DistilBERT ------------------------------------------------------------------------------------ */

static const ink__config_key distilbert_sizes[] = {
    INK__SIZE("vocab_size", V, 30522),
    INK__SIZE("dim", H, 768),
    INK__SIZE("n_layers", L, 6),
    INK__SIZE("n_heads", N, 12),
    INK__SIZE("hidden_dim", F, 3072),
    INK__SIZE("max_position_embeddings", P, 512),
    {0},
};

static const ink__param_spec distilbert_params[] = {
    {"embeddings.word_embeddings.weight", "VH", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PH", INK__POSITION, INK__ALWAYS},
    INK__NORM("embeddings.LayerNorm", "H", EMBED, INK__ALWAYS),
    INK__LINEAR("transformer.layer.{l}.attention.q_lin", "HH", "H", QUERY, INK__ALWAYS),
    INK__LINEAR("transformer.layer.{l}.attention.k_lin", "HH", "H", KEY, INK__ALWAYS),
    INK__LINEAR("transformer.layer.{l}.attention.v_lin", "HH", "H", VALUE, INK__ALWAYS),
    INK__LINEAR("transformer.layer.{l}.attention.out_lin", "HH", "H", ATTN_OUT, INK__ALWAYS),
    INK__NORM("transformer.layer.{l}.sa_layer_norm", "H", ATTN, INK__ALWAYS),
    INK__LINEAR("transformer.layer.{l}.ffn.lin1", "FH", "F", FF_IN, INK__ALWAYS),
    INK__LINEAR("transformer.layer.{l}.ffn.lin2", "HF", "H", FF_OUT, INK__ALWAYS),
    INK__NORM("transformer.layer.{l}.output_layer_norm", "H", FF, INK__ALWAYS),
    INK__LINEAR("pre_classifier", "HH", "H", HEAD_DENSE, INK__HEAD),
    INK__LINEAR("classifier", "CH", "C", HEAD_OUT, INK__HEAD),
    {0},
};

static const ink__param_spec distilbert_masked[] =
    INK__MASKED_HEAD("vocab_transform", "vocab_layer_norm", "vocab_projector.bias", "H", "HH");

static const char *const distilbert_unused[] = {
    "vocab_transform.", "vocab_layer_norm.",        "vocab_projector.",
    "qa_outputs.",      "*embeddings.position_ids", NULL,
};

static const ink__drop_key distilbert_drops[] = {
    {"dropout", INK__DROP_EMBED, 0.1},
    {"attention_dropout", INK__DROP_ATTENTION, 0.1},
    {"dropout", INK__DROP_FF_OUT, 0.1},
    {"seq_classif_dropout", INK__DROP_HEAD, 0.2},
    {0},
};

const ink__arch ink__arch_distilbert = {
    .model_type = "distilbert",
    .sequence_class = "DistilBertForSequenceClassification",
    .prefix = "distilbert.",
    .sizes = distilbert_sizes,
    .activation_key = "activation",
    .activation_absent = "gelu",
    .eps_absent = 1e-12,
    .drops = distilbert_drops,
    .params = distilbert_params,
    .pretraining = {[INK__GUESSES] = {"DistilBertForMaskedLM", distilbert_masked}},
    .known_unused = distilbert_unused,
    .head_activation = INK__RELU,
};

/* ---- ELECTRA --------------------------------------------------------------------------------------- */

static const ink__config_key electra_sizes[] = {
    INK__SIZE("vocab_size", V, 30522),
    INK__SIZE("embedding_size", E, 128),
    INK__SIZE("hidden_size", H, 256),
    INK__SIZE("num_hidden_layers", L, 12),
    INK__SIZE("num_attention_heads", N, 4),
    INK__SIZE("intermediate_size", F, 1024),
    INK__SIZE("max_position_embeddings", P, 512),
    INK__SIZE("type_vocab_size", T, 2),
    {0},
};

static const ink__param_spec electra_params[] = {
    {"embeddings.word_embeddings.weight", "VE", INK__WORD, INK__ALWAYS},
    {"embeddings.position_embeddings.weight", "PE", INK__POSITION, INK__ALWAYS},
    {"embeddings.token_type_embeddings.weight", "TE", INK__TYPE, INK__ALWAYS},
    INK__NORM("embeddings.LayerNorm", "E", EMBED, INK__ALWAYS),
    INK__LINEAR("embeddings_project", "HE", "H", PROJECT, INK__IF_PROJECTED),
    INK__BERT_LAYERS,
    INK__LINEAR("classifier.dense", "HH", "H", HEAD_DENSE, INK__HEAD),
    INK__LINEAR("classifier.out_proj", "CH", "C", HEAD_OUT, INK__HEAD),
    {0},
};

static const ink__param_spec electra_masked[] = INK__MASKED_HEAD(
    "generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head.bias", "E", "EH");

static const ink__param_spec electra_replaced[] = {
    INK__LINEAR("discriminator_predictions.dense", "HH", "H", REPLACED_DENSE, INK__PRETRAINS),
    INK__LINEAR("discriminator_predictions.dense_prediction", "1H", "1", REPLACED_OUT, INK__PRETRAINS),
    {0},
};

static const char *const electra_unused[] = {
    "discriminator_predictions.",
    "generator_predictions.",
    "generator_lm_head.",
    "qa_outputs.",
    "*embeddings.position_ids",
    "*embeddings.token_type_ids",
    NULL,
};

static const ink__drop_key electra_drops[] = {
    INK__HIDDEN_DROPS(0.1),
    {"hidden_dropout_prob", INK__DROP_HEAD_IN, 0.1},
    {"classifier_dropout", INK__DROP_HEAD_IN, -1},
    {0},
};

const ink__arch ink__arch_electra = {
    .model_type = "electra",
    .sequence_class = "ElectraForSequenceClassification",
    .prefix = "electra.",
    .sizes = electra_sizes,
    .activation_key = "hidden_act",
    .activation_absent = "gelu",
    .eps_key = "layer_norm_eps",
    .eps_absent = 1e-12,
    .drops = electra_drops,
    .params = electra_params,
    .pretraining = {[INK__GUESSES] = {"ElectraForMaskedLM", electra_masked},
                    [INK__JUDGES] = {"ElectraForPreTraining", electra_replaced}},
    .masked_gelu = true,
    .known_unused = electra_unused,
    .head_activation = INK__GELU,
};
