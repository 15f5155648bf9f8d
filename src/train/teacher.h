/* A teacher: a classifier whose answers another one learns (Hinton, Vinyals and Dean, "Distilling the
 * Knowledge in a Neural Network", arXiv 1503.02531). It scores every different text of the data once, before
 * training begins. Training data do not keep their texts, so the files are read a second time, in a stream,
 * and answers find their texts by digest: what was left out, held out or repeated shifts nothing.
 *
 * A text costs some 60 bytes and 4 a label. The answers are kept in a file as they come, so that a run which
 * is stopped does not ask again; it goes with the run's checkpoints. */
#ifndef INK_TRAIN_TEACHER_H
#define INK_TRAIN_TEACHER_H

#include "train/dataset.h"
#include "train/distinct.h"

#include <inkling/model.h>

/* The name of that file. */
#define INK__ANSWERS "teacher"

typedef struct ink__teacher {
    const char *dir;    /* borrowed; NULL: there is none */
    ink_model *model;   /* let go of when it has scored everything */
    ink__digest digest; /* of its weights, configuration and tokenizer */
    ink__task task;     /* not AUTO */
    size_t C;
    uint32_t *places; /* [C] the student's number of each of its labels */
    ink__distinct texts;
    float *logits; /* [texts.n,C] in the student's order of labels, before softmax, sigmoid and calibration */
    uint8_t *done; /* [texts.n] that it has scored */
    size_t scored; /* of them */
    size_t recalled; /* of them, by a process before */
    uint64_t tokens; /* that it computed for that in this process */
    double seconds;
} ink__teacher; /* starts as {0} */

/* INK_E_ARG: no head, or one of several values. Others as ink_model_open. */
ink_status ink__teacher_open(ink__teacher *teacher, const char *dir, ink_error *err);
void ink__teacher_free(ink__teacher *teacher);

/* *texts [dataset.n], to be freed = the number of each record's text, which is added if it is new. */
ink_status ink__teacher_add(uint32_t **texts, ink__teacher *teacher, const ink__dataset *dataset,
                            ink_error *err);

/* The student's labels, the same ones in any order; none in a regression. */
ink_status ink__teacher_match(ink__teacher *teacher, const ink__label_set *names, ink_error *err);

typedef struct ink__asking {
    const ink__records_options *inputs; /* [n_inputs] where the texts are */
    size_t n_inputs;
    const char *file; /* where the answers are kept */
    size_t threads;   /* moves no bit */
    bool head_tail;   /* of texts that are too long for the teacher, see ink_encode_options */
    /* About ten times a second, on the thread that called; texts_per_second is NaN before the first. A status
     * that is not INK_OK ends it, and what was scored is kept. */
    ink_status (*progress)(const ink__teacher *teacher, double texts_per_second, void *user, ink_error *err);
    void *user;
} ink__asking;

/* Scores the texts that the file has no answers for, and lets go of the model. INK_E_FORMAT: texts are not
 * there any more. INK_E_NUMERIC: an answer is not finite. */
ink_status ink__teacher_score(ink__teacher *teacher, const ink__asking *asking, ink_error *err);

/* Answers from a file of ink__teacher_keep, if it is of this teacher and these texts; any other is as none.
 */
ink_status ink__teacher_recall(ink__teacher *teacher, const ink__asking *asking, ink_error *err);
ink_status ink__teacher_keep(const ink__teacher *teacher, const ink__asking *asking, ink_error *err);

#endif
