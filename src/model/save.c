/* Writing a model back: see inkling/model.h. Weights keep their names, dtypes and bytes, so that a file the
 * reference writer made comes back the same. */
#include "io/file.h"
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What makes a directory open again, where the original has it. */
static const char *const companions[] = {
    "config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spiece.model",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
};

/* Makes dir/1_Pooling for a file in it. */
static ink_status make_folder(const char *dir, const char *name, ink_error *err)
{
    const char *slash = strchr(name, '/');
    char *path;
    if (!slash)
        return INK_OK;
    INK_TRY(ink__path_join(&path, dir, name, err));
    path[strlen(path) - strlen(slash)] = '\0';
    const bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    const ink_status st = made ? INK_OK : ink__fail_errno(err, path, "cannot be made");
    free(path);
    return st;
}

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
    struct stat to, from;
    if (stat(dir, &to) == 0 && stat(model->dir, &from) == 0 && to.st_dev == from.st_dev &&
        to.st_ino == from.st_ino)
        return ink_fail(err, INK_E_ARG, "%s: is the model's own directory, wanted another", dir);
    for (size_t i = 0; i < sizeof companions / sizeof *companions; ++i)
        if (ink__file_exists(model->dir, companions[i])) {
            INK_TRY(make_folder(dir, companions[i], err));
            INK_TRY(copy_file(dir, model->dir, companions[i], err));
        }
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
