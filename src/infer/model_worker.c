/* Workers that compute with a model: see model_worker.h. */
#include "infer/model_worker.h"
#include "core/memory.h"

#include <stdlib.h>

ink_status ink__model_worker_open(void **state, const ink__work *work, const ink_job_options *options,
                                  ink_error *err)
{
    ink__model_worker *w;
    INK_TRY(ink__calloc(&w, 1, sizeof *w, "worker", err));
    w->model = work->subject, w->options = options, w->table = work->table;
    ink_model_get_info(&w->info, w->model);
    ink_session_options plan = INK_SESSION_OPTIONS_INIT;
    plan.threads = 1;
    plan.max_tokens = work->unit_tokens > work->max_length ? work->unit_tokens : work->max_length;
    const ink_status st = ink_session_create(&w->session, w->model, &plan, err);
    if (st != INK_OK)
        ink__model_worker_close(w);
    else
        *state = w;
    return st;
}

void ink__model_worker_close(void *state)
{
    ink__model_worker *w = state;
    ink_session_free(w->session);
    ink__row_scratch_free(&w->row);
    free(w->texts);
    free(w->uses);
    free(w->out);
    free(w);
}

ink_status ink__model_worker_gather(size_t *n, ink__model_worker *w, const ink__unit *unit, size_t width,
                                    ink_error *err)
{
    INK_TRY(ink__unit_texts(&w->texts, &w->texts_capacity, n, unit, err));
    INK_TRY(ink__grow(&w->uses, &w->uses_capacity, *n, sizeof *w->uses, "texts", err));
    /* Room for one at least, so that a unit of bad records alone has an output to name. */
    return ink__grow(&w->out, &w->out_capacity, *n * width + 1, sizeof *w->out, "scores", err);
}
