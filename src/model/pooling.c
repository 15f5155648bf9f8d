/* How a directory of sentence-transformers makes one vector of many: see model.h. The files are described at
 * https://www.sbert.net/docs/package_reference/sentence_transformer/models.html */
#include "io/file.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

static ink_status read_pooling(ink_model *model, const char *path, ink_error *err)
{
    static const struct {
        const char *flag, *name; /* older files have a flag for each, newer ones name one */
        ink_pooling pooling;     /* AUTO: not done */
    } modes[] = {
        {"pooling_mode_cls_token", "cls", INK_POOLING_CLS},
        {"pooling_mode_mean_tokens", "mean", INK_POOLING_MEAN},
        {"pooling_mode_max_tokens", "max", INK_POOLING_MAX},
        {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", INK_POOLING_AUTO},
        {"pooling_mode_weightedmean_tokens", "weightedmean", INK_POOLING_AUTO},
        {"pooling_mode_lasttoken", "lasttoken", INK_POOLING_AUTO},
    };
    ink__json json;
    const char *name = NULL;
    INK_TRY(ink__json_open(&json, path, err));
    ink_status st = ink__json_string(&name, &json, json.root, "pooling_mode", err);
    size_t chosen = 0;
    for (size_t i = 0; i < sizeof modes / sizeof *modes && st == INK_OK; ++i) {
        bool on = name && strcmp(modes[i].name, name) == 0;
        st = ink__json_bool(&on, &json, json.root, modes[i].flag, err);
        if (st != INK_OK || !on)
            continue;
        ++chosen;
        model->pooling = modes[i].pooling;
        if (modes[i].pooling == INK_POOLING_AUTO)
            st = ink_fail(err, INK_E_UNSUPPORTED,
                          "%s: pooling mode \"%s\"; Inkling pools by cls, mean or max", path, modes[i].name);
    }
    if (st == INK_OK && chosen != 1)
        st = ink_fail(err, INK_E_UNSUPPORTED, "%s: %zu pooling modes that Inkling knows, wanted one", path,
                      chosen);
    ink__json_close(&json);
    return st;
}

/* One entry of modules.json. */
static ink_status read_module(ink_model *model, const ink__json *json, const json_t *module, ink_error *err)
{
    const char *type = NULL, *path = "";
    if (!json_is_object(module))
        return ink_fail(err, INK_E_FORMAT, "%s: an entry is not an object", json->path);
    INK_TRY(ink__json_string(&type, json, module, "type", err));
    INK_TRY(ink__json_string(&path, json, module, "path", err));
    const char *name = type ? strrchr(type, '.') : NULL;
    name = name ? name + 1 : type ? type : "";
    if (strcmp(name, "Transformer") == 0)
        return INK_OK;
    if (strcmp(name, "Normalize") == 0) {
        model->normalize = true;
        return INK_OK;
    }
    if (strcmp(name, "Pooling") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: module \"%s\"; Inkling does Transformer, Pooling, Normalize", json->path, name);
    if (path[0] == '/' || strstr(path, ".."))
        return ink_fail(err, INK_E_FORMAT, "%s: path \"%s\" leaves the directory", json->path, path);
    char *dir = NULL, *file = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__path_join(&dir, model->dir, path, err));
    INK_TRY_GOTO(ink__path_join(&file, dir, "config.json", err));
    st = read_pooling(model, file, err);
done:
    free(dir);
    free(file);
    return st;
}

static ink_status read_modules(ink_model *model, const char *path, ink_error *err)
{
    ink__json json;
    INK_TRY(ink__json_open_array(&json, path, err));
    ink_status st = INK_OK;
    for (size_t i = 0; i < json_array_size(json.root) && st == INK_OK; ++i)
        st = read_module(model, &json, json_array_get(json.root, i), err);
    ink__json_close(&json);
    return st;
}

static ink_status read_max_length(ink_model *model, const char *path, ink_error *err)
{
    ink__json json;
    INK_TRY(ink__json_open(&json, path, err));
    const ink_status st = ink__json_size(&model->embed_max_length, &json, json.root, "max_seq_length", err);
    ink__json_close(&json);
    return st;
}

ink_status ink__pooling_read(ink_model *model, ink_error *err)
{
    static const struct {
        const char *file;
        ink_status (*read)(ink_model *model, const char *path, ink_error *err);
    } files[] = {
        {"modules.json", read_modules},
        {"1_Pooling/config.json", read_pooling}, /* alone where there is no modules.json */
        {"sentence_bert_config.json", read_max_length},
    };
    model->pooling = INK_POOLING_MEAN;
    const bool listed = ink__file_exists(model->dir, files[0].file);
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        if ((i == 1 && listed) || !ink__file_exists(model->dir, files[i].file))
            continue;
        char *path;
        INK_TRY(ink__path_join(&path, model->dir, files[i].file, err));
        const ink_status st = files[i].read(model, path, err);
        free(path);
        INK_TRY(st);
    }
    return INK_OK;
}
