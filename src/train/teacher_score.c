/* A teacher at work: see teacher.h. The job's pipeline reads the files again; a worker takes of a unit those
 * texts that are wanted and that no other worker has taken, so that each is computed once. */
#include "train/teacher.h"
#include "core/memory.h"
#include "infer/model_worker.h"
#include "infer/session.h"
#include "train/course.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Answers are written to disk this often. */
static const double keep_every = 60;

struct lesson {
    ink__teacher *teacher;
    const ink__asking *asking;
    _Atomic uint8_t *taken; /* [texts.n] by a worker, or scored before */
    pthread_t caller;
    double started, kept;
    ink_status status; /* of the callback */
    ink_error error;
};

struct pupil {
    struct lesson *lesson;
    ink__model_worker *worker;
    uint32_t *numbers; /* [n] of the texts at hand */
    size_t numbers_capacity;
};

static void pupil_close(void *state)
{
    struct pupil *p = state;
    if (p->worker)
        ink__model_worker_close(p->worker);
    free(p->numbers);
    free(p);
}

static ink_status pupil_open(void **state, const ink__work *work, const ink_job_options *options,
                             ink_error *err)
{
    struct lesson *lesson = (struct lesson *)work->subject;
    ink__work own = *work;
    struct pupil *p;
    void *worker = NULL;
    INK_TRY(ink__calloc(&p, 1, sizeof *p, "worker", err));
    p->lesson = lesson;
    own.subject = lesson->teacher->model;
    const ink_status st = ink__model_worker_open(&worker, &own, options, err);
    p->worker = worker;
    if (st != INK_OK)
        pupil_close(p);
    else
        *state = p;
    return st;
}

/* *n = how many texts of the unit are this worker's to score. */
static ink_status pick(size_t *n, struct pupil *p, const ink__unit *unit, ink_error *err)
{
    ink__model_worker *w = p->worker;
    struct lesson *lesson = p->lesson;
    *n = 0;
    INK_TRY(ink__grow(&w->texts, &w->texts_capacity, unit->n, sizeof *w->texts, "texts", err));
    INK_TRY(ink__grow(&p->numbers, &p->numbers_capacity, unit->n, sizeof *p->numbers, "texts", err));
    for (size_t i = 0; i < unit->n; ++i) {
        const ink__unit_record *r = &unit->records[i];
        if (r->error != SIZE_MAX)
            continue;
        const ink_text text = {ink__unit_at(unit, r->text), r->text_len,
                               r->has_pair ? ink__unit_at(unit, r->pair) : NULL,
                               r->has_pair ? r->pair_len : 0};
        const ink__digest digest = ink__text_digest(text.text, text.len, text.pair, text.pair_len);
        const uint32_t number = ink__distinct_find(&lesson->teacher->texts, digest);
        if (number == UINT32_MAX || atomic_exchange(&lesson->taken[number], 1) != 0)
            continue;
        w->texts[*n] = text, p->numbers[(*n)++] = number;
    }
    return INK_OK;
}

/* The result is the texts' numbers and logits, one after the other. */
static ink_status run(ink__result *result, void *state, const ink__unit *unit, ink_error *err)
{
    struct pupil *p = state;
    ink__model_worker *w = p->worker;
    const ink__teacher *t = p->lesson->teacher;
    const ink_text_options options = {.version = 1,
                                      .long_texts.how = p->lesson->asking->head_tail ? INK_LONG_HEAD_TAIL
                                                                                     : INK_LONG_TRUNCATE};
    ink_error why;
    size_t n;
    INK_TRY(pick(&n, p, unit, err));
    if (n == 0)
        return INK_OK;
    INK_TRY(ink__grow(&w->uses, &w->uses_capacity, n, sizeof *w->uses, "texts", err));
    INK_TRY(ink__grow(&w->out, &w->out_capacity, n * t->C, sizeof *w->out, "scores", err));
    const ink_status st =
        ink__logits_texts(w->out, n * t->C, w->uses, w->session, w->texts, n, &options, &why);
    if (st != INK_OK)
        return ink_fail(err, st, "the teacher %s: %s", t->dir, why.text);
    for (size_t i = 0; i < n; ++i) {
        const float *logits = w->out + i * t->C; /* [C] */
        result->tokens += w->uses[i].computed;
        INK_TRY(ink__text_bytes(&result->out, (const char *)&p->numbers[i], sizeof p->numbers[i], err));
        INK_TRY(ink__text_bytes(&result->out, (const char *)logits, t->C * sizeof *logits, err));
    }
    return INK_OK;
}

static ink_status take(const ink__work *work, const ink__result *result, ink_error *err)
{
    struct lesson *lesson = (struct lesson *)work->subject;
    ink__teacher *t = lesson->teacher;
    const size_t bytes = sizeof(uint32_t) + t->C * sizeof(float);
    for (size_t at = 0; at < result->out.len; at += bytes) {
        const char *from = result->out.data + at + sizeof(uint32_t);
        uint32_t number;
        memcpy(&number, result->out.data + at, sizeof number);
        for (size_t c = 0; c < t->C; ++c)
            memcpy(&t->logits[number * t->C + t->places[c]], from + c * sizeof(float), sizeof(float));
        t->done[number] = 1;
        ++t->scored;
    }
    t->tokens += result->tokens;
    if (ink__seconds() - lesson->kept < keep_every)
        return INK_OK;
    lesson->kept = ink__seconds();
    return ink__teacher_keep(t, lesson->asking, err);
}

/* The job tells it on whatever thread is at hand; the caller is told on its own. */
static int tell(const ink_job_progress *progress, void *user)
{
    struct lesson *lesson = user;
    const double seconds = ink__seconds() - lesson->started;
    const double done = (double)(lesson->teacher->scored - lesson->teacher->recalled);
    (void)progress;
    if (!pthread_equal(pthread_self(), lesson->caller))
        return 0;
    lesson->status = lesson->asking->progress(lesson->teacher, done > 0 && seconds > 0 ? done / seconds : NAN,
                                              lesson->asking->user, &lesson->error);
    return lesson->status != INK_OK;
}

static ink_status read_again(struct lesson *lesson, const ink__records_options *records, ink_error *err)
{
    const ink__asking *asking = lesson->asking;
    ink_model_info info;
    ink_job_report report;
    ink_model_get_info(&info, lesson->teacher->model);
    const ink_job_options job = {.version = 1,
                                 .inputs = records->inputs,
                                 .n_inputs = records->n_inputs,
                                 .format = records->format,
                                 .delimiter = records->delimiter,
                                 .text = records->text,
                                 .text_pair = records->text_pair,
                                 .id = records->id,
                                 .threads = asking->threads,
                                 .progress = asking->progress ? tell : NULL,
                                 .user = lesson};
    const ink__work work = {.subject = lesson,
                            .unit_tokens = INK__BATCH_TOKENS,
                            .max_length = info.max_length,
                            .open = pupil_open,
                            .close = pupil_close,
                            .run = run,
                            .take = take,
                            .label = records->label};
    const ink_status st = ink__job_run(&report, &work, &job, err);
    if (st == INK_E_CANCELLED && lesson->status != INK_OK)
        return ink_fail(err, lesson->status, "%s", lesson->error.text);
    return st;
}

static ink_status teach(struct lesson *lesson, ink_error *err)
{
    ink__teacher *t = lesson->teacher;
    const ink__asking *asking = lesson->asking;
    ink_status st = INK_OK;
    INK_TRY(ink__calloc(&lesson->taken, t->texts.n, sizeof *lesson->taken, "texts", err));
    for (size_t i = 0; i < t->texts.n; ++i)
        lesson->taken[i] = t->done[i];
    for (size_t i = 0; i < asking->n_inputs && st == INK_OK; ++i)
        st = read_again(lesson, &asking->inputs[i], err);
    /* What there is stays, however it ended. */
    if (st != INK_OK) {
        if (t->scored > t->recalled)
            (void)ink__teacher_keep(t, asking, NULL);
        return st;
    }
    if (t->scored < t->texts.n)
        return ink_fail(err, INK_E_FORMAT,
                        "%s or another input has changed while it was read: the teacher finds %zu of %zu "
                        "texts no more",
                        asking->inputs[0].inputs[0], t->texts.n - t->scored, t->texts.n);
    return ink__teacher_keep(t, asking, err);
}

ink_status ink__teacher_score(ink__teacher *t, const ink__asking *asking, ink_error *err)
{
    size_t floats;
    if (!ink__mul(&floats, t->texts.n, t->C))
        return ink_fail(err, INK_E_MEMORY, "no memory for the scores of %zu texts", t->texts.n);
    INK_TRY(ink__calloc(&t->logits, floats, sizeof *t->logits, "scores", err));
    INK_TRY(ink__calloc(&t->done, t->texts.n, sizeof *t->done, "scores", err));
    INK_TRY(ink__teacher_recall(t, asking, err));
    struct lesson lesson = {.teacher = t, .asking = asking, .caller = pthread_self()};
    lesson.started = lesson.kept = ink__seconds();
    const ink_status st = t->scored < t->texts.n ? teach(&lesson, err) : INK_OK;
    free((void *)lesson.taken);
    INK_TRY(st);
    t->seconds = ink__seconds() - lesson.started;
    ink_model_free(t->model);
    t->model = NULL;
    return INK_OK;
}
