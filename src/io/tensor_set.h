/* What ink__tensors is made of: shared by the reader of one file and the reader of shards, no one else. */
#ifndef INK_IO_TENSOR_SET_H
#define INK_IO_TENSOR_SET_H

#include "io/file.h"
#include "io/safetensors.h"

#include <jansson.h>

typedef struct ink__tensor_file {
    char *path;
    ink__map map;
    json_t *header; /* owns the names */
} ink__tensor_file;

typedef struct ink__tensor_entry {
    ink__tensor tensor;
    size_t file; /* index into files */
} ink__tensor_entry;

struct ink__tensors {
    ink__tensor_entry *entries;
    size_t n_entries, entries_capacity;
    ink__tensor_file *files;
    size_t n_files, files_capacity;
};

/* A tensor or file name in a sentence: whatever its length, the rest of the sentence still fits. */
#define INK__QUOTED "\"%.160s\""

/* Maps and checks one more file and appends its tensors, in no order. On failure tensors can only be freed.
 */
ink_status ink__tensors_add_file(ink__tensors *tensors, const char *path, ink_error *err);

/* When all files are there: sorts by name, and gives I8 tensors their scales. */
void ink__tensors_finish(ink__tensors *tensors);

#endif
