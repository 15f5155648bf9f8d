/* Writing a model back: see inkling/model.h. Weights keep their names, dtypes and bytes, so that a file the
 * reference writer made comes back the same. */
#include "core/memory.h"
#include "io/file.h"
#include "model/companions.h"
#include "model/model.h"

#include <stdlib.h>

ink_status ink_model_save(const ink_model *model, const char *dir, ink_error *err)
{
    if (!model || !dir)
        return ink_fail(err, INK_E_ARG, "ink_model_save: model and dir may not be NULL");
    if (ink__same_directory(dir, model->dir))
        return ink_fail(err, INK_E_ARG, "%s: is the model's own directory, wanted another", dir);
    INK_TRY(ink__companions_copy(dir, model->dir, INK__WITH_WEIGHTS, err));
    const size_t n = ink__tensors_count(model->tensors);
    ink__tensor *tensors = NULL;
    char *path = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__calloc(&tensors, n, sizeof *tensors, "tensors", err));
    for (size_t i = 0; i < n; ++i)
        tensors[i] = *ink__tensors_at(model->tensors, i);
    INK_TRY_GOTO(ink__path_join(&path, dir, "model.safetensors", err));
    st = ink__tensors_write(path, tensors, n, err);
done:
    free(tensors);
    free(path);
    return st;
}
