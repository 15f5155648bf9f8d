/* Computing with a model: texts to scores or vectors, or, a level lower, token ids to hidden states. */
#ifndef INKLING_SESSION_H
#define INKLING_SESSION_H

#include <inkling/base.h>
#include <inkling/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Working memory and oneDNN primitives for one model, planned once: after creation the calls below allocate
 * nothing of their own. A session serves one thread at a time (any thread, not a certain one); sessions of
 * one model work side by side. The model must outlive it. In a child after fork() use threads = 1, or open
 * the model there: OpenMP does not take its threads along. */
typedef struct ink_session ink_session;

typedef struct ink_session_options {
    uint32_t version;  /* 1 */
    size_t threads;    /* computing one call; 0: ink_threads_default() */
    size_t max_tokens; /* rows R a batch may have, at least 1; 0: the model's longest text */
} ink_session_options;
#define INK_SESSION_OPTIONS_INIT                                                                             \
    {                                                                                                        \
        1, 0, 0                                                                                              \
    }

/* Costs 10 to 40 ms and about max_tokens * (5H + F) * 4 bytes. options may be NULL.
 *
 * INK_E_MEMORY, INK_E_SHAPE  max_tokens is more than can be had
 * INK_E_BACKEND              oneDNN refused; the text names the primitive */
INK_API INK_NODISCARD ink_status ink_session_create(ink_session **session, const ink_model *model,
                                                    const ink_session_options *options, ink_error *err);
INK_API void ink_session_free(ink_session *session); /* NULL is fine */

/* ---- texts in, decisions out ---- */

typedef struct ink_text {
    const char *text; /* UTF-8, [len] bytes */
    size_t len;
    const char *pair; /* NULL, or the second text of a pair */
    size_t pair_len;
} ink_text;

/* What becomes of a text of more than max_length tokens. */
typedef enum ink_long {
    INK_LONG_TRUNCATE = 0, /* its beginning is used */
    INK_LONG_HEAD_TAIL,    /* its first quarter and its end are, see ink_encode_options */
    INK_LONG_CHUNK         /* all of it is, in windows of max_length whose results are pooled */
} ink_long;

/* How the windows' results become one, label by label, before softmax, sigmoid or the scaling to length 1. */
typedef enum ink_long_pooling {
    INK_LONG_POOLING_AUTO = 0, /* mean of logits, weighted mean of vectors */
    INK_LONG_POOLING_MEAN,     /* each window counting once */
    INK_LONG_POOLING_MAX,      /* the largest */
    INK_LONG_POOLING_WEIGHTED  /* mean, a window counting as many times as it has tokens */
} ink_long_pooling;

/* All zero: long texts are truncated. Pairs always are; anything else asked of one is INK_E_ARG. */
typedef struct ink_long_texts {
    ink_long how;
    size_t stride; /* chunk: tokens that a window shares with the one before it, as Hugging Face counts it */
    ink_long_pooling pooling; /* chunk */
} ink_long_texts;

/* What became of one text. */
typedef struct ink_text_use {
    size_t tokens;    /* of the whole text, special tokens included */
    size_t used;      /* of these: less than tokens means that the text was cut */
    size_t bad_bytes; /* ill-formed UTF-8 sequences, read as U+FFFD */
    size_t windows;   /* that it was computed in; 1 unless texts are chunked */
    size_t computed;  /* tokens of all windows, what they share and each one's special tokens included */
} ink_text_use;

typedef struct ink_text_options {
    uint32_t version;    /* 1 */
    size_t max_length;   /* tokens used of one text; 0: the model's own, see ink_model_info */
    bool parse_special;  /* see ink_encode_options */
    ink_pooling pooling; /* embed only */
    bool normalize;      /* embed only: make vectors of length 1 even where the model does not ask for it */
    ink_long_texts long_texts;
} ink_text_options;
#define INK_TEXT_OPTIONS_INIT                                                                                \
    {                                                                                                        \
        1, 0, false, INK_POOLING_AUTO, false,                                                                \
        {                                                                                                    \
            INK_LONG_TRUNCATE, 0, INK_LONG_POOLING_AUTO                                                      \
        }                                                                                                    \
    }

/* scores [n,C], caller's memory of scores_len floats: each text's label scores by the model's activation
 * (softmax: rows sum to 1 within 1e-6). C = ink_model_labels(model). uses [n] may be NULL. A text's bits do
 * not depend on its neighbours. options may be NULL. Memory does not grow with a text's length, whatever
 * becomes of long ones (but see ink_tokenizer_encode).
 *
 * INK_E_ARG      the model has no classification head; max_length exceeds the model's positions; a stride
 *                that leaves a window nothing new
 * INK_E_SHAPE    scores_len < n*C; a text needs more tokens than the session was planned for
 * INK_E_NUMERIC  a score is not finite (the weights are broken)
 * On failure scores is unspecified and the session stays usable; so below. */
INK_API INK_NODISCARD ink_status ink_classify_texts(float *scores, size_t scores_len, ink_text_use *uses,
                                                    ink_session *session, const ink_text *texts, size_t n,
                                                    const ink_text_options *options, ink_error *err);

/* vectors [n,H], caller's memory of vectors_len floats: each text's vector, pooled as options or the model
 * say, of length 1 where either asks for it. Errors as above. */
INK_API INK_NODISCARD ink_status ink_embed_texts(float *vectors, size_t vectors_len, ink_text_use *uses,
                                                 ink_session *session, const ink_text *texts, size_t n,
                                                 const ink_text_options *options, ink_error *err);

/* ---- ids in, numbers out ---- */

/* The tokens of B sequences laid end to end: R = offsets[B] rows, no padding. */
typedef struct ink_batch {
    const int32_t *ids;    /* [R] special tokens included */
    const int32_t *types;  /* [R] token types, or NULL: all 0 */
    const size_t *offsets; /* [B+1] ascending from 0; sequence b is rows offsets[b] to offsets[b+1] */
    size_t B;
} ink_batch;

/* hidden [R,H], caller's memory of hidden_len floats: the encoder's last hidden states.
 *
 * INK_E_ARG    B is 0, a sequence is empty or longer than the model's positions, an id or type is out of
 * range (the text says which sequence and row) INK_E_SHAPE  R above the session's max_tokens, hidden_len <
 * R*H */
INK_API INK_NODISCARD ink_status ink_encode(float *hidden, size_t hidden_len, ink_session *session,
                                            const ink_batch *batch, ink_error *err);

/* logits [B,C]: the head's raw outputs, before softmax or sigmoid. Errors as ink_encode and INK_E_ARG without
 * a head. */
INK_API INK_NODISCARD ink_status ink_logits(float *logits, size_t logits_len, ink_session *session,
                                            const ink_batch *batch, ink_error *err);

/* scores [B,C]: the same after the model's activation. */
INK_API INK_NODISCARD ink_status ink_classify(float *scores, size_t scores_len, ink_session *session,
                                              const ink_batch *batch, ink_error *err);

/* vectors [B,H]: pooled; normalize makes them of length 1. */
INK_API INK_NODISCARD ink_status ink_embed(float *vectors, size_t vectors_len, ink_session *session,
                                           const ink_batch *batch, ink_pooling pooling, bool normalize,
                                           ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
