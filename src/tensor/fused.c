/* Which of the compiled fused passes this processor runs: see fused.h. */
#include "tensor/fused.h"

#include <stddef.h>

#if defined(INK_HAVE_AVX512)
extern const ink__fused ink__fused_avx512, ink__fused_avx512vnni;
#endif
#if defined(INK_HAVE_AVX2)
extern const ink__fused ink__fused_avx2;
#endif
extern const ink__fused ink__fused_generic;

const ink__fused *ink__fused_at(size_t i)
{
    const ink__fused *found[4];
    size_t n = 0;
#if defined(INK_HAVE_AVX512)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        if (__builtin_cpu_supports("avx512vnni"))
            found[n++] = &ink__fused_avx512vnni;
        found[n++] = &ink__fused_avx512;
    }
#endif
#if defined(INK_HAVE_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found[n++] = &ink__fused_avx2;
#endif
    found[n++] = &ink__fused_generic;
    return i < n ? found[i] : NULL;
}

const ink__fused *ink__fused_best(void)
{
    return ink__fused_at(0);
}
