/* What a worker of the classify and embed jobs owns: a session of one thread, and room for a unit's texts. */
#ifndef INK_INFER_MODEL_WORKER_H
#define INK_INFER_MODEL_WORKER_H

#include "infer/job.h"
#include "infer/job_table.h"

typedef struct ink__model_worker {
    const ink_model *model;
    const ink_job_options *options;
    ink_model_info info;
    ink_session *session;
    ink_text *texts;    /* [n] of the unit under way */
    ink_text_use *uses; /* [n] */
    float *out;         /* [n,width] scores or vectors */
    const ink__columns *table;
    ink__row_scratch row;
    size_t texts_capacity, uses_capacity, out_capacity;
} ink__model_worker;

/* For ink__work.open and .close. */
ink_status ink__model_worker_open(void **state, const ink__work *work, const ink_job_options *options,
                                  ink_error *err);
void ink__model_worker_close(void *state);

/* Gathers the unit's good texts and makes room for width floats of each; *n says how many. */
ink_status ink__model_worker_gather(size_t *n, ink__model_worker *worker, const ink__unit *unit, size_t width,
                                    ink_error *err);

#endif
