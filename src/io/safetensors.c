/* Reads safetensors files: see safetensors.h. The format and the order of the checks are those of the
 * reference reader (huggingface/safetensors, safetensors/src/tensor.rs, read_metadata and validate):
 *
 *   8 bytes      N, little endian
 *   N bytes      {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}, padded with spaces
 *   the rest     the tensors' bytes; offsets count from here, and every byte belongs to exactly one tensor
 *
 * It is stricter in three points: the header must open with "{", as the specification says; no name may come
 * twice; "__metadata__" must be an object of strings where it is present. */
#include "io/tensor_set.h"
#include "io/json.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER_BYTES_MAX 100000000u

static const struct {
    const char *name;
    size_t size;
} dtypes[INK__DTYPES] = {
    [INK__U64] = {"U64", 8},   [INK__I64] = {"I64", 8}, [INK__F64] = {"F64", 8},   [INK__F32] = {"F32", 4},
    [INK__U32] = {"U32", 4},   [INK__I32] = {"I32", 4}, [INK__BF16] = {"BF16", 2}, [INK__F16] = {"F16", 2},
    [INK__U16] = {"U16", 2},   [INK__I16] = {"I16", 2}, [INK__I8] = {"I8", 1},     [INK__U8] = {"U8", 1},
    [INK__BOOL] = {"BOOL", 1},
};

const char *ink__dtype_name(ink__dtype dtype)
{
    return dtypes[dtype].name;
}

size_t ink__dtype_size(ink__dtype dtype)
{
    return dtypes[dtype].size;
}

/* Where a tensor lies, while its file is being checked. */
typedef struct span {
    ink__tensor_entry *entry;
    size_t begin, end;
} span;

static ink_status read_dtype(ink__tensor *tensor, const char *path, const json_t *info, ink_error *err)
{
    const json_t *dtype = json_object_get(info, "dtype");
    if (!json_is_string(dtype))
        return ink_fail(err, INK_E_FORMAT, "%s: tensor " INK__QUOTED ": its \"dtype\" is %s, wanted a string",
                        path, tensor->name, dtype ? ink__json_kind(dtype) : "missing");
    for (size_t i = 0; i < INK__DTYPES; ++i)
        if (strcmp(dtypes[i].name, json_string_value(dtype)) == 0) {
            tensor->dtype = (ink__dtype)i;
            return INK_OK;
        }
    return ink_fail(err, INK_E_FORMAT,
                    "%s: tensor " INK__QUOTED ": dtype " INK__QUOTED
                    " is unknown, wanted F32, F16, BF16, F64, BOOL, "
                    "or I or U with 8, 16, 32 or 64",
                    path, tensor->name, json_string_value(dtype));
}

/* sizes[0..*n) = the whole numbers of an array of min to max of them. */
static ink_status read_sizes(size_t *sizes, size_t *n, const char *path, const char *name, const json_t *info,
                             const char *key, size_t min, size_t max, ink_error *err)
{
    const json_t *array = json_object_get(info, key);
    if (!json_is_array(array))
        return ink_fail(err, INK_E_FORMAT, "%s: tensor " INK__QUOTED ": its \"%s\" is %s, wanted an array",
                        path, name, key, array ? ink__json_kind(array) : "missing");
    *n = json_array_size(array);
    if (*n < min || *n > max)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: tensor " INK__QUOTED ": its \"%s\" has %zu numbers, wanted %zu to %zu", path,
                        name, key, *n, min, max);
    for (size_t i = 0; i < *n; ++i) {
        const json_t *number = json_array_get(array, i);
        if (!json_is_integer(number) || json_integer_value(number) < 0)
            return ink_fail(err, INK_E_FORMAT,
                            "%s: tensor " INK__QUOTED
                            ": number %zu of its \"%s\" is not a whole number from 0",
                            path, name, i + 1, key);
        sizes[i] = (size_t)json_integer_value(number);
    }
    return INK_OK;
}

/* Fills the span's tensor and offsets, and holds them against each other and the data's size. */
static ink_status read_tensor(span *place, const ink__tensor_file *file, size_t data_bytes,
                              const json_t *info, ink_error *err)
{
    ink__tensor *tensor = &place->entry->tensor;
    const char *name = tensor->name;
    size_t offsets[2], n;
    if (!json_is_object(info))
        return ink_fail(err, INK_E_FORMAT, "%s: tensor " INK__QUOTED " is %s, wanted an object", file->path,
                        name, ink__json_kind(info));
    INK_TRY(read_dtype(tensor, file->path, info, err));
    INK_TRY(read_sizes(tensor->shape, &tensor->rank, file->path, name, info, "shape", 0, INK__MAX_RANK, err));
    INK_TRY(read_sizes(offsets, &n, file->path, name, info, "data_offsets", 2, 2, err));
    place->begin = offsets[0], place->end = offsets[1];
    if (place->begin > place->end || place->end > data_bytes)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: tensor " INK__QUOTED
                        ": its offsets %zu to %zu do not lie in the file's %zu bytes of data",
                        file->path, name, place->begin, place->end, data_bytes);
    tensor->bytes = dtypes[tensor->dtype].size;
    for (size_t i = 0; i < tensor->rank; ++i)
        if (!ink__mul(&tensor->bytes, tensor->bytes, tensor->shape[i]))
            return ink_fail(err, INK_E_FORMAT, "%s: tensor " INK__QUOTED ": its shape overflows", file->path,
                            name);
    if (tensor->bytes != place->end - place->begin)
        return ink_fail(
            err, INK_E_FORMAT,
            "%s: tensor " INK__QUOTED ": its offsets span %zu bytes, its shape and dtype %s take %zu",
            file->path, name, place->end - place->begin, dtypes[tensor->dtype].name, tensor->bytes);
    return INK_OK;
}

static ink_status check_metadata(const char *path, json_t *metadata, ink_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return ink_fail(err, INK_E_FORMAT, "%s: its \"__metadata__\" is %s, wanted an object", path,
                        ink__json_kind(metadata));
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: its \"__metadata__\" has %s under " INK__QUOTED ", wanted a string", path,
                            ink__json_kind(value), key);
    }
    return INK_OK;
}

static int by_place(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Every byte of the data must belong to exactly one tensor; sets where each one's data is. */
static ink_status lay_out(span *places, size_t n, const char *path, const unsigned char *data,
                          size_t data_bytes, ink_error *err)
{
    size_t end = 0;
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n; ++i) {
        ink__tensor *tensor = &places[i].entry->tensor;
        if (places[i].begin < end)
            return ink_fail(err, INK_E_FORMAT,
                            "%s: tensors " INK__QUOTED " and " INK__QUOTED
                            " overlap: one ends at byte %zu, the other "
                            "begins at %zu",
                            path, places[i - 1].entry->tensor.name, tensor->name, end, places[i].begin);
        if (places[i].begin > end)
            return ink_fail(err, INK_E_FORMAT,
                            "%s: a hole before tensor " INK__QUOTED
                            ": bytes %zu to %zu of the data belong to none",
                            path, tensor->name, end, places[i].begin);
        tensor->data = data + end;
        end = places[i].end;
    }
    if (end != data_bytes)
        return ink_fail(err, INK_E_FORMAT, "%s: its tensors end at byte %zu of the data, the file holds %zu",
                        path, end, data_bytes);
    return INK_OK;
}

/* Parses the header of a mapped file into file->header; *data_bytes is what follows it. */
static ink_status read_header(ink__tensor_file *file, size_t *header_bytes, ink_error *err)
{
    const unsigned char *bytes = file->map.data;
    const size_t size = file->map.size;
    uint64_t n = 0;
    if (size < 8)
        return ink_fail(err, INK_E_FORMAT, "%s: has %zu bytes, too few for a safetensors file", file->path,
                        size);
    for (int i = 7; i >= 0; --i)
        n = n << 8 | bytes[i];
    if (n > HEADER_BYTES_MAX)
        return ink_fail(
            err, INK_E_FORMAT,
            "%s: its header claims %llu bytes, at most %u are allowed (is it a safetensors file?)",
            file->path, (unsigned long long)n, HEADER_BYTES_MAX);
    if (n > size - 8)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: its header claims %llu bytes, only %zu follow (is it cut off?)", file->path,
                        (unsigned long long)n, size - 8);
    const char *text = (const char *)bytes + 8;
    if (n == 0 || text[0] != '{')
        return ink_fail(err, INK_E_FORMAT, "%s: its header does not begin with \"{\"", file->path);
    if (!ink__json_modest(text, n))
        return ink_fail(err, INK_E_FORMAT, "%s: its header holds too many JSON values", file->path);
    json_error_t why;
    /* Integers stay integers here: a shape of 2.0 is wrong, and one of 20 digits too large for any file. */
    file->header = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    if (!file->header && json_error_code(&why) == json_error_out_of_memory)
        return ink_fail(err, INK_E_MEMORY, "%s: no memory for its header of %llu bytes", file->path,
                        (unsigned long long)n);
    if (!file->header)
        return ink_fail(err, INK_E_FORMAT, "%s: its header is not valid JSON: %s (byte %d)", file->path,
                        why.text, why.position);
    *header_bytes = (size_t)n;
    return INK_OK;
}

ink_status ink__tensors_add_file(ink__tensors *tensors, const char *path, ink_error *err)
{
    ink_status st;
    span *places = NULL;
    size_t header_bytes, n = 0;
    INK_TRY(ink__grow(&tensors->files, &tensors->files_capacity, tensors->n_files + 1, sizeof *tensors->files,
                      "files", err));
    ink__tensor_file *file = &tensors->files[tensors->n_files];
    *file = (ink__tensor_file){0};
    INK_TRY(ink__strndup(&file->path, path, strlen(path), err));
    ++tensors->n_files;
    INK_TRY(ink__map_open(&file->map, path, err));
    INK_TRY(read_header(file, &header_bytes, err));

    /* The header was mapped and parsed, so its number of keys is no more than the file can hold. */
    const size_t n_keys = json_object_size(file->header), data_bytes = file->map.size - 8 - header_bytes;
    INK_TRY(ink__grow(&tensors->entries, &tensors->entries_capacity, tensors->n_entries + n_keys,
                      sizeof *tensors->entries, "tensors", err));
    INK_TRY(ink__calloc(&places, n_keys, sizeof *places, "tensors", err));
    const char *name;
    json_t *info;
    json_object_foreach(file->header, name, info)
    {
        if (strcmp(name, "__metadata__") == 0) {
            INK_TRY_GOTO(check_metadata(path, info, err));
            continue;
        }
        places[n].entry = &tensors->entries[tensors->n_entries + n];
        *places[n].entry = (ink__tensor_entry){{.name = name}, tensors->n_files - 1};
        INK_TRY_GOTO(read_tensor(&places[n], file, data_bytes, info, err));
        ++n;
    }
    st = lay_out(places, n, path, file->map.data + 8 + header_bytes, data_bytes, err);
    tensors->n_entries += n;
done:
    free(places);
    return st;
}

static int by_name(const void *a, const void *b)
{
    const ink__tensor_entry *x = a, *y = b;
    return strcmp(x->tensor.name, y->tensor.name);
}

static int by_name_and_file(const void *a, const void *b)
{
    const ink__tensor_entry *x = a, *y = b;
    const int order = by_name(a, b);
    return order != 0 ? order : (x->file > y->file) - (x->file < y->file);
}

void ink__tensors_finish(ink__tensors *tensors)
{
    if (tensors->n_entries > 0)
        qsort(tensors->entries, tensors->n_entries, sizeof *tensors->entries, by_name_and_file);
    for (size_t i = 0; i < tensors->n_entries; ++i) {
        ink__tensor *t = &tensors->entries[i].tensor;
        char name[512];
        if (t->dtype != INK__I8 || t->rank != 2 ||
            snprintf(name, sizeof name, "%s.scale", t->name) >= (int)sizeof name)
            continue;
        const ink__tensor *scale = ink__tensors_find(tensors, name);
        if (scale && scale->dtype == INK__F32 && scale->rank == 1 && scale->shape[0] == t->shape[0])
            t->scale = scale->data;
    }
}

ink_status ink__tensors_open(ink__tensors **out, const char *path, ink_error *err)
{
    ink__tensors *tensors;
    *out = NULL;
    INK_TRY(ink__calloc(&tensors, 1, sizeof *tensors, "tensors", err));
    const ink_status st = ink__tensors_add_file(tensors, path, err);
    if (st != INK_OK) {
        ink__tensors_free(tensors);
        return st;
    }
    ink__tensors_finish(tensors);
    *out = tensors;
    return INK_OK;
}

void ink__tensors_free(ink__tensors *tensors)
{
    if (!tensors)
        return;
    for (size_t i = 0; i < tensors->n_files; ++i) {
        json_decref(tensors->files[i].header);
        ink__map_close(&tensors->files[i].map);
        free(tensors->files[i].path);
    }
    free(tensors->files);
    free(tensors->entries);
    free(tensors);
}

size_t ink__tensors_count(const ink__tensors *tensors)
{
    return tensors->n_entries;
}

const ink__tensor *ink__tensors_at(const ink__tensors *tensors, size_t i)
{
    return &tensors->entries[i].tensor;
}

size_t ink__tensors_index(const ink__tensors *tensors, const ink__tensor *tensor)
{
    const ink__tensor_entry *entry =
        (const void *)((const char *)tensor - offsetof(ink__tensor_entry, tensor));
    return (size_t)(entry - tensors->entries);
}

const ink__tensor *ink__tensors_find(const ink__tensors *tensors, const char *name)
{
    const ink__tensor_entry key = {.tensor.name = name};
    const ink__tensor_entry *found = NULL;
    if (tensors->n_entries > 0)
        found = bsearch(&key, tensors->entries, tensors->n_entries, sizeof key, by_name);
    return found ? &found->tensor : NULL;
}

void ink__tensors_release_pages(const ink__tensor *tensor)
{
    /* Only whole pages, so that a neighbour's are left alone. A failure costs memory, nothing else. */
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)tensor->data;
    const uintptr_t first = (begin + page - 1) / page * page, last = (begin + tensor->bytes) / page * page;
    if (first < last)
        (void)madvise((void *)first, last - first, MADV_DONTNEED);
}
