/* Drawing one of many by weight. */
#ifndef INK_NN_DRAW_H
#define INK_NN_DRAW_H

#include <stddef.h>

/* The index that u in [0,1) falls on when weights w [n] are laid end to end over [0,1): each comes with its
 * share of their sum, which is above 0. Weights below 0 by rounding do no harm. */
size_t ink_draw(const float *w, float u, size_t n);

#endif
