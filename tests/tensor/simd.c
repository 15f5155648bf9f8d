/* The fused passes' vector functions against libm, here with vectors of 4 lanes, and the choice of
 * instruction set. The same functions at 8 and 16 lanes run behind nn/activation.c and attention/attention.c.
 */
#define INK_LANES 4
#include "tensor/simd.h"
#include "support/numbers.h"
#include "tensor/fused.h"

#include <float.h>
#include <math.h>

/* f of x alone; the other lanes hold something else. */
static float one(vf (*f)(vf), float x)
{
    return f((vf){0.3f, x, -7.0f, 100.0f})[1];
}

/* Calls check with every float of a grid: `steps` to each side of zero up to `limit`, and all powers of two
 * with their neighbours below it. */
static void sweep(float limit, int steps, void (*check)(float x))
{
    for (int i = 0; i <= steps; ++i)
        check(limit * (float)i / (float)steps), check(-limit * (float)i / (float)steps);
    for (float x = FLT_TRUE_MIN; x <= limit; x *= 2)
        for (int k = -1; k <= 1; ++k) {
            const float near = k < 0 ? nextafterf(x, 0) : k > 0 ? nextafterf(x, limit) : x;
            check(near), check(-near);
        }
}

static double worst;
static float worst_at;

static void note(double error, float x)
{
    if (!(error <= worst))
        worst = error, worst_at = x;
}

static void exp2_error(float x)
{
    if (x >= -126) {
        const double exact = exp2((double)x);
        note(fabs(one(v_exp2, x) - exact) / exact, x);
    }
}

Test(simd, exp2_is_within_2e_7_of_libm)
{
    sweep(127, 300007, exp2_error);
    /* The bound that simd.h states; worst seen 1.0e-7. */
    cr_expect(worst < 2e-7, "relative error %g at %a", worst, worst_at);
}

Test(simd, exp2_of_whole_numbers_is_exact)
{
    for (int n = -126; n <= 127; ++n)
        cr_expect(one(v_exp2, (float)n) == ldexpf(1, n), "2^%d is %a", n, one(v_exp2, (float)n));
}

Test(simd, exp2_is_nothing_below_the_smallest_normal_number)
{
    static const float low[] = {-126.00001f, -126.5f, -127, -1000, -1e30f, -FLT_MAX, -INFINITY};
    for (size_t i = 0; i < sizeof low / sizeof *low; ++i)
        cr_expect(one(v_exp2, low[i]) == (low[i] < -126 ? 0 : FLT_MIN), "2^%g is %a", low[i],
                  one(v_exp2, low[i]));
}

static void erf_error(float x)
{
    note(fabs(one(v_erf, x) - erf((double)x)), x);
    if (bits_from(one(v_erf, x)) != (bits_from(one(v_erf, -x)) ^ 0x80000000))
        note(INFINITY, x);
}

Test(simd, erf_is_odd_and_within_4e_7_of_libm)
{
    sweep(6, 300007, erf_error);
    /* The bound that simd.h states; worst seen 3.5e-7. */
    cr_expect(worst < 4e-7, "error %g at %a", worst, worst_at);
}

/* Exactly: a large negative x times 1 + erf would else not vanish in GELU. */
Test(simd, erf_and_tanh_reach_one_exactly)
{
    static const float far[] = {3.92f, 4, 17, 1e10f, FLT_MAX, INFINITY};
    for (size_t i = 0; i < sizeof far / sizeof *far; ++i) {
        cr_expect(one(v_erf, far[i]) == 1 && one(v_erf, -far[i]) == -1, "erf at %g", far[i]);
        if (far[i] > 10)
            cr_expect(one(v_tanh, far[i]) == 1 && one(v_tanh, -far[i]) == -1, "tanh at %g", far[i]);
    }
}

static void tanh_error(float x)
{
    note(fabs(one(v_tanh, x) - tanh((double)x)), x);
}

Test(simd, tanh_is_within_3e_7_of_libm)
{
    sweep(12, 300007, tanh_error);
    /* The bound that simd.h states; worst seen 1.8e-7. */
    cr_expect(worst < 3e-7, "error %g at %a", worst, worst_at);
}

Test(simd, a_nan_stays_one_whatever_its_bits)
{
    for (uint32_t payload = 1; payload < 1 << 23; payload += payload < 2048 ? 1 : 4099)
        for (uint32_t sign = 0; sign <= 1; ++sign) {
            const float x = float_from(0x7F800000 | payload | sign << 31);
            cr_assert(isnan(one(v_exp2, x)) && isnan(one(v_erf, x)) && isnan(one(v_tanh, x)), "payload %X",
                      payload);
        }
}

Test(simd, a_part_of_a_vector_loads_and_stores_alone)
{
    for (size_t n = 0; n < VL; ++n) {
        float *x = random_floats(n, 1, 3), y[VL] = {9, 9, 9, 9}; /* x [n] exactly */
        const vf part = v_load_part(x, n);
        v_store_part(y, part + v_set(0), n);
        for (size_t i = 0; i < VL; ++i) {
            cr_expect(part[i] == (i < n ? x[i] : 0), "lane %zu of %zu", i, n);
            cr_expect(y[i] == (i < n ? x[i] : 9), "element %zu of %zu", i, n);
        }
        free(x);
    }
}

Test(simd, selection_sum_and_extremes_are_lane_by_lane)
{
    const vf a = {1, -2, 3e8f, NAN}, b = {-1, 5, -3e8f, 7};
    const vf high = v_max(a, b), low = v_min(a, b), set = v_set(-0.0f);
    cr_expect(high[0] == 1 && high[1] == 5 && high[2] == 3e8f && high[3] == 7,
              "a NaN on the left is passed over");
    cr_expect(low[0] == -1 && low[1] == -2 && low[2] == -3e8f && low[3] == 7);
    cr_expect(isnan(v_max(b, a)[3]), "one on the right is not");
    cr_expect(v_sum((vf){1e8f, 1, -1e8f, 2}) == 3, "by halves: (1e8 - 1e8) + (1 + 2)");
    for (int i = 0; i < VL; ++i)
        cr_expect(set[i] == 0 && signbit(set[i]), "minus zero is kept");
}

Test(simd, a_transposed_tile_has_rows_for_columns)
{
    vf row[VL];
    for (int i = 0; i < VL; ++i)
        for (int k = 0; k < VL; ++k)
            row[i][k] = (float)(10 * i + k);
    v_transpose(row);
    for (int i = 0; i < VL; ++i)
        for (int k = 0; k < VL; ++k)
            cr_expect(row[i][k] == (float)(10 * k + i), "[%d][%d] is %g", i, k, row[i][k]);
}

Test(simd, instruction_sets_are_listed_best_first)
{
    static const char *const order[] = {"avx512vnni", "avx512", "avx2", "generic"};
    enum { SETS = sizeof order / sizeof *order };
    size_t n = 0, next = 0;
    for (const ink__fused *fused; (fused = ink__fused_at(n)); ++n) {
        while (next < SETS && strcmp(order[next], fused->isa) != 0)
            ++next;
        cr_expect(next++ < SETS, "%s is unknown or out of order", fused->isa);
        cr_expect(fused->activate && fused->add_layernorm && fused->attend && fused->attend_scratch);
        cr_expect(!fused->attend_int8 == !fused->attend_int8_scratch);
    }
    cr_assert(n >= 1 && !ink__fused_at(n + 1));
    cr_expect(ink__fused_best() == ink__fused_at(0));
    cr_expect(strcmp(ink__fused_at(n - 1)->isa, "generic") == 0, "the plainest runs everywhere");
}
