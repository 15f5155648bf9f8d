/* Learning-rate schedules against the numbers of transformers 5.23's functions of the same names
 * (trapezoidal: get_wsd_schedule with decay_type="linear" and num_decay_steps a fifth), learning rate 3e-5.
 */
#include "train/schedule.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static ink_error err;

Test(schedule, factors_are_those_of_transformers)
{
    static const struct {
        const char *name;
        uint64_t total;
        double ratio;
        uint64_t warmup;
        double factors[6]; /* of updates 0, 1, total/2, total-4, total-1, total */
    } cases[] = {
        {"linear", 10, 0.0, 0, {1.0, 0.9, 0.5, 0.4, 0.1, 0.0}},
        {"cosine",
         10,
         0.0,
         0,
         {1.0, 0.9755282581475768, 0.5, 0.34549150281252633, 0.024471741852423234, 0.0}},
        {"constant", 10, 0.0, 0, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0}},
        {"polynomial",
         10,
         0.0,
         0,
         {1.0, 0.9003333333333333, 0.5016666666666667, 0.402, 0.10299999999999997, 0.003333333333333333}},
        {"trapezoidal", 10, 0.0, 0, {1.0, 1.0, 1.0, 1.0, 0.5, 0.0}},
        {"linear", 17, 0.1, 2, {0.0, 0.5, 0.6, 0.26666666666666666, 0.06666666666666667, 0.0}},
        {"cosine",
         17,
         0.1,
         2,
         {0.0, 0.5, 0.6545084971874737, 0.16543469682057105, 0.010926199633097156, 0.0}},
        {"constant", 17, 0.1, 2, {0.0, 0.5, 1.0, 1.0, 1.0, 1.0}},
        {"polynomial",
         17,
         0.1,
         2,
         {0.0, 0.5, 0.6013333333333333, 0.2691111111111112, 0.06977777777777776, 0.003333333333333333}},
        {"trapezoidal", 17, 0.1, 2, {0.0, 0.5, 1.0, 1.0, 0.25, 0.0}},
        {"linear",
         1000,
         0.06,
         60,
         {0.0, 0.016666666666666666, 0.5319148936170213, 0.00425531914893617, 0.0010638297872340426, 0.0}},
        {"cosine",
         1000,
         0.06,
         60,
         {0.0, 0.016666666666666666, 0.5500478458120492, 4.46783948109819e-05, 2.7924386640787446e-06, 0.0}},
        {"constant", 1000, 0.06, 60, {0.0, 0.016666666666666666, 1.0, 1.0, 1.0, 1.0}},
        {"polynomial",
         1000,
         0.06,
         60,
         {0.0, 0.016666666666666666, 0.5334751773049645, 0.00757446808510639, 0.004393617021276624,
          0.003333333333333333}},
        {"trapezoidal",
         1000,
         0.06,
         60,
         {0.0, 0.016666666666666666, 1.0, 0.020000000000000018, 0.0050000000000000044, 0.0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        ink__schedule_kind kind;
        ink__schedule schedule;
        const uint64_t total = cases[i].total;
        const uint64_t steps[] = {0, 1, total / 2, total - 4, total - 1, total};
        cr_assert(ink__schedule_find(&kind, cases[i].name, &err) == INK_OK);
        cr_assert(ink__schedule_start(&schedule, kind, total, cases[i].ratio, 3e-5, &err) == INK_OK);
        cr_expect(schedule.warmup == cases[i].warmup, "%s: %d updates of warm-up", cases[i].name,
                  (int)schedule.warmup);
        for (size_t j = 0; j < 6; ++j) {
            const double factor = ink__schedule_factor(&schedule, steps[j]);
            /* Rounding apart: a cosine's argument is multiplied in another order there. */
            cr_expect(fabs(factor - cases[i].factors[j]) < 1e-15,
                      "%s over %d, update %d: %.17g, wanted %.17g", cases[i].name, (int)total, (int)steps[j],
                      factor, cases[i].factors[j]);
        }
    }
}

Test(schedule, the_shortest_runs_have_factors_too)
{
    for (int kind = INK__LINEAR; kind <= INK__TRAPEZOIDAL; ++kind)
        for (uint64_t total = 0; total < 8; ++total)
            for (double ratio = 0; ratio <= 1; ratio += 0.25) {
                ink__schedule schedule;
                cr_assert(ink__schedule_start(&schedule, (ink__schedule_kind)kind, total, ratio, 1e-3,
                                              &err) == INK_OK);
                cr_expect(schedule.warmup + schedule.decay <= total);
                for (uint64_t step = 0; step < total + 3; ++step) {
                    const double factor = ink__schedule_factor(&schedule, step);
                    cr_expect(factor >= 0 && factor <= 1, "kind %d, %d updates, warm-up %g, update %d: %g",
                              kind, (int)total, ratio, (int)step, factor);
                }
            }
}

Test(schedule, what_cannot_be_is_refused)
{
    ink__schedule_kind kind;
    ink__schedule schedule;
    cr_expect(ink__schedule_find(&kind, "cosinus", &err) == INK_E_ARG);
    cr_expect(strstr(err.text,
                     "\"cosinus\" is no learning-rate schedule; there are linear, cosine, constant, "
                     "polynomial, trapezoidal"),
              "%s", err.text);
    static const double bad[] = {-0.1, 1.1, NAN};
    for (size_t i = 0; i < 3; ++i) {
        cr_expect(ink__schedule_start(&schedule, INK__LINEAR, 10, bad[i], 1, &err) == INK_E_ARG);
        cr_expect(strstr(err.text, "wanted 0 to 1"), "%s", err.text);
    }
    cr_expect(ink__schedule_start(&schedule, INK__POLYNOMIAL, 10, 0, 1e-7, &err) == INK_E_ARG);
    cr_expect(strstr(err.text, "a learning rate of 1e-07 cannot fall to the 1e-07"), "%s", err.text);
}
