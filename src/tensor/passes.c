/* Which of the compiled passes of training this processor runs: see nn/passes.h. The i-th goes with the i-th
 * of tensor/fused.h, as both are compiled for the same instruction sets. */
#include "nn/passes.h"

#include "tensor/fused.h"

#include <string.h>

#if defined(INK_HAVE_AVX512)
extern const ink__passes ink__passes_avx512, ink__passes_avx512vnni;
#endif
#if defined(INK_HAVE_AVX2)
extern const ink__passes ink__passes_avx2;
#endif
extern const ink__passes ink__passes_generic;

const ink__passes *ink__passes_at(size_t i)
{
    static const ink__passes *const compiled[] = {
#if defined(INK_HAVE_AVX512)
        &ink__passes_avx512vnni,
        &ink__passes_avx512,
#endif
#if defined(INK_HAVE_AVX2)
        &ink__passes_avx2,
#endif
        &ink__passes_generic,
    };
    const ink__fused *fused = ink__fused_at(i);
    if (!fused)
        return NULL;
    for (size_t k = 0; k < sizeof compiled / sizeof *compiled; ++k)
        if (strcmp(compiled[k]->isa, fused->isa) == 0)
            return compiled[k];
    return NULL;
}

const ink__passes *ink__passes_best(void)
{
    return ink__passes_at(0);
}
