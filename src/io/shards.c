/* A directory's tensors: one model.safetensors, or several files that model.safetensors.index.json lists:
 *
 *   {"metadata":{...},"weight_map":{"encoder.weight":"model-00001-of-00002.safetensors",...}}
 */
#include "io/tensor_set.h"
#include "io/json.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define SINGLE "model.safetensors"
#define INDEX  "model.safetensors.index.json"

/* Nothing that leaves the directory, whatever an index says. */
static bool is_plain_name(const char *name)
{
    return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* names[0..*n_shards) = the shards of weight_map, each once, borrowed from it. names has room for all. */
static ink_status list_shards(const char **names, size_t *n_shards, const char *path, json_t *weight_map,
                              ink_error *err)
{
    size_t n = 0;
    const char *tensor;
    json_t *shard;
    json_object_foreach(weight_map, tensor, shard)
    {
        const char *name = json_string_value(shard);
        if (!name)
            return ink_fail(err, INK_E_FORMAT,
                            "%s: tensor " INK__QUOTED " has %s for its file, wanted a name", path, tensor,
                            ink__json_kind(shard));
        if (!is_plain_name(name) || strlen(name) != json_string_length(shard))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: tensor " INK__QUOTED " is said to be in " INK__QUOTED
                            ", which is not a plain file name",
                            path, tensor, name);
        names[n++] = name;
    }
    if (n == 0)
        return ink_fail(err, INK_E_FORMAT, "%s: its \"weight_map\" names no tensor", path);
    qsort(names, n, sizeof *names, by_text);
    *n_shards = 1;
    for (size_t i = 1; i < n; ++i)
        if (strcmp(names[i], names[*n_shards - 1]) != 0)
            names[(*n_shards)++] = names[i];
    return INK_OK;
}

/* Holds the sorted tensors of all shards against the index; names are the shards', in the order of files. */
static ink_status check_index(const ink__tensors *tensors, const char *const *names, const char *path,
                              json_t *weight_map, ink_error *err)
{
    for (size_t i = 0; i < tensors->n_entries; ++i) {
        const ink__tensor_entry *entry = &tensors->entries[i];
        const char *name = entry->tensor.name, *file = names[entry->file];
        if (i + 1 < tensors->n_entries && strcmp(name, entry[1].tensor.name) == 0)
            return ink_fail(err, INK_E_FORMAT, "%s: tensor " INK__QUOTED " is in two shards, %s and %s", path,
                            name, file, names[entry[1].file]);
        const char *said = json_string_value(json_object_get(weight_map, name));
        if (!said)
            return ink_fail(err, INK_E_FORMAT,
                            "%s: shard %s holds tensor " INK__QUOTED ", which is not in the index", path,
                            file, name);
        if (strcmp(said, file) != 0)
            return ink_fail(err, INK_E_FORMAT,
                            "%s: tensor " INK__QUOTED " is in %s, not in %s as the index says", path, name,
                            file, said);
    }
    const char *name;
    json_t *shard;
    json_object_foreach(weight_map, name, shard)
    {
        if (!ink__tensors_find(tensors, name))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: tensor " INK__QUOTED " is not in %s, where the index puts it", path, name,
                            json_string_value(shard));
    }
    return INK_OK;
}

static ink_status open_shards(ink__tensors *tensors, const char *dir, const char *path, ink_error *err)
{
    ink_status st;
    ink__json index = {0};
    const char **names = NULL;
    char *shard = NULL;
    size_t n_shards = 0;
    INK_TRY_GOTO(ink__json_open(&index, path, err));
    json_t *weight_map = json_object_get(index.root, "weight_map");
    if (!json_is_object(weight_map)) {
        st = ink_fail(err, INK_E_FORMAT, "%s: its \"weight_map\" is %s, wanted an object", path,
                      weight_map ? ink__json_kind(weight_map) : "missing");
        goto done;
    }
    INK_TRY_GOTO(ink__calloc(&names, json_object_size(weight_map), sizeof *names, "shard names", err));
    INK_TRY_GOTO(list_shards(names, &n_shards, path, weight_map, err));
    for (size_t i = 0; i < n_shards; ++i) {
        INK_TRY_GOTO(ink__path_join(&shard, dir, names[i], err));
        INK_TRY_GOTO(ink__tensors_add_file(tensors, shard, err));
        free(shard);
        shard = NULL;
    }
    ink__tensors_finish(tensors);
    st = check_index(tensors, names, path, weight_map, err);
done:
    free(shard);
    free(names);
    ink__json_close(&index);
    return st;
}

/* What to say where neither SINGLE nor INDEX is there. */
static ink_status explain_absence(const char *dir, ink_error *err)
{
    static const char *const pickles[] = {"pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt",
                                          "model.pth"};
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; ++i)
        if (ink__file_exists(dir, pickles[i]))
            return ink_fail(
                err, INK_E_UNSUPPORTED,
                "%s: holds pickled weights (%s), which can run code when they are read; make a " SINGLE
                " elsewhere with the class that config.json names under \"architectures\": "
                "BertForSequenceClassification.from_pretrained(dir).save_pretrained(new_dir), say",
                dir, pickles[i]);
    return ink_fail(err, INK_E_IO, "%s: has no " SINGLE " and no " INDEX, dir);
}

ink_status ink__tensors_open_dir(ink__tensors **out, const char *dir, ink_error *err)
{
    ink_status st;
    char *path = NULL;
    ink__tensors *tensors = NULL;
    *out = NULL;
    const bool single = ink__file_exists(dir, SINGLE);
    if (!single && !ink__file_exists(dir, INDEX))
        return explain_absence(dir, err);
    INK_TRY_GOTO(ink__path_join(&path, dir, single ? SINGLE : INDEX, err));
    if (single) {
        st = ink__tensors_open(out, path, err);
        goto done;
    }
    INK_TRY_GOTO(ink__calloc(&tensors, 1, sizeof *tensors, "tensors", err));
    INK_TRY_GOTO(open_shards(tensors, dir, path, err));
    *out = tensors;
    tensors = NULL;
done:
    ink__tensors_free(tensors);
    free(path);
    return st;
}
