/* The tables that arch.c lists, and pieces that several of them share. */
#ifndef INK_MODEL_ARCH_FAMILIES_H
#define INK_MODEL_ARCH_FAMILIES_H

#include "model/arch.h"

extern const ink__arch ink__arch_bert, ink__arch_distilbert, ink__arch_electra, ink__arch_roberta,
    ink__arch_xlm_roberta, ink__arch_camembert, ink__arch_albert, ink__arch_modernbert, ink__arch_mpnet;

/* Weight and bias of a linear layer, gamma and beta of a norm. */
#define INK__LINEAR(name, shape, out, slot, need)                                                            \
    {name ".weight", shape, INK__##slot##_W, need},                                                          \
    {                                                                                                        \
        name ".bias", out, INK__##slot##_B, need                                                             \
    }
#define INK__NORM(name, width, slot, need)                                                                   \
    {name ".weight", width, INK__##slot##_GAMMA, need},                                                      \
    {                                                                                                        \
        name ".bias", width, INK__##slot##_BETA, need                                                        \
    }

/* The head that guesses masked tokens, by the names of its three parts; the product's weights are the word
 * embeddings. */
#define INK__MASKED_HEAD(dense, norm, bias, width, square)                                                   \
    {                                                                                                        \
        INK__LINEAR(dense, square, width, MASKED_DENSE, INK__PRETRAINS),                                     \
            INK__NORM(norm, width, MASKED, INK__PRETRAINS), {bias, "V", INK__MASKED_OUT_B, INK__PRETRAINS},  \
        {                                                                                                    \
            0                                                                                                \
        }                                                                                                    \
    }

/* What most families call their dropouts. */
#define INK__HIDDEN_DROPS(p)                                                                                 \
    {"hidden_dropout_prob", INK__DROP_EMBED, p}, {"attention_probs_dropout_prob", INK__DROP_ATTENTION, p},   \
        {"hidden_dropout_prob", INK__DROP_ATTN_OUT, p}, {"hidden_dropout_prob", INK__DROP_FF_OUT, p},        \
        {"hidden_dropout_prob", INK__DROP_HEAD, p},                                                          \
    {                                                                                                        \
        "classifier_dropout", INK__DROP_HEAD, -1                                                             \
    }

/* What every descendant of BERT calls its layers. */
#define INK__BERT_LAYERS                                                                                     \
    INK__LINEAR("encoder.layer.{l}.attention.self.query", "HH", "H", QUERY, INK__ALWAYS),                    \
        INK__LINEAR("encoder.layer.{l}.attention.self.key", "HH", "H", KEY, INK__ALWAYS),                    \
        INK__LINEAR("encoder.layer.{l}.attention.self.value", "HH", "H", VALUE, INK__ALWAYS),                \
        INK__LINEAR("encoder.layer.{l}.attention.output.dense", "HH", "H", ATTN_OUT, INK__ALWAYS),           \
        INK__NORM("encoder.layer.{l}.attention.output.LayerNorm", "H", ATTN, INK__ALWAYS),                   \
        INK__LINEAR("encoder.layer.{l}.intermediate.dense", "FH", "F", FF_IN, INK__ALWAYS),                  \
        INK__LINEAR("encoder.layer.{l}.output.dense", "HF", "H", FF_OUT, INK__ALWAYS),                       \
        INK__NORM("encoder.layer.{l}.output.LayerNorm", "H", FF, INK__ALWAYS)

#endif
