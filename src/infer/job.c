/* The pipeline: see job.h. */
#include "infer/job_output.h"
#include "core/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { UNIT_RECORDS = 1024, WAIT_MILLISECONDS = 100 };

/* Where not one of so many records had the fields that were asked for, their names are wrong. */
enum { HOPELESS_RECORDS = 1000 };

/* Between two entries of the journal: so much work a killed job loses. */
static const double MARK_SECONDS = 1;

struct slot {
    ink__result result;
    bool ready;
    ink_status status; /* of computing it; its turn to be told is when the unit's turn to be written is */
    ink_error error;
};

struct job {
    const ink__work *work;
    const ink_job_options *options;
    ink__records *records;
    ink__job_output output;

    pthread_mutex_t reading; /* guards records and ended */
    bool ended;

    pthread_mutex_t writing; /* guards all below, and output */
    pthread_cond_t room;     /* a slot has become free, or the job is over */
    struct slot *ring;       /* [n_slots] unit t is at t % n_slots */
    size_t n_slots;
    uint64_t taken, written; /* units handed out, units done with */
    ink_status status;
    ink_error error;
    bool stopped;
    bool cancelled; /* by the caller: what is under way is finished, nothing else is begun */
    ink_job_report report;
    struct timespec start;
    double max_latency; /* seconds that a result may wait for others */
    double last_progress, last_mark, last_flush;
    uint64_t bytes_read, bytes_total;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

/* ---- writing, in order ----------------------------------------------------------------------------- */

/* The first failure is the job's. */
static void fail(struct job *job, ink_status status, const ink_error *error)
{
    if (job->status == INK_OK) {
        job->status = status;
        job->error = *error;
    }
    job->stopped = true;
    pthread_cond_broadcast(&job->room);
}

static void tell_progress(struct job *job, bool last)
{
    job->report.seconds = seconds_since(&job->start);
    if (!job->options->progress || job->cancelled ||
        (!last && job->report.seconds - job->last_progress < 0.1))
        return;
    job->last_progress = job->report.seconds;
    const ink_job_progress progress = {
        job->report.records, job->report.failed,  job->report.tokens,  job->bytes_read,
        job->bytes_total,    job->report.seconds, job->report.resumed,
    };
    job->cancelled = job->options->progress(&progress, job->options->user) != 0;
    if (job->cancelled)
        pthread_cond_broadcast(&job->room);
}

/* Tells the journal where the job stands, if there is one, once in a while. */
static void mark(struct job *job)
{
    const double now = seconds_since(&job->start);
    ink_error error = {0};
    if (now - job->last_mark < MARK_SECONDS)
        return;
    job->last_mark = now;
    const ink_status st = ink__job_output_mark(&job->output, &error);
    if (st != INK_OK)
        fail(job, st, &error);
}

static ink_status write_result(struct job *job, ink__result *result, ink_error *err)
{
    INK_TRY(ink__job_output_write(&job->output, result, err));
    ink_job_report *total = &job->report;
    if (total->failed == 0 && result->failed > 0)
        snprintf(total->first_error, sizeof total->first_error, "%s", result->first_error);
    total->records += result->records, total->failed += result->failed;
    total->truncated += result->truncated, total->tokens += result->tokens;
    total->bad_bytes += result->bad_bytes;
    for (size_t k = 0; k < INK_BADS; ++k)
        total->failed_by[k] += result->failed_by[k];
    if (result->stopped)
        return ink_fail(err, INK_E_FORMAT, "%s", result->first_error);
    ink__job_output_move(&job->output, result, total);
    if (total->records >= HOPELESS_RECORDS && total->failed_by[INK_BAD_FIELD] == total->records)
        return ink_fail(err, INK_E_FORMAT, "not one of the first %llu records can be used; the first: %s",
                        (unsigned long long)total->records,
                        *total->first_error ? total->first_error : result->first_error);
    return INK_OK;
}

/* Writes every unit that is next in line and ready. Called with `writing` held. */
static void write_ready(struct job *job)
{
    for (;;) {
        struct slot *slot = &job->ring[job->written % job->n_slots];
        if (!slot->ready || job->stopped)
            break;
        ink_error error = slot->error;
        ink_status st = slot->status;
        if (st == INK_OK)
            st = write_result(job, &slot->result, &error);
        ink__result_reset(&slot->result);
        slot->ready = false;
        ++job->written;
        if (st != INK_OK)
            fail(job, st, &error);
        else
            mark(job), tell_progress(job, false);
    }
    /* Nothing else is under way, or it takes too long: whoever waits at the other end of a pipe shall have
     * what there is. */
    ink_error error = {0};
    const double now = seconds_since(&job->start);
    if (!job->stopped && (job->written == job->taken || now - job->last_flush >= job->max_latency)) {
        job->last_flush = now;
        const ink_status st = ink__job_output_flush(&job->output, &error);
        if (st != INK_OK)
            fail(job, st, &error);
    }
    pthread_cond_broadcast(&job->room);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

/* Until the next record is at hand, or the job is over: then false. Whoever asked for progress hears of it
 * meanwhile, and may stop a job whose pipe is silent. */
static bool wait_for_record(struct job *job)
{
    bool over = false;
    while (!over && !ink__records_ready(job->records) && ink__records_wait(job->records, WAIT_MILLISECONDS)) {
        pthread_mutex_lock(&job->writing);
        mark(job);
        tell_progress(job, false);
        over = job->stopped || job->cancelled;
        pthread_mutex_unlock(&job->writing);
    }
    return !over;
}

/* Reads the next unit: about unit_tokens tokens, less when the next record is not at hand. */
static ink_status unit_read(ink__unit *unit, struct job *job, ink_error *err)
{
    const ink__work *work = job->work;
    const size_t longest = work->max_length && !work->chunked ? work->max_length : SIZE_MAX;
    size_t tokens = 0;
    ink__unit_clear(unit);
    while (tokens < job->work->unit_tokens && unit->n < UNIT_RECORDS) {
        ink__record record;
        if (unit->n > 0 ? !ink__records_ready(job->records) : !wait_for_record(job))
            break;
        INK_TRY(ink__records_next(&record, &job->ended, job->records, err));
        if (job->ended)
            break;
        const size_t guess = (record.text_len + record.pair_len) / 4 + 2; /* bytes per token, roughly */
        tokens += guess < longest ? guess : longest;
        INK_TRY(ink__unit_add(unit, &record, job->work, err));
        unit->through = record.number, unit->check = record.check;
    }
    return INK_OK;
}

/* ---- workers --------------------------------------------------------------------------------------- */

/* Takes the next unit; false when there is none. Its ticket says where it stands in line. */
static bool take(struct job *job, ink__unit *unit, uint64_t *ticket)
{
    ink_error error = {0};
    ink_status st = INK_OK;
    uint64_t read = 0, total = 0;
    bool stopped;
    pthread_mutex_lock(&job->reading);
    pthread_mutex_lock(&job->writing);
    while (!job->stopped && !job->cancelled && job->taken - job->written >= job->n_slots)
        pthread_cond_wait(&job->room, &job->writing);
    stopped = job->stopped || job->cancelled;
    pthread_mutex_unlock(&job->writing);

    unit->n = 0;
    if (!stopped && !job->ended) {
        st = unit_read(unit, job, &error);
        ink__records_progress(&read, &total, job->records);
    }
    if (st != INK_OK)
        job->ended = true;
    /* What was read before the failure is still done; the failure is reported after it. */
    const bool got = unit->n > 0;
    pthread_mutex_lock(&job->writing);
    if (got)
        *ticket = job->taken++;
    if (total || read)
        job->bytes_read = read, job->bytes_total = total;
    if (st != INK_OK && job->status == INK_OK)
        job->status = st, job->error = error;
    pthread_mutex_unlock(&job->writing);
    pthread_mutex_unlock(&job->reading);
    return got;
}

static ink_status compute(struct job *job, ink__result *result, void **state, const ink__unit *unit,
                          ink_error *err)
{
    if (!*state)
        INK_TRY(job->work->open(state, job->work, job->options, err));
    result->records = unit->n;
    result->through = unit->through, result->check = unit->check;
    INK_TRY(job->work->run(result, *state, unit, err));
    for (size_t i = 0; i < result->records; ++i)
        result->bad_bytes += unit->records[i].bad_bytes;
    return INK_OK;
}

static void *worker(void *arg)
{
    struct job *job = arg;
    void *state = NULL;
    ink__unit unit = {0};
    uint64_t ticket;
    while (take(job, &unit, &ticket)) {
        struct slot *slot = &job->ring[ticket % job->n_slots];
        slot->status = compute(job, &slot->result, &state, &unit, &slot->error);
        pthread_mutex_lock(&job->writing);
        slot->ready = true;
        write_ready(job);
        pthread_mutex_unlock(&job->writing);
    }
    if (state)
        job->work->close(state);
    ink__unit_free(&unit);
    return NULL;
}

/* Runs n workers, this thread being one of them. Fewer do as well, only slower. */
static void run_workers(struct job *job, size_t n)
{
    pthread_t *threads = calloc(n, sizeof *threads);
    size_t started = 0;
    while (threads && started + 1 < n && pthread_create(&threads[started], NULL, worker, job) == 0)
        ++started;
    worker(job);
    for (size_t i = 0; i < started; ++i)
        pthread_join(threads[i], NULL);
    free(threads);
}

/* ---- the job --------------------------------------------------------------------------------------- */

ink_status ink__job_check(const ink_job_report *report, const void *subject, const ink_job_options *options,
                          ink_error *err)
{
    if (!report || !subject || !options)
        return ink_fail(err, INK_E_ARG, "report, model and options may not be NULL");
    if (options->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_job_options has version %u, wanted 1", options->version);
    if (options->threads > 1024)
        return ink_fail(err, INK_E_ARG, "%zu threads, at most 1024", options->threads);
    if (options->shards ? options->shard < 1 || options->shard > options->shards : options->shard > 0)
        return ink_fail(err, INK_E_ARG, "shard %zu of %zu, wanted one from 1 on", options->shard,
                        options->shards);
    if (options->batch_tokens > 1 << 20)
        return ink_fail(err, INK_E_ARG, "%zu batch tokens, at most %d", options->batch_tokens, 1 << 20);
    return INK_OK;
}

static ink_status open_records(ink__records **records, const ink_job_options *options, const ink__work *work,
                               ink_error *err)
{
    const ink__records_options wanted = {.inputs = options->inputs,
                                         .n_inputs = options->n_inputs,
                                         .format = options->format,
                                         .delimiter = options->delimiter,
                                         .text = options->text,
                                         .text_pair = options->text_pair,
                                         .id = options->id,
                                         .label = work->label,
                                         .fields = work->fields,
                                         .n_fields = work->n_fields,
                                         .keep = options->keep,
                                         .n_keep = options->n_keep,
                                         .keep_all = options->keep_all,
                                         .shard = options->shard,
                                         .shards = options->shards,
                                         .check = options->resume};
    return ink__records_open(records, &wanted, err);
}

static void tell_notes(struct job *job)
{
    char sentences[INK__NOTES_MAX][INK__NOTE_BYTES], *to = job->report.notes;
    const ink__notes *notes = ink__records_notes(job->records);
    const size_t n = ink__notes_sentences(sentences, notes);
    job->report.unread = notes->unread;
    for (size_t i = 0; i < n; ++i)
        to += snprintf(to, sizeof job->report.notes - (size_t)(to - job->report.notes), "%s\n", sentences[i]);
}

static ink_status run_job(struct job *job, size_t threads, ink_error *err)
{
    if (!job->output.resume.standing[INK__STANDING_COMPLETE]) /* else only names are left to give */
        run_workers(job, threads);
    tell_progress(job, true); /* the last word is the caller's: a signal may have ended the input, too */
    ink_status st = job->status;
    if (st != INK_OK && err)
        *err = job->error;
    if (st == INK_OK && job->cancelled)
        st = ink_fail(err, INK_E_CANCELLED, "stopped after %llu records",
                      (unsigned long long)job->report.records);
    if (st == INK_OK && job->options->stop_on_error)
        st = ink__notes_check(ink__records_notes(job->records), err);
    return ink__job_output_finish(&job->output, st, &job->report, err);
}

ink_status ink__job_run(ink_job_report *report, const ink__work *work, const ink_job_options *options,
                        ink_error *err)
{
    const size_t threads = options->threads ? options->threads : ink_threads_default(NULL);
    struct job job = {.work = work,
                      .options = options,
                      .n_slots = 4 * threads,
                      .last_progress = -1,
                      .max_latency = options->max_latency > 0 ? options->max_latency : 1};
    ink_status st;
    *report = (ink_job_report){0};
    clock_gettime(CLOCK_MONOTONIC, &job.start);
    pthread_mutex_init(&job.reading, NULL);
    pthread_mutex_init(&job.writing, NULL);
    pthread_cond_init(&job.room, NULL);
    INK_TRY_GOTO(ink__calloc(&job.ring, job.n_slots, sizeof *job.ring, "job", err));
    INK_TRY_GOTO(open_records(&job.records, options, work, err));
    INK_TRY_GOTO(ink__job_output_open(&job.output, &job.report, job.records, work, options, err));
    if (!job.report.complete)
        st = run_job(&job, threads, err);
    tell_notes(&job);
    *report = job.report;
done:
    for (size_t i = 0; job.ring && i < job.n_slots; ++i)
        ink__result_free(&job.ring[i].result);
    free(job.ring);
    ink__records_free(job.records);
    ink__job_output_free(&job.output);
    pthread_cond_destroy(&job.room);
    pthread_mutex_destroy(&job.writing);
    pthread_mutex_destroy(&job.reading);
    return st;
}
