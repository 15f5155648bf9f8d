/* Products by shape: see products.h. */
#include "model/products.h"

ink_status ink__products_create(ink__products *products, const ink__lane *lane, ink_error *err)
{
    const ink__weights *w = lane->e->weights;
    for (ink__shape shape = 0; shape < INK__SHAPES; ++shape) {
        size_t in, out;
        bool floats, int8;
        ink__shape_size(&in, &out, shape, lane->e->config);
        ink__weights_shapes(&floats, &int8, w, shape);
        if (out > 0 && floats)
            INK_TRY(ink__product_create(&products->of[shape], w->engine, in, out, lane->threads, err));
        if (out > 0 && int8)
            INK_TRY(ink__product_create_int8(&products->int8[shape], w->engine, in, out, lane->threads, err));
    }
    return INK_OK;
}

void ink__products_free(ink__products *products)
{
    for (ink__shape shape = 0; shape < INK__SHAPES; ++shape)
        ink__product_free(products->of[shape]), ink__product_free(products->int8[shape]);
}

ink_status ink__products_run(float *y, const ink__products *products, const ink__linear *linear,
                             const float *x, size_t R, ink__epilogue *epilogue, void *context, ink_error *err)
{
    ink__product *product = products->of[linear->shape];
    for (size_t first = 0, block; first < R; first += block) {
        block = ink__product_block(product, R - first);
        float *y_block = y + first * linear->out; /* [block,out] */
        INK_TRY(ink__product_run(y_block, product, x + first * linear->in, linear->W, linear->b, block, err));
        if (epilogue)
            INK_TRY(epilogue(y_block, first, R - first < block ? R - first : block, context, err));
    }
    return INK_OK;
}
