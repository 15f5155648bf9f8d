/* Small labelled sets for tests: written, and read with the tokenizer of a golden model. */
#ifndef INK_TESTS_TRAIN_DATA_H
#define INK_TESTS_TRAIN_DATA_H

#include "io/scratch.h"
#include "train/findings.h"

static ink_error err;
static ink_tokenizer *tokenizer;

static inline void open_tokenizer(void)
{
    make_scratch();
    assert_ok(ink_tokenizer_open(&tokenizer, INK_TEST_DATA "/golden/bert-tiny-cls", &err), err);
}

static inline void close_tokenizer(void)
{
    ink_tokenizer_free(tokenizer);
    remove_scratch();
}

static inline ink__dataset_options options_for(const char *const *path)
{
    return (ink__dataset_options){
        .records = {.inputs = path, .n_inputs = 1}, .tokenizer = tokenizer, .threads = 1};
}

/* Reads a file of that text, as a task. */
static inline ink_status read_task(ink__dataset *d, const char *name, const char *text, ink__task task)
{
    const char *path = scratch_text(name, text);
    ink__dataset_options options = options_for(&path);
    options.task = task;
    return ink__dataset_read(d, &options, &err);
}

static inline void read_set(ink__dataset *d, const char *name, const char *text)
{
    assert_ok(read_task(d, name, text, INK__TASK_AUTO), err);
}

/* "a,b|c||": the labels of every record by name. */
static inline const char *labels_of(const ink__dataset *d)
{
    static char text[4096];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < d->n; ++i) {
        for (size_t j = d->label_offsets[i]; j < d->label_offsets[i + 1]; ++j)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                     j > d->label_offsets[i] ? "," : "", d->names.names[d->labels[j]]);
        used += (size_t)snprintf(text + used, sizeof text - used, "|");
    }
    return text;
}

/* "1 2 3": the ids of the records, as JSON text. */
static inline const char *record_ids(const ink__dataset *d)
{
    static char texts[4][4096];
    static int next;
    char *text = texts[next++ % 4];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < d->n; ++i)
        used += (size_t)snprintf(text + used, sizeof texts[0] - used, "%s%.*s", i ? " " : "",
                                 (int)d->rows[i].id_len, d->id_text.data + d->rows[i].id);
    return text;
}

#define expect_text(found, wanted)                                                                           \
    do {                                                                                                     \
        const char *found_ = (found);                                                                        \
        cr_expect(strcmp(found_, (wanted)) == 0, "`%s`, wanted `%s`", found_, (wanted));                     \
    } while (0)

#endif
