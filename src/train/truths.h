/* What a record's labels mean to a model: names become places among its labels, numbers become values. */
#ifndef INK_TRAIN_TRUTHS_H
#define INK_TRAIN_TRUTHS_H

#include "io/records.h"

#include <inkling/model.h>

typedef struct ink__truths {
    ink_activation kind;
    const char *const *names; /* [C] borrowed */
    size_t C;
    size_t *sorted; /* [C] places of names, in byte order of the names */
} ink__truths;

ink_status ink__truths_create(ink__truths *truths, ink_activation kind, const char *const *names, size_t C,
                              ink_error *err);
void ink__truths_free(ink__truths *truths);

/* Place of a name, or SIZE_MAX. */
size_t ink__truths_find(const ink__truths *truths, const char *name, size_t len);

/* Each says what the n labels of one record mean; INK_E_FORMAT, in a sentence without a place, where they
 * mean nothing. *one: softmax, exactly one known label. set [C]: sigmoid, 1 for each that is named. *value:
 * none, a decimal number that a float can hold. */
ink_status ink__truths_one(int32_t *one, const ink__truths *truths, const ink__string *labels, size_t n,
                           ink_error *err);
ink_status ink__truths_set(uint8_t *set, const ink__truths *truths, const ink__string *labels, size_t n,
                           ink_error *err);
ink_status ink__truths_value(double *value, const ink__string *labels, size_t n, ink_error *err);

#endif
