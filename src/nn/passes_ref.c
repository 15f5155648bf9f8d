/* The passes of training by their definitions: see passes.h. */
#include "nn/passes.h"

#include "nn/layernorm.h"
#include "nn/linear.h"

const ink__passes ink__passes_ref = {
    .isa = "ref",
    .activate = ink_activation_forward,
    .activate_backward = ink_activation_backward,
    .gate = ink_gate_forward,
    .gate_backward = ink_gate_backward,
    .norm = ink_layernorm_train,
    .norm_backward = ink_layernorm_backward,
    .norm_gradients = ink_layernorm_gradients,
    .column_sums = ink_linear_bias_gradient,
    .dropout_add = ink_dropout_add,
    .attend = ink_attention_train_ref,
    .attend_backward = ink_attention_backward_ref,
    .attend_scratch = ink_attention_train_scratch_ref,
    .cross_entropy_row = ink_cross_entropy_row,
    .sum_squares = ink_sum_squares,
    .adamw = ink_adamw,
    .decay = ink_decay,
    .adam = ink_adam,
    .sgd = ink_sgd,
};
