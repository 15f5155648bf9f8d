/* Directories in 8 bits: a quarter of the size of weights in F32, and linear layers two to four times faster.
 */
#ifndef INKLING_QUANTIZE_H
#define INKLING_QUANTIZE_H

#include <inkling/base.h>
#include <inkling/evaluate.h>
#include <inkling/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ink_quantize_options {
    uint32_t version; /* 1 */
    /* Labelled records on which the model is measured before and after; compare is not looked at. NULL:
     * nothing is measured. */
    const ink_evaluate_options *check;
    /* Points that the first metric of the evaluation may fall by. A point is 0.01 of a metric of which more
     * is better, and one percent of what it was before of an error. */
    double max_drop;
} ink_quantize_options;
#define INK_QUANTIZE_OPTIONS_INIT                                                                            \
    {                                                                                                        \
        1, NULL, 0.5                                                                                         \
    }

/* What came of it. */
typedef struct ink_quantized {
    uint64_t bytes_before, bytes_after; /* of the weights */
    size_t matrices;                    /* that are in 8 bits now */
    ink_evaluation *evaluation; /* the model's, compared with the new one's; NULL: nothing was measured.
                                 * ink_evaluation_free() it, also after INK_E_NUMERIC. */
    double drop;                /* points, see max_drop; below 0: it got better */
    bool slow;                  /* measured by the definition of 8-bit products: those of this processor are
                                 * not exact, and opened here the directory computes in floats */
} ink_quantized;

/* Writes a model of floats to dir, which appears whole or not at all, with matrices (the layers', the
 * embeddings and the head's inner one) as I8 and beside NAME its NAME.scale as F32, a factor for each row.
 * Vectors and the layer that ends in labels keep their type; the tokenizer's files are copied; what belongs
 * to other heads is left out. config.json says quantization_config.method "inkling_int8", by which
 * transformers refuses the directory rather than read it wrongly.
 *
 * With check, the model must compute in floats; the new one, opened from its files, is measured beside it,
 * and there is no directory where it has lost more than max_drop.
 *
 * INK_E_ARG      the model is in 8 bits already, or with check computes in them; max_drop is not a number
 * INK_E_IO       dir is there already, or cannot be written
 * INK_E_NUMERIC  a weight is not finite, by its name; the first metric fell by more than max_drop, or is
 *                undefined
 * others         as ink_evaluate */
INK_API INK_NODISCARD ink_status ink_quantize(ink_quantized *result, const ink_model *model, const char *dir,
                                              const ink_quantize_options *options, ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
