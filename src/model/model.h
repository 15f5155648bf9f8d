/* The inside of an ink_model. */
#ifndef INK_MODEL_MODEL_H
#define INK_MODEL_MODEL_H

#include "core/digest.h"
#include "io/json.h"
#include "model/calibration.h"
#include "model/encoder.h"

struct ink_model {
    char *dir;
    ink__json json; /* config.json, as it was read */
    ink__config config;
    ink__tensors *tensors;
    ink__params params;
    ink__weights weights;
    ink_tokenizer *tokenizer;
    const ink__backend *backend;
    ink_profile_callback *profile; /* the caller's, or NULL */
    void *profile_user;
    ink_precision precision; /* F32 or INT8 */
    const char *precision_why;
    ink_calibration *calibration; /* NULL: none */
    /* For embed. */
    ink_pooling pooling;
    bool normalize;
    size_t embed_max_length; /* as sentence_bert_config.json says; 0: it does not */
};

/* Of the weights, and of the files beside them that change what the model says. */
ink_status ink__model_digest(ink__digest *digest, const ink_model *model, ink_error *err);

/* [C] the scores from which labels are given, or NULL: 0.5. */
static inline const float *ink__thresholds(const ink_model *model)
{
    return model->calibration ? model->calibration->thresholds : NULL;
}

/* Reads modules.json, 1_Pooling/config.json (or where modules.json points) and sentence_bert_config.json, as
 * sentence-transformers writes them; absent files leave mean pooling. INK_E_UNSUPPORTED names a module or
 * pooling that Inkling does not do. */
ink_status ink__pooling_read(ink_model *model, ink_error *err);

#endif
