/* Sessions side by side: see bench_lanes.h. */
#include "infer/bench_lanes.h"
#include "core/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- batches --------------------------------------------------------------------------------------- */

ink_status ink__bench_input_create(ink__bench_input *input, const size_t *lengths, size_t n_lengths,
                                   size_t rows, const ink__config *config, ink_error *err)
{
    const size_t longest = ink__config_longest(config);
    size_t R = 0, B = 0;
    *input = (ink__bench_input){.shortest = SIZE_MAX};
    for (; R < rows; ++B)
        R += lengths[B % n_lengths] < longest ? lengths[B % n_lengths] : longest;
    ink_status st;
    INK_TRY_GOTO(ink__calloc(&input->ids, R, sizeof *input->ids, "batch", err));
    INK_TRY_GOTO(ink__calloc(&input->offsets, B + 1, sizeof *input->offsets, "batch", err));
    for (size_t b = 0; b < B; ++b) {
        const size_t S = lengths[b % n_lengths] < longest ? lengths[b % n_lengths] : longest;
        input->offsets[b + 1] = input->offsets[b] + S;
        input->longest = S > input->longest ? S : input->longest;
        input->shortest = S < input->shortest ? S : input->shortest;
    }
    /* Ids all over the vocabulary, so that the embedding's lookups miss caches as they do in life. */
    for (size_t r = 0; r < R; ++r)
        input->ids[r] = (int32_t)((r * 2654435761u) % config->V);
    input->B = B, input->R = R;
done:
    if (st != INK_OK)
        ink__bench_input_free(input);
    return st;
}

void ink__bench_input_free(ink__bench_input *input)
{
    free(input->ids);
    free(input->offsets);
    *input = (ink__bench_input){0};
}

/* ---- lanes ----------------------------------------------------------------------------------------- */

static void add_event(const ink_profile_event *event, void *user)
{
    ink__bench_lane *lane = user;
    const double seconds = event->seconds * (double)event->threads;
#pragma omp atomic
    lane->seconds[event->operation] += seconds;
}

static ink_status lane_open(ink__bench_lane *lane, const ink_model *model, size_t threads, size_t unit,
                            ink_error *err)
{
    const ink__config *c = &model->config;
    const size_t C = ink_model_labels(model), width = C > c->H ? C : c->H;
    size_t widest_in = 0, widest_out = 0;
    for (ink__shape shape = 0; shape <= INK__SHAPE_FF_OUT; ++shape) {
        size_t in, out;
        ink__shape_size(&in, &out, shape, c);
        widest_in = in > widest_in ? in : widest_in;
        widest_out = out > widest_out ? out : widest_out;
    }
    size_t x, y;
    lane->unit = unit;
    if (!ink__mul(&lane->out_len, unit, width) ||
        !ink__mul(&x, ink__round_rows(unit), widest_in * sizeof(float)) ||
        !ink__mul(&y, ink__round_rows(unit), widest_out * sizeof(float)))
        return ink_fail(err, INK_E_SHAPE, "batches of %zu rows exceed the address space", unit);
    const ink_session_options options = {.version = 1, .threads = threads, .max_tokens = unit};
    INK_TRY(ink_session_create(&lane->session, model, &options, err));
    ink__encoder_watch(&lane->session->encoder, add_event, lane);
    INK_TRY(ink__calloc(&lane->out, lane->out_len, sizeof *lane->out, "scores", err));
    INK_TRY(ink__calloc(&lane->offsets, unit + 1, sizeof *lane->offsets, "batch", err));
    INK_TRY(ink__aligned_alloc(&lane->x, x, "rows", err));
    INK_TRY(ink__aligned_alloc(&lane->y, y, "rows", err));
    for (size_t i = 0; i < x / sizeof *lane->x; ++i)
        lane->x[i] = (float)(int)(i % 251) / 125.0f - 1.0f;
    memset(lane->y, 0, y);
    return INK_OK;
}

static void lane_close(ink__bench_lane *lane)
{
    ink_session_free(lane->session);
    free(lane->out);
    free(lane->offsets);
    ink__aligned_free(lane->x);
    ink__aligned_free(lane->y);
}

ink_status ink__bench_lanes_create(ink__bench_lanes *lanes, const ink_model *model, size_t n, size_t threads,
                                   size_t unit, ink_error *err)
{
    *lanes = (ink__bench_lanes){.model = model};
    ink_status st;
    INK_TRY_GOTO(ink__calloc(&lanes->lanes, n, sizeof *lanes->lanes, "lanes", err));
    lanes->n = n;
    for (size_t i = 0; i < n; ++i)
        INK_TRY_GOTO(lane_open(&lanes->lanes[i], model, threads, unit, err));
done:
    if (st != INK_OK)
        ink__bench_lanes_free(lanes);
    return st;
}

void ink__bench_lanes_free(ink__bench_lanes *lanes)
{
    for (size_t i = 0; i < lanes->n; ++i)
        lane_close(&lanes->lanes[i]);
    free(lanes->lanes);
    *lanes = (ink__bench_lanes){0};
}

/* ---- work ------------------------------------------------------------------------------------------ */

ink_status ink__bench_lane_encode(ink__bench_lane *lane, const void *what, ink_error *err)
{
    const ink__bench_input *input = what;
    for (size_t first = 0, n; first < input->B; first += n) {
        const size_t begin = input->offsets[first];
        for (n = 1; first + n < input->B && input->offsets[first + n + 1] - begin <= lane->unit;)
            ++n;
        for (size_t b = 0; b <= n; ++b)
            lane->offsets[b] = input->offsets[first + b] - begin;
        const ink_batch batch = {.ids = input->ids + begin, .offsets = lane->offsets, .B = n};
        INK_TRY(ink_model_labels(lane->session->model) > 0
                    ? ink_logits(lane->out, lane->out_len, lane->session, &batch, err)
                    : ink_encode(lane->out, lane->out_len, lane->session, &batch, err));
    }
    return INK_OK;
}

static const ink__linear *linear_of(const ink__layer *layer, ink__shape shape)
{
    switch (shape) {
    case INK__SHAPE_QKV:
        return &layer->qkv;
    case INK__SHAPE_SQUARE:
        return &layer->attn_out;
    case INK__SHAPE_FF_IN:
        return &layer->ff_in;
    default:
        return &layer->ff_out;
    }
}

/* y [R,out] = x [R,in] W^T + b, in the encoder's blocks. */
static ink_status multiply(ink__bench_lane *lane, const ink__linear *linear, size_t R, ink_error *err)
{
    const ink__encoder *e = &lane->session->encoder;
    ink_status st = INK_OK;
#pragma omp parallel for schedule(dynamic) num_threads(e->threads) if (e->threads > 1)
    for (size_t first = 0; first < R; first += INK__BLOCK) {
        ink_error mine = {0};
        const size_t n = R - first < INK__BLOCK ? R - first : INK__BLOCK;
        const ink_status my = e->backend->linear(lane->y + first * linear->out, ink__encoder_lane(e), linear,
                                                 lane->x + first * linear->in, n, &mine);
        if (my != INK_OK)
#pragma omp critical
        {
            st = my;
            if (err)
                *err = mine;
        }
    }
    return st;
}

ink_status ink__bench_lane_multiply(ink__bench_lane *lane, const void *what, ink_error *err)
{
    const ink__bench_lane_products *p = what;
    const ink__encoder *e = &lane->session->encoder;
    const int before = ink__omp_enter(e->threads);
    ink_status st = INK_OK;
    for (size_t s = 0; s < e->config->n_steps; ++s) {
        const ink__linear *linear = linear_of(&e->weights->layers[e->config->steps[s].layer], p->shape);
        for (size_t left = p->R, rows; left > 0; left -= rows) {
            rows = left < lane->unit ? left : lane->unit;
            INK_TRY_GOTO(multiply(lane, linear, rows, err));
        }
    }
done:
    ink__omp_leave(before);
    return st;
}

/* ---- time ------------------------------------------------------------------------------------------ */

struct race {
    pthread_mutex_t gate; /* held until every lane stands behind it */
    ink__bench_lane_work *work;
    const void *what;
    size_t passes;
};

struct runner {
    struct race *race;
    ink__bench_lane *lane;
    pthread_t thread;
    bool started;
};

static void *run(void *arg)
{
    const struct runner *r = arg;
    struct race *race = r->race;
    ink__bench_lane *lane = r->lane;
    memset(lane->seconds, 0, sizeof lane->seconds);
    lane->status = INK_OK;
    pthread_mutex_lock(&race->gate);
    pthread_mutex_unlock(&race->gate);
    for (size_t i = 0; i < race->passes && lane->status == INK_OK; ++i)
        lane->status = race->work(lane, race->what, &lane->error);
    lane->ended = ink__seconds();
    for (size_t o = 0; o < INK_OPERATIONS; ++o)
        lane->seconds[o] /= (double)race->passes;
    return NULL;
}

/* All lanes do `passes` passes at once; *seconds is how long until the last is done. The first lane runs
 * here. */
static ink_status race(double *seconds, ink__bench_lanes *lanes, ink__bench_lane_work *work, const void *what,
                       size_t passes, ink_error *err)
{
    struct race race = {.work = work, .what = what, .passes = passes};
    struct runner *runners;
    INK_TRY(ink__calloc(&runners, lanes->n, sizeof *runners, "lanes", err));
    pthread_mutex_init(&race.gate, NULL);
    pthread_mutex_lock(&race.gate);
    bool all = true;
    for (size_t i = 0; i < lanes->n; ++i) {
        runners[i] = (struct runner){.race = &race, .lane = &lanes->lanes[i]};
        if (i > 0)
            all &= runners[i].started = pthread_create(&runners[i].thread, NULL, run, &runners[i]) == 0;
    }
    const double begun = ink__seconds();
    pthread_mutex_unlock(&race.gate);
    run(&runners[0]);
    ink_status st = all ? INK_OK : ink_fail(err, INK_E_MEMORY, "%zu threads cannot be had", lanes->n);
    double ended = begun;
    for (size_t i = 0; i < lanes->n; ++i) {
        const ink__bench_lane *lane = &lanes->lanes[i];
        if (runners[i].started)
            pthread_join(runners[i].thread, NULL);
        ended = lane->ended > ended ? lane->ended : ended;
        if (st == INK_OK && lane->status != INK_OK) {
            st = lane->status;
            if (err)
                *err = lane->error;
        }
    }
    *seconds = ended - begun;
    pthread_mutex_destroy(&race.gate);
    free(runners);
    return st;
}

ink_status ink__bench_lanes_time(double *seconds, ink__bench_lanes *lanes, ink__bench_lane_work *work,
                                 const void *what, ink_error *err)
{
    enum { MOST = 1000 };
    double one;
    INK_TRY(race(&one, lanes, work, what, 1, err));
    *seconds = one; /* long enough by itself, or else a warm-up */
    if (one >= INK__BENCH_SPAN)
        return INK_OK;
    const size_t passes = one * MOST > INK__BENCH_SPAN ? (size_t)(INK__BENCH_SPAN / one) + 1 : MOST;
    INK_TRY(race(seconds, lanes, work, what, passes, err));
    *seconds /= (double)passes;
    return INK_OK;
}
