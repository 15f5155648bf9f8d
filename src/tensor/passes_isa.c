/* The passes of training for one instruction set: compiled several times, with INK_LANES and INK_ISA set by
 * src/CMakeLists.txt. */
#include "attention/attention_grad_fused.h"
#include "nn/dropout_fused.h"
#include "nn/loss_fused.h"
#include "nn/update_fused.h"
#include "nn/passes.h"
#include "nn/rows_grad_fused.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define TEXT_(x)    #x
#define TEXT(x)     TEXT_(x)

extern const ink__passes JOIN(ink__passes_, INK_ISA);

const ink__passes JOIN(ink__passes_, INK_ISA) = {
    .isa = TEXT(INK_ISA),
    .activate = fused_activate_to,
    .activate_backward = fused_activate_backward,
    .gate = fused_gate,
    .gate_backward = fused_gate_backward,
    .norm = fused_norm,
    .norm_backward = fused_norm_backward,
    .norm_gradients = fused_norm_gradients,
    .column_sums = fused_column_sums,
    .dropout_add = fused_dropout_add,
    .attend = fused_attend_train,
    .attend_backward = fused_attend_backward,
    .attend_scratch = fused_attend_train_scratch,
    .cross_entropy_row = fused_cross_entropy_row,
    .sum_squares = fused_sum_squares,
    .adamw = fused_adamw,
    .decay = fused_decay,
    .adam = fused_adam,
    .sgd = fused_sgd,
};
