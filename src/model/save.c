/* Writing a model back: see inkling/model.h. Weights keep their names, dtypes and bytes, so that a file the
 * reference writer made comes back the same. */
#include "io/file.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* What makes a directory open again, where the original has it. */
static const char *const companions[] = {
    "config.json",  "vocab.txt",         "tokenizer.json",          "tokenizer_config.json",
    "modules.json", "added_tokens.json", "special_tokens_map.json", "sentence_bert_config.json",
};

static ink_status copy_file(const char *to_dir, const char *from_dir, const char *name, ink_error *err)
{
    char *from = NULL, *to = NULL;
    ink__map map = {0};
    ink__atomic *file = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__path_join(&from, from_dir, name, err));
    INK_TRY_GOTO(ink__path_join(&to, to_dir, name, err));
    INK_TRY_GOTO(ink__map_open(&map, from, err));
    INK_TRY_GOTO(ink__atomic_open(&file, to, err));
    INK_TRY_GOTO(ink__atomic_write(file, map.data, map.size, err));
    st = ink__atomic_commit(file, err);
done:
    ink__atomic_free(file);
    ink__map_close(&map);
    free(from);
    free(to);
    return st;
}

ink_status ink_model_save(const ink_model *model, const char *dir, ink_error *err)
{
    if (!model || !dir)
        return ink_fail(err, INK_E_ARG, "ink_model_save: model and dir may not be NULL");
    for (size_t i = 0; i < sizeof companions / sizeof *companions; ++i)
        if (ink__file_exists(model->dir, companions[i]))
            INK_TRY(copy_file(dir, model->dir, companions[i], err));
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
