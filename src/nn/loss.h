/* Losses over the logits of a head. Each is a sum over the B sequences given, divided by norm, the divisor of
 * the whole update: so an update may come in chunks whose losses and gradients simply add up. Each returns
 * its share of the loss and overwrites dz [B,C], the share's gradient; dz may be z. norm > 0. Inside, all is
 * double; logits of any size are safe, and a NaN among a row's logits makes the loss NaN. */
#ifndef INK_NN_LOSS_H
#define INK_NN_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cross-entropy with class weights and label smoothing (Szegedy et al., arXiv 1512.00567), as in PyTorch.
 * With p = softmax_C(z), and w = 1 where weights [C] is NULL:
 *
 *   loss += (1 - smoothing) w_y (-log p_y) + smoothing/C sum_c w_c (-log p_c)        y = labels[b]
 *
 * A row whose label is negative is left out. norm = sum_b w_{y_b}, of ink_label_weight, makes PyTorch's mean:
 * the smoothed part, too, is divided by the weights of the labels. */
double ink_cross_entropy(float *dz, const float *z, const int32_t *labels, const float *weights,
                         double smoothing, double norm, size_t B, size_t C);
double ink_label_weight(const int32_t *labels, const float *weights, size_t B);

/* One row over many classes, in float where ink_cross_entropy is double: z [V] becomes scale * (softmax(z) -
 * [v = y]), and -log softmax(z)_y is returned. *first: no logit is above that of y. */
double ink_cross_entropy_row(float *z, bool *first, size_t y, float scale, size_t V);

/* Binary cross-entropy for labels that do not exclude each other; targets [B,C] in [0,1], s the logistic
 * function, a = 1 where positive [C], the weights of the positives, is NULL:
 *
 *   loss += sum_c a_c y_c (-log s(z_c)) + (1 - y_c) (-log s(-z_c))
 *
 * norm = B*C makes PyTorch's mean. */
double ink_binary_cross_entropy(float *dz, const float *z, const float *targets, const float *positive,
                                double norm, size_t B, size_t C);

/* Of n numbers: loss += (z - y)^2, and |z - y| whose derivative at 0 is 0. norm = n makes the mean. */
double ink_squared_error(float *dz, const float *z, const float *targets, double norm, size_t n);
double ink_absolute_error(float *dz, const float *z, const float *targets, double norm, size_t n);

/* Distillation (Hinton, Vinyals and Dean, arXiv 1503.02531): with q, p = softmax_C of teacher / T and z / T,
 *
 *   loss += T^2 sum_c q_c log(q_c / p_c)
 *
 * whose gradient T (p - q) keeps its size whatever T is. norm = B makes the mean over sequences. */
double ink_distillation(float *dz, const float *z, const float *teacher, double T, double norm, size_t B,
                        size_t C);

/* The same for labels that do not exclude each other: with q, p = s of teacher / T and z / T,
 *
 *   loss += T^2 sum_c q_c log(q_c / p_c) + (1 - q_c) log((1 - q_c) / (1 - p_c))      dz_c = T (p_c - q_c)
 *
 * norm = B*C makes the mean. */
double ink_binary_distillation(float *dz, const float *z, const float *teacher, double T, double norm,
                               size_t B, size_t C);

#endif
