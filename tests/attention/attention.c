/* Self-attention: by hand, and the three ways of computing it against each other. */
#include "attention/attention.h"
#include "core/threads.h"
#include "support/golden.h"
#include "support/numbers.h"
#include "tensor/fused.h"

#include <math.h>

/* The ways: the definition, oneDNN, and the fused pass of every instruction set. */
enum { REF, DNNL, FUSED };

struct way {
    const char *name;
    size_t kind;
    const ink__fused *fused;
};

/* The i-th way; false past the last. */
static bool way_at(struct way *way, size_t i)
{
    static const char *const names[] = {"ref", "dnnl"};
    if (i < FUSED) {
        *way = (struct way){names[i], i, NULL};
        return true;
    }
    const ink__fused *fused = ink__fused_at(i - FUSED);
    if (fused)
        *way = (struct way){fused->isa, FUSED, fused};
    return fused != NULL;
}

static size_t longest_of(const size_t *offsets, size_t B)
{
    size_t longest = 0;
    for (size_t b = 0; b < B; ++b)
        longest = offsets[b + 1] - offsets[b] > longest ? offsets[b + 1] - offsets[b] : longest;
    return longest;
}

static float *new_nans(size_t n)
{
    float *x = new_floats(n);
    for (size_t i = 0; i < n; ++i)
        x[i] = NAN;
    return x;
}

/* ctx [R,H] one way. Scratch is exactly as large as asked for, and full of NaN: what is not written first
 * would show. `attention` is for oneDNN, made for at least the longest sequence and this D. */
static void attend_so(float *ctx, const struct way *way, ink__attention_dnnl *attention, const float *qkv,
                      const size_t *offsets, size_t B, const ink__attending *how)
{
    const size_t N = how->N, D = how->D, H = N * D, longest = longest_of(offsets, B);
    if (way->kind == REF) {
        float *scores = new_nans(longest);
        ink_attention_forward(ctx, scores, qkv, offsets, B, how);
        free(scores);
    } else if (way->kind == DNNL) {
        ink_error err;
        cr_assert(ink__attention_dnnl_forward(ctx, attention, qkv, offsets, B, how, &err) == INK_OK, "%s",
                  err.text);
    } else {
        float *scratch = new_nans(way->fused->attend_scratch(longest, D));
        for (size_t b = 0; b < B; ++b)
            for (size_t n = 0; n < N; ++n)
                way->fused->attend(ctx + offsets[b] * H + n * D, scratch, qkv + offsets[b] * 3 * H + n * D,
                                   offsets[b + 1] - offsets[b], how, n);
        free(scratch);
    }
}

static ink__attending plainly(size_t N, size_t D)
{
    return (ink__attending){.N = N, .D = D, .window = SIZE_MAX};
}

/* Every query seeing every key, without bias. */
static void attend(float *ctx, const struct way *way, ink__attention_dnnl *attention, const float *qkv,
                   const size_t *offsets, size_t B, size_t N, size_t D)
{
    const ink__attending how = plainly(N, D);
    attend_so(ctx, way, attention, qkv, offsets, B, &how);
}

/* oneDNN's engine and its attention for sequences up to max_S. */
struct dnnl {
    ink__onednn *engine;
    ink__attention_dnnl *attention;
};

static struct dnnl dnnl_open(size_t max_S, size_t D, size_t threads)
{
    struct dnnl d;
    ink_error err;
    cr_assert(ink__onednn_create(&d.engine, &err) == INK_OK, "%s", err.text);
    cr_assert(ink__attention_dnnl_create(&d.attention, d.engine, max_S, D, threads, &err) == INK_OK, "%s",
              err.text);
    return d;
}

static void dnnl_close(struct dnnl *d)
{
    ink__attention_dnnl_free(d->attention);
    ink__onednn_free(d->engine);
}

/* ---- values ---------------------------------------------------------------------------------------- */

Test(attention, two_queries_worked_by_hand)
{
    /* N = D = 1. Query 0 scores 0 and 0, so takes the mean of 1 and 5; query 1 scores 0 and ln 3, so takes a
     * quarter of 1 and three quarters of 5. The second sequence, of one token, takes its own value. */
    const float ln3 = 1.0986122887f, qkv[] = {0, 0, 1, ln3, 1, 5, 9, 9, -7};
    static const float wanted[] = {3, 4, -7};
    static const size_t offsets[] = {0, 2, 3};
    struct dnnl d = dnnl_open(2, 1, 1);
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        float ctx[3];
        attend(ctx, &way, d.attention, qkv, offsets, 2, 1, 1);
        for (size_t k = 0; k < 3; ++k) /* ln 3 and exp are rounded: a few units in the last place of 4 */
            cr_expect(fabsf(ctx[k] - wanted[k]) < 1.5e-6f, "%s: ctx[%zu] = %.8g, wanted %g", way.name, k,
                      ctx[k], wanted[k]);
    }
    dnnl_close(&d);
}

Test(attention, scores_are_divided_by_the_root_of_the_heads_width)
{
    /* N = 2, D = 4: head 0 scores (0, 2 ln 3) / sqrt(4), head 1 (0, -2 ln 3) / sqrt(4), for both queries. */
    enum { H = 8 };
    const float two_ln3 = 2.1972245773f;
    float qkv[2 * 3 * H] = {0};
    for (size_t r = 0; r < 2; ++r) {
        float *q = qkv + r * 3 * H, *k = q + H, *v = k + H;
        q[1] = two_ln3, q[4 + 3] = -two_ln3;
        k[1] = k[4 + 3] = r ? 1 : 0;
        for (size_t h = 0; h < H; ++h)
            v[h] = r ? (float)h : 4;
    }
    static const size_t offsets[] = {0, 2};
    struct dnnl d = dnnl_open(2, 4, 1);
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        float ctx[2 * H];
        attend(ctx, &way, d.attention, qkv, offsets, 1, 2, 4);
        for (size_t k = 0; k < 2 * H; ++k) {
            const float h = (float)(k % H),
                        wanted = k % H < 4 ? 0.25f * 4 + 0.75f * h : 0.75f * 4 + 0.25f * h;
            cr_expect(fabsf(ctx[k] - wanted) < 1.5e-6f, "%s: ctx[%zu] = %.8g, wanted %g", way.name, k, ctx[k],
                      wanted);
        }
    }
    dnnl_close(&d);
}

static const size_t lengths[] = {1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 127, 128, 129, 255, 300, 512};
static const size_t widths[] = {1, 4, 12, 16, 31, 32, 33, 64, 80};

Test(attention, all_ways_agree_at_every_length_and_width, .timeout = 100)
{
    for (size_t w = 0; w < sizeof widths / sizeof *widths; ++w) {
        const size_t D = widths[w];
        struct dnnl d = dnnl_open(512, D, 1);
        for (size_t s = 0; s < sizeof lengths / sizeof *lengths; ++s)
            for (size_t N = 1; N <= (lengths[s] < 300 ? 3 : 1);
                 N += 2) { /* the longest with one head: time */
                const size_t S = lengths[s], H = N * D, offsets[] = {0, S};
                float *qkv = random_floats(S * 3 * H, 1, (unsigned)(S * 100 + D)),
                      *wanted = new_floats(S * H);
                float *ctx = new_floats(S * H);
                struct way way;
                for (size_t i = 0; way_at(&way, i); ++i) {
                    attend(i == REF ? wanted : ctx, &way, d.attention, qkv, offsets, 1, N, D);
                    if (i == REF)
                        continue;
                    /* A score of size up to 5 is off by some 1e-6, its exponential by as large a part of
                     * itself, and so is a mean of values up to 3.5. Worst seen 1.0e-6. */
                    const double error = max_difference(ctx, wanted, S * H);
                    cr_expect(error < 4e-6, "%s: S = %zu, N = %zu, D = %zu: %g", way.name, S, N, D, error);
                }
                free(qkv), free(wanted), free(ctx);
            }
        dnnl_close(&d);
    }
}

/* ---- independence ---------------------------------------------------------------------------------- */

/* Sequences of many lengths, each alone and all at once. */
static const size_t batch[] = {0, 1, 18, 20, 148, 180, 181, 310, 325};
enum { B = sizeof batch / sizeof *batch - 1, ROWS = 325 };

Test(attention, sequences_together_have_the_bits_of_each_alone)
{
    static const size_t shapes[][2] = {{1, 7}, {3, 16}, {2, 33}, {4, 64}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; ++k) {
        const size_t N = shapes[k][0], D = shapes[k][1], H = N * D;
        struct dnnl d = dnnl_open(ROWS, D, 1);
        float *qkv = random_floats(ROWS * 3 * H, 1, 77), *all = new_floats(ROWS * H);
        struct way way;
        for (size_t i = 0; way_at(&way, i); ++i) {
            attend(all, &way, d.attention, qkv, batch, B, N, D);
            for (size_t b = 0; b < B; ++b) {
                const size_t S = batch[b + 1] - batch[b], offsets[] = {0, S};
                float *own = new_floats(S * 3 * H), *ctx = new_floats(S * H); /* elsewhere in memory */
                memcpy(own, qkv + batch[b] * 3 * H, S * 3 * H * sizeof *own);
                attend(ctx, &way, d.attention, own, offsets, 1, N, D);
                cr_expect(same_bits(ctx, all + batch[b] * H, S * H),
                          "%s: N = %zu, D = %zu, sequence %zu of %zu rows", way.name, N, D, b, S);
                free(own), free(ctx);
            }
        }
        free(qkv), free(all);
        dnnl_close(&d);
    }
}

Test(attention, a_session_for_longer_sequences_gives_the_same_bits)
{
    enum { D = 12, S = 37 };
    static const size_t offsets[] = {0, S};
    float *qkv = random_floats(S * 3 * D, 1, 5), *ctx = new_floats(S * D), *wanted = new_floats(S * D);
    struct dnnl small = dnnl_open(S, D, 1), large = dnnl_open(512, D, 1);
    const struct way dnnl = {"dnnl", DNNL, NULL};
    attend(wanted, &dnnl, small.attention, qkv, offsets, 1, 1, D);
    attend(ctx, &dnnl, large.attention, qkv, offsets, 1, 1, D);
    cr_expect(same_bits(ctx, wanted, S * D));
    for (size_t i = 0; ink__fused_at(i); ++i) {
        const ink__fused *fused = ink__fused_at(i);
        float *exact = new_nans(fused->attend_scratch(S, D)),
              *roomy = new_nans(fused->attend_scratch(512, D));
        const ink__attending how = plainly(1, D);
        fused->attend(wanted, exact, qkv, S, &how, 0);
        fused->attend(ctx, roomy, qkv, S, &how, 0);
        cr_expect(same_bits(ctx, wanted, S * D), "%s", fused->isa);
        free(exact), free(roomy);
    }
    free(qkv), free(ctx), free(wanted);
    dnnl_close(&small), dnnl_close(&large);
}

Test(attention, any_number_of_threads_gives_the_bits_of_one)
{
    enum { N = 2, D = 33, H = N * D };
    float *qkv = random_floats(ROWS * 3 * H, 1, 6), *one = new_floats(ROWS * H), *more = new_floats(ROWS * H);
    const struct way dnnl = {"dnnl", DNNL, NULL};
    for (size_t threads = 1; threads <= 4; ++threads) {
        struct dnnl d = dnnl_open(ROWS, D, threads);
        const int before = ink__omp_enter(threads);
        attend(threads == 1 ? one : more, &dnnl, d.attention, qkv, batch, B, N, D);
        ink__omp_leave(before);
        dnnl_close(&d);
        if (threads > 1)
            cr_expect(same_bits(one, more, ROWS * H), "%zu threads", threads);
    }
    free(qkv), free(one), free(more);
}

/* Guards before, between and after: a head writes its own columns of its own rows. */
Test(attention, a_head_writes_nothing_but_its_columns)
{
    enum { N = 3, D = 5, H = N * D, S = 19, EDGE = 64 };
    static const size_t offsets[] = {0, S};
    float *qkv = random_floats(S * 3 * H, 1, 7), *ctx = new_floats(EDGE + S * H + EDGE);
    struct dnnl d = dnnl_open(S, D, 1);
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        for (size_t k = 0; k < EDGE + S * H + EDGE; ++k)
            ctx[k] = 1234.5f;
        if (way.kind == FUSED) { /* the middle head alone */
            float *scratch = new_floats(way.fused->attend_scratch(S, D));
            const ink__attending how = plainly(N, D);
            way.fused->attend(ctx + EDGE + D, scratch, qkv + D, S, &how, 1);
            free(scratch);
        } else {
            attend(ctx + EDGE, &way, d.attention, qkv, offsets, 1, N, D);
        }
        for (size_t k = 0; k < EDGE + S * H + EDGE; ++k) {
            const bool inside = k >= EDGE && k < EDGE + S * H, middle = inside && (k - EDGE) % H / D == 1;
            const bool written = way.kind == FUSED ? middle : inside;
            cr_expect((ctx[k] != 1234.5f) == written, "%s: element %zu", way.name, k);
        }
    }
    free(qkv), free(ctx);
    dnnl_close(&d);
}

Test(attention, a_sequence_of_nan_leaves_the_others_alone)
{
    enum { N = 2, D = 12, H = N * D };
    float *qkv = random_floats(ROWS * 3 * H, 1, 8), *clean = new_floats(ROWS * H),
          *ctx = new_floats(ROWS * H);
    struct dnnl d = dnnl_open(ROWS, D, 1);
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        fill_random(qkv, ROWS * 3 * H, 1, 8);
        attend(clean, &way, d.attention, qkv, batch, B, N, D);
        for (size_t k = batch[3] * 3 * H; k < batch[4] * 3 * H; ++k)
            qkv[k] = NAN;
        attend(ctx, &way, d.attention, qkv, batch, B, N, D);
        for (size_t r = 0; r < ROWS; ++r)
            for (size_t h = 0; h < H; ++h)
                if (r >= batch[3] && r < batch[4])
                    cr_assert(isnan(ctx[r * H + h]), "%s: row %zu became a number", way.name, r);
                else
                    cr_assert(ctx[r * H + h] == clean[r * H + h], "%s: row %zu", way.name, r);
    }
    free(qkv), free(clean), free(ctx);
    dnnl_close(&d);
}

/* ---- extremes -------------------------------------------------------------------------------------- */

/* Scores of +-scale: softmax is all on the best key, and no way may reach infinity on the road. The best key
 * stands in the first, a middle or the last block of keys, with worse ones before and after it. */
Test(attention, very_large_scores_choose_one_key)
{
    enum { S = 300, D = 4 };
    static const float scales[] = {1e3f, 1e6f, 1e12f, 1e18f};
    static const size_t offsets[] = {0, S}, best[] = {0, 1, 127, 128, 200, 256, 299};
    struct dnnl d = dnnl_open(S, D, 1);
    float *qkv = new_floats(S * 3 * D), *ctx = new_floats(S * D);
    for (size_t k = 0; k < sizeof scales / sizeof *scales; ++k)
        for (size_t b = 0; b < sizeof best / sizeof *best; ++b) {
            fill_random(qkv, S * 3 * D, 1, 9);
            for (size_t r = 0; r < S; ++r)
                for (size_t h = 0; h < D; ++h) {
                    qkv[r * 3 * D + h] = h == 0 ? scales[k] : 0;
                    qkv[r * 3 * D + D + h] =
                        h == 0 ? (r == best[b] ? scales[k] : -(float)(r + 1) * scales[k]) : 0;
                }
            struct way way;
            for (size_t i = 0; way_at(&way, i); ++i) {
                attend(ctx, &way, d.attention, qkv, offsets, 1, 1, D);
                for (size_t r = 0; r < S; ++r) /* the others weigh e^-1000000 and less */
                    cr_assert(max_difference(ctx + r * D, qkv + best[b] * 3 * D + 2 * D, D) < 1e-30,
                              "%s: scores of %g, best key %zu, row %zu", way.name,
                              (double)scales[k] * scales[k], best[b], r);
            }
        }
    free(qkv), free(ctx);
    dnnl_close(&d);
}

/* All scores equal, however large or small: the mean of the values. */
Test(attention, equal_scores_give_the_mean_of_the_values)
{
    enum { S = 300, D = 4 };
    static const float keys[] = {0, 1e18f, -1e18f, 1e-30f};
    static const size_t offsets[] = {0, S};
    struct dnnl d = dnnl_open(S, D, 1);
    float *qkv = new_floats(S * 3 * D), *ctx = new_floats(S * D);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; ++k) {
        double mean[D] = {0};
        fill_random(qkv, S * 3 * D, 1, 10);
        for (size_t r = 0; r < S; ++r)
            for (size_t h = 0; h < D; ++h) {
                qkv[r * 3 * D + h] = 1e18f;
                qkv[r * 3 * D + D + h] = keys[k];
                mean[h] += (double)qkv[r * 3 * D + 2 * D + h] / S;
            }
        struct way way;
        for (size_t i = 0; way_at(&way, i); ++i) {
            attend(ctx, &way, d.attention, qkv, offsets, 1, 1, D);
            for (size_t r = 0; r < S; ++r)
                for (size_t h = 0; h < D; ++h) /* 300 values of size 1 added in float; worst seen 2e-8 */
                    cr_assert(fabs(ctx[r * D + h] - mean[h]) < 1e-7, "%s: keys of %g, row %zu: %g, wanted %g",
                              way.name, keys[k], r, ctx[r * D + h], mean[h]);
        }
    }
    free(qkv), free(ctx);
    dnnl_close(&d);
}

/* Scores that rise from key to key: the running maximum moves in every block of keys. */
Test(attention, rising_scores_rescale_what_was_summed_before)
{
    enum { S = 512, D = 3 };
    static const size_t offsets[] = {0, S};
    static const float steps[] = {0.01f, 0.1f, 1, -0.01f, -1};
    struct dnnl d = dnnl_open(S, D, 1);
    float *qkv = new_floats(S * 3 * D), *ctx = new_floats(S * D), *wanted = new_floats(S * D);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; ++k) {
        fill_random(qkv, S * 3 * D, 1, 11);
        for (size_t r = 0; r < S; ++r) {
            qkv[r * 3 * D] = 1;
            qkv[r * 3 * D + D] = steps[k] * (float)r;
        }
        struct way way;
        for (size_t i = 0; way_at(&way, i); ++i) {
            attend(i == REF ? wanted : ctx, &way, d.attention, qkv, offsets, 1, 1, D);
            /* Scores up to 300 in float are off by up to 2e-5 before exp. Worst seen 3.7e-5. */
            const double error = i == REF ? 0 : max_difference(ctx, wanted, S * D);
            cr_expect(error < 1.2e-4, "%s: steps of %g: %g", way.name, steps[k], error);
        }
    }
    free(qkv), free(ctx), free(wanted);
    dnnl_close(&d);
}

/* ---- windows, biases, rotations -------------------------------------------------------------------- */

/* Scores of order 3, so that a key too many or too few is far outside rounding. */
Test(attention, windows_and_biases_agree_in_every_way)
{
    enum { N = 2, D = 12, H = N * D, REACH = 300 };
    static const size_t sizes[] = {1, 5, 33, 129, 300}, windows[] = {0, 1, 4, 31, 64, 299, SIZE_MAX};
    float *bias = random_floats(N * (2 * REACH - 1) + INK__BIAS_SLACK, 1, 21);
    struct dnnl d = dnnl_open(REACH, D, 1);
    for (size_t l = 0; l < sizeof sizes / sizeof *sizes; ++l)
        for (size_t w = 0; w < 2 * sizeof windows / sizeof *windows; ++w) {
            const size_t S = sizes[l], offsets[] = {0, S};
            const ink__attending how = {
                .N = N, .D = D, .window = windows[w / 2], .bias = w % 2 ? bias : NULL, .reach = REACH};
            float *qkv = random_floats(S * 3 * H, 1.5f, 22), *wanted = new_floats(S * H),
                  *ctx = new_floats(S * H);
            struct way way;
            way_at(&way, 0);
            attend_so(wanted, &way, NULL, qkv, offsets, 1, &how);
            if (how.window == 0) /* a query that sees itself alone takes its own value */
                for (size_t i = 0; i < S; ++i)
                    cr_expect(max_difference(wanted + i * H, qkv + i * 3 * H + 2 * H, H) < 1e-6);
            for (size_t i = 1; way_at(&way, i); ++i) {
                attend_so(ctx, &way, d.attention, qkv, offsets, 1, &how);
                cr_expect(max_difference(ctx, wanted, S * H) < 4e-6, "%s: S %zu, window %zu, bias %zu: %g",
                          way.name, S, how.window, w % 2, max_difference(ctx, wanted, S * H));
            }
            free(qkv), free(wanted), free(ctx);
        }
    dnnl_close(&d);
    free(bias);
}

Test(attention, rotation_turns_halves_by_position)
{
    enum { N = 2, D = 4, S = 3 };
    static const size_t offsets[] = {0, S};
    float cosines[S * D / 2], sines[S * D / 2], qkv[S * 3 * N * D];
    for (size_t i = 0; i < S * 3 * N * D; ++i)
        qkv[i] = (float)(i % 7) - 3;
    float before[S * 3 * N * D];
    memcpy(before, qkv, sizeof qkv);
    ink_rope_table(cosines, sines, S, D, 100);
    ink_rope_forward(qkv, cosines, sines, offsets, 1, N, D);
    for (size_t r = 0; r < S; ++r)
        for (size_t n = 0; n < 3 * N; ++n)
            for (size_t k = 0; k < D / 2; ++k) {
                const size_t at = r * 3 * N * D + n * D + k;
                /* theta^(-2k/D): 1 and 1/10 */
                const double angle = n < 2 * N ? (double)r * (k == 0 ? 1 : 0.1) : 0, a = before[at],
                             b = before[at + 2];
                cr_expect(fabs(qkv[at] - (a * cos(angle) - b * sin(angle))) < 1e-6);
                cr_expect(fabs(qkv[at + 2] - (b * cos(angle) + a * sin(angle))) < 1e-6);
            }
}

Test(attention, distances_fall_into_the_buckets_of_t5)
{
    enum { REACH = 200 };
    float table[INK__BUCKETS], bias[2 * REACH - 1];
    for (int i = 0; i < INK__BUCKETS; ++i)
        table[i] = (float)i;
    ink_relative_bias(bias, table, 1, REACH);
    /* i - j: 0 to 7 exact, then 8, 12, 16, 23, 32, 46, 64, 91 open the next; keys behind the query (i < j)
     * are 16 up. */
    static const int cases[][2] = {{0, 0},   {1, 1},   {7, 7},   {8, 8},    {11, 8},   {12, 9},   {15, 9},
                                   {16, 10}, {22, 10}, {23, 11}, {32, 12},  {64, 14},  {91, 15},  {199, 15},
                                   {-1, 17}, {-7, 23}, {-8, 24}, {-12, 25}, {-64, 30}, {-199, 31}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        cr_expect(bias[cases[i][0] + REACH - 1] == (float)cases[i][1], "distance %d: bucket %g", cases[i][0],
                  bias[cases[i][0] + REACH - 1]);
}
