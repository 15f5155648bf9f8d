/* The inside of an ink_session. */
#ifndef INK_INFER_SESSION_H
#define INK_INFER_SESSION_H

#include "model/model.h"

struct ink_session {
    const ink_model *model;
    ink__encoder encoder;
    ink_encoding encoding; /* of one text */
    ink_arena arena;
    /* A batch under way, for the calls that take texts. */
    int32_t *ids, *types; /* [max_tokens] */
    size_t *offsets;      /* [max_tokens + 1] */
    size_t *owners;       /* [max_tokens] the text of each sequence, where texts are chunked */
    float *windows;       /* [B,width] what was computed of them */
    double *sums;         /* [width] of one text's windows so far */
    size_t windows_capacity, sums_capacity;
};

/* INK_E_ARG where either is NULL. */
ink_status ink__session_check(const ink_session *session, const void *out, ink_error *err);

/* INK_E_ARG unless the model can classify. */
ink_status ink__head_check(const ink_model *model, ink_error *err);

/* INK_E_ARG unless texts of max_length tokens fit the model's positions. */
ink_status ink__length_check(const ink_model *model, size_t max_length, ink_error *err);

/* INK_E_ARG or INK_E_SHAPE unless the batch fits model and session. */
ink_status ink__batch_check(const ink_session *session, const ink_batch *batch, ink_error *err);

/* INK_E_ARG unless long texts can be treated so; pairs: there are some. */
ink_status ink__long_check(const ink_long_texts *long_texts, bool pairs, ink_error *err);

/* scores [n,C] from logits, in place: the model's activation, and its temperature. */
void ink__activate(float *scores, const ink_model *model, size_t n);

/* Scales v [H] to length 1. */
void ink__normalize(float *v, size_t H);

/* ink_classify_texts, but for the activation and the calibration. */
ink_status ink__logits_texts(float *logits, size_t logits_len, ink_text_use *uses, ink_session *session,
                             const ink_text *texts, size_t n, const ink_text_options *options,
                             ink_error *err);

/* vectors [B,H] from the hidden states of the last forward pass. */
void ink__pool(float *vectors, const ink_session *session, const ink_batch *batch, ink_pooling pooling,
               bool normalize);

#endif
