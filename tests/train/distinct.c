/* Different texts and their numbers, also when digests share their lower half and the table grows. */
#include "train/distinct.h"

#include <criterion/criterion.h>

enum { MANY = 5000 };

/* Each eighth text shares its lower half with seven others. */
static ink__digest digest_of(uint64_t i)
{
    return (ink__digest){.low = i / 8 * 0x9E3779B97F4A7C15u, .high = i};
}

Test(distinct, texts_are_numbered_in_the_order_in_which_they_come)
{
    ink__distinct texts = {0};
    ink_error err;
    uint32_t number;
    cr_expect(ink__distinct_find(&texts, digest_of(0)) == UINT32_MAX, "nothing is in an empty set");
    for (int round = 0; round < 2; ++round)
        for (uint32_t i = 0; i < MANY; ++i) {
            cr_assert(ink__distinct_add(&number, &texts, digest_of(i), &err) == INK_OK, "%s", err.text);
            cr_assert(number == i, "round %d: text %u has number %u", round, i, number);
        }
    cr_expect(texts.n == MANY, "%zu texts", texts.n);
    for (uint32_t i = 0; i < MANY; ++i)
        cr_assert(ink__distinct_find(&texts, digest_of(i)) == i, "text %u", i);
    cr_expect(ink__distinct_find(&texts, digest_of(MANY)) == UINT32_MAX);
    ink__distinct_free(&texts);
    cr_expect(texts.n == 0 && !texts.slots);
}
