/* safetensors: named tensors in one file (https://github.com/huggingface/safetensors). The reader trusts
 * nothing; the writer's bytes equal the reference writer's. */
#ifndef INK_IO_SAFETENSORS_H
#define INK_IO_SAFETENSORS_H

#include "core/status.h"

enum { INK__MAX_RANK = 8 };

/* In the reference writer's order: largest alignment first. */
typedef enum ink__dtype {
    INK__U64,
    INK__I64,
    INK__F64,
    INK__F32,
    INK__U32,
    INK__I32,
    INK__BF16,
    INK__F16,
    INK__U16,
    INK__I16,
    INK__I8,
    INK__U8,
    INK__BOOL,
    INK__DTYPES
} ink__dtype;

const char *ink__dtype_name(ink__dtype dtype); /* "F32" */
size_t ink__dtype_size(ink__dtype dtype);      /* bytes of one element */

typedef struct ink__tensor {
    const char *name;
    ink__dtype dtype;
    size_t rank, shape[INK__MAX_RANK];
    const void *data; /* [shape...] row-major, little endian, perhaps unaligned */
    size_t bytes;
    const void *scale; /* of I8 rows beside which NAME.scale is: [shape[0]] floats; else NULL */
} ink__tensor;

/* A mapped file (or a set of shards that share one index), its tensors sorted by name. */
typedef struct ink__tensors ink__tensors;

/* INK_E_IO or INK_E_FORMAT, the text naming file, tensor and offence: header over 100,000,000 bytes or past
 * the end of the file, not JSON, duplicate names, offsets outside the data, holes, overlaps, a size that is
 * not its shape's, an unknown dtype, rank above INK__MAX_RANK. */
ink_status ink__tensors_open(ink__tensors **tensors, const char *path, ink_error *err);

/* dir/model.safetensors, or the shards named in dir/model.safetensors.index.json: shard names must be plain
 * file names, every tensor must be where weight_map says, none may be missing, extra or in two shards.
 * INK_E_UNSUPPORTED with a one-line hint where dir holds only pickled weights (pytorch_model.bin). */
ink_status ink__tensors_open_dir(ink__tensors **tensors, const char *dir, ink_error *err);
void ink__tensors_free(ink__tensors *tensors); /* NULL is fine */

size_t ink__tensors_count(const ink__tensors *tensors);
const ink__tensor *ink__tensors_at(const ink__tensors *tensors, size_t i);
size_t ink__tensors_index(const ink__tensors *tensors, const ink__tensor *tensor);   /* of one of them */
const ink__tensor *ink__tensors_find(const ink__tensors *tensors, const char *name); /* or NULL */

/* Hints that a tensor's pages will not be read again soon. */
void ink__tensors_release_pages(const ink__tensor *tensor);

/* Writes n tensors atomically with metadata {"format":"pt"}, in the reference writer's order and bytes. */
ink_status ink__tensors_write(const char *path, const ink__tensor *tensors, size_t n, ink_error *err);

#endif
