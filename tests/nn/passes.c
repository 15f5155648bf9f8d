/* The tables of passes: which there are, and that none is missing a function. */
#include "nn/passes.h"
#include "tensor/fused.h"

#include <criterion/criterion.h>

#include <string.h>

static void is_complete(const ink__passes *p)
{
    cr_expect(p->activate && p->activate_backward && p->gate && p->gate_backward, "%s", p->isa);
    cr_expect(p->norm && p->norm_backward && p->norm_gradients && p->column_sums, "%s", p->isa);
    cr_expect(p->dropout_add && p->cross_entropy_row && p->sum_squares && p->adamw && p->adam && p->sgd, "%s",
              p->isa);
}

Test(passes, there_is_a_complete_table_for_each_of_the_fused_ones)
{
    size_t k = 0;
    for (; ink__fused_at(k); ++k) {
        cr_assert(ink__passes_at(k), "%s", ink__fused_at(k)->isa);
        cr_expect(strcmp(ink__passes_at(k)->isa, ink__fused_at(k)->isa) == 0, "%s beside %s",
                  ink__passes_at(k)->isa, ink__fused_at(k)->isa);
        is_complete(ink__passes_at(k));
    }
    cr_expect(!ink__passes_at(k) && !ink__passes_at(k + 7));
    cr_expect(ink__passes_best() == ink__passes_at(0));
    is_complete(&ink__passes_ref);
    cr_expect(strcmp(ink__passes_ref.isa, "ref") == 0);
}
