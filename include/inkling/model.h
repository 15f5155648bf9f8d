/* A model: configuration, weights, tokenizer and head of one Hugging Face directory. */
#ifndef INKLING_MODEL_H
#define INKLING_MODEL_H

#include <inkling/base.h>
#include <inkling/profile.h>
#include <inkling/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable once opened; any number of sessions and threads may use one at the same time. */
typedef struct ink_model ink_model;

/* Which code computes. All agree within rounding; one machine and backend always gives the same bits. */
typedef enum ink_backend {
    INK_BACKEND_AUTO = 0, /* environment variable INK_BACKEND (ref, dnnl or fused), else fused */
    INK_BACKEND_REF,      /* plain C: the definition, slow */
    INK_BACKEND_DNNL,     /* oneDNN's products, softmax, GELU and layer norm */
    INK_BACKEND_FUSED     /* oneDNN's products, our own vectorised passes between them */
} ink_backend;

/* What linear layers compute in. INT8 is 2 to 4 times faster and a little less exact: measure it (inkling
 * evaluate, inkling quantize) before you trust it. Where the processor's 8-bit products are not exact, as
 * without VNNI on x86, floats are used all the same, and ink_model_info.precision_why says so. */
typedef enum ink_precision {
    INK_PRECISION_AUTO = 0, /* as the weights are stored */
    INK_PRECISION_F32,
    INK_PRECISION_INT8 /* weights in 8 bits by output channel, activations by row as they come */
} ink_precision;

/* How the vectors of a text's tokens become one. */
typedef enum ink_pooling {
    INK_POOLING_AUTO = 0, /* 1_Pooling/config.json where there is one, else mean */
    INK_POOLING_CLS,      /* the first token's */
    INK_POOLING_MEAN,
    INK_POOLING_MAX
} ink_pooling;

/* What a head's scores are. */
typedef enum ink_activation {
    INK_ACTIVATION_SOFTMAX, /* one label of C: scores sum to 1 */
    INK_ACTIVATION_SIGMOID, /* each label by itself */
    INK_ACTIVATION_NONE     /* regression: the value itself */
} ink_activation;

typedef struct ink_model_options {
    uint32_t version; /* 1 */
    ink_backend backend;
    ink_precision precision;
    ink_profile_callback *profile; /* told of every operation of every session of the model; may be NULL */
    void *profile_user;
} ink_model_options;
#define INK_MODEL_OPTIONS_INIT                                                                               \
    {                                                                                                        \
        1, INK_BACKEND_AUTO, INK_PRECISION_AUTO, NULL, NULL                                                  \
    }

/* Opens dir: config.json; model.safetensors or its shards (F32, F16, BF16, or I8 as ink_quantize writes it);
 * the tokenizer; and, where they are, modules.json, 1_Pooling/config.json, sentence_bert_config.json and
 * inkling_calibration.json. Weights are mapped and packed once
 * for the backend. Loading is strict: every tensor missing or of the wrong shape is named, all at once; one
 * that is neither the encoder's nor a known head's or buffer's is an error. Costs about 20 ms for MiniLM.
 * The files may not change while the model is open. options may be NULL.
 *
 * INK_E_IO           a file is missing or unreadable
 * INK_E_FORMAT       a file is broken, or config, weights and vocabulary disagree
 * INK_E_UNSUPPORTED  an architecture, option or weight format that Inkling does not do, by its name */
INK_API INK_NODISCARD ink_status ink_model_open(ink_model **model, const char *dir,
                                                const ink_model_options *options, ink_error *err);
INK_API void ink_model_free(ink_model *model); /* NULL is fine; free the sessions first */

typedef struct ink_model_info {
    const char
        *architecture;     /* "bert", "distilbert": config.json's model_type; borrowed, as all strings here */
    const char *backend;   /* "fused" */
    const char *isa;       /* what the fused passes run on: "avx512vnni", "avx512", "avx2", "generic" */
    const char *dtype;     /* the weights on disk: "F32", "F16", "BF16", "I8", or "mixed" */
    const char *precision; /* what linear layers compute in: "f32", "int8" */
    const char *precision_why; /* a phrase: "as the weights are stored" */
    size_t hidden, layers, heads, feed_forward, vocab, positions, token_types;
    size_t parameters; /* in all, head included */
    size_t labels;     /* 0: no classification head */
    ink_activation activation;
    ink_pooling pooling;     /* what embed uses by default, resolved */
    bool normalize;          /* modules.json asks for vectors of length 1 */
    size_t max_length;       /* tokens a text may have for classify: tokenizer_config.json's, capped by
                              * the positions */
    size_t embed_max_length; /* the same for embed: sentence_bert_config.json's where there is one */
} ink_model_info;

/* Fills *info; the strings live as long as the model. */
INK_API void ink_model_get_info(ink_model_info *info, const ink_model *model);

/* Number of labels C; 0 if the model has no classification head. */
INK_API size_t ink_model_labels(const ink_model *model);

/* Name of label c < C, from id2label; NULL out of range. Borrowed. */
INK_API const char *ink_model_label(const ink_model *model, size_t c);

/* The least and the greatest temperature. */
#define INK_TEMPERATURE_MIN 0.01
#define INK_TEMPERATURE_MAX 100.0

/* How a model's logits become decisions, as ink_calibrate found it on labelled records. Scores of sessions,
 * jobs and evaluations have the temperature in them; ink_logits has not. */
typedef struct ink_calibration {
    double temperature;      /* logits are divided by it before softmax or sigmoid */
    const float *thresholds; /* [C] multi-label: a label is given from this score on; else NULL */
    double max_error;        /* of what is decided, with 95% confidence; 0: there is no abstain rule */
    float ratio;      /* a record is decided where its best score is more than ratio times the second */
    uint64_t records; /* that it was fitted on */
    uint64_t decided, wrong; /* of them, by the abstain rule */
    const char *precision;   /* ink_model_info.precision when it was fitted: "f32", "int8" */
} ink_calibration;

/* The directory's calibration; NULL: it has none. Borrowed. */
INK_API const ink_calibration *ink_model_calibration(const ink_model *model);

/* Whether the abstain rule withholds a record with these scores [C], as a session gives them. False without
 * a rule. */
INK_API bool ink_calibration_abstains(const ink_calibration *calibration, const float *scores, size_t C);

INK_API const ink_tokenizer *ink_model_tokenizer(const ink_model *model); /* borrowed */

/* Writes the model to an existing directory other than its own: model.safetensors in one file, tensors with
 * their names, dtypes and bytes as the reference writer lays them out, and copies of config.json, the
 * tokenizer's files and the calibration. Each file appears whole or not at all.
 *
 * INK_E_ARG  dir is the model's own directory
 * INK_E_IO   a file cannot be read or written */
INK_API INK_NODISCARD ink_status ink_model_save(const ink_model *model, const char *dir, ink_error *err);

/* Threads a job or session uses by default: the processors of the affinity mask, at most the cgroup's CPU
 * quota (v1 or v2) rounded up. The environment variable INK_THREADS overrides both; anything in it but a
 * whole number from 1 to 1024 is ignored. *why, if not NULL, becomes a static phrase such as "the processors
 * of the affinity mask". */
INK_API size_t ink_threads_default(const char **why);

#ifdef __cplusplus
}
#endif
#endif
