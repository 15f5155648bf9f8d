/* Attention's gradients, and those of positions: against central differences, and every way against the
 * definition. */
#include "attention/attention.h"
#include "nn/passes.h"
#include "support/golden.h"
#include "support/numbers.h"

#include <math.h>

/* ---- positions -------------------------------------------------------------------------------------- */

/* y = rope(x) is linear in x, so that with any g the backward of g must give g . rope(x) = rope^T(g) . x; and
 * a central difference has no truncation. */
Test(attention_grad, rope_agrees_with_central_differences)
{
    enum { N = 2, D = 6, H = N * D, R = 7 };
    static const size_t offsets[] = {0, 3, R};
    float cosines[R * D / 2], sines[R * D / 2];
    ink_rope_table(cosines, sines, R, D, 10);
    float *x = random_floats(R * 3 * H, 1, 1), *g = random_floats(R * 3 * H, 1, 2),
          *dx = new_floats(R * 3 * H), *y = new_floats(R * 3 * H);
    memcpy(dx, g, R * 3 * H * sizeof *dx);
    ink_rope_backward(dx, cosines, sines, offsets, 2, N, D);
    for (size_t k = 0; k < R * 3 * H; ++k) {
        double loss[2] = {0};
        for (size_t side = 0; side < 2; ++side) {
            memcpy(y, x, R * 3 * H * sizeof *y);
            y[k] += side ? -0.5f : 0.5f;
            ink_rope_forward(y, cosines, sines, offsets, 2, N, D);
            for (size_t i = 0; i < R * 3 * H; ++i)
                loss[side] += (double)g[i] * y[i];
        }
        /* x + 0.5 and the products round to some 1e-7 */
        cr_expect(fabs(loss[0] - loss[1] - dx[k]) < 2e-6, "dqkv[%zu] = %.8g, numeric %.8g", k, dx[k],
                  loss[0] - loss[1]);
    }
    free(x), free(g), free(dx), free(y);
}

Test(attention_grad, rope_backward_undoes_the_forward)
{
    enum { N = 3, D = 8, H = N * D, R = 9 };
    static const size_t offsets[] = {0, R};
    float cosines[R * D / 2], sines[R * D / 2];
    ink_rope_table(cosines, sines, R, D, 10000);
    float *x = random_floats(R * 3 * H, 1, 3), *y = new_floats(R * 3 * H);
    memcpy(y, x, R * 3 * H * sizeof *y);
    ink_rope_forward(y, cosines, sines, offsets, 1, N, D);
    ink_rope_backward(y, cosines, sines, offsets, 1, N, D);
    cr_expect(max_difference(x, y, R * 3 * H) < 1e-6); /* four roundings of numbers up to 4 */
    free(x), free(y);
}

/* bias is a copy of numbers of the table: linear, and the difference of a step of 1 is exact but for
 * rounding. */
Test(attention_grad, relative_bias_agrees_with_central_differences)
{
    enum { N = 3, TABLE = INK__BUCKETS * N };
    static const size_t reaches[] = {1, 2, 9, 40, 300};
    for (size_t r = 0; r < sizeof reaches / sizeof *reaches; ++r) {
        const size_t reach = reaches[r], n = N * (2 * reach - 1);
        float *table = random_floats(TABLE, 1, 4), *g = random_floats(n, 1, 5), *dtable = new_floats(TABLE),
              *bias = new_floats(n);
        for (size_t k = 0; k < TABLE; ++k)
            dtable[k] = 7; /* parameter gradients add */
        ink_relative_bias_backward(dtable, g, N, reach);
        for (size_t k = 0; k < TABLE; ++k) {
            double loss[2] = {0};
            const float before = table[k];
            for (size_t side = 0; side < 2; ++side) {
                table[k] = before + (side ? -0.5f : 0.5f);
                ink_relative_bias(bias, table, N, reach);
                for (size_t i = 0; i < n; ++i)
                    loss[side] += (double)g[i] * bias[i];
            }
            table[k] = before;
            const double wanted = 7 + loss[0] - loss[1];
            /* 200 terms share the last bucket, and each step of 0.5 rounds to 1e-7 of a table entry */
            cr_expect(fabs(dtable[k] - wanted) < 2e-5, "reach %zu: dtable[%zu] = %.8g, numeric %.8g", reach,
                      k, dtable[k], wanted);
        }
        free(table), free(g), free(dtable), free(bias);
    }
}

/* ---- the ways --------------------------------------------------------------------------------------- */

/* The definition, and each instruction set's. */
struct way {
    const char *name;
    void (*attend)(float *ctx, float *lse, float *scratch, const float *qkv, size_t S,
                   const ink__attending *how, size_t n, const ink__dropout *drop);
    void (*backward)(float *dqkv, float *dbias, float *scratch, const float *dctx, const float *ctx,
                     const float *lse, const float *qkv, size_t S, const ink__attending *how, size_t n,
                     const ink__dropout *drop);
    size_t (*scratch)(size_t max_S, size_t D);
};

/* The i-th, the definition first; false past the last. */
static bool way_at(struct way *way, size_t i)
{
    const ink__passes *passes = i == 0 ? &ink__passes_ref : ink__passes_at(i - 1);
    if (passes)
        *way = (struct way){passes->isa, passes->attend, passes->attend_backward, passes->attend_scratch};
    return passes != NULL;
}

static float *new_nans(size_t n)
{
    float *x = new_floats(n);
    for (size_t i = 0; i < n; ++i)
        x[i] = NAN;
    return x;
}

/* One sequence and what attention makes of it. All in buffers of exactly the size they need. */
struct trial {
    size_t S, H, qkv_size, ctx_size, bias_size; /* bias_size without its slack */
    ink__attending how;
    ink__dropout drop;
    float *qkv, *dctx, *bias;        /* [S,3H] [S,H] [N][2*reach-1] */
    float *ctx, *lse, *dqkv, *dbias; /* [S,H] [S,N] as qkv, as bias */
};

/* bias false: none. rate: of dropout. */
static struct trial trial_open(size_t S, size_t N, size_t D, size_t window, bool bias, double rate,
                               unsigned seed)
{
    struct trial t = {.S = S, .H = N * D};
    t.how = (ink__attending){.N = N, .D = D, .window = window, .reach = S + 2};
    t.drop = (ink__dropout){.seed = 77, .step = 5, .row = 300, .threshold = ink__dropout_threshold(rate)};
    t.qkv_size = S * 3 * t.H, t.ctx_size = S * t.H, t.bias_size = N * (2 * t.how.reach - 1);
    t.qkv = random_floats(t.qkv_size, 1, seed), t.dctx = random_floats(t.ctx_size, 1, seed + 1);
    t.bias = random_floats(t.bias_size + INK__BIAS_SLACK, 1, seed + 2);
    t.how.bias = bias ? t.bias : NULL;
    t.ctx = new_nans(t.ctx_size), t.lse = new_nans(S * N);
    t.dqkv = new_nans(t.qkv_size), t.dbias = new_nans(t.bias_size);
    return t;
}

static void trial_close(struct trial *t)
{
    free(t->qkv), free(t->dctx), free(t->bias), free(t->ctx), free(t->lse), free(t->dqkv), free(t->dbias);
}

/* Each head has a dropout site of its own. */
static ink__dropout drop_of(const struct trial *t, size_t n)
{
    ink__dropout drop = t->drop;
    drop.site = (uint32_t)(40 + n);
    return drop;
}

static void forward(struct trial *t, const struct way *way)
{
    for (size_t n = 0; n < t->how.N; ++n) {
        float *scratch = new_nans(way->scratch(t->S, t->how.D));
        const ink__dropout drop = drop_of(t, n);
        way->attend(t->ctx + n * t->how.D, t->lse + n, scratch, t->qkv + n * t->how.D, t->S, &t->how, n,
                    &drop);
        free(scratch);
    }
}

/* After forward. dbias is overwritten, too: it starts from zero. */
static void backward(struct trial *t, const struct way *way)
{
    memset(t->dbias, 0, t->bias_size * sizeof *t->dbias);
    for (size_t n = 0; n < t->how.N; ++n) {
        const size_t at = n * t->how.D;
        float *scratch = new_nans(way->scratch(t->S, t->how.D));
        const ink__dropout drop = drop_of(t, n);
        way->backward(t->dqkv + at, t->how.bias ? t->dbias + n * (2 * t->how.reach - 1) : NULL, scratch,
                      t->dctx + at, t->ctx + at, t->lse + n, t->qkv + at, t->S, &t->how, n, &drop);
        free(scratch);
    }
}

static double loss(struct trial *t, const struct way *way)
{
    double sum = 0;
    forward(t, way);
    for (size_t k = 0; k < t->ctx_size; ++k)
        sum += (double)t->dctx[k] * t->ctx[k];
    return sum;
}

/* d loss / d *x by differences of steps h and 2h, whose errors of order h^2 cancel. */
static double numeric(struct trial *t, const struct way *way, float *x)
{
    const float h = 0.03f, before = *x;
    double at[4];
    for (int k = 0; k < 4; ++k) {
        *x = before + (k < 2 ? (float)(k - 2) : (float)(k - 1)) * h;
        at[k] = loss(t, way);
    }
    *x = before;
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * (double)h);
}

static double largest(const float *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; ++i)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

/* ---- gradients -------------------------------------------------------------------------------------- */

static void check_gradients(size_t S, size_t N, size_t D, size_t window, bool bias, double rate)
{
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        struct trial t = trial_open(S, N, D, window, bias, rate, 11);
        forward(&t, &way);
        backward(&t, &way);
        const double scale = largest(t.dqkv, t.qkv_size), bias_scale = largest(t.dbias, t.bias_size);
        /* h^4 truncation and fp32 rounding over h; worst seen 1.6e-5, so 5e-5 leaves 3x */
        for (size_t k = 0; k < t.qkv_size; ++k) {
            const double wanted = numeric(&t, &way, &t.qkv[k]);
            cr_expect(fabs(t.dqkv[k] - wanted) < 5e-5 * scale,
                      "%s: S = %zu, D = %zu, dqkv[%zu] = %.7g, numeric %.7g", way.name, S, D, k, t.dqkv[k],
                      wanted);
        }
        for (size_t k = 0; bias && k < t.bias_size; ++k) {
            const double wanted = numeric(&t, &way, &t.bias[k]);
            cr_expect(fabs(t.dbias[k] - wanted) < 5e-5 * bias_scale,
                      "%s: S = %zu, D = %zu, dbias[%zu] = %.7g, numeric %.7g", way.name, S, D, k, t.dbias[k],
                      wanted);
        }
        trial_close(&t);
    }
}

Test(attention_grad, all_agree_with_central_differences)
{
    check_gradients(1, 1, 3, SIZE_MAX, false, 0);
    check_gradients(5, 2, 3, SIZE_MAX, false, 0);
    check_gradients(7, 1, 5, SIZE_MAX, true, 0);
    check_gradients(19, 1, 2, SIZE_MAX, false, 0);
}

Test(attention_grad, those_within_a_window_agree_with_central_differences)
{
    check_gradients(5, 2, 3, 0, false, 0);
    check_gradients(7, 2, 3, 2, true, 0);
    check_gradients(37, 1, 1, 3, true, 0);
    check_gradients(3, 1, 5, 3, true, 0);
}

Test(attention_grad, those_of_what_dropout_keeps_agree_with_central_differences)
{
    check_gradients(5, 2, 3, SIZE_MAX, false, 0.3);
    check_gradients(7, 2, 5, 2, true, 0.3);
    check_gradients(19, 1, 2, SIZE_MAX, true, 0.1);
}

/* ---- every way against the definition --------------------------------------------------------------- */

static const size_t lengths[] = {1, 2, 3, 15, 16, 17, 31, 33, 64, 127, 130, 200, 512};

/* The largest difference of two gradients, as a part of the largest number; of 0.1 where that is smaller, for
 * with one key in sight the gradients of scores vanish. */
static double apart(const float *got, const float *wanted, size_t n)
{
    const double scale = largest(wanted, n);
    return max_difference(got, wanted, n) / (scale > 0.1 ? scale : 0.1);
}

static void compare(size_t S, size_t N, size_t D, size_t window, bool bias, double rate)
{
    struct way way;
    struct trial wanted = trial_open(S, N, D, window, bias, rate, (unsigned)(S * 100 + D));
    way_at(&way, 0);
    forward(&wanted, &way), backward(&wanted, &way);
    for (size_t i = 1; way_at(&way, i); ++i) {
        struct trial t = trial_open(S, N, D, window, bias, rate, (unsigned)(S * 100 + D));
        forward(&t, &way), backward(&t, &way);
        const double ctx = max_difference(t.ctx, wanted.ctx, t.ctx_size);
        const double dqkv = apart(t.dqkv, wanted.dqkv, t.qkv_size);
        const double dbias = apart(t.dbias, wanted.dbias, t.bias_size);
        /* As in attention.c, and gradients sum up to 512 such products; those of biases 512 differences of
         * some that nearly cancel. Worst seen 1.2e-6, 1.5e-6 and 8.6e-6. */
        cr_expect(ctx < 4e-6 && dqkv < 6e-6 && dbias < 3e-5,
                  "%s: S = %zu, N = %zu, D = %zu, window %zd%s, rate %g: ctx %.2g, dqkv %.2g, dbias %.2g",
                  way.name, S, N, D, (ptrdiff_t)window, bias ? ", bias" : "", rate, ctx, dqkv, dbias);
        trial_close(&t);
    }
    trial_close(&wanted);
}

static void compare_lengths(size_t D, size_t N)
{
    for (size_t s = 0; s < sizeof lengths / sizeof *lengths; ++s)
        compare(lengths[s], lengths[s] < 200 ? N : 1, D, SIZE_MAX, false,
                0); /* the longest with one head: time */
}

Test(attention_grad, all_ways_agree_with_heads_of_8_and_24)
{
    compare_lengths(8, 3);
    compare_lengths(24, 2);
}

Test(attention_grad, all_ways_agree_with_heads_of_32_and_33)
{
    compare_lengths(32, 2);
    compare_lengths(33, 1);
}

Test(attention_grad, all_ways_agree_with_heads_of_64)
{
    compare_lengths(64, 2);
}

Test(attention_grad, all_ways_agree_within_windows)
{
    static const size_t windows[] = {0, 1, 5, 16, 64, 128, 511, 600};
    for (size_t s = 0; s < sizeof lengths / sizeof *lengths; ++s)
        for (size_t w = 0; w < sizeof windows / sizeof *windows; ++w)
            compare(lengths[s], 1, s % 2 ? 8 : 33, windows[w], w % 2, 0);
}

Test(attention_grad, all_ways_agree_with_biases)
{
    for (size_t s = 0; s < sizeof lengths / sizeof *lengths; ++s)
        compare(lengths[s], 2, s % 2 ? 24 : 32, SIZE_MAX, true, 0);
}

Test(attention_grad, all_ways_drop_the_same)
{
    for (size_t s = 0; s < sizeof lengths / sizeof *lengths; ++s) {
        compare(lengths[s], 2, s % 2 ? 8 : 33, SIZE_MAX, false, 0.1);
        compare(lengths[s], 1, 32, s % 2 ? 40 : 3, true, 0.1);
    }
}

/* ---- values ----------------------------------------------------------------------------------------- */

Test(attention_grad, two_queries_worked_by_hand)
{
    /* N = D = 1. Query 0 scores 0 and 0, query 1 0 and ln 3: p = (1/2 1/2; 1/4 3/4), lse = ln 2 and ln 4, ctx
     * = 3 and 4. With dctx = (1, 2): dv = (1/2 + 2/4, 1/2 + 6/4); delta = (3, 8), and ds_ij = p_ij (dctx_i
     * v_j - delta_i) = (-1 1; -3/2 3/2). dq_i = sum_j ds_ij k_j, dk_j = sum_i ds_ij q_i, k = (0, 1), q = (0,
     * ln 3). */
    const float ln3 = 1.0986122887f, qkv[] = {0, 0, 1, ln3, 1, 5}, dctx[] = {1, 2};
    const float dqkv_wanted[] = {1, -1.5f * ln3, 1, 1.5f, 1.5f * ln3, 2};
    const float ctx_wanted[] = {3, 4}, lse_wanted[] = {0.6931471806f, 1.3862943611f};
    const float dbias_wanted[] = {7 + 1, 7 - 1 + 1.5f, 7 - 1.5f}; /* of i - j = -1, 0, 1 */
    const float bias[3 + INK__BIAS_SLACK] = {0};
    const ink__attending how = {.N = 1, .D = 1, .window = SIZE_MAX, .bias = bias, .reach = 2};
    const ink__dropout drop = {0};
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        float ctx[2], lse[2], dqkv[6], dbias[3] = {7, 7, 7}, *scratch = new_nans(way.scratch(2, 1));
        way.attend(ctx, lse, scratch, qkv, 2, &how, 0, &drop);
        way.backward(dqkv, dbias, scratch, dctx, ctx, lse, qkv, 2, &how, 0, &drop);
        /* numbers up to 9 and some roundings of them */
        cr_expect(max_difference(ctx, ctx_wanted, 2) < 2e-6, "%s: ctx %g %g", way.name, ctx[0], ctx[1]);
        if (i == 0) /* the others' base is their own */
            cr_expect(max_difference(lse, lse_wanted, 2) < 1e-6, "%s: lse %g %g", way.name, lse[0], lse[1]);
        for (size_t k = 0; k < 6; ++k)
            cr_expect(fabsf(dqkv[k] - dqkv_wanted[k]) < 4e-6f, "%s: dqkv[%zu] = %.8g, wanted %.8g", way.name,
                      k, dqkv[k], dqkv_wanted[k]);
        for (size_t k = 0; k < 3; ++k)
            cr_expect(fabsf(dbias[k] - dbias_wanted[k]) < 4e-6f, "%s: dbias[%zu] = %.8g, wanted %.8g",
                      way.name, k, dbias[k], dbias_wanted[k]);
        free(scratch);
    }
}

/* ---- extremes --------------------------------------------------------------------------------------- */

/* Scores of +-scale^2: all is on one key, which takes the whole gradient of the values; and nothing
 * overflows. */
Test(attention_grad, very_large_scores_give_all_to_one_key)
{
    enum { S = 70, D = 4 };
    static const float scales[] = {1e2f, 1e3f, 1e6f, 1e12f, 1e18f};
    static const size_t best[] = {0, 31, 32, 45, S - 1};
    for (size_t k = 0; k < sizeof scales / sizeof *scales; ++k)
        for (size_t b = 0; b < sizeof best / sizeof *best; ++b) {
            struct trial t = trial_open(S, 1, D, SIZE_MAX, false, 0, 9);
            for (size_t r = 0; r < S; ++r)
                for (size_t d = 0; d < D; ++d) {
                    t.qkv[r * 3 * D + d] = d == 0 ? scales[k] : 0;
                    t.qkv[r * 3 * D + D + d] =
                        d == 0 ? (r == best[b] ? scales[k] : -(float)(r + 1) * scales[k]) : 0;
                }
            double wanted[D] = {0};
            for (size_t r = 0; r < t.ctx_size; ++r)
                wanted[r % D] += t.dctx[r];
            struct way way;
            for (size_t i = 0; way_at(&way, i); ++i) {
                forward(&t, &way), backward(&t, &way);
                for (size_t r = 0; r < S; ++r)
                    for (size_t d = 0; d < 3 * D; ++d) {
                        const float x = t.dqkv[r * 3 * D + d];
                        cr_assert(isfinite(x), "%s: scores of %g, row %zu", way.name, scales[k], r);
                        if (d >= 2 * D) /* 70 numbers of size 3 were added */
                            cr_assert(fabs(x - (r == best[b] ? wanted[d - 2 * D] : 0)) < 2e-5,
                                      "%s: scores of %g, best key %zu, row %zu: %g, wanted %g", way.name,
                                      (double)scales[k] * scales[k], best[b], r, x, wanted[d - 2 * D]);
                    }
            }
            trial_close(&t);
        }
}

/* What stands outside the window, however large, is nothing to a query. */
Test(attention_grad, what_is_outside_the_window_changes_no_bit)
{
    enum { S = 200, D = 8, WINDOW = 20, BAD = 100 };
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        struct trial t = trial_open(S, 1, D, WINDOW, true, 0.1, 21),
                     clean = trial_open(S, 1, D, WINDOW, true, 0.1, 21);
        forward(&clean, &way), backward(&clean, &way);
        for (size_t d = 0; d < 3 * D; ++d)
            t.qkv[BAD * 3 * D + d] = 1e30f;
        for (size_t d = 0; d < D; ++d)
            t.dctx[BAD * D + d] = -1e30f;
        forward(&t, &way), backward(&t, &way);
        for (size_t r = 0; r < S; ++r) {
            const size_t far = r > BAD ? r - BAD : BAD - r;
            if (far > WINDOW)
                cr_expect(same_bits(t.ctx + r * D, clean.ctx + r * D, D), "%s: context %zu", way.name, r);
            if (far > 2 * WINDOW) /* a key's gradient comes from queries that see what it may not */
                cr_expect(same_bits(t.dqkv + r * 3 * D, clean.dqkv + r * 3 * D, 3 * D), "%s: gradient %zu",
                          way.name, r);
        }
        trial_close(&t), trial_close(&clean);
    }
}

Test(attention_grad, a_head_writes_nothing_but_its_columns)
{
    enum { N = 3, D = 5, H = N * D, S = 19 };
    struct way way;
    for (size_t i = 0; way_at(&way, i); ++i) {
        struct trial t = trial_open(S, N, D, SIZE_MAX, true, 0, 13);
        const float mark = 1234.5f;
        for (size_t k = 0; k < t.qkv_size; ++k)
            t.dqkv[k] = mark, t.ctx[k % t.ctx_size] = mark, t.lse[k % (S * N)] = mark;
        memset(t.dbias, 0, t.bias_size * sizeof *t.dbias);
        float *scratch = new_nans(way.scratch(S, D)), *dbias = t.dbias + 2 * t.how.reach - 1;
        way.attend(t.ctx + D, t.lse + 1, scratch, t.qkv + D, S, &t.how, 1, &t.drop); /* the middle head */
        way.backward(t.dqkv + D, dbias, scratch, t.dctx + D, t.ctx + D, t.lse + 1, t.qkv + D, S, &t.how, 1,
                     &t.drop);
        for (size_t k = 0; k < t.qkv_size; ++k)
            cr_expect((t.dqkv[k] != mark) == (k % H / D == 1), "%s: dqkv[%zu]", way.name, k);
        for (size_t k = 0; k < t.ctx_size; ++k)
            cr_expect((t.ctx[k] != mark) == (k % H / D == 1), "%s: ctx[%zu]", way.name, k);
        for (size_t k = 0; k < S * N; ++k)
            cr_expect((t.lse[k] != mark) == (k % N == 1), "%s: lse[%zu]", way.name, k);
        for (size_t k = 0; k < t.bias_size; ++k) { /* the reach is two more than any distance */
            const size_t head = k / (2 * t.how.reach - 1), at = k % (2 * t.how.reach - 1);
            cr_expect((t.dbias[k] != 0) == (head == 1 && at >= 2 && at < 2 * t.how.reach - 3),
                      "%s: dbias[%zu]", way.name, k);
        }
        free(scratch);
        trial_close(&t);
    }
}
