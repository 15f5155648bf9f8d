/* The fused passes for one instruction set: compiled several times, with INK_LANES and INK_ISA set by
 * src/CMakeLists.txt. */
#include "attention/attention_fused.h"
#include "attention/attention_int8_fused.h"
#include "nn/quantize_fused.h"
#include "nn/rows_fused.h"
#include "tensor/fused.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define TEXT_(x)    #x
#define TEXT(x)     TEXT_(x)

extern const ink__fused JOIN(ink__fused_, INK_ISA);

const ink__fused JOIN(ink__fused_, INK_ISA) = {
    .isa = TEXT(INK_ISA),
    .activate = fused_activate,
    .gate = fused_gate,
    .add_layernorm = fused_add_layernorm,
    .quantize = fused_quantize,
    .dequantize = fused_dequantize,
    .dequantize_add_layernorm = fused_dequantize_add_layernorm,
    .dequantize_activate = fused_dequantize_activate,
    .dequantize_gate = fused_dequantize_gate,
    .attend = fused_attend,
    .attend_scratch = fused_attend_scratch,
#if defined(INK_HAVE_ATTEND_INT8)
    .attend_int8 = fused_attend_int8,
    .attend_int8_scratch = fused_attend_int8_scratch,
#endif
};
