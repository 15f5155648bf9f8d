/* Telling replaced tokens: see replaced_head.h. */
#include "train/replaced_head.h"
#include "nn/linear.h"
#include "nn/loss.h"

static void carve(ink_arena *arena, void *buffers, const void *dims)
{
    ink__replaced_head *h = buffers;
    const size_t R = ink__round_rows(h->network->max_rows), row = sizeof(float);
    (void)dims;
    h->u = ink_arena_bytes(arena, R, h->network->config->H * row);
    h->a = ink_arena_bytes(arena, R, h->network->config->H * row);
    h->z = ink_arena_bytes(arena, R, row);
    h->y = ink_arena_bytes(arena, R, row);
}

ink_status ink__replaced_head_create(ink__replaced_head *head, ink__network *network, ink_error *err)
{
    *head = (ink__replaced_head){.network = network};
    return ink_arena_plan(&head->arena, carve, head, NULL, err);
}

void ink__replaced_head_free(ink__replaced_head *head)
{
    ink_arena_free(&head->arena);
    *head = (ink__replaced_head){0};
}

static void count(ink__judgements *judgements, const ink__replaced_head *h, size_t R)
{
    for (size_t r = 0; r < R; ++r) {
        const bool was = h->y[r] > 0, said = h->z[r] > 0;
        judgements->replaced += was, judgements->found += was && said;
        judgements->right += was == said;
    }
}

/* The last layer is so narrow that the plain products do. h->a becomes its own gradient. */
static void backward_last(ink__replaced_head *h, size_t R)
{
    ink__network *net = h->network;
    const size_t H = net->config->H;
    const float *w = ink__store_value(net->store, INK__REPLACED_OUT_W, 0); /* [1,H] */
    float *dw = ink__store_gradient(net->store, INK__REPLACED_OUT_W, 0);   /* [1,H] */
    ink_linear_bias_gradient(ink__store_gradient(net->store, INK__REPLACED_OUT_B, 0), h->z, R, 1, 0, 1);
    ink_linear_gradient(dw, h->z, h->a, R, H, 1);
    ink_linear_backward(h->a, h->z, w, R, H, 1);
}

ink_status ink__replaced_head_run(ink__judgements *judgements, ink__replaced_head *h, const int32_t *ids,
                                  const int32_t *originals, size_t R, double divisor, bool learn,
                                  ink_error *err)
{
    ink__network *net = h->network;
    const ink__config *c = net->config;
    const ink__affine dense = ink__network_affine(net, INK__SHAPE_SQUARE, INK__REPLACED_DENSE_W, 0);
    *judgements = (ink__judgements){0};
    INK_TRY(ink__affine_forward(h->u, net, &dense, net->x, R, err));
    ink__rows_activate(h->a, net, h->u, c->activation, R, c->H);
    ink_linear_forward(h->z, h->a, ink__store_value(net->store, INK__REPLACED_OUT_W, 0),
                       ink__store_value(net->store, INK__REPLACED_OUT_B, 0), R, c->H, 1);
    for (size_t r = 0; r < R; ++r)
        h->y[r] = ids[r] != originals[r];
    count(judgements, h, R);
    judgements->loss = ink_binary_cross_entropy(h->z, h->z, h->y, NULL, divisor, R, 1);
    if (!learn)
        return INK_OK;
    backward_last(h, R);
    ink__rows_activate_backward(h->a, net, h->a, h->u, c->activation, R, c->H);
    return ink__affine_backward(net->x, net, &dense, h->a, net->x, R, err);
}
